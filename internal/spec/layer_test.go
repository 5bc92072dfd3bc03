package spec_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// TestBitsBehindTheMask has ranges of which nobody knows which reading was meant.
func TestBitsBehindTheMask(t *testing.T) {
	const both = `"10.60.1.0/16" has bits behind its mask: write 10.60.1.0/24 or 10.60.0.0/16, whichever you mean`
	for name, test := range map[string]struct{ spec, want string }{
		"global":        {`{global: {excludeOutboundIPRanges: [10.0.0.0/8, 10.60.1.0/16]}}`, "spec.global.excludeOutboundIPRanges[1]: " + both},
		"included":      {`{global: {includeOutboundIPRanges: [10.60.1.0/16]}}`, "spec.global.includeOutboundIPRanges[0]: " + both},
		"mesh defaults": {`{meshDefaults: {excludeOutboundIPRanges: [10.60.1.0/16]}}`, "spec.meshDefaults.excludeOutboundIPRanges[0]: " + both},
		"a namespace":   {`{namespaces: [{match: {names: [a]}, excludeOutboundIPRanges: [10.60.1.0/16]}]}`, "spec.namespaces[0].excludeOutboundIPRanges[0]: " + both},
		"a pair":        {`{workloads: [{match: {names: [a]}, excludeOutbound: [{ipRanges: [10.60.1.0/16], ports: [5432]}]}]}`, "spec.workloads[0].excludeOutbound[0].ipRanges[0]: " + both},
		"an address":    {`{global: {excludeOutboundIPRanges: [10.60.1.9/16]}}`, `spec.global.excludeOutboundIPRanges[0]: "10.60.1.9/16" has bits behind its mask: write 10.60.1.9/32 or 10.60.0.0/16, whichever you mean`},
		"everything":    {`{global: {excludeOutboundIPRanges: [10.0.0.0/0]}}`, `spec.global.excludeOutboundIPRanges[0]: "10.0.0.0/0" has bits behind its mask: write 10.0.0.0/8 or 0.0.0.0/0, whichever you mean`},
		"IPv6":          {`{global: {excludeOutboundIPRanges: ["fd00:1:2::/32"]}}`, `spec.global.excludeOutboundIPRanges[0]: "fd00:1:2::/32" has bits behind its mask: write fd00:1:2::/48 or fd00:1::/32, whichever you mean`},
		"none":          {`{global: {excludeOutboundIPRanges: [10.60.0.0/16, 10.60.1.9, 10.60.1.9/32, 10.60.1.8/29, 0.0.0.0/0, "::/0", "fd00::1", "fd00::8000:0:0:0/65"]}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := specOf(t, test.spec)
			if test.want == "" {
				assert.NoError(t, err)
				return
			}
			assert.EqualError(t, err, "bypass.yaml:4: "+test.want)
		})
	}
	source, err := spec.In(yamltext.File{Path: "cm.yaml", Text: []byte("apiVersion: v1\nkind: ConfigMap\ndata:\n  excludeOutboundIPRanges: 10.60.1.0/16\n  excludeOutbound: 10.60.1.0/16@5432\n")})
	if assert.NoError(t, err) {
		_, err = source.Read(spec.Given{})
		assert.EqualError(t, err, strings.Join([]string{"cm.yaml:4: data.excludeOutboundIPRanges[0]: " + both, "cm.yaml:5: data.excludeOutbound[0]: " + both}, "\n"))
	}
}
