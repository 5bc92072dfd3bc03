package edit

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// Nodes makes the edits, in their order, on a document node or on the root
// value of one. New entries come last; styles and comments stay.
func Nodes(document *yaml.Node, edits []Edit) error {
	_, err := newApplier(document, nil).apply(edits)
	return err
}

// A change is an edit brought down to one of the four things that can be done
// to what is there: parents are created, null is replaced.
type change struct {
	op operation
	// path of the value that is replaced, removed or restored, of the entry
	// or item that is added.
	path Path
	// value to be written, as it is before later edits
	value  *yaml.Node
	source string
	// restored is the node that source became
	restored *yaml.Node
	// mapping that got the entry
	mapping *yaml.Node
}

// moveBefore moves the entry that was added to stand before another one.
func (c change) moveBefore(key string) {
	content := c.mapping.Content
	from, _ := entryOf(c.mapping, c.path[len(c.path)-1].(string))
	if to, _ := entryOf(c.mapping, key); from < 0 || to < 0 {
		// A later edit took one of them away.
		return
	}
	entry := []*yaml.Node{content[from], content[from+1]}
	content = append(content[:from:from], content[from+2:]...)
	c.mapping.Content = content
	to, _ := entryOf(c.mapping, key)
	c.mapping.Content = append(append(content[:to:to], entry...), content[to:]...)
}

type operation uint8

const (
	replace operation = iota
	appendEntry
	insertItem
	remove
	restore
)

// An applier makes edits on nodes.
type applier struct {
	// holder has the root as its only content.
	holder *yaml.Node
	// used counts the aliases by the name of their anchor; nil until asked.
	used map[string]int
	// outside are anchors that aliases in other fragments use.
	outside []string
}

func newApplier(document *yaml.Node, outside []string) *applier {
	holder := document
	if document.Kind != yaml.DocumentNode {
		holder = &yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{document}}
	}
	return &applier{holder: holder, outside: outside}
}

func (a *applier) apply(edits []Edit) ([]change, error) {
	changes := make([]change, 0, len(edits))
	if len(a.holder.Content) != 1 {
		if len(edits) == 0 {
			return nil, nil
		}
		return nil, &Error{Op: edits[0].Op, Path: edits[0].Path, Problem: "the document is empty"}
	}
	for _, edit := range edits {
		done, err := a.one(edit)
		if err != nil {
			return nil, err
		}
		if done != nil {
			done.value = Clone(done.value)
			changes = append(changes, *done)
		}
	}
	return changes, nil
}

// A place is how far a path leads.
type place struct {
	node *yaml.Node
	// steps of the path that were taken
	steps int
}

func isNull(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null"
}

// walk follows the path to its end or to where it leads nowhere: an entry that
// is missing, or null where a collection should be.
func (a *applier) walk(edit Edit, path Path) (place, error) {
	fail := func(remedy, problem string, args ...any) (place, error) {
		return place{}, &Error{Op: edit.Op, Path: edit.Path, Problem: fmt.Sprintf(problem, args...), Remedy: remedy}
	}
	node := a.holder.Content[0]
	for i, step := range path {
		here := path[:i]
		switch {
		case node.Kind == yaml.AliasNode:
			return fail("write the value out in place of the alias",
				"%v%s is an alias of the anchor &%s, and editing through it would change every use of the anchor", here, lineOf(node), node.Value)
		case node.Anchor != "" && a.aliased(node.Anchor):
			return fail("write the values out in place of the aliases",
				"%v%s has the anchor &%s, and editing it would change every alias *%s", here, lineOf(node), node.Anchor, node.Anchor)
		case isNull(node):
			return place{node, i}, nil
		}
		switch step := step.(type) {
		case string:
			if node.Kind != yaml.MappingNode {
				return fail("", "%v%s is %s, not a mapping", here, lineOf(node), describe(node))
			}
			at, again := entryOf(node, step)
			if again >= 0 {
				return fail("remove one of them",
					"the key %q is twice in %v%s", step, here, linesOf(node.Content[at], node.Content[again]))
			}
			if at < 0 {
				return place{node, i}, nil
			}
			node = node.Content[at+1]
		case int:
			if node.Kind != yaml.SequenceNode {
				return fail("", "%v%s is %s, not a sequence", here, lineOf(node), describe(node))
			}
			if step < 0 || step >= len(node.Content) {
				return fail("", "%v has %d items, none with the index %d", here, len(node.Content), step)
			}
			node = node.Content[step]
		default:
			return fail("", "a path has strings and ints, not %T", step)
		}
	}
	return place{node, len(path)}, nil
}

