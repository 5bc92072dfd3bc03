package kustomization

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// bomb is a text of a few hundred bytes that aliases make 9^levels times as long.
func bomb(indent string, levels int) string {
	text := indent + "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
	for i := 1; i <= levels; i++ {
		text += fmt.Sprintf("%sa%d: &a%d [%s]\n", indent, i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 9), ", "))
	}
	return text
}

// diamonds are bases of which each stands on the next by two ways, with a prefix
// of its own for each.
func diamonds(levels int) map[string]string {
	files := map[string]string{"kustomization.yaml": "resources: [l0]\n"}
	for i := range levels {
		files[fmt.Sprintf("l%d/kustomization.yaml", i)] = fmt.Sprintf("resources: [../l%da, ../l%db]\n", i, i)
		for _, side := range []string{"a", "b"} {
			files[fmt.Sprintf("l%d%s/kustomization.yaml", i, side)] = fmt.Sprintf("resources: [../l%d]\nnamePrefix: %s\n", i+1, side)
		}
	}
	files[fmt.Sprintf("l%d/kustomization.yaml", levels)] = "resources: [a.yaml]\n"
	files[fmt.Sprintf("l%d/a.yaml", levels)] = configMap
	return files
}

// chain is components, or bases, of which each lists the next so often.
func chain(list, head string, length, times int) map[string]string {
	files := map[string]string{"kustomization.yaml": "resources: [a.yaml]\n" + list + ": [n0]\n", "a.yaml": configMap}
	for i := range length - 1 {
		files[fmt.Sprintf("n%d/kustomization.yaml", i)] = fmt.Sprintf("%s%s: [%s]\n", head, list, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("../n%d, ", i+1), times), ", "))
	}
	files[fmt.Sprintf("n%d/kustomization.yaml", length-1)] = head + "commonAnnotations: {a: b}\n"
	return files
}

func with(files map[string]string, more ...string) map[string]string {
	for i := 0; i < len(more); i += 2 {
		files[more[i]] = more[i+1]
	}
	return files
}

