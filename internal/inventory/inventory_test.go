package inventory_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/internal/inventory"
	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

const istioKey = "traffic.sidecar.istio.io/"

// deployment is a manifest with annotations on its template, as YAML in one
// line.
func deployment(name, namespace, annotations string) string {
	where := "name: " + name
	if namespace != "" {
		where += ", namespace: " + namespace
	}
	return `apiVersion: apps/v1
kind: Deployment
metadata: {` + where + `}
spec:
  template:
    metadata:
      annotations: {` + annotations + `}
    spec: {containers: []}
`
}

// tree is files, in the form of "-- name --" lines before their texts.
func tree(text string) []inventory.File {
	var files []inventory.File
	for line := range strings.Lines(text) {
		if name, is := strings.CutPrefix(line, "-- "); is {
			files = append(files, inventory.File{Path: strings.TrimSuffix(strings.TrimSpace(name), " --")})
			continue
		}
		last := &files[len(files)-1]
		last.Text = append(last.Text, line...)
	}
	return files
}

func stream(documents ...string) string { return strings.Join(documents, "---\n") }

func meshConfig(group, traffic string) string {
	return "apiVersion: " + group + "/v1\nkind: MeshConfig\nmetadata: {name: mesh, namespace: mesh-system}\nspec:\n  traffic: " + traffic + "\n"
}

const linkerdNamespace = `apiVersion: v1
kind: Namespace
metadata:
  name: shop
  annotations:
    config.linkerd.io/skip-inbound-ports: "80"
`

func rules(t *testing.T, text []byte) string {
	t.Helper()
	source, err := spec.In(yamltext.File{Path: "spec", Text: text})
	require.NoError(t, err)
	_, err = source.Read(spec.Given{})
	require.NoError(t, err, "%s", text)
	_, rest, found := strings.Cut(string(text), "spec:\n")
	require.True(t, found)
	said, hint, found := strings.Cut(rest, "  # Annotations do it")
	if !found {
		said, hint, found = strings.Cut(rest, "  # Not all of it fits into annotations")
	}
	require.True(t, found)
	assert.Contains(t, hint, "# image: ")
	return said
}

func ambientNamespace(name, labels string) string {
	return "apiVersion: v1\nkind: Namespace\nmetadata: {name: " + name + ", labels: {istio.io/dataplane-mode: ambient" + labels + "}}\n"
}

const portsAnnotation = istioKey + "excludeOutboundPorts: "

