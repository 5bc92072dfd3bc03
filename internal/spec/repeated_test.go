package spec_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// repeated gives what is found, a line each.
func repeated(t *testing.T, read *spec.Spec) string {
	t.Helper()
	var lines []string
	for _, f := range spec.Repeated(read.ClusterBypass) {
		assert.Equal(t, "repeated-entry", f.Kind.ID)
		lines = append(lines, read.Locate(f.Problem).Path+": "+f.Message)
	}
	return strings.Join(lines, "\n")
}

func TestEntriesThatAreTwiceInAList(t *testing.T) {
	const again = " is in this list already, at [0]: remove one of the two, or correct it"
	for name, test := range map[string]struct{ spec, want string }{
		"a port":                 {`{global: {excludeOutboundPorts: [5432, 5432]}}`, `spec.global.excludeOutboundPorts[1]: "5432"` + again},
		"thrice":                 {`{global: {excludeOutboundPorts: [5432, 5432, 1, 5432]}}`, `spec.global.excludeOutboundPorts[1]: "5432"` + again + "\n" + `spec.global.excludeOutboundPorts[3]: "5432"` + again},
		"in other words":         {`{global: {includeOutboundPorts: [80, 80-80]}}`, `spec.global.includeOutboundPorts[1]: "80-80"` + again},
		"a name":                 {`{namespaces: [{match: {names: [a]}, excludeInboundPorts: [http, http]}]}`, `spec.namespaces[0].excludeInboundPorts[1]: "http"` + again},
		"a range":                {`{workloads: [{match: {names: [a]}, excludeOutboundIPRanges: [10.1.2.3, 10.1.2.3/32]}]}`, `spec.workloads[0].excludeOutboundIPRanges[1]: "10.1.2.3/32"` + again},
		"of a pair":              {`{global: {excludeOutbound: [{ipRanges: [10.0.0.0/8, 10.0.0.0/8], ports: [1, 1]}]}}`, `spec.global.excludeOutbound[0].ipRanges[1]: "10.0.0.0/8"` + again + "\n" + `spec.global.excludeOutbound[0].ports[1]: "1"` + again},
		"of the mesh":            {`{meshDefaults: {excludeOutboundPorts: [1, 1]}}`, `spec.meshDefaults.excludeOutboundPorts[1]: "1"` + again},
		"for init containers":    {`{global: {forInitContainers: {excludeOutboundPorts: [1, 1]}}}`, `spec.global.forInitContainers.excludeOutboundPorts[1]: "1"` + again},
		"in two lists":           {`{global: {excludeOutboundPorts: [1], excludeInboundPorts: [1]}, workloads: [{match: {names: [a]}, excludeOutboundPorts: [1]}]}`, ""},
		"one protocol, and both": {`{global: {excludeOutboundPorts: [53, 53/TCP, 53/UDP]}}`, ""},
		"a port within a range":  {`{global: {excludeOutboundPorts: [5432, 5400-5500]}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			read, err := specOf(t, test.spec)
			require.NoError(t, err)
			assert.Equal(t, test.want, repeated(t, read))
		})
	}
	source, err := spec.In(yamltext.File{Path: "cm.yaml", Text: []byte("apiVersion: v1\nkind: ConfigMap\ndata:\n  excludeOutboundPorts: 5432,5432\n")})
	require.NoError(t, err)
	read, err := source.Read(spec.Given{})
	require.NoError(t, err)
	assert.Equal(t, `data.excludeOutboundPorts[1]: "5432"`+again, repeated(t, read))
}