func TestABuildIsBounded(t *testing.T) {
	isTooMuch := "aliases of aliases add more than 1024 GiB, and more than 10 MiB are refused: write out what they stand for"
	wide := "data:\n  a: &a " + strings.Repeat("x", 20_000) + "\n  b: [" + strings.TrimSuffix(strings.Repeat("*a, ", 2_000), ", ") + "]\n"
	jsonBomb := "- {op: add, path: /data/b, value: {a: &a [x, x, x, x, x, x, x, x, x]"
	for i := range 14 {
		jsonBomb += fmt.Sprintf(", a%d: &a%d [%s]", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%s, ", strings.TrimPrefix(fmt.Sprint(i-1), "-1")), 9), ", "))
	}
	jsonBomb += "}}\n"
	copies := "["
	for i := range 40 {
		copies += fmt.Sprintf(`{"op": "copy", "from": "/data", "path": "/data/k%d"},`, i)
	}
	copies = strings.TrimSuffix(copies, ",") + "]"
	config := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bomb}\ndata:\n"
	for name, test := range map[string]struct {
		files map[string]string
		says  string
	}{
		"a component that lists itself":      {with(root("components: [c]\n"), "c/kustomization.yaml", aComponent+"components: [.]\n"), "c/kustomization.yaml: components[0]: this leads back to "},
		"components that list each other":    {with(root("components: [c]\n"), "c/kustomization.yaml", aComponent+"components: [../d]\n", "d/kustomization.yaml", aComponent+"components: [../c]\n"), "d/kustomization.yaml: components[0]: this leads back to "},
		"a base that lists itself":           {root("resources: [a.yaml, ./]\n"), "kustomization.yaml: resources[1]: this leads back to "},
		"transformers that lead back":        {with(root("resources: [a.yaml]\ntransformers: [t]\n"), "t/kustomization.yaml", "resources: [../u]\n", "u/kustomization.yaml", "generators: [../t]\n"), "u/kustomization.yaml: generators[0]: this leads back to "},
		"a base above":                       {with(root("resources: [b]\n"), "b/kustomization.yaml", "resources: [..]\n"), "b/kustomization.yaml: resources[0]: this leads back to "},
		"27 components, each the next twice": {chain("components", aComponent, 27, 2), "kustomize would read 8191 kustomizations for this, most of them again and again, and more than 5000 repetitions are refused"},
		"20 generators, each the next twice": {chain("generators", "", 20, 2), "kustomize would read 8191 kustomizations for this"},
		"diamonds, 16 levels":                {diamonds(16), "l5/kustomization.yaml: kustomize would read 8189 kustomizations for this"},
		"101 bases":                          {chain("resources", "", 101, 1), "101 kustomizations stand one below the other here, more than 100: list bases side by side"},
		"a large base, often":                {with(chain("resources", "", 8, 2), "n7/kustomization.yaml", "resources: [a.yaml]\n", "n7/a.yaml", configMap+strings.Repeat("#\n", 500_000)), "kustomize would read 122 MiB for this, each file as often as it is listed, and more than 64 MiB are refused"},

		"a ConfigMap of aliases":             {with(root("resources: [a.yaml, b.yaml]\n"), "b.yaml", config+bomb("  ", 14)), isTooMuch},
		"aliases of a long text":             {with(root("resources: [b.yaml]\n"), "b.yaml", config+wide), "aliases add 38 MiB to a document of "},
		"aliases in the second document":     {with(root("resources: [b.yaml]\n"), "b.yaml", configMap+"--- # next\n"+config+bomb("  ", 14)), isTooMuch},
		"an alias within what it stands for": {with(root("resources: [b.yaml]\n"), "b.yaml", config+"  a: &a [*a]\n"), "an alias stands within what it stands for"},
		"aliases under a merge":              {with(root("resources: [b.yaml]\n"), "b.yaml", config+bomb("  ", 14)+"  <<: {x: *a14}\n"), isTooMuch},
		"aliases in the kustomization":       {root("resources: [a.yaml]\ncommonAnnotations:\n" + bomb("  ", 14)), isTooMuch},
		"aliases of a long text in it":       {root("resources: [a.yaml]\nconfigMapGenerator:\n- name: x\n  literals:\n  - &a a=" + strings.Repeat("x", 20_000) + "\n" + strings.Repeat("  - *a\n", 2_000)), "aliases add 38 MiB to a document of "},
		"aliases in a patch":                 {with(root("resources: [a.yaml]\npatches: [{path: p.yaml}]\n"), "p.yaml", config+bomb("  ", 14)), isTooMuch},
		"aliases in an inline patch":         {root("resources: [a.yaml]\npatches:\n- patch: |\n" + indented(indented(config+bomb("  ", 14)))), isTooMuch},
		"aliases in an old inline patch":     {root("resources: [a.yaml]\npatchesStrategicMerge:\n- |\n" + indented(config+bomb("  ", 14))), isTooMuch},
		"aliases in a JSON patch":            {with(root("resources: [a.yaml]\npatches: [{path: p.yaml, target: {kind: ConfigMap}}]\n"), "p.yaml", jsonBomb), isTooMuch},
		"aliases in an old JSON patch":       {root("resources: [a.yaml]\npatchesJson6902:\n- target: {version: v1, kind: ConfigMap, name: NAME}\n  patch: |\n" + indented(indented(jsonBomb))), isTooMuch},
		"aliases in a transformer":           {root("resources: [a.yaml]\ntransformers:\n- |\n" + indented(headOf("AnnotationsTransformer")+bomb("", 14))), isTooMuch},
		"aliases in a generator":             {with(root("generators: [g.yaml]\n"), "g.yaml", headOf("ConfigMapGenerator")+bomb("", 14)), isTooMuch},
		"aliases in a configuration":         {with(root("resources: [a.yaml]\nconfigurations: [c.yaml]\n"), "c.yaml", bomb("", 14)), isTooMuch},
		"aliases in a CRD":                   {with(root("resources: [a.yaml]\ncrds: [c.yaml]\n"), "c.yaml", bomb("", 14)), isTooMuch},
		"aliases in a schema":                {with(root("resources: [a.yaml]\nopenapi: {path: c.yaml}\n"), "c.yaml", bomb("", 14)), isTooMuch},
		"aliases in a replacement":           {with(root("resources: [a.yaml]\nreplacements: [{path: c.yaml}]\n"), "c.yaml", bomb("", 14)), isTooMuch},
		"aliases in a plugin's patch":        {with(root("resources: [a.yaml]\ntransformers:\n- |\n"+indented(headOf("PatchTransformer")+"path: p.yaml\n")), "p.yaml", config+bomb("  ", 14)), isTooMuch},
		"a JSON patch that copies":           {root("resources: [a.yaml]\npatches:\n- target: {kind: ConfigMap}\n  patch: '" + copies + "'\n"), "copy"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := tree(t, test.files)
			begin := time.Now()
			_, err := Build(dir, marking)
			require.ErrorContains(t, err, test.says)
			assert.Less(t, time.Since(begin), 10*time.Second)
		})
	}
	t.Run("a file larger than all that is read", func(t *testing.T) {
		dir := tree(t, root("configMapGenerator: [{name: x, files: [large]}]\n"))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "large"), nil, 0o600))
		require.NoError(t, os.Truncate(filepath.Join(dir, "large"), 100<<30))
		_, err := Build(dir, marking)
		require.ErrorContains(t, err, "has 102400 MiB, and more than 64 MiB are refused")
	})
}

