package pipelines

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/test/ways"
)

// action is what of action.yml decides how its steps run.
type action struct {
	Inputs  map[string]struct{ Default string }
	Outputs map[string]struct{ Value string }
	Runs    struct {
		Using string
		Steps []step
	}
}

type step struct {
	Name, ID, If, Shell, Run, Uses string
	Env                            map[string]string
}

func readAction(t *testing.T) action {
	t.Helper()
	file, err := os.Open(filepath.Join(ways.Repository(), "action.yml"))
	require.NoError(t, err)
	defer file.Close()
	var a action
	require.NoError(t, yaml.NewDecoder(file).Decode(&a))
	require.Equal(t, "composite", a.Runs.Using)
	return a
}

// A job is a run of the action on a change.
type job struct {
	dir      string
	outputs  map[string]string // of the action
	log      string
	failed   []string // steps
	summary  string
	notes    string // of gh
	contexts map[string]string
}

// run runs the steps of the action as a runner does: each in a shell of its own, with the
// environment that its expressions come to, and without one after a step that failed,
// unless it asks for it.
func run(t *testing.T, c change, inputs map[string]string, more ...string) job {
	t.Helper()
	a := readAction(t)
	temp := t.TempDir()
	j := job{dir: c.dir, outputs: map[string]string{}, contexts: map[string]string{
		"github.event.pull_request.base.sha": c.base,
		"github.event.pull_request.number":   "7",
		"github.repository":                  "shop/clusters",
		"github.sha":                         c.head,
		"github.ref":                         "refs/pull/7/merge",
		"github.token":                       "a-token",
		"github.action_path":                 ways.Repository(),
	}}
	for name, input := range a.Inputs {
		j.contexts["inputs."+name] = j.value(t, input.Default)
	}
	for name, value := range inputs {
		require.Contains(t, a.Inputs, name)
		j.contexts["inputs."+name] = value
	}
	notes, summary := filepath.Join(temp, "notes"), filepath.Join(temp, "summary")
	for _, s := range a.Runs.Steps {
		if !j.runs(t, s) {
			continue
		}
		output, script := filepath.Join(temp, "output"), filepath.Join(temp, "script")
		require.NoError(t, os.WriteFile(output, nil, 0o600))
		require.NoError(t, os.WriteFile(script, []byte(s.Run), 0o600))
		cmd := exec.Command("bash", "--noprofile", "--norc", "-e", "-o", "pipefail", script)
		cmd.Dir = c.dir
		cmd.Env = append(clean(t, "RUNNER_TEMP="+temp, "GITHUB_OUTPUT="+output, "GITHUB_STEP_SUMMARY="+summary, "GH_NOTES="+notes), more...)
		for name, value := range s.Env {
			cmd.Env = append(cmd.Env, name+"="+j.value(t, value))
		}
		said, err := cmd.CombinedOutput()
		j.log += string(said)
		j.contexts["steps."+s.ID+".outcome"] = "success"
		if err != nil {
			j.contexts["steps."+s.ID+".outcome"] = "failure"
			j.failed = append(j.failed, s.Name)
		}
		for line := range strings.Lines(readText(t, output)) {
			name, value, found := strings.Cut(strings.TrimSpace(line), "=")
			require.True(t, found, line)
			j.contexts["steps."+s.ID+".outputs."+name] = value
		}
	}
	for name, output := range a.Outputs {
		j.outputs[name] = j.value(t, output.Value)
	}
	j.notes, j.summary = readText(t, notes), readText(t, summary)
	return j
}

// runs reports whether a step runs. The action uses two conditions.
func (j *job) runs(t *testing.T, s step) bool {
	t.Helper()
	switch s.If {
	case "":
		return len(j.failed) == 0
	case "${{ !cancelled() && steps.program.outcome == 'success' }}":
		return j.contexts["steps.program.outcome"] == "success"
	}
	t.Fatalf("the test does not know the condition %s", s.If)
	return false
}

var expression = regexp.MustCompile(`\$\{\{ ([a-z._-]+) \}\}`)