func TestRules(t *testing.T) {
	tests := []struct {
		name  string
		files string
		want  string
		warns string
	}{
		{
			"what all workloads say is global",
			"-- a.yaml --\n" + stream(deployment("web", "shop", portsAnnotation+`"3306"`), deployment("api", "team", portsAnnotation+`" 3306"`)),
			`  mesh: Istio
  # what all 2 workloads say: a.yaml:7, 16
  global:
    excludeOutboundPorts: [3306]
`, "",
		},
		{
			"a Namespace in Ambient",
			"-- a.yaml --\n" + stream(
				ambientNamespace("shop", ""), ambientNamespace("yard", ""), ambientNamespace("team", ", istio-injection: enabled"), ambientNamespace("istio-system", ""),
				deployment("web", "shop", portsAnnotation+`"3306"`), deployment("api", "team", portsAnnotation+`"5432"`),
				strings.Replace(deployment("old", "shop", portsAnnotation+`"6379"`), "metadata:\n      annotations", "metadata:\n      labels: {sidecar.istio.io/inject: 'true'}\n      annotations", 1),
			),
			`  mesh: Istio
  namespaces:
  # Namespace shop in a.yaml
  # Namespace yard in a.yaml
  - name: shop-and-1-more-ambient
    match: {names: [shop, yard]}
    dataPlane: Ambient
  workloads:
  # a.yaml:42
  - name: shop-old-outbound
    match:
      kinds: [Deployment]
      names: [old]
      namespaces: [shop]
    excludeOutboundPorts: [6379]
  # a.yaml:32
  - name: team-api-outbound
    match:
      kinds: [Deployment]
      names: [api]
      namespaces: [team]
    excludeOutboundPorts: [5432]
`, `a.yaml:23: Deployment shop/web: spec.template.metadata.annotations["traffic.sidecar.istio.io/excludeOutboundPorts"]: left as it is: the pods are in Ambient (spec.namespaces[0].dataPlane), where nothing reads the annotations of a sidecar, so it has no effect: say it in a rule of the ClusterBypass, and remove it`,
		},
		{
			"a Namespace in Ambient alone",
			"-- a.yaml --\n" + stream(ambientNamespace("shop", ""), ambientNamespace("team", ", istio-injection: enabled"), deployment("web", "shop", "a: b")),
			`  mesh: Istio
  namespaces:
  # Namespace shop in a.yaml
  - name: shop-ambient
    match: {names: [shop]}
    dataPlane: Ambient
`, "",
		},
		{
			"workloads in lists and behind other JSON",
			"-- a.yaml --\napiVersion: apps/v1\nkind: DeploymentList\nitems:\n- metadata: {name: web, namespace: shop}\n  spec: {template: {metadata: {annotations: {" + portsAnnotation + `"3306"` + "}}, spec: {containers: []}}}\n" +
				`-- b.json --
{"apiVersion":"v1","kind":"Service"}
{"apiVersion":"x/v1","kind":"Bundle","items":[{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"api","namespace":"team"},"spec":{"template":{"metadata":{"annotations":{"traffic.sidecar.istio.io/excludeOutboundPorts":"3306"}},"spec":{"containers":[]}}}}]}
`,
			`  mesh: Istio
  # what all 2 workloads say: a.yaml:5
  # what all 2 workloads say: b.json:2
  global:
    excludeOutboundPorts: [3306]
`, "",
		},
		{
			"one workload that says nothing keeps it from being global",
			"-- a.yaml --\n" + stream(
				deployment("web", "shop", portsAnnotation+`"3306"`), deployment("api", "shop", portsAnnotation+`"3306"`), deployment("other", "team", "")),
			`  mesh: Istio
  namespaces:
  # what all 2 workloads of shop say: a.yaml:7, 16
  - name: shop-outbound
    match: {names: [shop]}
    excludeOutboundPorts: [3306]
`, "",
		},
		{
			"namespaces that say the same have one rule",
			"-- a.yaml --\n" + stream(
				deployment("web", "shop", portsAnnotation+`"3306"`), deployment("api", "shop", portsAnnotation+`"3306"`),
				deployment("web", "team", portsAnnotation+`"3306"`), deployment("api", "team", portsAnnotation+`"3306"`), deployment("x", "other", "")),
			`  mesh: Istio
  namespaces:
  # what all 2 workloads of shop say: a.yaml:7, 16
  # what all 2 workloads of team say: a.yaml:25, 34
  - name: shop-and-1-more-outbound
    match: {names: [shop, team]}
    excludeOutboundPorts: [3306]
`, "",
		},
		{
			"one workload alone shares with nobody",
			"-- a.yaml --\n" + deployment("web", "shop", portsAnnotation+`"3306,9000"`),
			`  mesh: Istio
  workloads:
  # a.yaml:7
  - name: shop-web-outbound
    match:
      kinds: [Deployment]
      names: [web]
      namespaces: [shop]
    excludeOutboundPorts: [3306, 9000]
`, "",
		},
		{
			"workloads of a kind and namespace that say the same have one rule",
			"-- a.yaml --\n" + deployment("web", "shop", portsAnnotation+`"3306"`) +
				"-- b.yaml --\n" + stream(deployment("api", "shop", portsAnnotation+`"3306"`), deployment("x", "shop", "")),
			`  mesh: Istio
  workloads:
  # a.yaml:7
  # b.yaml:7
  - name: shop-api-and-1-more-outbound
    match:
      kinds: [Deployment]
      names: [api, web]
      namespaces: [shop]
    excludeOutboundPorts: [3306]
`, "",
		},
		{
			"an empty annotation clears what Helm says",
			"-- values.yaml --\nglobal: {proxy: {excludeOutboundPorts: '3306', includeIPRanges: '*'}}\n" +
				"-- a.yaml --\n" + deployment("web", "shop", portsAnnotation+`""`),
			`  mesh: Istio
  # values.yaml:1: global.proxy.excludeOutboundPorts
  meshDefaults:
    excludeOutboundPorts: [3306]
  workloads:
  # a.yaml:7
  - name: shop-web-outbound
    match:
      kinds: [Deployment]
      names: [web]
      namespaces: [shop]
    excludeOutboundPorts: []
`, "",
		},
		{
			"the injector's ConfigMap in a List",
			`-- injector.json --
{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "istio-sidecar-injector-1-27", "namespace": "istio-system"},
"data": {"values": "{\"global\": {\"proxy\": {\"excludeInboundPorts\": \"8081\", \"includeInboundPorts\": \"*\", \"excludeIPRanges\": \"\"}}}"}}]}
`,
			`  mesh: Istio
  # injector.json:2: ConfigMap istio-system/istio-sidecar-injector-1-27: items[0].data.values → global.proxy.excludeInboundPorts
  meshDefaults:
    excludeInboundPorts: [8081]
`, "",
		},
		{
			"an included port at an excluded range",
			"-- a.yaml --\n" + deployment("web", "shop", istioKey+`includeOutboundPorts: "53,7001", `+istioKey+`excludeOutboundIPRanges: "192.0.2.0/24"`),
			`  mesh: Istio
  workloads:
  # a.yaml:7
  - name: shop-web-outbound
    match:
      kinds: [Deployment]
      names: [web]
      namespaces: [shop]
    includeOutboundPorts: [53, 7001]
    excludeOutboundIPRanges: [192.0.2.0/24]
    excludeOutbound:
    - {ipRanges: [192.0.2.0/24], ports: ["7001/TCP"]}
`, "",
		},
		{
			"a port that Helm excludes and a pod includes stays excluded",
			"-- values.yaml --\nglobal: {proxy: {excludeOutboundPorts: '7001'}}\n" +
				"-- a.yaml --\n" + deployment("web", "shop", istioKey+`includeOutboundPorts: "7001,7002"`),
			`  mesh: Istio
  # values.yaml:1: global.proxy.excludeOutboundPorts
  meshDefaults:
    excludeOutboundPorts: [7001]
  workloads:
  # a.yaml:7
  - name: shop-web-outbound
    match:
      kinds: [Deployment]
      names: [web]
      namespaces: [shop]
    includeOutboundPorts: [7002]
`, "",
		},
		{
			"a workload without a namespace",
			"-- a.yaml --\n" + deployment(`"on"`, "", portsAnnotation+`"3306"`),
			`  mesh: Istio
  workloads:
  # a.yaml:7
  - name: on-outbound
    match:
      kinds: [Deployment]
      names: ["on"]
    excludeOutboundPorts: [3306]
`, "",
		},
		{
			"the same manifest twice is one workload",
			"-- a.yaml --\n" + deployment("web", "shop", portsAnnotation+`"3306"`) + "-- b.yaml --\n" + deployment("web", "shop", portsAnnotation+`"3306"`),
			`  mesh: Istio
  workloads:
  # a.yaml:7
  # b.yaml:7
  - name: shop-web-outbound
    match:
      kinds: [Deployment]
      names: [web]
      namespaces: [shop]
    excludeOutboundPorts: [3306]
`, "",
		},
		{
			"FSM adds its lists to a pod's",
			"-- mesh.yaml --\n" + meshConfig("config.flomesh.io", "{outboundPortExclusionList: [3306, 53], inboundPortExclusionList: [], enableEgress: true}") +
				"-- a.yaml --\n" + deployment("web", "shop", `flomesh.io/outbound-port-exclusion-list: "6379, 3306"`),
			`  mesh: FSM
  merge: Union # as the mesh itself adds its levels up
  # mesh.yaml:5: MeshConfig mesh-system/mesh: spec.traffic.outboundPortExclusionList
  meshDefaults:
    excludeOutboundPorts: [53, 3306]
  workloads:
  # a.yaml:7
  - name: shop-web-outbound
    match:
      kinds: [Deployment]
      names: [web]
      namespaces: [shop]
    excludeOutboundPorts: [3306, 6379]
`, "",
		},
		{
			"OSM's MeshConfig alone",
			"-- mesh.yaml --\n" + meshConfig("config.openservicemesh.io", "{outboundIPRangeInclusionList: [10.0.0.0/8]}"),
			`  mesh: OSM
  merge: Union # as the mesh itself adds its levels up
  # mesh.yaml:5: MeshConfig mesh-system/mesh: spec.traffic.outboundIPRangeInclusionList
  meshDefaults:
    includeOutboundIPRanges: [10.0.0.0/8]
`, "",
		},
		{
			"Linkerd's own defaults are configured away",
			"-- values.yaml --\nproxyInit: {ignoreInboundPorts: '', ignoreOutboundPorts: '4222'}\n",
			`  mesh: Linkerd
  # values.yaml:1: proxyInit.ignoreInboundPorts
  # values.yaml:1: proxyInit.ignoreOutboundPorts
  meshDefaults:
    excludeInboundPorts: []
    excludeOutboundPorts: [4222]
`, "",
		},
		{
			"Linkerd's ConfigMap, a Namespace and its workloads",
			`-- config.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: linkerd-config, namespace: linkerd}
data:
  values: |
    proxyInit:
      ignoreInboundPorts: "25"
      ignoreOutboundPorts: "26"
-- shop.yaml --
` + stream(linkerdNamespace, deployment("web", "shop", ""), deployment("api", "shop", `config.linkerd.io/skip-inbound-ports: "1-9"`), deployment("like", "shop", `config.linkerd.io/skip-inbound-ports: "80"`)),
			`  mesh: Linkerd
  # config.yaml:5: ConfigMap linkerd/linkerd-config: data.values → proxyInit.ignoreInboundPorts
  # config.yaml:5: ConfigMap linkerd/linkerd-config: data.values → proxyInit.ignoreOutboundPorts
  meshDefaults:
    excludeInboundPorts: [25]
    excludeOutboundPorts: [26]
  namespaces:
  # Namespace shop: shop.yaml:6
  - name: shop-inbound
    match: {names: [shop]}
    excludeInboundPorts: [80]
  workloads:
  # shop.yaml:23
  - name: shop-api-inbound
    match:
      kinds: [Deployment]
      names: [api]
      namespaces: [shop]
    excludeInboundPorts: ["1-9"]
`, "",
		},
		{
			"Kuma's Helm values",
			"-- values.yaml --\ntransparentProxy: {configMap: {config: {redirect: {inbound: {excludePorts: [9000], includePorts: []}, outbound: {excludePorts: '3306,26', excludePortsForIPs: [10.0.0.0/8]}}}}}\ncontrolPlane: {config: ''}\n",
			`  mesh: Kuma
  # values.yaml:1: transparentProxy.configMap.config.redirect.inbound.excludePorts
  # values.yaml:1: transparentProxy.configMap.config.redirect.outbound.excludePorts
  # values.yaml:1: transparentProxy.configMap.config.redirect.outbound.excludePortsForIPs
  meshDefaults:
    excludeInboundPorts: [9000]
    excludeOutboundPorts: [26, 3306]
    excludeOutboundIPRanges: [10.0.0.0/8]
`, "",
		},
		{
			"what configures Kuma's control plane",
			"-- values.yaml --\ncontrolPlane:\n  config: |\n    runtime: {kubernetes: {injector: {sidecarTraffic: {excludeOutboundPorts: [26]}}}}\n",
			`  mesh: Kuma
  # values.yaml:2: controlPlane.config → runtime.kubernetes.injector.sidecarTraffic.excludeOutboundPorts
  meshDefaults:
    excludeOutboundPorts: [26]
`, "",
		},
		{
			"the ConfigMaps of Kuma's control plane, and another of such a name",
			`-- cp.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: kuma-control-plane-config, namespace: kuma-system}
data:
  config.yaml: |
    # use this file to override default configuration of kuma-cp
    runtime:
      kubernetes: {injector: {sidecarTraffic: {excludeOutboundPorts: [26], excludeOutboundIPs: ["192.0.2.1"]}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: kuma-transparent-proxy-config, namespace: kuma-system}
data:
  config.yaml: "redirect: {inbound: {excludePorts: [25]}, outbound: {excludePorts: []}}"
---
apiVersion: v1
kind: ConfigMap
metadata: {name: ours-control-plane-config, namespace: shop}
data:
  config.yaml: "listen: 80"
`,
			`  mesh: Kuma
  # cp.yaml:14: ConfigMap kuma-system/kuma-transparent-proxy-config: data["config.yaml"] → redirect.inbound.excludePorts
  # cp.yaml:5: ConfigMap kuma-system/kuma-control-plane-config: data["config.yaml"] → runtime.kubernetes.injector.sidecarTraffic.excludeOutboundIPs
  # cp.yaml:5: ConfigMap kuma-system/kuma-control-plane-config: data["config.yaml"] → runtime.kubernetes.injector.sidecarTraffic.excludeOutboundPorts
  meshDefaults:
    excludeInboundPorts: [25]
    excludeOutboundPorts: [26]
    excludeOutboundIPRanges: [192.0.2.1/32]
`, "",
		},
		{
			"an IstioOperator",
			"-- operator.yaml --\napiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec: {values: {global: {proxy: {includeInboundPorts: '80,81', excludeInboundPorts: '81,82'}}}}\n",
			// Excluded ports are dead beside included ones, and 81 is intercepted.
			`  mesh: Istio
  # operator.yaml:3: IstioOperator: spec.values.global.proxy.excludeInboundPorts
  # operator.yaml:3: IstioOperator: spec.values.global.proxy.includeInboundPorts
  meshDefaults:
    excludeInboundPorts: [82]
    includeInboundPorts: ["80-81"]
`,
			"operator.yaml:3: IstioOperator: spec.values.global.proxy.excludeInboundPorts: names ports that includeInboundPorts names too (81), which is not imported: it takes effect in a pod that includes all ports, so remove them from one of the two",
		},
		{
			"an IstioOperator that excludes and includes an outbound port",
			"-- operator.yaml --\napiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec: {values: {global: {proxy: {includeOutboundPorts: '80,81', excludeOutboundPorts: '81,82'}}}}\n",
			// An excluded port bypasses, included or not.
			`  mesh: Istio
  # operator.yaml:3: IstioOperator: spec.values.global.proxy.excludeOutboundPorts
  # operator.yaml:3: IstioOperator: spec.values.global.proxy.includeOutboundPorts
  meshDefaults:
    excludeOutboundPorts: ["81-82"]
    includeOutboundPorts: [80]
`,
			"operator.yaml:3: IstioOperator: spec.values.global.proxy.includeOutboundPorts: names ports that excludeOutboundPorts names too (81), which is not imported: it takes effect in a pod that excludes no ports, so remove them from one of the two",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			found, err := inventory.Take(tree(test.files), "", nil)
			require.NoError(t, err)
			assert.Equal(t, test.warns, found.Warnings.Error())
			assert.Equal(t, test.want, rules(t, found.Spec()))
		})
	}
}