// entryOf returns the index of the key in the content of a mapping, and that
// of its second occurrence; -1 for none.
func entryOf(mapping *yaml.Node, key string) (first, second int) {
	first, second = -1, -1
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		k := mapping.Content[i]
		if k.Kind != yaml.ScalarNode || k.Value != key || key == "<<" && k.ShortTag() == "!!merge" {
			continue
		}
		if first >= 0 {
			return first, i
		}
		first = i
	}
	return first, second
}

func lineOf(node *yaml.Node) string {
	if node.Line == 0 {
		return ""
	}
	return fmt.Sprintf(" (line %d)", node.Line)
}

func linesOf(a, b *yaml.Node) string {
	if a.Line == 0 || b.Line == 0 {
		return ""
	}
	return fmt.Sprintf(" (lines %d and %d)", a.Line, b.Line)
}

func describe(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a sequence"
	case yaml.AliasNode:
		return "an alias"
	}
	text := node.Value
	if len(text) > 40 {
		text = strings.ToValidUTF8(text[:40], "") + "..."
	}
	return fmt.Sprintf("the scalar %q", text)
}

// aliased says whether an alias uses the anchor.
func (a *applier) aliased(anchor string) bool {
	for _, name := range a.outside {
		if name == anchor {
			return true
		}
	}
	if a.used == nil {
		a.used = aliasesIn(a.holder)
	}
	return a.used[anchor] > 0
}

func aliasesIn(node *yaml.Node) map[string]int {
	used := make(map[string]int)
	var visit func(*yaml.Node)
	visit = func(node *yaml.Node) {
		if node.Kind == yaml.AliasNode {
			used[node.Value]++
		}
		for _, child := range node.Content {
			visit(child)
		}
	}
	visit(node)
	return used
}

func anchorsIn(node *yaml.Node, names []string) []string {
	if node.Anchor != "" {
		names = append(names, node.Anchor)
	}
	for _, child := range node.Content {
		names = anchorsIn(child, names)
	}
	return names
}

// loose returns an error if aliases elsewhere use an anchor of what is about
// to be taken away.
func (a *applier) loose(edit Edit, node *yaml.Node) error {
	anchors := anchorsIn(node, nil)
	var inside map[string]int
	for _, anchor := range anchors {
		if !a.aliased(anchor) {
			continue
		}
		if inside == nil {
			inside = aliasesIn(node)
		}
		if a.used == nil {
			a.used = aliasesIn(a.holder)
		}
		if a.used[anchor] != inside[anchor] || contains(a.outside, anchor) {
			return &Error{Op: edit.Op, Path: edit.Path,
				Problem: fmt.Sprintf("the value%s has the anchor &%s, which an alias *%s needs", lineOf(node), anchor, anchor),
				Remedy:  "write the value out in place of the alias"}
		}
	}
	return nil
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}

// merged says whether a mapping has a key by way of its merge keys.
func merged(mapping *yaml.Node, key string) bool {
	// An anchor may contain its own alias, and many ways may lead to one.
	seen := map[*yaml.Node]bool{}
	var search func(mapping *yaml.Node) bool
	search = func(mapping *yaml.Node) bool {
		if seen[mapping] {
			return false
		}
		seen[mapping] = true
		for i := 0; i+1 < len(mapping.Content); i += 2 {
			if mapping.Content[i].ShortTag() != "!!merge" {
				continue
			}
			sources := []*yaml.Node{mapping.Content[i+1]}
			if sources[0].Kind == yaml.SequenceNode {
				sources = sources[0].Content
			}
			for _, source := range sources {
				if source.Kind == yaml.AliasNode {
					source = source.Alias
				}
				if source == nil || source.Kind != yaml.MappingNode {
					continue
				}
				if at, _ := entryOf(source, key); at >= 0 || search(source) {
					return true
				}
			}
		}
		return false
	}
	return search(mapping)
}

