package node

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
	sigsyaml "sigs.k8s.io/yaml"
)

func parsed(t require.TestingT, text string) *yaml.Node {
	var document yaml.Node
	require.NoError(t, yaml.Unmarshal([]byte(text), &document))
	return &document
}

func TestAnEntryIsFoundHoweverItsKeyIsWritten(t *testing.T) {
	for name, text := range map[string]string{
		"plain":        "kind: Deployment",
		"quoted":       `"kind": 'Deployment'`,
		"escaped":      `"\x6bind": Deployment`,
		"explicit":     "? kind\n: Deployment",
		"block scalar": "? |-\n  kind\n: |-\n  Deployment",
		"binary":       "!!binary a2luZA==: !!binary RGVwbG95bWVudA==",
		"an alias":     "{x: &k kind, *k : Deployment}",
		"aliased":      "{x: &d Deployment, kind: *d}",
		"merged":       "{x: &m {kind: Deployment}, <<: *m}",
		"merged list":  "{x: &m {kind: Deployment}, y: &n {kind: Pod}, <<: [*m, *n]}",
		"behind <<":    "{x: &m {kind: Pod}, <<: *m, kind: Deployment}",
		"tagged":       "kind: !kind Deployment",
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, "Deployment", Of(parsed(t, text)).Entry("kind").Text())
			// kubectl's parser has the same to say.
			var object map[string]any
			require.NoError(t, sigsyaml.Unmarshal([]byte(text), &object))
			assert.Equal(t, "Deployment", object["kind"])
		})
	}
}

func TestWhatIsNotThereMayBeAskedEverything(t *testing.T) {
	for _, v := range []Value{{}, Of(nil), Of(&yaml.Node{Kind: yaml.DocumentNode}), Of(parsed(t, "a: 1")).At("b", 3, "c"), Of(parsed(t, "[1]")).Item(-1)} {
		assert.False(t, v.Exists())
		assert.False(t, v.IsNull() || v.IsMapping() || v.IsList() || v.IsScalar() || v.IsString() || v.Truth())
		assert.Empty(t, v.Text())
		assert.Empty(t, v.Items())
		assert.Empty(t, v.Strings())
		assert.Equal(t, "nothing", v.Describe())
		assert.Zero(t, v.Len()+v.Line())
		assert.NoError(t, v.Decode(new(string)))
	}
}

func TestTrueIsWhatAnyToolTakesForTrue(t *testing.T) {
	for text, is := range map[string]bool{
		"true": true, "True": true, "yes": true, "on": true, `"true"`: true,
		`"yes"`: false, "no": false, "false": false, "null": false, "1": false, "[true]": false,
	} {
		assert.Equal(t, is, Of(parsed(t, text)).Truth(), text)
	}
}

func TestAStringIsWhatEveryToolTakesForOne(t *testing.T) {
	for text, is := range map[string]bool{
		"a": true, `"12"`: true, `"yes"`: true, "'no'": true, "!!str yes": true, "|\n yes": true, "1:30": true, "2026-01-07": false, "on-call": true, `""`: true,
		"yes": false, "No": false, "off": false, "y": false, "true": false, "12": false, "012": false, "1.5": false, "1e3": false, ".inf": false, "0o17": false,
		"1_000": false, "null": false, "~": false, "": false, "[]": false, "{}": false, `!!int "1"`: false,
	} {
		assert.Equal(t, is, Of(parsed(t, "v: "+text)).Entry("v").IsString(), text)
	}
}

func TestDescribeSaysWhatStandsThere(t *testing.T) {
	for text, words := range map[string]string{
		"{a: 1}": "a mapping", "[a]": "a list", "12": "the number 12", "1.5": "the number 1.5",
		"true": "the boolean true", "yes": "the boolean yes", "N": "the boolean N", `"no"`: `"no"`, "null": "nothing", "a b": `"a b"`, `"12"`: `"12"`,
	} {
		assert.Equal(t, words, Of(parsed(t, text)).Describe(), text)
	}
}

func TestAMergeThatLeadsToItselfEnds(t *testing.T) {
	document := parsed(t, "a: &a\n  b: 1\n  <<: *a\n")
	assert.Equal(t, map[string]string{"b": "1"}, Of(document).Entry("a").Strings())
}

func TestACloneIsATreeOfItsOwn(t *testing.T) {
	document := parsed(t, "a: &a {b: 1}\nc: *a\nd: {<<: *a}\n")
	copied := Clone(document)
	Of(copied).At("c", "b").Node().Value = "2"
	assert.Equal(t, "2", Of(copied).At("a", "b").Text())
	assert.Equal(t, "2", Of(copied).At("d", "b").Text())
	assert.Equal(t, "1", Of(document).At("a", "b").Text())
}

// drawn is a mapping with keys written in every way, each once.
func drawn(t *rapid.T) string {
	ways := []string{"%s: %s\n", "\"%s\": %s\n", "'%s': %s\n", "? %s\n: %s\n", "!!str %s: %s\n", "!k %s: %s\n"}
	keys := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"kind", "items", "spec", "metadata", "apiVersion"}), 1, 5, rapid.ID[string]).Draw(t, "keys")
	var text strings.Builder
	for _, key := range keys {
		value := rapid.SampledFrom([]string{"a", `"b"`, "'c'", "{d: e}", "[f]", "null", "", "|-\n  g", "1", "on"}).Draw(t, "value")
		fmt.Fprintf(&text, rapid.SampledFrom(ways).Draw(t, "way"), key, value)
	}
	return text.String()
}

func TestKeysAreThoseThatKubectlSees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := drawn(t)
		var object map[string]any
		require.NoError(t, sigsyaml.Unmarshal([]byte(text), &object), text)
		var keys []string
		for e := range Of(parsed(t, text)).Entries() {
			keys = append(keys, e.Key)
		}
		var want []string
		for key := range object {
			want = append(want, key)
		}
		assert.ElementsMatch(t, want, keys, text)
	})
}

// Digits must be what every reader takes for the same number.
func TestDigits(t *testing.T) {
	for text, want := range map[string]string{
		"10001": "10001", "7": "7", "0": "0", "00": "", "010": "", "1_000": "", "0x1": "", "-1": "", "1.0": "", "1e3": "", "'10'": "", "!!str 10": "", "!!int 10": "", "!!float 10": "",
		"999999999999999": "999999999999999", "1000000000000000": "", "": "", "[1]": "", "ten": "",
	} {
		value := Of(parsed(t, "a: "+text+"\n")).Entry("a")
		assert.Equal(t, want, value.Digits(), text)
		if want != "" {
			var n float64
			require.NoError(t, value.Decode(&n), text)
			assert.Equal(t, want, strconv.FormatFloat(n, 'f', -1, 64), text)
		}
	}
}
