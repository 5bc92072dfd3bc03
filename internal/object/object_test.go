package object_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// carries says of what type the objects with a pod template are in these tests.
func carries(t object.Type) bool { return t.Kind == "Deployment" }

// seen gives the objects of a stream as apiVersion/kind name at path, and what is
// wrong with it.
func seen(t require.TestingT, stream string) (objects, problems []string) {
	for _, d := range object.Documents([]byte(stream)) {
		if _, err := object.Peek(d.Fragment(), func(object.Type) bool { return false }); err != nil {
			problems = append(problems, err.Error())
			continue
		}
		document, err := object.Decode(d.Fragment())
		require.NoError(t, err, d.Text)
		for _, problem := range object.Each(document, carries, func(o object.Object) {
			if o.Kind != "" {
				objects = append(objects, fmt.Sprintf("%s/%s %s", o.APIVersion, o.Kind, o.Below("metadata", "name").Text()))
			}
		}) {
			problems = append(problems, problem.Path.String()+": "+problem.Err.Error())
		}
	}
	return objects, problems
}

func TestObjectsAreThoseThatKubectlSees(t *testing.T) {
	for name, test := range map[string]struct {
		stream  string
		objects []string
	}{
		"one":                    {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n", []string{"apps/v1/Deployment a"}},
		"two":                    {"apiVersion: v1\nkind: A\n---\napiVersion: v1\nkind: B\n", []string{"v1/A ", "v1/B "}},
		"behind ...":             {"apiVersion: v1\nkind: A\n...\napiVersion: v1\nkind: B\n", []string{"v1/A ", "v1/B "}},
		"ends with ...":          {"apiVersion: v1\nkind: A\n...\n", []string{"v1/A "}},
		"comments with ---":      {"# ---\napiVersion: v1\nkind: A # ---\n--- # next\n# --- \napiVersion: v1\nkind: B\ndata:\n  x: |\n    ---\n    y\n", []string{"v1/A ", "v1/B "}},
		"no object":              {"a: b\n", nil},
		"nothing":                {"# nothing\n---\n---\n", nil},
		"JSON":                   {`{"apiVersion": "v1", "kind": "A", "metadata": {"name": "}{"}}`, []string{"v1/A }{"}},
		"JSON twice":             {"{\"apiVersion\": \"v1\", \"kind\": \"A\"}\n{\"apiVersion\": \"v1\", \"kind\": \"B\"}\n", []string{"v1/A ", "v1/B "}},
		"JSON thrice, tight":     {`{"apiVersion":"v1","kind":"A"}{"apiVersion":"v1","kind":"B"} {"apiVersion":"v1","kind":"C"}`, []string{"v1/A ", "v1/B ", "v1/C "}},
		"LS in a comment":        {"# a\u2028# b\n---\napiVersion: v1\nkind: A\n", []string{"v1/A "}},
		"LS in a value":          {"apiVersion: v1\nkind: A\nx: \"a\u2028b\"\n", []string{"v1/A "}},
		"LS in JSON":             {"{\"apiVersion\": \"v1\", \"kind\": \"A\", \"x\": \"a\u2028b\"}", []string{"v1/A "}},
		"JSON, then YAML":        {"{\"apiVersion\": \"v1\", \"kind\": \"A\"}\nkind: B\napiVersion: v1\n", []string{"v1/A ", "v1/B "}},
		"JSON with a comment":    {"{\"apiVersion\": \"v1\", \"kind\": \"A\"} # the end\n", []string{"v1/A "}},
		"a flow mapping":         {"{apiVersion: v1, kind: A} # {\n", []string{"v1/A "}},
		"a List":                 {"apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: A}\n- {apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: B}]}\n", []string{"v1/A ", "v1/B "}},
		"any kind of list":       {"apiVersion: x/v1\nkind: Bundle\nitems: [{apiVersion: apps/v1, kind: Deployment}]\n", []string{"apps/v1/Deployment "}},
		"items behind <<":        {"apiVersion: v1\nx: &x {items: [{apiVersion: apps/v1, kind: Deployment}]}\n<<: *x\nkind: Bundle\n", []string{"apps/v1/Deployment "}},
		"items by an alias":      {"apiVersion: v1\nx: &x [{apiVersion: apps/v1, kind: Deployment}]\nkind: Bundle\nitems: *x\n", []string{"apps/v1/Deployment "}},
		"a typed list":           {"apiVersion: apps/v1\nkind: DeploymentList\nitems: [{metadata: {name: a}}, {kind: B, metadata: {name: b}}]\n", []string{"apps/v1/Deployment a", "/B b"}},
		"a list without kinds":   {"apiVersion: v1\nkind: List\nitems: [{metadata: {name: a}}]\n", nil},
		"items that are text":    {"apiVersion: v1\nkind: A\nitems: [a, b]\n", []string{"v1/A "}},
		"items that are no list": {"apiVersion: v1\nkind: A\nitems: {apiVersion: v1, kind: B}\n", []string{"v1/A "}},
		"one list, two kinds": {"apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMapList, items: &i [{metadata: {name: a}}]}\n- {apiVersion: apps/v1, kind: DeploymentList, items: *i}\n",
			[]string{"v1/ConfigMap a", "apps/v1/Deployment a"}},
		"? kind":              {"apiVersion: apps/v1\n? kind\n: Deployment\n", []string{"apps/v1/Deployment "}},
		"? kind in braces":    {"{apiVersion: apps/v1, ? kind : Deployment}\n", []string{"apps/v1/Deployment "}},
		"an escape":           {"apiVersion: apps/v1\n\"\\x6bind\": Deployment\n", []string{"apps/v1/Deployment "}},
		"a binary value":      {"apiVersion: apps/v1\nkind: !!binary RGVwbG95bWVudA==\n", []string{"apps/v1/Deployment "}},
		"a binary key":        {"apiVersion: v1\n!!binary a2luZA==: A\n", []string{"v1/A "}},
		"a key by an alias":   {"apiVersion: v1\nx: &k kind\n*k : A\n", []string{"v1/A "}},
		"behind the merge":    {"apiVersion: v1\nx: &x {kind: A}\n<<: *x\nkind: B\n", []string{"v1/B "}},
		"a folded kind":       {"apiVersion: v1\nkind: >-\n  A\n", []string{"v1/A "}},
		"a null kind":         {"apiVersion: v1\nkind: ~\n", nil},
		"a BOM":               {"\ufeffapiVersion: v1\nkind: A\n", []string{"v1/A "}},
		"CR LF":               {"apiVersion: v1\r\nkind: A\r\n---\r\napiVersion: v1\r\nkind: B\r\n", []string{"v1/A ", "v1/B "}},
		"--- and its content": {"--- {apiVersion: v1, kind: A}\n--- # and\nkind: B\n", []string{"v1/A ", "/B "}},
	} {
		t.Run(name, func(t *testing.T) {
			objects, problems := seen(t, test.stream)
			require.Empty(t, problems)
			assert.Equal(t, test.objects, objects)
		})
	}
}

func TestWhatReadersSeeDifferentlyIsAnError(t *testing.T) {
	for name, test := range map[string]struct{ stream, problem string }{
		"kind twice":              {"apiVersion: v1\nkind: ConfigMap\nspec: {}\napiVersion: apps/v1\nkind: Deployment\n", `the key "apiVersion" appears twice, on lines 1 and 4: remove one`},
		"items twice":             {"apiVersion: v1\nkind: List\nitems: []\nitems: [{apiVersion: apps/v1, kind: Deployment}]\n", `the key "items" appears twice, on lines 3 and 4: remove one`},
		"twice, once escaped":     {"apiVersion: v1\nkind: A\n\"\\x6bind\": Deployment\n", `the key "kind" appears twice, on lines 2 and 3: remove one`},
		"twice, once binary":      {"apiVersion: v1\nkind: A\n!!binary a2luZA==: Deployment\n", `the key "kind" appears twice, on lines 2 and 3: remove one`},
		"twice, once an alias":    {"apiVersion: v1\nkind: A\nx: &k kind\n*k : Deployment\n", `the key "kind" appears twice, on lines 2 and 4: remove one`},
		"twice in JSON":           {`{"apiVersion": "v1", "kind": "A", "kind": "Deployment"}`, `the key "kind" appears twice, both on line 1: remove one`},
		"any key twice":           {"apiVersion: v1\nkind: A\ndata: {}\ndata: {}\n", `the key "data" appears twice, on lines 3 and 4: remove one`},
		"one of many":             {"apiVersion: v1\nkind: A\n" + strings.Join([]string{"a: 1", "b: 1", "c: 1", "d: 1", "e: 1", "f: 1", "g: 1", "h: 1", "i: 1", "j: 1", "k: 1", "l: 1", "m: 1", "n: 1", "o: 1", "p: 1", "q: 1", "kind: B"}, "\n"), `the key "kind" appears twice, on lines 2 and 20: remove one`},
		"<< twice":                {"apiVersion: v1\nkind: A\nx: &x {a: b}\n<<: *x\n<<: *x\n", `the key "<<" appears twice, on lines 4 and 5: remove one`},
		"a list by an alias":      {"apiVersion: v1\nkind: List\nitems:\n- &l {apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: A}]}\n- *l\n", "items[1].items: an alias brings in a list that appears elsewhere in the document already: write it out"},
		"an inner list's version": {"apiVersion: v1\nkind: List\nitems:\n- {kind: List, items: [{apiVersion: v1, kind: A}]}\n", "items[0].apiVersion: this list in a list has no apiVersion, and kubectl refuses it: add apiVersion: v1"},
		"a break before a kind":   {"apiVersion: v1\nkind: |-\r\r\n Pod\n", "line 2: unsupported YAML: a line ends with two carriage returns, which are one line break to kubectl and two to others"},
		"a break in a version":    {`{"apiVersion": "v\u00851", "kind": "Pod"}`, "apiVersion: a blank or a line break in it"},
		"a version that is true":  {"apiVersion: v1\nkind: PodList\nitems:\n- {apiVersion: yes, metadata: {name: a}}\n", "items[0].apiVersion: the boolean yes is no string, and kubectl fills in the list's own"},
		"a mark behind ---":       {"\n---\n\ufeffapiVersion: v1\nkind: A\n", "line 3: unsupported YAML: a byte order mark (U+FEFF) inside the text: remove it"},
		"NEL before ---":          {"apiVersion: v1\nkind: A\n---\n\u0085---\napiVersion: v1\nkind: B\n", `a line ends with U+0085`},
		"LS for line breaks":      {"apiVersion: v1\u2028kind: A\u2028---\u2028a", `a line ends with U+2028, which not every tool takes for a line break: save the file with line feeds`},
		"JSON and braces":         {`{"apiVersion": "v1", "kind": "A"}{apiVersion: v1, kind: B}`, "not valid YAML"},
		"a list of merges":        {"apiVersion: v1\n<<:\n- {<<: {kind: A}}\n- {kind: Deployment}\n", `the key "kind" on line 4 is also merged in by << on line 2; kubectl uses the merged value`},
		"a control character":     {"apiVersion: v1\nkind: A\nx: \"\f\"\n", "line 3: not valid YAML: a control character (U+000C): remove it"},
		"<< behind the key":       {"x: &x {kind: Deployment}\napiVersion: apps/v1\nkind: A\n<<: *x\n", `the key "kind" on line 3 is also merged in by << on line 4; kubectl uses the merged value, other tools the explicit one: put << before the key, or remove one`},
		"in an item":              {"apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: A\n  kind: Deployment\n", `items[0].kind: the key "kind" appears twice, on lines 5 and 6: remove one`},
		"of an inner list":        {"apiVersion: v1\nkind: List\nitems:\n- kind: List\n  items: []\n  items: []\n", `items[0].items: the key "items" appears twice, on lines 5 and 6: remove one`},
		"a workload with items":   {"apiVersion: apps/v1\nkind: Deployment\nitems: []\n", "items: kubectl takes an object with items for a list"},
		"with none":               {"apiVersion: apps/v1\nkind: Deployment\nitems:\n", "items: kubectl takes an object with items for a list"},
		"a list with containers":  {"apiVersion: x/v1\nkind: App\nspec: {template: {spec: {containers: []}}}\nitems: [{apiVersion: v1, kind: A}]\n", "items: kubectl takes an object with items for a list"},
		"a typed item as list":    {"apiVersion: apps/v1\nkind: DeploymentList\nitems: [{items: [{}]}]\n", "items[0].items: kubectl takes an object with items for a list"},
		"a binary key":            {"apiVersion: apps/v1\n!!binary a2luZA==: Deployment\n", `kind: the key "kind" is written as !!binary or as an alias, on line 2, and not every tool reads it: write it as text`},
		"---#":                    {"apiVersion: v1\nkind: A\n---#x: |\n apiVersion: apps/v1\n kind: Deployment\n", `line 3: not valid YAML: "---#x: |" begins with ---, where kubectl ends a document: put a space after ---, or indent the line`},
		"----":                    {"apiVersion: v1\nkind: A\ndata: \"\n----END\"\n", `line 4: not valid YAML: "----END\"" begins with ---`},
		"JSON and more":           {"{\"apiVersion\": \"v1\", \"kind\": \"A\"}]\n", "line 1: not valid YAML"},
		"a quoted merge key":      {"apiVersion: v1\nkind: A\n'<<': {kind: B}\n", `the key "<<" on line 3 is a merge key to kustomize and not to kubectl`},
		"another merge key":       {"apiVersion: v1\n!!merge x: {kind: Deployment}\n", `the key "x" on line 2 is a merge key to kustomize and not to kubectl`},
		"a BOM behind ---":        {"apiVersion: v1\nkind: A\n---\n\ufeffapiVersion: apps/v1\nkind: Deployment\n", "a byte order mark (U+FEFF) inside the text"},
		"two BOMs":                {"\ufeff\ufeffapiVersion: apps/v1\nkind: Deployment\n", "a byte order mark (U+FEFF) inside the text"},
		"UTF-16":                  {"\xff\xfea\x00:\x00 \x00b\x00", "the text is UTF-16"},
		"a malformed end":         {"apiVersion: v1\nkind: A\ndata: {\n", "line 3: not valid YAML: brackets that are not closed"},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := seen(t, test.stream)
			require.NotEmpty(t, problems)
			assert.Contains(t, problems[0], test.problem)
		})
	}
}

