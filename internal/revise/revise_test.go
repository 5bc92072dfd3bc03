package revise_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	. "github.com/krm-bypass/krm-bypass/internal/revise"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

const head = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\n"

func in(text string) yamltext.File { return yamltext.File{Path: "bypass.yaml", Text: []byte(text)} }

// rules has rules with comments in every place.
const rules = `spec: # all of it
  # for everybody
  global:
    excludeOutboundPorts: [3306, 6379] # databases
    reason: databases
  workloads: # the narrow ones
    # web is old
    # and large
    - match: {names: [web]}
      excludeInboundPorts:
        - 8080 # admin
        # metrics
        - "9000-9010"
        - 9102
      # what web says
    - match: {names: [api]} # api
      merge: Union
      excludeOutboundIPRanges: [10.0.0.0/8]

    # jobs
    - match: {names: [job]}
      reason: |
        two
        lines
  enforcement: {mode: AnnotationsOnly}
`

func TestAChangeChangesItsOwnBytes(t *testing.T) {
	for name, c := range map[string]struct {
		change Change
		// was and is are what stands in the text before and afterwards.
		was, is string
	}{
		"an entry more":              {Put{"spec.global", Rule{"excludeOutboundPorts": Says("3306", "6379", "443")}}, "[3306, 6379]", "[3306, 6379, 443]"},
		"an entry less":              {Put{"spec.global", Rule{"excludeOutboundPorts": Says("6379")}}, "[3306, 6379]", "[6379]"},
		"another entry":              {Put{"spec.global", Rule{"excludeOutboundPorts": Says("3307", "6379")}}, "[3306, 6379]", "[3307, 6379]"},
		"a range like its neighbour": {Put{"spec.workloads[1]", Rule{"excludeOutboundIPRanges": Says("10.0.0.0/8", "192.0.2.0/24")}}, "[10.0.0.0/8]", "[10.0.0.0/8, 192.0.2.0/24]"},
		"none":                       {Put{"spec.global", Rule{"excludeOutboundPorts": Says()}}, "[3306, 6379] # databases", "[] # databases"},
		"not set":                    {Put{"spec.global", Rule{"excludeOutboundPorts": {}}}, "    excludeOutboundPorts: [3306, 6379] # databases\n", ""},
		"a list in lines":            {Put{"spec.workloads[0]", Rule{"excludeInboundPorts": Says("8080", "9000-9010", "9103")}}, "        - 9102\n", "        - 9103\n"},
		"its comment goes":           {Put{"spec.workloads[0]", Rule{"excludeInboundPorts": Says("9000-9010", "9102")}}, "        - 8080 # admin\n", ""},
		"the comment above it goes":  {Put{"spec.workloads[0]", Rule{"excludeInboundPorts": Says("8080", "9102")}}, "        # metrics\n        - \"9000-9010\"\n", ""},
		"in lines as the others":     {Put{"spec.workloads[0]", Rule{"excludeOutboundPorts": Says("5432")}}, "        - 9102\n", "        - 9102\n      excludeOutboundPorts:\n        - 5432\n"},
		"all":                        {Put{"spec.workloads[1]", Rule{"includeOutboundIPRanges": Says("*")}}, "[10.0.0.0/8]\n", "[10.0.0.0/8]\n      includeOutboundIPRanges: \"*\"\n"},
		"for init containers":        {Put{"spec.global", Rule{"forInitContainers.excludeOutboundPorts": Says("8200")}}, "    reason: databases\n", "    reason: databases\n    forInitContainers:\n      excludeOutboundPorts: [8200]\n"},
		"pairs":                      {Put{"spec.global", Rule{"excludeOutbound": Says("10.1.0.0/16,10.2.0.0/16@5432")}}, "    reason: databases\n", "    reason: databases\n    excludeOutbound:\n      - {ipRanges: [10.1.0.0/16, 10.2.0.0/16], ports: [5432]}\n"},
		"off":                        {Put{"spec.workloads[1]", Rule{"merge": {}}}, "      merge: Union\n", ""},
		"a date":                     {Put{"spec.global", Rule{"expires": Says("2027-01-31")}}, "    reason: databases\n", "    reason: databases\n    expires: 2027-01-31\n"},
		"no date":                    {Put{"spec.global", Rule{"expires": Says("soon")}}, "    reason: databases\n", "    reason: databases\n    expires: soon\n"},
		"a reason with a colon":      {Put{"spec.global", Rule{"reason": Says("databases: no mTLS")}}, "reason: databases\n", "reason: \"databases: no mTLS\"\n"},
		"the same reason otherwise":  {Put{"spec.workloads[2]", Rule{"reason": Says("two\r\nlines\r\n")}}, "", ""},
		"another match":              {Put{"spec.workloads[1]", Rule{"match.names": Says("api", "web-*"), "match.namespaces": Says("shop")}}, "{names: [api]}", "{names: [api, web-*], namespaces: [shop]}"},
		"labels":                     {Put{"spec.workloads[1]", Rule{"match.names": {}, "match.labelSelector.matchLabels": Says("app=web")}}, "{names: [api]}", "{labelSelector: {matchLabels: {app: web}}}"},
		"requirements":               {Put{"spec.workloads[1]", Rule{"match.labelSelector.matchExpressions": Says("tier In web,api", "old DoesNotExist")}}, "{names: [api]}", "{names: [api], labelSelector: {matchExpressions: [{key: tier, operator: In, values: [web, api]}, {key: old, operator: DoesNotExist}]}}"},
		"the mesh's defaults":        {Put{"spec.meshDefaults", Rule{"excludeInboundPorts": Says("15020")}}, "", "  meshDefaults:\n    excludeInboundPorts: [15020]\n"},
		"a first rule":               {Add{"spec.namespaces", Last, Rule{"match.names": Says("shop"), "excludeInboundPorts": Says("9102"), "reason": Says("scraped")}}, "", "  namespaces:\n    - match: {names: [shop]}\n      reason: scraped\n      excludeInboundPorts: [9102]\n"},
		"a last rule":                {Add{"spec.workloads", Last, Rule{"match.kinds": Says("Deployment"), "match.names": Says("pay"), "excludeOutboundPorts": Says()}}, "        lines\n", "        lines\n    - match: {kinds: [Deployment], names: [pay]}\n      excludeOutboundPorts: []\n"},
		"a rule between":             {Add{"spec.workloads", 2, Rule{"match.names": Says("pay")}}, "    # jobs\n", "    - match: {names: [pay]}\n    # jobs\n"},
		"an acceptance":              {Add{"spec.lint.accept", Last, Rule{"check": Says("service-port"), "match.names": Says("web"), "ports": Says("8080"), "reason": Says("known")}}, "", "  lint:\n    accept:\n      - check: service-port\n        match: {names: [web]}\n        ports: [8080]\n        reason: known\n"},
		"a rule goes":                {Remove{"spec.workloads[2]"}, "    # jobs\n    - match: {names: [job]}\n      reason: |\n        two\n        lines\n", ""},
		"another rule goes":          {Remove{"spec.workloads[1]"}, "    - match: {names: [api]} # api\n      merge: Union\n      excludeOutboundIPRanges: [10.0.0.0/8]\n", ""},
		"the global rule goes":       {Remove{"spec.global"}, "  # for everybody\n  global:\n    excludeOutboundPorts: [3306, 6379] # databases\n    reason: databases\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			text := head + rules
			require.True(t, c.was == "" || strings.Count(text, c.was) == 1)
			want := strings.Replace(text, c.was, c.is, 1)
			if c.was == "" {
				want = text + c.is
			}
			got, err := Apply(in(text), c.change)
			require.NoError(t, err)
			assert.Equal(t, want, string(got))
			crlf, err := Apply(in(strings.ReplaceAll(text, "\n", "\r\n")), c.change)
			require.NoError(t, err)
			assert.Equal(t, strings.ReplaceAll(want, "\n", "\r\n"), string(crlf))
		})
	}
}