func (a *applier) one(edit Edit) (*change, error) {
	if len(edit.Path) == 0 {
		return nil, &Error{Op: edit.Op, Path: edit.Path, Problem: "the path is empty"}
	}
	last := len(edit.Path) - 1
	switch edit.Op {
	case Set:
		if _, ok := edit.Path[last].(string); !ok {
			return nil, &Error{Op: edit.Op, Path: edit.Path, Problem: "only a mapping entry can be set"}
		}
		return a.set(edit, edit.Path, edit.Value)
	case Insert:
		index, ok := edit.Path[last].(int)
		if !ok {
			return nil, &Error{Op: edit.Op, Path: edit.Path, Problem: "an item needs an index"}
		}
		return a.insert(edit, edit.Path[:last], index)
	case Remove:
		return a.remove(edit)
	case Restore:
		return a.restore(edit)
	}
	return nil, &Error{Op: Set, Path: edit.Path, Problem: fmt.Sprintf("there is no operation %d", edit.Op)}
}

// set gives the path the value, and makes what is missing on the way.
func (a *applier) set(edit Edit, path Path, value *yaml.Node) (*change, error) {
	last := len(path) - 1
	found, err := a.walk(edit, path[:last])
	if err != nil {
		return nil, err
	}
	if found.steps == last {
		if found, err = a.walk(edit, path); err != nil {
			return nil, err
		}
	}
	// What is missing below is built around the value.
	wrap := func(from int) (*yaml.Node, error) {
		inner := value
		for i := last; i >= from; i-- {
			key, ok := path[i].(string)
			if !ok {
				return nil, &Error{Op: edit.Op, Path: edit.Path, Problem: fmt.Sprintf("%v is not there", path[:i])}
			}
			inner = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{
				{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, inner}}
		}
		return inner, nil
	}
	problem := func(err error) error {
		return &Error{Op: edit.Op, Path: edit.Path, Problem: err.Error()}
	}
	if found.steps == len(path) || isNull(found.node) {
		here := path[:found.steps]
		if found.node.Anchor != "" && a.aliased(found.node.Anchor) || len(found.node.Content) > 0 {
			if err := a.loose(edit, found.node); err != nil {
				return nil, err
			}
		}
		if value == nil {
			return nil, problem(fmt.Errorf("no value is given"))
		}
		inner, err := wrap(found.steps)
		if err != nil {
			return nil, err
		}
		like := found.node.Style & quotes
		if found.node.Kind != yaml.ScalarNode || isNull(found.node) {
			like = a.siblingsOf(edit, here)
		}
		node, err := dressed(inner, like)
		if err != nil {
			return nil, problem(err)
		}
		if node.Kind != yaml.ScalarNode && found.node.Style&yaml.FlowStyle != 0 {
			node.Style |= yaml.FlowStyle
		}
		put(found.node, node)
		a.used = nil
		return &change{op: replace, path: here, value: node}, nil
	}

	mapping := found.node
	key, ok := path[found.steps].(string)
	if !ok {
		return nil, &Error{Op: edit.Op, Path: edit.Path, Problem: fmt.Sprintf("%v is not there", path[:found.steps])}
	}
	if value == nil {
		return nil, problem(fmt.Errorf("no value is given"))
	}
	// An explicit value hides the merged one, which is what is wanted for the
	// value itself, and not for a parent of which one entry was asked for.
	if found.steps < last && merged(mapping, key) {
		return nil, &Error{Op: edit.Op, Path: edit.Path,
			Problem: fmt.Sprintf("%v%s is there by a merge key (<<) only, and an explicit one would hide all of it", path[:found.steps+1], lineOf(mapping)),
			Remedy:  fmt.Sprintf("write %s with all its entries beside the merge key", key)}
	}
	// Below the new entry everything is new.
	found.steps++
	inner, err := wrap(found.steps)
	if err != nil {
		return nil, err
	}
	node, err := dressed(inner, siblingStyle(valuesOf(mapping)))
	if err != nil {
		return nil, problem(err)
	}
	keyNode := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}
	keyNode.Style = stringStyle(key, siblingStyle(keysOf(mapping)))
	mapping.Content = append(mapping.Content, keyNode, node)
	return &change{op: appendEntry, path: path[:found.steps], value: node, mapping: mapping}, nil
}

