package transform

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func someRecord() *record {
	r := newRecord()
	r.Kept = map[string]string{"a.b/d": "89ab"}
	r.Wrote = map[string]string{"a.b/c": "0123", InitEntry: "4567"}
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
		{"a later version with other fields", `{"v":2,"written":{}}`, "it has version 2"},
		{"no version", `{}`, "it has version 0"},
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

// What a reader finds in the head of a record is what was written or kept, and
// nothing that a user wrote, whatever it looks like.
func TestRecordHead(t *testing.T) {
	head := regexp.MustCompile(RecordHead)
	key := rapid.SampledFrom([]string{"a.b/c", "a.b/d", PolicyAnnotation, InitEntry, "wrote", "kept"})
	digests := rapid.MapOf(key, rapid.StringMatching(`[0-9a-f]{16}`))
	users := rapid.OneOf(rapid.String(), rapid.Custom(func(t *rapid.T) string {
		return `{"v":1,"wrote":{"` + key.Draw(t, "key") + `":"0"}}`
	}))
	rapid.Check(t, func(t *rapid.T) {
		r := newRecord()
		r.Kept, r.Wrote = digests.Draw(t, "kept"), digests.Draw(t, "wrote")
		r.Replaced = rapid.MapOf(key, users).Draw(t, "replaced")
		r.Nulls = rapid.MapOf(key, users).Draw(t, "nulls")
		found := head.FindString(r.text())
		require.NotEmpty(t, found, r.text())
		for _, k := range []string{"a.b/c", "a.b/d", PolicyAnnotation, InitEntry} {
			_, kept := r.Kept[k]
			_, wrote := r.Wrote[k]
			assert.Equal(t, kept || wrote, strings.Contains(found, `"`+k+`":"`), "%s in %s", k, found)
		}
	})
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
