package report

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/test/model"
)

// What rules say, and what somebody writes on workloads by hand, as FIELD=ENTRIES.
var (
	ruled4agreement = []string{
		"", "excludeInboundPorts=7001,7002", "excludeInboundPorts=", "excludeOutboundPorts=5432 excludeInboundPorts=2888",
		"excludeOutboundPorts=7001-7002,9999/UDP", "excludeOutboundIPRanges=10.1.0.0/16", "excludeOutboundIPRanges=10.0.0.0/8 includeOutboundPorts=443",
		"excludeOutbound=10.0.0.0/8@5432,192.0.2.0/24@443", "includeInboundPorts=80,443", "includeInboundPorts=80 excludeInboundPorts=2888",
		"includeOutboundIPRanges=10.0.0.0/8 includeOutboundPorts=7001", "includeOutboundIPRanges= excludeOutboundPorts=80",
	}
	byHand = []string{
		"", "excludeInboundPorts=2888", "includeInboundPorts=2181,2888", "includeInboundPorts=2181,2888 excludeInboundPorts=2888", "excludeOutboundPorts=",
		"excludeOutboundIPRanges=192.0.2.0/24 includeOutboundPorts=80", "excludeOutboundIPRanges=192.0.2.0/24 includeOutboundIPRanges=10.0.0.0/8 includeOutboundPorts=443",
		"excludeOutboundPorts=443 includeOutboundPorts=5432",
	}
	configured = []string{"", "excludeInboundPorts=7002 excludeOutboundPorts=5432", "excludeOutboundIPRanges=192.0.2.0/24"}
	modes      = []string{"InitContainer", "WhereNeeded", "AnnotationsOnly"}
)

// sample are the connections that everybody is asked about.
func sample() []traffic.Connection {
	var all []traffic.Connection
	for _, port := range []uint16{80, 443, 2181, 2888, 5432, 7001, 7002, 9999} {
		all = append(all, traffic.Connection{Direction: traffic.Inbound, Protocol: traffic.TCP, Port: port})
		for _, address := range []string{"10.1.2.3", "10.2.0.1", "192.0.2.7", "198.51.100.1"} {
			all = append(all, traffic.Connection{Protocol: traffic.TCP, Address: netip.MustParseAddr(address), Port: port})
		}
	}
	return all
}

func layerFrom(t *testing.T, text string) traffic.Layer {
	t.Helper()
	var l traffic.Layer
	for part := range strings.FieldsSeq(text) {
		field, list, _ := strings.Cut(part, "=")
		require.NoError(t, l.Set(traffic.Field(field), traffic.SplitList(list)))
	}
	return l
}

// inSpec writes a layer as a rule does.
func inSpec(t *testing.T, text string) string {
	var fields []string
	for _, f := range traffic.Fields {
		entries, says := layerFrom(t, text).Entries(f)
		if !says {
			continue
		}
		for i, entry := range entries {
			entries[i] = fmt.Sprintf("%q", entry)
			if ranges, ports, pair := strings.Cut(entry, "@"); pair {
				entries[i] = fmt.Sprintf("{ipRanges: [%q], ports: [%q]}", ranges, ports)
			}
		}
		fields = append(fields, fmt.Sprintf("%s: [%s]", f, strings.Join(entries, ", ")))
	}
	return strings.Join(fields, ", ")
}

// finished is a workload as it is applied.
type finished struct {
	Metadata struct{ Name string }
	Spec     struct {
		Template struct {
			Metadata struct{ Annotations map[string]string }
			Spec     struct {
				InitContainers []struct{ Args []string } `yaml:"initContainers"`
			}
		}
	}
}

