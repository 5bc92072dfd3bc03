package main

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden files, and fail")

// TestImportExamples runs the command of each example and compares what it
// prints with what the example's README shows.
func TestImportExamples(t *testing.T) {
	t.Chdir("../..")
	for _, folder := range []string{"examples/import/", "examples/import-fsm/", "examples/import-linkerd/"} {
		t.Run(folder, func(t *testing.T) {
			code, out, errOut := krmBypass("", "import", folder)
			assert.Zero(t, code)
			assert.Empty(t, errOut)

			readme := folder + "README.md"
			text, err := os.ReadFile(readme)
			require.NoError(t, err)
			before, rest, shown := strings.Cut(string(text), "```yaml\n")
			require.True(t, shown)
			golden, after, _ := strings.Cut(rest, "```\n")
			assert.Contains(t, before, "    krm-bypass import "+folder+"\n")
			if *update && golden != out {
				require.NoError(t, os.WriteFile(readme, []byte(before+"```yaml\n"+out+"```\n"+after), 0o644))
				t.Fatalf("%s is rewritten: read the difference, then run without -update", readme)
			}
			assert.Equal(t, golden, out, "go test ./cmd/krm-bypass -update writes it")
		})
	}
}

// What kustomizations below a folder change is not read, and that is told with what to run.
func TestImportTellsOfKustomizationsBelow(t *testing.T) {
	files := map[string]string{
		"k/base/kustomization.yaml":          "resources: [web.yaml]\n",
		"k/base/web.yaml":                    annotated,
		"k/overlays/prod/kustomization.yaml": "resources: [../../base]\nnamePrefix: p-\n",
	}
	t.Chdir(folder(t, files))
	const told = "warning: k: it holds kustomizations, and their files are read as they stand, without what the kustomizations change: name what you deploy: krm-bypass import k/overlays/prod\n"
	code, out, errOut := krmBypass("", "import", "k")
	assert.Zero(t, code)
	assert.NotEmpty(t, out)
	assert.Equal(t, told, errOut)
	for _, whole := range []string{"k/overlays/prod", "k/base/web.yaml"} {
		code, _, errOut := krmBypass("", "import", whole)
		assert.Zero(t, code)
		assert.Empty(t, errOut)
	}
}

const annotated = `# the front door
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata:
      annotations:
        a: b # stays
        traffic.sidecar.istio.io/excludeOutboundPorts: "3306"
    spec: {containers: []}
`

// folder holds files by their names.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o640))
	}
	return dir
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files[name] = string(text)
		return err
	}))
	return files
}

func TestImportReadsFolders(t *testing.T) {
	dir := folder(t, map[string]string{
		"a/web.yml": annotated, "values.yaml": "replicas: 2\n", "notes.txt": "{{ not read", ".hidden/broken.yaml": "[", ".web.yaml": strings.NewReplacer("web", "hidden", "3306", "3307").Replace(annotated),
	})
	require.NoError(t, os.Symlink(filepath.Join(dir, "a"), filepath.Join(dir, "again")))
	require.NoError(t, os.Symlink(filepath.Join(dir, "a/web.yml"), filepath.Join(dir, "web.yaml")))
	code, out, errOut := krmBypass("", "import", dir, filepath.Join(dir, "a/web.yml"))
	assert.Zero(t, code)
	assert.Contains(t, out, "names: [web]")
	assert.Contains(t, out, "names: [hidden]")
	assert.Equal(t, 2, strings.Count(out, "- name:"))
	assert.Equal(t, "warning: "+dir+"/again: skipped, because it is a link to a folder: name the folder itself\n", errOut)
}

func TestImportStrips(t *testing.T) {
	other := "kind: Other\nspec: {a: 1}\n"
	dir := folder(t, map[string]string{"web.yaml": annotated, "other.yaml": other})
	require.NoError(t, os.Symlink(filepath.Join(dir, "web.yaml"), filepath.Join(dir, "link.yaml")))
	past, err := os.Stat(filepath.Join(dir, "other.yaml"))
	require.NoError(t, err)

	code, out, errOut := krmBypass("", "import", "--strip", dir)
	assert.Zero(t, code)
	assert.Equal(t, "info: rendered by this specification, 1 workload restarts, because of what comes into the pod templates:\ninfo:   Deployment shop/web: krm-bypass.dev/policy\n", errOut)
	assert.Contains(t, out, "excludeOutboundPorts: [3306]")
	bare := strings.Replace(annotated, "        traffic.sidecar.istio.io/excludeOutboundPorts: \"3306\"\n", "", 1)
	assert.Equal(t, map[string]string{"web.yaml": bare, "link.yaml": bare, "other.yaml": other}, contents(t, dir), "and no temporary file stays")
	info, err := os.Lstat(filepath.Join(dir, "web.yaml"))
	require.NoError(t, err)
	assert.Equal(t, fs.FileMode(0o640), info.Mode(), "the mode stays")
	link, err := os.Lstat(filepath.Join(dir, "link.yaml"))
	require.NoError(t, err)
	assert.NotZero(t, link.Mode()&fs.ModeSymlink, "a link stays one")
	now, err := os.Stat(filepath.Join(dir, "other.yaml"))
	require.NoError(t, err)
	assert.True(t, os.SameFile(past, now), "a file that does not change is not written")
}