// A file that cannot be read and may say what bypasses is in the way.
func TestWhatCannotBeReadIsInTheWay(t *testing.T) {
	for _, text := range []string{"kind: {", "global: {proxy: {excludeOutboundPorts: '1'", "a: {podAnnotations: {config.linkerd.io/skip-outbound-ports: '1'"} {
		_, err := inventory.Take(tree("-- a.yaml --\n"+text+"\n"), "", nil)
		require.ErrorContains(t, err, "a.yaml:1: reading the document: ")
		require.ErrorContains(t, err, ": fix it, or name only the other files")
	}
}

func TestTemplatesOfAChartAreToldOnce(t *testing.T) {
	const template = "{{ if .Values.x }}\n---\n{{ if .Values.y }}\n"
	found, err := inventory.Take(tree("-- c/templates/a.yaml --\n"+template+"-- c/templates/sub/b.yaml --\n"+template+"-- t.yaml --\n"+template), "", nil)
	require.Error(t, err)
	assert.Equal(t, "c: skipped: the templates of this Helm chart: render it and import what comes out, as in helm template NAME c | krm-bypass import -\n"+
		"t.yaml:1: skipped: a Helm chart fills it in: render the chart (helm template) and import what comes out", found.Warnings.Error())
}

func TestWhatIsNotImportedIsSaid(t *testing.T) {
	const imported = "-- z.yaml --\napiVersion: v1\nkind: Pod\nmetadata: {generateName: z-, namespace: zoo, annotations: {traffic.sidecar.istio.io/excludeOutboundPorts: \"1\"}}\nspec: {containers: [{name: app, image: app}]}\n"
	tests := []struct{ name, files, says string }{
		{"a template of a chart", "-- t.yaml --\n{{- if .Values.x }}\nkind: Deployment\n{{- end }}\n", "t.yaml:1: skipped: a Helm chart fills it in: render the chart"},
		{"a value that a chart fills in", "-- t.yaml --\nglobal: {proxy: {excludeOutboundPorts: '{{ .Values.ports }}'}}\n",
			`t.yaml:1: global.proxy.excludeOutboundPorts: "{{ .Values.ports }}" is not imported`},
		{"JSON with comments, of another tool", "-- a.json --\n{ // one\n  \"corejs\": 3}\n", "a.json:1: skipped: it is neither a Kubernetes object nor about a mesh: line 2: "},
		{"JSON lines", "-- a.json --\n{rating: 5}\n{rating: 4}\n", "a.json:1: skipped: it is neither a Kubernetes object nor about a mesh: line 2: "},
		{"an annotation that a chart fills in", "-- a.yaml --\n" + deployment("web", "shop", portsAnnotation+`"{{ .Values.ports }}"`), "left as it is, since krm-bypass leaves this workload alone: a Helm chart fills it in"},
		{"a name that a chart fills in", "-- a.yaml --\n" + deployment(`"{{ .Release.Name }}"`, "shop", portsAnnotation+`"1"`), "a.yaml:1: skipped: a Helm chart fills it in"},
		{"a patch", "-- p.yaml --\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {metadata: {annotations: {" + portsAnnotation + "'3306'}}}}\n",
			`p.yaml:4: Deployment web: spec.template.metadata.annotations["traffic.sidecar.istio.io/excludeOutboundPorts"]: left as it is, since krm-bypass leaves this workload alone: its template has no pod spec, as in a patch`},
		{"a Job", "-- j.yaml --\napiVersion: batch/v1\nkind: Job\nmetadata: {name: once}\nspec:\n  template:\n    metadata: {annotations: {" + portsAnnotation + "'3306'}}\n    spec: {containers: [{name: app, image: app}]}\n",
			"left as it is, since krm-bypass leaves this workload alone: a Job cannot be changed"},
		{"a namespace of the mesh", "-- a.yaml --\n" + deployment("web", "istio-system", portsAnnotation+"'3306'"), "namespace istio-system belongs to the mesh itself"},
		{"a port of the mesh", "-- a.yaml --\n" + deployment("web", "shop", portsAnnotation+"'15012'"), "left as it is: it holds ports of Istio itself (15012)"},
		{"a port that is excluded anyway", "-- a.yaml --\n" + deployment("web", "shop", istioKey+"excludeInboundPorts: '15020'"), "is not imported, since Istio excludes it in every pod by itself"},
		{"another way past the sidecar", "-- a.yaml --\n" + deployment("web", "shop", "sidecar.istio.io/interceptionMode: NONE"),
			`a.yaml:7: Deployment shop/web: spec.template.metadata.annotations["sidecar.istio.io/interceptionMode"]: left as it is: traffic may bypass the sidecar of Istio by it, and no field of a ClusterBypass says this`},
		{"loopback", "-- a.yaml --\n" + deployment("web", "shop", istioKey+"excludeOutboundIPRanges: '127.0.0.0/8'"), "127.0.0.0/8 is loopback"},
		{"an alias", "-- a.yaml --\n" + "common: &common {" + portsAnnotation + "'3306'}\n" + strings.Replace(deployment("web", "shop", ""), "{}\n", "{<<: *common}\n", 1), "left as it is: it comes from an alias or a merge key"},
		{"a specification that is there already", "-- b.yaml --\napiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {}\n", "b.yaml:2: ClusterBypass cluster: kind: this file holds a ClusterBypass already"},
		{"an annotation on a Service", "-- s.yaml --\napiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop, annotations: {" + portsAnnotation + "'3306'}}\n",
			`s.yaml:3: Service shop/web: metadata.annotations["traffic.sidecar.istio.io/excludeOutboundPorts"]: not imported, since Istio reads this annotation only in pod templates`},
		{"an annotation on a Namespace in a list", "-- s.yaml --\nkind: List\napiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Namespace\n  metadata: {name: shop, annotations: {" + portsAnnotation + "'3306'}}\n",
			`s.yaml:6: Namespace shop: items[0].metadata.annotations["traffic.sidecar.istio.io/excludeOutboundPorts"]: not imported, since Istio`},
		{"an annotation of another mesh on a Service", "-- s.yaml --\napiVersion: v1\nkind: Service\nmetadata: {name: web, annotations: {config.linkerd.io/skip-outbound-ports: '3306'}}\n",
			"not imported, since Linkerd reads this annotation only in pod templates and on Namespaces"},
		{"an annotation of a workload itself", "-- a.yaml --\n" + strings.Replace(deployment("web", "shop", ""), "namespace: shop", "namespace: shop, annotations: {"+portsAnnotation+"'3306'}", 1),
			`a.yaml:3: Deployment shop/web: metadata.annotations["traffic.sidecar.istio.io/excludeOutboundPorts"]: Istio reads this annotation only in the pod template`},
		{"an annotation of a CronJob's Job", "-- a.yaml --\napiVersion: batch/v1\nkind: CronJob\nmetadata: {name: nightly}\nspec: {jobTemplate: {metadata: {annotations: {" + portsAnnotation + "'3306'}}, spec: {template: {spec: {containers: [{name: a, image: b}]}}}}}\n",
			`CronJob nightly: spec.jobTemplate.metadata.annotations["traffic.sidecar.istio.io/excludeOutboundPorts"]: Istio reads this annotation only in the pod template`},
		{"a pod template of an unknown kind", "-- r.yaml --\napiVersion: ray.example.com/v1\nkind: RayCluster\nmetadata: {name: ray}\nspec: {headGroupSpec: {template: {metadata: {annotations: {" + portsAnnotation + "'3306'}}, spec: {containers: [{name: a, image: b}]}}}}\n",
			`RayCluster ray: spec.headGroupSpec.template.metadata.annotations["traffic.sidecar.istio.io/excludeOutboundPorts"]: left as it is, since krm-bypass does not know this kind`},
		{"what an operator passes on to its pods", "-- p.yaml --\napiVersion: example.com/v1\nkind: Store\nmetadata: {name: k8s}\nspec: {podMetadata: {annotations: {" + portsAnnotation + "'3306'}}}\n",
			`Store k8s: spec.podMetadata.annotations["traffic.sidecar.istio.io/excludeOutboundPorts"]: left as it is, since krm-bypass does not know this kind`},
		{"one alone of the pod templates of an object", "-- e.yaml --\napiVersion: elasticsearch.k8s.elastic.co/v1\nkind: Elasticsearch\nmetadata: {name: es}\nspec:\n  nodeSets:\n  - {name: hot, count: 1}\n  - name: cold\n    podTemplate: {metadata: {annotations: {" + portsAnnotation + "'3306'}}}\n  - {name: warm, count: 1}\n",
			`e.yaml:8: Elasticsearch es: spec.nodeSets[1].podTemplate.metadata.annotations["traffic.sidecar.istio.io/excludeOutboundPorts"]: left as it is: a rule is for all pod templates of an object, and in this one they differ: ` +
				"spec.nodeSets[hot].podTemplate and spec.nodeSets[warm].podTemplate bypass nothing, spec.nodeSets[cold].podTemplate bypasses (excludeOutboundPorts=3306)"},
		{"what counts beneath pod templates", "-- i.yaml --\n" + inferenceService,
			`i.yaml:3: InferenceService model: metadata.annotations["traffic.sidecar.istio.io/excludeOutboundPorts"]: left as it is: it counts in the pods of every pod template that does not say it`},
		{"a template that is injected already", "-- a.yaml --\n" + strings.Replace(deployment("web", "shop", portsAnnotation+"'3306'"), "spec: {containers: []}", "spec: {initContainers: [{name: istio-init, image: a}], containers: []}", 1),
			"a.yaml:8: Deployment shop/web: spec.template.spec.initContainers[0]: the template is injected already, as its container istio-init shows, so nothing reads the annotations that bypass the sidecar"},
		{"a workload without a namespace beside a rule for one", "-- a.yaml --\n" + stream(
			deployment("web", "shop", portsAnnotation+`"3306"`), deployment("api", "shop", portsAnnotation+`"3306"`), deployment("lost", "", "")),
			"Deployment lost: metadata.namespace: the namespace of this workload is unknown"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			found, err := inventory.Take(tree(test.files+imported), "Istio", nil)
			require.NoError(t, err)
			require.Len(t, found.Warnings, 1)
			assert.Contains(t, found.Warnings.Error(), test.says)
			rules(t, found.Spec())
		})
	}
}