// TestCommentsAboveGoWithWhatGoes, if they stand right above it, in its column.
func TestCommentsAboveGoWithWhatGoes(t *testing.T) {
	for name, c := range map[string]struct {
		text   string
		change Change
		want   string
	}{
		"an entry":                     {"spec:\n  global:\n    excludeOutboundPorts:\n    # one\n    - 1\n    # two\n    # and more of it\n    - 2\n    # three\n    - 3\n", Put{"spec.global", Rule{"excludeOutboundPorts": Says("1", "3")}}, "spec:\n  global:\n    excludeOutboundPorts:\n    # one\n    - 1\n    # three\n    - 3\n"},
		"behind a blank line":          {"spec:\n  global:\n    excludeOutboundPorts:\n    # all of them\n\n    - 1\n    - 2\n", Put{"spec.global", Rule{"excludeOutboundPorts": Says("2")}}, "spec:\n  global:\n    excludeOutboundPorts:\n    # all of them\n\n    - 2\n"},
		"in another column":            {"spec:\n  global:\n    excludeOutboundPorts:\n    - 1\n      # of one\n    - 2\n", Put{"spec.global", Rule{"excludeOutboundPorts": Says("1")}}, "spec:\n  global:\n    excludeOutboundPorts:\n    - 1\n      # of one\n"},
		"several entries":              {"spec:\n  global:\n    excludeOutboundPorts:\n    # one\n    - 1\n    # two\n    - 2\n    - 3\n", Put{"spec.global", Rule{"excludeOutboundPorts": Says("3")}}, "spec:\n  global:\n    excludeOutboundPorts:\n    - 3\n"},
		"in brackets":                  {"spec:\n  global:\n    excludeOutboundPorts: [\n      # one\n      1,\n      # two\n      2,\n    ]\n", Put{"spec.global", Rule{"excludeOutboundPorts": Says("1")}}, "spec:\n  global:\n    excludeOutboundPorts: [\n      # one\n      1,\n    ]\n"},
		"a text that looks like one":   {"spec:\n  global:\n    excludeOutboundPorts: [\n      \"1\n      # no\",\n      2,\n    ]\n", Put{"spec.global", Rule{"excludeOutboundPorts": Says("1 # no")}}, "spec:\n  global:\n    excludeOutboundPorts: [\n      \"1\n      # no\",\n    ]\n"},
		"a field":                      {"spec:\n  global:\n    # why\n    reason: x\n    # ports\n    excludeOutboundPorts: [1]\n", Put{"spec.global", Rule{"reason": {}}}, "spec:\n  global:\n    # ports\n    excludeOutboundPorts: [1]\n"},
		"a rule in brackets":           {"spec:\n  workloads: [\n    # a\n    {match: {names: [a]}},\n    # b\n    {match: {names: [b]}},\n  ]\n", Remove{"spec.workloads[1]"}, "spec:\n  workloads: [\n    # a\n    {match: {names: [a]}},\n  ]\n"},
		"the only rule":                {"spec:\n  mesh: Istio\n  # the narrow ones\n  workloads:\n  # a\n  - match: {names: [a]}\n", Remove{"spec.workloads[0]"}, "spec:\n  mesh: Istio\n"},
		"the global rule, far from it": {"spec:\n  # about all\n\n  global: {excludeOutboundPorts: [1]}\n  mesh: Istio\n", Remove{"spec.global"}, "spec:\n  # about all\n\n  mesh: Istio\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Apply(in(head+c.text), c.change)
			require.NoError(t, err)
			assert.Equal(t, head+c.want, string(got))
		})
	}
}

