package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestErrorsNameTheRevision has a kustomization that is mended since the commit.
func TestErrorsNameTheRevision(t *testing.T) {
	dir := folder(t, map[string]string{"base/web.yaml": webDeployment, "base/kustomization.yaml": "resources: [nothere.yaml]\n", "app/kustomization.yaml": "resources: [../base]\n", "bypass.yaml": bypassSpec})
	committed(t, dir)
	require.NoError(t, os.WriteFile(dir+"/base/kustomization.yaml", []byte("resources: [web.yaml]\n"), 0o600))
	for _, here := range []string{dir, os.TempDir()} {
		t.Chdir(here)
		code, _, errOut := krmBypass("", "explain", dir+"/app", "--spec", dir+"/bypass.yaml", "--before", "main")
		assert.Equal(t, 1, code)
		assert.Equal(t, "error: main:base/kustomization.yaml: resources[0]: \"nothere.yaml\": no such file or folder: correct the path\n", errOut)
	}
}

// TestThePageNamesTheRevision has a workload that was refused at the commit, so that its
// lines of YAML cannot be compared.
func TestThePageNamesTheRevision(t *testing.T) {
	dir := folder(t, map[string]string{"web.yaml": webDeployment, "bypass.yaml": strings.Replace(bypassSpec, "AnnotationsOnly", "InitContainer", 1)})
	committed(t, dir)
	require.NoError(t, os.WriteFile(dir+"/bypass.yaml", []byte(bypassSpec), 0o600))
	code, out, errOut := krmBypass("", "explain", dir, "--before", "main", "-o", "html")
	assert.Zero(t, code, errOut)
	assert.Contains(t, out, "are not shown: error: main:")
	assert.NotContains(t, out, "krm-bypass-")
}
