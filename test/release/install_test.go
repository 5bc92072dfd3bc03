package release

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/module"
	modzip "golang.org/x/mod/zip"
)

// TestGoInstall offers this tree as v0.1.0 of the module, as a module proxy does
// (golang.org/ref/mod, "GOPROXY protocol"), and installs the programs from there. Other
// modules come from what the Go command has downloaded before.
func TestGoInstall(t *testing.T) {
	of := module.Version{Path: "github.com/krm-bypass/krm-bypass", Version: "v0.1.0"}
	source := filepath.Join(scratch, "module")
	require.NoError(t, copySource(source))
	proxy := filepath.Join(scratch, "proxy")
	offered := filepath.Join(proxy, of.Path, "@v")
	require.NoError(t, os.MkdirAll(offered, 0o755))
	archive, err := os.Create(filepath.Join(offered, of.Version+".zip"))
	require.NoError(t, err)
	require.NoError(t, modzip.CreateFromDir(archive, of, source))
	require.NoError(t, archive.Close())
	requirements, err := os.ReadFile(filepath.Join(source, "go.mod"))
	require.NoError(t, err)
	for name, text := range map[string]string{"list": of.Version + "\n", of.Version + ".info": `{"Version": "` + of.Version + `"}`, of.Version + ".mod": string(requirements)} {
		require.NoError(t, os.WriteFile(filepath.Join(offered, name), []byte(text), 0o600))
	}
	known := strings.TrimSpace(output(t, "go", "env", "GOMODCACHE"))
	programs := t.TempDir()
	install := exec.Command("go", "install", of.Path+"/cmd/krm-bypass@"+of.Version, of.Path+"/cmd/krm-bypass-fn@"+of.Version)
	install.Dir = t.TempDir()
	install.Env = append(os.Environ(), "GOBIN="+programs, "GOMODCACHE="+filepath.Join(scratch, "modules"),
		"GOPROXY=file://"+proxy+",file://"+filepath.Join(known, "cache/download"), "GOSUMDB=off",
		// So that of the other modules what make dist compiled is taken.
		"GOFLAGS=-trimpath", "CGO_ENABLED=0", "GOTOOLCHAIN=local", "GOWORK=off")
	said, err := install.CombinedOutput()
	require.NoError(t, err, "%s", said)
	assert.Equal(t, of.Version+"\n", output(t, filepath.Join(programs, "krm-bypass"), "version"))
	assert.Equal(t, "krm-bypass-fn version "+of.Version+"\n", output(t, filepath.Join(programs, "krm-bypass-fn"), "--version"))
}
