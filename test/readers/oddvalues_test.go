package readers

import (
	"encoding/base64"
	"fmt"
	"strconv"
)

var oddValues = []oddity{
	{"kind or version spelled otherwise", atKeys(func(d *draw, s site) { d.reword(s.entry().value) }, "kind", "apiVersion")},
	{"name spelled otherwise", atKeys(func(d *draw, s site) { d.reword(s.entry().value) }, "name", "namespace")},
	{"annotation spelled otherwise", atKeys(func(d *draw, s site) {
		v := s.entry().value
		if plain, err := strconv.Unquote(v.text); err == nil {
			v.text = plain
		}
		d.reword(v)
		if v.props == "" && v.text != "" && v.text[0] >= '0' && v.text[0] <= '9' {
			v.props = "!!str "
		}
	}, "/exclude")},
	{"annotation of another type", atKeys(func(d *draw, s site) {
		s.entry().value = of(d, text("22"), text("null"), text("~"), text(""), text("true"), text("1e3"), text("0o26"), text("[22]"), text("{a: 22}"), text("!!int \"22\""), text("!!null x"), text("2026-11-27"), text(".nan"))
	}, "/exclude")},
	{"kind or version of another type", atKeys(func(d *draw, s site) {
		s.entry().value = of(d, text("null"), text(""), text("1"), text("true"), list(text("Deployment")), fields("a", "b"), quoted("Deployment "), text("deployment"), text("DEPLOYMENT"), quoted(""), text("apps/v1"), text("apps"), text("apps/v1/x"), text("Deployment"), quoted("Deploy\x00ment"), text("!!null Deployment"))
	}, "kind", "apiVersion")},
	{"name of another type", atKeys(func(d *draw, s site) {
		s.entry().value = of(d, text("123"), text("1e3"), text("0x10"), text("null"), text("true"), text("yes"), text("2026-11-27"), text("1.0"), quoted(""), text("[a]"), text("12:30"), text("0o7"), text("'a\n\n b'"), text("!!int 5"), text("!!float 5"))
	}, "name", "namespace")},
	{"parent of another type", atKeys(func(d *draw, s site) {
		s.entry().value = of(d, text("null"), text(""), text("~"), text("x"), list(), fields(), list(s.entry().value), quoted(""), text("1"))
	}, "metadata", "spec", "template", "annotations", "jobTemplate", "labels", "containers")},
	{"tag on a value", atEntry(func(d *draw, s site) {
		s.entry().value.props = of(d, "!foo ", "!!map ", "!!omap ", "!!set ", "!!seq ", "!!str ", "!!null ", "! ", "!<x> ", "!!merge ", "!!binary ", "!!pairs ", "!e!x ")
	})},
	{"anchor on a value", atEntry(func(d *draw, s site) { s.entry().value.props = "&" + d.anchor() + " " })},
	{"value that is an alias", atEntry(func(d *draw, s site) {
		name := d.anchor()
		anchored := s.entry().value
		s.entry().value = text("*" + name)
		anchored.props = "&" + name + " "
		d.hold(s.document, "x-value", anchored)
	})},
	{"anchor twice", atEntry(func(d *draw, s site) {
		name := d.anchor()
		e := *s.entry()
		first, second := d.otherwise(e), e.value
		s.entry().value = text("*" + name)
		first.props, second.props = "&"+name+" ", "&"+name+" "
		if d.IntN(2) == 0 {
			first, second = second, first
		}
		d.hold(s.document, "x-2", second)
		d.hold(s.document, "x-1", first)
	})},
	{"alias across documents", func(d *draw) bool {
		s, found := somewhere(d)
		from, _ := d.document()
		if !found {
			return false
		}
		name := d.anchor()
		d.hold(from, "x-across", &value{props: "&" + name + " ", text: "x"})
		s.entry().value = text("*" + name)
		return true
	}},
	{"alias to itself", atEntry(func(d *draw, s site) {
		name := d.anchor()
		s.entry().value.props = "&" + name + " "
		s.entry().value.entries = append(s.entry().value.entries, entry{key: "self", value: text("*" + name)})
		s.entry().value.shape = mapping
	})},
	{"value elsewhere that is hard to convert", atDocument(func(d *draw, doc *document) {
		v := of(d, ".nan", ".inf", "-.Inf", "0o7", "010", "0b1", "1_000", "99999999999999999999", "1e400", "-0", "0x", "2026-11-27T12:30:00Z", "12:30:45", "!!float x", "!!int x", "!!int 0777", "!!bool maybe", "!!binary x", "!!timestamp x", "yes", "!!str 1", "+1", "1e", "\"\\ud83d\\ude00\"", "\"\\ud800\"", "\"\\x80\"", "\"\\/\"", "\"\\z\"", "'a\n  b'", "a\n  b: c", "\"a\n---\n  b\"", "|\n---\n  b", "<<", "=", "!!merge <<", "@a", "`a", "%a", "a: b", "- a", "? a")
		d.insert(doc.root, entry{key: "x-odd", value: text(v)})
	})},
	{"value long", atDocument(func(d *draw, doc *document) {
		length := of(d, 1000, 4090, 5000)
		if d.IntN(20) == 0 {
			length = 70_000
		}
		d.insert(doc.root, entry{key: "x-long", value: quoted(fmt.Sprintf("%0*d", length, 0))})
	})},
}

// hold puts an entry before all others of a document.
func (d *draw) hold(doc *document, key string, v *value) {
	doc.root.entries = append([]entry{{key: key, value: v}}, doc.root.entries...)
}

// reword writes a plain word in another way; some ways make another word of it.
func (d *draw) reword(v *value) {
	word := v.text
	if v.shape != scalar || word == "" || v.props != "" {
		return
	}
	i := d.IntN(len(word))
	switch d.IntN(14) {
	case 0:
		v.text = strconv.Quote(word)
	case 1:
		v.text = "'" + word + "'"
	case 2:
		v.text = fmt.Sprintf(`"%s\x%02x%s"`, word[:i], word[i], word[i+1:])
	case 3:
		v.text = fmt.Sprintf(`"%s\u%04x%s"`, word[:i], word[i], word[i+1:])
	case 4:
		v.props = of(d, "!!str ", "!foo ", "! ", "!!null ", "!!int ", "!!float ", "!!bool ", "!<tag:yaml.org,2002:str> ", "!!map ")
	case 5:
		v.props, v.text = "!!binary ", base64.StdEncoding.EncodeToString([]byte(word))
	case 6:
		v.text = of(d, "|-\n", ">-\n", "|\n", "|+\n", ">\n", "|2-\n", "|- # x\n") + word
	case 7:
		v.text = `"` + word[:i] + "\\\n" + word[i:] + `"`
	case 8:
		v.text = word[:i] + of(d, "\n", "\n\n", " # ", "\t", "\u00a0", "\u2028", "\u0085") + word[i:]
	case 9:
		v.text = word + of(d, " # comment", "\t# comment", " ", "\t", "#", ":", ": ", " -", "\n# comment")
	case 10:
		v.props = "&" + d.anchor() + " "
	case 11:
		v.text = strconv.Quote(of(d, word+" ", " "+word, word+"\n", word+"\t"))
	case 12:
		v.text = "{{ " + word + " }}"
	default:
		v.text = `"` + of(d, word[:i]+`\/`+word[i:], word+`\0`, word+`\_`, word+`\N`, word+`\e`, word+`\uFEFF`, `\t`+word) + `"`
	}
}
