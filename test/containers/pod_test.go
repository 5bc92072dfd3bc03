package containers

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/images/build/image"
	"github.com/krm-bypass/krm-bypass/test/lab"
	"github.com/krm-bypass/krm-bypass/test/lab/interceptor"
)

// object is a part of a manifest.
type object = map[string]any

// rendered gives the Deployment of testdata as krm-bypass renders it, with what
// is to stand in spec.enforcement.
func rendered(t *testing.T, enforcement object) object {
	t.Helper()
	return renderedFrom(t, func(spec object) { maps.Copy(spec["enforcement"].(object), enforcement) })
}

// renderedFrom gives it as rendered from a specification that is changed before.
func renderedFrom(t *testing.T, change func(spec object)) object {
	t.Helper()
	text, err := os.ReadFile("testdata/bypass.yaml")
	require.NoError(t, err)
	var spec object
	require.NoError(t, yaml.Unmarshal(text, &spec))
	change(spec["spec"].(object))
	text, err = yaml.Marshal(spec)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "bypass.yaml")
	require.NoError(t, os.WriteFile(file, text, 0o600))
	out, err := exec.Command(filepath.Join(root, "bin/krm-bypass"), "render", "--spec", file, "testdata/deployment.yaml").Output()
	require.NoError(t, err)
	var deployment object
	require.NoError(t, yaml.Unmarshal(out, &deployment))
	return deployment
}

func podSpec(deployment object) object {
	return deployment["spec"].(object)["template"].(object)["spec"].(object)
}

// ours gives the rendered init container.
func ours(t *testing.T, deployment object) object {
	t.Helper()
	containers := podSpec(deployment)["initContainers"].([]any)
	require.Len(t, containers, 1)
	return containers[0].(object)
}

// istioInit is the init container that Istio's injector puts into a pod (istio/istio
// manifests/charts/istio-control/istio-discovery/files/injection-template.yaml).
func istioInit(more ...string) object {
	var args []any
	for _, a := range interceptor.IstioArguments(append([]string{"--dual-stack"}, more...)...) {
		args = append(args, a)
	}
	return object{
		"name": "istio-init", "image": istioImage, "args": args,
		"securityContext": object{
			"allowPrivilegeEscalation": false, "privileged": false, "readOnlyRootFilesystem": false,
			"capabilities": object{"add": []any{"NET_ADMIN", "NET_RAW"}, "drop": []any{"ALL"}},
			"runAsGroup":   0, "runAsNonRoot": false, "runAsUser": 0,
		},
	}
}

var sidecar = object{
	"name": "istio-proxy", "image": standinImage,
	"args":            []any{"serve", "outbound proxy=15001", "inbound proxy=15006"},
	"securityContext": object{"runAsUser": lab.IstioProxy},
}

// inject makes of a deployment what reaches the kubelet: with the sidecar, and with
// the init containers given.
func inject(deployment object, initContainers ...object) {
	spec := podSpec(deployment)
	var all []any
	for _, c := range initContainers {
		all = append(all, c)
	}
	spec["initContainers"] = all
	spec["containers"] = append(slices.Clone(spec["containers"].([]any)), sidecar)
}

// nodeAddress is that of the node on which the pod would be.
const nodeAddress = "192.0.2.10"

// adapt makes up for what podman 4.3.1 does unlike a kubelet when it plays a pod:
//
//   - it refuses the downward API's status.podIP and status.hostIP (pkg/specgen/
//     generate/kube), so that the addresses stand there, as the kubelet would put
//     them;
//   - it restarts an init container that has succeeded, for ever, where the pod's
//     restartPolicy is Always, which a Deployment's has to be;
//   - it takes away an init container that is done, with its log, unless told
//     otherwise by an annotation;
//   - it does not run init containers again with pod restart, only with pod start;
//   - it knows no init container that goes on (restartPolicy Always): test/e2e has those.
//
// Of the security context it takes all but seccompProfile, in the place of which
// its own default profile holds (see TestTheInitContainerHasWhatWasRendered).
func adapt(t *testing.T, deployment object) {
	t.Helper()
	addresses := map[string]string{"status.podIP": lab.PodAddress.IPv4.String(), "status.hostIP": nodeAddress}
	spec := podSpec(deployment)
	for _, c := range spec["initContainers"].([]any) {
		env, _ := c.(object)["env"].([]any)
		for i, variable := range env {
			of := variable.(object)
			field := of["valueFrom"].(object)["fieldRef"].(object)["fieldPath"].(string)
			require.Contains(t, addresses, field)
			env[i] = object{"name": of["name"], "value": addresses[field]}
		}
	}
	spec["restartPolicy"] = "Never"
	metadata := deployment["metadata"].(object)
	annotations, _ := metadata["annotations"].(object)
	if annotations == nil {
		annotations = object{}
		metadata["annotations"] = annotations
	}
	annotations["io.podman.annotations.init.container.type"] = "always"
}

