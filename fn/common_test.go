package fn_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/fn"
)

const (
	commonSpec = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {enforcement: {image: i}, global: {excludeInboundPorts: [9090]}}\n"
	commonWeb  = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {selector: {}, template: {metadata: {annotations: {%s}, labels: {app: web, istio.io/dataplane-mode: ambient}}, spec: {containers: [{name: a, image: a}]}}}\n---\n"
)

func configMapSaying(mesh string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\ndata: {mesh: %q}\n---\n", mesh)
}

func proxyConfigIn(namespace, selector, variables string) string {
	if selector != "" {
		selector = "selector: {matchLabels: {" + selector + "}}, "
	}
	return fmt.Sprintf("apiVersion: networking.istio.io/v1beta1\nkind: ProxyConfig\nmetadata: {name: pc, namespace: %s}\nspec: {%senvironmentVariables: {%s}}\n---\n", namespace, selector, variables)
}

// TestWhatAnObjectSaysForManyPods: a MeshConfig and ProxyConfigs among the manifests say
// what an annotation of the pods would, where these do not say otherwise. Only explain
// and findings know of it.
func TestWhatAnObjectSaysForManyPods(t *testing.T) {
	const none, operator = "defaultConfig: {interceptionMode: NONE}", "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nmetadata: {name: mesh, namespace: istio-system}\nspec: {meshConfig: {defaultConfig: {interceptionMode: NONE}}}\n---\n"
	everything := "interceptionMode: NONE (ConfigMap istio-system/istio) surely"
	for name, test := range map[string]struct {
		annotations, objects string
		others               []string
		found                string
	}{
		"a MeshConfig":                   {"", configMapSaying(none), []string{everything}, "ConfigMap istio-system/istio: data.mesh: Istio intercepts nothing of Deployment shop/web with it"},
		"an IstioOperator":               {"", operator, []string{"interceptionMode: NONE (IstioOperator istio-system/mesh) surely"}, "IstioOperator istio-system/mesh: spec.meshConfig.defaultConfig.interceptionMode: Istio intercepts nothing"},
		"Sail's":                         {"", strings.NewReplacer("install.istio.io/v1alpha1", "sailoperator.io/v1", "IstioOperator", "Istio", "{meshConfig: {defaultConfig: {interceptionMode: NONE}}}", "{values: {meshConfig: {defaultConfig: {interceptionMode: NONE}}}}").Replace(operator), []string{"interceptionMode: NONE (Istio istio-system/mesh) surely"}, "Istio istio-system/mesh: spec.values.meshConfig.defaultConfig.interceptionMode"},
		"in a List":                      {"", "apiVersion: v1\nkind: List\nitems:\n- " + strings.ReplaceAll(strings.TrimSuffix(configMapSaying(none), "---\n"), "\n", "\n  ") + "\n---\n", []string{everything}, "items[0].data.mesh: Istio intercepts nothing"},
		"the pod's annotation wins":      {"sidecar.istio.io/interceptionMode: REDIRECT", configMapSaying(none), nil, ""},
		"the pod's configuration wins":   {"proxy.istio.io/config: 'interceptionMode: REDIRECT'", configMapSaying(none), nil, ""},
		"of pods in Ambient":             {"sidecar.istio.io/inject: 'false'", configMapSaying(none), nil, ""},
		"REDIRECT":                       {"", configMapSaying("defaultConfig: {interceptionMode: REDIRECT}"), nil, ""},
		"TPROXY":                         {"", configMapSaying("defaultConfig: {interceptionMode: TPROXY}"), nil, ""},
		"another ConfigMap":              {"", strings.Replace(configMapSaying(none), "name: istio,", "name: other,", 1), nil, ""},
		"unreadable":                     {"", configMapSaying("{"), nil, ""},
		"a ProxyConfig of the namespace": {"", proxyConfigIn("shop", "", "ISTIO_LOCAL_OUTBOUND_PORTS_EXCLUDE: '5432'"), []string{"ISTIO_LOCAL_OUTBOUND_PORTS_EXCLUDE: 5432 (ProxyConfig shop/pc) 5432 perhaps"}, ""},
		"that an annotation puts out":    {"traffic.sidecar.istio.io/excludeOutboundPorts: ''", proxyConfigIn("shop", "", "ISTIO_LOCAL_OUTBOUND_PORTS_EXCLUDE: '5432'"), nil, ""},
		"that selects the pods":          {"", proxyConfigIn("shop", "app: web", "DRY_RUN: 'true'"), []string{"DRY_RUN: true (ProxyConfig shop/pc) perhaps"}, ""},
		"that selects others":            {"", proxyConfigIn("shop", "app: api", "DRY_RUN: 'true'"), nil, ""},
		"of another namespace":           {"", proxyConfigIn("pay", "", "DRY_RUN: 'true'"), nil, ""},
		"of the root namespace":          {"", proxyConfigIn("istio-system", "", "DRY_RUN: 'true'"), []string{"DRY_RUN: true (ProxyConfig istio-system/pc) perhaps"}, ""},
		"a narrower one takes it back":   {"", proxyConfigIn("shop", "app: web", "DRY_RUN: 'false'") + proxyConfigIn("istio-system", "", "DRY_RUN: 'true'"), nil, ""},
		"before what the pods say": {"proxy.istio.io/config: '{proxyMetadata: {DRY_RUN: \"false\", ISTIO_LOCAL_OUTBOUND_PORTS_EXCLUDE: \"8443\"}}'", proxyConfigIn("shop", "app: web", "DRY_RUN: 'true', ISTIO_LOCAL_OUTBOUND_PORTS_EXCLUDE: '9000'"), []string{
			"DRY_RUN: true (ProxyConfig shop/pc) perhaps", "ISTIO_LOCAL_OUTBOUND_PORTS_EXCLUDE: 9000 (ProxyConfig shop/pc) 9000 perhaps"}, ""},
		"behind what the pods say":          {"proxy.istio.io/config: 'proxyMetadata: {DRY_RUN: \"false\"}'", proxyConfigIn("shop", "", "DRY_RUN: 'true'"), nil, ""},
		"taking back what the pods say":     {"proxy.istio.io/config: 'proxyMetadata: {DRY_RUN: \"true\"}'", proxyConfigIn("shop", "app: web", "DRY_RUN: 'false'"), nil, ""},
		"one of two taking that back":       {"proxy.istio.io/config: 'proxyMetadata: {DRY_RUN: \"true\"}'", proxyConfigIn("shop", "app: web", "DRY_RUN: 'false'") + proxyConfigIn("shop", "app: web", "A: b"), []string{"proxy.istio.io/config: proxyMetadata: {DRY_RUN: \"true\"} perhaps"}, ""},
		"saying other things than the pods": {"proxy.istio.io/config: 'proxyMetadata: {DRY_RUN: \"true\"}'", proxyConfigIn("shop", "app: web", "A: b"), []string{"proxy.istio.io/config: proxyMetadata: {DRY_RUN: \"true\"} perhaps"}, ""},
		"two, of which the older counts": {"", proxyConfigIn("shop", "", "ISTIO_LOCAL_OUTBOUND_PORTS_EXCLUDE: '8443'") + proxyConfigIn("shop", "", "ISTIO_LOCAL_OUTBOUND_PORTS_EXCLUDE: '9000'"), []string{
			"ISTIO_LOCAL_OUTBOUND_PORTS_EXCLUDE: 8443 (ProxyConfig shop/pc) 8443 perhaps", "ISTIO_LOCAL_OUTBOUND_PORTS_EXCLUDE: 9000 (ProxyConfig shop/pc) 9000 perhaps"}, ""},
		"one of two, and a broader one":      {"", proxyConfigIn("istio-system", "", "DRY_RUN: 'true'") + proxyConfigIn("shop", "", "DRY_RUN: 'false'") + proxyConfigIn("shop", "", "A: b"), []string{"DRY_RUN: true (ProxyConfig istio-system/pc) perhaps"}, ""},
		"of a root namespace by name":        {"", configMapSaying("rootNamespace: mesh") + proxyConfigIn("mesh", "", "DRY_RUN: 'true'"), []string{"DRY_RUN: true (ProxyConfig mesh/pc) perhaps"}, ""},
		"of the root namespace, selecting":   {"", proxyConfigIn("istio-system", "app: web", "DRY_RUN: 'true'"), nil, ""},
		"that selects by no label":           {"", strings.Replace(proxyConfigIn("shop", "app: web", "DRY_RUN: 'true'"), "app: web", "", 1), nil, ""},
		"with an empty selector":             {"", strings.Replace(proxyConfigIn("shop", "app: web", "DRY_RUN: 'true'"), "{matchLabels: {app: web}}", "{}", 1), nil, ""},
		"with a selector of null":            {"", strings.Replace(proxyConfigIn("shop", "app: web", "DRY_RUN: 'true'"), "{matchLabels: {app: web}}", "null", 1), []string{"DRY_RUN: true (ProxyConfig shop/pc) perhaps"}, ""},
		"other variables":                    {"", proxyConfigIn("shop", "", "ISTIO_META_DNS_CAPTURE: 'true'"), nil, ""},
		"what the mesh does by itself":       {"", configMapSaying("defaultConfig: {proxyMetadata: {ISTIO_DUAL_STACK: 'false'}}"), nil, ""},
		"the pod's own, beside a MeshConfig": {"sidecar.istio.io/interceptionMode: NONE", "", []string{"sidecar.istio.io/interceptionMode: NONE surely"}, `spec.template.metadata.annotations["sidecar.istio.io/interceptionMode"]: Istio intercepts nothing of these pods with it`},
	} {
		t.Run(name, func(t *testing.T) {
			files := []fn.Manifest{{Path: "web.yaml", Text: []byte(fmt.Sprintf(commonWeb, test.annotations) + test.objects)}}
			explained, err := fn.Explain(fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte(commonSpec)}), files, fn.Options{}, "")
			require.NoError(t, err, explained.Results.Report())
			var others []string
			for _, o := range explained.Workloads[0].Others {
				says := o.Name + ": " + o.Value
				if ports := o.Lets["excludeOutboundPorts"]; ports != nil {
					says += " " + strings.Join(ports, ",")
				}
				others = append(others, says+map[bool]string{true: " surely", false: " perhaps"}[o.Sure])
				assert.Positive(t, o.From.Line)
			}
			assert.Equal(t, test.others, others)
			if test.found == "" {
				assert.NotContains(t, explained.Results.Report(), "[interception-mode]")
			} else {
				assert.Contains(t, explained.Results.Report(), test.found)
			}
			with, _, err := fn.Manifests(fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte(commonSpec)}), files, fn.Options{})
			require.NoError(t, err)
			alone, _, err := fn.Manifests(fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte(commonSpec)}), []fn.Manifest{{Path: "web.yaml", Text: []byte(fmt.Sprintf(commonWeb, test.annotations))}}, fn.Options{})
			require.NoError(t, err)
			assert.True(t, strings.HasPrefix(string(with[0].Text), string(alone[0].Text)), "what is written does not depend on it")
		})
	}
}

