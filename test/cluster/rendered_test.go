package cluster

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rendering is what one of the examples becomes, by one of the ways in which
// people run krm-bypass.
type rendering struct {
	name      string
	example   string // its folder
	manifests func(t *testing.T, folder string) string
	off       bool // nothing bypasses any more
}

var renderings = []rendering{
	{name: "argocd", example: "argocd/shop", manifests: byPlugin},
	{name: "asm-ports", example: "asm-ports", manifests: byKustomize("asm-ports")},
	{name: "component, one of its users", example: "component/shop", manifests: byKustomize("component-shop")},
	{name: "component, another", example: "component/warehouse", manifests: byKustomize("component-warehouse")},
	{name: "clusters, eu", example: "clusters/clusters/eu", manifests: byKustomize("clusters-eu")},
	{name: "clusters, us", example: "clusters/clusters/us", manifests: byKustomize("clusters-us")},
	{name: "container", example: "container", manifests: byKustomize("container")},
	{name: "dce-helloworld, passthrough", example: "dce-helloworld/overlays/passthrough", manifests: byKustomize("dce-helloworld-passthrough")},
	{name: "dce-helloworld, switched off", example: "dce-helloworld/overlays/switched-off", manifests: byKustomize("dce-helloworld-switched-off"), off: true},
	{name: "every-way", example: "every-way", manifests: byRender},
	{name: "fsm-ip-range", example: "fsm-ip-range", manifests: byKustomize("fsm-ip-range")},
	{name: "helm", example: "helm/chart", manifests: byHelm},
	{name: "import", example: "import", manifests: byImport("shop.yaml", "payments.json", "warehouse.yaml")},
	{name: "import-fsm", example: "import-fsm", manifests: byImport("bookstore.yaml", "meshconfig.yaml")},
	{name: "import-linkerd", example: "import-linkerd", manifests: byImport("emojivoto.yaml", "queue.yaml")},
	{name: "init-containers", example: "init-containers", manifests: byKustomize("init-containers")},
	{name: "istio-ambient", example: "istio-ambient", manifests: byKustomize("istio-ambient")},
	{name: "kpt-eval", example: "kpt-eval", manifests: byKpt},
	{name: "kpt-exec", example: "kpt-exec", manifests: byKpt},
	{name: "kpt-image", example: "kpt-image", manifests: byKpt},
	{name: "operators", example: "operators", manifests: byKustomize("operators")},
	{name: "overlays, production", example: "overlays/overlays/production", manifests: byKustomize("overlays-production")},
	{name: "overlays, staging", example: "overlays/overlays/staging", manifests: byKustomize("overlays-staging")},
	{name: "ports-by-name", example: "ports-by-name", manifests: byKustomize("ports-by-name")},
	{name: "reviewing, before", example: "reviewing/before", manifests: byRender},
	{name: "reviewing, after", example: "reviewing/after", manifests: byRender},
	{name: "teams", example: "teams/apps", manifests: byKustomize("teams")},
	{name: "two-meshes", example: "two-meshes", manifests: byKustomize("two-meshes")},
}

// others are examples of which nothing is rendered for the cluster, with the test that
// has them.
var others = map[string]string{
	"audit":     "TestAuditCronJob",
	"embedding": "Go programs, with tests of their own",
	"flux":      "TestExamplesForOtherTools, test/flux",
	"github":    "test/pipelines",
	"policies":  "TestPoliciesBesideOthers, TestExamplesForOtherTools",
	"renovate":  "test/pipelines",
	"shop":      "without a spec, for docs/tutorial.md: test/docs",
}

// TestEveryExampleIsRendered finds examples that the tables above forget.
func TestEveryExampleIsRendered(t *testing.T) {
	folders, err := os.ReadDir(filepath.Join(repository, "examples"))
	require.NoError(t, err)
	known := map[string]bool{}
	for name := range others {
		known[name] = true
	}
	for _, r := range renderings {
		name, _, _ := strings.Cut(r.example, "/")
		known[name] = true
	}
	for _, folder := range folders {
		if folder.IsDir() {
			assert.True(t, known[folder.Name()], "say in the tables above how examples/%s is rendered, or what tries it", folder.Name())
			delete(known, folder.Name())
		}
	}
	assert.Empty(t, known, "not there any more")
}

// byKustomize is what the kustomize CLI renders, as test/kustomize has just seen
// it do, or has failed.
func byKustomize(golden string) func(*testing.T, string) string {
	return func(t *testing.T, _ string) string {
		text, err := os.ReadFile(filepath.Join("..", "kustomize", "testdata", golden+".yaml"))
		require.NoError(t, err)
		return string(text)
	}
}

// byPlugin is what Argo CD's plugin renders, as test/argocd holds it to.
func byPlugin(t *testing.T, folder string) string {
	return krmBypass(t, "render", folder, "--spec", filepath.Join(folder, "../bypass.yaml"), "--namespace", "shop")
}

// byHelm is what krm-bypass render makes of a chart.
func byHelm(t *testing.T, folder string) string {
	chart := filepath.Join(t.TempDir(), "chart.yaml")
	command := exec.Command(filepath.Join(repository, ".cache/bin/helm"), "template", "shop", folder)
	rendered, err := command.Output()
	require.NoError(t, err, "make tools installs helm")
	require.NoError(t, os.WriteFile(chart, rendered, 0o600))
	return krmBypass(t, "render", chart, "--spec", filepath.Join(folder, "../bypass.yaml"), "--namespace", "shop")
}

// byRender is what krm-bypass render makes of the folder as it stands.
func byRender(t *testing.T, folder string) string {
	t.Helper()
	return krmBypass(t, "render", folder)
}

// byImport is what krm-bypass render makes of files by the specification that
// krm-bypass import makes of their folder.
func byImport(files ...string) func(*testing.T, string) string {
	return func(t *testing.T, folder string) string {
		spec := filepath.Join(t.TempDir(), "bypass.yaml")
		require.NoError(t, os.WriteFile(spec, []byte(krmBypass(t, "import", folder)), 0o600))
		// What import prints names no image: that is the user's to say.
		args := []string{"render", "--spec", spec, "--image", "ghcr.io/krm-bypass/init:v0.1.0"}
		for _, file := range files {
			args = append(args, filepath.Join(folder, file))
		}
		return krmBypass(t, args...)
	}
}

// byKpt is what kpt renders, as test/kpt holds the function to it: the package
// with the difference of its .expected applied.
func byKpt(t *testing.T, folder string) string {
	t.Helper()
	rendered := t.TempDir()
	require.NoError(t, os.CopyFS(rendered, os.DirFS(folder)))
	patch := exec.Command("git", "apply", ".expected/diff.patch")
	patch.Dir = rendered
	said, err := patch.CombinedOutput()
	require.NoError(t, err, "%s", said)
	var manifests []string
	require.NoError(t, filepath.WalkDir(rendered, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".yaml" || strings.Contains(path, "/.") {
			return err
		}
		text, err := os.ReadFile(path)
		if !strings.Contains(string(text), "\nkind: ClusterBypass\n") {
			manifests = append(manifests, string(text))
		}
		return err
	}))
	return strings.Join(manifests, "---\n")
}

// krmBypass runs the command and returns what it prints.
func krmBypass(t *testing.T, args ...string) string {
	t.Helper()
	command := exec.Command(program, args...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	require.NoError(t, command.Run(), "krm-bypass %v: %s", args, stderr.String())
	return stdout.String()
}