// play has podman play a deployment; it goes with the test.
func play(t *testing.T, deployment object) error {
	t.Helper()
	adapt(t, deployment)
	text, err := yaml.Marshal(deployment)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "deployment.yaml")
	require.NoError(t, os.WriteFile(file, text, 0o600))
	t.Cleanup(func() { mustPodman(t, "pod", "rm", "--force", "--time", "0", podName) })
	_, err = podman("kube", "play", "--quiet",
		"--network", fmt.Sprintf("%s:ip=%s,ip=%s", network, lab.PodAddress.IPv4, lab.PodAddress.IPv6), file)
	return err
}

// podName is what podman makes of the Deployment's.
const podName = "web-pod-0"

// world is everybody outside of the pod, and is in the namespace in which podman
// makes its bridge: each address and port there answers by one name.
func world(t *testing.T) *lab.Host {
	t.Helper()
	outside := lab.Adopt(t, "outside", "/proc/thread-self/ns/net")
	outside.Run(t, "ip", "link", "set", "lo", "up")
	outside.BeEverywhere(t, lab.World.Ports[0])
	t.Cleanup(func() {
		outside.Run(t, "nft", "delete", "table", "inet", "everywhere")
		for _, family := range []string{"-4", "-6"} {
			outside.Run(t, "ip", family, "route", "del", "local", "default", "dev", "lo", "table", "main")
		}
	})
	outside.Answer(t, lab.World)
	return outside
}

// seen is who answered, in the pod's application's view and from outside.
type seen struct{ outbound, inbound map[string]string }

func look(t *testing.T, outside *lab.Host) seen {
	t.Helper()
	found := seen{map[string]string{}, map[string]string{}}
	asked := append([]string{"exec", podName + "-application", "/standin", "ask"}, slices.Sorted(maps.Keys(whatIsBypassed.outbound))...)
	for line := range strings.Lines(mustPodman(t, asked...)) {
		to, by, _ := strings.Cut(strings.TrimSpace(line), "=")
		found.outbound[to] = by
	}
	for to := range whatIsBypassed.inbound {
		address := netip.MustParseAddrPort(to)
		require.Eventually(t, func() bool {
			found.inbound[to] = outside.Ask(lab.Root, "tcp", netip.Addr{}, address)
			return found.inbound[to] != "refused"
		}, patience, 50*time.Millisecond)
	}
	return found
}

// Who answers where the specification of testdata holds, and where the mesh does
// what it likes.
var (
	whatIsBypassed = seen{
		outbound: map[string]string{
			"192.0.2.1:3306":       "outside",
			"[2001:db8::1]:3306":   "outside",
			"192.0.2.1:7005":       "outside",
			"192.0.2.1:7011":       "outbound proxy",
			"192.0.2.1:80":         "outbound proxy",
			"[2001:db8::1]:80":     "outbound proxy",
			"198.51.100.9:80":      "outside",
			"[2001:db8:1::9]:80":   "outside",
			"203.0.113.9:5432":     "outside",
			"203.0.113.9:80":       "outbound proxy",
			"192.0.2.1:5432":       "outbound proxy",
			"[2001:db8::203]:5432": "outbound proxy",
		},
		inbound: map[string]string{
			"10.244.0.2:8080":    "inbound proxy",
			"[fd00:244::2]:8080": "inbound proxy",
			"10.244.0.2:9090":    "application",
			"[fd00:244::2]:9090": "application",
		},
	}
	whatTheMeshDoes = func() seen {
		all := seen{map[string]string{}, map[string]string{}}
		for to := range whatIsBypassed.outbound {
			all.outbound[to] = "outbound proxy"
		}
		for to := range whatIsBypassed.inbound {
			all.inbound[to] = "inbound proxy"
		}
		return all
	}()
)

