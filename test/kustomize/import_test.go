package kustomize

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestWhatImportPrintsIsApplied lists the spec that import prints as it is, over the
// files from which it was taken, over those that --strip left, and over those that were
// adopted: there kustomize prints what it prints without the function.
func TestWhatImportPrintsIsApplied(t *testing.T) {
	for name, manifests := range map[string]string{
		"import":         "payments.json, shop.yaml, warehouse.yaml",
		"import-fsm":     "bookstore.yaml, meshconfig.yaml",
		"import-linkerd": "emojivoto.yaml, queue.yaml",
	} {
		for _, flags := range [][]string{nil, {"--strip"}, {"--adopt"}} {
			t.Run(strings.Join(append([]string{name}, flags...), " "), func(t *testing.T) {
				folder := filepath.Join(t.TempDir(), name)
				require.NoError(t, os.CopyFS(folder, os.DirFS(filepath.Join(clone, "examples", name))))
				take := exec.Command(filepath.Join(clone, "bin", "krm-bypass"), append([]string{"import", "."}, flags...)...)
				take.Dir = folder
				printed, err := take.Output()
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(filepath.Join(folder, "bypass.yaml"), printed, 0o644))
				require.NoError(t, os.WriteFile(filepath.Join(folder, "kustomization.yaml"), []byte("resources: ["+manifests+"]\ntransformers: [bypass.yaml]\n"), 0o644))

				built := render(t, folder)
				if slices.Contains(flags, "--adopt") && name != "import-linkerd" { // where a pod relies on its Namespace
					assert.Equal(t, renderWithoutFunction(t, folder), built)
				} else {
					assert.Contains(t, built, "krm-bypass.dev/policy")
				}
				assert.NotContains(t, built, "kind: ClusterBypass")
				assert.Equal(t, rendering{stdout: built}, inProcess(t, folder))
				code, said := checked(t, folder)
				assert.Zero(t, code, said)
			})
		}
	}
}
