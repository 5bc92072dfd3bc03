package attacks

import (
	"fmt"
	"strings"
)

// Bomb is a text of a few hundred bytes that aliases make 9^levels times as long.
func Bomb(indent string, levels int) string {
	text := indent + "a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9]\n"
	for i := 1; i <= levels; i++ {
		text += fmt.Sprintf("%sa%d: &a%d [%s]\n", indent, i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 9), ", "))
	}
	return text
}

// Diamonds are bases of which each stands on the next by two ways, with a prefix
// of its own for each.
func Diamonds(levels int) map[string]string {
	files := map[string]string{"kustomization.yaml": "resources: [l0]\n"}
	for i := range levels {
		files[fmt.Sprintf("l%d/kustomization.yaml", i)] = fmt.Sprintf("resources: [../l%da, ../l%db]\n", i, i)
		for _, side := range []string{"a", "b"} {
			files[fmt.Sprintf("l%d%s/kustomization.yaml", i, side)] = fmt.Sprintf("resources: [../l%d]\nnamePrefix: %s\n", i+1, side)
		}
	}
	files[fmt.Sprintf("l%d/kustomization.yaml", levels)] = "resources: [a.yaml]\n"
	files[fmt.Sprintf("l%d/a.yaml", levels)] = ConfigMap
	return files
}

// Chain is components, or bases, of which each lists the next so often.
func Chain(list, head string, length, times int) map[string]string {
	files := map[string]string{"kustomization.yaml": "resources: [a.yaml]\n" + list + ": [n0]\n", "a.yaml": ConfigMap}
	for i := range length - 1 {
		files[fmt.Sprintf("n%d/kustomization.yaml", i)] = fmt.Sprintf("%s%s: [%s]\n", head, list, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("../n%d, ", i+1), times), ", "))
	}
	files[fmt.Sprintf("n%d/kustomization.yaml", length-1)] = head + "commonAnnotations: {a: b}\n"
	return files
}

// With adds files, each by its name and text.
func With(files map[string]string, more ...string) map[string]string {
	for i := 0; i < len(more); i += 2 {
		files[more[i]] = more[i+1]
	}
	return files
}

