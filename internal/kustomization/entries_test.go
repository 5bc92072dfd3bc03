package kustomization

import (
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/krm-bypass/krm-bypass/test/attacks"
)

// kustomized gives what kustomize itself builds of the files on the disk.
func kustomized(t *testing.T, dir string) string {
	t.Helper()
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionUnspecified
	resources, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), dir)
	require.NoError(t, err)
	text, err := resources.AsYaml()
	require.NoError(t, err)
	return string(text)
}

// TestTheNormalFormBuildsTheSame has kustomize itself judge what becomes of
// kustomizations that nothing is wrong with.
func TestTheNormalFormBuildsTheSame(t *testing.T) {
	patchText := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME}\ndata: {patched: \"yes\"}\n"
	for name, test := range map[string]struct {
		files map[string]string
		links map[string]string
		in    string // the folder that is built
	}{
		"a file":                      {files: attacks.Root("resources: [a.yaml]\n")},
		"a file by a longer path":     {files: attacks.Root("resources: [./x/../a.yaml]\n")},
		"the old names":               {files: map[string]string{"kustomization.yaml": "bases: [b/]\nimageTags: [{name: x, newTag: '1'}]\n", "b/kustomization.yaml": "resources: [a.yaml]\n", "b/a.yaml": attacks.ConfigMap}},
		"nothing":                     {files: map[string]string{"kustomization.yaml": "resources: []\n"}},
		"an origin":                   {files: map[string]string{"kustomization.yaml": "resources: [b, ./c.yaml]\nbuildMetadata: [originAnnotations, transformerAnnotations, managedByLabel]\nnamePrefix: x-\npatches: [{path: p.yaml}]\nconfigMapGenerator: [{name: g, literals: [a=b]}]\n", "p.yaml": patchText, "c.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n", "b/kustomization.yaml": "resources: [a.yaml]\n", "b/a.yaml": attacks.ConfigMap}},
		"a base beside":               {files: map[string]string{"o/kustomization.yaml": "resources: [../b]\nnameSuffix: -x\n", "b/kustomization.yml": "resources: [a.yaml]\n", "b/a.yaml": attacks.ConfigMap}, in: "o"},
		"a base by a link":            {files: map[string]string{"kustomization.yaml": "resources: [link]\n", "deep/b/Kustomization": "resources: [../a]\n", "deep/a/kustomization.yaml": "resources: [a.yaml]\n", "deep/a/a.yaml": attacks.ConfigMap}, links: map[string]string{"link": "deep/b"}},
		"a file by a link":            {files: attacks.Root("resources: [b.yaml]\n"), links: map[string]string{"b.yaml": "a.yaml"}},
		"a kustomization by a link":   {files: map[string]string{"k/prod.yaml": "resources: [a.yaml]\n", "a.yaml": attacks.ConfigMap}, links: map[string]string{"kustomization.yaml": "k/prod.yaml"}},
		"a component":                 {files: map[string]string{"kustomization.yaml": "resources: [a.yaml]\ncomponents: [c]\n", "a.yaml": attacks.ConfigMap, "c/kustomization.yaml": attacks.Component + "patches: [{path: p.yaml}]\n", "c/p.yaml": patchText}},
		"patches":                     {files: map[string]string{"kustomization.yaml": "resources: [a.yaml]\npatchesStrategicMerge:\n- p.yaml\n- |\n" + attacks.Indented(patchText) + "patchesJson6902:\n- {path: j.yaml, target: {version: v1, kind: ConfigMap, name: NAME}}\n- {patch: '[{\"op\": \"add\", \"path\": \"/data/k\", \"value\": \"l\"}]', target: {version: v1, kind: ConfigMap, name: NAME}}\npatches:\n- {patch: '[{\"op\": \"add\", \"path\": \"/data/m\", \"value\": \"n\"}]', target: {kind: ConfigMap}, options: {allowNameChange: true}}\n", "a.yaml": attacks.ConfigMap, "p.yaml": patchText, "j.yaml": "- {op: add, path: /data/j, value: i}\n"}},
		"generators":                  {files: map[string]string{"kustomization.yaml": "configMapGenerator:\n- {name: x, files: [one/a.txt, b=two/a.txt], envs: [e.env]}\n- {name: w, env: e.env, literals: [u=https://example.com/x]}\nsecretGenerator: [{name: z, files: [a.txt=one/a.txt]}]\ngeneratorOptions: {labels: {a: b}}\n", "one/a.txt": "1", "two/a.txt": "2", "e.env": "A=1\n"}},
		"a kustomization as data":     {files: attacks.Root("resources: [a.yaml]\nconfigMapGenerator: [{name: x, files: [kustomization.yaml, link]}] # as it stands\n"), links: map[string]string{"link": "kustomization.yaml"}},
		"replacements":                {files: map[string]string{"kustomization.yaml": "resources: [a.yaml]\nreplacements:\n- path: r.yaml\n- {source: {kind: ConfigMap, fieldPath: data.a}, targets: [{select: {kind: ConfigMap}, fieldPaths: [data.c], options: {create: true}}]}\n", "a.yaml": attacks.ConfigMap, "r.yaml": "source: {kind: ConfigMap, fieldPath: data.a}\ntargets: [{select: {kind: ConfigMap}, fieldPaths: [data.d], options: {create: true}}]\n"}},
		"a builtin plugin":            {files: map[string]string{"kustomization.yaml": "resources: [a.yaml]\ntransformers:\n- t.yaml\n- |\n" + attacks.Indented(attacks.HeadOf("AnnotationsTransformer")+"annotations: {a: 'https://example.com/x'}\nfieldSpecs: [{path: metadata/annotations, create: true}]\n"), "a.yaml": attacks.ConfigMap, "t.yaml": attacks.HeadOf("PatchTransformer") + "path: p.yaml\n", "p.yaml": patchText}},
		"plugins of a folder":         {files: map[string]string{"kustomization.yaml": "resources: [a.yaml]\ntransformers: [t]\n", "a.yaml": attacks.ConfigMap, "t/kustomization.yaml": "resources: [t.yaml]\n", "t/t.yaml": attacks.HeadOf("PatchTransformer") + "path: ./p.yaml\n", "p.yaml": patchText}},
		"configurations and a schema": {files: map[string]string{"kustomization.yaml": "resources: [a.yaml]\nnamePrefix: x-\nconfigurations: [c.yaml]\ncrds: [crd.yaml]\nopenapi: {path: s.json}\n", "a.yaml": attacks.ConfigMap, "c.yaml": "namePrefix: [{path: data/a}]\n", "crd.yaml": "{}\n", "s.json": `{"definitions": {}}`}},
		"capitals":                    {files: attacks.Root("Resources: [a.yaml]\nNAMEPREFIX: x-\n")},
		"an alias":                    {files: attacks.Root("namePrefix: &x a.yaml\nresources: [*x]\n")},
		"a merge":                     {files: attacks.Root("<<: {resources: [a.yaml]}\nnamePrefix: x-\n")},
		"a folder with dots":          {files: map[string]string{"kustomization.yaml": "resources: [.hidden]\n", ".hidden/kustomization.yaml": "resources: [a.yaml]\n", ".hidden/a.yaml": attacks.ConfigMap}},
		"a space and an equals sign":  {files: map[string]string{"kustomization.yaml": "resources: ['a =b.yaml']\n", "a =b.yaml": attacks.ConfigMap}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := tree(t, test.files)
			for link, to := range test.links {
				require.NoError(t, os.Symlink(to, filepath.Join(dir, link)))
			}
			dir = filepath.Join(dir, test.in)
			built, err := Build(dir, marking)
			require.NoError(t, err)
			assert.Equal(t, kustomized(t, dir), string(built.Text))
		})
	}
}