// held says what becomes of a connection there: the init container lets it past
// first, and then the mesh's rules follow the annotations and their configuration.
func (f finished) held(t *testing.T, m *mesh.Mesh, configured traffic.Layer, c traffic.Connection) bool {
	for _, container := range f.Spec.Template.Spec.InitContainers {
		values := map[traffic.Field][]string{}
		for _, arg := range container.Args {
			flag, value, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
			for _, field := range traffic.Fields {
				if field.Flag() == flag {
					values[field] = append(values[field], value)
				}
			}
		}
		settings, err := traffic.ParseArguments(values)
		require.NoError(t, err)
		if settings.Decide(c).Verdict == traffic.Bypassed {
			return true
		}
	}
	return f.annotated(t, m, configured, c)
}

// annotated is what the mesh's own rules make of it.
func (f finished) annotated(t *testing.T, m *mesh.Mesh, configured traffic.Layer, c traffic.Connection) bool {
	annotated, problems := m.Read(f.Spec.Template.Metadata.Annotations)
	require.Empty(t, problems)
	if m.Plane() == mesh.Ambient {
		require.Zero(t, annotated)
		return model.Ambient.Bypass(annotated, c) // nor the sidecars' configuration
	}
	return model.Models[m.Name].Bypass(m.Level(configured, annotated), c)
}

// TestEverybodySaysTheSame holds what explain answers, of manifests from before and
// after render, what the finished manifests do, what check says of them and what the
// limits refuse against one another, for all meshes and data planes.
func TestEverybodySaysTheSame(t *testing.T) {
	n, compared, bypassed := 0, 0, 0
	for _, m := range mesh.All() {
		for _, plane := range mesh.DataPlanes {
			before := compared
			for i, rule := range ruled4agreement {
				for j, own := range configured {
					if n++; m.On(plane) == nil || own != "" && m.Levels == mesh.PodAlone {
						continue // it has no such pods, or no such configuration
					}
					agreement{t: t, mesh: m, plane: plane, rule: rule, configured: own, mode: modes[(i+j)%3], merge: []string{"Override", "Union"}[n%2]}.hold(&compared, &bypassed)
				}
			}
			if m.On(plane) != nil {
				assert.Greater(t, compared, before+3000, "%s %s", m.Name, plane)
			}
		}
	}
	assert.Greater(t, compared, 40000)
	assert.Greater(t, bypassed, compared/10)
}

type agreement struct {
	t                             *testing.T
	mesh                          *mesh.Mesh
	plane                         mesh.DataPlane
	rule, configured, mode, merge string
}

