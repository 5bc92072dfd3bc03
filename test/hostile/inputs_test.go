package hostile

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
)

// An input is a spec and a file of manifests.
type input struct {
	name      string
	spec      string
	manifests string
	// want is what the error says; "" where the input is to be taken.
	want string
}

const specHead = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata:\n  name: cluster\n"

const (
	ports   = specHead + "spec:\n  enforcement: {image: ghcr.io/krm-bypass/init:v0.1.0}\n  global:\n    excludeOutboundPorts: [3306]\n"
	nothing = specHead + "spec: {}\n"
)

// deployment is a workload with these annotations on its template.
func deployment(name, annotations string) string {
	return "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: " + name + "\n  namespace: shop\nspec:\n  template:\n" +
		"    metadata:\n      annotations: " + annotations + "\n    spec:\n      containers:\n      - name: app\n        image: app:1\n"
}

const plain = "{example.com/a: b}"

// nested puts a text between n openings and closings.
func nested(n int, opening, within, closing string) string {
	return strings.Repeat(opening, n) + within + strings.Repeat(closing, n)
}

// laughs gives entries, each nine aliases of the one before; the last is named.
func laughs(indent, first, each string, levels int) (entries, last string) {
	var b strings.Builder
	fmt.Fprintf(&b, "%sl0: &l0 %s\n", indent, first)
	for i := 1; i <= levels; i++ {
		alias := fmt.Sprintf("*l%d", i-1)
		fmt.Fprintf(&b, "%sl%d: &l%d %s\n", indent, i, i, strings.ReplaceAll(each, "ALIASES", strings.TrimSuffix(strings.Repeat(alias+", ", 9), ", ")))
	}
	return b.String(), fmt.Sprintf("l%d", levels)
}

// laughing is a manifest whose aliases stand for 9^30 values.
func laughing(first, each, text string) string {
	entries, last := laughs("  ", first, each, 30)
	return "x-laughs:\n" + entries + strings.ReplaceAll(text, "LAST", last)
}

func repeated(n int, each func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(each(i))
	}
	return b.String()
}

// utf16Text gives a text as Windows' editors write it, byte order mark first.
func utf16Text(text string) string {
	b := []byte("\xff\xfe")
	for _, unit := range utf16.Encode([]rune(text)) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	return string(b)
}

// manyPrefixes gives n ranges that do not merge.
func manyPrefixes(n int) string {
	return strings.TrimSuffix(repeated(n, func(i int) string { return fmt.Sprintf("10.%d.%d.%d/32,", i>>15, i>>7&0xff, i<<1&0xff) }), ",")
}

const levels = 100_000

const listHead = "apiVersion: v1\nkind: List\n"