func TestEntriesNameRegularFilesWithinTheRoot(t *testing.T) {
	for name, test := range map[string]struct {
		kustomization string
		says          string
	}{
		"a link out of the root":         {"resources: [out.yaml]\n", `resources[0]: "out.yaml": `},
		"a folder linked out of it":      {"resources: [out]\n", `resources[0]: "out": `},
		"a patch linked out of it":       {"resources: [a.yaml]\npatches: [{path: out.yaml}]\n", `patches[0].path: "out.yaml": `},
		"a path out of it":               {"resources: [../../x]\n", `resources[0]: "../../x": no such file or folder`},
		"a FIFO":                         {"resources: [fifo]\n", `resources[0]: "fifo" is neither a regular file nor a folder`},
		"a device":                       {"configMapGenerator: [{name: x, files: [zero]}]\n", `configMapGenerator[0].files[0]: "zero"`},
		"nothing":                        {"resources: ['']\n", `resources[0]: "" names nothing`},
		"a file for a component":         {"components: [a.yaml]\n", `components[0]: "a.yaml" is a file: name the folder of a component`},
		"a folder for a patch":           {"resources: [a.yaml]\npatches: [{path: b}]\n", `patches[0].path: "b" is a folder: name a file`},
		"neither a patch nor a file":     {"resources: [a.yaml]\npatchesStrategicMerge: [\"a: b\"]\n", `patchesStrategicMerge[0]: "a: b": no such file`},
		"several kustomizations":         {"resources: [several]\n", "several holds several kustomizations, of which kustomize reads none: keep one of kustomization.yaml and kustomization.yml"},
		"a chart":                        {"HelmCharts: [{name: a}]\n", "helmCharts: rendering a chart runs helm"},
		"a chart by the old name":        {"helmChartInflationGenerator: [{chartName: a}]\n", "helmCharts: rendering a chart runs helm"},
		"a chart by a plugin":            {"generators: [\"apiVersion: builtin\\nkind: HelmChartInflationGenerator\\nmetadata: {name: x}\\n\"]\n", "--enable-helm"},
		"an unknown field":               {"resource: [a.yaml]\n", `unknown field "resource"`},
		"a kustomization linked outside": {"resources: [linked]\n", "linked/kustomization.yaml is a link to "},
	} {
		t.Run(name, func(t *testing.T) {
			outside := tree(t, map[string]string{"out.yaml": attacks.ConfigMap, "kustomization.yaml": "namePrefix: x-\n"})
			dir := tree(t, map[string]string{
				".git/HEAD": "", "kustomization.yaml": test.kustomization, "a.yaml": attacks.ConfigMap, "b/x": "", "k.yaml": "namePrefix: x-\n", "linked/x": "",
				"several/kustomization.yaml": "namePrefix: x-\n", "several/kustomization.yml": "namePrefix: x-\n",
			})
			for link, to := range map[string]string{"out.yaml": outside + "/out.yaml", "out": outside, "zero": "/dev/zero", "linked/kustomization.yaml": "../k.yaml"} {
				require.NoError(t, os.Symlink(to, filepath.Join(dir, link)))
			}
			require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600))
			_, err := Build(dir, marking)
			require.ErrorContains(t, err, test.says)
		})
	}
}

