package revise

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/spec"
)

func (c Put) make(t *text) error {
	at, err := stepsTo(c.Path, false)
	if err != nil {
		return err
	}
	fields, err := c.Rule.sorted(Fields(c.Path))
	if err != nil {
		return err
	}
	rule := t.says().At(at...)
	if _, inList := at[len(at)-1].(int); inList && !rule.Exists() {
		return fmt.Errorf("there is no rule %s", c.Path)
	}
	p := putting{text: t, at: at, rule: rule}
	var changed []Field
	wants := map[string]Setting{}
	for _, f := range fields {
		standing := f.setting(rule)
		want, err := f.canonical(t.file.Path, c.Path, c.Rule[f.Path], standing)
		if err != nil {
			return err
		}
		if standing.same(want, f) {
			continue
		}
		p.arrange(f, want)
		if err := p.put(f, want); err != nil {
			return err
		}
		changed, wants[f.Path] = append(changed, f), want
	}
	if err := t.editAll(p.all()); err != nil {
		return err
	}
	paths := make([]edit.Path, len(changed))
	for i, f := range changed {
		paths[i] = p.path(f.steps)
		if is := f.setting(t.says().At(at...)); !is.same(wants[f.Path], f) {
			return fmt.Errorf("%v: %w", paths[i], errElsewhere)
		}
	}
	return t.unchangedBut(paths...)
}

// setting reads what a rule says in a field.
func (f Field) setting(rule node.Value) Setting {
	v := rule.At(f.steps...)
	switch {
	case !v.Exists() || v.IsNull():
		return Setting{}
	case f.form.mapping:
		var labels []string
		for e := range v.Entries() {
			labels = append(labels, e.Key+"="+e.Value.Text())
		}
		return Says(labels...)
	case !f.List:
		return Says(strings.TrimSpace(v.Text()))
	case !v.IsList():
		return Says(v.Text())
	}
	return Says(each.As(v.Items(), f.text)...)
}

// text gives the entry that an item of the field's list says.
func (f Field) text(item node.Value) string { return strings.TrimSpace(f.form.text(item)) }

// same reports whether two settings of a field say the same. How a text is broken into
// lines says nothing.
func (s Setting) same(other Setting, f Field) bool {
	a, b := s.Entries, other.Entries
	switch {
	case s.State != other.State:
		return false
	case f.form.mapping:
		a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	case !f.List:
		return slices.Equal(strings.Fields(strings.Join(a, "")), strings.Fields(strings.Join(b, "")))
	}
	return slices.Equal(a, b)
}

// canonical gives a setting with its entries as they are read back, or what is wrong with
// those that cannot be written. Those that stand there are as they are.
func (f Field) canonical(file, rule string, s, standing Setting) (Setting, error) {
	if s.State != Listed {
		return Setting{State: s.State}, nil
	}
	var problems spec.Problems
	entries := make([]string, 0, len(s.Entries))
	for i, entry := range s.Entries {
		if entry = strings.TrimSpace(entry); slices.Contains(standing.Entries, entry) {
			entries = append(entries, entry)
			continue
		}
		if f.form.refused != nil {
			if problem := f.form.refused(entry); problem != "" {
				problems = append(problems, spec.Problem{File: file, Path: fmt.Sprintf("%s.%s[%d]", rule, f.Path, i), Value: entry, Message: problem})
			}
		}
		if f.List && !f.form.mapping {
			entry = strings.TrimSpace(f.form.text(node.Of(f.form.item(entry, 0))))
		}
		entries = append(entries, entry)
	}
	if problems != nil {
		return Setting{}, problems
	}
	return Says(entries...), nil
}

// putting gathers the edits of a rule.
type putting struct {
	*text
	at    edit.Path
	rule  node.Value
	edits []edit.Edit
	// gone are the steps to fields that go, and come those to fields that come.
	gone, come []edit.Path
}

func (p *putting) path(steps edit.Path) edit.Path {
	return append(p.at[:len(p.at):len(p.at)], steps...)
}

