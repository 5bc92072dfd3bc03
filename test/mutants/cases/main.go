// Command cases makes every kind of edit at every place of documents in every style,
// and prints what became of each as JSON. It is built anew for each mutant.
package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// What became of a case.
type outcome struct{ Text, Error string }

//go:embed styles.yaml
var styles string

func main() {
	outcomes := map[string]outcome{}
	for at, text := range strings.Split(styles, "---\n") {
		document, err := node.Parse([]byte(text))
		if err != nil {
			panic(err)
		}
		for _, edits := range editsOf(document) {
			outcomes[fmt.Sprint(at, edits.name)] = made(func() ([]byte, error) { return edit.Text([]byte(text), edits.all) })
		}
		if strings.Contains(text, "\nkind: List\n") {
			inList(text, at, outcomes)
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(outcomes); err != nil {
		panic(err)
	}
}

// inList edits the items of a list as documents of their own, as the function does.
func inList(text string, at int, outcomes map[string]outcome) {
	tree, err := yamltext.Fragment{Text: []byte(text)}.Outline(2)
	if err != nil {
		outcomes["list"] = outcome{Error: err.Error()}
		return
	}
	items := tree.Entry(tree.Root, "items")
	for i := range items.Content {
		item := tree.Item(items, i)
		document, err := node.Parse(item.Standalone())
		if err != nil {
			outcomes[fmt.Sprint("item ", i)] = outcome{Error: err.Error()}
			continue
		}
		for _, edits := range editsOf(document) {
			outcomes[fmt.Sprint(at, " item ", i, edits.name)] = made(func() ([]byte, error) {
				after, err := edit.Document{Fragment: item}.Apply(edits.all)
				return yamltext.Replace([]byte(text), []yamltext.Replacement{{Span: tree.ItemSpan(items, i), Text: string(after)}}), err
			})
		}
	}
}

// made is the outcome of one case. A mutant may well panic.
func made(make func() ([]byte, error)) (o outcome) {
	defer func() {
		if trouble := recover(); trouble != nil {
			o = outcome{Error: fmt.Sprint("panic: ", trouble)}
		}
	}()
	text, err := make()
	if err != nil {
		return outcome{Error: err.Error()}
	}
	return outcome{Text: string(text)}
}

type edits struct {
	name string
	all  []edit.Edit
}

var added = value("{x: ['1', y], z: {}, 'true': \"it's: # a\\n'quote\\\"'\"}")

func value(text string) *yaml.Node {
	document, err := node.Parse([]byte(text))
	if err != nil {
		panic(err)
	}
	return document.Content[0]
}

// editsOf gives every kind of edit for every place of a document.
func editsOf(document *yaml.Node) []edits {
	var all []edits
	var everywhere []edit.Edit
	var visit func(n, around *yaml.Node, path edit.Path)
	visit = func(n, around *yaml.Node, path edit.Path) {
		to := func(steps ...any) edit.Path { return append(path[:len(path):len(path)], steps...) }
		put := func(name string, one ...edit.Edit) { all = append(all, edits{fmt.Sprint(" ", path, name), one}) }
		if len(path) > 0 {
			_, isEntry := path[len(path)-1].(string)
			put("removed", edit.Edit{Path: path, Op: edit.Remove})
			for _, source := range []string{"plain", "'it''s'", "[a, {b: c}]", "\n            - k: v", " |\n              text"} {
				put("restored "+source, edit.Edit{Path: path, Op: edit.Restore, Source: source})
			}
			if isEntry && around.Style&yaml.FlowStyle == 0 {
				put("restored to nothing", edit.Edit{Path: path, Op: edit.Restore})
			}
			if isEntry {
				put("set to a string", edit.Edit{Path: path, Op: edit.Set, Value: value("'7001'")})
				put("set to quotes", edit.Edit{Path: path, Op: edit.Set, Value: value("\"it's\"")})
				put("set to a mapping", edit.Edit{Path: path, Op: edit.Set, Value: added})
			}
		}
		switch n.Kind {
		case yaml.ScalarNode:
			if n.ShortTag() == "!!null" {
				put("entry in nothing", edit.Edit{Path: to("new", "key"), Op: edit.Set, Value: added})
				put("item in nothing", edit.Edit{Path: to(0), Op: edit.Insert, Value: added})
			}
		case yaml.MappingNode:
			everywhere = append(everywhere, edit.Edit{Path: to("new"), Op: edit.Set, Value: added})
			put("entry", edit.Edit{Path: to("new/key"), Op: edit.Set, Value: value("'12'")})
			put("entries", edit.Edit{Path: to("new", "er"), Op: edit.Set, Value: added}, edit.Edit{Path: to("newer"), Op: edit.Set, Value: value("[a]")})
			if len(n.Content) > 0 {
				put("another for the first", edit.Edit{Path: to(n.Content[0].Value), Op: edit.Remove}, edit.Edit{Path: to("new"), Op: edit.Set, Value: added})
			}
			var everything []edit.Edit
			for i := 0; i < len(n.Content); i += 2 {
				everything = append(everything, edit.Edit{Path: to(n.Content[i].Value), Op: edit.Remove})
			}
			put("emptied", everything...)
			for i := 0; i < len(n.Content); i += 2 {
				visit(n.Content[i+1], n, to(n.Content[i].Value))
			}
		case yaml.SequenceNode:
			var everything []edit.Edit
			for i := range n.Content {
				put(fmt.Sprint("item before ", i), edit.Edit{Path: to(i), Op: edit.Insert, Value: added})
				everything = append(everything, edit.Edit{Path: to(0), Op: edit.Remove})
			}
			put("item", edit.Edit{Path: to(len(n.Content)), Op: edit.Insert, Value: value("'12'")})
			put("items", edit.Edit{Path: to(0), Op: edit.Insert, Value: value("[a]")}, edit.Edit{Path: to(len(n.Content) + 1), Op: edit.Insert, Value: added})
			put("emptied", everything...)
			for i, item := range n.Content {
				visit(item, n, to(i))
			}
		}
	}
	visit(document.Content[0], nil, nil)
	return append(all, edits{" everywhere", everywhere})
}