func TestADirectiveIsInNobodysWay(t *testing.T) {
	for _, begin := range []string{"%YAML 1.1\n---\n", "%YAML 1.2\n---\n", "# ours\n%YAML 1.2 # the newer\n---\n"} {
		text := begin + head + rules
		for _, c := range []Change{
			Put{"spec.global", Rule{"excludeOutboundPorts": Says("3306")}}, Add{"spec.namespaces", Last, Rule{"match.names": Says("shop")}},
			Remove{"spec.workloads[0]"}, Move{"spec.workloads[0]", 1},
		} {
			want, err := Apply(in(head+rules), c)
			require.NoError(t, err)
			got, err := Apply(in(text), c)
			if assert.NoError(t, err, "%v in %q", c, begin) {
				assert.Equal(t, begin+string(want), string(got))
			}
		}
	}
}

func TestARuleMovesWithItsComments(t *testing.T) {
	text := head + rules
	web := "    # web is old\n    # and large\n    - match: {names: [web]}\n      excludeInboundPorts:\n        - 8080 # admin\n        # metrics\n        - \"9000-9010\"\n        - 9102\n      # what web says\n"
	api := "    - match: {names: [api]} # api\n      merge: Union\n      excludeOutboundIPRanges: [10.0.0.0/8]\n"
	require.Contains(t, text, web+api)
	moved, err := Apply(in(text), Move{"spec.workloads[0]", 1})
	require.NoError(t, err)
	assert.Equal(t, strings.Replace(text, web+api, api+web, 1), string(moved))
	back, err := Apply(in(string(moved)), Move{"spec.workloads[1]", -1})
	require.NoError(t, err)
	assert.Equal(t, text, string(back))
	back, err = Apply(in(text), Move{"spec.workloads[0]", 2}, Move{"spec.workloads[2]", -2})
	require.NoError(t, err)
	assert.Equal(t, text, string(back))
}