func TestBoundsLetPass(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"a diamond of two bases":           diamonds(1),
		"diamonds, 8 levels":               diamonds(8),
		"components, each the next twice":  chain("components", aComponent, 8, 2),
		"50 bases, one below the other":    chain("resources", "", 50, 1),
		"aliases as people write them":     with(root("resources: [b.yaml]\n"), "b.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, labels: &l {a: b}, annotations: *l}\n"),
		"a few levels of aliases":          with(root("resources: [b.yaml]\n"), "b.yaml", "apiVersion: example.com/v1\nkind: X\nmetadata: {name: x}\nspec:\n"+bomb("  ", 3)),
		"a file of aliases that is copied": with(root("configMapGenerator: [{name: x, files: [bomb.yaml], options: {disableNameSuffixHash: true}}]\n"), "bomb.yaml", bomb("", 14)),
		"a component of two overlays": {
			"kustomization.yaml":   "resources: [p, q]\n",
			"p/kustomization.yaml": "resources: [../a]\ncomponents: [../c]\nnamePrefix: p-\n", "q/kustomization.yaml": "resources: [../a]\ncomponents: [../c]\nnamePrefix: q-\n",
			"a/kustomization.yaml": "resources: [a.yaml]\n", "a/a.yaml": configMap, "c/kustomization.yaml": aComponent + "commonAnnotations: {a: b}\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := tree(t, files)
			built, err := Build(dir, marking)
			require.NoError(t, err)
			assert.Equal(t, kustomized(t, dir), string(built.Text))
		})
	}
}

// TestSpecsOfManyOverlaysAreBounded has a component whose spec is applied to
// what each of many kustomizations that use it has.
func TestSpecsOfManyOverlaysAreBounded(t *testing.T) {
	files := map[string]string{"a/kustomization.yaml": "resources: [a.yaml]\n", "a/a.yaml": configMap, "c/kustomization.yaml": aComponent + "transformers: [mark.yaml]\n", "c/mark.yaml": mark}
	overlays := "resources:\n"
	for i := range 20 {
		files[fmt.Sprintf("o%d/kustomization.yaml", i)] = fmt.Sprintf("namePrefix: o%d-\nresources: [../a]\ncomponents: [../c]\n", i)
		overlays += fmt.Sprintf("- o%d\n", i)
	}
	dir := tree(t, with(files, "kustomization.yaml", overlays))
	built, err := Build(dir, marking)
	require.NoError(t, err)
	assert.Equal(t, 20, strings.Count(string(built.Text), "mark: seen"))

	files = chain("components", aComponent, 12, 2)
	dir = tree(t, with(files, "n11/kustomization.yaml", aComponent+"transformers: [mark.yaml]\n", "n11/mark.yaml", mark))
	_, err = Build(dir, marking)
	require.ErrorContains(t, err, "to see what the specs below the root are applied to, and more than 5000 repetitions are refused: list the specs in the kustomization that is built")
}

// TestMemoryIsWatched has replacements double a field each, which only kustomize
// sees. In the end the build is done, as what it is given up by ends no process
// here.
func TestMemoryIsWatched(t *testing.T) {
	doubling := "resources: [a.yaml]\nreplacements:\n"
	for i := range 15 {
		doubling += fmt.Sprintf("- source: {kind: ConfigMap, fieldPath: data}\n  targets: [{select: {kind: ConfigMap}, fieldPaths: [data.k%d], options: {create: true}}]\n", i)
	}
	for name, test := range map[string]struct {
		kustomization string
		memory        int
		givesUp       bool
	}{
		"doubling":         {doubling, 20 << 20, true},
		"with more memory": {doubling, 0, false},
		"nothing of it":    {"resources: [a.yaml]\n", 20 << 20, false},
	} {
		t.Run(name, func(t *testing.T) {
			options, reasons := marking, make(chan error, 1)
			options.memory = test.memory
			options.GiveUp = func(reason error) {
				select {
				case reasons <- reason:
				default: // told once before
				}
			}
			_, err := Build(tree(t, root(test.kustomization)), options)
			require.NoError(t, err)
			require.Len(t, reasons, map[bool]int{true: 1}[test.givesUp])
			if test.givesUp {
				require.ErrorContains(t, <-reasons, "of memory for 2 KiB of files: look for replacements that copy a field into itself")
			}
		})
	}
}