func TestImportAdopts(t *testing.T) {
	workloads := make([]string, 12)
	for i := range workloads {
		workloads[i] = strings.NewReplacer("name: web", fmt.Sprintf("name: web-%c", 'a'+i), "  template:", "  selector: {}\n  template:").Replace(annotated)
	}
	text := strings.Join(workloads, "---\n")
	dir := folder(t, map[string]string{"web.yaml": text})
	code, spec, errOut := krmBypass("", "import", "--adopt", dir)
	assert.Zero(t, code)
	assert.Equal(t, "info: adopted: 12 pod templates stay as they are as long as the annotations there mean what the rules say\n", errOut)
	taken := contents(t, dir)["web.yaml"]
	assert.Equal(t, 12, strings.Count(taken, "krm-bypass.dev/last-applied: "))

	bypass := filepath.Join(folder(t, map[string]string{"bypass.yaml": spec}), "bypass.yaml")
	code, rendered, errOut := krmBypass("", "render", "--spec", bypass, dir)
	assert.Zero(t, code)
	assert.Empty(t, errOut)
	assert.Equal(t, taken, rendered)
	code, out, _ := krmBypass("", "check", "--spec", bypass, dir)
	assert.Zero(t, code, out)
	code, out, _ = krmBypass("", "explain", "--spec", bypass, dir)
	assert.Zero(t, code)
	assert.Contains(t, out, "12 workloads: 12 adopted\n")
	assert.Contains(t, out, "adopted: by the annotations alone")
	other := filepath.Join(folder(t, map[string]string{"bypass.yaml": strings.ReplaceAll(spec, "3306", "3307")}), "bypass.yaml")
	code, out, _ = krmBypass("", "check", "--spec", other, dir)
	assert.Equal(t, 1, code)
	assert.Contains(t, out, `expected "3307" here; krm-bypass adopted what is here, which alone does not do what the spec says`)

	code, _, _ = krmBypass("", "render", "--remove", "cluster", "--in-place", dir)
	assert.Zero(t, code)
	assert.Equal(t, map[string]string{"web.yaml": text}, contents(t, dir))
	code, _, errOut = krmBypass("", "import", "--strip", dir)
	assert.Zero(t, code)
	assert.Contains(t, errOut, "12 workloads restart")
	assert.Contains(t, errOut, "Deployment shop/web-j: krm-bypass.dev/policy\ninfo:   and 2 more: of files in git, krm-bypass explain "+dir+" --spec bypass.yaml --before HEAD lists all\n")

	code, _, errOut = krmBypass("", "import", "--strip", "--adopt", dir)
	assert.Equal(t, 1, code)
	assert.Equal(t, "error: --strip and --adopt cannot be used together\n", errOut)
}

