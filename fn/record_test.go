package fn_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/node"
)

// limited forbids what the forged records bring in, and speaks of no workload.
const limited = `apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata: {name: cluster}
spec:
  limits:
    forbiddenOutboundPorts: [443]
`

const (
	outbound = "traffic.sidecar.istio.io/excludeOutboundPorts"
	marker   = "krm-bypass.dev/policy"
)

// signed fills in the sum of a record, as whoever forges one can.
func signed(record string) string {
	open := strings.TrimSuffix(record, "}") + `,"sum":"%s"}`
	return fmt.Sprintf(open, node.Digest(recordAnnotation, fmt.Sprintf(open, "")))
}

// A record whose sum fits, and which says what no run can have written, is an
// error at its place, and nothing is written.
func TestForgedRecord(t *testing.T) {
	wrote := fmt.Sprintf(`"wrote":{%q:%q,%q:%q}`, marker, node.Digest(marker, "v1:0"), outbound, node.Digest(outbound, "3306"))
	replaced := func(source string) string {
		text, _ := json.Marshal(map[string]string{outbound: source})
		return `,"replaced":` + string(text)
	}
	null := func(source string) string {
		text, _ := json.Marshal(map[string]string{"spec.template.metadata.annotations": source})
		return `,"nulls":` + string(text)
	}
	tests := []struct {
		what, rest string
		says       string // "" where all is taken away
		after      string // what then is under spec.template.metadata
	}{
		{what: "nothing more", after: "{annotations: {}}"},
		{"a string", replaced(`'8080'`), "", "{annotations: {" + outbound + ": '8080'}}"},
		{"a string with a tag", replaced(`!!str 8080`), "", "{annotations: {" + outbound + ": !!str 8080}}"},
		{"what a limit forbids", replaced(`"443"`), "443 must not bypass the sidecar (spec.limits.forbiddenOutboundPorts)", ""},
		{"!!binary", replaced(`!!binary NDQz`), "it can only be one string", ""},
		{"a number", replaced(`443`), "it can only be one string", ""},
		{"another tag", replaced(`!x "443"`), "it can only be one string", ""},
		{"a mapping", replaced(`{a: "443"}`), "it can only be one string", ""},
		{"a list", replaced(`["443"]`), "it can only be one string", ""},
		{"an alias", replaced(`*a`), "it can only be one string", ""},
		{"two entries", replaced("'1'\n" + `        traffic.sidecar.istio.io/excludeInboundPorts: "443"`), "it can only be one string", ""},
		{"two documents", replaced("'1'\n---\na: b"), "it can only be one string", ""},
		{"a comment", replaced("'1' # 443"), "it can only be one string", ""},
		{"deep brackets", replaced(strings.Repeat("[", 20_000)), "it can only be one string", ""},
		{"another annotation", `,"replaced":{"sidecar.istio.io/inject":"'false'"}`, "where krm-bypass wrote nothing", ""},
		{"null", null("null"), "", "{annotations: null}"},
		{"Null", null("Null"), "", "{annotations: Null}"},
		{"NULL", null("NULL"), "", "{annotations: NULL}"},
		{"a tilde", null("~"), "", "{annotations: ~}"},
		{"a mapping for null", null(`{` + outbound + `: "443"}`), "it can only be null", ""},
		{"a mapping in block style for null", null("\n        " + outbound + `: "443"`), "it can only be null", ""},
		{"a string for null", null(`"443"`), "it can only be null", ""},
		{"an alias for null", null(`*a`), "it can only be null", ""},
		{"what is tagged as null", null(`!!null 443`), "it can only be null", ""},
		{"null elsewhere", `,"nulls":{"spec":""}`, "krm-bypass created spec,", ""},
		{"a parent of ours", `,"created":["spec.template.metadata.annotations"]`, "", "{}"},
		{"a parent of the user's", `,"created":["spec"]`, "krm-bypass created spec,", ""},
		{"the containers", `,"created":["spec.template.spec.containers"]`, "krm-bypass created spec.template.spec.containers,", ""},
		{"a list of the user's", `,"added":{"spec.template.spec.containers":["app"]}`, "krm-bypass added", ""},
		{"an entry without a name", `,"added":{"spec.template.spec.imagePullSecrets":[""]}`, "krm-bypass added", ""},
		{"parents in another order", `,"created":["spec.template.metadata.annotations","metadata.annotations"]`, "was changed", ""},
		{"an unknown field", `,"forgot":[]`, "was changed", ""},
	}
	for _, version := range []string{`{"v":1,`, `{"v":2,"spec":"cluster",`} {
		for _, test := range tests {
			t.Run(version+test.what, func(t *testing.T) {
				forged(t, signed(version+wrote+test.rest+"}"), test.says, test.after)
			})
		}
	}
	digest := node.Digest(outbound, "3306")
	for what, record := range map[string]string{
		"an annotation of the user's":     `{"v":2,"spec":"cluster","wrote":{"note":"` + node.Digest("note", "n") + `"}}`,
		"the opt-out of the mesh":         `{"v":1,"wrote":{"sidecar.istio.io/inject":"0"}}`,
		"a template that is not there":    `{"v":2,"spec":"cluster","wrote":{"spec.template ` + outbound + `":"` + digest + `"}}`,
		"the old name in the new version": `{"v":2,"spec":"cluster","wrote":{"initContainer":"0","` + outbound + `":"` + digest + `"}}`,
		"kept of another":                 `{"v":2,"spec":"cluster","kept":{"note":"0"},"wrote":{"` + outbound + `":"` + digest + `"}}`,
		"kept and wrote":                  `{"v":2,"spec":"cluster","kept":{"` + outbound + `":"0"},"wrote":{"` + outbound + `":"` + digest + `"}}`,
		"a container that was replaced":   `{"v":2,"spec":"cluster","wrote":{"krm-bypass-init":"0","` + outbound + `":"` + digest + `"},"replaced":{"krm-bypass-init":"a"}}`,
	} {
		t.Run(what, func(t *testing.T) { forged(t, signed(record), "the record says", "") })
	}
	for what, record := range map[string]string{
		"the new name in the old version": `{"v":1,"wrote":{"krm-bypass-init":"0","` + outbound + `":"` + digest + `"}}`,
		"a name in the old version":       `{"v":1,"spec":"cluster","wrote":{"` + outbound + `":"` + digest + `"}}`,
	} {
		t.Run(what, func(t *testing.T) { forged(t, signed(record), "version 1 with what version 2 brought", "") })
	}
	t.Run("wrote null", func(t *testing.T) {
		forged(t, signed(`{"v":2,"spec":"cluster","wrote":null}`), "was changed", "")
	})
}

