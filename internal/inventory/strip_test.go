package inventory_test

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/krm-bypass/krm-bypass/internal/inventory"
)

// TestStrippedComments: what is about an annotation alone goes with it, being a reason
// now. Each case is the template's metadata, before and after.
func TestStrippedComments(t *testing.T) {
	const port, cidr = `traffic.sidecar.istio.io/excludeOutboundPorts: "3306"`, `traffic.sidecar.istio.io/excludeOutboundIPRanges: 192.0.2.0/24`
	for name, test := range map[string]struct{ before, after string }{
		"beside it": {
			"    metadata:\n      annotations:\n        a: b # stays\n        " + port + " # goes\n        c: d # stays\n",
			"    metadata:\n      annotations:\n        a: b # stays\n        c: d # stays\n"},
		"above it": {
			"    metadata:\n      annotations:\n        # stays\n        a: b\n        # goes\n        # too\n        " + port + "\n        # stays\n        c: d\n",
			"    metadata:\n      annotations:\n        # stays\n        a: b\n        # stays\n        c: d\n"},
		"above the first": {
			"    metadata:\n      annotations: # stays\n        # goes\n        " + port + "\n        c: d\n",
			"    metadata:\n      annotations: # stays\n        c: d\n"},
		"above both": {
			"    metadata:\n      annotations:\n        # goes\n        " + port + "\n        # goes\n        " + cidr + "\n        c: d\n",
			"    metadata:\n      annotations:\n        c: d\n"},
		"over several": {
			"    metadata:\n      annotations:\n        # --- mesh ---\n        " + port + "\n        c: d\n",
			"    metadata:\n      annotations:\n        # --- mesh ---\n        c: d\n"},
		"of a list that follows": {
			"    metadata:\n      annotations:\n        # for the mesh:\n        " + port + "\n        c: d\n",
			"    metadata:\n      annotations:\n        # for the mesh:\n        c: d\n"},
		"with blank lines": {
			"    metadata:\n      annotations:\n        # stays\n\n        # goes\n        " + port + "\n\n        c: d\n",
			"    metadata:\n      annotations:\n        # stays\n\n\n        c: d\n"},
		"an entry out of force": {
			"    metadata:\n      annotations:\n        # x.example/y: \"z\"\n        " + port + "\n        c: d\n",
			"    metadata:\n      annotations:\n        # x.example/y: \"z\"\n        c: d\n"},
		"a directive": {
			"    metadata:\n      annotations:\n        # yamllint disable rule:line-length\n        " + port + "\n        c: d\n",
			"    metadata:\n      annotations:\n        # yamllint disable rule:line-length\n        c: d\n"},
		"all that the mapping holds": {
			"    metadata:\n      labels: {x: z}\n      annotations:\n        # goes\n        " + port + " # goes\n        # goes\n        " + cidr + "\n",
			"    metadata:\n      labels: {x: z}\n"},
		"all, with another comment in it": {
			"    metadata:\n      labels: {x: z}\n      annotations:\n        # x.example/y: \"z\"\n        " + port + "\n",
			"    metadata:\n      labels: {x: z}\n      annotations: {}\n        # x.example/y: \"z\"\n"},
		"all, with one beside its key": {
			"    metadata:\n      annotations: # stays\n        " + port + "\n",
			"    metadata:\n      annotations: {} # stays\n"},
		"all, with one beside a key around it": {
			"    metadata: # stays\n      annotations:\n        " + port + "\n",
			"    metadata: {} # stays\n"},
		"all, with a comment behind": {
			"    metadata:\n      annotations:\n        " + port + "\n        # stays\n      labels: {x: z}\n",
			"    metadata:\n        # stays\n      labels: {x: z}\n"},
		"a sign in a value": {
			"    metadata:\n      annotations:\n        a: 'b # c'\n        " + port + "\n        c: |\n          # d\n",
			"    metadata:\n      annotations:\n        a: 'b # c'\n        c: |\n          # d\n"},
		"a block scalar": {
			"    metadata:\n      annotations:\n        traffic.sidecar.istio.io/excludeOutboundPorts: |- # goes\n          3306\n        c: d\n",
			"    metadata:\n      annotations:\n        c: d\n"},
		"in flow": {
			"    metadata: {annotations: {a: b, " + port + ", # goes\n      c: d}} # stays\n",
			"    metadata: {annotations: {a: b, c: d}} # stays\n"},
		"in flow, by lines": {
			"    metadata:\n      annotations: {\n        # stays\n        a: b,\n        # goes\n        " + port + ", # goes\n        c: d, # stays\n      }\n",
			"    metadata:\n      annotations: {\n        # stays\n        a: b,\n        c: d, # stays\n      }\n"},
		"an anchor of a neighbour": {
			"    metadata:\n      annotations: {a: &x b, " + port + "}\n      labels: {x: *x}\n",
			"    metadata:\n      annotations: {a: &x b}\n      labels: {x: *x}\n"},
		"quotes around the key": {
			"    metadata:\n      annotations:\n        # goes\n        'traffic.sidecar.istio.io/excludeOutboundPorts': '3306' # goes\n        \"c\": 'd'\n",
			"    metadata:\n      annotations:\n        \"c\": 'd'\n"},
	} {
		t.Run(name, func(t *testing.T) {
			around := func(metadata string) string {
				return "# head\n---\n# of web\napiVersion: apps/v1\nkind: Deployment # plain\nmetadata: {name: web, namespace: shop}\nspec:\n  template: # pods\n" + metadata + "    # below\n    spec: {containers: []}\n# tail\n"
			}
			for ending, lines := range map[string]*strings.Replacer{"LF": strings.NewReplacer(), "CRLF": strings.NewReplacer("\n", "\r\n")} {
				files := []inventory.File{{Path: "a.yaml", Text: []byte(lines.Replace(around(test.before)))}}
				found, err := inventory.Take(files, "", nil)
				require.NoError(t, err)
				assert.Equal(t, lines.Replace(around(test.after)), string(stripped(t, found, files)[0].Text), ending)
			}
		})
	}
}

