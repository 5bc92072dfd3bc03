package pipelines

import (
	"encoding/json"
	"io"
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

// component is what of templates/krm-bypass.yml decides how its job runs.
type component struct {
	Spec struct {
		Inputs map[string]struct {
			Default *string
			Options []string
		}
	}
	jobs map[string]gitLabJob
}

type gitLabJob struct {
	Image, Stage string
	Variables    map[string]variable
	Script       []string
	Artefacts    struct {
		When    string
		Paths   []string
		Reports map[string]string
	} `yaml:"artifacts"`
}

// variable is a value, or a mapping that has it.
type variable struct{ Value string }

func (v *variable) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		return node.Decode(&v.Value)
	}
	type plain variable
	return node.Decode((*plain)(v))
}

var interpolation = regexp.MustCompile(`\$\[\[ inputs\.([a-z-]+) \]\]`)

// include reads the component as GitLab does for an include with inputs: the header first,
// then the rest, in each value of which the inputs stand.
func include(t *testing.T, inputs map[string]string) component {
	t.Helper()
	file, err := os.Open(filepath.Join(ways.Repository(), "templates/krm-bypass.yml"))
	require.NoError(t, err)
	defer file.Close()
	decoder := yaml.NewDecoder(file)
	var c component
	require.NoError(t, decoder.Decode(&c))
	for name := range inputs {
		require.Contains(t, c.Spec.Inputs, name)
	}
	var rest yaml.Node
	require.NoError(t, decoder.Decode(&rest))
	require.ErrorIs(t, decoder.Decode(new(yaml.Node)), io.EOF)
	interpolate(&rest, func(name string) string {
		input, known := c.Spec.Inputs[name]
		require.True(t, known, name)
		if value, given := inputs[name]; given {
			if input.Options != nil {
				require.Contains(t, input.Options, value)
			}
			return value
		}
		require.NotNil(t, input.Default, "%s has to be given", name)
		return *input.Default
	})
	require.NoError(t, rest.Decode(&c.jobs))
	require.Len(t, c.jobs, 1)
	return c
}

func interpolate(node *yaml.Node, value func(string) string) {
	node.Value = interpolation.ReplaceAllStringFunc(node.Value, func(found string) string {
		return value(interpolation.FindStringSubmatch(found)[1])
	})
	for _, child := range node.Content {
		interpolate(child, value)
	}
}

// runJob runs the job's script in a shell, and gives what it said and whether it passed.
func runJob(t *testing.T, c change, shell []string, job gitLabJob, more ...string) (string, bool) {
	t.Helper()
	// git clean between jobs, as a runner does it.
	require.NoError(t, os.RemoveAll(filepath.Join(c.dir, ".krm-bypass")))
	cmd := exec.Command(shell[0], append(shell[1:], strings.Join(job.Script, "\n"))...)
	cmd.Dir = c.dir
	cmd.Env = append(clean(t, "CI_COMMIT_SHA="+c.head), more...)
	for name, v := range job.Variables {
		cmd.Env = append(cmd.Env, name+"="+v.Value)
	}
	said, err := cmd.CombinedOutput()
	return string(said), err == nil
}

var shells = map[string][]string{
	"bash": {"bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c"},
	"sh":   {"sh", "-e", "-c"},
}

const image = "registry.example.com/mesh/ci@sha256:0000000000000000000000000000000000000000000000000000000000000000"