var meshes = []struct {
	name  string
	flags []string
}{
	{"iptables", nil},
	{"native nftables", []string{"--native-nftables"}},
}

// TestTheMeshAlone shows that everything is intercepted where nothing of ours is in
// the pod.
func TestTheMeshAlone(t *testing.T) {
	for _, mesh := range meshes {
		t.Run(mesh.name, func(t *testing.T) {
			outside := world(t)
			deployment := rendered(t, object{})
			inject(deployment, istioInit(mesh.flags...))
			require.NoError(t, play(t, deployment))
			assert.Equal(t, whatTheMeshDoes, look(t, outside))
		})
	}
}

// orders are those in which Istio's injector leaves the init containers: its own last
// without native sidecars, and first with them (pkg/kube/inject/webhook.go, reorderPod).
var orders = []struct {
	name string
	of   func(ours, istio object) []object
}{
	{"krm-bypass-init before istio-init", func(ours, istio object) []object { return []object{ours, istio} }},
	{"istio-init before krm-bypass-init", func(ours, istio object) []object { return []object{istio, ours} }},
}

// TestTheBypassInAPod plays what is rendered, with the images as they were made.
func TestTheBypassInAPod(t *testing.T) {
	for _, mesh := range meshes {
		for _, order := range orders {
			t.Run(mesh.name+", "+order.name, func(t *testing.T) {
				outside := world(t)
				deployment := rendered(t, object{})
				inject(deployment, order.of(ours(t, deployment), istioInit(mesh.flags...))...)
				require.NoError(t, play(t, deployment))
				assert.Contains(t, logOf(t, "krm-bypass-init"), `msg="bypass applied" backend=nftables`)
				assert.Equal(t, whatIsBypassed, look(t, outside))
			})
		}
	}
}

// TestTheVariantWithIptables makes the image with iptables on a base of this
// machine's, and plays it behind and before rules of iptables-legacy.
func TestTheVariantWithIptables(t *testing.T) {
	variant := makeVariant(t)
	for _, order := range orders {
		t.Run(order.name, func(t *testing.T) {
			outside := world(t)
			deployment := rendered(t, object{"image": variant, "backend": "iptables"})
			inject(deployment, order.of(ours(t, deployment), istioInit(interceptor.Legacy...))...)
			require.NoError(t, play(t, deployment), logOf(t, "krm-bypass-init")+logOf(t, "istio-init"))
			assert.Contains(t, logOf(t, "krm-bypass-init"), `msg="bypass applied" backend=iptables`)
			assert.Equal(t, whatIsBypassed, look(t, outside))
		})
	}
}

func makeVariant(t *testing.T) (reference string) {
	t.Helper()
	files, err := iptables()
	require.NoError(t, err)
	built, err := image.Contents{Files: files}.On(image.Base{}, platform)
	require.NoError(t, err)
	base, output := filepath.Join(t.TempDir(), "base"), t.TempDir()
	require.NoError(t, image.WriteLayout(base, tagOf(t, "localhost/base:test"), image.Index(nil, image.Variant{Platform: platform, Image: built}), nil))
	command := exec.Command(".cache/build", "make", "--programs=.cache/images", "--output="+output,
		"--version=v0.1.0", "--platform="+platform.String(), "--base="+base)
	command.Dir = root
	said, err := command.CombinedOutput()
	require.NoError(t, err, string(said))
	require.NoError(t, load(filepath.Join(output, "krm-bypass-init-iptables-linux-"+platform.Architecture+".tar")))
	return initImage + "-iptables"
}

func logOf(t *testing.T, container string) string {
	t.Helper()
	// Both streams, as they came.
	out, err := exec.Command(filepath.Join(folder, "bin", "docker"), "logs", podName+"-"+container).CombinedOutput()
	require.NoError(t, err, string(out))
	return string(out)
}

