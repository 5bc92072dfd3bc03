package fn_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/fn"
)

func inPlane(plane, rest string) string {
	return "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n  enforcement: {image: init:1}\n  global: {dataPlane: " + plane + ", excludeOutboundPorts: [3306]}\n" + rest
}

const webInShop = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: shop\nspec:\n  selector: {}\n  template:\n    metadata:\n      annotations:\n        traffic.sidecar.istio.io/excludeOutboundPorts: '5432'  # ours\n        traffic.sidecar.istio.io/excludeInboundPorts: \"\"\n    spec:\n      containers: [{name: app, image: app}]\n"

// A workload that moves to another data plane loses what was written for the former, the
// user's own text comes back, and taking all away gives back the bytes.
func TestAWorkloadMovesToAmbient(t *testing.T) {
	render := func(spec, text string) string {
		out, results, _ := rendered(t, spec, manifest("web.yaml", text))
		require.False(t, results.Failed(), results.Report())
		return string(out[0].Text)
	}
	sidecar := render(inPlane("Sidecar", "  merge: Union\n"), webInShop)
	require.Contains(t, sidecar, "excludeOutboundPorts: '3306,5432'  # ours\n")
	ambient := render(inPlane("Ambient", "  merge: Union\n"), sidecar)
	assert.Contains(t, ambient, "excludeOutboundPorts: '5432'  # ours\n")
	assert.Contains(t, ambient, "--exclude-outbound-ports=3306\n", "what the annotation says has no effect")
	_, template, _ := strings.Cut(ambient, "spec:\n")
	assert.True(t, strings.HasSuffix(render(inPlane("Ambient", "  merge: Union\n"), webInShop), template), "however it came there")
	assert.Equal(t, sidecar, render(inPlane("Sidecar", "  merge: Union\n"), ambient), "and back")
	const nothing = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {}\n"
	for _, text := range []string{sidecar, ambient} {
		assert.Equal(t, webInShop, render(nothing, text))
	}
}

// TestPlaceOfAWorkload tries what each scope of the spec, the template and the Namespace
// say of a data plane together.
func TestPlaceOfAWorkload(t *testing.T) {
	const none, sidecar, ambient = "", "Sidecar", "Ambient"
	templates := map[string]string{
		"app: web":                         "",
		"sidecar.istio.io/inject: 'true'":  sidecar,
		"istio.io/dataplane-mode: ambient": "",
		"istio.io/dataplane-mode: none":    "",
		"sidecar.istio.io/inject: 'false'": "",
		"sidecar.istio.io/inject: 'false', istio.io/dataplane-mode: ambient": ambient,
		"app: web}, annotations: {sidecar.istio.io/inject: 'true'":           "",
	}
	namespaces := []string{"", "istio.io/dataplane-mode: ambient", "istio-injection: enabled"}
	planes := []string{none, sidecar, ambient}
	tried := 0
	for template, certain := range templates {
		for _, global := range planes {
			for _, namespace := range planes {
				for _, workload := range planes {
					for _, labels := range namespaces {
						ruled := sidecar
						scopes := "  global: {excludeOutboundPorts: [3306]" + says(global) + "}\n" +
							"  namespaces: [{match: {names: [shop]}, reason: x" + says(namespace) + "}, {match: {names: [other]}" + says(ambient) + "}]\n" +
							"  workloads: [{match: {names: [web]}, reason: x" + says(workload) + "}, {match: {names: [api]}" + says(ambient) + "}]\n"
						for _, said := range []string{global, namespace, workload, certain} {
							if said != "" {
								ruled = said
							}
						}
						alone := ruled == sidecar && strings.Contains(template, "'false'") || ruled == ambient && strings.Contains(template, "none")
						spec := "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n  enforcement: {image: init:1}\n" + scopes
						item := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {selector: {}, template: {metadata: {labels: {" + template + "}}, spec: {containers: [{name: app, image: app}]}}}\n"
						beside := "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {" + labels + "}}\n"
						says := fmt.Sprintf("template %s, global %s, namespace %s, workload %s, Namespace %s", template, global, namespace, workload, labels)
						explained, err := fn.Explain(fn.SpecIn(manifest("bypass.yaml", spec)), []fn.Manifest{manifest("web.yaml", item), manifest("shop.yaml", beside)}, fn.Options{}, "")
						require.NoError(t, err, says)
						require.Len(t, explained.Workloads, 1)
						w := explained.Workloads[0]
						is := w.DataPlane
						if is == "" {
							is = sidecar
						}
						if alone {
							require.Equal(t, fn.LeftAlone, w.Outcome, says)
							assert.Empty(t, w.DataPlane+w.DataPlaneFrom.Scope, says)
						} else {
							assert.Equal(t, ruled, is, says)
							assert.Equal(t, certain != "", w.DataPlaneSign != "", says)
							assert.Equal(t, certain == "" && global+namespace+workload != "", !slices.Contains([]string{"", fn.FromTemplate, fn.FromDefault}, w.DataPlaneFrom.Scope), says)
							require.Equal(t, fn.Written, w.Outcome, says)
							assert.Equal(t, ruled == sidecar, w.Fields[0].Annotation != nil, says)
							assert.Contains(t, w.Fields[0].Entries[0].CarriedBy, "init container", says)
							assert.Equal(t, ruled == sidecar && strings.Contains(template, "mode: ambient"), found(explained.Results, "data-plane"), says)
						}
						against := certain == "" && !alone && (ruled == sidecar && strings.Contains(labels, "ambient") && !strings.Contains(template, "mode: ambient") || ruled == ambient && strings.Contains(labels, "injection"))
						assert.Equal(t, against, found(explained.Results, "unmeshed-namespace"), says)
						tried++
					}
				}
			}
		}
	}
	assert.Equal(t, len(templates)*27*len(namespaces), tried)
}