func TestComponentReportsAChangeAndRenders(t *testing.T) {
	job := include(t, map[string]string{"image": image}).jobs["krm-bypass"]
	assert.Equal(t, image, job.Image)
	assert.Equal(t, "test", job.Stage)
	c := newChange(t, []text{before}, nil)
	for name, shell := range shells {
		t.Run(name, func(t *testing.T) {
			said, passed := runJob(t, c, shell, job, "CI_MERGE_REQUEST_DIFF_BASE_SHA="+c.base)
			require.True(t, passed, said)
			assert.Contains(t, said, "2 of 3 workloads changed, and the pods of 2 restart")
			assert.JSONEq(t, "[]", readText(t, filepath.Join(c.dir, job.Artefacts.Reports["codequality"])))
			assert.Contains(t, readText(t, filepath.Join(c.dir, ".krm-bypass/bypass.html")), "excludeOutboundPorts")
			ways.Compare(t, []byte(readText(t, filepath.Join(c.dir, ".krm-bypass/rendered.yaml"))))
		})
	}
	t.Run("on a branch", func(t *testing.T) {
		said, passed := runJob(t, c, shells["sh"], job)
		require.True(t, passed, said)
		assert.NotContains(t, said, "changed")
	})
}

// TestComponentFails has the report be there even then.
func TestComponentFails(t *testing.T) {
	for name, c := range map[string]struct {
		texts  []text
		inputs map[string]string
		file   string
		says   string
	}{
		"a mistake in the spec": {
			texts: []text{{"bypass.yaml", "excludeOutboundPorts: [3306]", "excludeOutboundPort: [3306]"}},
			file:  "bypass.yaml", says: `unknown field "excludeOutboundPort"`,
		},
		"what the limits forbid": {
			texts: []text{{"bypass.yaml", "spec:\n", "spec:\n  limits: {forbiddenInboundPorts: [9090]}\n"}},
			file:  "templates/web.yaml", says: "inbound port 9090 must not bypass the sidecar",
		},
		"files that are not rendered": {
			inputs: map[string]string{"path": "templates\n", "spec": "bypass.yaml"},
			file:   "templates/orders.yaml", says: "render it with krm-bypass",
		},
	} {
		t.Run(name, func(t *testing.T) {
			inputs := map[string]string{"image": image}
			for name, value := range c.inputs {
				inputs[name] = value
			}
			job := include(t, inputs).jobs["krm-bypass"]
			change := newChange(t, []text{before}, c.texts)
			said, passed := runJob(t, change, shells["sh"], job, "CI_MERGE_REQUEST_DIFF_BASE_SHA="+change.base)
			assert.False(t, passed)
			assert.Contains(t, said, c.says)
			assert.NoFileExists(t, filepath.Join(change.dir, ".krm-bypass/rendered.yaml"), "what is refused is not rendered")
			assert.Equal(t, "always", job.Artefacts.When)
			assert.Equal(t, []string{".krm-bypass/"}, job.Artefacts.Paths)
			var report []struct {
				Description, Fingerprint, Severity string
				Check                              string `json:"check_name"`
				Location                           struct {
					Path  string
					Lines struct{ Begin int }
				}
			}
			require.NoError(t, json.Unmarshal([]byte(readText(t, filepath.Join(change.dir, job.Artefacts.Reports["codequality"]))), &report))
			require.NotEmpty(t, report)
			assert.Equal(t, c.file, report[0].Location.Path)
			assert.Positive(t, report[0].Location.Lines.Begin)
			assert.FileExists(t, filepath.Join(change.dir, report[0].Location.Path))
		})
	}
}

func TestComponentReportsThatTheLastWorkloadIsTakenAway(t *testing.T) {
	for name, last := range lastTakenAway {
		t.Run(name, func(t *testing.T) {
			c := newChange(t, nil, nil)
			last.take(t, c.dir)
			inputs := map[string]string{"image": image, "path": last.path, "spec": "bypass.yaml"}
			job := include(t, inputs).jobs["krm-bypass"]
			said, passed := runJob(t, c, shells["sh"], job, "CI_MERGE_REQUEST_DIFF_BASE_SHA="+c.base)
			assert.False(t, passed, said)

			inputs["allow-none"] = "true"
			job = include(t, inputs).jobs["krm-bypass"]
			for _, shell := range shells {
				said, passed = runJob(t, c, shell, job, "CI_MERGE_REQUEST_DIFF_BASE_SHA="+c.base)
				require.True(t, passed, said)
				assert.Contains(t, said, "gone: StatefulSet shop/orders, CronJob back-office/report, Deployment shop/web\n")
				assert.Contains(t, said, last.says)
				assert.Contains(t, readText(t, filepath.Join(c.dir, ".krm-bypass/bypass.html")), "Gone: ")
				var report []struct{ Description string }
				require.NoError(t, json.Unmarshal([]byte(readText(t, filepath.Join(c.dir, job.Artefacts.Reports["codequality"]))), &report))
				if last.says == "" {
					assert.Empty(t, report)
				} else if assert.Len(t, report, 1) {
					assert.Contains(t, report[0].Description, last.says)
				}
				assert.NotContains(t, readText(t, filepath.Join(c.dir, ".krm-bypass/rendered.yaml")), "Deployment")
				said, passed = runJob(t, c, shell, job)
				require.True(t, passed, said)
			}
		})
	}
}

