package report

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/internal/terminal"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// cluster gives a spec and as many workloads as that, of six teams, as real ones are:
// most of them alike, some with annotations of their own, some left alone.
func cluster(n int) (spec, manifests string) {
	var s, m strings.Builder
	s.WriteString("apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n  meshDefaults: {excludeInboundPorts: [15020]}\n  enforcement: {image: example.com/init:v1}\n" +
		"  global: {excludeOutboundIPRanges: [169.254.169.254], owner: platform, reason: 'node metadata, which answers no mTLS'}\n  namespaces:\n")
	for i := range 6 {
		fmt.Fprintf(&s, "  - match: {names: [team-%d]}\n    merge: Union\n    reason: %q\n    excludeInboundPorts: [7001, 7002, 7005, %d, \"2%d00-2%d99\"]\n    excludeOutboundPorts: [3306, %d]\n",
			i, strings.Repeat("因为数据库不支持双向 TLS, ", 4), 9000+i, i, i, 5432+i)
	}
	s.WriteString("  workloads:\n")
	for i := range 30 {
		fmt.Fprintf(&s, "  - match: {names: [app-%d]}\n    merge: Union\n    includeOutboundPorts: [80]\n    excludeOutbound: [{ipRanges: [10.%d.0.0/16, 172.16.%d.0/24], ports: [5432, 6379]}]\n    owner: team-%d\n    expires: 2027-01-01\n", i*3, i, i, i)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		kind := []string{"Deployment", "Deployment", "StatefulSet", "DaemonSet", "Job"}[random.IntN(5)]
		var annotations string
		switch i % 30 {
		case 4, 14, 24:
			annotations = `traffic.sidecar.istio.io/excludeInboundPorts: "8080,9102"`
		case 9:
			annotations = `sidecar.istio.io/inject: "false"`
		case 19:
			annotations = `sidecar.istio.io/interceptionMode: NONE`
		}
		fmt.Fprintf(&m, "---\napiVersion: apps/v1\nkind: %s\nmetadata: {name: app-%d, namespace: team-%d}\nspec:\n  selector: {}\n  template:\n    metadata:\n      annotations: {%s}\n    spec: {containers: [{name: %s, image: a}]}\n",
			kind, i, random.IntN(7), annotations, strings.Repeat("a", 1+i%3))
	}
	return s.String(), strings.ReplaceAll(m.String(), "apps/v1\nkind: Job", "batch/v1\nkind: Job")
}

var mark = regexp.MustCompile(` (\[\d+\])`)

// TestTablesFitATerminal has what a reviewer sees of 3, 40 and 2000 workloads.
func TestTablesFitATerminal(t *testing.T) {
	for _, n := range []int{3, 40, 2000} {
		spec, manifests := cluster(n)
		was := strings.NewReplacer("3306, 5433", "5433", "example.com/init:v1", "example.com/init:v2").Replace(spec)
		connection, err := traffic.ParseOutbound("10.1.2.3:3306")
		require.NoError(t, err)
		settings := reportOf(t, spec, manifests)
		answers, changes := settings, settings
		answers.Workloads, changes.Workloads = slices.Clone(settings.Workloads), slices.Clone(settings.Workloads)
		answers.Decide(connection, "10.1.2.3:3306")
		changes.Compare(reportOf(t, was, manifests))
		for of, r := range map[string]Explanation{"settings": settings, "answers": answers, "changes": changes} {
			t.Run(fmt.Sprint(of, " of ", n), func(t *testing.T) {
				text := writtenExplanation(t, "table", r)
				lines := strings.Split(text, "\n")
				assert.Less(t, len(lines), 90+min(8*n, 1000))
				for _, line := range lines {
					assert.LessOrEqual(t, terminal.Width(line), terminalWidth, line)
				}
				for _, m := range mark.FindAllStringSubmatch(text, -1) {
					assert.Contains(t, text, "\n"+m[1]+" ", "the footnote")
				}
				if strings.Contains(text, "\n-o wide leaves nothing out") {
					return
				}
				named := map[string]bool{}
				for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(" ,:()\n", r) }) {
					named[word] = true
				}
				for i := range r.Workloads {
					if w := &r.Workloads[i]; w.Change == nil || w.Change.Kind != Unchanged {
						assert.True(t, named[w.Namespace+"/"+w.Name], w.Name)
					}
				}
			})
		}
	}
}

func TestEntriesOfOneRuleStandTogether(t *testing.T) {
	spec := "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n  enforcement: {mode: AnnotationsOnly}\n  global:\n    excludeInboundPorts:\n    - 7005\n    - 7001\n    - 7002\n    excludeOutboundPorts: [3306, 5432, 6379]\n  workloads:\n  - {match: {names: [web]}, merge: Union, includeOutboundPorts: [5432], reason: \"wo\\u0301rds\"}\n"
	text := writtenExplanation(t, "table", reportOf(t, spec, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {selector: {}, template: {spec: {containers: []}}}\n"))
	assert.Contains(t, text, `
  FIELD                 ENTRIES          IN FORCE           CARRIED BY  FROM
  excludeInboundPorts   7001-7002, 7005  all                annotation  [2]
  excludeOutboundPorts  3306, 6379       all                annotation  [3]
                        5432             none, lost to [4]              [3]
  includeOutboundPorts  5432             all                annotation  [4]
`)
}