func says(plane string) string {
	if plane == "" {
		return ""
	}
	return ", dataPlane: " + plane
}

func found(results fn.Results, check string) bool {
	return strings.Contains(results.Report(), "["+check+"]")
}

// What an ambient pod's annotation lets bypass, explain and the limits say alike; what
// only a sidecar reads, the limits mind.
func TestWaysOfAmbientPods(t *testing.T) {
	for _, test := range []struct {
		annotation, limit  string
		explained, refused bool
	}{
		{"ambient.istio.io/bypass-inbound-capture: 'true'", "forbiddenInboundPorts: [8443]", true, true},
		{"ambient.istio.io/bypass-inbound-capture: 'false'", "forbiddenInboundPorts: [8443]", false, false},
		{"traffic.sidecar.istio.io/excludeOutboundPorts: '443'", "forbiddenOutboundPorts: [443]", false, true},
		{"traffic.sidecar.istio.io/excludeInterfaces: eth0", "forbiddenOutboundPorts: [443]", false, true},
		{"sidecar.istio.io/interceptionMode: NONE", "forbiddenOutboundPorts: [443]", false, true},
		{"istio.io/reroute-virtual-interfaces: tap0", "forbiddenInboundPorts: [8443]", true, true},
		{"ambient.istio.io/dns-capture: 'false'", "forbiddenOutboundPorts: [443]", false, false},
	} {
		item := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {selector: {}, template: {metadata: {annotations: {" + test.annotation + "}}, spec: {containers: [{name: app, image: app}]}}}\n"
		_, global, _ := strings.Cut(inPlane("Ambient", ""), "spec:\n")
		for _, rule := range []string{"  global: {dataPlane: Ambient}\n", global} {
			spec := "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n" + rule
			explained, err := fn.Explain(fn.SpecIn(manifest("bypass.yaml", spec)), []fn.Manifest{manifest("web.yaml", item)}, fn.Options{}, "")
			require.NoError(t, err)
			assert.Equal(t, test.explained, len(explained.Workloads[0].Others) > 0, test.annotation)
			_, results, _ := fn.Manifests(fn.SpecIn(manifest("bypass.yaml", spec+"  limits: {"+test.limit+"}\n")), []fn.Manifest{manifest("web.yaml", item)}, fn.Options{})
			assert.Equal(t, test.refused, results.Failed(), "%s %s", test.annotation, results.Report())
		}
	}
}

