package readers

import (
	"strconv"
	"strings"
)

// A value is a part of a document, whose text is not settled: the grammar's
// oddities change keys, values and forms first.
type value struct {
	// props are an anchor or a tag, with a blank after it.
	props string
	// entries makes a mapping, items a sequence, text a scalar, as spelled. The
	// lines of a block scalar stand in text after its header.
	entries []entry
	items   []*value
	text    string
	shape   shape
	// flow has it written in braces, flush a sequence's dashes at the margin of
	// the key above.
	flow, flush bool
}

type shape int

const (
	scalar shape = iota
	mapping
	sequence
)

type entry struct {
	// key is as spelled.
	key   string
	value *value
	// explicit writes "? key".
	explicit bool
	// gap stands between the colon and the value.
	gap string
}

func text(s string) *value { return &value{text: s} }

func quoted(s string) *value { return text(strconv.Quote(s)) }

func list(items ...*value) *value { return &value{shape: sequence, items: items} }

// fields makes a mapping of keys and values in turn.
func fields(pairs ...any) *value {
	m := &value{shape: mapping}
	for i := 0; i < len(pairs); i += 2 {
		v, ok := pairs[i+1].(*value)
		if !ok {
			v = text(pairs[i+1].(string))
		}
		m.entries = append(m.entries, entry{key: pairs[i].(string), value: v})
	}
	return m
}

func (v *value) clone() *value {
	if v == nil {
		return nil
	}
	c := *v
	c.entries, c.items = nil, nil
	for _, e := range v.entries {
		e.value = e.value.clone()
		c.entries = append(c.entries, e)
	}
	for _, item := range v.items {
		c.items = append(c.items, item.clone())
	}
	return &c
}

// at gives what stands under the keys, nil if nothing does.
func (v *value) at(keys ...string) *value {
	for _, key := range keys {
		if v == nil {
			return nil
		}
		var found *value
		for _, e := range v.entries {
			if e.key == key {
				found = e.value
			}
		}
		v = found
	}
	return v
}

// set changes or appends an entry.
func (v *value) set(key string, to *value) {
	for i, e := range v.entries {
		if e.key == key {
			v.entries[i].value = to
			return
		}
	}
	v.entries = append(v.entries, entry{key: key, value: to})
}

// each visits every mapping in it, outermost first.
func (v *value) each(visit func(*value)) {
	if v.shape == mapping {
		visit(v)
	}
	for _, e := range v.entries {
		e.value.each(visit)
	}
	for _, item := range v.items {
		item.each(visit)
	}
}

// block writes a document in block style.
func (v *value) block() string {
	if body := v.after(0, true); body != "" {
		return body[1:] + "\n"
	}
	return "\n"
}

// after writes the value as it stands after a key or a dash: with a blank before
// it, or on lines of its own. inside is the indent of what is inside it; compact
// says that a mapping may begin on the same line.
func (v *value) after(inside int, compact bool) string {
	if v == nil {
		return ""
	}
	margin := "\n" + strings.Repeat(" ", inside)
	switch {
	case v.shape == scalar && v.text == "" && v.props == "":
		return ""
	case v.shape == scalar:
		return " " + v.props + strings.ReplaceAll(v.text, "\n", margin)
	case v.flow || len(v.entries)+len(v.items) == 0:
		return " " + v.props + v.inline(false)
	}
	var b strings.Builder
	if v.flush && inside >= 2 && !compact {
		inside -= 2
		margin = margin[:len(margin)-2]
	}
	if v.props != "" {
		b.WriteString(" " + strings.TrimSuffix(v.props, " "))
	}
	begin := func(i int) {
		if i == 0 && compact && v.props == "" {
			b.WriteString(" ")
			return
		}
		b.WriteString(margin)
	}
	for i, e := range v.entries {
		begin(i)
		if e.explicit {
			b.WriteString("? " + strings.ReplaceAll(e.key, "\n", margin+"  ") + margin)
			b.WriteString(":" + e.gapped(margin) + e.value.after(inside+2, false))
			continue
		}
		b.WriteString(e.key + ":" + e.gapped(margin) + e.value.after(inside+2, false))
	}
	for i, item := range v.items {
		begin(i)
		b.WriteString("-" + item.after(inside+2, true))
	}
	return b.String()
}

// gapped gives the gap, its lines deeper than the key.
func (e entry) gapped(margin string) string { return strings.ReplaceAll(e.gap, "\n", margin+"   ") }

// inline writes it in braces: as YAML, or as JSON where every word is quoted.
func (v *value) inline(json bool) string {
	if v == nil {
		return "null"
	}
	props := v.props
	var parts []string
	switch v.shape {
	case scalar:
		return props + inlineWord(v.text, json)
	case sequence:
		for _, item := range v.items {
			parts = append(parts, item.inline(json))
		}
		return props + "[" + strings.Join(parts, ", ") + "]"
	}
	for _, e := range v.entries {
		key := inlineWord(e.key, json)
		if strings.HasPrefix(e.key, "*") {
			key += " "
		}
		if e.explicit {
			key = "? " + key
		}
		parts = append(parts, key+": "+e.value.inline(json))
	}
	return props + "{" + strings.Join(parts, ", ") + "}"
}

// inlineWord writes a scalar where a block scalar cannot stand.
func inlineWord(word string, json bool) string {
	if header, lines, block := strings.Cut(word, "\n"); block && (header == "|-" || header == ">-" || header == "|") {
		word = strconv.Quote(strings.ReplaceAll(lines, "\n", " "))
	}
	word = strings.ReplaceAll(word, "\n", " ")
	if json && bare(word) {
		return strconv.Quote(word)
	}
	if word == "" {
		return "null"
	}
	return word
}

// bare says that JSON would want quotes around the word.
func bare(word string) bool {
	if word == "" || word == "null" || word == "true" || word == "false" || strings.ContainsAny(word[:1], "\"'!&*[{|>?") {
		return false
	}
	_, err := strconv.ParseFloat(word, 64)
	return err != nil
}