// TestModesInWhichASettingHasNoEffect is about what the template says, and a MeshConfig
// of the mesh's own.
func TestModesInWhichASettingHasNoEffect(t *testing.T) {
	const fsm = "apiVersion: config.flomesh.io/v1alpha3\nkind: MeshConfig\nmetadata: {name: fsm-mesh-config, namespace: fsm-system}\nspec: {traffic: {%s}}\n"
	for name, test := range map[string]struct{ spec, annotations, objects, says string }{
		"guests behind interfaces":         {"global: {excludeOutboundPorts: [80]}", "istio.io/reroute-virtual-interfaces: net1", "", "what comes in by these interfaces goes out through the sidecar before Istio looks at an exclusion"},
		"by the older key":                 {"global: {excludeOutbound: [{ipRanges: [192.0.2.0/24], ports: [80]}]}", "traffic.sidecar.istio.io/kubevirtInterfaces: net1", "", "what comes in by these interfaces goes out through the sidecar"},
		"guests and nothing that goes out": {"global: {excludeInboundPorts: [80]}", "istio.io/reroute-virtual-interfaces: net1", "", ""},
		"no guests":                        {"global: {excludeOutboundPorts: [80]}", "istio.io/reroute-virtual-interfaces: ''", "", ""},
		"both keys":                        {"global: {excludeInboundPorts: [80]}", "istio.io/reroute-virtual-interfaces: net1, traffic.sidecar.istio.io/kubevirtInterfaces: net2", "", `annotations["traffic.sidecar.istio.io/kubevirtInterfaces"]: Istio goes by istio.io/reroute-virtual-interfaces instead of this: remove it`},
		"NONE where no rule speaks":        {"global: {}", "sidecar.istio.io/interceptionMode: NONE", "", ""},
		"FSM on the node":                  {"mesh: FSM, global: {excludeOutboundPorts: [80]}", "", fmt.Sprintf(fsm, "interceptionMode: NodeLevel"), "MeshConfig fsm-system/fsm-mesh-config: spec.traffic.interceptionMode: with it FSM does not do what the ClusterBypass says of Deployment shop/web: it redirects by eBPF at the pod's interface"},
		"FSM in the pod":                   {"mesh: FSM, global: {excludeOutboundPorts: [80]}", "", fmt.Sprintf(fsm, "interceptionMode: PodLevel"), ""},
		"FSM on the node, and no rule":     {"mesh: FSM", "", fmt.Sprintf(fsm, "interceptionMode: NodeLevel"), ""},
		"interfaces that FSM leaves out":   {"mesh: FSM, global: {excludeOutboundPorts: [80]}", "", fmt.Sprintf(fsm, "networkInterfaceExclusionList: [eth1]"), "spec.traffic.networkInterfaceExclusionList: what comes and goes by these interfaces bypasses the sidecar in Deployment shop/web"},
		"interfaces that OSM leaves out":   {"mesh: OSM, global: {excludeOutboundPorts: [80]}", "", strings.ReplaceAll(fmt.Sprintf(fsm, "networkInterfaceExclusionList: [eth1]"), "flomesh.io/v1alpha3", "openservicemesh.io/v1alpha2"), "what comes and goes by these interfaces bypasses the sidecar"},
		"none that FSM leaves out":         {"mesh: FSM, global: {excludeOutboundPorts: [80]}", "", fmt.Sprintf(fsm, "networkInterfaceExclusionList: []"), ""},
		"interfaces past limits":           {"mesh: FSM, limits: {forbiddenInboundPorts: [22]}", "", fmt.Sprintf(fsm, "networkInterfaceExclusionList: [eth1]"), "by the configuration of FSM itself what comes and goes by these interfaces bypasses the sidecar in every pod, and spec.limits does not reach that"},
		"a mode past limits":               {"mesh: FSM, limits: {forbiddenInboundPorts: [22]}", "", fmt.Sprintf(fsm, "interceptionMode: NodeLevel"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(test.spec, "enforcement") {
				test.spec += ", enforcement: {image: i}"
			}
			spec := "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {" + test.spec + "}\n"
			_, results, err := rendered(t, spec, manifest("web.yaml", fmt.Sprintf(commonWeb, test.annotations)+test.objects))
			require.NoError(t, err, results.Report())
			if test.says == "" {
				for _, kind := range []string{"[interception-mode]", "[misleading-annotation]", "[mesh-config-widens]", "[beyond-limits]"} {
					assert.NotContains(t, results.Report(), kind)
				}
				return
			}
			assert.Contains(t, results.Report(), test.says)
		})
	}
}

