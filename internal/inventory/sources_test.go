package inventory_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/internal/inventory"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// imported is what is imported of files, mesh and meshDefaults on one line, and what is
// told.
func imported(t *testing.T, files string) (defaults, told string) {
	t.Helper()
	found, err := inventory.Take(tree(files), "", nil)
	if err != nil {
		return err.Error(), found.Warnings.Error()
	}
	return oneLine(rules(t, found.Spec())), found.Warnings.Error()
}

// oneLine is a specification's rules without comments.
func oneLine(spec string) string {
	var said []string
	for line := range strings.Lines(spec) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") && line != "meshDefaults:" {
			said = append(said, line)
		}
	}
	return strings.Join(said, " ")
}

// presetOf is what the charts of FSM and OSM make of their values.
func presetOf(level, mode string) string {
	return "-- p.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: preset-mesh-config}\ndata: {preset-mesh-config.json: '{\"traffic\": {\"interceptionMode\": \"" + mode + "\", \"outboundPortExclusionList\": [3306], \"inboundPortExclusionList\": []}, \"observability\": {\"" + level + "\": \"error\"}}'}\n"
}

// TestSources: where a mesh's own configuration stands, in today's and in older spellings.
func TestSources(t *testing.T) {
	proxy := "global: {proxy: {excludeIPRanges: 192.0.2.0/24, excludeOutboundPorts: '3306'}}"
	flux := func(from string) string {
		return "-- r.yaml --\napiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: istiod}\nspec:\n  valuesFrom: [{kind: ConfigMap, name: " + from + "}]\n  values: {" + proxy + "}\n"
	}
	const fluxValues = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istiod-values}\ndata: {values.yaml: 'global: {proxy: {excludeOutboundPorts: 1, excludeInboundPorts: 9090}}'}\n"
	for name, test := range map[string]struct{ files, want, told string }{
		"an umbrella chart":        {"-- v.yaml --\nistiod:\n  " + proxy + "\nbase: {defaultRevision: default}\n", "mesh: Istio excludeOutboundPorts: [3306] excludeOutboundIPRanges: [192.0.2.0/24]", ""},
		"an umbrella of umbrellas": {"-- v.yaml --\nplatform: {mesh-1-27: {" + proxy + "}}\n", "mesh: Istio excludeOutboundPorts: [3306] excludeOutboundIPRanges: [192.0.2.0/24]", ""},
		"globals of the umbrella itself": {"-- v.yaml --\nglobal: {proxy: {excludeOutboundPorts: '3306'}}\nistiod:\n  global:\n    proxy: {excludeOutboundPorts: '5432', excludeInboundPorts: '9100'}\n",
			"mesh: Istio excludeInboundPorts: [9100] excludeOutboundPorts: [3306]",
			"v.yaml:4: istiod.global.proxy.excludeOutboundPorts: not imported: Helm hands down what global.proxy.excludeOutboundPorts says, which counts instead"},
		"a sub-chart that is switched off": {"-- v.yaml --\nistiod:\n  enabled: false\n  " + proxy + "\n-- w.yaml --\nglobal: {proxy: {excludeInboundPorts: '9100'}}\n", "mesh: Istio excludeInboundPorts: [9100]",
			"v.yaml:3: istiod.global.proxy.excludeOutboundPorts: not imported: istiod is switched off (enabled: false)"},
		"an umbrella's folder": {"-- um/charts/istiod/values.yaml --\nglobal: {proxy: {excludeOutboundPorts: '1', excludeInboundPorts: '2'}}\n-- um/values.yaml --\nglobal: {proxy: {excludeOutboundPorts: '111'}}\n",
			"mesh: Istio excludeInboundPorts: [2] excludeOutboundPorts: [111]",
			`um/charts/istiod/values.yaml:1: global.proxy.excludeOutboundPorts: "1" is not imported, since um/values.yaml says "111", which counts instead`},
		"an umbrella's folder, by the chart's name": {"-- charts/istiod/values.yaml --\nglobal: {proxy: {excludeOutboundPorts: '1'}}\n-- values.yaml --\nistiod: {global: {proxy: {excludeOutboundPorts: '111'}}}\n",
			"mesh: Istio excludeOutboundPorts: [111]", `"1" is not imported, since values.yaml says "111", which counts instead`},
		"an umbrella's folder, and another chart of it": {"-- charts/istiod/values.yaml --\nglobal: {proxy: {excludeOutboundPorts: '1'}}\n-- values.yaml --\nold: {global: {proxy: {excludeOutboundPorts: '111'}}}\n",
			`charts/istiod/values.yaml:1: global.proxy.excludeOutboundPorts: says "1", and values.yaml says "111": name only the file that the mesh was installed with`, ""},
		"two sub-charts that differ": {"-- v.yaml --\nold: {global: {proxy: {excludeOutboundPorts: '1'}}}\nnew: {global: {proxy: {excludeOutboundPorts: '2'}}}\n",
			`v.yaml:2: new.global.proxy.excludeOutboundPorts: says "2", and old.global.proxy.excludeOutboundPorts says "1": name only the file that the mesh was installed with`, ""},
		"the sidecar injector's ConfigMap of a revision": {"-- c.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio-sidecar-injector-1-27}\ndata: {values: '{\"global\": {\"proxy\": {\"excludeOutboundPorts\": \"3306\"}}}'}\n", "mesh: Istio excludeOutboundPorts: [3306]", ""},
		"the copy of the values of a revision":           {"-- c.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: values-1-27}\ndata: {merged-values: '{\"global\": {\"proxy\": {\"excludeOutboundPorts\": \"3306\", \"includeIPRanges\": \"*\"}}}'}\n", "mesh: Istio excludeOutboundPorts: [3306]", ""},
		"OpenShift Service Mesh 2": {"-- c.yaml --\napiVersion: maistra.io/v2\nkind: ServiceMeshControlPlane\nmetadata: {name: basic}\nspec: {proxy: {networking: {trafficControl: {inbound: {excludedPorts: ['8081']}, outbound: {excludedPorts: [3306], excludedIPRanges: [192.0.2.0/24]}}}}}\n",
			"mesh: Istio excludeInboundPorts: [8081] excludeOutboundPorts: [3306] excludeOutboundIPRanges: [192.0.2.0/24]", ""},
		"Flux' HelmRelease": {"-- r.yaml --\napiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: istiod}\nspec: {values: {" + proxy + "}}\n", "mesh: Istio excludeOutboundPorts: [3306] excludeOutboundIPRanges: [192.0.2.0/24]", ""},
		"values of Flux' HelmRelease and of its ConfigMap": {flux("istiod-values") + "---\n" + fluxValues, "mesh: Istio excludeInboundPorts: [9090] excludeOutboundPorts: [3306] excludeOutboundIPRanges: [192.0.2.0/24]",
			"r.yaml:11: ConfigMap istiod-values: data[\"values.yaml\"] → global.proxy.excludeOutboundPorts: not imported: HelmRelease istiod in r.yaml says it in its own values, which count instead"},
		"values of Flux' HelmRelease and of another's ConfigMap": {flux("others-values") + "---\n" + fluxValues, `r.yaml:11: ConfigMap istiod-values: data["values.yaml"] → global.proxy.excludeOutboundPorts: says "1", and HelmRelease istiod in r.yaml says "3306": name only the file that the mesh was installed with`,
			"r.yaml:5: HelmRelease istiod: spec.valuesFrom: import does not read the values that it takes from ConfigMap others-values (not among the files): if settings of the mesh are among them, render the chart"},
		"values that import does not read, of several HelmReleases": {strings.Replace(flux("istiod-values"), "[{", "[{kind: Secret, name: a}, {kind: ConfigMap, name: istiod-values, valuesKey: v.yaml}, {", 1) + "---\n" + strings.Replace(fluxValues, "excludeOutboundPorts: 1, ", "", 1) +
			"---\napiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web}\nspec: {valuesFrom: [{kind: Secret, name: b}]}\n",
			"mesh: Istio excludeInboundPorts: [9090] excludeOutboundPorts: [3306] excludeOutboundIPRanges: [192.0.2.0/24]",
			"r.yaml:5: HelmRelease istiod: spec.valuesFrom: import does not read the values that it takes from Secret a, key v.yaml of ConfigMap istiod-values: if settings of the mesh are among them, render the chart and import what it prints, as in helm template NAME CHART --values FILE | krm-bypass import - (and 1 more like it)"},
		"both kinds of values of an Application": {"-- a.yaml --\napiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: istiod}\nspec: {source: {helm: {values: 'global: {proxy: {excludeOutboundPorts: 1}}', valuesObject: {" + proxy + "}}}}\n", "mesh: Istio excludeOutboundPorts: [3306] excludeOutboundIPRanges: [192.0.2.0/24]",
			"a.yaml:4: Application istiod: spec.source.helm.values → global.proxy.excludeOutboundPorts: not imported: Argo CD reads valuesObject instead"},
		"values that Flux reads from a ConfigMap": {"-- r.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: istiod-values}\ndata:\n  values.yaml: |\n    istiod: {" + proxy + "}\n", "mesh: Istio excludeOutboundPorts: [3306] excludeOutboundIPRanges: [192.0.2.0/24]", ""},
		"an Application's values":                 {"-- a.yaml --\napiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: istiod}\nspec: {source: {helm: {valuesObject: {" + proxy + "}}}}\n", "mesh: Istio excludeOutboundPorts: [3306] excludeOutboundIPRanges: [192.0.2.0/24]", ""},
		"an Application's values as text, and parameters": {"-- a.yaml --\napiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: istiod}\nspec:\n  sources:\n  - helm:\n      values: |\n        " + proxy + "\n      parameters:\n      - {name: global.proxy.excludeInboundPorts, value: '9100'}\n      - {name: replicas, value: '2'}\n",
			"mesh: Istio excludeOutboundPorts: [3306] excludeOutboundIPRanges: [192.0.2.0/24]",
			"a.yaml:10: Application istiod: spec.sources[0].helm.parameters[0]: global.proxy.excludeInboundPorts is not imported, since it is in the words of helm --set: write it among the values"},
		"an ApplicationSet's values": {"-- a.yaml --\napiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: istiod}\nspec: {template: {spec: {source: {helm: {valuesObject: {" + proxy + "}}}}}}\n", "mesh: Istio excludeOutboundPorts: [3306] excludeOutboundIPRanges: [192.0.2.0/24]", ""},
		"K3s' HelmChart": {"-- c.yaml --\napiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: {name: istiod}\nspec:\n  set: {global.proxy.excludeInboundPorts: '9100'}\n  valuesContent: |-\n    " + proxy + "\n", "mesh: Istio excludeOutboundPorts: [3306] excludeOutboundIPRanges: [192.0.2.0/24]",
			`c.yaml:5: HelmChart istiod: spec.set["global.proxy.excludeInboundPorts"]: global.proxy.excludeInboundPorts is not imported`},
		"Crossplane's Release":           {"-- c.yaml --\napiVersion: helm.crossplane.io/v1beta1\nkind: Release\nmetadata: {name: istiod}\nspec: {forProvider: {values: {" + proxy + "}}}\n", "mesh: Istio excludeOutboundPorts: [3306] excludeOutboundIPRanges: [192.0.2.0/24]", ""},
		"charts of a kustomization":      {"-- kustomization.yaml --\napiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nhelmCharts: [{name: istiod, valuesInline: {" + proxy + "}}]\n", "mesh: Istio excludeOutboundPorts: [3306] excludeOutboundIPRanges: [192.0.2.0/24]", ""},
		"values that are not for a mesh": {"-- v.yaml --\nglobal: {proxy: {image: proxyv2}}\nfsm: {replicas: 2}\nConfigPatches: {}\nproxyInit: {}\n", "nothing to import: none of the files has a setting that bypasses the sidecars of a mesh", ""},

		"Linkerd in an umbrella chart": {"-- v.yaml --\nlinkerd-control-plane: {proxyInit: {ignoreInboundPorts: '25', ignoreOutboundPorts: '26', skipSubnets: 172.17.0.0/16}}\n", "mesh: Linkerd excludeInboundPorts: [25] excludeOutboundPorts: [26]",
			"v.yaml:1: linkerd-control-plane.proxyInit.skipSubnets: not imported: no field of a ClusterBypass says from which addresses"},
		"Linkerd 2.7 to 2.9": {"-- v.yaml --\nglobal: {proxyInit: {ignoreInboundPorts: '25'}}\n", "mesh: Linkerd excludeInboundPorts: [25] excludeOutboundPorts: [\"4567-4568\"]",
			"v.yaml:1: global.proxyInit.ignoreInboundPorts: excludeOutboundPorts is not said beside it: the charts of Linkerd before 2.11 exclude other ports"},
		"Linkerd 2.5 and 2.6":                {"-- v.yaml --\nProxyInit: {IgnoreInboundPorts: '25', IgnoreOutboundPorts: '26'}\n", "mesh: Linkerd excludeInboundPorts: [25] excludeOutboundPorts: [26]", ""},
		"Linkerd's ConfigMap of 2.7 and 2.8": {"-- c.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: linkerd-config, namespace: linkerd}\ndata: {proxy: '{\"ignoreInboundPorts\": [{\"portRange\": \"22\"}, {\"portRange\": \"8100-8102\"}], \"ignoreOutboundPorts\": [{\"portRange\": \"443\"}]}'}\n", "mesh: Linkerd excludeInboundPorts: [22, \"8100-8102\"] excludeOutboundPorts: [443]", ""},
		"Linkerd's ConfigMap up to 2.6":      {"-- c.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: linkerd-config, namespace: linkerd}\ndata: {proxy: '{\"ignoreInboundPorts\": [{\"port\": 25}], \"ignoreOutboundPorts\": [{\"port\": 26}, {\"port\": 27}]}'}\n", "mesh: Linkerd excludeInboundPorts: [25] excludeOutboundPorts: [\"26-27\"]", ""},
		"Linkerd's CNI plugin": {"-- v.yaml --\nlinkerd2-cni: {ignoreInboundPorts: '25'}\n", "nothing to import: none of the files has a setting that bypasses the sidecars of a mesh",
			"v.yaml:1: linkerd2-cni.ignoreInboundPorts: not imported: Linkerd's CNI plugin adds its inbound list"},
		"the chart of Linkerd's CNI plugin": {"-- v.yaml --\nignoreInboundPorts: ''\nignoreOutboundPorts: '25'\n", "nothing to import: none of the files has a setting that bypasses the sidecars of a mesh",
			"v.yaml:2: ignoreOutboundPorts: not imported: Linkerd's CNI plugin adds its inbound list"},

		"FSM's chart": {"-- v.yaml --\nfsm: {outboundPortExclusionList: [3306], inboundPortExclusionList: [], outboundIPRangeInclusionList: [10.0.0.0/8], networkInterfaceExclusionList: [eth1]}\n", "mesh: FSM merge: Union # as the mesh itself adds its levels up excludeOutboundPorts: [3306] includeOutboundIPRanges: [10.0.0.0/8]",
			"v.yaml:1: fsm.networkInterfaceExclusionList: not imported: no field of a ClusterBypass says by which interfaces"},
		"OSM's chart": {"-- v.yaml --\nosm: {outboundIPRangeExclusionList: [192.0.2.0/24]}\n", "mesh: OSM merge: Union # as the mesh itself adds its levels up excludeOutboundIPRanges: [192.0.2.0/24]", ""},
		"OSM 0.11":    {"-- v.yaml --\nOpenServiceMesh: {inboundPortExclusionList: [8081]}\n", "mesh: OSM merge: Union # as the mesh itself adds its levels up excludeInboundPorts: [8081]", ""},
		"OSM 0.8":     {"-- c.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: osm-config}\ndata: {outbound_ip_range_exclusion_list: '192.0.2.0/24,198.51.100.0/24'}\n", "mesh: OSM merge: Union # as the mesh itself adds its levels up excludeOutboundIPRanges: [192.0.2.0/24, 198.51.100.0/24]", ""},

		"what FSM's chart is rendered to": {presetOf("fsmLogLevel", "PodLevel"), "mesh: FSM merge: Union # as the mesh itself adds its levels up excludeOutboundPorts: [3306]", ""},
		"what OSM's chart is rendered to": {presetOf("osmLogLevel", "PodLevel"), "mesh: OSM merge: Union # as the mesh itself adds its levels up excludeOutboundPorts: [3306]", ""},
		"what is rendered for FSM at the level of nodes": {presetOf("fsmLogLevel", "NodeLevel"), "mesh: FSM merge: Union # as the mesh itself adds its levels up excludeOutboundPorts: [3306]",
			"p.yaml:4: ConfigMap preset-mesh-config: data[\"preset-mesh-config.json\"] → traffic.interceptionMode: not imported: it redirects by eBPF"},
		"what is rendered for one of the two": {presetOf("logLevel", "PodLevel"), "the files hold settings of several meshes (the files hold settings of FSM in p.yaml, of OSM in p.yaml): say with --mesh which to import", ""},
		"what FSM made its configuration of, and that": {presetOf("fsmLogLevel", "PodLevel") + "-- m.yaml --\n" + meshConfig("config.flomesh.io", "{outboundPortExclusionList: [3306], inboundPortExclusionList: [80]}"),
			"mesh: FSM merge: Union # as the mesh itself adds its levels up excludeInboundPorts: [80] excludeOutboundPorts: [3306]", ""},
		"what FSM made its configuration of, which is another now": {presetOf("fsmLogLevel", "PodLevel") + "-- m.yaml --\n" + meshConfig("config.flomesh.io", "{outboundPortExclusionList: [], inboundPortExclusionList: [80]}"),
			"mesh: FSM merge: Union # as the mesh itself adds its levels up excludeInboundPorts: [80]",
			"traffic.outboundPortExclusionList: not imported: FSM reads it only to make its first MeshConfig, and MeshConfig mesh-system/mesh in m.yaml stands instead"},

		"the environment of Kuma's control plane": {"-- d.yaml --\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: kuma-control-plane, namespace: kuma-system}\nspec: {template: {spec: {containers: [{name: control-plane, image: kuma-cp, env: [{name: KUMA_MODE, value: zone}, {name: KUMA_RUNTIME_KUBERNETES_SIDECAR_TRAFFIC_EXCLUDE_OUTBOUND_PORTS, value: '3306,5432'}, {name: KUMA_RUNTIME_KUBERNETES_SIDECAR_TRAFFIC_EXCLUDE_INBOUND_IPS, value: 192.0.2.1}]}]}}}\n",
			"mesh: Kuma excludeOutboundPorts: [3306, 5432]",
			"d.yaml:4: Deployment kuma-system/kuma-control-plane: spec.template.spec.containers[0].env.KUMA_RUNTIME_KUBERNETES_SIDECAR_TRAFFIC_EXCLUDE_INBOUND_IPS: not imported: no field of a ClusterBypass says from which addresses"},
		"the environment of Kuma's control plane from elsewhere": {"-- d.yaml --\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: kuma-control-plane, namespace: kuma-system}\nspec: {template: {spec: {containers: [{name: control-plane, image: kuma-cp, env: [{name: KUMA_RUNTIME_KUBERNETES_SIDECAR_TRAFFIC_EXCLUDE_OUTBOUND_PORTS, value: '3306'}, {name: KUMA_RUNTIME_KUBERNETES_SIDECAR_TRAFFIC_EXCLUDE_INBOUND_PORTS, valueFrom: {configMapKeyRef: {name: a, key: b}}}]}]}}}\n",
			"mesh: Kuma excludeOutboundPorts: [3306]",
			"containers[0].env.KUMA_RUNTIME_KUBERNETES_SIDECAR_TRAFFIC_EXCLUDE_INBOUND_PORTS: not imported: its value comes from another object: say in meshDefaults what the mesh gets by it"},
		"all the environment of Kuma's control plane from elsewhere": {"-- d.yaml --\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: kuma-control-plane, namespace: kuma-system}\nspec: {template: {spec: {containers: [{name: control-plane, image: kuma-cp, env: [{name: KUMA_MODE, value: zone}], envFrom: [{configMapRef: {name: a}}]}]}}}\n",
			"nothing to import: none of the files has a setting that bypasses the sidecars of a mesh",
			"d.yaml:4: Deployment kuma-system/kuma-control-plane: spec.template.spec.containers[0].envFrom: not imported: more variables come from there: if KUMA_ ones are among them, say in meshDefaults what the mesh gets by it"},
		"another control plane": {"-- d.yaml --\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: some-control-plane, namespace: shop}\nspec: {template: {spec: {containers: [{name: a, image: b, env: [{name: MODE, value: zone}], envFrom: [{configMapRef: {name: a}}]}]}}}\n",
			"nothing to import: none of the files has a setting that bypasses the sidecars of a mesh", ""},
		"the environment in Kuma's values counts before the file": {"-- v.yaml --\nkuma:\n  controlPlane:\n    envVars: {KUMA_RUNTIME_KUBERNETES_SIDECAR_TRAFFIC_EXCLUDE_OUTBOUND_PORTS: '3306'}\n    config: |\n      runtime: {kubernetes: {injector: {sidecarTraffic: {excludeOutboundPorts: [5432], excludeInboundPorts: [9100]}}}}\n",
			"mesh: Kuma excludeInboundPorts: [9100] excludeOutboundPorts: [3306]",
			`v.yaml:4: kuma.controlPlane.config → runtime.kubernetes.injector.sidecarTraffic.excludeOutboundPorts: "5432" is not imported, since v.yaml says "3306", which counts instead`},
		"Kuma's ConfigMap that is switched off": {"-- v.yaml --\ntransparentProxy: {configMap: {enabled: false, config: {redirect: {outbound: {excludePorts: [3306]}}}}}\ncontrolPlane: {config: 'runtime: {kubernetes: {injector: {sidecarTraffic: {excludeOutboundPorts: [5432]}}}}'}\n", "mesh: Kuma excludeOutboundPorts: [5432]",
			"v.yaml:1: transparentProxy.configMap.config.redirect.outbound.excludePorts: not imported: transparentProxy.configMap is switched off"},
		"Kuma's ConfigMap counts before its control plane": {"-- v.yaml --\ntransparentProxy: {configMap: {config: {redirect: {inbound: {includePorts: '80'}, outbound: {excludePorts: [3306], excludePortsForUIDs: ['1000']}}}}}\ncontrolPlane: {config: 'runtime: {kubernetes: {injector: {sidecarTraffic: {excludeOutboundPorts: [3306]}}}}'}\n", "mesh: Kuma excludeOutboundPorts: [3306]",
			"v.yaml:1: transparentProxy.configMap.config.redirect.outbound.excludePortsForUIDs: not imported: no field of a ClusterBypass says whose traffic"},

		"ASM's answers": {"-- global.json --\n" + `{"Namespace": "globalDefault", "RequestId": "1", "ConfigPatches": {"ExcludeOutboundPorts": "3306", "IncludeInboundPorts": "", "InterceptionMode": "REDIRECT", "Concurrency": 2, "ProxyMetadata": {}}}` + "\n-- shop.json --\n" +
			`{"Namespace": "shop", "statusCode": 200, "body": {"RequestId": "2", "ConfigPatches": {"ExcludeOutboundIPRanges": "192.0.2.3/31", "InterceptionMode": "TPROXY"}}}` + "\n",
			"mesh: Istio excludeOutboundPorts: [3306] namespaces: - name: shop-outbound match: {names: [shop]} excludeOutboundIPRanges: [192.0.2.2/31]",
			"shop.json:1: body.ConfigPatches.InterceptionMode: not imported: no field of a ClusterBypass says how the sidecar intercepts"},
		"an answer of ASM without the namespace": {"-- shop.json --\n" + `{"RequestId": "2", "ConfigPatches": {"ExcludeInboundPorts": "9100"}}` + "\n",
			`shop.json:1: ConfigPatches.ExcludeInboundPorts: the answer does not say of which namespace it is: write "Namespace": "shop" beside ConfigPatches, or "Namespace": "globalDefault" where it is for all namespaces`, ""},
		"what is not set in an answer of ASM": {"-- a.json --\n" + `{"Namespace": "globalDefault", "ConfigPatches": {"ExcludeOutboundPorts": "3306"}}` + "\n" + `{"Namespace": "shop", "ConfigPatches": {"ExcludeOutboundPorts": "", "ExcludeInboundPorts": ""}}` + "\n",
			"mesh: Istio excludeOutboundPorts: [3306]", "a.json:2: ConfigPatches.ExcludeOutboundPorts: says nothing, since an empty text stands for what is not set"},
		"ASM's answer of a namespace that is left alone": {"-- a.json --\n" + `{"Namespace": "istio-system", "ConfigPatches": {"ExcludeOutboundPorts": "3306"}}` + "\n" + `{"Namespace": "shop", "ConfigPatches": {"ExcludeOutboundPorts": "3306"}}` + "\n",
			"mesh: Istio namespaces: - name: shop-outbound match: {names: [shop]} excludeOutboundPorts: [3306]", "not imported: namespace istio-system belongs to the mesh itself"},
	} {
		t.Run(name, func(t *testing.T) {
			defaults, told := imported(t, test.files)
			assert.Equal(t, test.want, defaults)
			if test.told == "" {
				assert.Empty(t, told)
			}
			assert.Contains(t, told, test.told)
		})
	}
}

