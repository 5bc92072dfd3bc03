package kustomize

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// state is a tree to draw up: where it lists the spec, and what its root changes.
type state struct {
	spec    string
	changes []string
}

// places are where a tree lists the spec, by the kustomizations that it has then.
var places = map[string]map[string]string{
	"nowhere": {"kustomization.yaml": "resources: [base]\n", "base": "resources: [base.yaml]\n"},
	"root":    {"kustomization.yaml": "resources: [base]\ntransformers: [spec]\n", "base": "resources: [base.yaml]\n"},
	"root, before another transformer": {
		"kustomization.yaml": "resources: [base]\ntransformers: [spec, late.yaml]\n", "base": "resources: [base.yaml]\n",
		"late.yaml": "apiVersion: builtin\nkind: LabelTransformer\nmetadata: {name: late}\nlabels: {late: 'yes'}\nfieldSpecs: [{path: spec/template/metadata/labels, create: true}]\n",
	},
	"base":         {"kustomization.yaml": "resources: [base]\n", "base": "resources: [base.yaml]\ntransformers: [../spec]\n"},
	"component":    {"kustomization.yaml": "resources: [base]\ncomponents: [component]\n", "base": "resources: [base.yaml]\n", "component": "kind: Component\ntransformers: [../spec]\n"},
	"one level up": {"kustomization.yaml": "resources: [prod]\n", "prod": "resources: [../base]\ntransformers: [../spec]\n", "base": "resources: [base.yaml]\n"},
	"base, used twice": {
		"kustomization.yaml": "resources: [a, b]\n", "a": "resources: [../base]\nnamePrefix: a-\n", "b": "resources: [../base]\nnamePrefix: b-\n",
		"base": "resources: [base.yaml]\ntransformers: [../spec]\n",
	},
}

// rootChanges are fields of the root, "patches" one of its patches.
var rootChanges = map[string][2]string{
	"image":                {"images", `[{name: web, newTag: "2"}]`},
	"template labels":      {"labels", `[{pairs: {tier: front}, includeTemplates: true}]`},
	"namespace":            {"namespace", "shop"},
	"prefix":               {"namePrefix", "eu-"},
	"annotations":          {"commonAnnotations", "{team: a}"},
	"setting, by patch":    {"patches", `{target: {kind: Deployment}, patch: '{apiVersion: apps/v1, kind: Deployment, metadata: {name: any}, spec: {template: {metadata: {annotations: {traffic.sidecar.istio.io/excludeOutboundPorts: "9"}}}}}'}`},
	"variable, by patch":   {"patches", `{target: {kind: StatefulSet}, patch: '[{"op": "add", "path": "/spec/template/spec/containers/0/env", "value": [{"name": "A", "value": "b"}]}]'}`},
	"replicas, by patch":   {"patches", `{target: {kind: StatefulSet}, patch: '[{"op": "add", "path": "/spec/replicas", "value": 3}]'}`},
	"taken out":            {"patches", `{target: {kind: CronJob}, patch: '{apiVersion: batch/v1, kind: CronJob, metadata: {name: any}, $patch: delete}'}`},
	"another in resources": {"resources", "more.yaml"},
	"rule":                 {},
}

// files gives what the tree is made of.
func (s state) files() map[string]string {
	files := map[string]string{
		"base/base.yaml": web + "---\n" + strings.NewReplacer("Deployment", "StatefulSet", "name: web", "name: store", "app: web", "app: store").Replace(web) +
			"---\napiVersion: batch/v1\nkind: CronJob\nmetadata: {name: nightly}\nspec: {jobTemplate: {spec: {template: {spec: {containers: [{name: web, image: 'web:1'}]}}}}}\n",
		"spec": "resources: [spec.yaml]\n", "more.yaml": strings.ReplaceAll(strings.ReplaceAll(web, "name: web", "name: more"), "app: web", "app: more"),
		"spec/spec.yaml": strings.NewReplacer("NAME", "cluster", "  defaultNamespace: nowhere\n", "").Replace(spec),
	}
	maps.Copy(files, places[s.spec])
	root := files["kustomization.yaml"]
	var patches []string
	for _, change := range s.changes {
		switch field := rootChanges[change]; field[0] {
		case "":
			files["spec/spec.yaml"] = strings.Replace(files["spec/spec.yaml"], "3306", "6379", 1)
		case "patches":
			patches = append(patches, "- "+field[1]+"\n")
		case "resources":
			root = strings.Replace(root, "resources: [", "resources: ["+field[1]+", ", 1)
		default:
			root += field[0] + ": " + field[1] + "\n"
		}
	}
	if len(patches) > 0 {
		root += "patches:\n" + strings.Join(patches, "")
	}
	files["kustomization.yaml"] = root
	return files
}