// value evaluates what the action uses of the expressions: a name in a context. A name
// that is not there is empty, as it is to GitHub.
func (j *job) value(t *testing.T, text string) string {
	t.Helper()
	return expression.ReplaceAllStringFunc(text, func(found string) string {
		name := expression.FindStringSubmatch(found)[1]
		if _, known := j.contexts[name]; !known && !strings.HasPrefix(name, "steps.") {
			t.Fatalf("the test does not know %s", name)
		}
		return j.contexts[name]
	})
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if !os.IsNotExist(err) {
		require.NoError(t, err)
	}
	return string(text)
}

// standIn has gh found in PATH.
func standIn(t *testing.T) string {
	t.Helper()
	folder, err := filepath.Abs("testdata")
	require.NoError(t, err)
	return "PATH=" + tools + ":" + folder
}

var given = map[string]string{"program": "krm-bypass"}

func with(inputs map[string]string) map[string]string {
	all := maps.Clone(given)
	maps.Copy(all, inputs)
	return all
}

func TestActionCommentsOnAChangeAndRenders(t *testing.T) {
	c := newChange(t, []text{before}, nil)
	j := run(t, c, given, standIn(t))
	assert.Empty(t, j.failed, j.log)
	assert.Contains(t, j.summary, "2 changed, and the pods of 2 restart.**")
	assert.Contains(t, j.summary, "| + | excludeOutboundPorts | `3306` |")
	assert.Equal(t, j.summary, readText(t, j.outputs["report"]))

	asked, body, found := strings.Cut(j.notes, "gh pr comment 7 --body-file ")
	require.True(t, found, j.notes)
	assert.Regexp(t, `^gh pr view 7 --json comments --jq `, asked)
	_, body, _ = strings.Cut(body, "\n")
	assert.Regexp(t, `^<!-- krm-bypass [0-9a-f]{16} -->\n`, body)
	assert.True(t, strings.HasSuffix(body, j.summary), body)

	ways.Compare(t, []byte(readText(t, j.outputs["rendered"])))
	assert.Contains(t, readText(t, j.outputs["sarif"]), `"version": "2.1.0"`)
}

func TestActionReplacesItsComment(t *testing.T) {
	c := newChange(t, []text{before}, nil)
	j := run(t, c, given, standIn(t), "GH_ANSWER=https://github.com/shop/clusters/pull/7#issuecomment-4711")
	assert.Empty(t, j.failed, j.log)
	assert.Contains(t, j.notes, "\ngh api --method PATCH repos/shop/clusters/issues/comments/4711 --field body=@")
	assert.NotContains(t, j.notes, "gh pr comment")
	assert.Contains(t, j.notes, "2 changed, and the pods of 2 restart.**")
}

func TestActionWritesNothingWhereNothingChanges(t *testing.T) {
	j := run(t, newChange(t, nil, nil), given, standIn(t))
	assert.Empty(t, j.failed, j.log)
	assert.Regexp(t, `^gh pr view [^\n]*\n$`, j.notes)
	assert.Contains(t, j.log, "no workload changes: no comment")
	assert.Contains(t, j.summary, "; 0 changed,")
}

func TestActionAsksNobodyWithoutAPullRequestOrWhereItMustNotComment(t *testing.T) {
	c := newChange(t, []text{before}, nil)
	j := run(t, c, with(map[string]string{"comment": "false"}))
	assert.Empty(t, j.failed, j.log)
	assert.Contains(t, j.summary, "2 changed")
	j = run(t, c, with(map[string]string{"before": ""}))
	assert.NotContains(t, j.summary, "changed")
}

func TestActionGoesOnWhereItMayNotComment(t *testing.T) {
	j := run(t, newChange(t, []text{before}, nil), given, standIn(t), "GH_DENIED=yes")
	assert.Empty(t, j.failed, j.log)
	assert.Contains(t, j.log, "::warning title=krm-bypass::nothing was written on the pull request: the token needs pull-requests write")
	ways.Compare(t, []byte(readText(t, j.outputs["rendered"])))
}

