package kustomization

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// outside counts the attempts to leave the machine's files: a git in PATH that
// does no more than say so, and a server.
type outside struct {
	t        *testing.T
	calls    string // the file that git writes to
	requests atomic.Int32
	url      string
}

func watchOutside(t *testing.T) *outside {
	t.Helper()
	o := &outside{t: t, calls: filepath.Join(t.TempDir(), "calls")}
	bin := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\necho \"$@\" >> '%s'\nexit 1\n", o.calls)
	require.NoError(t, os.WriteFile(filepath.Join(bin, "git"), []byte(script), 0o755))
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	t.Setenv("TMPDIR", t.TempDir())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		o.requests.Add(1)
		fmt.Fprint(w, configMap)
	}))
	t.Cleanup(server.Close)
	o.url = server.URL
	return o
}

// attempts gives how often git was run and the server asked since the last time.
func (o *outside) attempts() int {
	text, err := os.ReadFile(o.calls)
	if err == nil {
		require.NoError(o.t, os.Remove(o.calls))
	}
	return strings.Count(string(text), "\n") + int(o.requests.Swap(0))
}

// left gives what stands in the folder for temporary files.
func (o *outside) left() []string {
	found, err := filepath.Glob(filepath.Join(os.TempDir(), "*"))
	require.NoError(o.t, err)
	return found
}

const (
	repositoryURL = "github.com/example/base"
	aComponent    = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
)