// inferenceService has annotations over which the operator lays those of each component.
const inferenceService = "apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\nmetadata: {name: model, annotations: {" + portsAnnotation + "'3306'}}\nspec: {predictor: {model: {}}, transformer: {}}\n"

func TestWhatCountsBeneathPodTemplatesIsThere(t *testing.T) {
	found, err := inventory.Take(tree("-- i.yaml --\n"+inferenceService), "", nil)
	require.NoError(t, err)
	require.Len(t, found.Warnings, 1)
	assert.Equal(t, "  mesh: Istio\n", rules(t, found.Spec()))
}

// What a controller made of a workload says what that says.
func TestCopiesAreNotImported(t *testing.T) {
	web := deployment("web", "shop", portsAnnotation+`"3306"`)
	made := strings.NewReplacer("kind: Deployment", "kind: ReplicaSet", "name: web, ", `name: web-5d, resourceVersion: "7", ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, controller: true}], `).Replace(web)
	require.Contains(t, made, "web-5d")
	injected := strings.NewReplacer("kind: Deployment", "kind: Pod", "apps/v1", "v1", "name: web, ", `name: debug, resourceVersion: "8", annotations: {`+portsAnnotation+`"3306"}, `, "  template:\n    metadata:\n      annotations: {"+portsAnnotation+`"3306"}`+"\n    spec: {containers: []}", "  initContainers: [{name: istio-init}]\n  containers: [{name: istio-proxy}]").Replace(web)
	require.Contains(t, injected, "istio-proxy")
	imported := func(says, files string) string {
		found, err := inventory.Take(tree("-- a.yaml --\n"+files), "", nil)
		require.NoError(t, err)
		assert.Equal(t, says, found.Warnings.Error())
		return rules(t, found.Spec())
	}
	assert.Equal(t, imported("", web), imported("a.yaml: 2 objects from a cluster are not read: controllers made them, or a mesh's injector wrote into them", stream(web, made, injected)))
}