func TestTheTextsOfDocumentsAreTheStream(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOf(rapid.SampledFrom([]string{
			"---\n", "...\n", "# a comment\n", "kind: A\n", "{\"kind\": \"A\"}", "{\"kind\": \"}\"}\n", "{}", "\n", " ", "[]\n", "\ufeff", "---#\n", "}", "\"", "\r\n",
		})).Draw(t, "parts")
		stream := strings.Join(parts, "")
		at, line := 0, 1
		for _, d := range object.Documents([]byte(stream)) {
			require.LessOrEqual(t, at, d.Offset)
			line += strings.Count(stream[at:d.Offset], "\n")
			require.Equal(t, line, d.Line, stream)
			require.Equal(t, stream[d.Offset:d.End()], string(d.Text))
			line += strings.Count(string(d.Text), "\n")
			at = d.End()
		}
		require.LessOrEqual(t, at, len(stream))
	})
}

// drawnObject is an object or a list of them as JSON, and the objects that
// kubectl finds in it.
func drawnObject(t *rapid.T, depth int) (text string, objects []string) {
	name := rapid.StringMatching(`[a-z]{1,3}`).Draw(t, "name")
	if depth == 0 || rapid.Bool().Draw(t, "is one") {
		kind := rapid.SampledFrom([]string{"A", "B"}).Draw(t, "kind")
		return fmt.Sprintf(`{"apiVersion":"v1","kind":%q,"metadata":{"name":%q}}`, kind, name), []string{fmt.Sprintf("v1/%s %s", kind, name)}
	}
	var items []string
	for range rapid.IntRange(0, 3).Draw(t, "items") {
		item, found := drawnObject(t, depth-1)
		if rapid.IntRange(0, 3).Draw(t, "says nothing") == 0 {
			item, found = fmt.Sprintf(`{"metadata":{"name":%q}}`, name), []string{"v1/C " + name}
		}
		items, objects = append(items, item), append(objects, found...)
	}
	return fmt.Sprintf(`{"apiVersion":"v1","kind":"CList","items":[%s]}`, strings.Join(items, ",")), objects
}

