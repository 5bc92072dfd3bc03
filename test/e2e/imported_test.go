package e2e_test

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/test/lab"
	"github.com/krm-bypass/krm-bypass/test/lab/interceptor"
)

// said are annotations that a mesh reads, without what their names begin with.
type said = map[string]string

// tree is one of testdata/import.
type tree struct {
	name string
	// manifests is the folder of input that is rendered.
	manifests string
	prefix    string // of the annotations
	mesh      interceptor.Interceptor
	// before is what the mesh's init container is told for each workload of the input:
	// read off by hand, as the mesh's injector reads values, namespace and template, and
	// written as the annotations of a pod for which nothing else says anything.
	before map[string]said
	// values are what stays configured in the mesh, as annotations say it, which
	// stand instead.
	values said
	// configured is the mesh where its injector adds what is configured to what a pod
	// says; nil where it does not.
	configured *interceptor.Interceptor
	// readsNamespaces is set where the mesh reads annotations of Namespaces, too.
	readsNamespaces bool
	// emptySaysNothing is set where an empty annotation leaves what is configured.
	emptySaysNothing bool
	// skipped is an address from which the mesh lets callers past.
	skipped netip.Addr
}

var importedTrees = []tree{
	{
		// istio/istio 86c9f01 manifests/charts/istio-control/istio-discovery/files/injection-template.yaml:
		// of each flag the annotation, else global.proxy of the values (pkg/kube/inject/template.go, getAnnotation).
		name: "istio-umbrella", manifests: "teams", prefix: "traffic.sidecar.istio.io/",
		mesh:   interceptor.Istio("iptables-nft", "--force-iptables-binary", "nft"),
		values: said{"excludeOutboundIPRanges": "169.254.169.254/32", "excludeInboundPorts": "9100"},
		before: map[string]said{
			"Deployment shop/storefront": {"excludeOutboundIPRanges": "169.254.169.254/32", "excludeInboundPorts": "9100", "excludeOutboundPorts": "3306"},
			"Deployment shop/orders":     {"excludeOutboundIPRanges": "169.254.169.254/32,203.0.113.0/24", "excludeInboundPorts": "9100", "excludeOutboundPorts": " 3306"},
			"CronJob shop/reconcile":     {"excludeOutboundIPRanges": "169.254.169.254/32", "excludeInboundPorts": "9100", "excludeOutboundPorts": "3306"},
			"Job shop/migrate-0042":      {"excludeOutboundIPRanges": "169.254.169.254/32", "excludeInboundPorts": "9100", "excludeOutboundPorts": "3306"},
			"StatefulSet data/ledger":    {"excludeOutboundIPRanges": "169.254.169.254/32", "excludeInboundPorts": "4567,4568,9100", "excludeOutboundPorts": "4567,4568"},
			"Deployment data/export":     {"excludeOutboundIPRanges": "169.254.169.254/32", "excludeInboundPorts": "", "includeOutboundIPRanges": "10.96.0.0/12", "includeOutboundPorts": "7001"},
			"Deployment data/quiet":      {"excludeOutboundIPRanges": "169.254.169.254/32", "excludeInboundPorts": "9100"},
		},
	},
	{
		// linkerd/linkerd2 b24cd40 pkg/inject/inject.go: a pod gets what it lacks from its Namespace
		// (AppendNamespaceAnnotations), and each annotation stands instead of the value
		// (ApplyAnnotationOverrides), ignoreInboundPorts being 4567,4568 in the chart.
		name: "linkerd-flux", prefix: "config.linkerd.io/skip-", readsNamespaces: true,
		mesh:   interceptor.ByInit("linkerd", interceptor.LinkerdProxy, interceptor.LinkerdInit{Mode: "nft"}, nil),
		values: said{"inbound-ports": "4567,4568", "outbound-ports": "7000-7001,9042", "subnets": "172.17.0.0/16"},
		before: map[string]said{
			"Deployment chat/rooms":    {"inbound-ports": "8005,9100-9101", "outbound-ports": "4222,7001", "subnets": "172.17.0.0/16"},
			"Deployment chat/presence": {"inbound-ports": "4567,4568", "outbound-ports": "4222,7001", "subnets": "172.17.0.0/16"},
			"StatefulSet chat/history": {"inbound-ports": "4567,4568", "outbound-ports": "9042", "subnets": "172.17.0.0/16"},
			"Deployment web/web":       {"inbound-ports": "4567,4568", "outbound-ports": "7000-7001,9042", "subnets": "172.17.0.0/16"},
		},
		skipped: netip.MustParseAddr("172.17.0.9"),
	},
	{
		// kumahq/kuma 348b652 pkg/transparentproxy/kubernetes/kubernetes_config.go,
		// redirectExcludePorts and redirectExcludePortsForIPs: the annotation if it is not
		// empty, else the control plane's configuration.
		name: "kuma", prefix: "traffic.kuma.io/exclude-", emptySaysNothing: true,
		mesh:   interceptor.ByInit("kuma", interceptor.KumaProxy, interceptor.KumaInit{Backend: interceptor.IptablesNFT, IPv4: true}, nil),
		values: said{"inbound-ports": "9100", "outbound-ports": "9411,3306", "outbound-ips": "192.0.2.0/24", "inbound-ips": "198.51.100.7"},
		before: map[string]said{
			"Deployment shop/basket": {"inbound-ports": "9100", "outbound-ports": "6379, 3306", "outbound-ips": "203.0.113.0/24,192.0.2.254", "inbound-ips": "198.51.100.7"},
			"Deployment shop/front":  {"inbound-ports": "8005", forUsers: "tcp:443:1000", "outbound-ports": "9411,3306", "outbound-ips": "192.0.2.0/24", "inbound-ips": "198.51.100.7"},
			"Deployment shop/mail":   {"inbound-ports": "9100", "outbound-ports": "9411,3306", "outbound-ips": "192.0.2.0/24", "inbound-ips": "198.51.100.7"},
		},
		skipped: netip.MustParseAddr("198.51.100.7"),
	},
	{
		// flomesh-io/fsm f1b55bd pkg/injector/exclusions.go, MergePortExclusionLists and its
		// twin for ranges: MeshConfig and the pod's annotations, added up.
		name: "fsm", prefix: "flomesh.io/",
		mesh:       interceptor.FSM.Interceptor(interceptor.IptablesNFT, "", nil),
		configured: new(interceptor.FSM.Interceptor(interceptor.IptablesNFT, `{"traffic": {"outboundPortExclusionList": [3306], "outboundIPRangeExclusionList": ["192.0.2.254/32"]}}`, nil)),
		before: map[string]said{
			"Deployment bookbuyer/bookbuyer":         {"outbound-port-exclusion-list": "3306", "outbound-ip-range-exclusion-list": "192.0.2.254/32,203.0.113.0/24,198.51.100.0/24"},
			"Deployment bookstore/bookstore":         {"outbound-port-exclusion-list": "3306,6379", "outbound-ip-range-exclusion-list": "192.0.2.254/32", "inbound-port-exclusion-list": "14001"},
			"Deployment bookwarehouse/bookwarehouse": {"outbound-port-exclusion-list": "3306", "outbound-ip-range-exclusion-list": "192.0.2.254/32"},
		},
	},
}

