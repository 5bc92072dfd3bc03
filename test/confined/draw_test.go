package confined

import (
	"encoding/base64"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/test/attacks"
)

// drawing draws kustomizations: most of what they name is there, some of it is
// remote or looks so, and the fields are spelled in every way that kustomize
// reads.
type drawing struct {
	*rand.Rand
	tree attacks.Tree
	// drawn counts what the kustomizations are made of.
	drawn map[string]int
}

func of[T any](d *drawing, all ...T) T { return all[d.IntN(len(all))] }

func (d *drawing) oneIn(n int) bool { return d.IntN(n) == 0 }

// draw gives a tree whose root is built.
func draw(seed uint64, drawn map[string]int) attacks.Tree {
	d := &drawing{rand.New(rand.NewPCG(seed, 1)), attacks.Tree{Files: map[string]string{}, Links: map[string]string{}}, drawn}
	object := func(name string) string {
		return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {a: b}\n", name)
	}
	for _, dir := range []string{"", "base/", "component/", "plugins/"} {
		d.tree.Files[dir+"a.yaml"] = object("a" + strings.TrimSuffix(dir, "/"))
		d.tree.Files[dir+"b.yaml"] = object("b" + strings.TrimSuffix(dir, "/"))
		d.tree.Files[dir+"data"] = "K=v\n"
	}
	d.tree.Files["empty.yaml"] = "{}\n"
	d.tree.Files["replacement.yaml"] = "source: {kind: ConfigMap, name: a, fieldPath: data.a}\ntargets: [{select: {kind: ConfigMap}, fieldPaths: [data.r], options: {create: true}}]\n"
	d.tree.Files["spec.yaml"] = nobody
	d.tree.Files["operations.yaml"] = "- {op: add, path: /data/o, value: p}\n"
	d.tree.Files["patch.yaml"] = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {c: d}\n"
	d.tree.Files["github.com/x/y/kustomization.yaml"] = "resources: [a.yaml]\n"
	d.tree.Files["github.com/x/y/a.yaml"] = object("like")
	d.tree.Files["z.git/kustomization.yaml"] = "resources: [../component/b.yaml]\n"
	d.tree.Links["link.yaml"] = "b.yaml"
	d.tree.Links["linked"] = "base"
	for _, dir := range []string{"", "base/", "component/", "plugins/"} { // in order, as a seed gives the same again
		head := map[string]string{"component/": attacks.Component}[dir]
		d.tree.Files[dir+"kustomization.yaml"] = head + d.kustomization(dir)
	}
	return d.tree
}

func (d *drawing) kustomization(dir string) string {
	if dir == "plugins/" {
		d.tree.Files["plugins/a.yaml"], d.tree.Files["plugins/b.yaml"] = d.plugin(), d.plugin()
	}
	fields := 1 + d.IntN(2)
	if dir != "" && !d.oneIn(4) {
		fields = 0
	}
	text := map[string]string{"": "resources: [a.yaml]\n", "component/": "namePrefix: c-\n"}[dir]
	if text == "" {
		text = "resources: [b.yaml]\n"
	}
	for range fields {
		text += d.field(dir)
	}
	return text
}

// field gives a field that kustomize loads something by.
func (d *drawing) field(dir string) string {
	folder := func(usual ...string) string {
		return d.scalar(d.named(dir, usual, "base", "component", "plugins", "."))
	}
	file := func(usual ...string) string {
		return d.scalar(d.named(dir, usual, "a.yaml", "b.yaml", "link.yaml", "data", "kustomization.yaml", "none.yaml", "/etc/hostname"))
	}
	inline := func() string { return quoted(d.plugin()) }
	plugins := func() string {
		return "[" + of(d, func() string { return folder("plugins") }, func() string { return file("plugins/a.yaml", "plugins/a.yaml", "spec.yaml") }, inline)() + "]"
	}
	bases := func() string {
		return "[" + folder("base", "base/", "linked", "./base/../base", "github.com/x/y", "z.git") + "]"
	}
	fields := map[string]func() string{
		"resources": func() string {
			return of(d, bases, func() string { return "[" + file("b.yaml", "./b.yaml", "link.yaml") + "]" })()
		},
		"bases":                 bases,
		"components":            func() string { return "[" + folder("component") + "]" },
		"transformers":          plugins,
		"generators":            plugins,
		"validators":            plugins,
		"crds":                  func() string { return "[" + file("empty.yaml") + "]" },
		"configurations":        func() string { return "[" + file("empty.yaml") + "]" },
		"openapi":               func() string { return "{path: " + file("empty.yaml") + "}" },
		"patches":               func() string { return "[{path: " + file("patch.yaml") + "}]" },
		"patchesStrategicMerge": func() string { return "[" + file("patch.yaml") + "]" },
		"patchesJson6902": func() string {
			return "[{path: " + file("operations.yaml") + ", target: {version: v1, kind: ConfigMap, name: a}}]"
		},
		"replacements":       func() string { return "[{path: " + file("replacement.yaml") + "}]" },
		"configMapGenerator": func() string { return "[{name: c, files: [" + file("data", "k=data", "kustomization.yaml") + "]}]" },
		"secretGenerator":    func() string { return "[{name: s, envs: [" + file("data") + "]}]" },
	}
	name := of(d, slices.Sorted(maps.Keys(fields))...)
	d.drawn[name]++
	return d.spelled(name, fields[name]())
}