// A template that keeps its pods out of one data plane is held to what another reads of
// it.
func TestLimitsInTheOtherDataPlane(t *testing.T) {
	const (
		noSidecar  = "labels: {sidecar.istio.io/inject: 'false'}, annotations: {"
		noAmbient  = "labels: {istio.io/dataplane-mode: none}, annotations: {"
		neither    = "labels: {istio.io/dataplane-mode: none, sidecar.istio.io/inject: 'false'}, annotations: {"
		marked     = "annotations: {sidecar.istio.io/status: '{}'"
		injected   = `annotations: {sidecar.istio.io/status: '{"containers":["istio-proxy"]}'`
		capture    = "ambient.istio.io/bypass-inbound-capture: 'true'"
		exclude    = "traffic.sidecar.istio.io/excludeOutboundPorts: '3306'"
		noOptOut   = "meshOptOut: {namespaces: []}"
		noInbound  = "forbiddenInboundPorts: [8443]"
		noOutbound = "forbiddenOutboundPorts: [3306]"
		noneThere  = "forbiddenNamespaces: [shop]"
		noKeys     = "podAnnotations: {namespaces: []}"
		as1337     = "}}, spec: {securityContext: {runAsUser: 1337}, #"
		byHand     = "}}, spec: {initContainers: [{name: krm-bypass-init, image: init:1, args: [--exclude-outbound-ports=3306]}], #"
	)
	for _, test := range []struct {
		plane, template, limit string
		refused                bool
	}{
		{"Sidecar", noSidecar + capture, noInbound, true},
		{"Sidecar", noSidecar + capture, noneThere, true},
		{"Sidecar", noSidecar + capture, noKeys, true},
		{"Sidecar", noSidecar + capture, noOutbound, false},
		{"Sidecar", noSidecar + exclude, noOutbound, false},
		{"Sidecar", noSidecar + exclude, noneThere, false},
		{"Sidecar", noSidecar + exclude, noKeys, false},
		{"Sidecar", neither + capture, noInbound, false},
		{"Sidecar", noSidecar + as1337, noOutbound, false},
		{"Sidecar", noSidecar + byHand, noOutbound, true},
		{"Ambient", noAmbient + exclude, noOutbound, true},
		{"Ambient", noAmbient + exclude, noneThere, true},
		{"Ambient", noAmbient + exclude, noKeys, true},
		{"Ambient", noAmbient + exclude, noInbound, false},
		{"Ambient", noAmbient + capture, noOutbound, false},
		{"Ambient", neither + exclude, noOutbound, false},
		{"Ambient", marked, noOptOut, true},
		{"Ambient", injected, noOptOut, true},
		{"Ambient", marked, noOutbound, false},
		{"Sidecar", marked, noOptOut, false},
		{"Sidecar", injected, noOptOut, false},
		{"Ambient", "labels: {sidecar.istio.io/inject: 'true', istio.io/dataplane-mode: none}, annotations: {", noOptOut, false},
	} {
		spec := strings.Replace(inPlane(test.plane, "  limits: {"+test.limit+"}\n"), ", excludeOutboundPorts: [3306]", "", 1)
		metadata, pod, _ := strings.Cut(strings.TrimSuffix(test.template, "#"), "}}, spec: {")
		item := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {selector: {}, template: {metadata: {" + metadata + "}}, spec: {" + pod + "containers: [{name: app, image: app}]}}}\n"
		files := []fn.Manifest{manifest("web.yaml", item)}
		_, results, _ := fn.Manifests(fn.SpecIn(manifest("bypass.yaml", spec)), files, fn.Options{})
		assert.Equal(t, test.refused, results.Failed(), "%s %s %s: %s", test.plane, test.template, test.limit, results.Report())
		checked, err := fn.Check(fn.SpecIn(manifest("bypass.yaml", spec)), files, fn.Options{}, fn.Expiry{})
		require.NoError(t, err)
		assert.Equal(t, test.refused, checked.Results.Failed(), "check: %s %s %s", test.plane, test.template, test.limit)
	}
}

