package transform

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func someRecord() *record {
	r := newRecord("cluster")
	r.Kept = map[string]string{"a.b/d": "89ab"}
	r.Wrote = map[string]string{"a.b/c": "0123", InitName: "4567"}
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
		{"a later version with other fields", `{"v":3,"written":{}}`, "it has version 3"},
		{"no version", `{}`, "it has version 0"},
		{"a changed digest", strings.Replace(written, "0123", "0124", 1), "was changed"},
		{"an entry more", strings.Replace(written, `"wrote":{`, `"wrote":{"d":"89",`, 1), "was changed"},
		{"an entry of another's", strings.Replace(written, "a.b/d", "a.b/e", 1), "was changed"},
		{"a parent less", strings.Replace(written, `"metadata.annotations",`, "", 1), "was changed"},
		{"an unknown field", strings.Replace(written, `{"v":2,`, `{"v":2,"x":1,`, 1), "was changed"},
		{"a key twice", strings.Replace(written, `{"v":2,`, `{"v":2,"v":2,`, 1), "was changed"},
		{"another spec's", strings.Replace(written, `"cluster"`, `"other"`, 1), "was changed"},
		{"the earlier version of the same", strings.Replace(written, `{"v":2,`, `{"v":1,`, 1), "was changed"},
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
	key := rapid.SampledFrom([]string{"a.b/c", "a.b/d", PolicyAnnotation, InitName, FormerInitEntry, "wrote", "kept", "adopted", `spec.groups[{"}].template a.b/c`})
	digests := rapid.MapOf(key, rapid.StringMatching(`[0-9a-f]{16}`))
	users := rapid.OneOf(rapid.String(), rapid.Custom(func(t *rapid.T) string {
		return `{"v":1,"wrote":{"` + key.Draw(t, "key") + `":"0"}}`
	}))
	rapid.Check(t, func(t *rapid.T) {
		r := newRecord(users.Draw(t, "spec"))
		if rapid.Bool().Draw(t, "of version 1") {
			r.Version, r.Spec = 1, ""
		}
		r.Kept, r.Wrote, r.Adopted = digests.Draw(t, "kept"), digests.Draw(t, "wrote"), digests.Draw(t, "adopted")
		r.Replaced = rapid.MapOf(key, users).Draw(t, "replaced")
		r.Nulls = rapid.MapOf(key, users).Draw(t, "nulls")
		found := head.FindString(r.text())
		require.NotEmpty(t, found, r.text())
		for _, k := range []string{"a.b/c", "a.b/d", PolicyAnnotation, InitName, FormerInitEntry} {
			_, kept := r.Kept[k]
			_, wrote := r.Wrote[k]
			_, adopted := r.Adopted[k]
			assert.Equal(t, kept || wrote || adopted, strings.Contains(found, `"`+k+`":"`), "%s in %s", k, found)
		}
	})
}

// FuzzParseRecord holds the parser to never panicking, and to accepting nothing
// but what is written.
func FuzzParseRecord(f *testing.F) {
	f.Add(someRecord().text())
	f.Add(newRecord("").text())
	f.Add(`{"v":1,"wrote":{"initContainer":"0"},"sum":"0"}`)
	f.Add(`{"v":1,"wrote":null,"sum":""}`)
	f.Add(`{"v":1e0}`)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parseRecord(text)
		if err != nil {
			assert.NotEmpty(t, err.Error())
			return
		}
		if strings.HasPrefix(text, `{"v":2`) {
			assert.Equal(t, text, r.text())
		}
	})
}

func TestPlaced(t *testing.T) {
	const key = "traffic.sidecar.istio.io/excludeOutboundPorts"
	for _, test := range []struct{ what, entry, place, key string }{
		{"an annotation of an object's one template", key, "", key},
		{"an init container there", InitName, "", InitName},
		{"the last container, too", "krm-bypass-close", "", "krm-bypass-close"},
		{"one template of two", "spec.server.template " + key, "spec.server.template", key},
		{"the item of a list by its name", "spec.tasks[master].template " + key, "spec.tasks[master].template", key},
		{"the item of a list by its groupName", "spec.workerGroupSpecs[small-gpu].template " + InitName, "spec.workerGroupSpecs[small-gpu].template", InitName},
		{"the item of a list by its index", "spec.roles[0].template " + InitName, "spec.roles[0].template", InitName},
		{"the value of a map", "spec.tfReplicaSpecs.Worker.template " + key, "spec.tfReplicaSpecs.Worker.template", key},
		{"a key of a map with a blank and quotes", `spec.groups["a b"].template ` + key, `spec.groups["a b"].template`, key},
		{"an annotation without a prefix", "spec.template note", "spec.template", "note"},
		{"nothing", "", "", ""},
	} {
		t.Run(test.what, func(t *testing.T) {
			place, key := placed(test.entry)
			assert.Equal(t, test.place, place)
			assert.Equal(t, test.key, key)
		})
	}
}

func TestOnlyWhatIsAdoptedCountsAsAdopted(t *testing.T) {
	stands := func(place string) bool { return place == "" }
	for entry, refused := range map[string]bool{
		"traffic.sidecar.istio.io/excludeInboundPorts": false, "config.linkerd.io/skip-inbound-ports": false,
		PolicyAnnotation: true, InitName: true, "sidecar.istio.io/inject": true, "elsewhere traffic.sidecar.istio.io/excludeInboundPorts": true,
	} {
		r := newRecord("cluster")
		r.Adopted[entry] = "0123456789abcdef"
		parsed, err := parseRecord(r.text())
		require.NoError(t, err)
		assert.Equal(t, refused, parsed.forged(&Object{}, stands, nil) != nil, entry)
	}
}

// TestRecordsAreJSON holds the text of a record against what encoding/json makes of it.
func TestRecordsAreJSON(t *testing.T) {
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "a.b/c", `"`, `\`, "<&>", "\x00\x1f\b\f\n\r\t", "\x7f", "\xff\xfe", "\u2028\u2029", "é"}))
	texts := rapid.MapOfN(text, text, 0, 3)
	rapid.Check(t, func(t *rapid.T) {
		r := record{
			Version: rapid.IntRange(1, recordVersion).Draw(t, "v"), Spec: text.Draw(t, "spec"),
			Kept: texts.Draw(t, "kept"), Wrote: texts.Draw(t, "wrote"), Adopted: texts.Draw(t, "adopted"), Replaced: texts.Draw(t, "replaced"),
			Added:   rapid.MapOfN(text, rapid.SliceOfN(text, 0, 3), 0, 3).Draw(t, "added"),
			Created: rapid.SliceOfN(text, 0, 3).Draw(t, "created"), Nulls: texts.Draw(t, "nulls"),
		}
		got := r.text()
		var judge strings.Builder
		enc := json.NewEncoder(&judge)
		enc.SetEscapeHTML(false)
		require.NoError(t, enc.Encode(r))
		assert.Equal(t, judge.String(), got+"\n")
	})
}
