package spec_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestAWordIsTakenForAPortWhereThereArePorts: what is no range is no name of a port either.
func TestAWordIsTakenForAPortWhereThereArePorts(t *testing.T) {
	const isNoRange = `"all" is not an IP address or range`
	for field, says := range map[string]string{
		"includeOutboundIPRanges: [all]":                            isNoRange,
		"excludeOutboundIPRanges: [all]":                            isNoRange,
		"forInitContainers: {excludeOutboundIPRanges: [all]}":       isNoRange,
		"excludeOutbound: [{ipRanges: [all], ports: [1]}]":          isNoRange,
		"excludeOutboundPorts: [all]":                               `"all" is the name of a port, and this field is about ports of somebody else's pod`,
		"excludeOutbound: [{ipRanges: [10.0.0.0/8], ports: [all]}]": `"all" is the name of a port, and this field is about ports of somebody else's pod`,
	} {
		_, err := read("apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {global: {" + field + "}}\n")
		assert.ErrorContains(t, err, says, field)
	}
}
