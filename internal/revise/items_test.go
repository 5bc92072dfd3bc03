package revise_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	. "github.com/krm-bypass/krm-bypass/internal/revise"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// commented has lists with comments, quotes and a layout of their own.
const commented = `spec:
  global:
    excludeOutboundPorts:
      # the shop's
      - 3306   # MySQL
      - '6379' # Redis
      # PostgreSQL
      - "5432"
    excludeOutbound:
      # the data centre
      - ipRanges:
          # old
          - 10.1.0.0/16   # north
          - '10.2.0.0/16' # south
        # what they speak
        ports:
          - "5432" # PostgreSQL
      - {ports: [443, 8443 ], ipRanges: [192.0.2.0/24]} # the card processor
    excludeInboundPorts: [ 8080, "9000-9010" ,9102 ]
    includeInboundPorts: [
      # the first
      1, # one
      "2",
      3 # three
    ]
  workloads:
    - match:
        names: [web] # web
        labelSelector:
          matchExpressions:
            # tiers
            - key: tier # of the shop
              operator: In
              values:
                - web
                - "api" # and its API
`

func TestWhatStaysKeepsItsBytesAndItsComments(t *testing.T) {
	put := func(field string, entries ...string) Change {
		return Put{"spec.global", Rule{field: Says(entries...)}}
	}
	for name, c := range map[string]struct {
		change  Change
		was, is string
	}{
		"two change places": {put("excludeOutboundPorts", "6379", "3306", "5432"), `      # the shop's
      - 3306   # MySQL
      - '6379' # Redis
`, `      - '6379' # Redis
      # the shop's
      - 3306   # MySQL
`},
		"the last comes first, and another": {put("excludeOutboundPorts", "5432", "443", "3306", "6379"), `      # the shop's
      - 3306   # MySQL
      - '6379' # Redis
      # PostgreSQL
      - "5432"
`, `      # PostgreSQL
      - "5432"
      - 443
      # the shop's
      - 3306   # MySQL
      - '6379' # Redis
`},
		"two change places, and one goes": {put("excludeOutboundPorts", "5432", "3306"), `      # the shop's
      - 3306   # MySQL
      - '6379' # Redis
      # PostgreSQL
      - "5432"
`, `      # PostgreSQL
      - "5432"
      # the shop's
      - 3306   # MySQL
`},
		"on one line": {put("excludeInboundPorts", "9102", "9000-9010", "8080"), `[ 8080, "9000-9010" ,9102 ]`, `[ 9102, "9000-9010" ,8080 ]`},
		"in brackets over lines": {put("includeInboundPorts", "3", "2", "1"), `      # the first
      1, # one
      "2",
      3 # three
`, `      3, # three
      "2",
      # the first
      1 # one
`},
		"one becomes another": {put("excludeOutboundPorts", "3306", "6380", "5432"), "      - '6379' # Redis\n", "      - '6380' # Redis\n"},
		"the first and the last become others": {put("excludeOutboundPorts", "3307", "6379", "5433"), `      - 3306   # MySQL
      - '6379' # Redis
      # PostgreSQL
      - "5432"
`, `      - 3307   # MySQL
      - '6379' # Redis
      # PostgreSQL
      - "5433"
`},
		"one becomes two":                 {put("excludeOutboundPorts", "3306", "6380", "6381", "5432"), "      - '6379' # Redis\n", "      - 6380\n      - 6381\n"},
		"two become two":                  {put("excludeOutboundPorts", "3307", "6380", "5432"), "      # the shop's\n      - 3306   # MySQL\n      - '6379' # Redis\n", "      - 3307\n      - 6380\n"},
		"one in brackets becomes another": {put("includeInboundPorts", "1", "2", "4"), "      3 # three\n", "      4 # three\n"},
		"a port of a pair becomes another": {put("excludeOutbound", "10.1.0.0/16,10.2.0.0/16@5433", "192.0.2.0/24@443,8443"),
			"          - \"5432\" # PostgreSQL\n", "          - \"5433\" # PostgreSQL\n"},
		"a port more in a pair": {put("excludeOutbound", "10.1.0.0/16,10.2.0.0/16@5432,6379", "192.0.2.0/24@443,8443"),
			"          - \"5432\" # PostgreSQL\n", "          - \"5432\" # PostgreSQL\n          - \"6379\"\n"},
		"a range less in a pair": {put("excludeOutbound", "10.1.0.0/16@5432", "192.0.2.0/24@443,8443"),
			"          - '10.2.0.0/16' # south\n", ""},
		"a range more in a pair on one line": {put("excludeOutbound", "10.1.0.0/16,10.2.0.0/16@5432", "192.0.2.0/24,198.51.100.0/24@443,8443"),
			`[192.0.2.0/24]`, `[192.0.2.0/24, 198.51.100.0/24]`},
		"within a pair": {put("excludeOutbound", "10.2.0.0/16,10.1.0.0/16@5432", "192.0.2.0/24@8443,443"), `          # old
          - 10.1.0.0/16   # north
          - '10.2.0.0/16' # south
        # what they speak
        ports:
          - "5432" # PostgreSQL
      - {ports: [443, 8443 ],`, `          - '10.2.0.0/16' # south
          # old
          - 10.1.0.0/16   # north
        # what they speak
        ports:
          - "5432" # PostgreSQL
      - {ports: [8443, 443 ],`},
		"pairs change places and one grows": {put("excludeOutbound", "192.0.2.0/24@443,8443", "10.1.0.0/16,10.2.0.0/16@5432,6379"), `      # the data centre
      - ipRanges:
          # old
          - 10.1.0.0/16   # north
          - '10.2.0.0/16' # south
        # what they speak
        ports:
          - "5432" # PostgreSQL
      - {ports: [443, 8443 ], ipRanges: [192.0.2.0/24]} # the card processor
`, `      - {ports: [443, 8443 ], ipRanges: [192.0.2.0/24]} # the card processor
      # the data centre
      - ipRanges:
          # old
          - 10.1.0.0/16   # north
          - '10.2.0.0/16' # south
        # what they speak
        ports:
          - "5432" # PostgreSQL
          - "6379"
`},
		"another pair is another": {put("excludeOutbound", "10.1.0.0/16,10.2.0.0/16@5432", "203.0.113.0/24@80"),
			`      - {ports: [443, 8443 ], ipRanges: [192.0.2.0/24]} # the card processor
`, `      - ipRanges: [203.0.113.0/24]
        ports: [80]
`},
		"a value more in a requirement": {Put{"spec.workloads[0]", Rule{"match.labelSelector.matchExpressions": Says("tier In web,api,db")}},
			"                - \"api\" # and its API\n", "                - \"api\" # and its API\n                - db\n"},
		"another operator": {Put{"spec.workloads[0]", Rule{"match.labelSelector.matchExpressions": Says("tier Exists")}}, `              operator: In
              values:
                - web
                - "api" # and its API
`, "              operator: Exists\n"},
	} {
		t.Run(name, func(t *testing.T) {
			text := head + commented
			require.Equal(t, 1, strings.Count(text, c.was))
			want := strings.Replace(text, c.was, c.is, 1)
			got, err := Apply(in(text), c.change)
			require.NoError(t, err)
			assert.Equal(t, want, string(got))
			crlf, err := Apply(in(strings.ReplaceAll(text, "\n", "\r\n")), c.change)
			require.NoError(t, err)
			assert.Equal(t, strings.ReplaceAll(want, "\n", "\r\n"), string(crlf))
		})
	}
}

