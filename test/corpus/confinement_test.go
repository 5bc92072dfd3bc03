package corpus

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/kinds"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
)

// What krm-bypass writes, by the paths that its documentation names.
const (
	recordKey     = "krm-bypass.dev/last-applied"
	policyKey     = "krm-bypass.dev/policy"
	containerName = "krm-bypass-init"
)

var containerNames = []string{containerName, "krm-bypass-close"}

// place is where planned values stand in a text, in lines from 1.
type place struct {
	// lines hold a planned entry, or a parent that holds nothing else.
	lines map[int]bool
	// edges are the first and last lines of collections in flow style and of
	// empty ones that hold or will hold planned entries: a bracket, and the
	// entry beside it that gets a comma.
	edges map[int]bool
	// values are the texts of what stands there already, which may be replaced.
	values []string
	// words are all keys and values of planned entries, parents the keys on the way to
	// them, which may have to be created.
	words   []string
	parents map[string]bool
}

// placeOf finds the lines of planned paths by the positions of yaml/v3.
func placeOf(objects []*yaml.Node, m *mesh.Mesh, lines []string) place {
	p := place{lines: map[int]bool{}, edges: map[int]bool{}, parents: map[string]bool{}}
	record := func(key string) bool { return key == recordKey }
	ours := func(key string) bool {
		return key == policyKey || key == recordKey || slices.ContainsFunc(m.Keys, func(k mesh.Key) bool { return k.Annotation == key })
	}
	for _, o := range objects {
		templates := templatesOf(o)
		if len(templates) > 0 {
			p.annotations(o, path("metadata", "annotations"), record, lines)
		}
		for _, t := range templates {
			p.annotations(o, t.annotations, ours, lines)
			p.containers(o, t.initContainers, lines)
		}
	}
	return p
}

func (p place) mark(from, to int) {
	for i := from; i <= to; i++ {
		p.lines[i] = true
	}
}

// annotations marks the planned entries below a path, and what of the path holds nothing
// else.
func (p *place) annotations(holder *yaml.Node, way kinds.Path, planned func(key string) bool, lines []string) {
	p.down(holder, way, func(annotations *yaml.Node) bool {
		all := true
		for i := 0; i+1 < len(annotations.Content); i += 2 {
			k, v := annotations.Content[i], annotations.Content[i+1]
			if !planned(k.Value) {
				all = false
				continue
			}
			p.mark(k.Line, p.end(v, lines))
			p.values = append(p.values, v.Value)
			p.words = append(p.words, k.Value, v.Value)
		}
		return all
	})
}

// down leads along a path, and marks the keys on it below which nothing but what is
// planned stands.
func (p *place) down(holder *yaml.Node, way kinds.Path, end func(*yaml.Node) bool) (alone bool) {
	p.edge(holder)
	switch {
	case len(way) == 0:
		return end(holder)
	case way[0].Many():
		for i, child := range holder.Content {
			if way[0].Items || i%2 == 1 {
				p.down(child, way[1:], end)
			}
		}
		return false
	}
	p.parents[way[0].Key] = true
	key, value := keyed(holder, way[0].Key)
	if value == nil {
		return true
	}
	if !p.down(value, way[1:], end) || len(way) > 1 && len(value.Content) > 0 && (len(value.Content) > 2 || value.Content[0].Value != way[1].Key) {
		return false
	}
	p.mark(key.Line, key.Line)
	p.empty(value)
	return true
}

// containers marks the init containers.
func (p *place) containers(holder *yaml.Node, way kinds.Path, lines []string) {
	if way == nil {
		return
	}
	p.down(holder, way, func(containers *yaml.Node) bool {
		ours := 0
		for _, c := range containers.Content {
			if name := entry(c, "name"); name != nil && slices.Contains(containerNames, name.Value) {
				p.mark(c.Line, p.end(c, lines))
				p.words = append(p.words, wordsOf(c)...)
				ours++
			}
		}
		return ours == len(containers.Content)
	})
}

// wordsOf gives every key and value below a node.
func wordsOf(n *yaml.Node) []string {
	words := []string{n.Value}
	for _, child := range n.Content {
		words = append(words, wordsOf(child)...)
	}
	return words
}

// empty notes what stands for nothing, which a value replaces.
func (p *place) empty(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode {
		p.values = append(p.values, n.Value)
	}
}

// edge notes the brackets of a collection in flow style.
func (p *place) edge(n *yaml.Node) {
	if n == nil || n.Kind == yaml.AliasNode || n.Style&yaml.FlowStyle == 0 {
		return
	}
	p.edges[n.Line] = true
	if len(n.Content) > 0 {
		p.edges[n.Content[0].Line] = true
		p.edges[last(n)] = true
	}
}

func keyed(mapping *yaml.Node, key string) (k, v *yaml.Node) {
	if mapping == nil || mapping.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i], mapping.Content[i+1]
		}
	}
	return nil, nil
}

// last gives the last line on which a node below n begins.
func last(n *yaml.Node) int {
	line := n.Line
	for _, child := range n.Content {
		line = max(line, last(child))
	}
	return line
}

// end gives the last line of a value: the further lines of a scalar are those
// that are indented deeper than the line it begins in.
func (p *place) end(n *yaml.Node, lines []string) int {
	line := last(n)
	if n.Kind == yaml.ScalarNode {
		for line < len(lines) && indentation(lines[line]) > indentation(lines[n.Line-1]) {
			line++
		}
	}
	return line
}

