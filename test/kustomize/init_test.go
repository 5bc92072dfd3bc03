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
				require.NoError(t, os.WriteFile(spec, withTheFirstRule(t, text), 0o644))

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

// withTheFirstRule takes the comment mark from the first rule of a spec that init wrote.
func withTheFirstRule(t *testing.T, text []byte) []byte {
	t.Helper()
	global := regexp.MustCompile(`(?m)^  # (global:|  reason: Prom|  excludeInboundPorts: \[9090\])`)
	require.Len(t, global.FindAll(text, -1), 3)
	return global.ReplaceAll(text, []byte("  $1"))
}

// TestWhatInitWritesAboveOverlaysIsApplied takes the specs out of examples that share one
// between kustomizations, and lets init begin again.
func TestWhatInitWritesAboveOverlaysIsApplied(t *testing.T) {
	listed := regexp.MustCompile(`(?m)^(# This line.*\n)?transformers:\n(- .*\n)+`)
	for example, tops := range map[string][]string{
		"overlays": {"overlays/staging", "overlays/production"},
		"clusters": {"clusters/eu", "clusters/us"},
	} {
		t.Run(example, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "tree")
			require.NoError(t, os.CopyFS(folder, os.DirFS(filepath.Join(clone, "examples", example))))
			require.NoError(t, os.RemoveAll(filepath.Join(folder, "bypass")))
			for _, top := range tops {
				file := filepath.Join(folder, top, "kustomization.yaml")
				text, err := os.ReadFile(file)
				require.NoError(t, err)
				require.Regexp(t, listed, string(text))
				require.NoError(t, os.WriteFile(file, listed.ReplaceAll(text, nil), 0o600))
			}
			code, out, errOut := command(t, "", "init", "--write", folder)
			require.Equal(t, []any{0, ""}, []any{code, out}, errOut)
			spec := filepath.Join(folder, "bypass", "bypass.yaml")
			text, err := os.ReadFile(spec)
			require.NoError(t, err)
			for _, rules := range []bool{false, true} {
				if rules {
					require.NoError(t, os.WriteFile(spec, withTheFirstRule(t, text), 0o600))
				}
				for _, top := range tops {
					built := render(t, filepath.Join(folder, top))
					assert.Equal(t, rules, strings.Contains(built, "krm-bypass.dev/policy"), built)
					assert.Equal(t, rendering{stdout: built}, inProcess(t, filepath.Join(folder, top)))
					code, said := checked(t, filepath.Join(folder, top))
					assert.Zero(t, code, said)
				}
			}
			code, _, errOut = command(t, "", "init", "--write", folder)
			assert.Equal(t, 1, code)
			assert.Contains(t, errOut, "init writes over nothing")
		})
	}
}