// reachingOut are kustomizations for which kustomize runs git or sends a
// request. HTTP stands for the server.
var reachingOut = map[string]struct {
	files map[string]string
	links map[string]string // what each stands for, by its name
	says  string
}{
	"a list":                       {files: root("resources: [" + repositoryURL + "]\n"), says: `resources[0]: "github.com/example/base"`},
	"a list in the old name":       {files: root("bases: [" + repositoryURL + "]\n"), says: `bases[0]: "github.com/example/base"`},
	"a capital":                    {files: root("Resources: [" + repositoryURL + "]\n"), says: `resources[0]: "github.com/example/base"`},
	"capitals":                     {files: root("COMPONENTS: [" + repositoryURL + "]\n"), says: `components[0]: "github.com/example/base"`},
	"a letter that folds to s":     {files: root("re\u017fources: [" + repositoryURL + "]\n"), says: `resources[0]: "github.com/example/base"`},
	"a merge":                      {files: root("<<: {resources: [" + repositoryURL + "]}\n"), says: `resources[0]: "github.com/example/base"`},
	"a merge of several":           {files: root("<<: [{namePrefix: x-}, {resources: [" + repositoryURL + "]}]\n"), says: `resources[0]: "github.com/example/base"`},
	"an alias as the entry":        {files: root("metadata: {name: &x " + repositoryURL + "}\nresources: [*x]\n"), says: `resources[0]: "github.com/example/base"`},
	"an alias as the list":         {files: root("configurations: &r []\ncomponents: &c [" + repositoryURL + "]\nresources: *c\n"), says: `"github.com/example/base"`},
	"an alias of another list":     {files: root("crds: &r [" + repositoryURL + "]\nresources: *r\n"), says: `"github.com/example/base"`},
	"an alias as the key":          {files: root("metadata: {name: &x resources}\n*x : [" + repositoryURL + "]\n"), says: `resources[0]: "github.com/example/base"`},
	"a key in base64":              {files: root("!!binary cmVzb3VyY2Vz: [" + repositoryURL + "]\n"), says: `resources[0]: "github.com/example/base"`},
	"an entry in base64":           {files: root("resources: [!!binary Z2l0aHViLmNvbS9leGFtcGxlL2Jhc2U=]\n"), says: `resources[0]: "github.com/example/base"`},
	"an escaped key":               {files: root(`{"\x72esources": [` + repositoryURL + "]}\n"), says: `resources[0]: "github.com/example/base"`},
	"a key twice":                  {files: root("resources: [a.yaml]\nresources: [" + repositoryURL + "]\n"), says: `resources[0]: "github.com/example/base"`},
	"by SSH":                       {files: root("resources: ['git@example.com:a/b']\n"), says: `resources[0]: "git@example.com:a/b"`},
	"the file protocol":            {files: root("resources: ['file:///nowhere/a.git']\n"), says: `resources[0]: "file:///nowhere/a.git"`},
	"the git protocol":             {files: root("resources: ['git::https://127.0.0.1:1/a/b']\n"), says: `resources[0]: "git::https://127.0.0.1:1/a/b"`},
	"a transformer":                {files: root("resources: [a.yaml]\ntransformers: [" + repositoryURL + "]\n"), says: `transformers[0]: "github.com/example/base"`},
	"a transformer with a newline": {files: root("resources: [a.yaml]\ntransformers: [\"" + repositoryURL + "\\n\"]\n"), says: `transformers[0]: "github.com/example/base\n"`},
	"a transformer with a brace":   {files: root("resources: [a.yaml]\ntransformers: ['" + repositoryURL + "?x={}']\n"), says: `transformers[0]: "github.com/example/base?x={}"`},
	"a generator with a brace":     {files: root("resources: [a.yaml]\ngenerators: ['" + repositoryURL + "?x={}']\n"), says: `generators[0]: "github.com/example/base?x={}"`},
	"a validator":                  {files: root("resources: [a.yaml]\nvalidators: [" + repositoryURL + "]\n"), says: `validators[0]: "github.com/example/base"`},
	"a base's base": {
		files: map[string]string{"kustomization.yaml": "resources: [base]\n", "base/kustomization.yaml": "Resources: [" + repositoryURL + "]\n"},
		says:  `base/kustomization.yaml: resources[0]: "github.com/example/base"`,
	},
	"a component's component": {
		files: map[string]string{"kustomization.yaml": "components: [c]\n", "c/kustomization.yaml": aComponent + "components: [../d]\n", "d/kustomization.yaml": aComponent + "Components: [" + repositoryURL + "]\n"},
		says:  `d/kustomization.yaml: components[0]: "github.com/example/base"`,
	},
	"transformers of a folder": {
		files: map[string]string{"kustomization.yaml": "resources: [a.yaml]\ntransformers: [t]\n", "a.yaml": configMap, "t/kustomization.yaml": "Bases: [" + repositoryURL + "]\n"},
		says:  `t/kustomization.yaml: bases[0]: "github.com/example/base"`,
	},
	"a base by a link": {
		files: map[string]string{"kustomization.yaml": "resources: [link]\n", "deep/er/base/kustomization.yaml": "resources: [../a]\n", "deep/er/a/kustomization.yaml": "Resources: [" + repositoryURL + "]\n", "a/kustomization.yaml": "namePrefix: x-\n"},
		links: map[string]string{"link": "deep/er/base"},
		says:  `deep/er/a/kustomization.yaml: resources[0]: "github.com/example/base"`,
	},
	"a link that kustomize passes over": {
		files: map[string]string{"kustomization.yaml": "resources: [base]\n", "k.yaml": "namePrefix: x-\n", "base/kustomization.yml": "resources: [" + repositoryURL + "]\n"},
		links: map[string]string{"base/kustomization.yaml": "../k.yaml"},
		says:  "base",
	},
	"a kustomization by a link": {
		files: map[string]string{"kustomization.yaml": "resources: [base]\n", "base/k/k.yaml": "Resources: [" + repositoryURL + "]\n"},
		links: map[string]string{"base/kustomization.yaml": "k/k.yaml"},
		says:  `resources[0]: "github.com/example/base"`,
	},
	"a local folder like a repository": {
		files: map[string]string{"kustomization.yaml": "resources: [github.com/example/base]\n", "github.com/example/base/kustomization.yaml": "resources: [a.yaml]\n", "github.com/example/base/a.yaml": configMap},
	},
	"a local folder like a URL": {
		files: map[string]string{"kustomization.yaml": "resources: ['https://127.0.0.1:1/x/y']\n", "https:/127.0.0.1:1/x/y/kustomization.yaml": "resources: [a.yaml]\n", "https:/127.0.0.1:1/x/y/a.yaml": configMap},
	},
	"a local folder like the file protocol": {
		files: map[string]string{"kustomization.yaml": "resources: ['file:///x']\n", "file:/x/kustomization.yaml": "resources: [a.yaml]\n", "file:/x/a.yaml": configMap},
	},
	"a local folder like a user at a host": {
		files: map[string]string{"kustomization.yaml": "components: ['git@x:y/z.git']\nresources: [a.yaml]\n", "a.yaml": configMap, "git@x:y/z.git/kustomization.yaml": aComponent + "namePrefix: x-\n"},
	},
	"a file that does not parse": {
		files: map[string]string{"kustomization.yaml": "resources: [github.com/x/y.yaml]\n", "github.com/x/y.yaml": "["},
		says:  "did not find expected node content",
	},

	"a file":                               {files: root("resources: [HTTP/a.yaml]\n"), says: `/a.yaml"`},
	"a patch":                              {files: root("resources: [a.yaml]\npatches: [{path: HTTP/a.yaml}]\n"), says: "/a.yaml"},
	"a patch in capitals":                  {files: root("resources: [a.yaml]\nPATCHES: [{PATH: HTTP/a.yaml}]\n"), says: "/a.yaml"},
	"a JSON patch":                         {files: root("resources: [a.yaml]\npatchesJson6902: [{path: HTTP/a.yaml, target: {version: v1, kind: ConfigMap, name: NAME}}]\n"), says: "/a.yaml"},
	"a strategic merge patch":              {files: root("resources: [a.yaml]\npatchesStrategicMerge: ['HTTP/a.yaml']\n"), says: "/a.yaml"},
	"a strategic merge patch with a brace": {files: root("resources: [a.yaml]\npatchesStrategicMerge: ['HTTP/a.yaml?{}']\n"), says: "/a.yaml"},
	"a configuration":                      {files: root("resources: [a.yaml]\nconfigurations: [HTTP/a.yaml]\n"), says: "/a.yaml"},
	"a CRD":                                {files: root("resources: [a.yaml]\ncrds: [HTTP/a.yaml]\n"), says: "/a.yaml"},
	"a schema":                             {files: root("resources: [a.yaml]\nopenapi: {path: HTTP/a.yaml}\n"), says: "/a.yaml"},
	"a replacement":                        {files: root("resources: [a.yaml]\nreplacements: [{path: HTTP/a.yaml}]\n"), says: "/a.yaml"},
	"a file of a ConfigMap":                {files: root("configMapGenerator: [{name: x, files: [HTTP/a.yaml]}]\n"), says: "/a.yaml"},
	"a keyed file":                         {files: root("secretGenerator: [{name: x, files: ['a=HTTP/a.yaml']}]\n"), says: "/a.yaml"},
	"variables":                            {files: root("configMapGenerator: [{name: x, envs: [HTTP/a.env]}]\n"), says: "/a.env"},
	"variables by the old name":            {files: root("secretGenerator: [{name: x, env: HTTP/a.env}]\n"), says: "/a.env"},
	"a plugin's patch":                     {files: root("resources: [a.yaml]\ntransformers:\n- |\n" + indented(headOf("PatchTransformer")+"PATH: HTTP/a.yaml\n")), says: "/a.yaml"},
	"a plugin's patches":                   {files: root("resources: [a.yaml]\ntransformers:\n- |\n" + indented(headOf("PatchStrategicMergeTransformer")+"paths: [HTTP/a.yaml]\n")), says: "/a.yaml"},
	"a plugin's replacement":               {files: root("resources: [a.yaml]\ntransformers:\n- |\n" + indented(headOf("ReplacementTransformer")+"replacements: [{path: HTTP/a.yaml}]\n")), says: "/a.yaml"},
	"a generator's file": {
		files: map[string]string{"kustomization.yaml": "generators: [g.yaml]\n", "g.yaml": headOf("ConfigMapGenerator") + "files: ['x=HTTP/a.yaml']\n"},
		says:  "/a.yaml",
	},
	"a generator's variables": {
		files: map[string]string{"kustomization.yaml": "generators: [g.yaml]\n", "g.yaml": "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: builtin, kind: SecretGenerator, metadata: {name: x}, envs: [HTTP/a.env]}\n"},
		says:  "/a.env",
	},
	"a local file like a URL": {
		files: map[string]string{"kustomization.yaml": "resources: [a.yaml]\npatches: [{path: 'HTTP/a.yaml'}]\n", "a.yaml": configMap, "HTTP/a.yaml": configMap},
	},
}