// Where only annotations are written, an ambient pod bypasses nothing, and that is told.
func TestAnnotationsAloneDoNothingForAnAmbientPod(t *testing.T) {
	const nothing = "by which nothing of an ambient pod bypasses"
	item := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {selector: {}, template: {metadata: {labels: {istio.io/dataplane-mode: ambient}}, spec: {containers: [{name: app, image: app}]}}}\n"
	namespace := "---\n" + strings.Replace(item, "istio.io/dataplane-mode: ambient", "app: web", 1) + "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {istio.io/dataplane-mode: ambient}}\n"
	for mode, told := range map[string]bool{"InitContainer": false, "WhereNeeded": true, "AnnotationsOnly": true} {
		spec := strings.Replace(inPlane("Sidecar", ""), "{image: init:1}", "{image: init:1, mode: "+mode+"}", 1)
		_, results, err := fn.Manifests(fn.SpecIn(manifest("bypass.yaml", spec)), []fn.Manifest{manifest("web.yaml", item)}, fn.Options{})
		require.NoError(t, err)
		assert.True(t, found(results, "data-plane"))
		assert.Equal(t, told, strings.Contains(results.Report(), nothing), mode)
		_, results, err = fn.Manifests(fn.SpecIn(manifest("bypass.yaml", spec)), []fn.Manifest{manifest("web.yaml", namespace)}, fn.Options{})
		require.NoError(t, err)
		assert.True(t, found(results, "unmeshed-namespace"))
		assert.Equal(t, told, strings.Contains(results.Report(), "nothing bypasses by annotations alone"), mode)
	}
}

// A label for a data plane is told of where it has no effect, and only there.
func TestLabelsForADataPlane(t *testing.T) {
	deployment := func(own, template string) string {
		return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop, labels: {" + own + "}}\nspec: {selector: {}, template: {metadata: {labels: {" + template + "}}, spec: {containers: [{name: app, image: app}]}}}\n"
	}
	namespace := func(metadata string) string {
		return "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, " + metadata + "}\n"
	}
	const key, takes = "istio.io/dataplane-mode", "takes only ambient and none here"
	for _, test := range []struct{ plane, items, want string }{
		{"Sidecar", deployment("", key+": ambient}, annotations: {inject.istio.io/templates: gateway"), ""},
		{"Sidecar", deployment("", key+": Ambient"), takes},
		{"Ambient", deployment("", key+": enabled"), takes},
		{"Ambient", deployment("", key+": ambient"), ""},
		{"Sidecar", deployment("", key+": none"), ""},
		{"Sidecar", deployment(key+": ambient", "a: b"), "move it to spec.template.metadata.labels"},
		{"Ambient", deployment(key+": none", "a: b"), "move it to spec.template.metadata.labels"},
		{"Ambient", deployment(key+": ambient", key+": ambient"), ""},
		{"Ambient", deployment("", "a: b") + "---\n" + namespace("labels: {"+key+": ambient}"), ""},
		{"Ambient", deployment("", "a: b") + "---\n" + namespace("annotations: {"+key+": ambient}"), "only as a label"},
		{"Ambient", deployment("", "a: b") + "---\n" + namespace("labels: {istio.io/data-plane-mode: ambient}"), "does not know this key on a Namespace"},
	} {
		_, results, err := fn.Manifests(fn.SpecIn(manifest("bypass.yaml", inPlane(test.plane, ""))), []fn.Manifest{manifest("web.yaml", test.items)}, fn.Options{})
		require.NoError(t, err, test.items)
		if test.want == "" {
			assert.NotContains(t, results.Report(), "warning", test.items)
		} else {
			assert.Contains(t, results.Report(), test.want, test.items)
		}
	}
}

