package confined

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/kustomize/api/konfig"

	"github.com/krm-bypass/krm-bypass/test/attacks"
)

const (
	program   = "../../bin/krm-bypass"
	kustomize = "../../.cache/bin/kustomize"
	// nobody reaches no workload.
	nobody = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {mesh: Istio, namespaces: [{match: {names: [none]}, excludeOutboundPorts: [1]}]}\n"
)

// written lays a tree out, and the spec beside it.
func written(t *testing.T, tree attacks.Tree) (dir, spec string) {
	t.Helper()
	above := t.TempDir()
	dir, spec = filepath.Join(above, "tree"), filepath.Join(above, "bypass.yaml")
	require.NoError(t, os.Mkdir(dir, 0o755))
	require.NoError(t, tree.Write(dir, "http://127.0.0.1:1"))
	require.NoError(t, os.WriteFile(spec, []byte(nobody), 0o600))
	return dir, spec
}

// render renders with the spec given, which is what it gives, and with those that
// are listed.
func render(t *testing.T, dir, spec string) answer {
	t.Helper()
	given := confined(t, dir, program, "render", "--spec", spec, dir)
	for _, a := range []answer{given, confined(t, dir, program, "render", dir)} {
		assert.Empty(t, a.attempts, "%s", a.stderr)
		assert.True(t, a.code == 0 || a.code == 1, "%s", a.stderr)
		assert.NotContains(t, a.stderr, "goroutine ")
	}
	return given
}

func TestTheFilterReports(t *testing.T) {
	dir, _ := written(t, attacks.Tree{Files: attacks.Root("resources: [github.com/example/base]\n")})
	assert.Equal(t, []string{"execve"}, firstWords(confined(t, dir, kustomize, "build", dir).attempts))
	dir, _ = written(t, attacks.Tree{Files: attacks.Root("resources: ['http://127.0.0.1:1/a.yaml']\n")})
	assert.Contains(t, confined(t, dir, kustomize, "build", dir).attempts, "socket")
	assert.Empty(t, confined(t, dir, program, "--version").attempts)
}

func firstWords(lines []string) []string {
	var words []string
	for _, line := range lines {
		words = append(words, strings.Fields(line)[0])
	}
	return slices.Compact(words)
}

func TestAttacksAttemptNothing(t *testing.T) {
	attempted := 0
	for name, tree := range attacks.ReachingOut {
		t.Run(name, func(t *testing.T) {
			dir, spec := written(t, tree)
			given := render(t, dir, spec)
			assert.Equal(t, tree.Says == "", given.code == 0, "%s", given.stderr)
			if len(confined(t, dir, kustomize, "build", dir).attempts) > 0 {
				attempted++
			}
		})
	}
	for name, tree := range attacks.Endless() {
		t.Run(name, func(t *testing.T) {
			dir, spec := written(t, tree)
			given := render(t, dir, spec)
			assert.Contains(t, given.stderr, tree.Says)
		})
	}
	t.Logf("kustomize attempts something for %d of %d, krm-bypass for none", attempted, len(attacks.ReachingOut))
	assert.Greater(t, attempted, len(attacks.ReachingOut)*9/10)
}

// TestMemoryIsBounded ends a build that doubles a field by replacements.
func TestMemoryIsBounded(t *testing.T) {
	text := "resources: [a.yaml]\nreplacements:\n"
	for i := range 30 {
		text += "- {source: {kind: ConfigMap, fieldPath: data}, targets: [{select: {kind: ConfigMap}, fieldPaths: [data.k" + strconv.Itoa(i) + "], options: {create: true}}]}\n"
	}
	dir, spec := written(t, attacks.Tree{Files: attacks.Root(text)})
	a := confined(t, dir, program, "render", "--spec", spec, dir)
	assert.Contains(t, a.stderr, "look for replacements that copy a field into itself")
	assert.Equal(t, 1, a.code)
	assert.Empty(t, a.out)
	assert.Empty(t, a.attempts)
}

func TestOurKustomizationsAttemptNothing(t *testing.T) {
	count := 0
	for _, root := range []string{"../../examples", "../../testdata", ".."} {
		require.NoError(t, filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !slices.Contains(konfig.RecognizedKustomizationFileNames(), filepath.Base(path)) {
				return err
			}
			dir, err := filepath.Abs(filepath.Dir(path))
			require.NoError(t, err)
			_, spec := written(t, attacks.Tree{})
			render(t, dir, spec)
			count++
			return nil
		}))
	}
	t.Logf("%d kustomizations", count)
	assert.Greater(t, count, 10)
}

// TestDrawnKustomizationsAttemptNothing judges what is drawn by kustomize too:
// what it builds without leaving the files, we build alike.
func TestDrawnKustomizationsAttemptNothing(t *testing.T) {
	total := 1000
	if text := os.Getenv("KRM_BYPASS_KUSTOMIZATIONS"); text != "" {
		var err error
		total, err = strconv.Atoi(text)
		require.NoError(t, err)
	}
	drawn := map[string]int{}
	var built, attempted, same int
	for seed := range total {
		tree := draw(uint64(seed), drawn)
		dir, spec := written(t, tree)
		given := render(t, dir, spec)
		theirs := confined(t, dir, kustomize, "build", dir)
		switch {
		case len(theirs.attempts) > 0:
			attempted++
		case theirs.code == 0:
			same++
			assert.Equal(t, theirs.out, given.out, "seed %d: %s\n%s", seed, given.stderr, tree.Files["kustomization.yaml"])
		}
		if given.code == 0 {
			built++
		}
		if t.Failed() {
			t.Fatalf("seed %d: %v", seed, tree)
		}
	}
	t.Logf("%d drawn, of which kustomize attempts something for %d, and krm-bypass for none; %d are built, %d as kustomize builds them; drawn: %v", total, attempted, built, same, drawn)
	assert.Greater(t, attempted, total/6)
	assert.Greater(t, same, total/5)
}
