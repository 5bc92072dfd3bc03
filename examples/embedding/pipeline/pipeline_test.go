package pipeline_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/krm-bypass/krm-bypass/examples/embedding/pipeline"
	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/test/ways"
)

// tree is examples/every-way with a kustomization that knows nothing of the spec.
func tree(t *testing.T) (folder string, spec fn.Manifest) {
	t.Helper()
	folder = t.TempDir()
	require.NoError(t, os.CopyFS(folder, os.DirFS(filepath.Join(ways.Repository(), ways.Example))))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "kustomization.yaml"), []byte("resources: [templates/orders.yaml, templates/web.yaml]\n"), 0o600))
	text, err := os.ReadFile(filepath.Join(folder, "bypass.yaml"))
	require.NoError(t, err)
	return folder, fn.Manifest{Path: "bypass.yaml", Text: text}
}

func TestBuild(t *testing.T) {
	folder, spec := tree(t)
	built, err := pipeline.Build(filesys.MakeFsOnDisk(), folder, spec)
	require.NoError(t, err)
	ways.Compare(t, built)
}

func TestBuildWithAMistake(t *testing.T) {
	folder, spec := tree(t)
	spec.Text = append(spec.Text, "  global: {excludeOutboundPorts: [70000]}\n"...)
	built, err := pipeline.Build(filesys.MakeFsOnDisk(), folder, spec)
	require.ErrorContains(t, err, "bypass.yaml")
	assert.Empty(t, built)
}

// TestPage holds what docs/embedding.md shows to the code and its tests.
func TestPage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(ways.Repository(), "docs/embedding.md"))
	require.NoError(t, err)
	var code strings.Builder
	for _, file := range []string{"pipeline.go", "../controller/controller_test.go"} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		code.WriteString(strings.ReplaceAll(string(text), "\n\t", "\n"))
	}
	shown := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	assert.Len(t, shown, 2)
	for _, block := range shown {
		assert.Contains(t, code.String(), block[1])
	}
}

func TestFunctionsOfTheKustomizationAreRefused(t *testing.T) {
	_, spec := tree(t)
	built, err := pipeline.Build(filesys.MakeFsOnDisk(), filepath.Join(ways.Repository(), ways.Example), spec)
	require.ErrorContains(t, err, "external plugins disabled")
	assert.Empty(t, built)
}
