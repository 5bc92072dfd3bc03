package kpt

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestWhatSuggestPrintsIsRendered has the pipeline of a package apply what is proposed
// for it.
func TestWhatSuggestPrintsIsRendered(t *testing.T) {
	p := checkout{t, t.TempDir()}
	require.NoError(t, os.CopyFS(p.folder, os.DirFS(filepath.Join(repository, "testdata", "suggest", "database-operator"))))
	suggest := exec.Command(function, "suggest", ".")
	suggest.Dir = p.folder
	printed, err := suggest.Output()
	require.NoError(t, err)
	kptfile, err := os.ReadFile(filepath.Join(examples, "kpt-exec", kptfileName))
	require.NoError(t, err)
	p.write("bypass.yaml", string(printed))
	p.write(kptfileName, string(kptfile))
	p.git("init", "--quiet")
	p.commit()

	p.render()
	assert.Equal(t, []string{kptfileName, "operator.yaml"}, p.changed())
	assert.Contains(t, p.read("operator.yaml"), `traffic.sidecar.istio.io/excludeInboundPorts: "8080,9443"`)
	assert.Equal(t, string(printed), p.read("bypass.yaml"))
}
