package transform

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// Enforcement is what the init container is made of beside its settings.
type Enforcement struct {
	Image           string // "" where the spec names none
	ImagePullPolicy string
	// ImagePullSecrets are the names of the secrets by which the image is
	// pulled; the pods get them.
	ImagePullSecrets []string
	// Backend is how the rules are programmed: auto, nftables or iptables.
	Backend string
	// Resources is a Kubernetes ResourceRequirements; nil for none.
	Resources *yaml.Node
	// Pinned reports whether an image has a digest; nil where it need not.
	Pinned func(image string) bool
}

// The environment by which the init container knows that it is in the network
// namespace of a pod and not in that of a node.
const (
	podIPVariable  = "KRM_BYPASS_POD_IP"
	hostIPVariable = "KRM_BYPASS_HOST_IP"
)

// container gives an init container of that name. It needs NET_ADMIN in the pod's network
// namespace, as root, and nothing else but what its backend does; the pod's own
// security context may say otherwise, so that the container says all of it
// itself.
func (e Enforcement) container(name string, arguments []string) *yaml.Node {
	if e.Backend != "" && e.Backend != "auto" {
		arguments = append([]string{"--backend=" + e.Backend}, arguments...)
	}
	if len(arguments) == 0 { // where nothing bypasses any more; an API server keeps no empty list
		arguments = []string{"apply"}
	}
	entries := []*yaml.Node{
		node.Str("name"), node.Str(name),
		node.Str("image"), node.Str(e.Image),
	}
	if e.ImagePullPolicy != "" {
		entries = append(entries, node.Str("imagePullPolicy"), node.Str(e.ImagePullPolicy))
	}
	entries = append(entries,
		node.Str("args"), node.Seq(each.As(arguments, node.Str)...),
		node.Str("env"), environment())
	if e.Resources != nil {
		entries = append(entries, node.Str("resources"), e.Resources)
	}
	return node.Map(append(entries, node.Str("securityContext"), securityContext(e.Backend))...)
}

// What every init container has is made once. Nobody writes into it: an edit copies what
// it puts into a document.
var (
	environment = sync.OnceValue(func() *yaml.Node {
		return node.Seq(fieldVariable(podIPVariable, "status.podIP"), fieldVariable(hostIPVariable, "status.hostIP"))
	})
	withoutRawSocket = sync.OnceValue(func() *yaml.Node { return securityContextWith(node.Str("NET_ADMIN")) })
	withRawSocket    = sync.OnceValue(func() *yaml.Node { return securityContextWith(node.Str("NET_ADMIN"), node.Str("NET_RAW")) })
)

// securityContext is the init container's.
func securityContext(backend string) *yaml.Node {
	if backend == RawSocketBackend {
		return withRawSocket()
	}
	return withoutRawSocket()
}

func securityContextWith(capabilities ...*yaml.Node) *yaml.Node {
	return node.Map(
		node.Str("allowPrivilegeEscalation"), node.Bool(false),
		node.Str("capabilities"), node.Map(
			node.Str("add"), node.Seq(capabilities...),
			node.Str("drop"), node.Seq(node.Str("ALL"))),
		node.Str("privileged"), node.Bool(false),
		node.Str("readOnlyRootFilesystem"), node.Bool(true),
		node.Str("runAsGroup"), node.Int(0),
		node.Str("runAsNonRoot"), node.Bool(false),
		node.Str("runAsUser"), node.Int(0),
		node.Str("seccompProfile"), node.Map(node.Str("type"), node.Str("RuntimeDefault")))
}

// RawSocketBackend is the backend that works through a raw socket: that of
// iptables-legacy (iptables libiptc/libiptc.c, TC_INIT).
const RawSocketBackend = "iptables"

func fieldVariable(name, path string) *yaml.Node {
	return node.Map(node.Str("name"), node.Str(name),
		node.Str("valueFrom"), node.Map(node.Str("fieldRef"), node.Map(node.Str("fieldPath"), node.Str(path))))
}

