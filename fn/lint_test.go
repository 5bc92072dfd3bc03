package fn_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/krm-bypass/krm-bypass/fn"
)

// lintedObjects are objects that checks read, by what is drawn for a namespace,
// a name and a port.
var lintedObjects = []string{
	"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: %[1]s\n  labels:\n    pod-security.kubernetes.io/enforce: baseline # as everywhere\n    istio-injection: disabled\n",
	"apiVersion: v1\nkind: Service\nmetadata: {name: %[2]s, namespace: %[1]s}\nspec:\n  selector: {app: %[2]s}\n  ports:\n  - port: %[3]d\n    targetPort: &port main\n",
	"apiVersion: v1\nkind: Service\nmetadata: {name: %[2]s-pods, namespace: %[1]s}\nspec:\n  clusterIP: None\n  selector: {app: %[2]s}\n  ports: [{port: %[3]d}]\n",
	"{\"apiVersion\": \"security.istio.io/v1\", \"kind\": \"PeerAuthentication\", \"metadata\": {\"name\": \"%[2]s\", \"namespace\": \"%[1]s\"}, \"spec\": {\"selector\": {\"matchLabels\": {\"app\": \"%[2]s\"}}, \"mtls\": {\"mode\": \"STRICT\"}, \"portLevelMtls\": {\"8443\": {\"mode\": \"DISABLE\"}}}}\n",
	"apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata:\n  name: default\n  namespace: %[1]s\nspec:\n  # all of them\n  mtls: {mode: STRICT}\n",
	"apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata:\n  name: %[2]s-%[3]d\n  namespace: %[1]s\nspec:\n  selector:\n    matchLabels: &labels\n      app: %[2]s\n  portLevelMtls:\n    %[3]d:\n      mode: \"DISABLE\"\n",
	"apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: %[2]s, namespace: %[1]s}\nspec:\n  host: %[2]s\n  trafficPolicy:\n    tls: {mode: ISTIO_MUTUAL}\n    connectionPool: {tcp: {maxConnections: 7}}\n",
	"apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: a, namespace: %[1]s}\nspec:\n  action: DENY\n  rules:\n  - to:\n    - operation:\n        ports: [\"%[3]d\"]\n",
	"apiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: {name: r, namespace: %[1]s}\nspec:\n  jwtRules: [{issuer: x}]\n",
	"apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: e, namespace: %[1]s}\nspec:\n  hosts: [x.example.com]\n  addresses: [10.1.0.9]\n  ports: [{number: %[3]d, name: tcp}]\n",
	"apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: f, namespace: %[1]s}\nspec:\n  hosts: [y.example.com]\n  resolution: DNS\n  ports: [{number: %[3]d, name: tcp}]\n",
	"apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v, namespace: %[1]s}\nspec:\n  hosts: [x.example.com, \"%[2]s\"]\n  tcp: [{match: [{port: %[3]d}]}]\n",
	"apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: s, namespace: %[1]s}\nspec:\n  egress:\n  - port: {number: %[3]d}\n    hosts: [\"./*\"]\n  outboundTrafficPolicy: {mode: REGISTRY_ONLY}\n",
	"apiVersion: networking.istio.io/v1beta1\nkind: ProxyConfig\nmetadata: {name: p, namespace: %[1]s}\nspec:\n  environmentVariables: {ISTIO_META_DNS_CAPTURE: \"true\"}\n",
	"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: istio\n  namespace: istio-system\ndata:\n  mesh: |\n    outboundTrafficPolicy:\n      mode: REGISTRY_ONLY\n    rootNamespace: %[1]s\n",
	"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: %[2]s\n  namespace: %[1]s\ndata:\n  mesh: '{rootNamespace: %[1]s}'\n",
	"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: %[1]s\n  annotations: {traffic.sidecar.istio.io/excludeOutboundPorts: \"%[3]d\"}\n",
	"apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Service\n  metadata:\n    name: %[2]s\n    namespace: %[1]s\n    annotations: &annotations {traffic.sidecar.istio.io/excludeInboundPort: \"%[3]d\"}\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: %[2]s, annotations: *annotations}}\n",
	"apiVersion: ray.io/v1\nkind: RayCluster\nmetadata: {name: %[2]s, namespace: %[1]s}\nspec:\n  headGroupSpec: {template: {spec: {containers: [{name: head, image: ray:2}]}}}\n  workerGroupSpecs: [{template: {spec: {containers: [{name: worker, image: ray:2}]}}}]\n",
	"apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nmetadata: {name: %[2]s, namespace: %[1]s}\nspec: {podMetadata: {annotations: {traffic.sidecar.istio.io/excludeInboundPorts: \"%[3]d\"}}}\n",
	"apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: %[2]s, namespace: %[1]s}\nspec: {chart: {}}\n",
	"apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Service\n  metadata: {name: of-a-list, namespace: %[1]s}\n  spec: {selector: {app: %[2]s}, ports: [{port: %[3]d}]}\n",
}

