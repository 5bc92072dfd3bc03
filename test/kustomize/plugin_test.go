package kustomize

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What a plugin names is a patch to kustomize, relative to the kustomization's folder,
// and so it is here.
func TestAFileThatAPluginNamesIsAPatch(t *testing.T) {
	const patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: web, image: \"web:2\"}]}}}\n"
	for name, named := range map[string]string{
		"PatchTransformer":               "path: p.yaml\n",
		"PatchStrategicMergeTransformer": "paths: [p.yaml]\n",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.Mkdir(filepath.Join(dir, "t"), 0o755))
			for file, text := range map[string]string{
				"kustomization.yaml": "resources: [web.yaml]\ntransformers: [t/pt.yaml]\n", "web.yaml": web, "p.yaml": patch,
				"t/pt.yaml": "apiVersion: builtin\nkind: " + name + "\nmetadata: {name: a}\n" + named,
			} {
				require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644))
			}
			built, err := exec.Command(kustomize, "build", dir).CombinedOutput()
			require.NoError(t, err, "%s", built)
			assert.Contains(t, string(built), "image: web:2")

			bypass := filepath.Join(t.TempDir(), "bypass.yaml")
			require.NoError(t, os.WriteFile(bypass, []byte(spec), 0o644))
			said := inProcess(t, "--in-place", "--spec", bypass, filepath.Join(dir, "p.yaml"), filepath.Join(dir, "web.yaml"), filepath.Join(dir, "t"))
			require.False(t, said.failed, said.stderr)
			after, err := os.ReadFile(filepath.Join(dir, "p.yaml"))
			require.NoError(t, err)
			assert.Equal(t, patch, string(after))
			written, err := os.ReadFile(filepath.Join(dir, "web.yaml"))
			require.NoError(t, err)
			assert.NotEqual(t, web, string(written))
		})
	}
}
