package inventory

import (
	"bytes"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/pattern"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// remark is what comments say of one entry of a mapping.
type remark struct {
	// said are their texts: of the lines right above the entry, and of that behind its value.
	said []string
	// above are the lines above, if they are about the entry alone, and line those of the
	// entry itself.
	above, line yamltext.Span
}

func (r remark) reason() string { return strings.Join(r.said, "; ") }

// remark gives what is said of the entry at a path: in comments that begin where its key
// does, on the lines right above it, and in the one behind its value. What is about
// something else says nothing of it, and neither do the lines above that.
func (d *document) remark(path edit.Path) remark {
	mapping, k := d.entryAt(path)
	if mapping == nil {
		return remark{}
	}
	src, key, value := d.tree.Text, mapping.Content[k], mapping.Content[k+1]
	var r remark
	var lines []string
	r.above.Start, r.above.End = lineOf(src, key.Full().Start), lineOf(src, key.Full().Start)
	limit := max(mapping.Indicator, 0)
	if k > 0 {
		limit = mapping.Content[k-1].Full().End
	}
	indentation := string(src[r.above.Start:key.Full().Start])
	for r.above.Start > 0 && strings.TrimLeft(indentation, " ") == "" {
		line := lineOf(src, r.above.Start-yamltext.BreakBefore(src, r.above.Start))
		comment, is := strings.CutPrefix(string(src[line:yamltext.LineEnd(src, line)]), indentation+"#")
		text, is2 := prose(comment)
		if !is || !is2 || line <= limit && limit > 0 {
			break
		}
		if r.above.Start = line; text != "" {
			lines = append(lines, text)
		}
	}
	slices.Reverse(lines)
	r.line = yamltext.Span{Start: r.above.End, End: yamltext.NextLine(src, value.Full().End)}
	if len(lines) > 0 && heading.Matches(string(bytes.TrimSpace(src[r.above.Start:r.above.End]))) {
		r.above.Start = r.above.End
	}
	beside, _ := prose(behind(src, value))
	for _, text := range []string{strings.Join(lines, " "), beside} {
		if text != "" {
			r.said = append(r.said, text)
		}
	}
	return r
}

// around gives what the comment says behind the braces that hold nothing but what is taken.
func (t annotated) around() string {
	for whole, path := t.whole(), t.path; whole != nil && len(path) >= len(whole); path = path[:len(path)-1] {
		mapping, k := t.in.entryAt(path)
		if mapping == nil || mapping.Content[k+1].Style != yamltext.Flow {
			break
		}
		if said, _ := prose(behind(t.in.tree.Text, mapping.Content[k+1])); said != "" {
			return said
		}
	}
	return ""
}

func lineOf(src []byte, offset int) int { return yamltext.LineStart(src, offset) }

// behind gives the comment on the line on which a value ends; of a block scalar, on that
// on which it begins.
func behind(src []byte, value *yamltext.Node) string {
	from := max(value.Full().End, value.Indicator+1, value.Comma+1)
	if value.Style == yamltext.Literal || value.Style == yamltext.Folded {
		from = value.Start
	}
	line := string(src[from:yamltext.LineEnd(src, from)])
	if at := strings.IndexByte(line, '#'); at > 0 {
		if before := strings.TrimLeft(line[:at], "|>+-0123456789"); strings.Trim(before, " \t") == "" && before != "" {
			return line[at+1:]
		}
	}
	return ""
}

var (
	// disabled is an entry that somebody has put out of force.
	disabled = pattern.Of(`^["']?[-\w./]+["']?:(\s*|\s+("[^"]*"|'[^']*'|\S+))$`)
	// noted is how people begin what is no entry although it looks like one.
	noted = pattern.Of(`^(TODO|FIXME|NOTE|XXX|HACK|WARNING|Reason|reason)\b`)
	// directive is what tools read in comments.
	directive = pattern.Of(`^([!+@{%$<]\S|(nosec|noqa|nolint|nosemgrep|pragma|prettier-ignore|kpt-set|kpt-merge)\b|` +
		`(yamllint|yaml-language-server|kics-scan|checkov|kube-linter|trivy|tfsec|semgrep|gitleaks|renovate|x-release-please\S*|spell-?checker|cspell|codespell|language|vim?)([:=]| (disable|enable|ignore|allow|skip)))`)
	// heading is a comment over several entries, also where one alone comes behind it.
	heading    = pattern.Of(`^#+\s*[-=*~_#]{2}|[-=*~_#]{2}$|:$`)
	decoration = "-=*~_+# \t"
)

// prose gives the text of a comment that people wrote for people; not so what tools read,
// nor what is no text.
func prose(comment string) (text string, is bool) {
	text = strings.TrimSpace(strings.TrimLeft(comment, "#"))
	switch {
	case text == "":
		return "", true
	case directive.Matches(text), disabled.Matches(text) && !noted.Matches(text):
		return "", false
	}
	text = strings.TrimSpace(strings.Trim(text, decoration))
	return text, text != ""
}

// entryAt gives the mapping in which the last step of a path is a key in the text itself,
// and the place of the key in its content; nil where there is none.
func (d *document) entryAt(path edit.Path) (mapping *yamltext.Node, key int) {
	if d.tree == nil {
		tree, err := d.text.Parse()
		if err != nil || tree.Root == nil {
			return nil, 0
		}
		d.tree = tree
	}
	at := d.tree.Root
	for _, step := range path {
		next := -1
		switch step := step.(type) {
		case string:
			for k := 0; at.Kind == yamltext.Mapping && k+1 < len(at.Content); k += 2 {
				if d.tree.Is(at.Content[k], step) {
					mapping, key, next = at, k, k+1
				}
			}
		case int:
			if at.Kind == yamltext.Sequence && step < len(at.Content) {
				next = step
			}
		}
		if next < 0 {
			return nil, 0
		}
		at = at.Content[next]
	}
	return mapping, key
}

// comments gives where the comments in a span begin, of the values and keys in it not the
// text. The nodes are in the order of the text.
func (d *document) comments(within yamltext.Span, nodes ...*yamltext.Node) []int {
	src := d.tree.Text
	var found []int
	at := within.Start
	until := func(end int) {
		for at < end {
			sign := bytes.IndexByte(src[at:end], '#')
			if sign < 0 {
				break
			}
			found = append(found, at+sign)
			at = yamltext.NextLine(src, at+sign)
		}
	}
	var visit func(n *yamltext.Node)
	visit = func(n *yamltext.Node) {
		for _, one := range n.Content {
			visit(one)
		}
		if len(n.Content) > 0 || !n.Written() {
			return
		}
		until(n.Full().Start)
		if at = max(at, n.Full().Start); n.Style == yamltext.Literal || n.Style == yamltext.Folded {
			until(min(yamltext.LineEnd(src, n.Start), n.End)) // its text may have signs
		}
		at = max(at, n.Full().End)
	}
	for _, n := range nodes {
		visit(n)
	}
	until(within.End)
	return found
}