// all gives the edits. What is left empty goes with the last field in it.
func (p *putting) all() []edit.Edit {
	for i := 0; i < len(p.gone); i++ {
		around := p.gone[i][:len(p.gone[i])-1]
		if len(around) == 0 || slices.ContainsFunc(p.come, func(c edit.Path) bool { return startsWith(c, around) }) {
			continue
		}
		left := p.rule.At(around...).Len()
		for _, g := range p.gone {
			if len(g) == len(around)+1 && startsWith(g, around) {
				left--
			}
		}
		if left == 0 {
			p.gone = append(slices.DeleteFunc(p.gone, func(g edit.Path) bool { return startsWith(g, around) }), around)
			i = -1
		}
	}
	for _, g := range p.gone {
		p.edits = append(p.edits, edit.Edit{Path: p.path(g), Op: edit.Remove})
	}
	return p.edits
}

func startsWith(path, beginning edit.Path) bool {
	return len(path) >= len(beginning) && slices.Equal(path[:len(beginning)], beginning)
}

// put has a field say what it is to say.
func (p *putting) put(f Field, want Setting) error {
	path, standing := p.path(f.steps), p.rule.At(f.steps...)
	if want.State == Unset {
		if !own(p.rule, f.steps) {
			return fmt.Errorf("%v is there by a merge key (<<): write the entries out in place of the merge key, then remove it", path)
		}
		p.gone = append(p.gone, f.steps)
		return nil
	}
	itself := own(p.rule, f.steps)
	if !itself {
		p.come = append(p.come, f.steps)
	}
	switch {
	case f.form.mapping:
		if !itself || standing.Len() == 0 || want.State == None {
			p.set(path, f.mapping(want))
			return nil
		}
		p.label(path, standing, want)
	case !f.List:
		p.set(path, f.form.item(want.Entries[0], p.quotes(standing)))
	case itself && standing.IsList() && standing.Len() > 0:
		p.list(path, standing, f.itemsOf(want.Entries))
	default:
		p.set(path, p.styled(f.list(want, 0)))
	}
	return nil
}

func (p *putting) set(path edit.Path, value *yaml.Node) {
	p.edits = append(p.edits, edit.Edit{Path: path, Value: value})
}

// label changes the labels that are to be others.
func (p *putting) label(path edit.Path, standing node.Value, want Setting) {
	to := func(key string) edit.Path { return append(path[:len(path):len(path)], key) }
	keep := map[string]bool{}
	for _, entry := range want.Entries {
		key, value, _ := strings.Cut(entry, "=")
		if keep[key] = true; !standing.Entry(key).Exists() || standing.Entry(key).Text() != value {
			p.set(to(key), node.Str(value))
		}
	}
	for e := range standing.Entries() {
		if !keep[e.Key] {
			p.edits = append(p.edits, edit.Edit{Path: to(e.Key), Op: edit.Remove})
		}
	}
}

// list writes a whole list.
func (f Field) list(want Setting, like yaml.Style) *yaml.Node {
	if slices.Equal(want.Entries, []string{"*"}) && f.form.all {
		return node.Str("*")
	}
	return node.Seq(each.As(want.Entries, func(entry string) *yaml.Node { return f.form.item(entry, like) })...)
}

// mapping writes labels.
func (f Field) mapping(want Setting) *yaml.Node {
	labels := node.Map()
	for _, entry := range want.Entries {
		key, value, _ := strings.Cut(entry, "=")
		labels.Content = append(labels.Content, node.Str(key), node.Str(value))
	}
	return labels
}

// quotesOf gives the quotes that all single values have, 0 where they differ.
func quotesOf(values ...node.Value) yaml.Style {
	const quotes = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle
	style := quotes
	for _, v := range values {
		if !v.IsScalar() {
			return 0
		}
		style &= v.Node().Style
	}
	if style == quotes {
		return 0
	}
	return style
}