// TestAdoptedTellsWhatIsNotAdopted: what comes beside an adopted annotation, or stays there, is
// the workload's own, which check tells until it is in the record.
func TestAdoptedTellsWhatIsNotAdopted(t *testing.T) {
	const key = `        traffic.sidecar.istio.io/excludeOutboundPorts: "3306"` + "\n"
	replaced := func(by string) string { return strings.Replace(annotated, key, by, 1) }
	kuma := replaced("        traffic.kuma.io/exclude-outbound-ports: \"3306\"\n        traffic.kuma.io/exclude-inbound-ports: \"\"\n")
	for name, test := range map[string]struct {
		text, from, to string
		// says is what check says of the change, kept what the record then has as the workload's.
		says, kept string
	}{
		"nothing":               {text: annotated},
		"a merge key":           {text: replaced("        <<: {traffic.sidecar.istio.io/excludeInboundPorts: \"80\"}\n" + key), kept: "traffic.sidecar.istio.io/excludeInboundPorts"},
		"what Kuma ignores":     {text: kuma, kept: "traffic.kuma.io/exclude-inbound-ports"},
		"another annotation":    {text: annotated, from: key, to: key + "        example.com/note: a\n"},
		"another field":         {annotated, key, key + "        traffic.sidecar.istio.io/excludeInboundPorts: \"8080\"\n", `foreign: spec.template.metadata.annotations["traffic.sidecar.istio.io/excludeInboundPorts"]: krm-bypass did not write this` + "\n", "traffic.sidecar.istio.io/excludeInboundPorts"},
		"another in a spelling": {annotated, key, key + "        traffic.sidecar.istio.io/excludeInboundPorts: \" 9, 8\"\n", "krm-bypass did not write this\n", "traffic.sidecar.istio.io/excludeInboundPorts"},
		"an edit":               {annotated, "3306", "3307", "foreign: spec.template.metadata.annotations[\"traffic.sidecar.istio.io/excludeOutboundPorts\"]: edited by hand since krm-bypass adopted it", ""},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(test.text, "  template:", "  selector: {}\n  template:", 1)
			dir := folder(t, map[string]string{"web.yaml": text})
			_, spec, errOut := krmBypass("", "import", "--adopt", dir)
			require.Contains(t, errOut, "adopted: 1 pod template stays as it is")
			bypass := filepath.Join(folder(t, map[string]string{"bypass.yaml": spec}), "bypass.yaml")
			rendered := func() string {
				code, _, errOut := krmBypass("", "render", "--in-place", "--spec", bypass, dir)
				require.Zero(t, code, errOut)
				return contents(t, dir)["web.yaml"]
			}
			check := func(code int, says string) {
				is, out, _ := krmBypass("", "check", "--spec", bypass, dir)
				assert.Equal(t, code, is, out)
				assert.Contains(t, out, says)
			}
			taken := contents(t, dir)["web.yaml"]
			assert.Equal(t, taken, rendered())
			check(0, "")

			changed := strings.Replace(taken, test.from, test.to, 1)
			require.NoError(t, os.WriteFile(filepath.Join(dir, "web.yaml"), []byte(changed), 0o600))
			if test.says == "" {
				check(0, "")
				assert.Equal(t, changed, rendered())
			} else {
				check(1, test.says)
			}
			assert.Equal(t, test.kept != "", strings.Contains(rendered(), `"kept":{"`+test.kept+`":"`))
			check(0, "")
			code, _, _ := krmBypass("", "render", "--remove", "cluster", "--in-place", dir)
			assert.Zero(t, code)
			assert.Equal(t, strings.Replace(text, test.from, test.to, 1), contents(t, dir)["web.yaml"])
		})
	}
}

func TestImportWritesNothingWhereAnythingIsWrong(t *testing.T) {
	refused := strings.ReplaceAll(annotated, "3306", "8000-8010")
	tests := []struct {
		name  string
		files map[string]string
		args  []string
		says  []string
	}{
		{"no path", nil, []string{"import"}, []string{"error: import reads files, folders or - for standard input: name some, as in krm-bypass import manifests/\n"}},
		{"a path that is not there", nil, []string{"import", "DIR/none", "DIR/neither"}, []string{"none: there is no such file", "neither: there is no such file"}},
		{"nothing to import", map[string]string{"a.yaml": "a: b\n"}, []string{"import", "DIR"}, []string{"error: nothing to import: none of the files has a setting"}},
		{"two mistakes", map[string]string{"a.yaml": refused, "b.yaml": "kind: [", "c.yaml": annotated}, []string{"import", "--strip", "DIR"},
			[]string{`a.yaml:10: Deployment shop/web: spec.template.metadata.annotations["traffic.sidecar.istio.io/excludeOutboundPorts"]: reading "8000-8010"`, "b.yaml:1: reading the document"}},
		{"several meshes", map[string]string{"a.yaml": annotated, "b.yaml": strings.NewReplacer("traffic.sidecar.istio.io/excludeOutboundPorts", "config.linkerd.io/skip-outbound-ports", "web", "api").Replace(annotated)},
			[]string{"import", "--strip", "DIR"}, []string{"error: the files hold settings of several meshes (the files hold settings of Istio in DIR/a.yaml, of Linkerd in DIR/b.yaml): say with --mesh which to import\n"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := folder(t, test.files)
			before := contents(t, dir)
			args := append([]string{}, test.args...)
			for i := range args {
				args[i] = strings.ReplaceAll(args[i], "DIR", dir)
			}
			code, out, errOut := krmBypass("", args...)
			assert.Equal(t, 1, code)
			assert.Empty(t, out)
			for _, says := range test.says {
				assert.Contains(t, errOut, strings.ReplaceAll(says, "DIR", dir))
			}
			assert.Equal(t, before, contents(t, dir))
		})
	}
}