// TestImported has the meshes' own rules judge import: what is answered past the sidecar
// in a pod of each workload is the same before, and after import took the annotations out
// and render wrote what it had printed. And it is what had.yaml says.
func TestImported(t *testing.T) {
	for _, tree := range importedTrees {
		t.Run(tree.name, func(t *testing.T) {
			had := tree.had(t)
			calls := had.calls(tree.skipped)
			after := tree.rendered(t)
			require.ElementsMatch(t, slices.Collect(maps.Keys(had.Workloads)), slices.Collect(maps.Keys(tree.before)))
			for workload, told := range tree.before {
				require.Contains(t, after, workload)
				assert.Equal(t, told[forUsers], after[workload].Metadata.Annotations[tree.prefix+forUsers], workload)
				before := answers(t, tree.mesh.Annotated(tree.annotations(told)), meshAlone, nil, calls)
				settings := had.Workloads[workload].settings(t)
				var differ []string
				for i, call := range calls {
					bypasses := call.from.IsValid() || settings.Decide(call.Connection).Verdict == traffic.Bypassed
					if call.Protocol == traffic.TCP && bypasses != (before[i] == outside || before[i] == application) {
						differ = append(differ, fmt.Sprintf("%v: %s before, and bypassed by had.yaml: %v", call, before[i], bypasses))
					}
				}
				arguments, histories := after[workload].arguments(), orders[:2]
				if len(arguments) == 0 {
					histories = []order{meshAlone}
				}
				for _, order := range histories {
					for i, answer := range answers(t, tree.injects(after, workload), order, arguments, calls) {
						if before[i] != answer {
							differ = append(differ, fmt.Sprintf("%v: %s before, %s after, %s", calls[i], before[i], answer, order.name))
						}
					}
				}
				assert.Empty(t, differ, workload)
			}
		})
	}
}