func forged(t *testing.T, record, says, after string) {
	text := func(annotations, metadata string) string {
		return "kind: Deployment\napiVersion: apps/v1\nmetadata: {name: web, namespace: shop" + annotations + "}\nspec:\n  template:\n    metadata: " + metadata +
			"\n    spec:\n      containers: [{name: app, image: a}]\n"
	}
	before := text(", annotations: {"+recordAnnotation+": '"+strings.ReplaceAll(record, "'", "''")+"'}",
		`{annotations: {`+outbound+`: "3306", `+marker+`: "v1:0"}}`)
	output, results, err := fn.Manifests(fn.SpecIn(fn.Manifest{Path: "spec.yaml", Text: []byte(limited)}), []fn.Manifest{{Path: "in.yaml", Text: []byte(before)}}, fn.Options{})
	if says == "" {
		require.NoError(t, err)
		assert.Equal(t, text(", annotations: {}", after), string(output[0].Text))
		return
	}
	require.Error(t, err)
	assert.Equal(t, before, string(output[0].Text), "nothing is written")
	require.NotEmpty(t, results)
	assert.Contains(t, results.Report(), "error: in.yaml:")
	assert.Contains(t, results.Report(), says)
	if !strings.Contains(says, "spec.limits") {
		assert.Contains(t, results.Report(), `in.yaml:3: Deployment shop/web: metadata.annotations["`+recordAnnotation+`"]: `)
		assert.Contains(t, results.Report(), "remove this annotation, and what krm-bypass wrote if it is still there, then run again")
	}
}