// TestTheInitContainerHasWhatWasRendered reads from what runc was given that the
// security context and resources are those that were rendered.
func TestTheInitContainerHasWhatWasRendered(t *testing.T) {
	deployment := rendered(t, object{"resources": object{
		"limits":   object{"cpu": "200m", "memory": "64Mi"},
		"requests": object{"cpu": "10m", "memory": "16Mi"},
	}})
	before, err := yaml.Marshal(ours(t, deployment)["securityContext"])
	require.NoError(t, err)
	inject(deployment, ours(t, deployment))
	require.NoError(t, play(t, deployment))
	after, err := yaml.Marshal(ours(t, deployment)["securityContext"])
	require.NoError(t, err)
	require.Equal(t, string(before), string(after))
	require.YAMLEq(t, `
allowPrivilegeEscalation: false
capabilities: {add: [NET_ADMIN], drop: [ALL]}
privileged: false
readOnlyRootFilesystem: true
runAsGroup: 0
runAsNonRoot: false
runAsUser: 0
seccompProfile: {type: RuntimeDefault}
`, string(before))

	text, err := os.ReadFile(strings.TrimSpace(mustPodman(t, "inspect", "--format", "{{.OCIConfigPath}}", podName+"-krm-bypass-init")))
	require.NoError(t, err)
	var config struct {
		Process struct {
			User            struct{ UID, GID int }
			Capabilities    struct{ Bounding, Effective, Permitted, Inheritable, Ambient []string }
			NoNewPrivileges bool
		}
		Root  struct{ Readonly bool }
		Linux struct {
			Seccomp struct {
				DefaultAction string
				Syscalls      []any
			}
			Resources struct {
				Memory struct{ Limit, Reservation int64 }
				CPU    struct{ Quota, Period int64 }
			}
		}
	}
	require.NoError(t, json.Unmarshal(text, &config))
	alone := []string{"CAP_NET_ADMIN"}
	capabilities := config.Process.Capabilities
	assert.Equal(t, [][]string{alone, alone, alone}, [][]string{capabilities.Bounding, capabilities.Effective, capabilities.Permitted})
	assert.Empty(t, slices.Concat(capabilities.Inheritable, capabilities.Ambient))
	assert.True(t, config.Process.NoNewPrivileges)
	assert.True(t, config.Root.Readonly)
	assert.Zero(t, config.Process.User.UID+config.Process.User.GID)
	assert.Equal(t, "SCMP_ACT_ERRNO", config.Linux.Seccomp.DefaultAction)
	assert.NotEmpty(t, config.Linux.Seccomp.Syscalls)
	assert.Equal(t, int64(64<<20), config.Linux.Resources.Memory.Limit)
	assert.Equal(t, int64(16<<20), config.Linux.Resources.Memory.Reservation)
	assert.Equal(t, 0.2, float64(config.Linux.Resources.CPU.Quota)/float64(config.Linux.Resources.CPU.Period)) //nolint:testifylint // these are round
}

// TestWithoutNETADMINThePodDoesNotStart takes the one capability away.
func TestWithoutNETADMINThePodDoesNotStart(t *testing.T) {
	for _, order := range orders {
		t.Run(order.name, func(t *testing.T) {
			deployment := rendered(t, object{})
			container := ours(t, deployment)
			delete(container["securityContext"].(object)["capabilities"].(object), "add")
			inject(deployment, order.of(container, istioInit())...)
			err := play(t, deployment)
			require.ErrorContains(t, err, "init container")
			require.ErrorContains(t, err, "exited with code 1")
			assert.Equal(t, "krm-bypass-init: applying the bypass: reading the rules: netlink receive: operation not permitted: "+
				"the capability NET_ADMIN is missing, add it to the container's securityContext.capabilities.add\n", logOf(t, "krm-bypass-init"))
			for _, container := range []string{"application", "istio-proxy"} {
				assert.Equal(t, "created", strings.TrimSpace(mustPodman(t, "inspect", "--format", "{{.State.Status}}", podName+"-"+container)), container)
			}
		})
	}
}

// TestOnANodeThePodDoesNotStart gives the init container the addresses of a pod with
// hostNetwork.
func TestOnANodeThePodDoesNotStart(t *testing.T) {
	deployment := rendered(t, object{})
	container := ours(t, deployment)
	for _, variable := range container["env"].([]any) {
		variable.(object)["valueFrom"] = object{"fieldRef": object{"fieldPath": "status.podIP"}}
	}
	inject(deployment, container)
	require.Error(t, play(t, deployment))
	assert.Contains(t, logOf(t, "krm-bypass-init"), "this is the network namespace of a node, not of a pod: the pod's address 10.244.0.2 is the node's")
}
