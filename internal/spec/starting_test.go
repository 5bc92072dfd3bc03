package spec_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

func TestWhatHoldsWhileInitContainersRunStandsInEveryRule(t *testing.T) {
	read, err := specOf(t, `{global: {forInitContainers: {excludeOutboundPorts: [443, 53/UDP]}},
  namespaces: [{match: {names: [shop]}, forInitContainers: {excludeOutboundIPRanges: [10.0.0.0/16]}}],
  workloads: [{match: {names: [web]}, merge: Union, excludeOutboundPorts: [3306], forInitContainers: {excludeOutbound: [{ipRanges: [10.1.0.1], ports: [5432]}], excludeOutboundPorts: []}}]}`)
	require.NoError(t, err)
	var said []string
	for _, s := range read.Policy.Scopes {
		said = append(said, s.Path+"\n"+s.Initial.String())
	}
	assert.Equal(t, []string{
		"spec.global\nexcludeOutboundPorts=53/UDP,443\n",
		"spec.namespaces[0]\nexcludeOutboundIPRanges=10.0.0.0/16\n",
		"spec.workloads[0]\nexcludeOutboundPorts=\nexcludeOutbound=10.1.0.1/32@5432\n",
	}, said)
	assert.Equal(t, "excludeOutboundPorts=3306\n", read.Policy.Scopes[2].Layer.String(), "of the workload itself nothing changes")
}

func TestWhatCannotHoldForInitContainers(t *testing.T) {
	const later = "nobody calls a pod while its init containers run: write this in the rule itself"
	for name, test := range map[string]struct{ spec, want string }{
		"the mesh's defaults":     {`{meshDefaults: {forInitContainers: {excludeOutboundPorts: [443]}}}`, "spec.meshDefaults.forInitContainers: the mesh's own configuration knows no time in which init containers run: write this in spec.global, or in another rule"},
		"inbound ports":           {`{global: {forInitContainers: {excludeInboundPorts: [443]}}}`, "spec.global.forInitContainers.excludeInboundPorts: " + later},
		"included inbound ports":  {`{global: {forInitContainers: {includeInboundPorts: "*"}}}`, "spec.global.forInitContainers.includeInboundPorts: " + later},
		"included outbound ports": {`{global: {forInitContainers: {includeOutboundPorts: [443]}}}`, "spec.global.forInitContainers.includeOutboundPorts: what is intercepted afterwards is intercepted for init containers too, but for what this excludes: write this in the rule itself"},
		"a misspelt field":        {`{global: {forInitContainers: {excludeOutboundPort: [443]}}}`, `spec.global.forInitContainers.excludeOutboundPort: unknown field "excludeOutboundPort": did you mean excludeOutboundPorts?`},
		"a misspelt name":         {`{global: {forInitContainer: {excludeOutboundPorts: [443]}}}`, `spec.global.forInitContainer: unknown field "forInitContainer": did you mean forInitContainers?`},
		"no port":                 {`{workloads: [{match: {names: [a]}, forInitContainers: {excludeOutboundPorts: [70000]}}]}`, `spec.workloads[0].forInitContainers.excludeOutboundPorts[0]: "70000" is a port outside 1-65535: write a port from 1 to 65535, or a range such as "8000-8010"`},
		"the mesh's own port":     {`{global: {forInitContainers: {excludeOutbound: [{ipRanges: [10.0.0.0/8], ports: [15001]}]}}}`, `spec.global.forInitContainers.excludeOutbound[0].ports[0]: "15001" holds ports of Istio's sidecar and agent (15000-15090): remove them; the mesh handles them itself`},
		"loopback":                {`{namespaces: [{match: {names: [a]}, forInitContainers: {excludeOutboundIPRanges: [127.0.0.0/8]}}]}`, `spec.namespaces[0].forInitContainers.excludeOutboundIPRanges[0]: "127.0.0.0/8" is loopback, which is left to the mesh: remove it`},
		"a limit":                 {`{limits: {widestPrefix: {ipv4: 16}}, global: {forInitContainers: {excludeOutboundIPRanges: [10.0.0.0/8]}}}`, `spec.global.forInitContainers.excludeOutboundIPRanges[0]: "10.0.0.0/8" is wider than what may bypass the sidecar (spec.limits.widestPrefix.ipv4): list only the addresses that you mean`},
		"a namespace without any": {`{limits: {forbiddenNamespaces: [pay]}, namespaces: [{match: {names: [pay]}, forInitContainers: {excludeOutboundPorts: [443]}}]}`, `spec.namespaces[0].match.names[0]: nothing may bypass the sidecar in namespace pay ("pay" in spec.limits.forbiddenNamespaces), but this rule lets something bypass: remove the namespace from it`},
		"nothing at all":          {`{global: {forInitContainers: }}`, `spec.global.forInitContainers: there is no value here: write its fields, or remove the line`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := specOf(t, test.spec)
			assert.EqualError(t, err, "bypass.yaml:4: "+test.want)
		})
	}
	source, err := spec.In(yamltext.File{Path: "cm.yaml", Text: []byte("apiVersion: v1\nkind: ConfigMap\ndata:\n  forInitContainers: 10.60.1.0/16@53\n")})
	if assert.NoError(t, err) {
		_, err = source.Read(spec.Given{})
		assert.EqualError(t, err, "cm.yaml:4: data.forInitContainers: a ConfigMap has no place for this: write a ClusterBypass, and name it in place of the ConfigMap")
	}
}
