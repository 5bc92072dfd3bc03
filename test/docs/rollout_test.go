package docs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/node"
)

const firstSpec = `apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata: {name: cluster}
spec:
  mesh: Istio
  enforcement: {mode: AnnotationsOnly, image: registry.example.com/mesh/init:v0.1.0}
  workloads:
  - {match: {names: [orders]}, reason: the database is outside, excludeOutboundPorts: [3306]}
  - {match: {names: [search]}, reason: peers, excludeInboundPorts: [9300]}
`

const (
	render        = "krm-bypass render --in-place shop --spec bypass.yaml; "
	initContainer = "sed -i s/AnnotationsOnly/InitContainer/ bypass.yaml; "
	byHand        = `sed -i 's|^      labels: .*|&\n      annotations: {traffic.sidecar.istio.io/excludeOutboundPorts: "3306"}|' shop/orders.yaml shop/search.yaml; `
)

// restarts are the rows of the table of docs/rollout.md: what somebody does who has the
// manifests of examples/shop in the folder shop, and firstSpec beside it.
var restarts = []struct {
	does, says    string
	before, after string
}{
	{"apply a first spec", "the workloads that a rule reaches", "", render},
	{"take annotations over with `import --adopt`", "nothing", byHand, "krm-bypass import --adopt shop > bypass.yaml; " + render},
	{"take them over with `import --strip`", "the workloads that had annotations", byHand, "krm-bypass import --strip shop > bypass.yaml; " + render},
	{"change a port in a rule", "the workloads for which it changes something", render, "sed -i s/3306/3307/ bypass.yaml; " + render},
	{"change a reason, an owner or an expiry", "nothing", render, "sed -i 's/reason: peers/owner: search, expires: 2027-03-31/' bypass.yaml; " + render},
	{"go over to `InitContainer`", "the workloads that bypass something", render, initContainer + render},
	{"go over to `WhereNeeded`", "those whose annotations cannot say it all; here none", render, "sed -i s/AnnotationsOnly/WhereNeeded/ bypass.yaml; " + render},
	{"change the image", "the workloads with the init container", initContainer + render, "sed -i s/v0.1.0/v0.2.0/ bypass.yaml; " + render},
	{"change it under `AnnotationsOnly`", "nothing", render, "sed -i s/v0.1.0/v0.2.0/ bypass.yaml; " + render},
	{"upgrade krm-bypass", "nothing", render + "earlier; ", render},
	{"uninstall", "the workloads whose template it changed", render, "krm-bypass render --remove cluster --in-place shop; "},
	{"uninstall what was adopted", "nothing", byHand + "krm-bypass import --adopt shop > bypass.yaml; ", "krm-bypass render --remove cluster --in-place shop; "},
}

var restartsTable = regexp.MustCompile(`(?s)<!-- measured: restarts -->\n.*?<!-- end -->`)

// TestRestarts does what each row says, and counts the pod templates that are others
// then.
func TestRestarts(t *testing.T) {
	var table strings.Builder
	table.WriteString("<!-- measured: restarts -->\n| you | what restarts | here |\n|---|---|---|\n")
	for _, row := range restarts {
		t.Run(row.does, func(t *testing.T) {
			folder := t.TempDir()
			require.NoError(t, os.CopyFS(filepath.Join(folder, "shop"), os.DirFS(filepath.Join(root, "examples/shop"))))
			require.NoError(t, os.Remove(filepath.Join(folder, "shop/kustomization.yaml")))
			require.NoError(t, os.WriteFile(filepath.Join(folder, "bypass.yaml"), []byte(firstSpec), 0o600))
			do(t, folder, row.before)
			was, text := podTemplates(t, folder)
			do(t, folder, row.after)
			is, now := podTemplates(t, folder)
			if text == now {
				t.Fatal("what is done changes nothing, not even the spec")
			}
			changed := 0
			for name := range is {
				if was[name] != is[name] {
					changed++
				}
			}
			fmt.Fprintf(&table, "| %s | %s | %d of %d |\n", row.does, row.says, changed, len(is))
		})
	}
	table.WriteString("<!-- end -->")
	page := pages(t)["docs/rollout.md"]
	if *update && restartsTable.FindString(page) != table.String() {
		written := restartsTable.ReplaceAllLiteralString(page, table.String())
		require.NoError(t, os.WriteFile(filepath.Join(root, "docs/rollout.md"), []byte(written), 0o644))
		t.Fatal("docs/rollout.md was rewritten: read the difference, then run without -update")
	}
	assert.Equal(t, table.String(), restartsTable.FindString(page), "make build first; go test ./test/docs -update writes it")
}

// do runs commands; one that is called earlier makes the records in the manifests those
// of an earlier version.
func do(t *testing.T, folder, commands string) {
	t.Helper()
	top, err := filepath.Abs(root)
	require.NoError(t, err)
	commands, earlier := strings.CutSuffix(commands, "earlier; ")
	cmd := exec.Command("bash", "-e", "-c", commands)
	cmd.Dir, cmd.Env = folder, append(os.Environ(), "PATH="+filepath.Join(top, "bin")+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s\n%s", commands, out)
	if !earlier {
		return
	}
	for _, path := range manifestsIn(t, folder) {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, recordText.ReplaceAllFunc(text, version1), 0o600))
	}
}

var recordText = regexp.MustCompile(`\{"v":2,.*"\}`)

// version1 writes a record as version 1 did: it had no name of a spec.
func version1(record []byte) []byte {
	text := strings.Replace(string(record), `"v":2,"spec":"cluster"`, `"v":1`, 1)
	text = regexp.MustCompile(`"sum":".*"`).ReplaceAllString(text, `"sum":""`)
	return []byte(strings.Replace(text, `"sum":""`, `"sum":"`+node.Digest("krm-bypass.dev/last-applied", text)+`"`, 1))
}

func manifestsIn(t *testing.T, folder string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "shop/*.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	return paths
}

// podTemplates gives what each workload makes its pods of, and the files and the spec as
// they are.
func podTemplates(t *testing.T, folder string) (templates map[string]string, files string) {
	t.Helper()
	templates = map[string]string{}
	for _, path := range manifestsIn(t, folder) {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		files += string(text)
		for document := range strings.SplitSeq(string(text), "\n---\n") {
			var object struct {
				Kind     string
				Metadata struct{ Name string }
				Spec     struct {
					Template    any
					JobTemplate any `yaml:"jobTemplate"`
				}
			}
			require.NoError(t, yaml.Unmarshal([]byte(document), &object))
			if object.Spec.Template == nil && object.Spec.JobTemplate == nil {
				continue
			}
			template, err := yaml.Marshal(object.Spec)
			require.NoError(t, err)
			templates[object.Kind+" "+object.Metadata.Name] = string(template)
		}
	}
	require.Len(t, templates, 4)
	spec, err := os.ReadFile(filepath.Join(folder, "bypass.yaml"))
	require.NoError(t, err)
	return templates, files + string(spec)
}