func (a agreement) hold(compared, bypassed *int) {
	t := a.t
	on, says := a.mesh.On(a.plane), inSpec(t, a.rule)
	if a.plane != mesh.Sidecar {
		says = strings.TrimSuffix("dataPlane: "+string(a.plane)+", "+says, ", ")
	}
	spec := fmt.Sprintf("apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n  mesh: %s\n  merge: %s\n  meshDefaults: {%s}\n  global: {%s}\n  enforcement: {mode: %s, image: 'example.com/init:v1'}\n  limits: {}\n",
		a.mesh.Name, a.merge, inSpec(t, a.configured), says, a.mode)
	about := func(w, c any) string { return fmt.Sprintf("%s%v %v", spec, w, c) }
	var manifests []string
	for i, hand := range byHand {
		var annotations strings.Builder
		for _, k := range a.mesh.Keys {
			l := layerFrom(t, hand)
			if value := k.Write(l.Settings()); l.Says(k.Field) && (value != "" || k.Nothing == "") {
				fmt.Fprintf(&annotations, "%s: %q, ", k.Annotation, value)
			}
		}
		manifests = append(manifests, fmt.Sprintf("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: w%d, namespace: shop}\nspec: {selector: {}, template: {metadata: {annotations: {%s}}, spec: {containers: [{name: a, image: a}]}}}\n", i, annotations.String()))
	}
	explained := func(spec string, texts ...string) map[string]*Workload {
		x, err := fn.Explain(fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte(spec)}), []fn.Manifest{{Path: "shop.yaml", Text: []byte(strings.Join(texts, "---\n"))}}, fn.Options{}, "2026-11-25")
		require.NoError(t, err, x.Results.Report())
		r, all := NewExplanation(x), map[string]*Workload{}
		for i := range r.Workloads {
			all[r.Workloads[i].Name] = &r.Workloads[i]
		}
		return all
	}
	before := explained(spec, manifests...)
	var texts []string
	for _, text := range manifests {
		files, results, err := fn.Manifests(fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte(spec)}), []fn.Manifest{{Path: "shop.yaml", Text: []byte(text)}}, fn.Options{})
		name := fmt.Sprintf("w%d", len(texts))
		refused := err != nil
		require.Equal(t, refused, before[name].Outcome == fn.RefusedOutcome, about(text, results.Report()))
		if refused {
			texts = append(texts, "")
			continue
		}
		texts = append(texts, string(files[0].Text))
	}
	written := slices.DeleteFunc(slices.Clone(texts), func(text string) bool { return text == "" })
	if len(written) == 0 {
		return
	}
	checked, err := fn.Check(fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte(spec)}), []fn.Manifest{{Path: "shop.yaml", Text: []byte(strings.Join(written, "---\n"))}}, fn.Options{}, fn.Expiry{})
	require.NoError(t, err)
	require.True(t, checked.Passed(), about(checked, ""))
	after := explained(spec, written...)
	for _, text := range written {
		var done finished
		require.NoError(t, yaml.Unmarshal([]byte(text), &done))
		passes := map[string]bool{} // by direction and port
		for _, c := range sample() {
			is := done.held(t, on, layerFrom(t, a.configured), c)
			own := model.Models[a.mesh.Name].Bypass(a.mesh.Level(layerFrom(t, a.configured), traffic.Layer{}), c)
			key := fmt.Sprintf("%s %d", c.Direction, c.Port)
			// Limits hold as in a sidecar too.
			passes[key] = passes[key] || is && (!own || on != a.mesh) || done.annotated(t, a.mesh, layerFrom(t, a.configured), c) && !own
			verdict := map[bool]string{true: Bypassed, false: Intercepted}[is]
			name := done.Metadata.Name
			require.Equal(t, verdict, before[name].decide(c).Verdict, about("explain\n"+text, c))
			require.Equal(t, verdict, after[name].decide(c).Verdict, about("explain of what is written\n"+text, c))
			*compared++
			if is {
				*bypassed++
			}
		}
		for key, is := range passes {
			direction, port, _ := strings.Cut(key, " ")
			if !slices.Contains([]string{"443", "2888", "7001"}, port) {
				continue
			}
			limited := strings.Replace(spec, "limits: {}", fmt.Sprintf("limits: {forbidden%sPorts: [%s]}", strings.ToUpper(direction[:1])+direction[1:], port+"/TCP"), 1)
			x, _ := fn.Explain(fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte(limited)}), []fn.Manifest{{Path: "shop.yaml", Text: []byte(text)}}, fn.Options{}, "")
			if slices.ContainsFunc(x.Results, func(r fn.Result) bool { return r.Severity == fn.Error && r.ResourceRef.Kind == "ClusterBypass" }) {
				continue // a rule may not say it at all
			}
			require.Equal(t, is, x.Results.Failed(), about("limits\n"+text, key)+x.Results.Report())
		}
	}
}