func indentation(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

// lineBreaks are those that yaml/v3 counts.
var lineBreaks = regexp.MustCompile("\r\n|[\n\r\u0085\u2028\u2029]")

// linesOf cuts a text into lines, each with its break.
func linesOf(text []byte) []string {
	var lines []string
	at := 0
	for _, span := range lineBreaks.FindAllIndex(text, -1) {
		lines = append(lines, string(text[at:span[1]]))
		at = span[1]
	}
	return append(lines, string(text[at:]))
}

// token is a text in quotes, a comment, a word, blanks, or one other character.
var token = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'[^'\n]*'|#[^\r\n]*|[\p{L}\p{N}_./@+-]+|\s+|.`)

// bracketed is a line of nothing but brackets and what may stand before them.
var bracketed = regexp.MustCompile(`^\s*("?[A-Za-z]+"?\s*:)?[\s\[\]{},]*$`)

// strays compares a text with what it became, line by line and then token by
// token, and gives what changed without a planned path standing there.
func strays(before, after []byte, was, is place) []string {
	var found []string
	old, now := linesOf(before), linesOf(after)
	for _, h := range hunksOf(was.marked(old), is.marked(now)) {
		var removed, added []string
		for i := h.oldFrom; i < h.oldTo; i++ {
			removed = append(removed, old[i])
			if !was.lines[i+1] && !was.edges[i+1] && !bracketed.MatchString(old[i]) && !endsWithComma(old[i], now[h.nowFrom:h.nowTo]) && !ended(old[i], now[h.nowFrom:h.nowTo]) {
				found = append(found, "-"+old[i])
			}
		}
		for i := h.nowFrom; i < h.nowTo; i++ {
			added = append(added, now[i])
			if !is.lines[i+1] && !bracketed.MatchString(now[i]) && !endsWithComma(now[i], old[h.oldFrom:h.oldTo]) && !ended(now[i], old[h.oldFrom:h.oldTo]) {
				found = append(found, "+"+now[i])
			}
		}
		oldTokens, nowTokens := tokens(removed), tokens(added)
		for _, t := range hunksOf(oldTokens, nowTokens) {
			for _, lost := range oldTokens[t.oldFrom:t.oldTo] {
				if !belongs(lost, was.values) {
					found = append(found, "lost "+lost)
				}
			}
			for _, gained := range nowTokens[t.nowFrom:t.nowTo] {
				if !belongs(gained, is.words) && !is.parents[strings.Trim(gained, `"`)] {
					found = append(found, "gained "+gained)
				}
			}
		}
	}
	return found
}

// marked gives lines so that those of planned paths are like no others: what is added
// may look like a line that was there.
func (p place) marked(lines []string) []string {
	all := slices.Clone(lines)
	for i := range all {
		if p.lines[i+1] {
			all[i] += "\x00"
		}
	}
	return all
}

// endsWithComma reports whether one of the others is the same line but for a comma
// at its end, in front of a comment if there is one.
func endsWithComma(line string, others []string) bool {
	return slices.ContainsFunc(others, func(other string) bool {
		return other != line && strings.Replace(other, ",", "", 1) == line || strings.Replace(line, ",", "", 1) == other ||
			strings.ReplaceAll(other, ",", "") == strings.ReplaceAll(line, ",", "")
	})
}

// ended reports whether one of the others is the same line but for its break: what
// was the last line of a file without a final newline goes on.
func ended(line string, others []string) bool {
	return slices.Contains(others, strings.TrimRight(line, "\r\n\u0085\u2028\u2029")) ||
		slices.ContainsFunc(others, func(other string) bool { return strings.TrimRight(other, "\r\n\u0085\u2028\u2029") == line })
}

func tokens(lines []string) []string {
	var words []string
	for _, t := range token.FindAllString(strings.Join(lines, ""), -1) {
		if strings.TrimSpace(t) != "" {
			words = append(words, t)
		}
	}
	return words
}

// belongs reports whether a token belongs to one of the values, or to how one is
// written.
func belongs(token string, values []string) bool {
	bare := strings.Trim(token, `"'`)
	if strings.Trim(bare, `|>-+~,\!'"{}[]`) == "" || bare == "null" || bare == "str" {
		return true
	}
	return slices.ContainsFunc(values, func(v string) bool { return strings.Contains(unfolded(v), unfolded(bare)) })
}

// unfolded gives a text without what quoting and folding over lines change.
func unfolded(text string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(text, `\`, "")), "")
}

// hunk is a stretch of two lists that differs.
type hunk struct{ oldFrom, oldTo, nowFrom, nowTo int }

// hunksOf compares two lists by their longest common subsequence.
func hunksOf(old, now []string) []hunk {
	head := 0
	for head < len(old) && head < len(now) && old[head] == now[head] {
		head++
	}
	tail := 0
	for tail < len(old)-head && tail < len(now)-head && old[len(old)-1-tail] == now[len(now)-1-tail] {
		tail++
	}
	a, b := old[head:len(old)-tail], now[head:len(now)-tail]
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var hunks []hunk
	for i, j := 0, 0; i < len(a) || j < len(b); {
		h := hunk{oldFrom: head + i, nowFrom: head + j}
		for i < len(a) || j < len(b) {
			if i < len(a) && j < len(b) && a[i] == b[j] {
				break
			}
			if j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1] {
				i++
			} else {
				j++
			}
		}
		h.oldTo, h.nowTo = head+i, head+j
		if h.oldFrom < h.oldTo || h.nowFrom < h.nowTo {
			hunks = append(hunks, h)
		}
		for i < len(a) && j < len(b) && a[i] == b[j] {
			i, j = i+1, j+1
		}
	}
	return hunks
}
