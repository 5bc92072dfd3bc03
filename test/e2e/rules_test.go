package e2e_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/lab"
	"github.com/krm-bypass/krm-bypass/test/lab/interceptor"
)

// The files in testdata/rules say what the meshes' own programs, built from the sources
// that their first lines name, left in a pod with both families for some annotations, and
// for which they failed. What is written down has to do the same, the first time and again.
func TestRulesAreTheMeshsOwn(t *testing.T) {
	for file, written := range map[string]struct {
		interceptor.InitContainer
		save string
	}{
		"linkerd":        {interceptor.LinkerdInit{Mode: "nft", IPv6: true}, "-nft-save"},
		"linkerd-legacy": {interceptor.LinkerdInit{Mode: "legacy"}, "-legacy-save"},
		"kuma":           {interceptor.KumaInit{}, "-nft-save"},
		"kuma-legacy":    {interceptor.KumaInit{Backend: interceptor.IptablesLegacy, IPv4: true, NoDNS: true}, "-legacy-save"},
		"kuma-2.9":       {interceptor.KumaInit{Backend: interceptor.IptablesNFT, TakesTCP: true}, "-nft-save"},
	} {
		t.Run(file, func(t *testing.T) {
			sections := recorded(t, file)
			for i, section := range sections {
				annotated, want, _ := strings.Cut(section, "\n")
				t.Run(annotated, func(t *testing.T) {
					var annotations map[string]string
					require.NoError(t, json.Unmarshal([]byte(annotated), &annotations))
					pod, _ := lab.NewPod(t, lab.DualStack)
					runs := 1
					if i == 0 {
						runs = 2
					}
					for range runs {
						assert.Equal(t, strings.TrimSpace(want), left(t, written, pod, annotations, written.save))
					}
				})
			}
		})
	}
}

// recorded are the sections of a file in testdata/rules.
func recorded(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "rules", file+".txt"))
	require.NoError(t, err)
	sections := strings.Split(string(text), "\n> ")[1:]
	require.NotEmpty(t, sections)
	return sections
}

// left is what an init container leaves in a pod.
func left(t *testing.T, by interceptor.InitContainer, pod *lab.Host, annotations map[string]string, save string) string {
	t.Helper()
	failed := ""
	if by.Run(pod, annotations) != nil {
		failed = "fails\n"
	}
	return strings.TrimSpace(failed + rulesOf(t, pod, save))
}

// Older programs of the meshes' own leave for the annotations of the recordings what is
// written down of newer ones, but where their sources differ.
func TestOlderRulesAreTheSame(t *testing.T) {
	// Linkerd trims subnets since (proxy-init/cmd/root.go:208); it programs IPv6 since too,
	// and fills its chains anew where they are, which 1.6.2 leaves as they are.
	linkerd := map[string]string{`{"config.linkerd.io/skip-subnets":" 10.1.2.3/8 ,192.0.2.1/32"}`: "fails"}
	for file, of := range map[string]struct {
		written, older interceptor.InitContainer
		save           string
		unread         []string          // annotations that the older does not know
		lacks          string            // what is in rules that it does not write
		otherwise      map[string]string // what is in what it leaves for annotations
	}{
		"linkerd":        {written: interceptor.LinkerdInit{Mode: "nft"}, older: interceptor.Linkerd16Init{Mode: "nft"}, save: "-nft-save", otherwise: linkerd},
		"linkerd-legacy": {written: interceptor.LinkerdInit{Mode: "legacy"}, older: interceptor.Linkerd16Init{Mode: "legacy"}, save: "-legacy-save", otherwise: linkerd},
		"kuma": {
			written: interceptor.KumaInit{Backend: interceptor.IptablesNFT, TakesTCP: true}, older: interceptor.Kuma27Init{}, save: "-nft-save",
			unread: []string{"traffic.kuma.io/exclude-inbound-ips", "traffic.kuma.io/exclude-outbound-ips"},
			lacks:  "--dport 9001 ", // there is no proxy for probes yet
			otherwise: map[string]string{ // pkg/transparentproxy/transparentproxy_v2.go, splitPorts
				`{"traffic.kuma.io/exclude-inbound-ports":"7001, 7002,,","traffic.kuma.io/exclude-outbound-ports":"6379,53"}`: "fails",
				`{"traffic.kuma.io/exclude-outbound-ports":" , "}`:                                                            "fails",
				`{"traffic.kuma.io/exclude-outbound-ports":"0"}`:                                                              "--dport 0 -j RETURN",
			},
		},
	} {
		t.Run(file, func(t *testing.T) {
			for _, section := range recorded(t, file) {
				annotated, _, _ := strings.Cut(section, "\n")
				t.Run(annotated, func(t *testing.T) {
					leaves := func(by interceptor.InitContainer, but ...string) string {
						var annotations map[string]string
						require.NoError(t, json.Unmarshal([]byte(annotated), &annotations))
						maps.DeleteFunc(annotations, func(key, _ string) bool { return slices.Contains(but, key) })
						pod, _ := lab.NewPod(t, lab.DualStack)
						return left(t, by, pod, annotations, of.save)
					}
					want, got := leaves(of.written, of.unread...), leaves(of.older)
					if of.lacks != "" {
						want = strings.Join(slices.DeleteFunc(strings.Split(want, "\n"), func(rule string) bool { return strings.Contains(rule, of.lacks) }), "\n")
					}
					if other := of.otherwise[annotated]; other != "" {
						assert.NotContains(t, want, other)
						assert.Contains(t, got, other)
						return
					}
					assert.Equal(t, want, got)
				})
			}
		})
	}
}

// comment is one on a rule: the written ones have others.
var comment = regexp.MustCompile(` -m comment --comment ("[^"]*"|\S+)`)

// rulesOf are the rules of iptables in a pod, in both families, without comments.
func rulesOf(t *testing.T, pod *lab.Host, save string) string {
	t.Helper()
	of := func(family string) string {
		var text strings.Builder
		table := ""
		for line := range strings.Lines(pod.Run(t, "sh", "-ec", family+save+" 2>/dev/null")) {
			switch line[0] {
			case '*':
				table = "  " + line
			case '-':
				text.WriteString(table + "  " + comment.ReplaceAllString(line, ""))
				table = ""
			}
		}
		return text.String()
	}
	ipv4, ipv6 := of("iptables"), of("ip6tables")
	if ipv4 == ipv6 {
		return "both families\n" + ipv4
	}
	return "IPv4\n" + ipv4 + "IPv6\n" + ipv6
}