func TestImportReadsStandardInput(t *testing.T) {
	for name, text := range map[string]string{
		"documents":      annotated + "---\n" + strings.ReplaceAll(annotated, "web", "api"),
		"a List":         asItems("", annotated, strings.ReplaceAll(annotated, "web", "api")),
		"a ResourceList": asItems(limitedSpec, annotated, strings.ReplaceAll(annotated, "web", "api")),
	} {
		text = strings.Replace(text, "- \n", "", 1)
		if name == "a List" {
			text = strings.Replace(text, "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\n", "apiVersion: v1\nkind: List\n", 1)
		}
		code, out, errOut := krmBypass(text, "import", "-")
		assert.Zero(t, code, "%s: %s", name, errOut)
		assert.Contains(t, out, "  global:\n    excludeOutboundPorts: [3306]\n", name)
		assert.Equal(t, name == "a ResourceList", strings.Contains(errOut, "kind: this file holds a ClusterBypass already"), errOut)
	}
	code, out, errOut := krmBypass(annotated, "import", "--strip", "-")
	assert.Equal(t, 1, code)
	assert.Empty(t, out)
	assert.Equal(t, "error: --strip: standard input cannot be rewritten: name the files, or import without --strip\n", errOut)
}

// A kustomization is built, without the specs that it lists, and what is told of it names
// the files that it is made from.
func TestImportBuildsKustomizations(t *testing.T) {
	refused := strings.NewReplacer("web", "api", "3306", "8000-8010").Replace(annotated)
	dir := folder(t, map[string]string{
		"base/kustomization.yaml": "resources: [web.yaml]\n", "base/web.yaml": annotated,
		"prod/kustomization.yaml": "resources: [../base]\nnamespace: shop-prod\npatches: [{path: patch.yaml}]\ntransformers: [bypass.yaml]\n",
		"prod/patch.yaml":         "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {template: {metadata: {annotations: {traffic.sidecar.istio.io/excludeInboundPorts: \"9100\"}}}}\n",
		"prod/bypass.yaml":        strings.Replace(limitedSpec, "metadata: {name: cluster}", "metadata: {name: cluster, annotations: {config.kubernetes.io/function: \"exec: {path: krm-bypass-fn}\"}}", 1),
		"bad/kustomization.yaml":  "resources: [api.yaml]\nnamePrefix: my-\n", "bad/api.yaml": refused,
	})
	prod := filepath.Join(dir, "prod")
	code, out, errOut := krmBypass("", "import", prod)
	assert.Zero(t, code, errOut)
	assert.Equal(t, "warning: "+filepath.Join(prod, "bypass.yaml")+": "+prod+" lists this ClusterBypass, and import does not read it: merge the two by hand\n", errOut)
	assert.Contains(t, out, "namespaces: [shop-prod]\n    excludeInboundPorts: [9100]\n    excludeOutboundPorts: [3306]\n")
	assert.Contains(t, out, filepath.Join(dir, "base/web.yaml"))

	code, out, errOut = krmBypass("", "import", filepath.Join(dir, "bad"))
	assert.Equal(t, 1, code)
	assert.Empty(t, out)
	assert.Contains(t, errOut, "error: "+filepath.Join(dir, "bad/api.yaml")+":10: Deployment shop/my-api: ")

	charts := folder(t, map[string]string{"kustomization.yaml": "helmCharts: [{name: istiod, repo: https://example.com}]\n"})
	code, _, errOut = krmBypass("", "import", charts)
	assert.Equal(t, 1, code)
	assert.Contains(t, errOut, "kustomize build --enable-helm "+charts+" | krm-bypass import -")

	before := contents(t, dir)
	code, out, errOut = krmBypass("", "import", "--strip", prod)
	assert.Equal(t, 1, code)
	assert.Empty(t, out)
	assert.Contains(t, errOut, "error: --strip: "+prod+" is a kustomization, and what it builds stands in none of its files: name the files of the workloads")
	assert.Equal(t, before, contents(t, dir))
}

func TestImportOfOneMeshAmongSeveral(t *testing.T) {
	linkerd := strings.NewReplacer("traffic.sidecar.istio.io/excludeOutboundPorts", "config.linkerd.io/skip-outbound-ports", "web", "api").Replace(annotated)
	dir := folder(t, map[string]string{"a.yaml": annotated, "b.yaml": linkerd})
	code, out, errOut := krmBypass("", "import", "--strip", "--mesh", "Linkerd", dir)
	assert.Zero(t, code)
	assert.Contains(t, out, "mesh: Linkerd")
	assert.Contains(t, errOut, "warning: "+dir+"/a.yaml: ")
	assert.Contains(t, errOut, "holds settings of Istio, which are not imported: run it again with --mesh Istio")
	left := contents(t, dir)
	assert.Equal(t, annotated, left["a.yaml"])
	assert.NotContains(t, left["b.yaml"], "skip-outbound-ports")
}

func TestImportStripsNothingThatItCouldNotPrint(t *testing.T) {
	dir := folder(t, map[string]string{"web.yaml": annotated})
	var errOut strings.Builder
	assert.Equal(t, 1, run([]string{"import", "--strip", dir}, strings.NewReader(""), brokenWriter{}, &errOut))
	assert.Equal(t, "error: writing standard output: no space left\n", errOut.String())
	assert.Equal(t, map[string]string{"web.yaml": annotated}, contents(t, dir))
}