func TestListsAreOpenedInEveryStyle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var stream strings.Builder
		var want []string
		for range rapid.IntRange(1, 4).Draw(t, "documents") {
			text, objects := drawnObject(t, 3)
			want = append(want, objects...)
			switch rapid.SampledFrom([]string{"JSON", "indented", "YAML"}).Draw(t, "style") {
			case "JSON":
				stream.WriteString(rapid.SampledFrom([]string{"", "\n", "---\n"}).Draw(t, "before") + text)
			case "indented":
				var value any
				require.NoError(t, json.Unmarshal([]byte(text), &value))
				indented, _ := json.MarshalIndent(value, "", "\t")
				stream.Write(append(indented, '\n'))
			default:
				inYAML, err := sigsyaml.JSONToYAML([]byte(text))
				require.NoError(t, err)
				stream.WriteString("\n---\n" + string(inYAML) + rapid.SampledFrom([]string{"", "...\n", "---\n"}).Draw(t, "after"))
			}
			if rapid.Bool().Draw(t, "apart") {
				stream.WriteString("\n---\n")
			}
		}
		objects, problems := seen(t, stream.String())
		if strings.Contains(strings.Join(problems, ""), "not valid YAML") || strings.Contains(strings.Join(problems, ""), "a second document") {
			return // YAML that JSON follows without ---
		}
		require.Empty(t, problems, stream.String())
		require.Equal(t, want, objects, stream.String())
	})
}