// TestWhatIsWrittenPutsOutOfForce: an annotation for outbound ports is an argument of
// istio-init, which replaces its environment. Limits judge what is in force then.
func TestWhatIsWrittenPutsOutOfForce(t *testing.T) {
	const (
		variable = "ISTIO_LOCAL_OUTBOUND_PORTS_EXCLUDE: '8443'"
		config   = `proxy.istio.io/config: "proxyMetadata: {` + variable + `}"`
		told     = "what krm-bypass writes in traffic.sidecar.istio.io/excludeOutboundPorts of "
	)
	for name, test := range map[string]struct {
		rule, annotations, objects string
		told                       string
		refused                    bool
	}{
		"of the template":      {"excludeOutboundPorts: [3306]", config, "", told + "these pods stands to Istio instead of ISTIO_LOCAL_OUTBOUND_PORTS_EXCLUDE here, so outbound port 8443 no longer bypasses", false},
		"of a ProxyConfig":     {"excludeOutboundPorts: [3306]", "", proxyConfigIn("shop", "", variable), told + "Deployment shop/web stands to Istio", false},
		"of a MeshConfig":      {"excludeOutboundPorts: [3306]", "", configMapSaying("defaultConfig: {proxyMetadata: {" + variable + "}}"), told + "Deployment shop/web stands to Istio", false},
		"said by the rule too": {"excludeOutboundPorts: [8443]", config, "", "", true},
		"another direction":    {"excludeInboundPorts: [3306]", config, "", "", true},
		"by the user's own":    {"excludeOutboundPorts: [3306]", config + ", traffic.sidecar.istio.io/excludeOutboundPorts: '80'", "", "", false},
		"of other pods":        {"excludeOutboundPorts: [3306]", "", proxyConfigIn("pay", "", variable), "", false},
	} {
		t.Run(name, func(t *testing.T) {
			web := manifest("web.yaml", strings.ReplaceAll(fmt.Sprintf(commonWeb, test.annotations), ", istio.io/dataplane-mode: ambient", "")+test.objects)
			spec := "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {enforcement: {image: i}, global: {" + test.rule + "}"
			_, results, err := rendered(t, spec+"}\n", web)
			require.NoError(t, err, results.Report())
			if test.told == "" {
				assert.NotContains(t, results.Report(), told)
			} else {
				assert.Equal(t, 1, strings.Count(results.Report(), test.told), results.Report())
			}
			limited, err := fn.Explain(fn.SpecIn(manifest("bypass.yaml", spec+", limits: {forbiddenOutboundPorts: [8443]}}\n")), []fn.Manifest{web}, fn.Options{}, "")
			_ = err
			assert.Equal(t, test.refused, limited.Results.Failed(), limited.Results.Report())
		})
	}
}