const lintedWorkload = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: %[2]s\n  namespace: %[1]s\nspec:\n  selector:\n    matchLabels: {app: %[2]s}\n  template:\n    metadata:\n      labels: {app: %[2]s}\n    spec:\n      containers:\n      - name: app\n        image: app:1\n        ports: [{name: main, containerPort: %[3]d}]\n"

// TestDrawnLint holds what is found in text equal to what is found in nodes, and
// neither depends on the order of the items, nor does anything that is written
// depend on what is found.
func TestDrawnLint(t *testing.T) {
	draws := func(t *rapid.T, form string) string {
		return fmt.Sprintf(form, rapid.SampledFrom(namespaces).Draw(t, "namespace"), rapid.SampledFrom(names).Draw(t, "name"), rapid.SampledFrom([]int{3306, 5432, 8080, 9002}).Draw(t, "port"))
	}
	checks := map[string]bool{}
	rapid.Check(t, func(t *rapid.T) {
		config := drawSpec(t, "spec").text(t)
		var texts []string
		for range rapid.IntRange(1, 3).Draw(t, "workloads") {
			texts = append(texts, draws(t, lintedWorkload))
		}
		workloads := len(texts)
		for range rapid.IntRange(1, 8).Draw(t, "objects") {
			texts = append(texts, draws(t, rapid.SampledFrom(lintedObjects).Draw(t, "object")))
		}
		output, results, ok := process(t, resourceList(config, texts))
		for _, r := range results {
			checks[r.Tags["check"]] = true
		}

		reversed := slices.Clone(texts)
		slices.Reverse(reversed)
		_, others, _ := process(t, resourceList(config, reversed))
		require.Equal(t, results, others, "the order of the items does not matter")

		spec, err := specIn(string(config))
		require.NoError(t, err)
		nodes := make([]*yaml.Node, len(texts))
		for i, text := range texts {
			nodes[i] = &yaml.Node{}
			require.NoError(t, yaml.Unmarshal([]byte(text), nodes[i]))
		}
		ofNodes, _ := fn.Nodes(fn.SpecOf(spec), nodes, fn.Options{})
		require.Equal(t, results, ofNodes)

		if !ok {
			return
		}
		alone, _, _ := process(t, resourceList(config, texts[:workloads]))
		require.Equal(t, itemTexts(t, alone), itemTexts(t, output)[:workloads], "what is written does not depend on other objects")

		var files []fn.Manifest
		for i, text := range texts {
			files = append(files, fn.Manifest{Path: fmt.Sprintf("%d.yaml", i), Text: []byte(text)})
		}
		_, ofFiles, err := fn.Manifests(fn.SpecIn(fn.Manifest{Path: "spec.yaml", Text: config}), files, fn.Options{})
		require.NoError(t, err)
		require.Len(t, ofFiles, len(results))
		for _, r := range ofFiles {
			require.Positive(t, r.Line, r)
		}
	})
	assert.Greater(t, len(checks), 5, "objects and workloads meet")
}