func TestEveryToolReadsEachOfJoinedDocuments(t *testing.T) {
	for name, test := range map[string]struct {
		texts []string
		want  string
	}{
		"marked":          {[]string{"a: 1\n", "---\nb: 2\n"}, "a: 1\n---\nb: 2\n"},
		"bare":            {[]string{"a: 1", "b: 2\n"}, "a: 1\n---\nb: 2\n"},
		"behind ...":      {[]string{"a: 1\n...\n", "b: 2\n"}, "a: 1\n...\n---\nb: 2\n"},
		"JSON":            {[]string{"{}", " {}", "{}\n"}, "---\n{}\n---\n {}\n---\n{}\n"},
		"JSON, one text":  {[]string{"\n {}\n---\n{}\n"}, "---\n\n {}\n---\n{}\n"},
		"JSON, a BOM":     {[]string{"\ufeff{}\n", "b: 2\n"}, "---\n{}\n---\nb: 2\n"},
		"JSON, marked":    {[]string{"---\n{}\n", "{}\n"}, "---\n{}\n---\n{}\n"},
		"JSON that ends":  {[]string{"{}\n...\n"}, "---\n{}\n...\n"},
		"JSON alone":      {[]string{"\ufeff{\n}\n", "\n"}, "\ufeff{\n}\n"},
		"JSON later":      {[]string{"a: 1\n", "{}\n"}, "a: 1\n---\n{}\n"},
		"a comment, JSON": {[]string{"# a\n{}\n", "{}\n"}, "# a\n{}\n---\n{}\n"},
		"a comment first": {[]string{"a: 1\n", "# b\n---\nb: 2\n"}, "a: 1\n# b\n---\nb: 2\n"},
		"a comment alone": {[]string{"a: 1\n", "# b\nb: 2\n"}, "a: 1\n---\n# b\nb: 2\n"},
		"a directive":     {[]string{"a: 1\n...\n", "%YAML 1.2\n---\nb: 2\n"}, "a: 1\n...\n%YAML 1.2\n---\nb: 2\n"},
		"nothing":         {[]string{"", "a: 1\n", "\n", ""}, "a: 1\n"},
		"a BOM":           {[]string{"\ufeffa: 1\n", "\ufeffb: 2\n", "\ufeff---\nc: 3\n", "\ufeff"}, "\ufeffa: 1\n---\nb: 2\n---\nc: 3\n"},
		"a BOM alone":     {[]string{"\ufeff", "b: 2\n"}, "b: 2\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var texts [][]byte
			for _, text := range test.texts {
				texts = append(texts, []byte(text))
			}
			assert.Equal(t, test.want, string(object.Join(texts...)))
		})
	}
}

