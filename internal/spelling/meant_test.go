package spelling_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/krm-bypass/krm-bypass/internal/spelling"
)

var (
	fields = []string{"reason", "owner", "expires", "excludeInboundPorts", "includeInboundPorts", "excludeOutboundPorts",
		"includeOutboundPorts", "excludeOutboundIPRanges", "includeOutboundIPRanges", "excludeOutbound"}
	modes    = []string{"InitContainer", "WhereNeeded", "AnnotationsOnly"}
	commands = []string{"check", "explain", "import", "install", "pin", "probe", "render", "schema"}
)

func TestMeant(t *testing.T) {
	tests := []struct {
		word  string
		known []string
		want  string
	}{
		{"excludeInbound", fields, "excludeInboundPorts"},
		{"includeOutbound", fields, "includeOutboundPorts or includeOutboundIPRanges"},
		{"excludePorts", fields, "excludeInboundPorts or excludeOutboundPorts"},
		{"inboundPorts", fields, "excludeInboundPorts or includeInboundPorts"},
		{"excludeOutboundPort", fields, "excludeOutboundPorts"},
		{"exclude-outbound-ports", fields, "excludeOutboundPorts"},
		{"EXCLUDE_OUTBOUND_PORTS", fields, "excludeOutboundPorts"},
		{"exludeOutbondPorts", fields, "excludeOutboundPorts"},
		{"excludeOutboundIPRange", fields, "excludeOutboundIPRanges"},
		{"includeInbound", fields, "includeInboundPorts"},
		{"excludeInbonud", fields, ""}, // excludeOutbound is four changes away, and never meant
		{"ports", fields, ""},          // of six fields
		{"IPRanges", fields, "excludeOutboundIPRanges or includeOutboundIPRanges"},
		{"annotationsonly", modes, "AnnotationsOnly"},
		{"Annotations", modes, "AnnotationsOnly"},
		{"init", modes, "InitContainer"},
		{"WhereNeded", modes, "WhereNeeded"},
		{"Sometimes", modes, ""},
		{"nft", []string{"auto", "nftables", "iptables"}, "nftables"},
		{"chek", commands, "check"},
		{"Render", commands, "render"},
		{"lint", commands, ""},
		{"sepc", []string{"spec", "image"}, "spec"},
		{"prob", commands, "probe"},
		{"labels", []string{"kinds", "names", "namespaces", "labelSelector"}, "labelSelector"},
		{"kind", []string{"kinds", "names"}, "kinds"},
		{"", fields, ""},
		{"-", fields, ""},
		{"еxcludeOutboundPorts", fields, "excludeOutboundPorts"}, // Cyrillic е
	}
	for _, test := range tests {
		assert.Equal(t, test.want, strings.Join(spelling.Meant(test.word, test.known), " or "), test.word)
	}
}

// Whoever is asked about the opposite of what they wrote writes it.
func TestMeantIsNeverTheOpposite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := []byte(rapid.SampledFrom(fields).Draw(t, "field"))
		at := rapid.IntRange(0, len(word)-1).Draw(t, "at")
		slip := string(word[:at]) + rapid.SampledFrom([]string{"", "x", string(word[at]) + string(word[at])}).Draw(t, "slip") + string(word[at+1:])
		for _, meant := range spelling.Meant(slip, fields) {
			for _, pair := range [][2]string{{"inbound", "outbound"}, {"include", "exclude"}} {
				for i, one := range pair {
					wrote, asked := strings.Contains(strings.ToLower(slip), one), strings.Contains(strings.ToLower(meant), pair[1-i])
					assert.False(t, wrote && asked, "%s: did you mean %s?", slip, meant)
				}
			}
		}
	})
}

func TestRefusal(t *testing.T) {
	assert.Equal(t, `"union" is not valid: did you mean Union?`, spelling.Refusal("union", []string{"Override", "Union"}))
	assert.Equal(t, `"x" is not valid: use one of Override, Union`, spelling.Refusal("x", []string{"Override", "Union"}))
	assert.Equal(t, `"x" is not valid: use v1`, spelling.Refusal("x", []string{"v1"}))
	assert.Equal(t, `"Uniоn" is not valid: did you mean Union? ("о" in it is U+043E, no plain letter)`, spelling.Refusal("Uniоn", []string{"Override", "Union"}))
}
