package readers

import (
	"encoding/base64"
	"fmt"
	"strings"
)

var oddKeys = []oddity{
	{"key twice", atEntry(func(d *draw, s site) {
		e := *s.entry()
		e.value = d.otherwise(e)
		d.insert(s.in, e)
	})},
	{"key twice, the second spelled otherwise", atEntry(func(d *draw, s site) {
		e := *s.entry()
		e.value = d.otherwise(e)
		d.respell(&e)
		d.insert(s.in, e)
	})},
	{"key twice with one value", atEntry(func(d *draw, s site) {
		e := *s.entry()
		e.value = e.value.clone()
		d.insert(s.in, e)
	})},
	{"key spelled otherwise", atEntry(func(d *draw, s site) { d.respell(s.entry()) })},
	{"key in another case", atEntry(func(d *draw, s site) { s.entry().key = d.recase(s.entry().key) })},
	{"key twice, in another case", atEntry(func(d *draw, s site) {
		e := *s.entry()
		e.value = d.otherwise(e)
		e.key = d.recase(e.key)
		d.insert(s.in, e)
	})},
	{"key of another type", atEntry(func(d *draw, s site) {
		d.insert(s.in, entry{key: d.strangeKey(), value: of(d, text("x"), text(""), fields("a", "b"))})
	})},
	{"key with an anchor", atEntry(func(d *draw, s site) {
		key := s.entry().key
		s.entry().key = "&" + d.anchor() + " " + key
	})},
	{"key that is an alias", atEntry(func(d *draw, s site) {
		name := d.anchor()
		s.document.root.entries = append([]entry{{key: "x-key", value: &value{props: "&" + name + " ", text: s.entry().key}}}, s.document.root.entries...)
		if s.in == s.document.root {
			s.index++
		}
		s.entry().key = "*" + name + " "
	})},
	{"something between a key and its value", atEntry(func(d *draw, s site) {
		s.entry().gap = of(d, "\n", "\n\n", " # x\n", "\n# x\n", "\t", "   ", " #x\n# y\n", "\t# x\n", "\r\n", "\u00a0", " !!str\n", " &"+d.anchor()+"\n", " &"+d.anchor()+" # x\n", " |-\n", " >-\n", " \\\n")
	})},
	{"blanks around a colon", atEntry(func(d *draw, s site) {
		s.entry().key += of(d, " ", "\t", "  ", "\u00a0", " #")
	})},
	{"keys in another order", atDocument(func(d *draw, doc *document) {
		doc.root.each(func(in *value) {
			d.Shuffle(len(in.entries), func(i, j int) { in.entries[i], in.entries[j] = in.entries[j], in.entries[i] })
		})
	})},
	{"key missing", atEntry(func(_ *draw, s site) {
		s.in.entries = append(s.in.entries[:s.index:s.index], s.in.entries[s.index+1:]...)
	})},
	{"key long", atEntry(func(d *draw, s site) {
		d.insert(s.in, entry{key: strings.Repeat("x", of(d, 127, 128, 1023, 1024, 1025)), value: text("x"), explicit: d.IntN(2) == 0})
	})},
	{"key without a value", atEntry(func(_ *draw, s site) { s.entry().value = text("") })},
}

func (d *draw) anchor() string { return fmt.Sprintf("a%d", d.next()) }

// respell writes a key in another way.
func (d *draw) respell(e *entry) {
	key := e.key
	if key == "" || strings.ContainsAny(key[:1], "\"'!&*?{[") {
		return
	}
	i := d.IntN(len(key))
	escaped := func(format string) string { return `"` + key[:i] + fmt.Sprintf(format, key[i]) + key[i+1:] + `"` }
	binary := base64.StdEncoding.EncodeToString([]byte(key))
	switch d.IntN(14) {
	case 0:
		e.key = `"` + key + `"`
	case 1:
		e.key = "'" + key + "'"
	case 2:
		e.key = escaped(`\x%02x`)
	case 3:
		e.key = escaped(`\u%04x`)
	case 4:
		e.key = escaped(`\U%08x`)
	case 5:
		e.key = "!!str " + key
	case 6:
		e.key = "!!binary " + binary
	case 7:
		e.key = of(d, "!foo ", "!<tag:yaml.org,2002:str> ", "! ", "!!int ", "!!null ", "!!map ") + key
	case 8:
		e.explicit = true
	case 9:
		e.explicit, e.key = true, of(d, "|-\n", ">-\n", "|\n")+key
	case 10:
		e.explicit, e.key = true, `"`+key[:i]+"\\\n"+key[i:]+`"`
	case 11:
		e.key = `"` + of(d, key+" ", " "+key, key+`\0`, key+`\n`, key[:i]+`\/`+key[i:], key+"\u200b", "\\uFEFF"+key) + `"`
	case 12:
		e.explicit, e.key = true, "!!binary "+binary
	default:
		e.explicit, e.key = true, "!!binary |\n"+binary
	}
}

// recase changes the case of letters of a key, or puts a letter in that only
// folding makes the same.
func (d *draw) recase(key string) string {
	if key == "" {
		return key
	}
	switch d.IntN(5) {
	case 0:
		return strings.ToUpper(key)
	case 1:
		return strings.ToLower(key)
	case 2:
		return strings.ToUpper(key[:1]) + key[1:]
	case 3:
		// U+212A and U+017F fold to k and s, by which encoding/json takes them.
		return strings.NewReplacer("k", "\u212a", "s", "\u017f").Replace(key)
	default:
		i := d.IntN(len(key))
		return key[:i] + strings.ToUpper(key[i:i+1]) + key[i+1:]
	}
}

func (d *draw) strangeKey() string {
	return of(d, "1", "1.0", "0x1", "true", "null", "~", `""`, "''", "=", "<", "2026-11-27", ".nan", ".inf", "[a]", "[a, b]", "{a: b}", "? ", "yes", "0o7", "1e3", "-", "!!null null", "!!int 7", "? [a]", "1_000", "12:30:45", "on", "off", "y", "n", "0b1", "+1", "-0", ".5", "01")
}
