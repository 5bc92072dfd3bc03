package readers

import "strings"

var oddJSON = []oddity{
	{"document in braces", atDocument(func(_ *draw, doc *document) { doc.form = flowStyle })},
	{"document as JSON", atDocument(func(_ *draw, doc *document) { doc.form = jsonLine })},
	{"stream of JSON", func(d *draw) bool {
		for i, doc := range d.documents {
			doc.form = jsonLine
			if i > 0 {
				doc.separator = of(d, "", "\n", " ", "\n\n", "---\n", ",\n", "--- ", ";", "---", "\x1e", "\t", "# x\n", "...\n")
			}
		}
		return true
	}},
	{"JSON stream of two", func(d *draw) bool {
		first, second := d.documents[0], &document{root: d.object(), form: jsonLine}
		if first.root != nil {
			first.form = jsonLine
		}
		d.documents = append([]*document{first, second}, d.documents[1:]...)
		return true
	}},
	{"something in JSON", atDocument(func(d *draw, doc *document) {
		doc.form = jsonLine
		doc.raw += of(d, "", "", "\n", " ", "// x\n", "/* x */\n", "# x\n", "[", "\ufeff", "\t", ",", "null\n", "{}\n", "{} ", "[]\n", "1\n", "\"x\"\n", "\x00", "{\"a\": 1}", "{{}}\n")
		doc.tail += of(d, "", "", "// x\n", ",\n", "]", "}", "x\n", "{}", "null\n", "# x\n", "---", "\n---\n", "1", "\x00", "{\"kind\": \"List\"}\n")
	})},
	{"JSON broken", toText(func(d *draw, text string) string {
		change := of(d, [2]string{"}, ", "},, "}, [2]string{"}}", "},}"}, [2]string{": \"", ": '"}, [2]string{", \"", ", // x\n\""}, [2]string{"{\"", "{\n\""}, [2]string{"{\"", "{\n---\n\""}, [2]string{"/v1", "\\/v1"}, [2]string{": {", ":{"}, [2]string{"\": ", "\":"}, [2]string{"{\"", "{, \""}, [2]string{"]", ",]"}, [2]string{"\": ", "\" : "}, [2]string{": \"", ": \"\\u0000"}, [2]string{"\":", "\"\n:"}, [2]string{", ", " "}, [2]string{"}", "}\n"}, [2]string{"{", "{# x\n"})
		from, to := change[0], change[1]
		count := strings.Count(text, from)
		if count == 0 {
			return text
		}
		before := 0
		for range d.IntN(count) {
			before += strings.Index(text[before:], from) + len(from)
		}
		return text[:before] + strings.Replace(text[before:], from, to, 1)
	})},
	{"blanks longer than kubectl's look ahead", func(d *draw) bool {
		if d.IntN(4) > 0 {
			return false
		}
		d.documents[0].raw = strings.Repeat(of(d, " ", "\n", "# x\n"), of(d, 1366, 4096, 4097)) + d.documents[0].raw
		return true
	}},
}