// inputs are made when they are needed, for they are large.
func inputs() []input {
	return []input{
		{"a billion laughs as values", ports, laughing("[ha, ha]", "[ALIASES]", deployment("web", plain)), "aliases stand for at least 1073741824 KiB in a document of "},
		{"a billion laughs as merge keys", ports, laughing("{example.com/ha: ha}", "{<<: [ALIASES]}", deployment("web", "\n        <<: *LAST\n        example.com/a: b")), "aliases stand for at least 1073741824 KiB in a document of "},
		{"a billion laughs in a container of our name", ports, laughing("[ha, ha]", "[ALIASES]", deployment("web", plain)+"      initContainers: [{name: krm-bypass-init, image: i, env: *LAST}]\n"), "aliases stand for at least 1073741824 KiB in a document of "},
		{"a billion laughs as annotations", ports, laughing("[ha, ha]", "[ALIASES]", deployment("web", "*LAST")), "aliases stand for at least 1073741824 KiB in a document of "},
		{"a billion laughs as lists", ports, laughing("{apiVersion: v1, kind: List, items: []}", "{apiVersion: v1, kind: List, items: [ALIASES]}", listHead+"items: [*LAST]\n"), "aliases stand for at least 1073741824 KiB in a document of "},
		{"a billion laughs in the spec", laughing("{excludeOutboundPorts: [3306]}", "{<<: [ALIASES]}", specHead+"spec:\n  global:\n    <<: *LAST\n"), deployment("web", plain), "aliases stand for at least 1073741824 KiB in a document of "},
		{"an anchor that merges itself", ports, deployment("web", "&a\n        <<: *a\n        example.com/a: b"), "stands within what it stands for: remove it"},
		{"a list that holds itself", ports, "&list\n" + listHead + "items:\n- *list\n- *list\n", "stands within what it stands for: remove it"},
		{"a spec that holds itself", strings.Replace(ports, "global:", "global: &g\n    <<: [*g, *g]", 1), deployment("web", plain), "stands within what it stands for: remove it"},
		{"brackets", ports, deployment("web", nested(levels, "[", "", "]")), "exceeded max depth of 10000"},
		{"braces", ports, deployment("web", nested(levels, "{a: ", "b", "}")), "exceeded max depth of 10000"},
		{"brackets that are never closed", ports, deployment("web", strings.Repeat("[", levels)), "exceeded max depth of 10000"},
		{"JSON", ports, nested(levels, `{"a":`, "1", "}"), "more than 1000 nested levels"},
		{"dashes", ports, nested(levels, "- ", "x\n", ""), "more than 1000 nested levels"},
		{"question marks", ports, nested(levels, "? ", "x\n", ""), "more than 1000 nested levels"},
		{"indentation", ports, deployment("web", plain) + repeated(5000, func(i int) string { return strings.Repeat(" ", i) + "a:\n" }), "more than 1000 nested levels"},
		{"brackets in the spec", specHead + "spec: " + nested(levels, "[", "", "]") + "\n", deployment("web", plain), "exceeded max depth"},
		{"lists in lists", ports, nested(400, "{apiVersion: v1, kind: List, items: [", "", "]}"), ""},
		{"a record of brackets", ports, strings.Replace(deployment("web", plain), "  namespace: shop\n", "  namespace: shop\n  annotations: {krm-bypass.dev/last-applied: '"+strings.Repeat("[", levels)+"'}\n", 1), "this is not a record"},
		{"ten thousand prefixes in the spec", specHead + "spec:\n  enforcement: {image: ghcr.io/krm-bypass/init:v0.1.0}\n  global:\n    excludeOutboundIPRanges: [" + manyPrefixes(10_000) + "]\n", deployment("web", plain), ""},
		{"ten thousand prefixes in an annotation", ports, deployment("web", "{traffic.sidecar.istio.io/excludeOutboundIPRanges: '"+manyPrefixes(10_000)+"'}"), ""},
		{"ten thousand pairs", specHead + "spec:\n  enforcement: {image: ghcr.io/krm-bypass/init:v0.1.0}\n  global:\n    excludeOutbound: [{ports: [80, 443-450], ipRanges: [" + manyPrefixes(10_000) + "]}]\n", deployment("web", plain), ""},
		{"ten thousand rules", specHead + "spec:\n  enforcement: {image: ghcr.io/krm-bypass/init:v0.1.0}\n  namespaces:\n" + repeated(10_000, func(i int) string {
			return fmt.Sprintf("  - {match: {names: [shop-%d]}, excludeOutboundPorts: [%d]}\n", i, 20000+i)
		}), deployment("web", plain), ""},
		{"a hundred thousand mistakes", specHead + "spec:\n  enforcement: {image: ghcr.io/krm-bypass/init:v0.1.0}\n  global:\n" + repeated(100_000, func(i int) string { return fmt.Sprintf("    excludeOutboundPort%d: []\n", i) }), deployment("web", plain), "there are 99000 more mistakes"},
		{"a hundred thousand annotations", ports, deployment("web", "\n"+strings.TrimSuffix(repeated(100_000, func(i int) string { return fmt.Sprintf("        example.com/a%d: b\n", i) }), "\n")), ""},
		{"a value of ten million digits", strings.Replace(ports, "3306", strings.Repeat("1", 10_000_000), 1), deployment("web", plain), "more bytes]"},
		{"an annotation of ten million letters", ports, deployment("web", "{traffic.sidecar.istio.io/excludeOutboundPorts: '"+strings.Repeat("x", 10_000_000)+"'}"), "more bytes]"},
		{"a key of ten million letters", ports, strings.Replace(deployment("web", plain), "spec:", "? "+strings.Repeat("k", 10_000_000)+"\n: v\nspec:", 1), ""},
		{"a line of ten million blanks", ports, deployment("web", plain) + strings.Repeat(" ", 10_000_000), ""},
		{"a million empty documents", ports, strings.Repeat("---\n", 1_000_000) + deployment("web", plain), ""},
		{"a million comments", ports, strings.Repeat("# a comment\n", 1_000_000) + deployment("web", plain), ""},
		{"letters that look alike in a field", strings.Replace(ports, "excludeOutboundPorts", "ехсludeOutboundPоrts", 1), deployment("web", plain),
			`did you mean excludeOutboundPorts? ("е" in it is U+0435, no plain letter)`},
		{"letters that look alike in a kind", strings.Replace(ports, "global:", "workloads:\n  - match: {kinds: [Dеployment]}", 1), deployment("web", plain),
			`did you mean Deployment? ("е" in it is U+0435, no plain letter)`},
		{"letters that nobody sees in a field", strings.Replace(ports, "global", "glo\u200bbal", 1), deployment("web", plain), `did you mean global? ("\u200b" in it is U+200B, no plain letter)`},
		{"digits that look alike", strings.Replace(ports, "3306", "３３０６", 1), deployment("web", plain), `"３３０６" is not a port`},
		{"bytes that are no text", ports, deployment("web", "{a: \"\xff\xfe\"}"), "not UTF-8"},
		{"a byte order mark in the middle", ports, deployment("we\ufeffb", plain), "byte order mark"},
		{"UTF-16", ports, utf16Text(deployment("web", plain)), "the text is UTF-16: save it as UTF-8"},
		{"nothing but zeros", ports, strings.Repeat("\x00", 1_000_000), "a control character (U+0000)"},
	}
}
