package kustomize

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestWhatSuggestPrintsIsApplied lists the spec that suggest prints as it is.
func TestWhatSuggestPrintsIsApplied(t *testing.T) {
	for tree, file := range map[string]string{"cert-manager": "cert-manager.yaml", "vault": "vault.yaml", "kafka": "kafka.yaml"} {
		t.Run(tree, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), tree)
			require.NoError(t, os.CopyFS(folder, os.DirFS(filepath.Join("..", "..", "testdata", "suggest", tree))))
			suggest := exec.Command(filepath.Join(clone, "bin", "krm-bypass"), "suggest", ".")
			suggest.Dir = folder
			printed, err := suggest.Output()
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(folder, "bypass.yaml"), printed, 0o600))
			require.NoError(t, os.WriteFile(filepath.Join(folder, "kustomization.yaml"), []byte("resources: ["+file+"]\ntransformers: [bypass.yaml]\n"), 0o600))

			built := build(t, folder, withFunction...)
			assert.False(t, built.failed, built.stderr)
			assert.NotContains(t, built.stdout, "kind: ClusterBypass")
			if tree == "kafka" { // all of it may be needed, and is not yet
				assert.NotContains(t, built.stdout, "krm-bypass.dev/policy")
				return
			}
			assert.Contains(t, built.stdout, "traffic.sidecar.istio.io/excludeInboundPorts")
		})
	}
}