func TestAWorkloadStaysWholeWhereARuleWouldMeanSomethingElse(t *testing.T) {
	const both = istioKey + `includeOutboundPorts: "15001", ` + istioKey + `excludeOutboundIPRanges: "192.0.2.0/24"`
	files := tree("-- a.yaml --\n" + stream(deployment("web", "shop", both), deployment("api", "shop", portsAnnotation+`"1"`)))
	found, err := inventory.Take(files, "", nil)
	require.NoError(t, err)
	assert.ErrorContains(t, found.Warnings, "left as it is: it holds ports of Istio itself (15001)")
	assert.ErrorContains(t, found.Warnings, "left as it is: a rule would not mean the same")
	assert.NotContains(t, rules(t, found.Spec()), "web")
	changed, err := found.Stripped()
	require.NoError(t, err)
	require.Len(t, changed, 1)
	assert.Contains(t, string(changed[0].Text), both)
}

// Where nothing is imported, what no mesh reads may be why.
func TestWhatNoMeshReadsIsSaidWhereNothingIsImported(t *testing.T) {
	for annotation, told := range map[string]string{
		"traffic.sidecar.istio.io/excludeOutboundIPs: 192.0.2.1/32": "Istio does not know this annotation, so it has no effect: did you mean traffic.sidecar.istio.io/excludeOutboundIPRanges?",
		"config.linkerd.io/ignore-outbound-ports: '443'":            "Linkerd does not know this annotation, so it has no effect: did you mean config.linkerd.io/skip-outbound-ports?",
		"kuma.io/sidecar-injection: disabled":                       "Kuma reads this only as a label, so it has no effect here: move it to spec.template.metadata.labels",
		"flomesh.io/sidecar-injection: 'off'":                       "FSM's injector does not take this value and refuses the pod: write enabled or disabled",
		"sidecar.istio.io/interceptionMode: NONE":                   "left as it is: traffic may bypass the sidecar of Istio by it",
		"ambient.istio.io/bypass-inbound-capture: 'true'":           "left as it is: traffic may bypass ztunnel of Istio by it",
		"sidecar.istio.io/interceptionMode: TPROXY":                 "",
		"status.sidecar.istio.io/port: '15020'":                     "",
		"team: shop":                                                "",
	} {
		taken, err := inventory.Take(tree("-- a.yaml --\n"+deployment("web", "shop", annotation)), "", nil)
		require.ErrorContains(t, err, "nothing to import")
		if told == "" {
			assert.Empty(t, taken.Warnings)
			continue
		}
		require.Len(t, taken.Warnings, 1, annotation)
		assert.Contains(t, taken.Warnings[0].Error(), told)
	}
}

