package transform

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func someRecord() *record {
	r := newRecord()
	r.Kept = map[string]string{"a.b/d": "89ab"}
	r.Wrote = map[string]string{"a.b/c": "0123", initEntry: "4567"}
	r.Replaced = map[string]string{"a.b/c": "'x' # <&>"}
	r.Created = []string{"spec.template.metadata", "metadata.annotations"}
	r.Nulls = map[string]string{"spec": "~"}
	return r
}

func TestParseRecord(t *testing.T) {
	written := someRecord().text()
	parsed, err := parseRecord(written)
	require.NoError(t, err)
	assert.Equal(t, written, parsed.text())

	tests := []struct{ name, text, want string }{
		{"nothing", "", "not a record as krm-bypass writes it"},
		{"no JSON", "v1", "not a record as krm-bypass writes it"},
		{"another form", `[1]`, "not a record as krm-bypass writes it"},
		{"a field of another form", strings.Replace(written, `"wrote":{`, `"wrote":[],"was":{`, 1), "not a record as krm-bypass writes it"},
		{"a later version with other fields", `{"v":2,"written":{}}`, "it is of version 2"},
		{"no version", `{}`, "it is of version 0"},
		{"a changed digest", strings.Replace(written, "0123", "0124", 1), "was changed"},
		{"an entry more", strings.Replace(written, `"wrote":{`, `"wrote":{"d":"89",`, 1), "was changed"},
		{"an entry of another's", strings.Replace(written, "a.b/d", "a.b/e", 1), "was changed"},
		{"a parent less", strings.Replace(written, `"metadata.annotations",`, "", 1), "was changed"},
		{"an unknown field", strings.Replace(written, `{"v":1,`, `{"v":1,"x":1,`, 1), "was changed"},
		{"a key twice", strings.Replace(written, `{"v":1,`, `{"v":1,"v":1,`, 1), "was changed"},
		{"more behind it", written + " ", "was changed"},
		{"another sum", strings.Replace(written, `"sum":"`, `"sum":"0`, 1), "was changed"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			require.NotEqual(t, written, test.text)
			_, err := parseRecord(test.text)
			assert.ErrorContains(t, err, test.want)
		})
	}
}

// FuzzParseRecord holds the parser to never panicking, and to accepting nothing
// but what is written.
func FuzzParseRecord(f *testing.F) {
	f.Add(someRecord().text())
	f.Add(newRecord().text())
	f.Add(`{"v":1,"wrote":null,"sum":""}`)
	f.Add(`{"v":1e0}`)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parseRecord(text)
		if err != nil {
			assert.NotEmpty(t, err.Error())
			return
		}
		assert.Equal(t, text, r.text())
	})
}