// TestTheNormalFormLosesNothing writes a kustomization in which every field that
// the type has is set, and reads it again.
func TestTheNormalFormLosesNothing(t *testing.T) {
	var k, again types.Kustomization
	fill(reflect.ValueOf(&k).Elem())
	text, err := sigsyaml.Marshal(k)
	require.NoError(t, err)
	require.NoError(t, again.Unmarshal(text))
	assert.Equal(t, k, again)
}

func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		value := reflect.New(v.Type().Elem()).Elem()
		fill(value)
		v.SetMapIndex(reflect.ValueOf("x").Convert(v.Type().Key()), value)
	case reflect.Interface:
		v.Set(reflect.ValueOf("x"))
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i))
			}
		}
	default:
		panic("a field of a kind that this does not fill: " + v.Kind().String())
	}
}

// TestEveryPathIsAnEntry has a path in every text of a kustomization, so that a
// field which a later kustomize loads something through is not overlooked: what
// is no entry is listed here.
func TestEveryPathIsAnEntry(t *testing.T) {
	var k types.Kustomization
	fill(reflect.ValueOf(&k).Elem())
	k.OpenAPI = map[string]string{"path": "x"}
	var fields []string
	for _, e := range entries(&k) {
		fields = append(fields, e.String())
	}
	assert.Equal(t, []string{
		"resources[0]", "bases[0]", "crds[0]", "configurations[0]", "openapi.path",
		"configMapGenerator[0].files[0]", "configMapGenerator[0].envs[0]", "configMapGenerator[0].env",
		"secretGenerator[0].files[0]", "secretGenerator[0].envs[0]", "secretGenerator[0].env",
		"generators[0]", "validators[0]", "components[0]",
		"patchesStrategicMerge[0]", "patchesJson6902[0].patch", "patchesJson6902[0].path", "patches[0].patch", "patches[0].path", "replacements[0].path",
		"transformers[0]",
	}, fields)
	others := []string{
		"TypeMeta", "MetaData", "NamePrefix", "NameSuffix", "Namespace", "CommonLabels", "Labels", "CommonAnnotations", "Images", "ImageTags",
		"Replicas", "Vars", "SortOptions", "HelmGlobals", "HelmCharts", "HelmChartInflationGenerator", "GeneratorOptions", "BuildMetadata",
	}
	withEntries := []string{
		"OpenAPI", "PatchesStrategicMerge", "PatchesJson6902", "Patches", "Replacements", "Resources", "Components", "Crds", "Bases",
		"ConfigMapGenerator", "SecretGenerator", "Configurations", "Generators", "Transformers", "Validators",
	}
	var all []string
	for i := range reflect.TypeFor[types.Kustomization]().NumField() {
		all = append(all, reflect.TypeFor[types.Kustomization]().Field(i).Name)
	}
	assert.ElementsMatch(t, append(others, withEntries...), all)
}

func TestWhatIsTakenAwayIsPutBack(t *testing.T) {
	transport := http.DefaultTransport
	dir := tree(t, map[string]string{
		"kustomization.yaml": "resources: [base]\n", "base/kustomization.yaml": "resources: [a.yaml]\ntransformers: [mark.yaml]\n", "base/a.yaml": attacks.ConfigMap, "base/mark.yaml": mark,
	})
	for name, path := range map[string]*string{"a path": new("/bin"), "an empty one": new(""), "none": nil} {
		t.Run(name, func(t *testing.T) {
			if path != nil {
				t.Setenv("PATH", *path)
			} else {
				t.Setenv("PATH", "") // which puts it back
				require.NoError(t, os.Unsetenv("PATH"))
			}
			options := marking
			options.Apply = func(Spec, []byte, Source) ([]byte, error) {
				assert.Empty(t, os.Getenv("PATH"))
				panic("here")
			}
			assert.Panics(t, func() { _, _ = Build(dir, options) })
			now, given := os.LookupEnv("PATH")
			assert.Equal(t, path != nil, given)
			if path != nil {
				assert.Equal(t, *path, now)
			}
			assert.Equal(t, transport, http.DefaultTransport)
		})
	}
}
