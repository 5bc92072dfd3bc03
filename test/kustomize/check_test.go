package kustomize

import (
	"bytes"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// check runs krm-bypass check on a stream, against an example's spec.
func check(t *testing.T, stream, spec string) (code int, out string) {
	t.Helper()
	command := exec.Command(filepath.Join(clone, "bin", "krm-bypass"), "check", "-", "--spec", filepath.Join(clone, "examples", filepath.FromSlash(spec)))
	command.Stdin = strings.NewReader(stream)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	var exit *exec.ExitError
	if err := command.Run(); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		require.NoError(t, err)
	}
	require.Empty(t, stderr.String())
	return code, stdout.String()
}

// TestCheckCatchesTheFunctionSkipped builds the examples as a pipeline should,
// and as one does that forgot --enable-exec: kustomize says nothing, and check
// does.
func TestCheckCatchesTheFunctionSkipped(t *testing.T) {
	for folder, spec := range map[string]string{
		"examples/asm-ports":                           "asm-ports/bypass.yaml",
		"examples/component/shop":                      "component/bypass/spec/bypass.yaml",
		"examples/component/warehouse":                 "component/bypass/spec/bypass.yaml",
		"examples/dce-helloworld/overlays/passthrough": "dce-helloworld/overlays/passthrough/bypass.yaml",
		"examples/fsm-ip-range":                        "fsm-ip-range/bypass.yaml",
	} {
		t.Run(folder, func(t *testing.T) {
			code, out := check(t, render(t, folder), spec)
			assert.Zero(t, code, out)
			assert.Contains(t, out, "what krm-bypass writes")

			code, out = check(t, renderWithoutFunction(t, folder), spec)
			assert.Equal(t, 1, code, out)
			assert.Contains(t, out, ": missing: ")
			assert.Contains(t, out, "build with --enable-alpha-plugins and --enable-exec")
		})
	}
}