func TestComponentPassesTheChangeThatTakesTheSpecOut(t *testing.T) {
	c := newChange(t, nil, nil)
	takeOut(t, c.dir)
	inputs := map[string]string{"image": image, "path": ".\ngone", "spec": "bypass.yaml", "allow-none": "true"}
	for name, shell := range shells {
		said, passed := runJob(t, c, shell, include(t, inputs).jobs["krm-bypass"], "CI_MERGE_REQUEST_DIFF_BASE_SHA="+c.base)
		require.True(t, passed, "%s: %s", name, said)
		assert.Contains(t, said, "3 of 3 workloads changed, and the pods of 2 restart")
		assert.Contains(t, readText(t, filepath.Join(c.dir, ".krm-bypass/rendered.yaml")), "kind: Deployment")
	}
}

func TestComponentFailsWhereExplainAloneDoes(t *testing.T) {
	c := newChange(t, nil, nil)
	job := include(t, map[string]string{"image": image, "path": outside(t, c), "spec": "bypass.yaml", "judge": "lint"}).jobs["krm-bypass"]
	said, passed := runJob(t, c, shells["sh"], job, "CI_MERGE_REQUEST_DIFF_BASE_SHA="+c.base)
	assert.False(t, passed, said)
	assert.Contains(t, said, "finding the git repository")
}

// TestComponentPassesWhatMendsTheBase has a mistake at the base.
func TestComponentPassesWhatMendsTheBase(t *testing.T) {
	job := include(t, map[string]string{"image": image}).jobs["krm-bypass"]
	c := newChange(t, []text{{"bypass.yaml", "excludeOutboundPorts: [3306]", "excludeOutboundPort: [3306]"}}, nil)
	said, passed := runJob(t, c, shells["sh"], job, "CI_MERGE_REQUEST_DIFF_BASE_SHA="+c.base)
	require.True(t, passed, said)
	assert.Contains(t, said, "the earlier state cannot be read")
	assert.Contains(t, readText(t, filepath.Join(c.dir, ".krm-bypass/bypass.html")), "the earlier state cannot be read")
}

func TestComponentLintsFilesThatAreRenderedLater(t *testing.T) {
	job := include(t, map[string]string{"image": image, "path": "templates", "spec": "bypass.yaml", "judge": "lint", "job": "mesh", "stage": "build"}).jobs["mesh"]
	assert.Equal(t, "build", job.Stage)
	c := newChange(t, nil, nil)
	said, passed := runJob(t, c, shells["sh"], job)
	require.True(t, passed, said)
	ways.Compare(t, []byte(readText(t, filepath.Join(c.dir, ".krm-bypass/rendered.yaml"))))
}

// TestInputsOfTheComponentAreNoShell holds that an input is a value where it stands, and
// never a part of the script.
func TestInputsOfTheComponentAreNoShell(t *testing.T) {
	job := include(t, map[string]string{"image": image, "path": "$(touch touched)\n`touch touched`; touch touched"}).jobs["krm-bypass"]
	c := newChange(t, nil, nil)
	_, passed := runJob(t, c, shells["sh"], job)
	assert.False(t, passed)
	assert.NoFileExists(t, filepath.Join(c.dir, "touched"))
}
