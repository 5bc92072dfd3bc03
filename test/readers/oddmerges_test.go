package readers

import "strings"

var oddMerges = []oddity{
	{"merge key beside what it holds", atMapping(func(d *draw, doc *document, in *value) {
		held := in.clone()
		held.props = ""
		for i, e := range held.entries {
			if d.IntN(2) == 0 {
				held.entries[i].value = d.otherwise(e)
			}
		}
		d.merge(doc, in, held)
	})},
	{"merge key that holds all", atMapping(func(d *draw, doc *document, in *value) {
		held := *in
		held.props = ""
		in.entries = nil
		d.merge(doc, in, &held)
	})},
	{"merge key that holds a part", atMapping(func(d *draw, doc *document, in *value) {
		held := fields()
		var left []entry
		for _, e := range in.entries {
			if d.IntN(2) == 0 {
				held.entries = append(held.entries, e)
			} else {
				left = append(left, e)
			}
		}
		in.entries = left
		d.merge(doc, in, held)
	})},
	{"merge of something else", atMapping(func(d *draw, _ *document, in *value) {
		d.insert(in, entry{key: d.mergeKey(), value: of(d, text("null"), text("x"), list(), list(text("x")), fields(), text(""), list(fields()), list(list(fields("kind", "Deployment"))), quoted("x"))})
	})},
}

// atMapping makes an oddity of a change to one mapping that is not empty.
func atMapping(change func(d *draw, doc *document, in *value)) func(*draw) bool {
	return func(d *draw) bool {
		s, found := somewhere(d)
		if found {
			change(d, s.document, s.in)
		}
		return found
	}
}

func (d *draw) mergeKey() string {
	return of(d, "<<", "<<", "<<", "<<", `"<<"`, "'<<'", "!!merge <<", "!!str <<", "? <<", `"\x3c<"`, "!!merge x")
}

// merge has a mapping take in another by a merge key: what is held stands in
// place, under an anchor before it, or in a list.
func (d *draw) merge(doc *document, in *value, held *value) {
	v := held
	anchored := doc.root != in && d.IntN(3) > 0
	if anchored {
		name := d.anchor()
		held.props = "&" + name + " "
		d.hold(doc, "x-merged", held)
		v = text("*" + name)
	}
	switch d.IntN(4) {
	case 0:
		v = list(v)
	case 1:
		more := fields("kind", "ConfigMap", "annotations", d.annotations(), prefix+"excludeInboundPorts", d.port())
		more.flow = true
		v = list(v, more)
		if d.IntN(2) == 0 {
			v = list(more, v.items[0])
		}
	}
	v.flow = v.shape == sequence
	e := entry{key: d.mergeKey(), value: v}
	e.explicit = strings.HasPrefix(e.key, "?")
	e.key = strings.TrimPrefix(e.key, "? ")
	d.insert(in, e)
}
