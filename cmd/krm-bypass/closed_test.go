package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestNothingIsDoneWithoutAStandardOutput starts the program without one, as >&- of a shell
// does.
func TestNothingIsDoneWithoutAStandardOutput(t *testing.T) {
	program := filepath.Join(t.TempDir(), "krm-bypass")
	said, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, string(said))
	files := map[string]string{"web.yaml": annotated, "in": resourceList(""), "bypass.yaml": bypassSpec, "kept/web.yaml": webDeployment}
	run := func(t *testing.T, line, to string) (string, map[string]string) {
		t.Helper()
		command := exec.Command("sh", "-c", program+" "+line+to)
		command.Dir = folder(t, files)
		said, _ := command.CombinedOutput()
		return fmt.Sprintf("%s%d", said, command.ProcessState.ExitCode()), contents(t, command.Dir)
	}
	for _, line := range []string{
		"import --strip web.yaml", "import --adopt web.yaml", "import web.yaml", "render kept --spec bypass.yaml", "render --diff kept --spec bypass.yaml",
		"explain kept --spec bypass.yaml", "explain kept --spec bypass.yaml -o html", "suggest kept", "schema", "completion bash", "version", "--version", "--help", "check --help", "<in", "lint",
		"check kept --spec bypass.yaml -o json", "lint kept --spec bypass.yaml -o sarif", "check kept --spec bypass.yaml --output text",
	} {
		t.Run(line, func(t *testing.T) {
			says, left := run(t, line, " >&-")
			assert.Regexp(t, "(^|\n)error: writing standard output: it is closed: send it into a file, as in > out.yaml\n[12]$", says)
			assert.Equal(t, files, left)
			says, left = run(t, line, " >/dev/full")
			assert.Regexp(t, "(^|\n)error: writing standard output: .*no space left on device\n[12]$", says)
			assert.Equal(t, files, left)
			says, left = run(t, line, " >/dev/null")
			switch rewrites, _, _ := strings.Cut(strings.TrimPrefix(line, "import "), " "); {
			case rewrites == "--strip" || rewrites == "--adopt":
				assert.Equal(t, "error: "+rewrites+": standard output leads nowhere, so that the specification would be lost: send it into a file, as in > bypass.yaml\n1", says)
			case strings.HasPrefix(line, "check kept"):
				assert.Regexp(t, "(^|\n)1$", says)
			default:
				assert.Regexp(t, "(^|\n)0$", says)
			}
			assert.Equal(t, files, left)
		})
	}
	// Of these the exit code is what counts, or files are.
	const lost = "(^|\n)warning: standard output is closed, so that the report is lost: the exit code alone says what was found\n"
	for line, code := range map[string]string{"check kept --spec bypass.yaml": lost + "1", "lint kept --spec bypass.yaml": lost + "0", "render --in-place kept --spec bypass.yaml": "1 of 1 file written\n0"} {
		says, _ := run(t, line, " >&-")
		assert.Regexp(t, code+"$", says, line)
		code = code[len(code)-1:]
		null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
		require.NoError(t, err)
		command := exec.Command("sh", "-c", program+" "+line)
		command.Dir, command.Stdout = folder(t, files), null
		_ = command.Run()
		assert.Equal(t, code, fmt.Sprint(command.ProcessState.ExitCode()), line)
		require.NoError(t, null.Close())
	}
	says, left := run(t, "render --in-place kept --spec bypass.yaml", " >/dev/full")
	assert.Equal(t, "info: 1 of 1 file written\n0", says, "nothing is printed")
	assert.NotEqual(t, files, left)
}