func TestEnded(t *testing.T) {
	for behind, end := range map[string]string{
		"":                               "",
		"\n# a\n":                        "",
		"...":                            "...",
		"...\n---\nb: 2\n":               "...\n",
		" # a\r\n\r\n... # b\r\n# c\r\n": " # a\r\n\r\n... # b\r\n# c\r\n",
		"...\n# a\n...\n{}\n...\n":       "...\n# a\n...\n",
		"....\n":                         "",
		"...# a\n":                       "",
		"---\n...\n":                     "",
	} {
		assert.Equal(t, end, behind[:object.Ended([]byte(behind))], "%q", behind)
	}
}

func TestAByteOrderMarkIsTakenAwayWhereADocumentBegins(t *testing.T) {
	for stream, want := range map[string]string{
		"\ufeffa\n---\n\ufeffb\n":           "\ufeffa\n---\nb\n",
		"a\n\ufeff---\nb\n":                 "a\n---\nb\n",
		"a\r\n--- # c\r\n\ufeffb\r\n":       "a\r\n--- # c\r\nb\r\n",
		"a\n...\n\ufeffb\n---\n\ufeffc":     "a\n...\nb\n---\nc",
		"a: |\n  \ufeffb\n\ufeffc: d\n":     "a: |\n  \ufeffb\n\ufeffc: d\n",
		"---\n\ufeff---\n\ufeff\ufeff---\n": "---\n---\n---\n",
		"":                                  "",
	} {
		assert.Equal(t, want, string(object.Unmarked([]byte(stream))), "%q", stream)
	}
}