// spelled writes a field in one of the ways in which kustomize reads it.
func (d *drawing) spelled(name, value string) string {
	anchor := fmt.Sprintf("n%d", d.IntN(1_000_000))
	way := of(d, "plain", "plain", "capitals", "folding", "base64", "escaped", "merge", "merges", "alias", "key by alias", "twice")
	d.drawn[way]++
	switch way {
	case "capitals":
		return of(d, strings.ToUpper(name), strings.ToUpper(name[:1])+name[1:]) + ": " + value + "\n"
	case "folding":
		return strings.NewReplacer("s", "\u017f", "k", "\u212a").Replace(name) + ": " + value + "\n"
	case "base64":
		return "!!binary " + base64.StdEncoding.EncodeToString([]byte(name)) + ": " + value + "\n"
	case "escaped":
		return fmt.Sprintf("\"\\x%02x%s\": %s\n", name[0], name[1:], value)
	case "merge":
		return "<<: {" + name + ": " + value + "}\n"
	case "merges":
		return "<<: [{nameSuffix: -y}, {" + name + ": " + value + "}]\n"
	case "alias":
		return of(d, "labels", "images", "vars") + ": &" + anchor + " []\n" + name + ": " + value + "\n"
	case "key by alias":
		return "commonLabels: {a: &" + anchor + " " + name + "}\n*" + anchor + " : " + value + "\n"
	case "twice":
		return name + ": [a.yaml]\n" + name + ": " + value + "\n"
	}
	return name + ": " + value + "\n"
}

// scalar writes an entry.
func (d *drawing) scalar(value string) string {
	if d.oneIn(6) {
		return "!!binary " + base64.StdEncoding.EncodeToString([]byte(value))
	}
	return quoted(value)
}

func quoted(value string) string { return fmt.Sprintf("%q", value) }

// named gives what an entry names: what is usual, seen from a folder, something
// remote, or anything.
func (d *drawing) named(dir string, usual []string, others ...string) string {
	switch {
	case d.oneIn(3):
		return d.remote()
	case d.oneIn(6):
		return of(d, others...)
	}
	name := of(d, usual...)
	if dir != "" && !strings.Contains(name, "=") {
		name = "../" + name
	}
	return name
}

// remote gives what kustomize clones or fetches.
func (d *drawing) remote() string {
	d.drawn["remote"]++
	return of(d,
		"github.com/example/base", "GitHub.com/example/base?ref=v1", "git@example.com:a/b", "git::https://127.0.0.1:1/a/b", "file:///nowhere/r.git//x",
		"ssh://git@127.0.0.1:1/a/b", "https://127.0.0.1:1/a/b.git", "http://127.0.0.1:1/a.yaml", "HTTPS://127.0.0.1:1/a/_git/b",
	) + of(d, "", "", "", "?a={}", "\n", "#&x*x")
}

// plugin gives the configuration of a builtin plugin.
func (d *drawing) plugin() string {
	path := quoted(d.named("", []string{"patch.yaml", "data", "replacement.yaml"}, "none.yaml"))
	return of(d,
		attacks.HeadOf("PatchTransformer")+"path: "+path+"\n",
		attacks.HeadOf("PatchStrategicMergeTransformer")+"Paths: ["+path+"]\n",
		attacks.HeadOf("ReplacementTransformer")+"replacements: [{PATH: "+path+"}]\n",
		attacks.HeadOf("ConfigMapGenerator")+"files: ['k="+strings.Trim(path, `"`)+"']\n",
		attacks.HeadOf("SecretGenerator")+"envs: ["+path+"]\n",
		attacks.HeadOf("PrefixTransformer")+"prefix: q-\nfieldSpecs: [{path: metadata/name}]\n",
		attacks.HeadOf("HelmChartInflationGenerator")+"valuesFile: "+path+"\n",
		"apiVersion: example.com/v1\nkind: Fn\nmetadata: {name: x, annotations: {config.kubernetes.io/function: 'exec: {path: /bin/true}'}}\n",
	)
}
