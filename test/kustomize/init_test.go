package kustomize

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestWhatInitWritesIsApplied lets init begin in examples from which the spec was taken,
// and the real kustomize build them: with the spec as it is, and with the first rule that
// it shows.
func TestWhatInitWritesIsApplied(t *testing.T) {
	for _, flags := range [][]string{nil, {"--image", "registry.example.com/mesh/init:v1"}} {
		for _, example := range []string{"asm-ports/base", "dce-helloworld/base"} {
			t.Run(strings.Join(append([]string{example}, flags...), " "), func(t *testing.T) {
				folder := filepath.Join(t.TempDir(), "shop")
				require.NoError(t, os.CopyFS(folder, os.DirFS(filepath.Join(clone, "examples", example))))
				begin := exec.Command(filepath.Join(clone, "bin", "krm-bypass"), append([]string{"init", "--write", "."}, flags...)...)
				begin.Dir = folder
				said, err := begin.CombinedOutput()
				require.NoError(t, err, "%s", said)

				assert.NotContains(t, render(t, folder), "krm-bypass.dev/policy")
				spec := filepath.Join(folder, "bypass.yaml")
				text, err := os.ReadFile(spec)
				require.NoError(t, err)
				global := regexp.MustCompile(`(?m)^  # (global:|  reason: Prom|  excludeInboundPorts: \[9090\])`)
				require.Len(t, global.FindAllString(string(text), -1), 3)
				require.NoError(t, os.WriteFile(spec, global.ReplaceAll(text, []byte("  $1")), 0o644))

				built := render(t, folder)
				assert.Contains(t, built, "krm-bypass.dev/policy")
				assert.NotContains(t, built, "kind: ClusterBypass")
				assert.Equal(t, flags != nil, strings.Contains(built, "krm-bypass-init"))
				assert.Equal(t, rendering{stdout: built}, inProcess(t, folder))
				code, said2 := checked(t, folder)
				assert.Zero(t, code, said2)
			})
		}
	}
}
