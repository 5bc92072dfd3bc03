package helm

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/ways"
)

// TestWhatInitPrintsForAChartRuns pastes it, with each version of Helm as helm.
func TestWhatInitPrintsForAChartRuns(t *testing.T) {
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			program, err := filepath.Abs(v.path())
			require.NoError(t, err)
			programs, home := t.TempDir(), t.TempDir()
			require.NoError(t, os.Symlink(program, filepath.Join(programs, "helm")))
			t.Setenv("PATH", programs+":"+bin+":"+os.Getenv("PATH"))
			for _, name := range []string{"HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"} {
				t.Setenv(name, home)
			}
			folder := filepath.Join(t.TempDir(), "chart")
			require.NoError(t, os.CopyFS(folder, os.DirFS(filepath.Join(repository, chart))))
			assert.Equal(t, []string{
				"helm template RELEASE chart --namespace NAMESPACE | krm-bypass suggest - --spec chart/bypass.yaml --namespace NAMESPACE",
				"helm template RELEASE chart --namespace NAMESPACE | krm-bypass render - --spec chart/bypass.yaml --namespace NAMESPACE",
			}, ways.RunWhatInitPrints(t, folder, func(string) bool { return false }))
		})
	}
}
