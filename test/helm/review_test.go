package helm

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

// TestReviewOfAChart runs what docs/helm.md shows, with each version of Helm as helm, in a
// repository that changes the spec and the chart.
func TestReviewOfAChart(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(repository, "docs/helm.md"))
	require.NoError(t, err)
	script := regexp.MustCompile("(?s)## Review a change.*?```sh\n(.*?)```").FindSubmatch(page)
	require.NotNil(t, script)
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			program, err := filepath.Abs(v.path())
			require.NoError(t, err)
			programs, home := t.TempDir(), t.TempDir()
			require.NoError(t, os.Symlink(program, filepath.Join(programs, "helm")))
			dir := filepath.Join(t.TempDir(), "shop")
			shell := func(script string) string {
				cmd := exec.Command("bash", "-e", "-o", "pipefail", "-c", script)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "PATH="+programs+":"+bin+":"+os.Getenv("PATH"), "HELM_CACHE_HOME="+home, "HELM_CONFIG_HOME="+home, "HELM_DATA_HOME="+home,
					"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
				said, err := cmd.CombinedOutput()
				require.NoError(t, err, "%s", said)
				return string(said)
			}
			require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join(repository, "examples/helm"))))
			shell("mv bypass.yaml chart && git init --quiet --initial-branch=main && git add --all && git commit --quiet --message=first && git checkout --quiet -b change")
			shell("sed -i 's/3306]/3307]/' chart/bypass.yaml")
			said := shell(string(script[1]))
			assert.Contains(t, said, "workloads changed, and the pods of ")
			assert.NotContains(t, said, "0 of ")
			for _, line := range []string{"- excludeOutboundPorts  3306", "+ excludeOutboundPorts  3307"} {
				assert.Contains(t, strings.Join(strings.Fields(said), " "), strings.Join(strings.Fields(line), " "))
			}
			assert.NotContains(t, said, "warning")
		})
	}
}
