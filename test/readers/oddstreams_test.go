package readers

import (
	"strings"
)

var oddStreams = []oddity{
	{"separator", atSeparator(func(d *draw) string {
		return of(d, "--- \n", "---\t\n", "--- # x\n", "---#x\n", "--- text\n", "---text\n", "----\n", "--- ---\n", "---\n---\n", "\n---\n\n", " ---\n", "---\r\n", "---\r", "--- {}\n", "--- !!map\n", "--- &a\n", "--- |\n", "--- >\n ", "--- 'a'\n", "---:\n", "---x: y\n", "\"---\": x\n", "--\n", "–––\n", "---\u00a0\n", "---\u2028", "---\u0085", "---\v\n", "---\f\n", "--- \u00a0# x\n", "--- - ", "--- [\n", "\ufeff---\n", "---\ufeff\n", "--- a: b\n", "---\x00\n")
	})},
	{"separator that hides a document", func(d *draw) bool {
		doc, found := d.document()
		if !found || doc.form != blockStyle || doc.root.shape != mapping || len(doc.root.entries) == 0 {
			return false
		}
		doc.root = nil
		hidden := d.object().block()
		margin := of(d, "  ", " ", "")
		body := margin + strings.ReplaceAll(strings.TrimSuffix(hidden, "\n"), "\n", "\n"+margin) + "\n"
		doc.raw = d.decoy().block() + of(d, "---#x: |\n", "---x: |\n", "x: |\n---\n", "x: |\n  a\n---\n", "x: \"\n---\n", "x: '\n---\n", "# x: |\n---\n", "x: |0\n---\n", "x: >\n", "x: |\n", "x:\n", "---: |\n", "? |\n", "x: |\n  a\n---#\n", "x: |\n  a\n--- #\n") + body + of(d, "", "", "\"\n", "'\n")
		return true
	}},
	{"document end", atSeparator(func(d *draw) string {
		return of(d, "...\n", "...\n---\n", "... # x\n", "...\n...\n", "...text\n", "... text\n", "....\n", " ...\n", "...\r", "...\t\n", "...#x\n", "...\n# x\n", "---\n...\n---\n", "...\n\ufeff", "...\n{}\n---\n", "...: x\n")
	})},
	{"no separator", atSeparator(func(d *draw) string { return of(d, "", "\n", "# x\n", " ", "\t") })},
	{"document end at the end", func(d *draw) bool {
		d.documents[len(d.documents)-1].tail += of(d, "...\n", "---\n", "---", "...", "---\n---\n", "...\n---\n# x\n", "\n\n\n", "--- ", "---\n...\n", "---\nnull\n", "---\n~\n", "---\n# x", "...\nx\n", "---\n{}\n")
		return true
	}},
	{"directive", func(d *draw) bool {
		doc := d.documents[d.IntN(len(d.documents))]
		directive := of(d, "%YAML 1.1\n", "%YAML 1.2\n", "%YAML 2.0\n", "%YAML 1.1\n%YAML 1.1\n", "%TAG ! tag:example.com,2026:\n", "%TAG !! tag:example.com,2026:\n", "%TAG !e! tag:yaml.org,2002:\n", "%FOO bar\n", "%\n", "%YAML\n", "%YAML 1.2 # x\n", "%TAG !! tag:yaml.org,2002:\n")
		doc.separator = of(d, "", "...\n", "...\n", "---\n") + directive + of(d, "---\n", "---\n", "---\n", "", "--- # x\n")
		return true
	}},
	{"comment", toText(func(d *draw, text string) string {
		return atLine(d, text, of(d, "# x\n", "#\n", "  # x\n", "#---\n", "# ---\n", "# {{ x }}\n", "\n", "   \n", "#x: y\n", "# x\u2028kind: StatefulSet\n", "# x\u0085kind: StatefulSet\n", "# x\u2029---\n", "# x\rkind: StatefulSet\n", "# x\u2028---\n", "# x\r---\n", "# x\u0085---\n"))
	})},
	{"document of its own kind", atDocument(func(d *draw, doc *document) {
		more := &document{separator: of(d, "---\n", "---\n", "...\n---\n", ""), raw: of(d, "", "\n", "# x\n", "null\n", "~\n", "{}\n", "[]\n", "text\n", "\"text\"\n", "1\n", "- a\n", "a: b\n", "!!null\n", "--- \n", "&a\n", "kind: Deployment\n", "apiVersion: apps/v1\nkind: Deployment\n", "kind: List\n", "{{ x }}\n", "$schema: x\n", "|\n text\n", "''\n", "true\n", "!!map\n", "? a\n", "*a\n", "[{}]\n", "kind: ConfigMap\napiVersion: v1\nmetadata: {}\n")}
		if d.IntN(2) == 0 {
			d.documents = append(d.documents, more)
			return
		}
		more.separator = ""
		d.documents = append([]*document{more}, d.documents...)
		if len(d.documents) > 1 && d.documents[1].separator == "" {
			d.documents[1].separator = "---\n"
		}
	})},
	{"something after a document", atDocument(func(d *draw, doc *document) {
		doc.tail += of(d, "text\n", "]\n", "}\n", "- x\n", "*a\n", "%\n", "x\n", "x:\n", ": x\n", "kind: StatefulSet\n", "\"kind\": StatefulSet\n", " kind: StatefulSet\n", "\tkind: StatefulSet\n", "{}\n", "{\"kind\": \"StatefulSet\"}\n", "[]\n", "null\n", "'\n", "\"\n", "&\n", "!\n", "|\n", ">\n", "@\n", "`\n", ",\n", "? x\n", "?\n", "-\n")
	})},
	{"document indented", atDocument(func(d *draw, doc *document) {
		if doc.form != blockStyle {
			return
		}
		margin := of(d, " ", "  ", "\t", "    ")
		doc.raw += margin + strings.ReplaceAll(strings.TrimSuffix(doc.root.block(), "\n"), "\n", "\n"+margin) + "\n"
		doc.root = nil
	})},
	{"leading separator", func(d *draw) bool {
		first := d.documents[0]
		first.separator = of(d, "---\n", "---\n---\n", "--- # x\n", "# x\n---\n", "\n---\n", "...\n", "...\n---\n", "\n\n", "---", "--- ", "---\r\n", " ---\n", "\ufeff---\n", "--- !!map\n", "--- >\n", "---#\n", "\t\n", " \n---\n") + first.separator
		return true
	}},
	{"no final newline", toText(func(_ *draw, text string) string { return strings.TrimRight(text, "\n") })},
	{"Helm template", toText(func(d *draw, text string) string {
		return atLine(d, text, of(d, "{{- if .Values.x }}\n", "{{ x }}: y\n", "{{- end }}\n", "  {{ x }}: {{ y }}\n", "{{/* x */}}\n", "x: {{ .y }}\n", "x: \"{{ .y }}\"\n", "{{ include \"x\" . }}\n"))
	})},
	{"documents twice", atDocument(func(d *draw, doc *document) {
		again := *doc
		again.separator = "---\n"
		again.root = doc.root.clone()
		d.documents = append(d.documents, &again)
	})},
}

// atSeparator makes an oddity of another line between two documents.
func atSeparator(separator func(*draw) string) func(*draw) bool {
	return func(d *draw) bool {
		if len(d.documents) == 1 {
			d.documents = append(d.documents, &document{root: d.object()})
		}
		d.documents[1+d.IntN(len(d.documents)-1)].separator = separator(d)
		return true
	}
}

// atLine puts something before a line of the text.
func atLine(d *draw, text, what string) string {
	lines := strings.SplitAfter(text, "\n")
	i := d.IntN(len(lines))
	return strings.Join(lines[:i], "") + what + strings.Join(lines[i:], "")
}