func TestKubectlReadsTheMarkerThatJoinsTexts(t *testing.T) {
	for _, tail := range []string{"\r", "\n\r", "# e\u0085", "# e\u2028", "# e", "# e\n"} {
		joined := object.Join([]byte("a: b\n"+tail), []byte("c: d\n"))
		assert.Contains(t, string(joined), "\n---\nc: d\n", "%q", tail)
	}
}

func TestTextsThatReadersTakeForOthersAreErrors(t *testing.T) {
	const workload = "apiVersion: apps/v1\nkind: Deployment\n"
	utf16 := "\xff\xfe" + strings.Join(strings.Split(workload, ""), "\x00") + "\x00"
	for text, says := range map[string]string{
		"---\n\ufeff" + workload:        "line 2: unsupported YAML: a byte order mark (U+FEFF) inside the text",
		"--- # c\r\n\ufeff" + workload:  "line 2: unsupported YAML: a byte order mark (U+FEFF) inside the text",
		"---\n# c\n\n\ufeff" + workload: "line 4: unsupported YAML: a byte order mark (U+FEFF) inside the text",
		"\ufeff\ufeff" + workload:       "line 1: unsupported YAML: a byte order mark (U+FEFF) inside the text",
		utf16:                           "line 1: unsupported YAML: the text is UTF-16: save it as UTF-8",
	} {
		fragment := yamltext.Fragment{Text: []byte(text)}
		_, err := object.Peek(fragment, func(object.Type) bool { return false })
		assert.ErrorContains(t, err, says)
		_, err = object.Read(fragment)
		assert.ErrorContains(t, err, says)
	}
	_, err := object.Read(yamltext.Fragment{Text: []byte("\ufeff" + workload)})
	assert.NoError(t, err, "a file may begin with a byte order mark")
}

func FuzzPeek(f *testing.F) {
	for _, seed := range []string{"apiVersion: v1\nkind: A\n", "{\"kind\": \"A\"}{}", "? kind\n: A\n", "<<: {kind: A}\n", "!!binary a2luZA==: A\n", "a: &a b\n*a : c\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		for _, d := range object.Documents(stream) {
			is, err := object.Peek(d.Fragment(), func(object.Type) bool { return false })
			document, failed := object.Decode(d.Fragment())
			if err != nil || failed != nil {
				continue
			}
			// Without decoding it is the same.
			if decoded := object.HeadOf(document).Type; is != decoded {
				t.Fatalf("%+v, decoded %+v: %q", is, decoded, d.Text)
			}
			object.Each(document, carries, func(object.Object) {})
		}
	})
}

// One merge key may lead to another, and many objects to the last.
func TestDoubtsInWhatManyObjectsShare(t *testing.T) {
	var text strings.Builder
	text.WriteString("apiVersion: v1\nkind: List\nmetadata:\n- &a0 {k: v}\n")
	for i := range 100 {
		fmt.Fprintf(&text, "- &a%d {k%d: v, <<: *a%d}\n", i+1, i+1, i)
	}
	text.WriteString("- &x {k1: w, <<: *a100}\nitems:\n")
	text.WriteString(strings.Repeat("- {apiVersion: v1, kind: Pod, metadata: *x}\n", 3))
	found := doubtsOf(t, text.String())
	require.Len(t, found, 3, "each object is told of")
	assert.ErrorContains(t, found[2], `the key "k1" on line 105 is also merged in by << on line 105`)
}

// doubtsOf gives the doubts of every object in a document.
func doubtsOf(t *testing.T, text string) (doubts []*object.Doubt) {
	t.Helper()
	document, err := node.Parse([]byte(text))
	require.NoError(t, err)
	always := func(edit.Path, string) bool { return true }
	object.Each(document, func(object.Type) bool { return false }, func(o object.Object) {
		object.Doubts(o, always, func(_ edit.Path, doubt *object.Doubt) { doubts = append(doubts, doubt) })
	})
	return doubts
}