func TestErrors(t *testing.T) {
	tests := []struct {
		name, mesh, files string
		says              []string
	}{
		{"nothing", "", "-- a.yaml --\nx: y\n", []string{"nothing to import: none of the files has a setting that bypasses the sidecars of a mesh"}},
		{"Namespaces in Ambient that are left alone", "", "-- a.yaml --\n" + stream(ambientNamespace("istio-system", ""), ambientNamespace("team", ", istio-injection: enabled")), []string{"nothing to import"}},
		{"an unknown mesh", "Isto", "-- a.yaml --\nx: y\n", []string{`--mesh: "Isto" is not valid: did you mean Istio?`}},
		{"values that the mesh refuses", "", "-- a.yaml --\n" + stream(
			deployment("web", "shop", portsAnnotation+`"8000-8010"`), deployment("api", "shop", istioKey+`excludeOutboundIPRanges: "10.0.0.1"`)) +
			"-- values.yaml --\nglobal:\n  proxy:\n    excludeIPRanges: 10.0.0.0/8, 192.0.2.0/24\n    includeIPRanges: {}\n",
			[]string{
				`a.yaml:7: Deployment shop/web: spec.template.metadata.annotations["traffic.sidecar.istio.io/excludeOutboundPorts"]: reading "8000-8010": "8000-8010" is a port range`,
				`a.yaml:16: Deployment shop/api: spec.template.metadata.annotations["traffic.sidecar.istio.io/excludeOutboundIPRanges"]: reading "10.0.0.1": "10.0.0.1" is an address without a mask, which Istio's injector refuses: write "10.0.0.1/32"`,
				`values.yaml:3: global.proxy.excludeIPRanges: reading "10.0.0.0/8, 192.0.2.0/24": " 192.0.2.0/24" is a range with whitespace beside it`,
				`values.yaml:4: global.proxy.includeIPRanges: expected a list, but found a mapping`,
			}},
		{"not YAML", "", "-- a.yaml --\nkind: [\n", []string{"a.yaml:1: reading the document: "}},
		{"two values files", "", "-- a.yaml --\nglobal: {proxy: {excludeOutboundPorts: '1'}}\n-- b.yaml --\nglobal: {proxy: {excludeOutboundPorts: '2'}}\n",
			[]string{`b.yaml:1: global.proxy.excludeOutboundPorts: says "2", and a.yaml says "1": name only the file that the mesh was installed with`}},
		{"one name for two workloads", "", "-- a.yaml --\n" + deployment("web", "shop", portsAnnotation+`"1"`) + "-- b.yaml --\n" + deployment("web", "shop", portsAnnotation+`"2"`),
			[]string{"b.yaml:3: Deployment shop/web: metadata.name: a.yaml says something else of a workload of the same name"}},
		{"a namespace that is not known", "", "-- a.yaml --\n" + deployment("web", "", portsAnnotation+`"1"`) + "-- b.yaml --\n" + deployment("web", "shop", ""),
			[]string{"one of the two has no namespace by which a rule could tell them apart: set its metadata.namespace"}},
		{"an annotation that is no string", "", "-- a.yaml --\n" + deployment("web", "shop", portsAnnotation+`3306`),
			[]string{`a.yaml:7: spec.template.metadata.annotations["traffic.sidecar.istio.io/excludeOutboundPorts"]: expected a string, but found the number 3306: put it into quotes`}},
		{"more ports than FSM takes", "", "-- mesh.yaml --\n" + meshConfig("config.flomesh.io", "{outboundPortExclusionList: [1,2,3,4,5,6,7,8,9,10,11,12,13,14,16,17]}"),
			[]string{"mesh.yaml:5: MeshConfig mesh-system/mesh: spec.traffic.outboundPortExclusionList: FSM's init container takes at most 15 ports"}},
		{"krm-bypass has written to a MeshConfig", "", "-- mesh.yaml --\n" + strings.Replace(meshConfig("config.flomesh.io", "{outboundPortExclusionList: [1]}"), "{name: mesh,", "{name: mesh, annotations: {krm-bypass.dev/last-applied: x},", 1),
			[]string{"krm-bypass has written to this object already"}},
		{"an item that is no port", "", "-- mesh.yaml --\n" + meshConfig("config.flomesh.io", "{outboundPortExclusionList: [{a: b}]}"),
			[]string{"mesh.yaml:5: MeshConfig mesh-system/mesh: spec.traffic.outboundPortExclusionList: item 0 is neither a port"}},
		{"two manifests of a Namespace", "", "-- a.yaml --\n" + linkerdNamespace + "-- b.yaml --\n" + strings.Replace(linkerdNamespace, "80", "81", 1),
			[]string{"b.yaml:6: Namespace shop: metadata.annotations: a.yaml says something else of the same Namespace"}},
		{"a key that appears twice", "", "-- a.yaml --\napiVersion: v1\nkind: Service\n---\napiVersion: v1\nkind: ConfigMap\n" + strings.TrimPrefix(deployment("web", "shop", portsAnnotation+`"1"`), "apiVersion: apps/v1\nkind: Deployment\n") + "apiVersion: apps/v1\nkind: Deployment\n",
			[]string{`the key "apiVersion" appears twice, on lines 4 and 1`}},
		{"krm-bypass has been there", "", "-- a.yaml --\n" + strings.Replace(deployment("web", "shop", portsAnnotation+`"1"`), "namespace: shop}", "namespace: shop, annotations: {krm-bypass.dev/last-applied: x}}", 1),
			[]string{"krm-bypass has written to this workload already"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := inventory.Take(tree(test.files), test.mesh, nil)
			var problems inventory.Problems
			require.ErrorAs(t, err, &problems)
			for _, says := range test.says {
				assert.ErrorContains(t, err, says)
			}
			assert.GreaterOrEqual(t, len(problems), len(test.says))
		})
	}
}

