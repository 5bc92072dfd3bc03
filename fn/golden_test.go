package fn_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

var update = flag.Bool("update", false, "rewrite the golden files, and fail")

const goldens = "../testdata/golden"

// TestGolden runs every case of testdata/golden, one folder each, grouped by
// subject: testdata/golden/SUBJECT/BEHAVIOUR. A folder holds either
//
//	input.yaml     a ResourceList, or
//	spec.yaml      the functionConfig, and
//	input.yaml     the items as a stream of documents,
//
// The latter is run as a plain file too. What comes of them:
//
//	expected.yaml  the ResourceList that the function writes; absent if none
//	stderr.txt     what it says to a person; absent if nothing
//
// Beside that, every case is run on its own output, which must not change a
// byte, and where it is a stream also with its items in the opposite order,
// and with a spec that says nothing, which must give back what was there.
func TestGolden(t *testing.T) {
	folders, err := filepath.Glob(goldens + "/*/*")
	require.NoError(t, err)
	require.NotEmpty(t, folders)
	for _, folder := range folders {
		name, err := filepath.Rel(goldens, folder)
		require.NoError(t, err)
		t.Run(name, func(t *testing.T) { golden(t, folder) })
	}
}

func golden(t *testing.T, folder string) {
	input := read(t, folder, "input.yaml")
	config, isStream := read(t, folder, "spec.yaml"), exists(folder, "spec.yaml")
	items := documentsOf(input)
	list := input
	if isStream {
		list = resourceList(config, items)
	}

	output, results, err := fn.Process(list, fn.Options{})
	stderr := results.Report()
	if output == nil {
		require.Error(t, err)
		stderr = "error: " + err.Error() + "\n"
	}
	compare(t, folder, "expected.yaml", string(output))
	compare(t, folder, "stderr.txt", stderr)
	assert.Equal(t, results.Failed(), err != nil && output != nil, "an error in the results is a failure of the run, and nothing else is")
	if output == nil {
		return
	}

	again, _, _ := fn.Process(output, fn.Options{})
	assert.Equal(t, itemTexts(t, output), itemTexts(t, again), "the function on its own output changes no byte")
	if err != nil {
		assert.Equal(t, itemTexts(t, list), itemTexts(t, output), "where there is an error nothing is written")
		return
	}
	if !isStream {
		return
	}

	plain, said, err := fn.Manifests(fn.SpecIn(fn.Manifest{Path: "spec.yaml", Text: config}), []fn.Manifest{{Path: "input.yaml", Text: input}}, fn.Options{})
	require.NoError(t, err)
	assert.Equal(t, meanings(t, itemTexts(t, output)), meanings(t, documentsOf(plain[0].Text)), "a plain file becomes the same")
	assert.Len(t, said, len(results), "with the same to say")
	checkAgrees(t, fn.SpecIn(fn.Manifest{Path: "spec.yaml", Text: config}), fn.Manifest{Path: "input.yaml", Text: input}, plain[0])

	spec := fn.SpecIn(fn.Manifest{Path: "spec.yaml", Text: config})
	judged, err := fn.Judge(spec, plain, plain, fn.Options{}, true, "")
	require.NoError(t, err)
	assert.Empty(t, judged.Workloads, "nothing was changed since")
	assert.Empty(t, judged.Results, "and nothing of it breaks a limit")

	slices.Reverse(items)
	reversed, other, err := fn.Process(resourceList(config, items), fn.Options{})
	require.NoError(t, err)
	texts := itemTexts(t, reversed)
	slices.Reverse(texts)
	assert.Equal(t, itemTexts(t, output), texts, "the order of the items does not matter to any of them")
	assert.Equal(t, results, other, "nor to the results")

	if !exists(folder, "not-reversible.md") {
		nothing := nothingOf(t, folder)
		slices.Reverse(items)
		taken, _, err := fn.Process(resourceList(nothing, itemTexts(t, output)), fn.Options{})
		require.NoError(t, err)
		was, _, err := fn.Process(resourceList(nothing, items), fn.Options{})
		require.NoError(t, err)
		assert.Equal(t, itemTexts(t, was), itemTexts(t, taken), "taking everything away gives back the bytes")
	}
}