// siblingsOf returns the quote style of the values beside the one at a path.
func (a *applier) siblingsOf(edit Edit, path Path) yaml.Style {
	if len(path) == 0 {
		return 0
	}
	parent, err := a.walk(edit, path[:len(path)-1])
	if err != nil || parent.node.Kind != yaml.MappingNode {
		return 0
	}
	var others []*yaml.Node
	for _, value := range valuesOf(parent.node) {
		if !isNull(value) {
			others = append(others, value)
		}
	}
	return siblingStyle(others)
}

func valuesOf(mapping *yaml.Node) []*yaml.Node {
	var values []*yaml.Node
	for i := 1; i < len(mapping.Content); i += 2 {
		values = append(values, mapping.Content[i])
	}
	return values
}

func keysOf(mapping *yaml.Node) []*yaml.Node {
	var keys []*yaml.Node
	for i := 0; i < len(mapping.Content); i += 2 {
		keys = append(keys, mapping.Content[i])
	}
	return keys
}

// Clone copies a tree: what edits do to the one leaves the other alone. An alias
// in the copy still leads to the original.
func Clone(node *yaml.Node) *yaml.Node {
	if node == nil {
		return nil
	}
	copied := *node
	copied.Content = make([]*yaml.Node, len(node.Content))
	for i, child := range node.Content {
		copied.Content[i] = Clone(child)
	}
	return &copied
}

// put makes a node what another one is; its comments stay.
func put(node, by *yaml.Node) {
	node.Kind, node.Style, node.Tag, node.Value = by.Kind, by.Style, by.Tag, by.Value
	node.Anchor, node.Alias, node.Content = by.Anchor, by.Alias, by.Content
}

func (a *applier) insert(edit Edit, path Path, index int) (*change, error) {
	found, err := a.walk(edit, path)
	if err != nil {
		return nil, err
	}
	if edit.Value == nil {
		return nil, &Error{Op: edit.Op, Path: edit.Path, Problem: "no value is given"}
	}
	if found.steps < len(path) || isNull(found.node) {
		if index != 0 {
			return nil, &Error{Op: edit.Op, Path: edit.Path, Problem: fmt.Sprintf("%v has no items, so an index of 0 is the only one possible", path)}
		}
		if len(path) == 0 {
			return nil, &Error{Op: edit.Op, Path: edit.Path, Problem: "the document is empty"}
		}
		if _, ok := path[len(path)-1].(string); !ok {
			return nil, &Error{Op: edit.Op, Path: edit.Path, Problem: fmt.Sprintf("%v is no sequence", path)}
		}
		return a.set(edit, path, &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{edit.Value}})
	}
	sequence := found.node
	switch {
	case sequence.Kind == yaml.AliasNode:
		return nil, &Error{Op: edit.Op, Path: edit.Path,
			Problem: fmt.Sprintf("%v%s is an alias of the anchor &%s, and editing through it would change every use of the anchor", path, lineOf(sequence), sequence.Value),
			Remedy:  "write the value out in place of the alias"}
	case sequence.Kind != yaml.SequenceNode:
		return nil, &Error{Op: edit.Op, Path: edit.Path, Problem: fmt.Sprintf("%v%s is %s, not a sequence", path, lineOf(sequence), describe(sequence))}
	case sequence.Anchor != "" && a.aliased(sequence.Anchor):
		return nil, &Error{Op: edit.Op, Path: edit.Path,
			Problem: fmt.Sprintf("%v%s has the anchor &%s, and editing it would change every alias *%s", path, lineOf(sequence), sequence.Anchor, sequence.Anchor),
			Remedy:  "write the values out in place of the aliases"}
	case index < 0 || index > len(sequence.Content):
		return nil, &Error{Op: edit.Op, Path: edit.Path, Problem: fmt.Sprintf("%v has %d items, so %d is no place for another one", path, len(sequence.Content), index)}
	}
	node, err := dressed(edit.Value, siblingStyle(sequence.Content))
	if err != nil {
		return nil, &Error{Op: edit.Op, Path: edit.Path, Problem: err.Error()}
	}
	content := make([]*yaml.Node, 0, len(sequence.Content)+1)
	content = append(content, sequence.Content[:index]...)
	content = append(content, node)
	sequence.Content = append(content, sequence.Content[index:]...)
	return &change{op: insertItem, path: edit.Path, value: node}, nil
}