// lastTakenAway are the ways to take the last workload of a path away.
var lastTakenAway = map[string]struct {
	path string
	take func(t *testing.T, dir string)
	says string
}{
	"its folder": {"templates", func(t *testing.T, dir string) { require.NoError(t, os.RemoveAll(filepath.Join(dir, "templates"))) }, "templates: not there, and passed over"},
	"its resources": {"templates", func(t *testing.T, dir string) {
		names, err := filepath.Glob(filepath.Join(dir, "templates", "*"))
		require.NoError(t, err)
		for _, name := range names {
			require.NoError(t, os.WriteFile(name, []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"), 0o600))
		}
	}, ""},
}

func TestActionReportsThatTheLastWorkloadIsTakenAway(t *testing.T) {
	for name, last := range lastTakenAway {
		t.Run(name, func(t *testing.T) {
			c := newChange(t, nil, nil)
			last.take(t, c.dir)
			inputs := map[string]string{"path": last.path, "spec": "bypass.yaml"}
			j := run(t, c, with(inputs), standIn(t))
			assert.Equal(t, []string{"Check"}, j.failed, j.log)
			assert.Contains(t, j.notes, "gh pr comment", "something changed, though no workload did that is there")

			inputs["allow-none"] = "true"
			j = run(t, c, with(inputs), standIn(t))
			assert.Empty(t, j.failed, j.log)
			assert.Contains(t, j.log, last.says)
			assert.Contains(t, j.summary, "; 3 gone.**")
			assert.Contains(t, j.summary, "- `Deployment shop/web`")
			assert.FileExists(t, j.outputs["rendered"])
			assert.NotContains(t, readText(t, j.outputs["rendered"]), "Deployment")

			inputs["before"] = ""
			j = run(t, c, with(inputs), standIn(t))
			assert.Empty(t, j.failed, j.log)
		})
	}
}

// TestActionPassesTheChangeThatTakesTheSpecOut has the next change pass too.
func TestActionPassesTheChangeThatTakesTheSpecOut(t *testing.T) {
	c := newChange(t, nil, nil)
	takeOut(t, c.dir)
	j := run(t, c, given, standIn(t))
	assert.Equal(t, []string{"Check"}, j.failed, "there is no ClusterBypass, and nobody said that there may be none")

	inputs := with(map[string]string{"path": ".\ngone", "spec": "bypass.yaml", "allow-none": "true"})
	j = run(t, c, inputs, standIn(t))
	assert.Empty(t, j.failed, j.log)
	assert.Contains(t, j.summary, "3 changed, and the pods of 2 restart.**")
	assert.Contains(t, j.log, "warning: .: no ClusterBypass applies, which passes as --allow-none says")
	assert.NotContains(t, readText(t, j.outputs["rendered"]), "krm-bypass")
	assert.Contains(t, readText(t, j.outputs["rendered"]), "kind: Deployment")

	git(t, c.dir, "commit", "--quiet", "--all", "--message=out")
	c.base = git(t, c.dir, "rev-parse", "HEAD")
	j = run(t, c, inputs, standIn(t))
	assert.Empty(t, j.failed, j.log)
	assert.Contains(t, j.summary, "; 0 changed,")
}

// takeOut takes the specification out of the tree.
func takeOut(t *testing.T, dir string) {
	t.Helper()
	require.NoError(t, os.Remove(filepath.Join(dir, "bypass.yaml")))
	kustomization := filepath.Join(dir, "kustomization.yaml")
	resources, _, found := strings.Cut(readText(t, kustomization), "transformers:")
	require.True(t, found)
	require.NoError(t, os.WriteFile(kustomization, []byte(resources), 0o600))
}

// outside copies the manifests out of the repository: explain cannot compare them.
func outside(t *testing.T, c change) string {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, os.CopyFS(folder, os.DirFS(filepath.Join(c.dir, "templates"))))
	return folder
}

func TestActionFailsWhereExplainAloneDoes(t *testing.T) {
	c := newChange(t, nil, nil)
	j := run(t, c, with(map[string]string{"path": outside(t, c), "spec": "bypass.yaml", "judge": "lint"}), standIn(t))
	assert.Equal(t, []string{"Explain"}, j.failed, j.log)
	assert.Contains(t, j.summary, "krm-bypass cannot say what this change does.")
	assert.Contains(t, j.summary, "finding the git repository")
	assert.Contains(t, j.notes, "gh pr comment")
}

// TestActionPassesWhatMendsTheBase has a mistake at the base.
func TestActionPassesWhatMendsTheBase(t *testing.T) {
	mistake := text{"bypass.yaml", "excludeOutboundPorts: [3306]", "excludeOutboundPort: [3306]"}
	j := run(t, newChange(t, []text{mistake}, nil), given, standIn(t))
	assert.Empty(t, j.failed, j.log)
	assert.Contains(t, j.summary, "the earlier state cannot be read, so nothing is compared with it: ")
	assert.Contains(t, j.summary, "### What bypasses")
	assert.Contains(t, j.notes, "gh pr comment")
	ways.Compare(t, []byte(readText(t, j.outputs["rendered"])))
}

func TestActionFailsWithAnnotations(t *testing.T) {
	for name, c := range map[string]struct {
		texts   []text
		inputs  map[string]string
		failed  []string
		says    string
		comment bool
	}{
		"a mistake in the spec": {
			texts:  []text{{"bypass.yaml", "excludeOutboundPorts: [3306]", "excludeOutboundPort: [3306]"}},
			failed: []string{"Explain", "Check"},
			says:   "unknown field \"excludeOutboundPort\"", comment: true,
		},
		"what the limits forbid": {
			texts:   []text{{"bypass.yaml", "spec:\n", "spec:\n  limits: {forbiddenInboundPorts: [9090]}\n"}},
			failed:  []string{"Explain", "Check"},
			says:    "::error file=templates/web.yaml,line=17,title=krm-bypass%3A refused::",
			comment: true,
		},
		"an expired rule": {
			texts:   []text{{"bypass.yaml", "  - match: {names: [shop]}\n", "  - match: {names: [shop]}\n    expires: 2020-01-31\n"}},
			failed:  []string{"Check"},
			says:    "::error file=bypass.yaml,line=17,title=krm-bypass%3A expired::",
			comment: true,
		},
		"files that are not rendered": {
			inputs: map[string]string{"path": "templates\n\n", "spec": "bypass.yaml\n"},
			failed: []string{"Check"},
			says:   "::error file=templates/web.yaml,line=", comment: true,
		},
		"a path that is not there": {
			inputs: map[string]string{"path": "nowhere"},
			failed: []string{"Explain", "Check"},
			says:   "nowhere", comment: true,
		},
		"a program that is not there": {
			inputs: map[string]string{"program": "krm-bypas"},
			failed: []string{"Get krm-bypass"},
			says:   "::error title=krm-bypass::program: krm-bypas is not on this runner",
		},
		"an image by its tag": {
			inputs: map[string]string{"program": "", "image": "registry.example.com/mesh/krm-bypass:v0.1.0"},
			failed: []string{"Get krm-bypass"},
			says:   "::error title=krm-bypass::image: expected NAME@sha256:DIGEST here, found registry.example.com/mesh/krm-bypass:v0.1.0",
		},
		"another command": {
			inputs: map[string]string{"judge": "render"},
			failed: []string{"Check"},
			says:   "::error title=krm-bypass::judge: expected check or lint here, found render", comment: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			j := run(t, newChange(t, []text{before}, c.texts), with(c.inputs), standIn(t))
			assert.Equal(t, c.failed, j.failed, j.log)
			assert.Contains(t, j.log, c.says)
			assert.Empty(t, j.outputs["rendered"], "what is refused is not rendered")
			assert.Equal(t, c.comment, strings.Contains(j.notes, "gh pr comment"), j.notes)
		})
	}
}

