package inventory_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/inventory"
	"github.com/krm-bypass/krm-bypass/internal/kinds"
	"github.com/krm-bypass/krm-bypass/internal/object"
)

// What stands by hand where krm-bypass would write it comes back to the same places, from
// the imported rules or because it was left there.
func TestObjectsOfOperatorsKeepTheirAnnotations(t *testing.T) {
	folders, err := filepath.Glob("../../testdata/golden/operators/*")
	require.NoError(t, err)
	require.Greater(t, len(folders), 100)
	imported, alone := 0, 0
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(folder, "input.yaml"))
			require.NoError(t, err)
			tried := 0
			for _, form := range strings.Split(string(text), "---\n") {
				least := parsedObject(t, form)
				kind, known := kinds.Find(object.Group(least["apiVersion"].(string)), least["kind"].(string))
				require.True(t, known)
				if kind.Left != "" {
					return
				}
				spec := "spec:\n  mesh: Istio\n  workloads:\n  - match: {kinds: [" + kind.FullName() + "]}\n    excludeOutboundPorts: [5432]\n"
				if strings.Contains(form, "krm-bypass.dev") {
					continue // it has been rendered
				}
				written := parsedObject(t, byRules(t, spec, form))
				places := annotationsIn(written)
				if len(places) == 0 {
					continue
				}
				tried++
				imported += roundTrip(t, written, places)
				if len(places) > 1 {
					without(written, slices.Sorted(maps.Keys(places))[1:]...)
					alone += 1 - roundTrip(t, written, annotationsIn(written))
				}
			}
			assert.Positive(t, tried)
		})
	}
	assert.Greater(t, imported, 200)
	assert.Greater(t, alone, 20, "annotations that stay, since one alone of several pod templates has any")
}

// roundTrip imports an object and renders it by what was imported; 1 if rules say all of
// it now.
func roundTrip(t *testing.T, written map[string]any, places map[string]string) (imported int) {
	text, err := yaml.Marshal(written)
	require.NoError(t, err)
	files := []inventory.File{{Path: "object.yaml", Text: text}}
	found, err := inventory.Take(files, "", nil)
	require.NoError(t, err)
	rest := string(stripped(t, found, files)[0].Text)
	_, rules, _ := strings.Cut(string(found.Spec()), "\nspec:\n")
	after := annotationsIn(parsedObject(t, byRules(t, "spec:\n"+rules, rest)))
	assert.Equal(t, places, after, "%s\n%s\n%s", rest, rules, found.Warnings)
	if left := strings.Contains(rest, istioKey); left || len(found.Warnings) > 0 {
		assert.True(t, left)
		assert.ErrorContains(t, found.Warnings, "left as it is")
		return 0
	}
	return 1
}

func byRules(t *testing.T, spec, text string) string {
	t.Helper()
	spec = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\n" + spec
	if !strings.Contains(spec, "enforcement:") {
		spec += "  enforcement: {mode: AnnotationsOnly}\n"
	}
	out, results, err := fn.Manifests(fn.SpecIn(fn.Manifest{Path: "spec.yaml", Text: []byte(spec)}), []fn.Manifest{{Path: "object.yaml", Text: []byte(text)}}, fn.Options{})
	require.NoError(t, err, "%s\n%s", results.Report(), spec)
	return string(out[0].Text)
}

// parsedObject gives an object as a person would have written it.
func parsedObject(t *testing.T, text string) map[string]any {
	t.Helper()
	var object map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(text), &object))
	without(object, "krm-bypass.dev/last-applied", "krm-bypass.dev/policy")
	return object
}

// without takes entries away wherever they stand, by their keys or their
// paths.
func without(value any, keys ...string) {
	walk(value, "", func(in map[string]any, key, path string) {
		if slices.Contains(keys, key) || slices.Contains(keys, path) {
			delete(in, key)
		}
	})
}

func annotationsIn(value any) map[string]string {
	found := map[string]string{}
	walk(value, "", func(in map[string]any, key, path string) {
		if strings.HasPrefix(key, istioKey) {
			found[path] = fmt.Sprint(in[key])
		}
	})
	return found
}

// walk visits every entry of every mapping.
func walk(value any, path string, visit func(in map[string]any, key, path string)) {
	switch value := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			walk(value[key], path+"."+key, visit)
			visit(value, key, path+"."+key)
		}
	case []any:
		for i, item := range value {
			walk(item, fmt.Sprintf("%s[%d]", path, i), visit)
		}
	}
}
