package fn_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Before its sdk 0.19 Consul's init container fails with any range in a dual-stack cluster.
func TestRangesOfConsulInADualStackCluster(t *testing.T) {
	const (
		dual   = "consul.hashicorp.com/dual-stack: "
		ranges = "consul.hashicorp.com/transparent-proxy-exclude-outbound-cidrs: "
		reason = "in consul/sdk before 0.19 the init container gives every range to ip6tables too in a dual-stack cluster"
		item   = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {}
  template:
    metadata: {annotations: {%s}}
    spec: {containers: [{name: app, image: app}]}
`
	)
	tests := []struct {
		name, mode, says, annotations string
		// annotated says that the annotation for ranges is written, and contained that the
		// init container is; fails is what is told instead.
		annotated, contained bool
		fails                string
	}{
		{"the template says so", "WhereNeeded", "excludeOutboundIPRanges: [10.0.0.0/8]", dual + `"true"`, false, true, ""},
		{"as Go reads it", "WhereNeeded", "excludeOutboundIPRanges: [10.0.0.0/8, 'fd00::/8']", dual + `"1"`, false, true, ""},
		{"the template says nothing", "WhereNeeded", "excludeOutboundIPRanges: [10.0.0.0/8]", `a: "b"`, true, false, ""},
		{"the template says no", "WhereNeeded", "excludeOutboundIPRanges: [10.0.0.0/8]", dual + `"false"`, true, false, ""},
		{"ports alone", "WhereNeeded", "excludeOutboundPorts: [3306]", dual + `"true"`, false, false, ""},
		{"no init container", "AnnotationsOnly", "excludeOutboundIPRanges: [10.0.0.0/8]", dual + `"true"`, false, false,
			"excludeOutboundIPRanges does not fit into an annotation of Consul, and enforcement.mode is AnnotationsOnly: " + reason + ", and would fail with IPv4. Use WhereNeeded or InitContainer"},
		{"no init container, ports alone", "AnnotationsOnly", "excludeOutboundPorts: [3306]", dual + `"true"`, false, false, ""},
		{"an annotation by hand", "WhereNeeded", "excludeOutboundPorts: [3306]", dual + `"true", ` + ranges + "10.0.0.0/8", false, false,
			reason + ", and would fail with IPv4, here whatever this annotation says: remove it, and say excludeOutboundIPRanges in a rule"},
		{"an annotation by hand elsewhere", "WhereNeeded", "excludeOutboundPorts: [3306]", ranges + "10.0.0.0/8", true, false, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			spec := fmt.Sprintf("apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {mesh: Consul, enforcement: {mode: %s, image: 'init:1'}, global: {%s}}\n", test.mode, test.says)
			written, results, err := rendered(t, spec, manifest("web.yaml", fmt.Sprintf(item, test.annotations)))
			if test.fails != "" {
				assert.Error(t, err)
				assert.Contains(t, results.Report(), test.fails)
				return
			}
			assert.NoError(t, err)
			assert.Equal(t, test.annotated, strings.Contains(string(written[0].Text), ranges), string(written[0].Text))
			assert.Equal(t, test.contained, strings.Contains(string(written[0].Text), "name: krm-bypass-init"), string(written[0].Text))
		})
	}
}