// TestStrippingLosesNothing: of drawn annotations with comments, what is not taken stays,
// and so does every line; what was said beside what is taken is in the spec.
func TestStrippingLosesNothing(t *testing.T) {
	keys := []string{"a", "prometheus.io/port", istioKey + "excludeOutboundPorts", istioKey + "excludeInboundPorts", istioKey + "excludeOutboundIPRanges", "z.example/y"}
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		draw := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
		n := 0
		comment := func() string {
			n++
			return draw("comment", "# why "+strings.Repeat("x", n), "# why "+strings.Repeat("y", n), "# off.example/k"+strings.Repeat("k", n)+": 'v'", "# === part "+strings.Repeat("z", n)+" ===")
		}
		taken := false
		for _, key := range rapid.Permutation(keys).Draw(t, "keys")[:rapid.IntRange(1, len(keys)).Draw(t, "many")] {
			n++
			value := strconv.Itoa(8000 + n)
			if strings.HasSuffix(key, "Ranges") {
				value = "192.0.2.0/24" // once
			}
			for range rapid.IntRange(0, 2).Draw(t, "above") {
				b.WriteString(draw("line", "        "+comment()+"\n", "\n", "      "+comment()+"\n"))
			}
			b.WriteString("        " + draw("key", key, "'"+key+"'") + ": " + draw("quoted", `"`+value+`"`, "'"+value+"'", "|-\n          "+value))
			if last := b.String(); !strings.HasSuffix(last, "          "+value) && rapid.Bool().Draw(t, "beside") {
				b.WriteString(" " + comment())
			}
			b.WriteString("\n")
			taken = taken || strings.HasPrefix(key, istioKey)
		}
		if !taken {
			t.Skip("nothing to import")
		}
		files := []inventory.File{{Path: "a.yaml", Text: []byte(commented("web", b.String()))}}
		found, err := inventory.Take(files, "", nil)
		require.NoError(t, err)
		after := string(stripped(t, found, files)[0].Text)

		var was, is map[string]any
		require.NoError(t, yaml.Unmarshal(files[0].Text, &was))
		require.NoError(t, yaml.Unmarshal([]byte(after), &is))
		without(was, keys[2:5]...)
		for _, object := range []any{was, is} { // one that was left empty may stay or go
			walk(object, "", func(in map[string]any, key, _ string) {
				if empty, is := in[key].(map[string]any); is && len(empty) == 0 {
					delete(in, key)
				}
			})
		}
		require.Equal(t, was, is, after)

		left := strings.Split(after, "\n")
		for line := range strings.Lines(string(files[0].Text)) {
			line = strings.TrimSuffix(line, "\n")
			_, said, commented := strings.Cut(line, "# ")
			switch {
			case slices.Contains(left, line):
				left = slices.Delete(left, 0, slices.Index(left, line)+1)
			case commented && strings.HasPrefix(said, "why"):
				require.Regexp(t, `(?m)^ +reason: .*`+regexp.QuoteMeta(said)+`\b`, string(found.Spec()), "a comment that went")
			case commented && strings.TrimSpace(line)[0] == '#':
				require.Contains(t, after, line, "a comment that is no reason")
			}
		}
		if strings.Contains(after, "annotations:\n") {
			blank := func(text string) int { return len(regexp.MustCompile(`(?m)^$`).FindAllString(text, -1)) }
			require.Equal(t, blank(string(files[0].Text)), blank(after), "blank lines")
		}
	})
}
