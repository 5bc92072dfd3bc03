package yamltext

import (
	"encoding/json"
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
