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

	"github.com/krm-bypass/krm-bypass/test/ways"
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
				if orders := filepath.Join(folder, "orders.yaml"); example == "asm-ports/base" { // without what is there for the example's own bypass
					text, err := os.ReadFile(orders)
					require.NoError(t, err)
					workload, _, found := strings.Cut(string(text), "---\n# Callers in the mesh")
					require.True(t, found)
					require.NoError(t, os.WriteFile(orders, []byte(workload), 0o644))
				}
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
					made := inProcess(t, filepath.Join(folder, top))
					assert.Equal(t, built, made.stdout)
					assert.Equal(t, rules, made.stderr == "", made.stderr)
					code, said := checked(t, filepath.Join(folder, top))
					assert.Zero(t, code, said)
				}
			}
			code, _, errOut = command(t, "", "init", "--write", folder)
			assert.Zero(t, code)
			assert.Contains(t, errOut, "is there already, and stays as it is")
			assert.NotContains(t, errOut, "is changed")
		})
	}
}

// TestWhatInitPrintsRuns pastes what init prints, in every layout that needs neither Helm
// nor kpt; test/helm and test/kpt have those.
func TestWhatInitPrintsRuns(t *testing.T) {
	const (
		web = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  selector: {matchLabels: {app: web}}\n" +
			"  template:\n    metadata: {labels: {app: web}}\n    spec: {containers: [{name: web, image: \"web:1\"}]}\n"
		build = "kustomize build --enable-alpha-plugins --enable-exec "
	)
	tools, err := filepath.Abs(filepath.Join(ways.Repository(), ".cache/bin"))
	require.NoError(t, err)
	t.Setenv("PATH", tools+":"+os.Getenv("PATH"))
	for layout, test := range map[string]struct {
		files  map[string]string
		prints []string
	}{
		"a kustomization": {
			files:  map[string]string{"kustomization.yaml": "resources: [web.yaml]\n", "web.yaml": web},
			prints: []string{"krm-bypass init --write shop", "krm-bypass suggest shop --spec shop/bypass.yaml", "krm-bypass render shop", build + "shop"},
		},
		"overlays": {
			files: map[string]string{
				"base/kustomization.yaml": "resources: [web.yaml]\n", "base/web.yaml": web,
				"eu/kustomization.yaml": "namespace: eu\nresources: [../base]\n", "us/kustomization.yaml": "namespace: us\nresources: [../base]\n",
			},
			prints: []string{
				"krm-bypass init --write shop", "krm-bypass suggest shop/eu shop/us --spec shop/bypass/bypass.yaml",
				"krm-bypass render shop/eu", "krm-bypass render shop/us", build + "shop/eu", build + "shop/us",
			},
		},
		"manifests": {
			files:  map[string]string{"web.yaml": web},
			prints: []string{"krm-bypass suggest shop --spec shop/bypass.yaml", "krm-bypass render --diff shop", "krm-bypass render --in-place shop"},
		},
		"Applications": {
			files: map[string]string{
				"apps.yaml":    "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: web}\nspec: {source: {repoURL: https://git.example.com/shop, path: shop/web}}\n",
				"web/web.yaml": web,
			},
			prints: []string{"krm-bypass init --write shop", "krm-bypass suggest shop --spec shop/bypass.yaml", "krm-bypass render shop/web --spec shop/bypass.yaml"},
		},
	} {
		t.Run(layout, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "shop")
			require.NoError(t, os.MkdirAll(filepath.Join(filepath.Dir(folder), ".git"), 0o755))
			for name, text := range test.files {
				require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(folder, name)), 0o755))
				require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
			}
			assert.Equal(t, test.prints, ways.RunWhatInitPrints(t, folder, func(string) bool { return false }))
		})
	}
}