// Whatever order the entries of a list get, no byte of them comes or goes, nor of their
// comments.
func TestAnotherOrderIsNothingElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom(append(specs(), in(head+commented))).Draw(t, "file")
		rows, _ := Rows(f)
		row := rapid.SampledFrom(rows).Draw(t, "row")
		var lists []string
		for _, field := range Fields(row.Path) {
			if field.List && len(row.Rule[field.Path].Entries) > 1 {
				lists = append(lists, field.Path)
			}
		}
		if lists == nil {
			return
		}
		field := rapid.SampledFrom(lists).Draw(t, "field")
		want := rapid.Permutation(row.Rule[field].Entries).Draw(t, "order")
		got, err := Apply(f, Put{row.Path, Rule{field: Says(want...)}})
		if refusable(f, err) {
			return
		}
		require.NoError(t, err, "%s", f.Text)
		require.Equal(t, sorted(f.Text), sorted(got), "%s\n%s", f.Text, got)
		if slices.ContainsFunc(want, func(entry string) bool { return slices.Index(want, entry) != lastIndex(want, entry) }) {
			return // nobody can tell two of the same
		}
		back, err := Apply(yamltext.File{Path: f.Path, Text: got}, Put{row.Path, Rule{field: row.Rule[field]}})
		require.NoError(t, err)
		require.Equal(t, string(f.Text), string(back))
	})
}

func lastIndex(all []string, one string) int {
	all = slices.Clone(all)
	slices.Reverse(all)
	return len(all) - 1 - slices.Index(all, one)
}

func sorted(text []byte) string {
	text = slices.Clone(text)
	slices.Sort(text)
	return string(text)
}