// headOf gives what the configuration of a builtin plugin begins with.
func headOf(plugin string) string {
	return "apiVersion: builtin\nkind: " + plugin + "\nmetadata: {name: x}\n"
}

func root(kustomization string) map[string]string {
	return map[string]string{"kustomization.yaml": kustomization, "a.yaml": configMap}
}

func indented(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n  ") + "\n"
}

// TestNothingLeavesTheFiles holds each of the two lines by itself: that no entry
// is handed on which kustomize takes for remote, and that kustomize has neither
// git nor HTTP. Without both, every input makes an attempt, or it would show
// nothing.
func TestNothingLeavesTheFiles(t *testing.T) {
	for name, test := range reachingOut {
		t.Run(name, func(t *testing.T) {
			o := watchOutside(t)
			files := map[string]string{}
			for file, text := range test.files {
				files[strings.ReplaceAll(file, "HTTP", o.url)] = strings.ReplaceAll(text, "HTTP", o.url)
			}
			dir := tree(t, files)
			for link, to := range test.links {
				require.NoError(t, os.Symlink(to, filepath.Join(dir, link)))
			}
			path, transport := os.Getenv("PATH"), http.DefaultTransport
			build := func(unjudged, unconfined bool) error {
				options := marking
				options.unjudged, options.unconfined = unjudged, unconfined
				_, err := Build(dir, options)
				assert.Equal(t, path, os.Getenv("PATH"))
				assert.Equal(t, transport, http.DefaultTransport)
				return err
			}
			for line, err := range map[string]error{"both": build(false, false), "the first": build(false, true)} {
				if test.says == "" {
					assert.NoError(t, err, line)
				} else {
					assert.ErrorContains(t, err, test.says, line)
				}
				assert.Zero(t, o.attempts(), line)
				assert.Empty(t, o.left(), line)
			}
			err := build(true, false)
			assert.ErrorContains(t, err, test.says, "the second")
			if name != "a file that does not parse" { // kustomize tells that alone
				assert.ErrorContains(t, err, "what is remote is not fetched", "the second")
			}
			assert.Zero(t, o.attempts(), "the second")
			assert.Empty(t, o.left(), "the second")

			_ = build(true, true)
			assert.Positive(t, o.attempts(), "with neither, kustomize should leave the files")
		})
	}
}
