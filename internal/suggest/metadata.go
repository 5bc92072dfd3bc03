package suggest

import (
	"fmt"
	"slices"
	"strings"
)

// cloud is an address at which the machine of a pod, and no Service, answers.
type cloud struct {
	name string
	// signs are texts in commands, arguments and variables by which a pod shows that it
	// asks there.
	signs   []string
	address string
	// kept is why nothing is proposed, "" where it is.
	kept   string
	source string
}

var clouds = []cloud{
	{"the instance metadata of AWS", []string{"fd00:ec2::254"}, "fd00:ec2::254", "", "docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html"},
	{"the metadata server of Google Cloud", []string{"metadata.google.internal"}, "169.254.169.254", "", "cloud.google.com/compute/docs/metadata/querying-metadata"},
	{"the metadata of Alibaba Cloud", []string{"100.100.100.200"}, "100.100.100.200", "", "alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata"},
	{"the machine's metadata (AWS, Azure, Google Cloud)", []string{"169.254.169.254"}, "169.254.169.254", "", "learn.microsoft.com/en-us/azure/virtual-machines/instance-metadata-service"},
	{
		"the agent of EKS Pod Identity", []string{"169.254.170.23", "fd00:ec2::23"}, "169.254.170.23",
		"it answers through the sidecar as well; keep it out of ranges such as 169.254.0.0/16", "aws/eks-pod-identity-agent README.md",
	},
	{
		"the credentials of ECS tasks", []string{"169.254.170.2/"}, "169.254.170.2",
		"there is no such address in a pod of Kubernetes", "docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html",
	},
}

const (
	azureUse   = "azure.workload.identity/use"
	azureProxy = "azure.workload.identity/inject-proxy-sidecar"
	gkeAccount = "iam.gke.io/gcp-service-account"
)

// metadata is what pods ask the machine that they run on.
var metadata = source{
	reads: func() []string { return []string{"ServiceAccount"} },
	look: func(t *tree) {
		bound := map[[2]string]*thing{}
		for _, o := range t.beside["ServiceAccount"] {
			if o.Annotations[gkeAccount] != "" {
				bound[[2]string{o.namespace, o.Name}] = o
			}
		}
		for _, w := range t.workloads {
			if w.TemplateAnnotations[azureProxy] == "true" {
				t.note("%s: keep 169.254.169.254 in this workload's traffic: its annotation %s redirects it to the proxy of Azure workload identity, and a bypass ends that", w.name, azureProxy)
				continue
			}
			if w.TemplateLabels[azureUse] == "true" {
				t.note("%s: Azure workload identity (label %s) asks login.microsoftonline.com and no address of the machine, so it needs no bypass", w.name, azureUse)
			}
			if o := bound[[2]string{w.namespace, w.account}]; o != nil {
				t.ask(w, clouds[1], "its "+o.at("metadata", "annotations")+" is bound to an account of Google Cloud")
				continue
			}
			for _, c := range clouds {
				if by := w.says(c.signs); by != "" {
					t.ask(w, c, by)
				}
			}
		}
	},
}

// says gives the container that says one of some texts.
func (w *workload) says(signs []string) string {
	for _, c := range w.containers {
		for _, sign := range signs {
			if slices.ContainsFunc(c.words, func(word string) bool { return strings.Contains(word, sign) }) {
				return "its container " + c.name + " says " + sign
			}
		}
	}
	return ""
}

func (t *tree) ask(w *workload, c cloud, by string) {
	if c.kept != "" {
		t.note("%s: no bypass is proposed for %s (%s; %s): %s", w.name, c.name, by, c.source, c.kept)
		return
	}
	t.suggest(Suggestion{
		workload: w, ranges: []string{c.address}, reasons: []string{fmt.Sprintf("%s asks %s: %s", w.name, c.name, by)},
		doubts: []string{"it answers through the sidecar as well, unless the mesh lets out only what it knows (REGISTRY_ONLY), or it is asked before the sidecar is there"},
	})
}

// nodeLocal is where node-local DNS answers on every node (kubernetes/kubernetes
// cluster/addons/dns/nodelocaldns/nodelocaldns.yaml).
const (
	nodeLocal = "169.254.20.10"
	dnsPort   = 53
)

var nodeDNS = source{look: func(t *tree) {
	for _, w := range t.workloads {
		if slices.Contains(w.resolvers, nodeLocal) {
			t.suggest(Suggestion{
				workload: w, pairs: []destination{{nodeLocal, dnsPort}}, reasons: []string{w.name + " asks node-local DNS at " + nodeLocal + " (dnsConfig)"},
				doubts: []string{"DNS over UDP goes past the mesh unless it captures DNS; with capture this ends it for these names"},
			})
		}
	}
}}