// TestWhatAMeshsOwnListsLetBypass: what stands in a MeshConfig of FSM or OSM counts in
// explain as far as neither the pods nor the spec say it, and with no rule at all.
func TestWhatAMeshsOwnListsLetBypass(t *testing.T) {
	for name, test := range map[string]struct{ spec, annotations, lists, lets string }{
		"no rule":                       {"global: {}", "", "outboundPortExclusionList: [8443]", "outboundPortExclusionList: map[excludeOutboundPorts:[8443]] true"},
		"a rule for another port":       {"global: {excludeOutboundPorts: [3306]}", "", "outboundPortExclusionList: [8443]", "outboundPortExclusionList: map[excludeOutboundPorts:[8443]] true"},
		"what comes in":                 {"global: {}", "", "inboundPortExclusionList: [22]", "inboundPortExclusionList: map[excludeInboundPorts:[22]] true"},
		"ranges":                        {"global: {}", "", "outboundIPRangeExclusionList: [192.0.2.0/24]", "outboundIPRangeExclusionList: map[excludeOutboundIPRanges:[192.0.2.0/24]] true"},
		"what alone is intercepted":     {"global: {}", "", "outboundIPRangeInclusionList: [10.2.0.0/16]", "outboundIPRangeInclusionList: map[includeOutboundIPRanges:[10.2.0.0/16]] true"},
		"together with the pod's own":   {"global: {}", "flomesh.io/outbound-ip-range-inclusion-list: 10.3.0.0/16", "outboundIPRangeInclusionList: [10.2.0.0/16]", ""}, // which takes more, not less
		"the rule says so too":          {"global: {excludeOutboundPorts: [8443]}", "", "outboundPortExclusionList: [8443]", ""},
		"spec.meshDefaults says so too": {"meshDefaults: {excludeOutboundPorts: [8443]}", "", "outboundPortExclusionList: [8443]", ""},
		"the pod says so too":           {"global: {}", "flomesh.io/outbound-port-exclusion-list: '8443'", "outboundPortExclusionList: [8443]", ""},
		"the pod opts out":              {"global: {}", "flomesh.io/sidecar-injection: disabled", "outboundPortExclusionList: [8443]", ""},
		"empty":                         {"global: {}", "", "outboundPortExclusionList: []", ""},
		"on the node":                   {"global: {}", "", "interceptionMode: NodeLevel", ""},
	} {
		for mesh, as := range map[string]*strings.Replacer{"FSM": strings.NewReplacer(), "OSM": strings.NewReplacer("flomesh.io", "openservicemesh.io")} {
			t.Run(mesh+"/"+name, func(t *testing.T) {
				spec := "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {mesh: " + mesh + ", enforcement: {image: i}, " + test.spec + "}\n"
				objects := fmt.Sprintf(commonWeb, test.annotations) + "apiVersion: config.flomesh.io/v1alpha2\nkind: MeshConfig\nmetadata: {name: mesh-config, namespace: system}\nspec: {traffic: {" + test.lists + "}}\n"
				explained, err := fn.Explain(fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte(spec)}), []fn.Manifest{{Path: "web.yaml", Text: []byte(as.Replace(objects))}}, fn.Options{}, "")
				require.NoError(t, err, explained.Results.Report())
				var lets []string
				for _, o := range explained.Workloads[0].Others {
					lets = append(lets, fmt.Sprint(o.Name, ": ", o.Lets, " ", o.Sure))
					assert.Positive(t, o.From.Line)
				}
				assert.Equal(t, test.lets, strings.Join(lets, "; "))
			})
		}
	}
}