// forUsers are Kuma's ports for some users, which import leaves alone, and which the rules
// written down here do not have.
const forUsers = "outbound-ports-for-uids"

func (tree tree) annotations(said said) map[string]string {
	annotations := map[string]string{}
	for name, value := range said {
		annotations[tree.prefix+name] = value
	}
	return annotations
}

// injects is the mesh's init container in a pod of a workload.
func (tree tree) injects(templates map[string]template, workload string) interceptor.Interceptor {
	annotations := tree.annotations(tree.values)
	say := func(template template) {
		for key, value := range template.Metadata.Annotations {
			if strings.HasPrefix(key, tree.prefix) && (value != "" || !tree.emptySaysNothing) {
				annotations[key] = value
			}
		}
	}
	if tree.readsNamespaces {
		_, name, _ := strings.Cut(workload, " ")
		namespace, _, _ := strings.Cut(name, "/")
		say(templates["Namespace /"+namespace])
	}
	say(templates[workload])
	return cmp.Or(tree.configured, &tree.mesh).Annotated(annotations)
}

// rendered gives the pod templates by workload, as import --strip and render leave them.
func (tree tree) rendered(t *testing.T) map[string]template {
	t.Helper()
	folder := t.TempDir()
	input, spec := filepath.Join(folder, "input"), filepath.Join(folder, "spec.yaml")
	require.NoError(t, os.CopyFS(input, os.DirFS(tree.file(t, "input"))))
	run := func(arguments ...string) []byte {
		command := exec.Command(lab.Binary(probeProgram.Name), arguments...)
		var complaints bytes.Buffer
		command.Stderr = &complaints
		output, err := command.Output()
		require.NoError(t, err, "%s", complaints.Bytes())
		return output
	}
	require.NoError(t, os.WriteFile(spec, run("import", "--strip", input), 0o600))
	output := run("render", "--spec", spec, "--image", "ghcr.io/krm-bypass/init:v0.1.0", filepath.Join(input, tree.manifests))

	templates := map[string]template{}
	for decoder := yaml.NewDecoder(bytes.NewReader(output)); ; {
		var object object
		err := decoder.Decode(&object)
		if errors.Is(err, io.EOF) {
			return templates
		}
		require.NoError(t, err)
		name := fmt.Sprintf("%s %s/%s", object.Kind, object.Metadata.Namespace, object.Metadata.Name)
		switch object.Kind {
		case "CronJob":
			templates[name] = object.Spec.JobTemplate.Spec.Template
		case "Namespace":
			templates[name] = template{Metadata: object.Metadata.annotated}
		default:
			templates[name] = object.Spec.Template
		}
	}
}

func (tree tree) file(t *testing.T, name string) string {
	t.Helper()
	root, err := lab.RepositoryRoot()
	require.NoError(t, err)
	return filepath.Join(root, "testdata", "import", tree.name, name)
}

// had is what somebody read off a tree.
type had struct{ Workloads map[string]hadFields }

type hadFields map[traffic.Field][]string

func (f hadFields) settings(t *testing.T) traffic.Settings {
	t.Helper()
	var layer traffic.Layer
	for field, entries := range f {
		require.NoError(t, layer.Set(field, entries))
	}
	return layer.Settings()
}