func TestActionLintsFilesThatAreRenderedLater(t *testing.T) {
	c := newChange(t, []text{before}, nil)
	// A name with blanks, which is not at the base.
	require.NoError(t, os.Rename(filepath.Join(c.dir, "templates"), filepath.Join(c.dir, "the shop's files")))
	j := run(t, c, with(map[string]string{"path": "the shop's files\n", "spec": "bypass.yaml", "judge": "lint", "comment": "false"}))
	assert.Empty(t, j.failed, j.log)
	ways.Compare(t, []byte(readText(t, j.outputs["rendered"])))
}

func TestActionSendsFindingsToCodeScanning(t *testing.T) {
	expired := text{"bypass.yaml", "  - match: {names: [shop]}\n", "  - match: {names: [shop]}\n    expires: 2020-01-31\n"}
	c := newChange(t, nil, []text{expired})
	inputs := with(map[string]string{"code-scanning": "true", "comment": "false"})
	j := run(t, c, inputs, standIn(t))
	assert.Equal(t, []string{"Check"}, j.failed, j.log)
	asked, sent, _ := strings.Cut(j.notes, "\n")
	assert.Contains(t, asked, "gh api --method POST repos/shop/clusters/code-scanning/sarifs --field sarif=@")
	assert.Contains(t, asked, "commit_sha="+c.head+" --raw-field ref=refs/pull/7/merge")
	packed, err := base64.StdEncoding.DecodeString(sent)
	require.NoError(t, err)
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	require.NoError(t, err)
	sarif, err := io.ReadAll(reader)
	require.NoError(t, err)
	assert.Equal(t, readText(t, j.outputs["sarif"]), string(sarif))
	assert.Contains(t, string(sarif), `"expired"`)

	j = run(t, c, inputs, standIn(t), "GH_DENIED=yes")
	assert.Contains(t, j.log, "::warning title=krm-bypass::code scanning did not take the findings")
	assert.Contains(t, j.log, "title=krm-bypass%3A expired::")
}

