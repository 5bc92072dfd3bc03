package kustomization

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/attacks"
)

func TestABuildIsBounded(t *testing.T) {
	for name, test := range attacks.Endless() {
		t.Run(name, func(t *testing.T) {
			dir := tree(t, test.Files)
			begin := time.Now()
			_, err := Build(dir, marking)
			require.ErrorContains(t, err, test.Says)
			assert.Less(t, time.Since(begin), 10*time.Second)
		})
	}
	t.Run("a file larger than all that is read", func(t *testing.T) {
		dir := tree(t, attacks.Root("configMapGenerator: [{name: x, files: [large]}]\n"))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "large"), nil, 0o600))
		require.NoError(t, os.Truncate(filepath.Join(dir, "large"), 100<<30))
		_, err := Build(dir, marking)
		require.ErrorContains(t, err, "has 102400 MiB, and more than 64 MiB are refused")
	})
}

func TestBoundsLetPass(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"a diamond of two bases":           attacks.Diamonds(1),
		"diamonds, 8 levels":               attacks.Diamonds(8),
		"components, each the next twice":  attacks.Chain("components", attacks.Component, 8, 2),
		"50 bases, one below the other":    attacks.Chain("resources", "", 50, 1),
		"aliases as people write them":     attacks.With(attacks.Root("resources: [b.yaml]\n"), "b.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, labels: &l {a: b}, annotations: *l}\n"),
		"a few levels of aliases":          attacks.With(attacks.Root("resources: [b.yaml]\n"), "b.yaml", "apiVersion: example.com/v1\nkind: X\nmetadata: {name: x}\nspec:\n"+attacks.Bomb("  ", 3)),
		"a file of aliases that is copied": attacks.With(attacks.Root("configMapGenerator: [{name: x, files: [bomb.yaml], options: {disableNameSuffixHash: true}}]\n"), "bomb.yaml", attacks.Bomb("", 14)),
		"a component of two overlays": {
			"kustomization.yaml":   "resources: [p, q]\n",
			"p/kustomization.yaml": "resources: [../a]\ncomponents: [../c]\nnamePrefix: p-\n", "q/kustomization.yaml": "resources: [../a]\ncomponents: [../c]\nnamePrefix: q-\n",
			"a/kustomization.yaml": "resources: [a.yaml]\n", "a/a.yaml": attacks.ConfigMap, "c/kustomization.yaml": attacks.Component + "commonAnnotations: {a: b}\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := tree(t, files)
			built, err := Build(dir, marking)
			require.NoError(t, err)
			assert.Equal(t, kustomized(t, dir), string(built.Text))
		})
	}
}

// TestSpecsOfManyOverlaysAreBounded has a component whose spec is applied to
// what each of many kustomizations that use it has.
func TestSpecsOfManyOverlaysAreBounded(t *testing.T) {
	files := map[string]string{"a/kustomization.yaml": "resources: [a.yaml]\n", "a/a.yaml": attacks.ConfigMap, "c/kustomization.yaml": attacks.Component + "transformers: [mark.yaml]\n", "c/mark.yaml": mark}
	overlays := "resources:\n"
	for i := range 20 {
		files[fmt.Sprintf("o%d/kustomization.yaml", i)] = fmt.Sprintf("namePrefix: o%d-\nresources: [../a]\ncomponents: [../c]\n", i)
		overlays += fmt.Sprintf("- o%d\n", i)
	}
	dir := tree(t, attacks.With(files, "kustomization.yaml", overlays))
	built, err := Build(dir, marking)
	require.NoError(t, err)
	assert.Equal(t, 20, strings.Count(string(built.Text), "mark: seen"))

	files = attacks.Chain("components", attacks.Component, 12, 2)
	dir = tree(t, attacks.With(files, "n11/kustomization.yaml", attacks.Component+"transformers: [mark.yaml]\n", "n11/mark.yaml", mark))
	_, err = Build(dir, marking)
	require.ErrorContains(t, err, "to see what the specs below the root are applied to, and more than 5000 repetitions are refused: list the specs in the kustomization that is built")
}

// TestMemoryIsWatched has replacements double a field each, which only kustomize
// sees. In the end the build is done, as what it is given up by ends no process
// here.
func TestMemoryIsWatched(t *testing.T) {
	doubling := "resources: [a.yaml]\nreplacements:\n"
	for i := range 15 {
		doubling += fmt.Sprintf("- source: {kind: ConfigMap, fieldPath: data}\n  targets: [{select: {kind: ConfigMap}, fieldPaths: [data.k%d], options: {create: true}}]\n", i)
	}
	for name, test := range map[string]struct {
		kustomization string
		memory        int
		givesUp       bool
	}{
		"doubling":         {doubling, 20 << 20, true},
		"with more memory": {doubling, 0, false},
		"nothing of it":    {"resources: [a.yaml]\n", 20 << 20, false},
	} {
		t.Run(name, func(t *testing.T) {
			options, reasons := marking, make(chan error, 1)
			options.memory = test.memory
			options.GiveUp = func(reason error) {
				select {
				case reasons <- reason:
				default: // told once before
				}
			}
			_, err := Build(tree(t, attacks.Root(test.kustomization)), options)
			require.NoError(t, err)
			require.Len(t, reasons, map[bool]int{true: 1}[test.givesUp])
			if test.givesUp {
				require.ErrorContains(t, <-reasons, "of memory for 2 KiB of files: look for replacements that copy a field into itself")
			}
		})
	}
}
