package cluster

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

var (
	shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")
	textBlock  = regexp.MustCompile("(?s)```text\n(.*?)\n```")
)

// TestAdmissionPage does what docs/admission.md says, in its order but for the
// last, and looks after each command at what it says that then is.
func TestAdmissionPage(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository, "docs/admission.md"))
	require.NoError(t, err)
	var commands []string
	for _, block := range shellBlock.FindAllStringSubmatch(string(text), -1) {
		commands = append(commands, block[1])
	}
	require.Len(t, commands, 4, "warn, refuse, take out, exempt")
	warn, refuse, takeOut, exempt := commands[0], commands[1], commands[2], commands[3]
	told := textBlock.FindStringSubmatch(string(text))[1]
	byHand := annotated("Deployment")

	shell(t, warn)
	await(t, "it warns", func() bool {
		answer, err := try(t, byHand)
		require.NoError(t, err, "it refuses nothing yet")
		return strings.Contains(strings.Join(answer.Warnings, "\n"), told)
	})

	shell(t, refuse)
	await(t, "it refuses", func() bool { return refusal(t, byHand) != "" })
	assert.Equal(t, told, refusal(t, byHand))

	makeNamespace(t, "legacy")
	legacy := annotated("Deployment")
	below(legacy, "metadata")["namespace"] = "legacy"
	assert.Equal(t, told, refusal(t, legacy))
	shell(t, exempt)
	await(t, "the namespace is exempt", func() bool { return refusal(t, legacy) == "" })
	assert.Equal(t, told, refusal(t, byHand), "other namespaces are not")

	shell(t, takeOut)
	await(t, "it is gone", func() bool { return refusal(t, byHand) == "" })
}

// shell runs a command as a reader would, with krm-bypass and kubectl in PATH.
func shell(t *testing.T, command string) {
	t.Helper()
	sh := exec.Command("sh", "-e", "-c", command)
	sh.Env = server.Environment(filepath.Dir(program))
	said, err := sh.CombinedOutput()
	require.NoError(t, err, "%s\n%s", command, said)
	assert.NotEmpty(t, said)
}