// An anchor that comes back must not take over an alias of another one.
func TestAnAnchorThatComesBackChangesNoAlias(t *testing.T) {
	record := signed(`{"v":2,"spec":"cluster","wrote":{"` + outbound + `":"` + node.Digest(outbound, "3306") + `"},"replaced":{"` + outbound + `":"&a '9443'"}}`)
	before := "x: &a '8080'\nkind: Deployment\napiVersion: apps/v1\nmetadata: {name: web, annotations: {" + recordAnnotation + ": '" + strings.ReplaceAll(record, "'", "''") +
		"'}}\nspec: {template: {metadata: {annotations: {" + outbound + ": '3306', traffic.sidecar.istio.io/excludeInboundPorts: *a}}, spec: {containers: []}}}\n"
	spec := "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {}\n"
	output, _, err := fn.Manifests(fn.SpecIn(fn.Manifest{Text: []byte(spec)}), []fn.Manifest{{Text: []byte(before)}}, fn.Options{})
	require.NoError(t, err)
	assert.Contains(t, string(output[0].Text), outbound+": '9443', traffic.sidecar.istio.io/excludeInboundPorts: *a")
}

// What could not be put back is refused before it is overwritten.
func TestWhatARecordCannotHoldIsNotOverwritten(t *testing.T) {
	for _, annotation := range []string{"*a", "*n"} {
		text := "x: [&a '8080', &n null]\nkind: Deployment\napiVersion: apps/v1\nmetadata: {name: web}\nspec: {template: {metadata: {annotations: {" + outbound + ": " + annotation + "}}, spec: {containers: []}}}\n"
		spec := "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {merge: Union, enforcement: {mode: AnnotationsOnly}, global: {excludeOutboundPorts: [3306]}}\n"
		_, results, err := fn.Manifests(fn.SpecIn(fn.Manifest{Text: []byte(spec)}), []fn.Manifest{{Text: []byte(text)}}, fn.Options{})
		require.Error(t, err, annotation)
		assert.Contains(t, results.Report(), "write one string in quotes here, not an alias or a tag")
	}
}

// A run of this version on what version 1 wrote changes the record and nothing
// else, and takes away the same.
func TestRecordsOfVersion1(t *testing.T) {
	want := `{"v":1,"wrote":{"krm-bypass.dev/policy":"ee555180a8e7f0f5","traffic.sidecar.istio.io/excludeOutboundPorts":"75b28eb647bd5b3e"},"created":["metadata.annotations"],"sum":"b630e23bf3c087de"}`
	require.Equal(t, want, version1(t, `{"v":2,"spec":"c","wrote":{"krm-bypass.dev/policy":"ee555180a8e7f0f5","traffic.sidecar.istio.io/excludeOutboundPorts":"75b28eb647bd5b3e"},"created":["metadata.annotations"],"sum":""}`),
		"as krm-bypass wrote it")
	folders, err := filepath.Glob(goldens + "/*/*")
	require.NoError(t, err)
	subjects := map[string]int{}
	for _, folder := range folders {
		if !exists(folder, "expected.yaml") || !exists(folder, "spec.yaml") {
			continue
		}
		now := read(t, folder, "expected.yaml")
		if regexp.MustCompile(`"spec":"(linkerd|payments)"|"adopted":`).Match(now) {
			continue // another spec's, which had no name in version 1, and what version 1 never adopted
		}
		then := record.ReplaceAllFunc(now, func(annotation []byte) []byte {
			at := bytes.IndexAny(annotation, `'`)
			if double := bytes.Index(annotation, []byte(`: "`)); double >= 0 {
				at = double + 2
			}
			var text string
			require.NoError(t, yaml.Unmarshal(annotation[at:], &text))
			return append(annotation[:at:at], quotedLike(annotation[at], version1(t, text))...)
		})
		if bytes.Equal(now, then) || bytes.Contains(now, []byte("severity: error")) {
			continue
		}
		subjects[filepath.Base(filepath.Dir(folder))]++
		t.Run(folder, func(t *testing.T) {
			require.Equal(t, record.ReplaceAllString(string(now), ""), record.ReplaceAllString(string(then), ""), "they differ in records alone")
			upgraded, _, err := fn.Process(then, fn.Options{})
			require.NoError(t, err)
			assert.Equal(t, itemTexts(t, now), itemTexts(t, upgraded))

			if exists(folder, "not-reversible.md") {
				return
			}
			nothing := nothingOf(t, folder)
			was, _, err := fn.Process(resourceList(nothing, itemTexts(t, now)), fn.Options{})
			require.NoError(t, err)
			taken, _, err := fn.Process(resourceList(nothing, itemTexts(t, then)), fn.Options{})
			require.NoError(t, err)
			assert.Equal(t, string(was), string(taken), "TestGolden holds the former to the user's bytes")
		})
	}
	for _, subject := range []string{"annotations", "enforcement", "limits", "lint", "meshconfig", "meshes", "namespaces", "record", "scopes", "style", "workloads"} {
		assert.NotZero(t, subjects[subject], subject)
	}
}