// What comes in past ztunnel by the pod's own annotation, policies do not see either.
func TestPoliciesBesideBypassInboundCapture(t *testing.T) {
	const item = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {selector: {}, template: {metadata: {labels: {app: web}, annotations: {%s}}, spec: {containers: [{name: app, image: app}]}}}\n" +
		"---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: a, namespace: shop}\nspec: {}\n" +
		"---\napiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: p, namespace: shop}\nspec: {mtls: {mode: STRICT}}\n" +
		"---\napiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n"
	for _, test := range []struct {
		plane, annotation string
		told              bool
	}{
		{"Ambient", "ambient.istio.io/bypass-inbound-capture: 'true'", true},
		{"Ambient", "ambient.istio.io/bypass-inbound-capture: 'False'", false},
		{"Ambient", "ambient.istio.io/dns-capture: 'true'", false},
		{"Sidecar", "ambient.istio.io/bypass-inbound-capture: 'true'", false},
	} {
		_, results, err := fn.Manifests(fn.SpecIn(manifest("bypass.yaml", inPlane(test.plane, ""))), []fn.Manifest{manifest("web.yaml", fmt.Sprintf(item, test.annotation))}, fn.Options{})
		require.NoError(t, err)
		for _, check := range []string{"authorization-policy", "strict-mtls"} {
			assert.Equal(t, test.told, found(results, check), "%s %s %s", test.plane, test.annotation, check)
		}
		assert.False(t, found(results, "ambient-inbound"), "nobody said that callers in the mesh should bypass")
	}
}

// ztunnel's ports in the pod are the mesh's, whatever the data plane.
func TestZtunnelsPortsAreTheMeshs(t *testing.T) {
	for _, port := range []string{"15001", "15006", "15008", "15020", "15021", "15053"} {
		for _, field := range []string{"excludeInboundPorts", "excludeOutboundPorts"} {
			spec := strings.Replace(inPlane("Ambient", ""), "excludeOutboundPorts: [3306]", field+": ["+port+"]", 1)
			_, results, err := fn.Manifests(fn.SpecIn(manifest("bypass.yaml", spec)), []fn.Manifest{manifest("web.yaml", webInShop)}, fn.Options{})
			require.Error(t, err)
			assert.Contains(t, results.Report(), port)
		}
	}
}

// AnnotationsOnly is no way out for pods that no annotation reaches.
func TestAnImageIsTheOneWayForAmbientPods(t *testing.T) {
	for plane, circular := range map[string]bool{"Sidecar": true, "Ambient": false} {
		_, results, err := fn.Manifests(fn.SpecIn(manifest("bypass.yaml", strings.Replace(inPlane(plane, ""), "  enforcement: {image: init:1}\n", "", 1))), []fn.Manifest{manifest("web.yaml", webInShop)}, fn.Options{})
		require.Error(t, err)
		assert.Contains(t, results.Report(), "needs the init container, but the spec names no image for it")
		assert.Equal(t, circular, strings.Contains(results.Report(), "or set mode: AnnotationsOnly"), results.Report())
	}
}

// A template's revision has an injector give it a sidecar, unless it is told not to.
func TestARevisionOnAnAmbientTemplateIsTold(t *testing.T) {
	for _, test := range []struct {
		plane, labels string
		told          bool
	}{
		{"Ambient", "istio.io/rev: stable", true},
		{"Ambient", "istio.io/rev: ''", false},
		{"Ambient", "istio.io/rev: stable, sidecar.istio.io/inject: 'false'", false},
		{"Ambient", "istio.io/rev: stable, sidecar.istio.io/inject: 'true'", false},
		{"Ambient", "istio.io/rev: stable, istio.io/dataplane-mode: none", false},
		{"Ambient", "app: web", false},
		{"Sidecar", "istio.io/rev: stable", false},
	} {
		_, results, err := fn.Manifests(fn.SpecIn(manifest("bypass.yaml", inPlane(test.plane, ""))), []fn.Manifest{manifest("web.yaml", strings.Replace(webInShop, "      annotations:\n", "      labels: {"+test.labels+"}\n      annotations:\n", 1))}, fn.Options{})
		require.NoError(t, err)
		assert.Equal(t, test.told, strings.Contains(results.Report(), "an injector of this revision"), "%s %s: %s", test.plane, test.labels, results.Report())
	}
}
