package suggest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// Added gives the text of a file with the suggestions in its one ClusterBypass. merges
// says that rules there do not add up by themselves.
func (s *Suggestions) Added(f yamltext.File, merges bool) ([]byte, error) {
	texts, _ := spec.Texts(f)
	if len(texts) == 0 {
		return nil, fmt.Errorf("adding to %s: there is no ClusterBypass in it; rules cannot be added to a ConfigMap", f.Path)
	}
	t := texts[0]
	text, err := s.added(t.Document, string(t.Text), merges)
	if err != nil {
		return nil, fmt.Errorf("adding to %s:%d: %w", f.Path, t.Line, err)
	}
	return yamltext.Replace(f.Text, []yamltext.Replacement{{Span: t.In, Text: text}}), nil
}

// workloadsPath leads to the rules for workloads.
var workloadsPath = edit.Path{"spec", "workloads"}

// added adds to a document: the rules by their nodes, then comments between its lines.
func (s *Suggestions) added(document edit.Document, was string, merges bool) (string, error) {
	at := node.Of(document.Nodes).At(workloadsPath...).Len()
	var edits []edit.Edit
	for i, r := range s.proven {
		edits = append(edits, edit.Edit{Path: append(workloadsPath[:2:2], at+i), Op: edit.Insert, Value: r.node(merges)})
	}
	text := was
	if len(edits) > 0 {
		changed, err := document.Apply(edits)
		if err != nil {
			return "", err
		}
		text = string(changed)
	}
	rest := s.fresh(was, merges)
	if n := len(rest.perhaps); n > 0 && inFlow(node.Of(document.Nodes)) {
		s.Notes = append(s.Notes, Note(fmt.Sprintf("what may be needed (%d more) is not shown, because the specification is written in flow style, where comments have no place: without --spec it is", n)))
	}
	remarked, err := s.remarked(text, at, rest, merges)
	if err != nil {
		return "", err
	}
	return remarked, same(text, remarked)
}

// same makes sure that comments alone were added.
func same(was, is string) error {
	a, err := node.Parse([]byte(was))
	if err != nil {
		return err
	}
	b, err := node.Parse([]byte(is))
	if err != nil {
		return err
	}
	if node.Of(a).Digest() != node.Of(b).Digest() {
		return errors.New("there is no place for comments in this text: write it in block style")
	}
	return nil
}

// fresh are the rules that may be needed and do not stand in comments already.
func (s *Suggestions) fresh(was string, merges bool) *Suggestions {
	there := plain(strings.Split(was, "\n"))
	return &Suggestions{perhaps: slices.DeleteFunc(slices.Clone(s.perhaps), func(r rule) bool {
		return strings.Contains(there, plain(r.lines(merges)))
	})}
}

// plain gives lines without what makes them comments, without reasons and remarks: line
// numbers change.
func plain(lines []string) string {
	var b strings.Builder
	for _, line := range lines {
		line = strings.Trim(line, " #\r")
		if line != "" && !strings.HasPrefix(line, "reason:") {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

// remarked puts remarks above the rules from an index on, and the rules that may be
// needed behind the last one.
func (s *Suggestions) remarked(text string, from int, rest *Suggestions, merges bool) (string, error) {
	document, err := node.Parse([]byte(text))
	if err != nil {
		return "", err
	}
	ending := "\n"
	if strings.Contains(text, "\r\n") {
		ending = "\r\n"
	}
	if inFlow(node.Of(document)) { // there is no place for comments
		return text, nil
	}
	if !strings.HasSuffix(text, "\n") {
		text += ending
	}
	lines := strings.SplitAfter(text, "\n")
	lines = lines[:len(lines)-1]
	rules, whole := node.Of(document).At(workloadsPath...), node.Of(document).Entry("spec")
	column, behind := 2, len(lines)
	var block []string
	switch {
	case rules.Len() > 0 && !inFlow(rules):
		column, behind = rules.Node().Column-1, end(text, workloadsPath)
		block = rest.maybe(column, merges)
	case whole.IsMapping() && !inFlow(whole) && !rules.Exists():
		column, behind = whole.Node().Column-1, end(text, workloadsPath[:1])
		if block = rest.maybe(column, merges); len(block) > 0 {
			block = append(commented([]string{listInComment}, column), block...)
		}
	default:
		block = rest.maybe(column, merges)
	}
	var b strings.Builder
	for i, line := range append(lines, "") {
		for j, r := range s.proven {
			if item := rules.Item(from + j); item.Line() == i+1 && !inFlow(rules) {
				if j == 0 {
					write(&b, commented(standings(s.proven), column), ending)
				}
				write(&b, commented(r.remarks(), column), ending)
			}
		}
		if i == behind {
			write(&b, block, ending)
		}
		b.WriteString(line)
	}
	return b.String(), nil
}

// write writes lines of comments, as the text around them ends its own.
func write(b *strings.Builder, lines []string, ending string) {
	for _, line := range lines {
		b.WriteString(line + ending)
	}
}

func inFlow(v node.Value) bool { return v.Node().Style&yaml.FlowStyle != 0 }

// end gives how many lines come before what stands behind the value at a path, all of
// them where that cannot be told.
func end(text string, path edit.Path) int {
	behind := len(text)
	if tree, err := (yamltext.Fragment{Text: []byte(text)}).Parse(); err == nil {
		value := tree.Root
		for _, key := range path {
			value = tree.Entry(value, key.(string))
		}
		if value != nil {
			if behind = value.Full().End; behind == 0 || text[behind-1] != '\n' {
				behind = yamltext.NextLine([]byte(text), behind)
			}
		}
	}
	return strings.Count(text[:behind], "\n")
}