// Where the record alone is of an earlier version, check says so, and not that the spec
// was another one.
func TestCheckKnowsARecordOfAnEarlierVersion(t *testing.T) {
	const item = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec:\n  selector: {}\n  template:\n    spec: {containers: [{name: app, image: app}]}\n"
	spec := func(name, port string) string {
		return "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: " + name + "}\nspec: {enforcement: {mode: AnnotationsOnly}, global: {excludeOutboundPorts: [" + port + "]}}\n"
	}
	check := func(spec, item string) fn.CheckedObject {
		checked, err := fn.Check(fn.SpecIn(manifest("bypass.yaml", spec)), []fn.Manifest{manifest("web.yaml", item)}, fn.Options{}, fn.Expiry{})
		require.NoError(t, err)
		require.Len(t, checked.Objects, 1)
		return checked.Objects[0]
	}
	files, _, err := rendered(t, spec("cluster", "3306"), manifest("web.yaml", item))
	require.NoError(t, err)
	now := string(files[0].Text)
	at := strings.Index(now, `{"v":2`)
	text, rest, _ := strings.Cut(now[at:], "'")
	then := now[:at] + version1(t, text) + "'" + rest

	found := check(spec("cluster", "3306"), then)
	require.Len(t, found.Differences, 1)
	assert.Equal(t, "this record has the form of an earlier version of krm-bypass; krm-bypass render writes it anew, and nothing else", found.Differences[0].Message)
	assert.Contains(t, found.Remedy, "no pod restarts")
	assert.Empty(t, check(spec("cluster", "3306"), now).Differences)
	renamed := strings.Replace(spec("other", "3306"), "spec: {", "spec: {formerNames: [cluster], ", 1)
	assert.Contains(t, check(renamed, now).Differences[0].Message, "for an earlier spec")
	found = check(spec("cluster", "5432"), then)
	assert.Contains(t, found.Differences[0].Message, `expected "5432" here; krm-bypass wrote what is here for an earlier spec`)
	assert.NotContains(t, found.Remedy, "no pod restarts")
}

// quotedLike writes a text in the quotes that begin with a character.
func quotedLike(quote byte, text string) []byte {
	if quote == '\'' {
		return []byte("'" + strings.ReplaceAll(text, "'", "''") + "'")
	}
	return []byte(`"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`)
}

// version1 writes a record as version 1 did; any other text stays.
func version1(t *testing.T, text string) string {
	var r struct {
		V        int                 `json:"v"`
		Kept     map[string]string   `json:"kept,omitempty"`
		Wrote    map[string]string   `json:"wrote"`
		Replaced map[string]string   `json:"replaced,omitempty"`
		Added    map[string][]string `json:"added,omitempty"`
		Created  []string            `json:"created,omitempty"`
		Nulls    map[string]string   `json:"nulls,omitempty"`
	}
	if json.Unmarshal([]byte(text), &r) != nil || r.V != 2 {
		return text
	}
	r.V = 1
	if digest, wrote := r.Wrote["krm-bypass-init"]; wrote {
		delete(r.Wrote, "krm-bypass-init")
		r.Wrote["initContainer"] = digest
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	require.NoError(t, enc.Encode(r))
	return signed(strings.TrimSuffix(b.String(), "\n"))
}
