package yamltext

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

func TestReadable(t *testing.T) {
	for name, text := range map[string]string{
		"slashes":                    `{"a":"http:\/\/x\/y"}`,
		"a character in two halves":  `{"a":"\ud83d\uDed2 x"}`,
		"a half by itself":           `{"a":"\ud83d","b":"\ude00\ud83d x"}`,
		"backslashes before":         `{"a":"\\/ \\ud83d\\ude00"}`,
		"keys":                       `{"a\/b":1,"\ud83d\uded2":[2]}`,
		"over lines":                 "{\n  \"a\": \"\\/\",\n  \"b\": \"\\n\\u00e9\"\n}\n",
		"nothing of the kind":        `{"a":"b"}`,
		"the end of a text":          `"\/"`,
		"a half at the end":          `"\ud83d"`,
		"a half before other things": `"\ud83d\n\u0041"`,
	} {
		t.Run(name, func(t *testing.T) {
			var want, got any
			require.NoError(t, json.Unmarshal([]byte(text), &want))
			require.NoError(t, yaml.Unmarshal(Fragment{Text: []byte(text)}.Readable(), &got))
			wanted, err := json.Marshal(want)
			require.NoError(t, err)
			given, err := json.Marshal(got)
			require.NoError(t, err)
			assert.Equal(t, string(wanted), string(given))
		})
	}
	for _, text := range []string{`a: "\/"`, `a: '\ud83d\ude00'`, `a: \/ # "`, `{"a": "\/",}`} {
		assert.Equal(t, text, string(Fragment{Text: []byte(text)}.Readable()), "no JSON, so it stays")
	}
}

func TestReadableVersions(t *testing.T) {
	for text, want := range map[string]string{
		"%YAML 1.2\n---\na: b\n":                     "%YAML 1.1\n---\na: b\n",
		"\ufeff# x\r\n\r\n%YAML  1.2 # y\r\n--- a\n": "\ufeff# x\r\n\r\n%YAML  1.1 # y\r\n--- a\n",
		"%YAML 1.2\n%YAML 1.2\n---\na\n":             "%YAML 1.1\n%YAML 1.1\n---\na\n",
		"%TAG ! !x\n%YAML 1.2\n---\na\n":             "%TAG ! !x\n%YAML 1.1\n---\na\n",
		"%YAML 1.23\n---\na\n":                       "%YAML 1.23\n---\na\n",
		"%YAML 2.0\n---\na\n":                        "%YAML 2.0\n---\na\n",
		"---\n%YAML 1.2\n":                           "---\n%YAML 1.2\n",
		"a: |\n%YAML 1.2\n":                          "a: |\n%YAML 1.2\n",
		" %YAML 1.2\n---\na\n":                       " %YAML 1.2\n---\na\n",
	} {
		given := []byte(text)
		assert.Equal(t, want, string(Fragment{Text: given}.Readable()))
		assert.Equal(t, text, string(given), "what stands in the file stays")
	}
}

// FuzzReadable gives yaml/v3 any JSON: it reads what encoding/json does.
func FuzzReadable(f *testing.F) {
	for _, text := range []string{`{"a":"\/"}`, `"\ud83d\ude00"`, `["\ud83d", "\\\/"]`, `{"\uD83Dx": "\udE00\uD83D\uDE00"}`, `[1e3, -0.5, true, null]`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !json.Valid(text) || bytes.ContainsAny(text, "\u0085\u2028\u2029") {
			return // NEL, LS and PS in a string are line breaks to YAML
		}
		var node yaml.Node
		if err := yaml.Unmarshal(Fragment{Text: text}.Readable(), &node); err != nil || len(node.Content) == 0 {
			// Keys of more than 1024 bytes, control characters and the like,
			// which yaml/v3 refuses for other reasons.
			return
		}
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.UseNumber() // of any size
		var want any
		require.NoError(t, decoder.Decode(&want))
		require.Equal(t, stringsOf(want), stringsIn(&node))
	})
}

// stringsOf gives the strings in a JSON value, keys among them, sorted.
func stringsOf(value any) []string {
	var found []string
	switch v := value.(type) {
	case string:
		found = append(found, v)
	case []any:
		for _, each := range v {
			found = append(found, stringsOf(each)...)
		}
	case map[string]any:
		for key, each := range v {
			found = append(append(found, key), stringsOf(each)...)
		}
	}
	slices.Sort(found)
	return found
}

// stringsIn gives the strings in a node, sorted; of a key that appears twice the
// last one counts, as for encoding/json.
func stringsIn(node *yaml.Node) []string {
	var found []string
	switch node.Kind {
	case yaml.ScalarNode:
		if node.Style&yaml.DoubleQuotedStyle != 0 {
			found = append(found, node.Value)
		}
	case yaml.MappingNode:
		last := map[string]*yaml.Node{}
		for i := 0; i+1 < len(node.Content); i += 2 {
			last[node.Content[i].Value] = node.Content[i+1]
		}
		for key, value := range last {
			found = append(append(found, key), stringsIn(value)...)
		}
	default:
		for _, each := range node.Content {
			found = append(found, stringsIn(each)...)
		}
	}
	slices.Sort(found)
	return found
}
