package lint

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// neighbour is something in a pod that translates addresses by rules of its own.
// Where the init container bypasses, these are not asked any more: once a
// connection has a translation, the kernel looks for no other.
type neighbour struct {
	// found gives the field that shows it, false where it is not there.
	found func(*examination) (edit.Path, bool)
	// loses says what of its traffic is bypassed, "" for nothing.
	loses func(*Workload) string
	// message has places for what it loses.
	message string
}

// The metadata address of cloud machines.
var metadataAddress = netip.MustParseAddr("169.254.169.254")

// injectProxy has the webhook of Azure workload identity put its proxy into a
// pod that does not have it already (Azure/azure-workload-identity
// pkg/webhook/consts.go; its rules are in init/init-iptables.sh).
const (
	injectProxy   = "azure.workload.identity/inject-proxy-sidecar"
	azureProxy    = "azwi-proxy"
	azureInit     = "azwi-proxy-init"
	azureMetadata = 80
)

var neighbours = []neighbour{
	{
		found: func(e *examination) (edit.Path, bool) {
			for _, c := range e.containers {
				if c.name() == azureProxy || c.name() == azureInit {
					return e.path(c, "name"), true
				}
			}
			return e.workload.annotation(injectProxy), e.annotation(injectProxy) == "true"
		},
		loses: func(w *Workload) string {
			c := traffic.Connection{Protocol: traffic.TCP, Address: metadataAddress, Port: azureMetadata}
			if d := w.settings.Decide(c); d.Verdict == traffic.Bypassed {
				return string(d.By)
			}
			return ""
		},
		message: "the proxy of Azure workload identity in this pod redirects 169.254.169.254:80 to itself, but %s lets that bypass, and the init container ends every redirection of what bypasses: the workload would ask for tokens of the node's identity. Leave 169.254.169.254 out for this workload, or set enforcement.mode: AnnotationsOnly in a rule for it",
	},
	{
		found: func(e *examination) (edit.Path, bool) {
			for _, c := range e.containers {
				if c.privileged() && dockerInDocker(c) {
					return e.path(c, "securityContext", "privileged"), true
				}
			}
			return nil, false
		},
		loses: func(w *Workload) string {
			if !w.opensInbound() {
				return ""
			}
			return portsOf(w.inbound)
		},
		message: "the Docker in this pod publishes its containers' ports by address translation, but the init container ends every translation of what bypasses, here %s: a container's port published there is not reached. Publish others, or set enforcement.mode: AnnotationsOnly in a rule for this workload",
	},
}

// dockerInDocker reports whether a container runs a Docker daemon, by the names of
// its official image (docker:dind, docker:27) and of what is made from it.
func dockerInDocker(c container) bool {
	image := c.Entry("image").Text()
	repository, tag, _ := strings.Cut(image[strings.LastIndexByte(image, '/')+1:], ":")
	repository, _, _ = strings.Cut(repository, "@")
	return repository == "docker" && !strings.Contains(tag, "cli") || strings.Contains(repository, "dind") || strings.Contains(tag, "dind") || c.name() == "dind"
}

// otherProxy finds pods with address translations that a bypass would end. An
// annotation alone ends none but the mesh's.
func otherProxy(e *examination) {
	if !e.workload.contained {
		return
	}
	for _, n := range neighbours {
		path, found := n.found(e)
		if !found {
			continue
		}
		if lost := n.loses(e.workload); lost != "" {
			e.find(e.workload.Object, path, "", fmt.Sprintf(n.message, lost))
		}
	}
}

// podPrivilege finds containers that may change the rules in the pod's network
// namespace, which limits promise something about.
func podPrivilege(e *examination) {
	for _, c := range e.containers {
		switch {
		case !e.linter.limited || c.accounted:
		case c.privileged():
			e.find(e.workload.Object, e.path(c, "securityContext", "privileged"), "", "privileged: true")
		case slices.ContainsFunc(c.Below("securityContext", "capabilities", "add").Items(), changesRules):
			e.find(e.workload.Object, e.path(c, "securityContext", "capabilities", "add"), "", "NET_ADMIN")
		}
	}
}

// changesRules reports whether a capability, as a container runtime reads its name,
// is one by which rules are changed.
func changesRules(capability node.Value) bool {
	name := strings.TrimPrefix(strings.ToUpper(capability.Text()), "CAP_")
	return name == "NET_ADMIN" || name == "ALL"
}

// proxyUser finds containers whose connections the mesh takes for its sidecar's, by
// their own security context or the pod's.
func proxyUser(e *examination) {
	of, annotations := e.linter.policy.Mesh, e.template.Strings()
	for _, field := range []string{mesh.AsUser, mesh.AsGroup} {
		ids, inherits := of.Sidecars(field, annotations), false
		for _, c := range e.containers {
			given := c.Entry("securityContext").Entry(field)
			switch {
			case c.name() == of.Sidecar, slices.Contains(of.Containers, c.name()):
			case !given.Exists() || given.IsNull():
				inherits = true
			case slices.Contains(ids, number(given)):
				e.find(e.workload.Object, e.path(c, "securityContext", field), "", field, number(given))
			}
		}
		if given := e.pod.Below("securityContext", field); inherits && slices.Contains(ids, number(given)) {
			path := append(slices.Clone(e.workload.spec), "securityContext", field)
			e.find(e.workload.Object, path, "", field, number(given))
		}
	}
}

// number gives a number as it is written without a prefix, "" for anything else.
func number(v node.Value) string {
	if digits := v.Digits(); digits != "" {
		return digits
	}
	var n int64
	if v.Decode(&n) != nil {
		return ""
	}
	return strconv.FormatInt(n, 10)
}