// What objects of a mesh say for many pods beside the fields is told.
func TestWhatIsSaidForManyPodsIsTold(t *testing.T) {
	const web = "-- w.yaml --\n"
	istio := web + deployment("web", "shop", portsAnnotation+`"3306"`)
	fsm := web + deployment("web", "shop", `flomesh.io/outbound-port-exclusion-list: "3306"`)
	for name, test := range map[string]struct{ files, told string }{
		"a ProxyConfig by whose environment traffic bypasses": {istio + "-- p.yaml --\napiVersion: networking.istio.io/v1beta1\nkind: ProxyConfig\nmetadata: {name: p, namespace: shop}\nspec: {environmentVariables: {ISTIO_EXCLUDE_INTERFACES: eth1}}\n",
			"p.yaml:4: ProxyConfig shop/p: spec.environmentVariables: not imported: traffic may bypass the sidecars of many pods by what it says, as by their proxy.istio.io/config"},
		"a ProxyConfig about something else": {istio + "-- p.yaml --\napiVersion: networking.istio.io/v1beta1\nkind: ProxyConfig\nmetadata: {name: p, namespace: shop}\nspec: {concurrency: 2, environmentVariables: {LANG: C}}\n", ""},
		"the mesh's ConfigMap, which intercepts nothing": {istio + "-- m.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio-1-25, namespace: istio-system}\ndata: {mesh: 'defaultConfig: {interceptionMode: NONE}'}\n",
			"m.yaml:4: ConfigMap istio-system/istio-1-25: data.mesh: not imported: traffic may bypass the sidecars of many pods"},
		"the mesh's ConfigMap":      {istio + "-- m.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\ndata: {mesh: 'defaultConfig: {interceptionMode: TPROXY, proxyMetadata: {ISTIO_META_DNS_CAPTURE: \"true\"}}'}\n", ""},
		"FSM at the level of nodes": {fsm + "-- m.yaml --\n" + meshConfig("config.flomesh.io", "{interceptionMode: NodeLevel}"), "m.yaml:5: MeshConfig mesh-system/mesh: spec.traffic.interceptionMode: not imported: it redirects by eBPF"},
		"FSM's interfaces":          {fsm + "-- m.yaml --\n" + meshConfig("config.flomesh.io", "{networkInterfaceExclusionList: [eth1]}"), "m.yaml:5: MeshConfig mesh-system/mesh: spec.traffic.networkInterfaceExclusionList: not imported: what comes and goes by these interfaces bypasses the sidecar"},
		"FSM in pods":               {fsm + "-- m.yaml --\n" + meshConfig("config.flomesh.io", "{interceptionMode: PodLevel, networkInterfaceExclusionList: []}"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, told := imported(t, test.files)
			assert.Equal(t, test.told == "", told == "", told)
			assert.Contains(t, told, test.told)
		})
	}
}