// TestOtherKeysAreCounted: what explain does not call intercepted is what the limits
// refuse, also where it bypasses by another key of the mesh.
func TestOtherKeysAreCounted(t *testing.T) {
	for _, test := range []struct {
		mesh, metadata, connection, verdict string
		summary                             string
	}{
		{"Istio", `annotations: {sidecar.istio.io/interceptionMode: NONE}`, "8080", Bypassed, "everything by sidecar.istio.io/interceptionMode: NONE"},
		{"Istio", `annotations: {proxy.istio.io/config: "interceptionMode: NONE"}`, "8080", Bypassed, "everything by proxy.istio.io/config: interceptionMode: NONE"},
		{"Istio", `annotations: {istio.io/reroute-virtual-interfaces: net1, traffic.sidecar.istio.io/kubevirtInterfaces: net2}`, "8080", InDoubt, "perhaps everything by istio.io/reroute-virtual-interfaces: net1"},
		{"Istio", `annotations: {sidecar.istio.io/interceptionMode: TPROXY}`, "8080", Intercepted, ""},
		{"Istio", `annotations: {traffic.sidecar.istio.io/excludeInterfaces: eth0}`, "8080", InDoubt, "perhaps everything by traffic.sidecar.istio.io/excludeInterfaces: eth0"},
		{"Istio", `annotations: {status.sidecar.istio.io/port: "8080"}`, "8080", Bypassed, "8080 by status.sidecar.istio.io/port: 8080"},
		{"Istio", `annotations: {status.sidecar.istio.io/port: "8081"}`, "8080", Intercepted, "8081 by status.sidecar.istio.io/port: 8081"},
		{"Istio", `annotations: {proxy.istio.io/config: "proxyMetadata: {ISTIO_EXCLUDE_INTERFACES: eth0}"}`, "8080", InDoubt, "perhaps everything by proxy.istio.io/config: proxyMetadata: {ISTIO_EXCLUDE_INTERFACES: eth0}"},
		{"Istio", `labels: {sidecar.istio.io/inject: "false"}, annotations: {sidecar.istio.io/interceptionMode: NONE}`, "8080", NotOurs, ""},
		{"Linkerd", `annotations: {config.linkerd.io/skip-subnets: 10.0.0.0/8}`, "8080", InDoubt, "perhaps everything by config.linkerd.io/skip-subnets: 10.0.0.0/8"},
		{"Kuma", `annotations: {traffic.kuma.io/exclude-inbound-ips: 10.0.0.0/8}`, "8080", InDoubt, "perhaps everything by traffic.kuma.io/exclude-inbound-ips: 10.0.0.0/8"},
		{"Consul", `annotations: {consul.hashicorp.com/prometheus-scrape-port: "8080"}`, "8080", Bypassed, "8080 by consul.hashicorp.com/prometheus-scrape-port: 8080"},
		{"Consul", `annotations: {consul.hashicorp.com/connect-inject: "false"}`, "8080", NotOurs, ""},
	} {
		for _, rule := range []string{"", "excludeOutboundPorts: [3306]"} {
			t.Run(test.mesh+" "+test.metadata+" "+rule, func(t *testing.T) {
				manifest := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {selector: {}, template: {metadata: {" + test.metadata + "}, spec: {containers: [{name: a, image: a}]}}}\n"
				spec := "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {mesh: " + test.mesh + ", enforcement: {mode: AnnotationsOnly}, global: {" + rule + "}}\n"
				c, err := traffic.ParseInbound(test.connection)
				require.NoError(t, err)
				r := reportOf(t, spec, manifest)
				r.Decide(c, "inbound port "+test.connection)
				verdict := r.Workloads[0].Decision.Verdict
				if test.verdict == NotOurs && rule == "" {
					assert.Contains(t, r.Workloads[0].Decision.Why, "opts out of the mesh")
				}
				assert.Equal(t, test.verdict, verdict)
				var inbound []string
				for _, b := range r.Summary.Bypasses {
					if b.Direction == "inbound" && strings.Contains(b.What, " by ") {
						inbound = append(inbound, b.What)
					}
				}
				assert.Equal(t, test.summary, strings.Join(inbound, ", "))
				assert.Equal(t, test.summary != "" && rule == "", r.Summary.Bypassing == 1 && rule == "")
				x, _ := fn.Explain(fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte(strings.Replace(spec, "global:", "limits: {forbiddenInboundPorts: [8080]}, global:", 1))}), []fn.Manifest{{Path: "web.yaml", Text: []byte(manifest)}}, fn.Options{}, "")
				assert.Equal(t, slices.Contains([]string{InDoubt, Bypassed}, verdict), x.Results.Failed(), x.Results.Report())
				for _, format := range []string{"table", "wide", "csv"} {
					r := reportOf(t, spec, manifest)
					if test.summary != "" {
						_, by, _ := strings.Cut(test.summary, " by ")
						assert.Contains(t, strings.Join(strings.Fields(writtenExplanation(t, format, r)), " "), by, format)
					}
				}
			})
		}
	}
}