func TestStripped(t *testing.T) {
	tests := []struct{ name, before, after string }{
		{
			"annotations beside others",
			"# head\n" + deployment("web", "shop", `a: b, `+portsAnnotation+`"3306", c: d`) + "# tail\n",
			"# head\n" + deployment("web", "shop", `a: b, c: d`) + "# tail\n",
		},
		{
			"mappings that held nothing else go",
			"kind: Other\n---\n" + deployment("web", "shop", portsAnnotation+`"3306"`),
			"kind: Other\n---\n" + strings.Replace(deployment("web", "shop", ""), "    metadata:\n      annotations: {}\n", "", 1),
		},
		{
			"the mapping stays below which there is a pod template",
			"apiVersion: kafka.strimzi.io/v1\nkind: KafkaNodePool\nmetadata: {name: p}\nspec:\n  template:\n    pod:\n      metadata:\n        annotations:\n          " + portsAnnotation + "'3306'\n",
			"apiVersion: kafka.strimzi.io/v1\nkind: KafkaNodePool\nmetadata: {name: p}\nspec:\n  template:\n    pod: {}\n",
		},
		{
			"in a List, in JSON",
			`{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"apps/v1","kind":"DaemonSet","metadata":{"name":"d","namespace":"shop"},"spec":{"template":{"metadata":{"labels":{"x":"y"},"annotations":{"traffic.sidecar.istio.io/excludeOutboundPorts":"1"}},"spec":{"containers":[]}}}}]}`,
			`{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"apps/v1","kind":"DaemonSet","metadata":{"name":"d","namespace":"shop"},"spec":{"template":{"metadata":{"labels":{"x":"y"}},"spec":{"containers":[]}}}}]}`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			untouched := inventory.File{Path: "values.yaml", Text: []byte("global: {proxy: {excludeOutboundPorts: '1'}}\n")}
			found, err := inventory.Take([]inventory.File{{Path: "a.yaml", Text: []byte(test.before)}, untouched}, "", nil)
			require.NoError(t, err)
			stripped, err := found.Stripped()
			require.NoError(t, err)
			require.Len(t, stripped, 1, "only files that change")
			assert.Equal(t, "a.yaml", stripped[0].Path)
			assert.Equal(t, test.after, string(stripped[0].Text))
		})
	}
}