func (tree tree) had(t *testing.T) (had had) {
	t.Helper()
	text, err := os.ReadFile(tree.file(t, "had.yaml"))
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, &had))
	return had
}

// call is a connection that is tried.
type call struct {
	traffic.Connection
	from netip.Addr // the zero address leaves it to the kernel
}

func (c call) String() string {
	return fmt.Sprintf("%v %v %v:%d from %v", c.Direction, c.Protocol, c.Address, c.Port, c.from)
}

// calls are connections to each port and range of all workloads, to their neighbours and
// to some others, at every address, and from where the mesh skips callers.
func (h had) calls(skipped netip.Addr) (calls []call) {
	ports := map[uint16]bool{80: true, 443: true, uint16(20_000 + rand.IntN(20_000)): true}
	addresses := map[netip.Addr]bool{netip.AddrFrom4([4]byte{198, 18, byte(rand.IntN(256)), 7}): true}
	for _, fields := range h.Workloads {
		for _, entry := range slices.Concat(slices.Collect(maps.Values(fields))...) {
			var first, last uint16
			if prefix, err := netip.ParsePrefix(entry); err == nil {
				end := lastOf(prefix)
				addresses[prefix.Addr().Prev()], addresses[prefix.Addr()], addresses[end], addresses[end.Next()] = true, true, true, true
			} else if n, _ := fmt.Sscanf(entry, "%d-%d", &first, &last); n > 0 {
				last = max(first, last)
				ports[first-1], ports[first], ports[last], ports[last+1] = true, true, true, true
			}
		}
	}
	for port := range ports {
		inbound := traffic.Connection{Direction: traffic.Inbound, Protocol: traffic.TCP, Address: lab.PodAddress.IPv4, Port: port}
		calls = append(calls, call{Connection: inbound})
		if skipped.IsValid() {
			calls = append(calls, call{Connection: inbound, from: skipped})
		}
		for address := range addresses {
			calls = append(calls, call{Connection: traffic.Connection{Protocol: traffic.TCP, Address: address, Port: port}})
		}
	}
	for address := range addresses {
		calls = append(calls, call{Connection: traffic.Connection{Protocol: traffic.UDP, Address: address, Port: 53}})
	}
	return calls
}

// lastOf is the last address of a range of IPv4.
func lastOf(prefix netip.Prefix) netip.Addr {
	address := prefix.Masked().Addr().As4()
	last := binary.BigEndian.Uint32(address[:]) | uint32(1<<(32-prefix.Bits())-1)
	binary.BigEndian.PutUint32(address[:], last)
	return netip.AddrFrom4(address)
}

// answers tells who takes each connection in a pod whose init containers ran in an order.
func answers(t *testing.T, mesh interceptor.Interceptor, order order, arguments []string, calls []call) []string {
	t.Helper()
	pod, world := lab.NewPod(t, lab.IPv4)
	for _, step := range order.steps {
		switch step {
		case ours:
			byNftables.apply(t, pod, arguments...)
		case theMesh:
			mesh.Install(t, pod)
		}
	}
	world.Answer(t, lab.World)
	app := lab.Server{Name: application, UID: lab.Application}
	for _, call := range calls {
		if call.Direction == traffic.Inbound && !call.from.IsValid() {
			app.Ports = append(app.Ports, call.Port)
		}
	}
	pod.Answer(t, app)
	for name, port := range map[string]uint16{"inbound proxy": mesh.Proxy.Inbound, "outbound proxy": mesh.Proxy.Outbound, "dns proxy": mesh.Proxy.DNS} {
		if port != 0 {
			pod.Answer(t, lab.Server{Name: name, UID: mesh.Proxy.UID, Ports: []uint16{port}})
		}
	}
	by := make([]string, len(calls))
	for i, call := range calls {
		host, uid := pod, lab.Application
		if call.Direction == traffic.Inbound {
			host, uid = world, lab.Root
		}
		by[i] = host.Ask(uid, strings.ToLower(call.Protocol.String()), call.from, netip.AddrPortFrom(call.Address, call.Port))
	}
	return by
}
