package corpus

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

const folder = "../../testdata/corpus"

// The corpus shall not shrink unseen.
const (
	leastManifests = 200
	leastStyles    = 60
)

// properties in the order in which the table shows them.
var properties = []struct {
	name  string
	holds func(t require.TestingT, c testCase)
}{
	{"twice", renderedTwice},
	{"order", inAnyOrder},
	{"confined", confined},
	{"disabled", disabled},
	{"settings", settingsReadBack},
}

// testCase is a manifest rendered with a spec.
type testCase struct {
	spec   spec
	before fn.Manifest
	after  []byte
}

// TestCorpus renders every manifest with every spec, holds each outcome to
// every property, and prints how many cases of each style hold.
func TestCorpus(t *testing.T) {
	styles := manifests(t)
	assert.GreaterOrEqual(t, len(styles), leastStyles)
	total := 0
	table := []string{row("style", "manifests", "changed", headings())}
	sum := make([]int, len(properties))
	cases, changes := 0, 0
	for _, style := range sorted(styles) {
		files := styles[style]
		total += len(files)
		held, changed := make([]int, len(properties)), 0
		for _, file := range files {
			for _, s := range specs {
				t.Run(fmt.Sprintf("%s/%s/%s", style, filepath.Base(file.Path), s.name), func(t *testing.T) {
					cases++
					c := testCase{s, file, render(t, s.text, file)[0].Text}
					if !bytes.Equal(c.after, file.Text) {
						changed++
					}
					for i, p := range properties {
						if t.Run(p.name, func(t *testing.T) { p.holds(t, c) }) {
							held[i]++
						}
					}
				})
			}
		}
		assert.Positive(t, changed, "no manifest of the style %s is changed by any spec, so it shows nothing", style)
		table = append(table, row(style, fmt.Sprint(len(files)), fmt.Sprint(changed), counts(held)))
		changes += changed
		for i := range held {
			sum[i] += held[i]
		}
	}
	assert.GreaterOrEqual(t, total, leastManifests)
	table = append(table, row(fmt.Sprintf("%d styles", len(styles)), fmt.Sprint(total), fmt.Sprint(changes), counts(sum)))
	for _, line := range table {
		fmt.Println(line)
	}
	fmt.Printf("corpus: %d cases, of %d manifests with %d specs each\n", cases, total, len(specs))
}

func headings() []string {
	var names []string
	for _, p := range properties {
		names = append(names, p.name)
	}
	return names
}

func counts(numbers []int) []string {
	var words []string
	for _, n := range numbers {
		words = append(words, fmt.Sprint(n))
	}
	return words
}

func row(style, files, changed string, columns []string) string {
	line := fmt.Sprintf("corpus: %-34s%10s%9s", style, files, changed)
	for _, c := range columns {
		line += fmt.Sprintf("%10s", c)
	}
	return line
}

// manifests reads the corpus: a folder a style, a file a manifest.
func manifests(t *testing.T) map[string][]fn.Manifest {
	t.Helper()
	paths, err := filepath.Glob(folder + "/*")
	require.NoError(t, err)
	styles := map[string][]fn.Manifest{}
	for _, path := range paths {
		if info, err := os.Stat(path); err != nil || !info.IsDir() {
			continue // what explains the corpus
		}
		files, err := filepath.Glob(path + "/*")
		require.NoError(t, err)
		require.NotEmpty(t, files, "the style %s has no manifest", path)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			styles[filepath.Base(path)] = append(styles[filepath.Base(path)], fn.Manifest{Path: file, Text: text})
		}
	}
	return styles
}

func sorted(styles map[string][]fn.Manifest) []string {
	var names []string
	for name := range styles {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func render(t require.TestingT, spec string, files ...fn.Manifest) []fn.Manifest {
	out, results, err := fn.Manifests(fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte(spec)}), files, fn.Options{})
	require.NoError(t, err, results.Report())
	return out
}

func renderedTwice(t require.TestingT, c testCase) {
	again := render(t, c.spec.text, fn.Manifest{Path: c.before.Path, Text: c.after})
	assert.Equal(t, string(c.after), string(again[0].Text))
}

// inAnyOrder renders each document of the file as a file of its own, in the
// opposite order.
func inAnyOrder(t require.TestingT, c testCase) {
	var parts []fn.Manifest
	for _, d := range yamltext.Documents(c.before.Text) {
		parts = append(parts, fn.Manifest{Path: c.before.Path, Text: d.Text})
	}
	slices.Reverse(parts)
	parts = render(t, c.spec.text, parts...)
	slices.Reverse(parts)
	var joined strings.Builder
	for _, p := range parts {
		joined.Write(p.Text)
	}
	assert.Equal(t, string(c.after), joined.String())
}

// confined holds the change to the lines of the planned paths, and within them
// to what stood there.
func confined(t require.TestingT, c testCase) {
	assert.Empty(t, straysIn(t, c.before.Text, c.after, meshOf(t, c.spec)))
}

// straysIn gives what of a text changed that no policy of the mesh plans.
func straysIn(t require.TestingT, before, after []byte, m *mesh.Mesh) []string {
	was, is := placeIn(t, before, m), placeIn(t, after, m)
	return strays(before, after, was, is)
}

func placeIn(t require.TestingT, stream []byte, m *mesh.Mesh) place {
	var objects []*yaml.Node
	for _, document := range documentsIn(t, stream) {
		objects = append(objects, objectsOf(document)...)
	}
	return placeOf(objects, m, linesOf(readable(stream)))
}

func meshOf(t require.TestingT, s spec) *mesh.Mesh {
	return plan(t, s, workload{}).mesh
}

func disabled(t require.TestingT, c testCase) {
	back := render(t, nothing, fn.Manifest{Path: c.before.Path, Text: c.after})
	assert.Equal(t, string(c.before.Text), string(back[0].Text))
}

func settingsReadBack(t require.TestingT, c testCase) {
	was, is := workloadsIn(t, c.before.Text), workloadsIn(t, c.after)
	require.Len(t, is, len(was))
	for i, w := range was {
		readsBack(t, plan(t, c.spec, w), w, is[i])
	}
}