// Endless gives kustomizations that kustomize builds without end, or into more
// memory than there is.
func Endless() map[string]Tree {
	isTooMuch := "aliases of aliases add more than 1024 GiB, and more than 10 MiB are refused: write out what they stand for"
	wide := "data:\n  a: &a " + strings.Repeat("x", 20_000) + "\n  b: [" + strings.TrimSuffix(strings.Repeat("*a, ", 2_000), ", ") + "]\n"
	jsonBomb := "- {op: add, path: /data/b, value: {a: &a [1, 2, 3, 4, 5, 6, 7, 8, 9]"
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
	return map[string]Tree{
		"a component that lists itself":      {Files: With(Root("components: [c]\n"), "c/kustomization.yaml", Component+"components: [.]\n"), Says: "c/kustomization.yaml: components[0]: a cycle: "},
		"components that list each other":    {Files: With(Root("components: [c]\n"), "c/kustomization.yaml", Component+"components: [../d]\n", "d/kustomization.yaml", Component+"components: [../c]\n"), Says: "d/kustomization.yaml: components[0]: a cycle: "},
		"a base that lists itself":           {Files: Root("resources: [a.yaml, ./]\n"), Says: "kustomization.yaml: resources[1]: a cycle: "},
		"transformers that lead back":        {Files: With(Root("resources: [a.yaml]\ntransformers: [t]\n"), "t/kustomization.yaml", "resources: [../u]\n", "u/kustomization.yaml", "generators: [../t]\n"), Says: "u/kustomization.yaml: generators[0]: a cycle: "},
		"a base above":                       {Files: With(Root("resources: [b]\n"), "b/kustomization.yaml", "resources: [..]\n"), Says: "b/kustomization.yaml: resources[0]: a cycle: "},
		"27 components, each the next twice": {Files: Chain("components", Component, 27, 2), Says: "kustomize would read 8191 kustomizations for this, most of them again and again, and more than 5000 repetitions are refused"},
		"20 generators, each the next twice": {Files: Chain("generators", "", 20, 2), Says: "kustomize would read 8191 kustomizations for this"},
		"diamonds, 16 levels":                {Files: Diamonds(16), Says: "l5/kustomization.yaml: kustomize would read 8189 kustomizations for this"},
		"101 bases":                          {Files: Chain("resources", "", 101, 1), Says: "101 kustomizations stand one below the other here, more than 100: list bases side by side"},
		"a large base, often":                {Files: With(Chain("resources", "", 8, 2), "n7/kustomization.yaml", "resources: [a.yaml]\n", "n7/a.yaml", ConfigMap+strings.Repeat("#\n", 500_000)), Says: "kustomize would read 122 MiB for this, each file as often as it is listed, and more than 64 MiB are refused"},

		"a ConfigMap of aliases":             {Files: With(Root("resources: [a.yaml, b.yaml]\n"), "b.yaml", config+Bomb("  ", 14)), Says: isTooMuch},
		"aliases of a long text":             {Files: With(Root("resources: [b.yaml]\n"), "b.yaml", config+wide), Says: "aliases add 38 MiB to a document of "},
		"aliases in the second document":     {Files: With(Root("resources: [b.yaml]\n"), "b.yaml", ConfigMap+"--- # next\n"+config+Bomb("  ", 14)), Says: isTooMuch},
		"an alias within what it stands for": {Files: With(Root("resources: [b.yaml]\n"), "b.yaml", config+"  a: &a [*a]\n"), Says: "an alias stands within what it stands for"},
		"aliases under a merge":              {Files: With(Root("resources: [b.yaml]\n"), "b.yaml", config+Bomb("  ", 14)+"  <<: {x: *a14}\n"), Says: isTooMuch},
		"aliases in the kustomization":       {Files: Root("resources: [a.yaml]\ncommonAnnotations:\n" + Bomb("  ", 14)), Says: isTooMuch},
		"aliases of a long text in it":       {Files: Root("resources: [a.yaml]\nconfigMapGenerator:\n- name: x\n  literals:\n  - &a a=" + strings.Repeat("x", 20_000) + "\n" + strings.Repeat("  - *a\n", 2_000)), Says: "aliases add 38 MiB to a document of "},
		"aliases in a patch":                 {Files: With(Root("resources: [a.yaml]\npatches: [{path: p.yaml}]\n"), "p.yaml", config+Bomb("  ", 14)), Says: isTooMuch},
		"aliases in an inline patch":         {Files: Root("resources: [a.yaml]\npatches:\n- patch: |\n" + Indented(Indented(config+Bomb("  ", 14)))), Says: isTooMuch},
		"aliases in an old inline patch":     {Files: Root("resources: [a.yaml]\npatchesStrategicMerge:\n- |\n" + Indented(config+Bomb("  ", 14))), Says: isTooMuch},
		"aliases in a JSON patch":            {Files: With(Root("resources: [a.yaml]\npatches: [{path: p.yaml, target: {kind: ConfigMap}}]\n"), "p.yaml", jsonBomb), Says: isTooMuch},
		"aliases in an old JSON patch":       {Files: Root("resources: [a.yaml]\npatchesJson6902:\n- target: {version: v1, kind: ConfigMap, name: NAME}\n  patch: |\n" + Indented(Indented(jsonBomb))), Says: isTooMuch},
		"aliases in a transformer":           {Files: Root("resources: [a.yaml]\ntransformers:\n- |\n" + Indented(HeadOf("AnnotationsTransformer")+Bomb("", 14))), Says: isTooMuch},
		"aliases in a generator":             {Files: With(Root("generators: [g.yaml]\n"), "g.yaml", HeadOf("ConfigMapGenerator")+Bomb("", 14)), Says: isTooMuch},
		"aliases in a configuration":         {Files: With(Root("resources: [a.yaml]\nconfigurations: [c.yaml]\n"), "c.yaml", Bomb("", 14)), Says: isTooMuch},
		"aliases in a CRD":                   {Files: With(Root("resources: [a.yaml]\ncrds: [c.yaml]\n"), "c.yaml", Bomb("", 14)), Says: isTooMuch},
		"aliases in a schema":                {Files: With(Root("resources: [a.yaml]\nopenapi: {path: c.yaml}\n"), "c.yaml", Bomb("", 14)), Says: isTooMuch},
		"aliases in a replacement":           {Files: With(Root("resources: [a.yaml]\nreplacements: [{path: c.yaml}]\n"), "c.yaml", Bomb("", 14)), Says: isTooMuch},
		"aliases in a plugin's patch":        {Files: With(Root("resources: [a.yaml]\ntransformers:\n- |\n"+Indented(HeadOf("PatchTransformer")+"path: p.yaml\n")), "p.yaml", config+Bomb("  ", 14)), Says: isTooMuch},
		"a JSON patch that copies":           {Files: Root("resources: [a.yaml]\npatches:\n- target: {kind: ConfigMap}\n  patch: '" + copies + "'\n"), Says: "copy"},
	}
}
