package e2e_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/lab"
	"github.com/krm-bypass/krm-bypass/test/lab/interceptor"
)

// initContainer is a mesh's init container, as it is written down in package interceptor.
type initContainer interface {
	Run(pod *lab.Host, annotations map[string]string) error
}

// The files in testdata/rules say what the meshes' own programs, built from the sources
// that their first lines name, left in a pod with both families for some annotations, and
// for which they failed. What is written down has to do the same, the first time and again.
func TestRulesAreTheMeshsOwn(t *testing.T) {
	for file, written := range map[string]struct {
		initContainer
		save string
	}{
		"linkerd":        {interceptor.LinkerdInit{Mode: "nft", IPv6: true}, "-nft-save"},
		"linkerd-legacy": {interceptor.LinkerdInit{Mode: "legacy"}, "-legacy-save"},
		"kuma":           {interceptor.KumaInit{}, "-nft-save"},
		"kuma-legacy":    {interceptor.KumaInit{Backend: interceptor.IptablesLegacy, IPv4: true, NoDNS: true}, "-legacy-save"},
		"kuma-2.9":       {interceptor.KumaInit{Backend: interceptor.IptablesNFT, TakesTCP: true}, "-nft-save"},
	} {
		t.Run(file, func(t *testing.T) {
			recorded, err := os.ReadFile(filepath.Join("testdata", "rules", file+".txt"))
			require.NoError(t, err)
			sections := strings.Split(string(recorded), "\n> ")[1:]
			require.NotEmpty(t, sections)
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
						left := ""
						if written.Run(pod, annotations) != nil {
							left = "fails\n"
						}
						assert.Equal(t, strings.TrimSpace(want), strings.TrimSpace(left+rulesOf(t, pod, written.save)))
					}
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
