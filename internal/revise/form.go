package revise

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/spec"
)

// form is how the entries of a field are typed and how they are written.
type form struct {
	// split cuts what was typed into entries.
	split func(typed string) []string
	// text gives the entry that an item says, item what says an entry. like is how strings
	// beside it are quoted.
	text func(item node.Value) string
	item func(entry string, like yaml.Style) *yaml.Node
	// refused says what is wrong with an entry that cannot be written; nil where any can.
	refused func(entry string) string
	// parts are what an entry with parts is made of.
	parts func(entry string) []string
	// mapping says that the entries are those of a mapping, and all that "*" may stand in
	// the place of the list.
	mapping, all bool
}

// formOf gives the form of a field by its type.
func formOf(t reflect.Type) form {
	switch {
	case t == reflect.TypeFor[v1alpha1.Date]():
		return form{split: whole, text: node.Value.Text, item: day}
	case t.Kind() == reflect.Bool:
		return form{split: whole, text: node.Value.Text, item: flag}
	case t.Kind() == reflect.Map:
		return form{split: words, refused: noLabel, mapping: true}
	case t.Kind() != reflect.Slice:
		return form{split: whole, text: node.Value.Text, item: quoted}
	case t.Elem() == reflect.TypeFor[v1alpha1.Destination]():
		return form{split: pairs, text: pairText, item: pairItem, refused: noPair, parts: pairParts}
	case t.Elem() == reflect.TypeFor[v1alpha1.LabelRequirement]():
		return form{split: lines, text: requirementText, item: requirementItem, parts: requirementParts}
	case t.Elem() == reflect.TypeFor[string]():
		return form{split: words, text: node.Value.Text, item: quoted}
	}
	return form{split: words, text: node.Value.Text, item: number, all: true}
}

// Split cuts what was typed into a field into entries: one for each line, or separated by
// blanks or commas.
func (f Field) Split(typed string) []string { return f.form.split(typed) }

func whole(typed string) []string {
	if typed = strings.TrimSpace(strings.ReplaceAll(typed, "\r\n", "\n")); typed != "" {
		return []string{typed}
	}
	return nil
}

func lines(typed string) (entries []string) {
	for line := range strings.Lines(typed) {
		entries = append(entries, whole(line)...)
	}
	return entries
}

func words(typed string) []string { return strings.Fields(strings.ReplaceAll(typed, ",", " ")) }

// pairs are cut at commas only where each part is a pair of its own.
func pairs(typed string) (entries []string) {
	for _, word := range strings.Fields(typed) {
		parts := strings.FieldsFunc(word, func(r rune) bool { return r == ',' })
		if !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(part, "@") }) {
			entries = append(entries, parts...)
			continue
		}
		entries = append(entries, strings.Trim(word, ","))
	}
	return entries
}

func quoted(entry string, like yaml.Style) *yaml.Node {
	n := node.Str(entry)
	n.Style = like
	return n
}

// number writes digits as a number where the neighbours are not in quotes.
func number(entry string, like yaml.Style) *yaml.Node {
	if n, err := strconv.ParseUint(entry, 10, 32); like == 0 && err == nil && strconv.FormatUint(n, 10) == entry {
		return node.Int(int(n))
	}
	return quoted(entry, like)
}

func flag(entry string, _ yaml.Style) *yaml.Node {
	if entry == "true" || entry == "false" {
		return node.Bool(entry == "true")
	}
	return node.Str(entry)
}

// day writes a date without quotes, as YAML has them.
func day(entry string, like yaml.Style) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Value: entry}
	if like != 0 || n.ShortTag() != "!!timestamp" {
		return quoted(entry, like)
	}
	n.Tag = "!!timestamp"
	return n
}

// Pairs of ranges and ports: 10.1.0.0/16,10.2.0.0/16@5432,6379

func noPair(entry string) string {
	if strings.Contains(entry, "@") {
		return ""
	}
	return spec.NoPair(entry)
}

func pairText(item node.Value) string {
	if !item.IsMapping() {
		return item.Text()
	}
	return strings.Join(textsOf(item.Entry("ipRanges")), ",") + "@" + strings.Join(textsOf(item.Entry("ports")), ",")
}

func pairItem(entry string, like yaml.Style) *yaml.Node {
	ranges, ports, _ := strings.Cut(entry, "@")
	return node.Line(node.Map(node.Str("ipRanges"), lineOf(words(ranges), like, number), node.Str("ports"), lineOf(words(ports), like, number)))
}

// pairParts has the ports marked: a range is no port.
func pairParts(entry string) []string {
	ranges, ports, _ := strings.Cut(entry, "@")
	parts := words(ranges)
	for _, port := range words(ports) {
		parts = append(parts, "@"+port)
	}
	return parts
}

// Requirements of labels: tier In web,api

// requirementParts has the key alone: what it is compared with may change.
func requirementParts(entry string) []string {
	key, _, _ := strings.Cut(entry, " ")
	return []string{key}
}

func requirementText(item node.Value) string {
	text := item.Entry("key").Text() + " " + item.Entry("operator").Text()
	if values := textsOf(item.Entry("values")); len(values) > 0 {
		text += " " + strings.Join(values, ",")
	}
	return text
}

func requirementItem(entry string, like yaml.Style) *yaml.Node {
	parts := append(strings.Fields(entry), "", "")
	n := node.Map(node.Str("key"), node.Str(parts[0]), node.Str("operator"), node.Str(parts[1]))
	if values := words(strings.Join(parts[2:], ",")); len(values) > 0 {
		n.Content = append(n.Content, node.Str("values"), lineOf(values, like, quoted))
	}
	return node.Line(n)
}

// Labels: app=web

func noLabel(entry string) string {
	if key, _, found := strings.Cut(entry, "="); found && key != "" {
		return ""
	}
	return fmt.Sprintf(`%q is no label: write it as "app=web"`, entry)
}

// textsOf gives the entries of a list of single values. A single value is one.
func textsOf(list node.Value) []string {
	if list.IsScalar() {
		return whole(list.Text())
	}
	return each.As(list.Items(), node.Value.Text)
}

func lineOf(entries []string, like yaml.Style, item func(string, yaml.Style) *yaml.Node) *yaml.Node {
	return node.Line(node.Seq(each.As(entries, func(entry string) *yaml.Node { return item(entry, like) })...))
}
