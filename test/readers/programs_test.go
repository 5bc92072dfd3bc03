package readers

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// The repository, seen from this package, where go test runs its tests.
const repository = "../.."

// TestKubectlItself holds the judge to the program: what kubectl prints, with an
// annotation more, are the templates that the judge sees.
func TestKubectlItself(t *testing.T) {
	program := tool(t, "kubectl")
	build := exec.Command("go", "build", "-C", filepath.Join(repository, "test", "kubernetes"), "-trimpath", "-ldflags=-s -w", "-o", program, "./kubectl")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	said, err := build.CombinedOutput()
	require.NoError(t, err, "building kubectl: %s", said)

	const mark = "example.com/marked"
	run := func(folder string) ([]Template, error) {
		// As JSON: a quoted key "<<" is not quoted any more in its YAML.
		annotate := exec.Command(program, "annotate", "--local", "-f", "x.yaml", "-o", "json", mark+"=1")
		annotate.Dir = folder
		annotate.Env = append(os.Environ(), "HOME="+folder, "KUBECONFIG=")
		printed, err := annotate.Output()
		var templates []Template
		for decoder := json.NewDecoder(strings.NewReader(string(printed))); decoder.More(); {
			var object map[string]any
			require.NoError(t, decoder.Decode(&object))
			if template, ok := templateOf(object); ok {
				delete(template.Annotations, mark)
				templates = append(templates, template)
			}
		}
		return templates, err
	}
	eachRow(t, kubectl{}, run, nil)
}

// TestKustomizeItself holds the judge to the program, which builds a folder with
// the text as its resource.
func TestKustomizeItself(t *testing.T) {
	program := tool(t, "kustomize")
	require.FileExists(t, program, "make kustomize installs it")
	run := func(folder string) ([]Template, error) {
		require.NoError(t, os.WriteFile(filepath.Join(folder, "kustomization.yaml"), []byte("resources: [x.yaml]\n"), 0o600))
		build := exec.Command(program, "build", ".")
		build.Dir = folder
		printed, err := build.Output()
		var templates []Template
		for document := range strings.SplitSeq(string(printed), "\n---\n") {
			var object map[string]any
			require.NoError(t, yaml.Unmarshal([]byte(document), &object))
			if template, ok := templateOf(object); ok {
				templates = append(templates, template)
			}
		}
		return templates, err
	}
	eachRow(t, newKustomize(), run, map[string]string{
		"1,000 documents":                         "a build refuses two objects of one name; other readers do not",
		"an item that is an alias to another":     "a build refuses two objects of one name",
		"a list in a list by an alias too":        "a build refuses two objects of one name",
		"a Deployment that is local to kustomize": "a build leaves local objects out",
		"a NEL escaped in a value":                "what a build prints has a raw NEL in quotes, which whoever reads it folds into a blank",
	})
}

func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(repository, ".cache", "bin", name))
	require.NoError(t, err)
	return path
}

// eachRow has a program read every text of the table, as x.yaml of a folder, and
// compares what it makes of it with what a judge sees. Rows that differ on purpose
// have to.
func eachRow(t *testing.T, judge Reader, run func(folder string) ([]Template, error), differing map[string]string) {
	for _, section := range table {
		for _, row := range section.rows {
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				folder := t.TempDir()
				require.NoError(t, os.WriteFile(filepath.Join(folder, "x.yaml"), []byte(row.text), 0o600))

				templates, err := run(folder)
				program, want := Reading{Templates: templates, Err: err}, judge.Read([]byte(row.text))
				same := slices.Equal(program.keys(), want.keys()) && (program.Err != nil) == (want.Err != nil)
				if reason := differing[row.name]; reason != "" {
					assert.False(t, same, "they are the same now; take its reason away: %s", reason)
					return
				}
				assert.True(t, same, "the judge sees %s (%v)\nthe program %s (%v)", want, want.Err, program, program.Err)
			})
		}
	}
}
