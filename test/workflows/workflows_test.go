package workflows

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

const repository = "../.."

// findings gives what actionlint says of the workflows of a repository, and shellcheck
// of the scripts in them.
func findings(t *testing.T, root string) []string {
	t.Helper()
	shellcheck, err := exec.LookPath("shellcheck")
	require.NoError(t, err, "missing: shellcheck (Debian package shellcheck)")
	linter, err := actionlint.NewLinter(os.Stderr, &actionlint.LinterOptions{Shellcheck: shellcheck, WorkingDir: root})
	require.NoError(t, err)
	found, err := linter.LintRepository(root)
	require.NoError(t, err)
	var said []string
	for _, f := range found {
		said = append(said, f.Error())
	}
	return said
}

func TestWorkflowsOfThisRepository(t *testing.T) {
	root, err := filepath.Abs(repository)
	require.NoError(t, err)
	assert.Empty(t, findings(t, root))
}

// TestExampleUsesTheActionRight has the example use the action that stands here, as it
// would one of another repository, and then wrongly.
func TestExampleUsesTheActionRight(t *testing.T) {
	example, err := os.ReadFile(filepath.Join(repository, "examples/github/krm-bypass.yaml"))
	require.NoError(t, err)
	const elsewhere = "YOUR-ORGANISATION/krm-bypass@YOUR-COMMIT"
	require.Contains(t, string(example), elsewhere)
	here := strings.Replace(string(example), elsewhere, "./", 1)
	root := project(t, here)
	assert.Empty(t, findings(t, root))

	root = project(t, strings.Replace(here, "        spec: ", "        specs: ", 1))
	said := strings.Join(findings(t, root), "\n")
	assert.Contains(t, said, `input "specs" is not defined in action "krm-bypass"`)
}

// project makes a repository of action.yml and a workflow.
func project(t *testing.T, workflow string) string {
	t.Helper()
	root := t.TempDir()
	require.NoError(t, exec.Command("git", "init", "--quiet", root).Run())
	action, err := os.ReadFile(filepath.Join(repository, "action.yml"))
	require.NoError(t, err)
	folder := filepath.Join(root, ".github/workflows")
	require.NoError(t, os.MkdirAll(folder, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "action.yml"), action, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "krm-bypass.yaml"), []byte(workflow), 0o600))
	return root
}

// TestScriptsOfTheAction has shellcheck judge the steps of action.yml, where actionlint
// looks at the inputs and outputs alone.
func TestScriptsOfTheAction(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository, "action.yml"))
	require.NoError(t, err)
	var action struct {
		Runs struct {
			Steps []struct{ Name, Run string }
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &action))
	require.NotEmpty(t, action.Runs.Steps)
	for _, step := range action.Runs.Steps {
		shellcheck(t, "bash", step.Name, step.Run)
	}
}

// TestScriptOfTheComponent has shellcheck judge the script of templates/krm-bypass.yml.
func TestScriptOfTheComponent(t *testing.T) {
	file, err := os.Open(filepath.Join(repository, "templates/krm-bypass.yml"))
	require.NoError(t, err)
	defer file.Close()
	decoder := yaml.NewDecoder(file)
	var header yaml.Node
	require.NoError(t, decoder.Decode(&header))
	var jobs map[string]struct{ Script []string }
	require.NoError(t, decoder.Decode(&jobs))
	require.NotEmpty(t, jobs)
	for name, job := range jobs {
		require.NotEmpty(t, job.Script)
		shellcheck(t, "sh", name, strings.Join(job.Script, "\n"))
	}
}

func shellcheck(t *testing.T, shell, name, script string) {
	t.Helper()
	cmd := exec.Command("shellcheck", "--shell="+shell, "-")
	cmd.Stdin = strings.NewReader(script)
	said, err := cmd.CombinedOutput()
	assert.NoError(t, err, "%s\n%s", name, said)
}