// checkAgrees holds Check against what Manifests made of a file: the result has
// no difference, and the file before has some if anything was changed.
func checkAgrees(t require.TestingT, spec *fn.Spec, before, after fn.Manifest) {
	checked, err := fn.Check(spec, []fn.Manifest{after}, fn.Options{}, fn.Expiry{})
	require.NoError(t, err)
	assert.True(t, checked.Passed(), "%+v", checked)
	checked, err = fn.Check(spec, []fn.Manifest{before}, fn.Options{}, fn.Expiry{})
	require.NoError(t, err)
	if !bytes.Equal(before.Text, after.Text) {
		assert.False(t, checked.Passed(), "%+v", checked)
	}
	for _, o := range checked.Objects {
		assert.Equal(t, len(o.Differences) > 0, o.Remedy != "")
	}
}

// meanings gives what documents say, but for the record, which holds source
// texts as they are indented.
func meanings(t *testing.T, texts []string) []any {
	t.Helper()
	said := make([]any, len(texts))
	for i, text := range texts {
		require.NoError(t, yaml.Unmarshal([]byte(record.ReplaceAllString(text, "")), &said[i]))
	}
	return said
}

var record = regexp.MustCompile(`(?m)krm-bypass.dev/last-applied"?: *('(''|[^'])*'|"(\\.|[^"\\])*")`)

// documentsOf cuts a stream into its documents, without their markers.
func documentsOf(stream []byte) []string {
	var documents []string
	for _, d := range yamltext.Documents(stream) {
		documents = append(documents, strings.TrimPrefix(string(d.Text), "---\n"))
	}
	return documents
}

// resourceList puts documents into a ResourceList as kyaml writes it.
func resourceList(config []byte, items []string) []byte {
	var b bytes.Buffer
	b.WriteString("apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n")
	for _, item := range items {
		b.WriteString(indented(item, "- "))
	}
	b.WriteString("functionConfig:\n" + indented(string(config), "  "))
	return b.Bytes()
}

func indented(text, first string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		switch {
		case strings.TrimSpace(line) == "":
			b.WriteString(line)
			continue
		case first != "":
			b.WriteString(first)
			first = ""
		default:
			b.WriteString("  ")
		}
		b.WriteString(line)
	}
	return b.String()
}

// itemTexts gives the items of a ResourceList as documents.
func itemTexts(t require.TestingT, list []byte) []string {
	tree, err := yamltext.Fragment{Text: list}.Outline(2)
	require.NoError(t, err)
	items := tree.Entry(tree.Root, "items")
	if items == nil {
		return nil
	}
	var texts []string
	for i := range items.Content {
		var b strings.Builder
		for line := range strings.Lines(string(tree.Item(items, i).Standalone())) {
			b.WriteString(strings.TrimPrefix(line, "  "))
		}
		texts = append(texts, b.String())
	}
	return texts
}

func exists(folder, name string) bool {
	_, err := os.Stat(filepath.Join(folder, name))
	return err == nil
}

func read(t *testing.T, folder, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		require.ErrorIs(t, err, os.ErrNotExist)
	}
	return text
}

// compare holds a golden file against what is there now. With -update it is
// rewritten and the test fails, so that no run passes by rewriting.
func compare(t *testing.T, folder, name, got string) {
	t.Helper()
	want := string(read(t, folder, name))
	if want == got {
		return
	}
	if *update {
		path := filepath.Join(folder, name)
		if got == "" {
			require.NoError(t, os.Remove(path))
		} else {
			require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
		}
		t.Errorf("%s/%s was rewritten: read the difference, then run without -update", folder, name)
		return
	}
	assert.Equal(t, want, got, "%s/%s (go test ./fn -update rewrites it)", folder, name)
}

// nothingOf gives a spec that says nothing, and knows the kinds of a golden's.
func nothingOf(t *testing.T, folder string) []byte {
	var of struct {
		Spec struct {
			PodTemplates any `yaml:"podTemplates"`
		}
	}
	require.NoError(t, yaml.Unmarshal(read(t, folder, "spec.yaml"), &of))
	nothing := "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata:\n  name: nothing\nspec:\n  formerNames: [cluster, bypass]\n"
	if of.Spec.PodTemplates == nil {
		return []byte(nothing)
	}
	text, err := json.Marshal(of.Spec.PodTemplates)
	require.NoError(t, err)
	return []byte(nothing + "  podTemplates: " + string(text) + "\n")
}