// pullSecretsField is the field of a pod spec by which the kubelet finds the
// credentials for registries (k8s.io/api/core/v1, PodSpec).
const pullSecretsField = "imagePullSecrets"

// pullSecret gives the name in an entry of a pod's image pull secrets, and
// whether there is nothing else in it.
func pullSecret(item node.Value) (name string, alone bool) {
	return item.Entry("name").Text(), item.IsMapping() && item.Len() == 1
}

func pullSecretEntry(name string) *yaml.Node { return node.Map(node.Str("name"), node.Str(name)) }

// missingPullSecrets gives those of the image pull secrets that the user did not
// give the pod.
func (e Enforcement) missingPullSecrets(w *Workload, was *record) []string {
	users := slices.Clone(w.hasPullSecrets)
	for _, place := range slices.Backward(w.pullSecrets.ours(was)) {
		users = slices.Delete(users, place, place+1)
	}
	return slices.DeleteFunc(slices.Clone(e.ImagePullSecrets), func(name string) bool { return slices.Contains(users, name) })
}

// enforces reports whether a container is an init container of krm-bypass's, by its
// name or its image, whoever wrote it.
func (p *Policy) enforces(c container) bool {
	image := repository(p.Enforcement.Image)
	return isContainer(c.name) || image != "" && image == repository(c.value.Entry("image").Text())
}

// unlike says what of an init container by a name of ours is not as it would be written now. Its
// arguments are the workload's settings: they are named where the rest is as it should be.
func (p *Policy) unlike(c container) string {
	if p.Removes {
		return ""
	}
	var fields []string
	differences(nil, node.Of(p.Enforcement.container(c.name, nil)), c.value, func(path edit.Path, _, is node.Value) {
		if path[0] != "args" {
			fields = append(fields, path.String()+" is "+listed(is))
		}
	})
	if fields == nil {
		return fmt.Sprintf(" (its args are %s; the rest is as spec.enforcement has it)", listed(c.value.Entry("args")))
	}
	return fmt.Sprintf(" (unlike spec.enforcement: %s)", some(fields))
}

// repository gives an image without its tag and its digest.
func repository(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if tag := strings.LastIndexByte(image, ':'); tag > strings.LastIndexByte(image, '/') {
		image = image[:tag]
	}
	return image
}

// programs are the fields of a container by which another program may run in it than
// its image's with its arguments. krm-bypass writes none of them.
var programs = []struct{ field, called string }{
	{"command", "a command"}, {"lifecycle", "hooks"},
	{"livenessProbe", "a probe"}, {"readinessProbe", "a probe"}, {"startupProbe", "a probe"},
	{"restartPolicy", "a restartPolicy"}, {"volumeMounts", "volumes"}, {"volumeDevices", "volumes"},
}

// argued gives what the arguments of such a container let bypass. Where nobody can
// tell, doubt says by what of it. Arguments that the program refuses let nothing
// bypass.
func (c container) argued() (lets traffic.Layer, doubt string) {
	for _, p := range programs {
		if value := c.value.Entry(p.field); value.Exists() && !value.IsNull() {
			return lets, p.called
		}
	}
	values := map[traffic.Field][]string{}
	args := c.value.Entry("args")
	for i, arg := range args.Items() {
		if strings.Contains(arg.Text(), "$(") { // the kubelet puts a variable there
			return lets, "a variable in its arguments"
		}
		flag, value, joined := strings.Cut(strings.TrimLeft(arg.Text(), "-"), "=")
		if !joined {
			value = args.Item(i + 1).Text()
		}
		for _, f := range traffic.Fields {
			if f.Flag() == flag {
				values[f] = append(values[f], value)
			}
		}
	}
	settings, err := traffic.ParseArguments(values)
	if err != nil {
		return lets, ""
	}
	return settings.Layer(), ""
}