// podTemplate gives the whole pod template of an object.
func podTemplate(o object) any {
	path := []string{"spec", "template"}
	if o.Kind == "CronJob" {
		path = []string{"spec", "jobTemplate", "spec", "template"}
	}
	var at any = o.everything
	for _, key := range path {
		within, _ := at.(map[string]any)
		at = within[key]
	}
	return at
}

// TestExplainComparesWhatKustomizeBuilds draws two states of a tree. Pods restart of the
// workloads whose templates differ in what the kustomize CLI builds, whatever comes after
// the spec.
func TestExplainComparesWhatKustomizeBuilds(t *testing.T) {
	built := map[string]map[string]object{}
	drawnUp := map[string]string{}
	tree := func(s state) (folder string, workloads map[string]object) {
		key := s.spec + ": " + strings.Join(s.changes, ", ")
		if built[key] == nil {
			drawnUp[key] = treeOf(t, s.files())
			out := build(t, drawnUp[key], withFunction...)
			require.False(t, out.failed, "%s: %s", key, out.stderr)
			built[key] = objects(t, out.stdout)
			maps.DeleteFunc(built[key], func(_ string, o object) bool { return podTemplate(o) == nil })
		}
		return drawnUp[key], built[key]
	}
	draw := rand.New(rand.NewPCG(1, 1))
	drawn := func(in []string) (some []string) {
		for _, one := range in {
			if draw.IntN(4) == 0 {
				some = append(some, one)
			}
		}
		return some
	}
	changes := slices.Sorted(maps.Keys(rootChanges))
	all := slices.Sorted(maps.Keys(places))
	var pairs [][2]state
	for _, place := range all {
		if place == "nowhere" {
			continue
		}
		pairs = append(pairs, [2]state{{place, nil}, {place, slices.Clone(changes)}}, [2]state{{all[draw.IntN(len(all))], drawn(changes)}, {place, drawn(changes)}})
		for range 2 {
			was := drawn(changes)
			pairs = append(pairs, [2]state{{place, was}, {place, append(slices.Clone(was), changes[draw.IntN(len(changes))])}})
		}
	}
	restarted, unchanged := 0, 0
	for _, pair := range pairs {
		for i := range pair {
			slices.Sort(pair[i].changes)
			pair[i].changes = slices.Compact(pair[i].changes)
		}
		was, before := tree(pair[0])
		is, after := tree(pair[1])
		of := []any{"from %v to %v", pair[0], pair[1]}
		command := exec.Command(filepath.Join(clone, "bin", "krm-bypass"), "explain", is, "--before", was, "-o", "json")
		command.Dir = clone
		out, err := command.Output()
		require.NoError(t, err, of...)
		type name struct{ Kind, Namespace, Name string }
		var found struct {
			Comparison struct{ Gone []name }
			Workloads  []struct {
				name
				Change struct {
					Kind               string
					Template, Restarts bool
				}
			}
		}
		require.NoError(t, json.Unmarshal(out, &found), of...)
		got, want := map[string]string{}, map[string]string{}
		for _, w := range found.Workloads {
			key := w.Kind + " " + w.Namespace + "/" + w.Name
			assert.NotContains(t, got, key, of...)
			switch {
			case w.Change.Kind == "new":
				got[key] = "new"
			case w.Change.Restarts:
				got[key] = "restarts"
			case w.Change.Template:
				got[key] = "another template"
			default:
				got[key] = "keeps its template"
			}
		}
		for _, w := range found.Comparison.Gone {
			got[w.Kind+" "+w.Namespace+"/"+w.Name] = "gone"
		}
		for key, w := range after {
			earlier, was := before[key]
			switch {
			case !was:
				want[key] = "new"
			case reflect.DeepEqual(podTemplate(earlier), podTemplate(w)):
				want[key] = "keeps its template"
				unchanged++
			case w.Kind == "CronJob":
				want[key] = "another template"
			default:
				want[key] = "restarts"
				restarted++
			}
		}
		for key := range before {
			if _, is := after[key]; !is {
				want[key] = "gone"
			}
		}
		assert.Equal(t, want, got, of...)
	}
	assert.Greater(t, restarted, 10, "what is drawn changes templates")
	assert.Greater(t, unchanged, 10, "and leaves some")
}