func TestANamespaceStaysForWorkloadsThatAreNotTouched(t *testing.T) {
	job := "apiVersion: batch/v1\nkind: Job\nmetadata: {name: once, namespace: shop}\nspec: {template: {spec: {}}}\n"
	take := func(documents ...string) (*inventory.Inventory, []inventory.File) {
		found, err := inventory.Take([]inventory.File{{Path: "a.yaml", Text: []byte(stream(documents...))}}, "", nil)
		require.NoError(t, err)
		changed, err := found.Stripped()
		require.NoError(t, err)
		again, err := found.Stripped()
		require.NoError(t, err)
		assert.Equal(t, changed, again, "it can be asked for twice")
		return found, changed
	}
	found, changed := take(linkerdNamespace, deployment("web", "shop", ""))
	assert.Empty(t, found.Warnings)
	assert.Len(t, changed, 1)

	found, changed = take(linkerdNamespace, deployment("web", "shop", ""), job)
	assert.ErrorContains(t, found.Warnings, "imported, but it has to stay too: Job shop/once relies on it")
	assert.Empty(t, changed)
	assert.Contains(t, rules(t, found.Spec()), "match: {names: [shop]}\n    excludeInboundPorts: [80]\n")
}

func TestStrippingRefusesWhatAliasesShare(t *testing.T) {
	shared := deployment("web", "shop", "")
	shared = strings.Replace(shared, "annotations: {}", "annotations: &a {"+portsAnnotation+`"3306"}`, 1)
	shared = strings.Replace(shared, "metadata: {", "metadata: {labels: *l, ", 1)
	text := "x-labels: &l {a: b}\n" + shared + "copy: *a\n"
	found, err := inventory.Take([]inventory.File{{Path: "a.yaml", Text: []byte(text)}}, "", nil)
	require.NoError(t, err)
	_, err = found.Stripped()
	require.ErrorContains(t, err, "a.yaml:")
	require.ErrorContains(t, err, "removing what was imported")
	require.ErrorContains(t, err, "alias")
}

// TestNothingToImportTellsWhatIsThere: annotations where no mesh reads them.
func TestNothingToImportTellsWhatIsThere(t *testing.T) {
	for files, says := range map[string]string{
		"-- s.yaml --\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop, annotations: {" + portsAnnotation + "'3306'}}\n":                              `s.yaml:3: Namespace shop: metadata.annotations["traffic.sidecar.istio.io/excludeOutboundPorts"]: not imported, since Istio reads this annotation only in pod templates`,
		"-- a.yaml --\n" + strings.Replace(deployment("web", "shop", ""), "namespace: shop", "namespace: shop, annotations: {"+portsAnnotation+"'3306'}", 1): `a.yaml:3: Deployment shop/web: metadata.annotations["traffic.sidecar.istio.io/excludeOutboundPorts"]: Istio reads this annotation only in the pod template`,
	} {
		found, err := inventory.Take(tree(files), "", nil)
		require.ErrorContains(t, err, "nothing to import")
		assert.ErrorContains(t, found.Warnings, says)
	}
}
