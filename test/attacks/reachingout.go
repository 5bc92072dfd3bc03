// Package attacks holds kustomizations that have kustomize leave the machine's
// files, or go on without end, for the tests of whatever builds them.
package attacks

import (
	"os"
	"path/filepath"
	"strings"
)

// Tree is a folder of files.
type Tree struct {
	Files map[string]string // texts by their paths; HTTP in both stands for a server
	Links map[string]string // what each stands for, by its path
	Says  string            // part of the error; "" if it builds
}

// Write lays the tree out below a folder, with a server's URL.
func (t Tree) Write(dir, url string) error {
	for path, text := range t.Files {
		path = filepath.Join(dir, strings.ReplaceAll(path, "HTTP", url))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "HTTP", url)), 0o600); err != nil {
			return err
		}
	}
	for link, to := range t.Links {
		link = filepath.Join(dir, link)
		if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
			return err
		}
		if err := os.Symlink(to, link); err != nil {
			return err
		}
	}
	return nil
}

// ConfigMap is an object that nothing is wrong with.
const ConfigMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME}\ndata: {a: b}\n"

const (
	repositoryURL = "github.com/example/base"
	// Component is what a component begins with.
	Component = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
)

// ReachingOut are kustomizations for which kustomize runs git or sends a
// request. HTTP stands for the server.
var ReachingOut = map[string]Tree{
	"a list":                       {Files: Root("resources: [" + repositoryURL + "]\n"), Says: `resources[0]: "github.com/example/base"`},
	"a list in the old name":       {Files: Root("bases: [" + repositoryURL + "]\n"), Says: `bases[0]: "github.com/example/base"`},
	"a capital":                    {Files: Root("Resources: [" + repositoryURL + "]\n"), Says: `resources[0]: "github.com/example/base"`},
	"capitals":                     {Files: Root("COMPONENTS: [" + repositoryURL + "]\n"), Says: `components[0]: "github.com/example/base"`},
	"a letter that folds to s":     {Files: Root("re\u017fources: [" + repositoryURL + "]\n"), Says: `resources[0]: "github.com/example/base"`},
	"a merge":                      {Files: Root("<<: {resources: [" + repositoryURL + "]}\n"), Says: `resources[0]: "github.com/example/base"`},
	"a merge of several":           {Files: Root("<<: [{namePrefix: x-}, {resources: [" + repositoryURL + "]}]\n"), Says: `resources[0]: "github.com/example/base"`},
	"an alias as the entry":        {Files: Root("metadata: {name: &x " + repositoryURL + "}\nresources: [*x]\n"), Says: `resources[0]: "github.com/example/base"`},
	"an alias as the list":         {Files: Root("configurations: &r []\ncomponents: &c [" + repositoryURL + "]\nresources: *c\n"), Says: `"github.com/example/base"`},
	"an alias of another list":     {Files: Root("crds: &r [" + repositoryURL + "]\nresources: *r\n"), Says: `"github.com/example/base"`},
	"an alias as the key":          {Files: Root("metadata: {name: &x resources}\n*x : [" + repositoryURL + "]\n"), Says: `resources[0]: "github.com/example/base"`},
	"a key in base64":              {Files: Root("!!binary cmVzb3VyY2Vz: [" + repositoryURL + "]\n"), Says: `resources[0]: "github.com/example/base"`},
	"an entry in base64":           {Files: Root("resources: [!!binary Z2l0aHViLmNvbS9leGFtcGxlL2Jhc2U=]\n"), Says: `resources[0]: "github.com/example/base"`},
	"an escaped key":               {Files: Root(`{"\x72esources": [` + repositoryURL + "]}\n"), Says: `resources[0]: "github.com/example/base"`},
	"a key twice":                  {Files: Root("resources: [a.yaml]\nresources: [" + repositoryURL + "]\n"), Says: `resources[0]: "github.com/example/base"`},
	"by SSH":                       {Files: Root("resources: ['git@example.com:a/b']\n"), Says: `resources[0]: "git@example.com:a/b"`},
	"the file protocol":            {Files: Root("resources: ['file:///nowhere/a.git']\n"), Says: `resources[0]: "file:///nowhere/a.git"`},
	"the git protocol":             {Files: Root("resources: ['git::https://127.0.0.1:1/a/b']\n"), Says: `resources[0]: "git::https://127.0.0.1:1/a/b"`},
	"a transformer":                {Files: Root("resources: [a.yaml]\ntransformers: [" + repositoryURL + "]\n"), Says: `transformers[0]: "github.com/example/base"`},
	"a transformer with a newline": {Files: Root("resources: [a.yaml]\ntransformers: [\"" + repositoryURL + "\\n\"]\n"), Says: `transformers[0]: "github.com/example/base\n"`},
	"a transformer with a brace":   {Files: Root("resources: [a.yaml]\ntransformers: ['" + repositoryURL + "?x={}']\n"), Says: `transformers[0]: "github.com/example/base?x={}"`},
	"a generator with a brace":     {Files: Root("resources: [a.yaml]\ngenerators: ['" + repositoryURL + "?x={}']\n"), Says: `generators[0]: "github.com/example/base?x={}"`},
	"two transformers of one name": {Files: Root("resources: [a.yaml]\ntransformers:\n- |\n" + Indented(strings.Repeat("file:///nowhere/r.git: x\n"+HeadOf("PrefixTransformer")+"---\n", 2))), Says: `transformers[0]: "file:///nowhere/r.git: x\n`},
	"a validator":                  {Files: Root("resources: [a.yaml]\nvalidators: [" + repositoryURL + "]\n"), Says: `validators[0]: "github.com/example/base"`},
	"a base's base": {
		Files: map[string]string{"kustomization.yaml": "resources: [base]\n", "base/kustomization.yaml": "Resources: [" + repositoryURL + "]\n"},
		Says:  `base/kustomization.yaml: resources[0]: "github.com/example/base"`,
	},
	"a component's component": {
		Files: map[string]string{"kustomization.yaml": "components: [c]\n", "c/kustomization.yaml": Component + "components: [../d]\n", "d/kustomization.yaml": Component + "Components: [" + repositoryURL + "]\n"},
		Says:  `d/kustomization.yaml: components[0]: "github.com/example/base"`,
	},
	"transformers of a folder": {
		Files: map[string]string{"kustomization.yaml": "resources: [a.yaml]\ntransformers: [t]\n", "a.yaml": ConfigMap, "t/kustomization.yaml": "Bases: [" + repositoryURL + "]\n"},
		Says:  `t/kustomization.yaml: bases[0]: "github.com/example/base"`,
	},
	"a base by a link": {
		Files: map[string]string{"kustomization.yaml": "resources: [link]\n", "deep/er/base/kustomization.yaml": "resources: [../a]\n", "deep/er/a/kustomization.yaml": "Resources: [" + repositoryURL + "]\n", "a/kustomization.yaml": "namePrefix: x-\n"},
		Links: map[string]string{"link": "deep/er/base"},
		Says:  `deep/er/a/kustomization.yaml: resources[0]: "github.com/example/base"`,
	},
	"a link that kustomize passes over": {
		Files: map[string]string{"kustomization.yaml": "resources: [base]\n", "k.yaml": "namePrefix: x-\n", "base/kustomization.yml": "resources: [" + repositoryURL + "]\n"},
		Links: map[string]string{"base/kustomization.yaml": "../k.yaml"},
		Says:  "base",
	},
	"a kustomization by a link": {
		Files: map[string]string{"kustomization.yaml": "resources: [base]\n", "base/k/k.yaml": "Resources: [" + repositoryURL + "]\n"},
		Links: map[string]string{"base/kustomization.yaml": "k/k.yaml"},
		Says:  `resources[0]: "github.com/example/base"`,
	},
	"a local folder like a repository": {
		Files: map[string]string{"kustomization.yaml": "resources: [github.com/example/base]\n", "github.com/example/base/kustomization.yaml": "resources: [a.yaml]\n", "github.com/example/base/a.yaml": ConfigMap},
	},
	"a local folder like a URL": {
		Files: map[string]string{"kustomization.yaml": "resources: ['https://127.0.0.1:1/x/y']\n", "https:/127.0.0.1:1/x/y/kustomization.yaml": "resources: [a.yaml]\n", "https:/127.0.0.1:1/x/y/a.yaml": ConfigMap},
	},
	"a local folder like the file protocol": {
		Files: map[string]string{"kustomization.yaml": "resources: ['file:///x']\n", "file:/x/kustomization.yaml": "resources: [a.yaml]\n", "file:/x/a.yaml": ConfigMap},
	},
	"a local folder like a user at a host": {
		Files: map[string]string{"kustomization.yaml": "components: ['git@x:y/z.git']\nresources: [a.yaml]\n", "a.yaml": ConfigMap, "git@x:y/z.git/kustomization.yaml": Component + "namePrefix: x-\n"},
	},
	"a file that does not parse": {
		Files: map[string]string{"kustomization.yaml": "resources: [github.com/x/y.yaml]\n", "github.com/x/y.yaml": "["},
		Says:  "github.com/x/y.yaml",
	},

	"a file":                               {Files: Root("resources: [HTTP/a.yaml]\n"), Says: `/a.yaml"`},
	"a patch":                              {Files: Root("resources: [a.yaml]\npatches: [{path: HTTP/a.yaml}]\n"), Says: "/a.yaml"},
	"a patch in capitals":                  {Files: Root("resources: [a.yaml]\nPATCHES: [{PATH: HTTP/a.yaml}]\n"), Says: "/a.yaml"},
	"a JSON patch":                         {Files: Root("resources: [a.yaml]\npatchesJson6902: [{path: HTTP/a.yaml, target: {version: v1, kind: ConfigMap, name: NAME}}]\n"), Says: "/a.yaml"},
	"a strategic merge patch":              {Files: Root("resources: [a.yaml]\npatchesStrategicMerge: ['HTTP/a.yaml']\n"), Says: "/a.yaml"},
	"a strategic merge patch with a brace": {Files: Root("resources: [a.yaml]\npatchesStrategicMerge: ['HTTP/a.yaml?{}']\n"), Says: "/a.yaml"},
	"a configuration":                      {Files: Root("resources: [a.yaml]\nconfigurations: [HTTP/a.yaml]\n"), Says: "/a.yaml"},
	"a CRD":                                {Files: Root("resources: [a.yaml]\ncrds: [HTTP/a.yaml]\n"), Says: "/a.yaml"},
	"a schema":                             {Files: Root("resources: [a.yaml]\nopenapi: {path: HTTP/a.yaml}\n"), Says: "/a.yaml"},
	"a replacement":                        {Files: Root("resources: [a.yaml]\nreplacements: [{path: HTTP/a.yaml}]\n"), Says: "/a.yaml"},
	"a file of a ConfigMap":                {Files: Root("ConfigMapGenerator: [{name: x, files: [HTTP/a.yaml]}]\n"), Says: "/a.yaml"},
	"a keyed file":                         {Files: Root("secretGenerator: [{name: x, files: ['a=HTTP/a.yaml']}]\n"), Says: "/a.yaml"},
	"variables":                            {Files: Root("ConfigMapGenerator: [{name: x, envs: [HTTP/a.env]}]\n"), Says: "/a.env"},
	"variables by the old name":            {Files: Root("secretGenerator: [{name: x, env: HTTP/a.env}]\n"), Says: "/a.env"},
	"a plugin's patch":                     {Files: Root("resources: [a.yaml]\ntransformers:\n- |\n" + Indented(HeadOf("PatchTransformer")+"PATH: HTTP/a.yaml\n")), Says: "/a.yaml"},
	"a plugin's patches":                   {Files: Root("resources: [a.yaml]\ntransformers:\n- |\n" + Indented(HeadOf("PatchStrategicMergeTransformer")+"paths: [HTTP/a.yaml]\n")), Says: "/a.yaml"},
	"a plugin's replacement":               {Files: Root("resources: [a.yaml]\ntransformers:\n- |\n" + Indented(HeadOf("ReplacementTransformer")+"replacements: [{path: HTTP/a.yaml}]\n")), Says: "/a.yaml"},
	"a generator's file": {
		Files: map[string]string{"kustomization.yaml": "generators: [g.yaml]\n", "g.yaml": HeadOf("ConfigMapGenerator") + "files: ['x=HTTP/a.yaml']\n"},
		Says:  "/a.yaml",
	},
	"a generator's variables": {
		Files: map[string]string{"kustomization.yaml": "generators: [g.yaml]\n", "g.yaml": "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: builtin, kind: SecretGenerator, metadata: {name: x}, envs: [HTTP/a.env]}\n"},
		Says:  "/a.env",
	},
	"a local file like a URL": {
		Files: map[string]string{"kustomization.yaml": "resources: [a.yaml]\npatches: [{path: 'HTTP/a.yaml'}]\n", "a.yaml": ConfigMap, "HTTP/a.yaml": ConfigMap},
	},
}

// HeadOf gives what the configuration of a builtin plugin begins with.
func HeadOf(plugin string) string {
	return "apiVersion: builtin\nkind: " + plugin + "\nmetadata: {name: x}\n"
}

// Root gives a tree with one kustomization, beside a ConfigMap in a.yaml.
func Root(kustomization string) map[string]string {
	return map[string]string{"kustomization.yaml": kustomization, "a.yaml": ConfigMap}
}

// Indented indents the lines of a text by two.
func Indented(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n  ") + "\n"
}