// A key that the mesh does not know has no effect, as the warning about it says.
func TestUnknownKeysBypassNothing(t *testing.T) {
	r := reportOf(t, "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {lint: {accept: [{check: unknown-annotation, match: {names: [api]}, reason: it is known}]}}\n",
		strings.ReplaceAll("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: NAME, namespace: shop}\nspec: {selector: {}, template: {metadata: {annotations: {traffic.sidecar.istio.io/excludeInboundTraffic: '8080'}}, spec: {containers: [{name: a, image: a}]}}}\n", "NAME", "web")+
			"---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api, namespace: shop}\nspec: {selector: {}, template: {metadata: {annotations: {traffic.sidecar.istio.io/excludeInboundTraffic: '8080'}}, spec: {containers: [{name: a, image: a}]}}}\n")
	assert.Empty(t, r.Summary.Bypasses)
	assert.Contains(t, writtenExplanation(t, "table", r), "\nfindings: unknown-annotation warning (1), unknown-annotation accepted (1)\n")
}

// TestWhatAMeshConfigDoesCounts: what of FSM's MeshConfig is among the manifests decides,
// where nothing that is written holds, or something bypasses beside it.
func TestWhatAMeshConfigDoesCounts(t *testing.T) {
	for _, test := range []struct{ mesh, traffic, excluded, other, why string }{
		{"FSM", "interceptionMode: NodeLevel", LeftToMesh, LeftToMesh, "FSM has interceptionMode: NodeLevel (MeshConfig fsm-system/fsm-mesh-config), where it redirects by eBPF at the pod's interface, reads no annotation"},
		{"FSM", "interceptionMode: PodLevel", Bypassed, Intercepted, ""},
		{"FSM", "networkInterfaceExclusionList: [eth1, eth2]", Bypassed, InDoubt, "networkInterfaceExclusionList: eth1, eth2 (MeshConfig fsm-system/fsm-mesh-config)"},
		{"OSM", "networkInterfaceExclusionList: [eth1]", Bypassed, InDoubt, "networkInterfaceExclusionList: eth1 (MeshConfig fsm-system/fsm-mesh-config)"},
		{"FSM", "networkInterfaceExclusionList: []", Bypassed, Intercepted, ""},
		{"Linkerd", "interceptionMode: NodeLevel", Bypassed, Intercepted, ""}, // another mesh's
	} {
		t.Run(test.mesh+" "+test.traffic, func(t *testing.T) {
			group := map[bool]string{true: "config.openservicemesh.io/v1alpha2", false: "config.flomesh.io/v1alpha3"}[test.mesh == "OSM"]
			r := reportOf(t, "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {mesh: "+test.mesh+", enforcement: {mode: AnnotationsOnly}, global: {excludeInboundPorts: [8080]}}\n",
				"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {selector: {}, template: {spec: {containers: [{name: a, image: a}]}}}\n---\n"+
					"apiVersion: "+group+"\nkind: MeshConfig\nmetadata: {name: fsm-mesh-config, namespace: fsm-system}\nspec: {traffic: {"+test.traffic+"}}\n")
			var why string
			for connection, verdict := range map[string]string{"8080": test.excluded, "9090": test.other} {
				c, err := traffic.ParseInbound(connection)
				require.NoError(t, err)
				d := r.Workloads[0].decide(c)
				assert.Equal(t, verdict, d.Verdict, connection)
				if connection == "9090" {
					why = d.Why
				}
			}
			assert.Contains(t, why, test.why)
			if test.excluded == LeftToMesh {
				assert.Contains(t, strings.Join(strings.Fields(writtenExplanation(t, "table", r)), " "), "redirects by eBPF")
			}
		})
	}
}