func (a *applier) remove(edit Edit) (*change, error) {
	last := len(edit.Path) - 1
	found, err := a.walk(edit, edit.Path)
	if err != nil || found.steps <= last {
		return nil, err
	}
	if err := a.loose(edit, found.node); err != nil {
		return nil, err
	}
	parent, err := a.walk(edit, edit.Path[:last])
	if err != nil {
		return nil, err
	}
	content := parent.node.Content
	switch step := edit.Path[last].(type) {
	case string:
		at, _ := entryOf(parent.node, step)
		if err := a.loose(edit, content[at]); err != nil {
			return nil, err
		}
		parent.node.Content = append(content[:at:at], content[at+2:]...)
	case int:
		parent.node.Content = append(content[:step:step], content[step+1:]...)
	}
	a.used = nil
	return &change{op: remove, path: edit.Path}, nil
}

func (a *applier) restore(edit Edit) (*change, error) {
	found, err := a.walk(edit, edit.Path)
	if err != nil {
		return nil, err
	}
	if found.steps < len(edit.Path) {
		return nil, &Error{Op: edit.Op, Path: edit.Path, Problem: "there is no value to restore"}
	}
	if err := a.loose(edit, found.node); err != nil {
		return nil, err
	}
	node, err := a.parseSource(edit.Source)
	if err != nil {
		if edit.Value == nil {
			return nil, &Error{Op: edit.Op, Path: edit.Path, Problem: fmt.Sprintf("the text %q is no value: %v", edit.Source, err)}
		}
		if node, err = dressed(edit.Value, found.node.Style&quotes); err != nil {
			return nil, &Error{Op: edit.Op, Path: edit.Path, Problem: err.Error()}
		}
		put(found.node, node)
		a.used = nil
		return &change{op: replace, path: edit.Path, value: node}, nil
	}
	put(found.node, node)
	a.used = nil
	return &change{op: restore, path: edit.Path, source: edit.Source, restored: found.node}, nil
}

// parseSource reads the text of a value that stood in this document.
func (a *applier) parseSource(source string) (*yaml.Node, error) {
	if source == "" {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}, nil
	}
	if name, ok := strings.CutPrefix(source, "*"); ok {
		target := anchored(a.holder, name)
		if target == nil {
			return nil, fmt.Errorf("no anchor &%s", name)
		}
		return &yaml.Node{Kind: yaml.AliasNode, Value: name, Alias: target}, nil
	}
	return readSource(source, "\n")
}

// readSource reads the text of a value that is followed by a line break or by
// the end of the document.
func readSource(source, end string) (*yaml.Node, error) {
	// A collection in block style is read below a key, anything else at the
	// root, where no tab is in the way of an indentation.
	inline := strings.IndexByte(" \t\r\n", source[0]) < 0
	text := "k:" + source + end
	if inline {
		text = " " + source + end
	}
	tree, err := yamltext.Parse([]byte(text))
	if err != nil {
		return nil, err
	}
	if tree.Root == nil {
		return nil, fmt.Errorf("it is no value")
	}
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		return nil, err
	}
	span, value := tree.Root, document.Content[0]
	if !inline {
		if len(value.Content) != 2 {
			return nil, fmt.Errorf("it is more than one value")
		}
		span, value = span.Content[1], value.Content[1]
	}
	// The text may have been tampered with: it must be the value and no more.
	if full := span.Full(); full.End != len(text)-len(end) || inline && (full.Start != 1 || span.Style == yamltext.Block) {
		return nil, fmt.Errorf("it is more than one value")
	}
	forget(value)
	return value, nil
}

// forget drops line numbers that belong to another text.
func forget(node *yaml.Node) {
	node.Line, node.Column = 0, 0
	for _, child := range node.Content {
		forget(child)
	}
}

func anchored(node *yaml.Node, name string) *yaml.Node {
	if node.Anchor == name {
		return node
	}
	for _, child := range node.Content {
		if found := anchored(child, name); found != nil {
			return found
		}
	}
	return nil
}
