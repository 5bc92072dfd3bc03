package transform

import (
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// Enforcement is what the init container is made of beside its settings.
type Enforcement struct {
	Image           string
	ImagePullPolicy string
	// ImagePullSecrets are the names of the secrets by which the image is
	// pulled; the pods get them.
	ImagePullSecrets []string
	// Backend is how the rules are programmed: auto, nftables or iptables.
	Backend string
	// Resources is a Kubernetes ResourceRequirements; nil for none.
	Resources *yaml.Node
}

// The environment by which the init container knows that it is in the network
// namespace of a pod and not in that of a node.
const (
	podIPVariable  = "KRM_BYPASS_POD_IP"
	hostIPVariable = "KRM_BYPASS_HOST_IP"
)

// container gives the init container. It needs NET_ADMIN in the pod's network
// namespace, as root, and nothing else but what its backend does; the pod's own
// security context may say otherwise, so that the container says all of it
// itself.
func (e Enforcement) container(s traffic.Settings) *yaml.Node {
	var args []*yaml.Node
	if e.Backend != "" && e.Backend != "auto" {
		args = append(args, str("--backend="+e.Backend))
	}
	for _, a := range s.Arguments() {
		args = append(args, str(a))
	}
	entries := []*yaml.Node{
		str("name"), str(InitName),
		str("image"), str(e.Image),
	}
	if e.ImagePullPolicy != "" {
		entries = append(entries, str("imagePullPolicy"), str(e.ImagePullPolicy))
	}
	entries = append(entries,
		str("args"), seq(args...),
		str("env"), seq(fieldVariable(podIPVariable, "status.podIP"), fieldVariable(hostIPVariable, "status.hostIP")))
	if e.Resources != nil {
		entries = append(entries, str("resources"), e.Resources)
	}
	entries = append(entries, str("securityContext"), mapping(
		str("allowPrivilegeEscalation"), boolean(false),
		str("capabilities"), mapping(
			str("add"), seq(capabilities(e.Backend)...),
			str("drop"), seq(str("ALL"))),
		str("privileged"), boolean(false),
		str("readOnlyRootFilesystem"), boolean(true),
		str("runAsGroup"), integer(0),
		str("runAsNonRoot"), boolean(false),
		str("runAsUser"), integer(0),
		str("seccompProfile"), mapping(str("type"), str("RuntimeDefault"))))
	return mapping(entries...)
}

// rawSocketBackend is the backend that works through a raw socket: that of
// iptables-legacy (iptables libiptc/libiptc.c, TC_INIT).
const rawSocketBackend = "iptables"

// capabilities are those that the init container needs for a backend.
func capabilities(backend string) []*yaml.Node {
	needed := []*yaml.Node{str("NET_ADMIN")}
	if backend == rawSocketBackend {
		needed = append(needed, str("NET_RAW"))
	}
	return needed
}

func fieldVariable(name, path string) *yaml.Node {
	return mapping(str("name"), str(name),
		str("valueFrom"), mapping(str("fieldRef"), mapping(str("fieldPath"), str(path))))
}

func str(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
}

func boolean(value bool) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(value)}
}

func integer(value int) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.Itoa(value)}
}

func nullNode() *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: ""}
}

func mapping(entries ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: entries}
}

func seq(items ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: items}
}

// pullSecretsField is the field of a pod spec by which the kubelet finds the
// credentials for registries (k8s.io/api/core/v1, PodSpec).
const pullSecretsField = "imagePullSecrets"

// pullSecret gives the name in an entry of a pod's image pull secrets, and
// whether there is nothing else in it.
func pullSecret(item *yaml.Node) (name string, alone bool) {
	item = resolved(item)
	return text(child(item, "name")), item != nil && item.Kind == yaml.MappingNode && len(item.Content) == 2
}

func pullSecretEntry(name string) *yaml.Node { return mapping(str("name"), str(name)) }

// missingPullSecrets gives those of the image pull secrets that the user did not
// give the pod.
func (e Enforcement) missingPullSecrets(w *Workload, was *record) []string {
	users := slices.Clone(w.hasPullSecrets)
	for _, place := range slices.Backward(w.pullSecrets.ours(was)) {
		users = slices.Delete(users, place, place+1)
	}
	return slices.DeleteFunc(slices.Clone(e.ImagePullSecrets), func(name string) bool { return slices.Contains(users, name) })
}