// Annotations that charts, or kustomize, put on pods are told where they stand.
func TestWhatChartsPutOnPodsIsTold(t *testing.T) {
	const annotations = portsAnnotation + `"9095"`
	const chart = ": a chart puts it on pods: render the chart and import what it prints, as in helm template NAME CHART --values FILE | krm-bypass import -"
	const ports = `["traffic.sidecar.istio.io/excludeOutboundPorts"]: not imported`
	const release = "-- r.yaml --\napiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: loki}\nspec:\n  values: {"
	for name, test := range map[string]struct{ files, told string }{
		"values": {"-- v.yaml --\ncompactor:\n  podAnnotations:\n    " + annotations + "\nother:\n- podTemplate: {metadata: {annotations: {" + annotations + ", config.linkerd.io/skip-outbound-ports: '1'}}}\n",
			"v.yaml:3: compactor.podAnnotations" + ports + " (the same at line 5)" + chart},
		"values that take it away":       {"-- v.yaml --\ncompactor: {podAnnotations: {traffic.sidecar.istio.io/excludeOutboundPorts: null}}\n", ""},
		"other annotations":              {"-- v.yaml --\ncompactor: {podAnnotations: {sidecar.istio.io/proxyCPU: '1'}}\n", ""},
		"a HelmRelease":                  {release + "ingester: {podAnnotations: {" + annotations + "}}}\n", "r.yaml:5: HelmRelease loki: spec.values.ingester.podAnnotations" + ports + chart},
		"a pod template of a chart":      {release + "template: {metadata: {annotations: {" + annotations + "}}, spec: {containers: [{image: a}]}}}\n", "r.yaml:5: HelmRelease loki: spec.values.template.metadata.annotations" + ports + chart},
		"an Application's text":          {"-- a.yaml --\napiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: loki}\nspec:\n  source:\n    helm:\n      values: |\n        a: {podAnnotations: {" + annotations + "}}\n        b: {podAnnotations: {" + annotations + "}}\n", "a.yaml:7: Application loki: spec.source.helm.values → a.podAnnotations" + ports + " (the first of 2 there)" + chart},
		"the words of helm --set":        {"-- a.yaml --\napiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: {name: loki}\nspec: {set: {'podAnnotations.config\\.linkerd\\.io/skip-outbound-ports': '1'}}\n", "not imported" + chart},
		"a kustomization without a kind": {"-- kustomization.yaml --\ncommonAnnotations: {" + annotations + "}\n", "kustomization.yaml:1: commonAnnotations" + ports + ": kustomize puts it on objects"},
	} {
		t.Run(name, func(t *testing.T) {
			defaults, told := imported(t, test.files)
			assert.Contains(t, defaults, "nothing to import")
			if test.told == "" {
				assert.Empty(t, told)
			}
			assert.Contains(t, told, test.told)
			assert.LessOrEqual(t, strings.Count(told, "\n"), 0, "once")
		})
	}
}