// TestActionBuildsItself has it take krm-bypass from the source that comes with it.
func TestActionBuildsItself(t *testing.T) {
	program, err := exec.LookPath("go")
	require.NoError(t, err)
	settings := []string{"PATH=" + tools + ":" + filepath.Dir(program)}
	for _, name := range []string{"GOMODCACHE", "GOCACHE", "GOTOOLCHAIN", "GOROOT"} {
		value, err := exec.Command("go", "env", name).Output()
		require.NoError(t, err)
		settings = append(settings, name+"="+strings.TrimSpace(string(value)))
	}
	j := run(t, newChange(t, nil, nil), map[string]string{"comment": "false"}, settings...)
	assert.Empty(t, j.failed, j.log)
	assert.Contains(t, j.log, "krm-bypass version ")
	assert.Equal(t, "krm-bypass", filepath.Base(j.contexts["steps.program.outputs.program"]))
	ways.Compare(t, []byte(readText(t, j.outputs["rendered"])))
}

// TestActionIsPinned holds that what the action runs is in its own text, and what the
// example uses of others has a commit.
func TestActionIsPinned(t *testing.T) {
	for _, s := range readAction(t).Runs.Steps {
		assert.Empty(t, s.Uses, s.Name)
		assert.Equal(t, "bash", s.Shell, s.Name)
		assert.NotContains(t, s.Run, "${{", "%s: whoever chooses a value would write shell", s.Name)
	}
	workflow := readText(t, filepath.Join(ways.Repository(), "examples/github/krm-bypass.yaml"))
	uses := regexp.MustCompile(`(?m)^ *- uses: (\S+)@(\S+)`).FindAllStringSubmatch(workflow, -1)
	require.Len(t, uses, 2)
	for _, used := range uses {
		if used[1] != "YOUR-ORGANISATION/krm-bypass" {
			assert.Regexp(t, "^[0-9a-f]{40}$", used[2], used[1])
		}
	}
}