// Only what kubectl prints is taken apart; whatever else could be a list is read
// as a whole.
func TestItemsAreReadByThemselves(t *testing.T) {
	const items = "items:\n- {kind: Pod}\n- # a comment\n  kind: Job\n"
	for text, paths := range map[string]int{
		"apiVersion: v1\nkind: List\n" + items:                                2,
		"apiVersion: v1\n" + items + "kind: List\nmetadata: {name: a}\n":      2,
		`{"apiVersion": "v1", "kind": "List", "items": [{"kind": "Pod"}]}`:    1,
		"apiVersion: v1\nkind: List\nitems: []\n":                             0,
		"apiVersion: v1\nkind: PodList\n" + items:                             0,
		"apiVersion: v1\nkind: List\nkind: List\n" + items:                    0,
		"apiVersion: v1\nkind: List\nspec: {}\n" + items:                      0,
		"apiVersion: v1\nkind: List\n<<: {kind: Pod}\n" + items:               0,
		"apiVersion: v1\nkind: List\nmetadata: &m {}\nitems:\n- {kind: *m}\n": 0,
		"apiVersion: v1\nkind: List\nitems:\n- {kind: Pod}\n- 1\n":            0,
		"apiVersion: v1\nkind: List\nitems: !!seq\n- {kind: Pod}\n":           0,
	} {
		found, list := object.Items(yamltext.Fragment{Text: []byte(text)})
		if paths == 0 {
			assert.Nil(t, list, text)
			require.Len(t, found, 1, text)
			assert.Equal(t, text, string(found[0].Text.Text))
			assert.Nil(t, found[0].Path)
			continue
		}
		require.Len(t, found, paths, text)
		assert.Equal(t, "List", object.HeadOf(list).Kind)
		for i, item := range found {
			assert.Equal(t, edit.Path{"items", i}, item.Path)
			assert.Equal(t, string(item.Text.Text), text[item.Span.Start:item.Span.End])
			assert.Equal(t, yamltext.Line([]byte(text), item.Span.Start), item.Line)
			document, err := object.Decode(item.Text)
			require.NoError(t, err)
			assert.NotEmpty(t, object.HeadOf(document).Kind)
		}
	}
}

// What aliases stand for is bounded by the document, for all who read one.
func TestAliasesStandForNoMoreThanADocumentBears(t *testing.T) {
	const head = "apiVersion: v1\nkind: List\n"
	list := func(workloads, containers int) string {
		return head + "x: &t {spec: {containers: [" + strings.Repeat("{name: c, image: i}, ", containers) + "]}}\nitems:\n" +
			strings.Repeat("- {apiVersion: apps/v1, kind: Deployment, spec: {template: *t}}\n", workloads)
	}
	for name, c := range map[string]struct{ text, want string }{
		"a template that 50 share":       {list(50, 10), ""},
		"a long template that 50 share":  {list(50, 100), ""},
		"a template that 2000 share":     {list(2000, 5), ""},
		"a text that 500 share":          {"a: &a some text\nb:\n" + strings.Repeat("- *a\n", 500), ""},
		"a long template that 500 share": {list(500, 500), "line 5: unsupported YAML: aliases stand for at least "},
		"aliases of aliases":             {"a: &a [x, x]\nb: &b [*a, *a]\n" + strings.Repeat("c: &a [*b, *b]\nd: &b [*a, *a]\n", 20), "*b for most, and more than 1024 KiB, or 20 times the document, are refused: write it out, or put each object into a document of its own"},
		"an alias within":                {head + "items: &i\n- {apiVersion: v1, kind: A}\n- {apiVersion: v1, kind: List, items: *i}\n", "line 5: unsupported YAML: the alias *i stands within what it stands for: remove it"},
	} {
		t.Run(name, func(t *testing.T) {
			fragment := yamltext.Fragment{Text: []byte(c.text)}
			nodes, err := node.Parse([]byte(c.text))
			require.NoError(t, err)
			_, decoding := object.Decode(fragment)
			_, reading := object.Read(fragment)
			for how, err := range map[string]error{"decoding": decoding, "reading": reading} {
				if c.want == "" {
					assert.NoError(t, err, how)
				} else {
					assert.ErrorContains(t, err, c.want, how)
				}
			}
			assert.Equal(t, c.want == "", object.ErrIfExpands(nodes) == nil)
		})
	}
}