// Patches are no settings of their own, and of Namespaces that differ none is believed.
func TestPatchesSayNothing(t *testing.T) {
	const config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio-sidecar-injector}\ndata: {values: '{\"global\": {\"proxy\": {\"excludeOutboundPorts\": \"3306\", \"excludeInboundPorts\": \"1\"}}}'}\n"
	const sidecar = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"
	ports := deployment("web", "shop", portsAnnotation+`"5432"`)
	const of = "not imported: its file is a patch, by k: patches[0].path: import the folder of that kustomization"
	const rule = "mesh: Istio workloads: - name: shop-web-outbound match: kinds: [Deployment] names: [web] namespaces: [shop] excludeOutboundPorts: [5432]"
	for name, test := range map[string]struct{ files, want, told string }{
		"a patch of the mesh's ConfigMap": {"-- p.yaml --\n" + config, rule, "p.yaml:4: ConfigMap istio-sidecar-injector: data.values → global.proxy.excludeInboundPorts: " + of},
		"the mesh's ConfigMap":            {"-- c.yaml --\n" + config, "mesh: Istio excludeInboundPorts: [1] excludeOutboundPorts: [3306] " + strings.TrimPrefix(rule, "mesh: Istio "), ""},
		"a patch of a Namespace":          {"-- p.yaml --\n" + ambientNamespace("shop", ""), rule, `p.yaml:3: Namespace shop: metadata.labels["istio.io/dataplane-mode"]: ` + of},
		"Namespaces that differ":          {"-- a.yaml --\n" + sidecar + "-- b.yaml --\n" + ambientNamespace("shop", ""), rule, `b.yaml:3: Namespace shop: metadata.labels["istio.io/dataplane-mode"]: not imported: a.yaml has the same Namespace without it`},
		"Namespaces that say the same":    {"-- a.yaml --\n" + ambientNamespace("shop", "") + "-- b.yaml --\n" + ambientNamespace("shop", ""), "mesh: Istio namespaces: - name: shop-ambient match: {names: [shop]} dataPlane: Ambient", "where nothing reads the annotations of a sidecar"},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := inventory.Take(tree(test.files+"-- w.yaml --\n"+ports), "", map[string]transform.Use{"p.yaml": {Patch: "k: patches[0].path"}})
			require.NoError(t, err)
			assert.Equal(t, test.want, oneLine(rules(t, found.Spec())))
			told := found.Warnings.Error()
			if test.told == "" {
				assert.Empty(t, told)
			}
			assert.Contains(t, told, test.told)
			assert.LessOrEqual(t, strings.Count(told, "\n"), 0, "once")
		})
	}
}

func TestATextOfValuesIsBounded(t *testing.T) {
	bomb := "      a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
	for _, c := range "bcdefgh" {
		bomb += strings.NewReplacer("X", string(c), "Y", string(c-1)).Replace("      X: &X [*Y, *Y, *Y, *Y, *Y, *Y, *Y, *Y, *Y]\n")
	}
	_, err := inventory.Take(tree("-- c.yaml --\napiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: {name: istiod}\nspec:\n  valuesContent: |\n"+bomb), "", nil)
	require.ErrorContains(t, err, "c.yaml:5: HelmChart istiod: spec.valuesContent: reading the values that it holds: line 8: unsupported YAML: aliases stand for")
}
