package object

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/node"
)

// A Doubt is a key that readers take for different things.
type Doubt struct {
	Key string
	// First and Second are the lines on which it stands, from 1 in the document.
	// Second is that of the merge key where Merged is set, and 0 for a key that
	// stands once.
	First, Second int
	Merged        bool
}

func (d *Doubt) isOdd() bool { return d.Second == 0 }

// IsTwice says that the mapping itself has the key twice.
func (d *Doubt) IsTwice() bool { return !d.isOdd() && !d.Merged }

func (d *Doubt) Error() string { return d.In(1) }

// In says what is wrong in a file in which the document begins on a line.
func (d *Doubt) In(line int) string {
	first, second := d.First+line-1, d.Second+line-1
	switch {
	case d.isOdd():
		return fmt.Sprintf("the key %q is written as !!binary or as an alias, on line %d, and not every tool reads it: write it as text", d.Key, first)
	case d.Merged:
		return fmt.Sprintf("the key %q stands on line %d, and << on line %d brings it in again, which kubectl lets win and other tools do not: put << before the key, or take one away", d.Key, first, second)
	}
	return fmt.Sprintf("the key %q stands twice, %s: take one away", d.Key, d.lines(line))
}

// Tolerated says what is odd about a key that changes nothing of what we read or
// write.
func (d *Doubt) Tolerated(line int) string {
	return fmt.Sprintf("the key %q stands twice, %s, and kubectl takes the later: krm-bypass leaves both as they are", d.Key, d.lines(line))
}

// lines names the lines of a file in which the document begins on a line.
func (d *Doubt) lines(line int) string {
	if d.First == d.Second {
		return fmt.Sprintf("both on line %d", d.First+line-1)
	}
	return fmt.Sprintf("on lines %d and %d", d.First+line-1, d.Second+line-1)
}

// few is up to how many keys are compared one by one.
const few = 16

// doubts gives the keys of a mapping that are in doubt.
func doubts(v node.Value) []*Doubt {
	if !v.IsMapping() {
		return nil
	}
	return append(repeated(v), merged(v.Node().Content)...)
}

// repeated gives the keys of a mapping that are in doubt whatever its merge keys
// bring in.
func repeated(v node.Value) []*Doubt {
	if !v.IsMapping() {
		return nil
	}
	var found []*Doubt
	content := v.Node().Content
	var lines map[string]int
	if len(content)/2 > few {
		lines = make(map[string]int, len(content)/2)
	}
	for i := 0; i+1 < len(content); i += 2 {
		key := content[i]
		text, ok := node.Key(key)
		if !ok {
			continue
		}
		if key.Kind == yaml.AliasNode || text != key.Value {
			found = append(found, &Doubt{Key: text, First: key.Line})
		}
		if first := before(content[:i], lines, text); first > 0 {
			found = append(found, &Doubt{Key: text, First: first, Second: key.Line})
		}
		if lines != nil {
			lines[text] = max(key.Line, 1)
		}
	}
	return found
}

// before gives the line of a key among those that come before it, 0 for none.
func before(content []*yaml.Node, lines map[string]int, text string) int {
	if lines != nil {
		return lines[text]
	}
	for i := 0; i+1 < len(content); i += 2 {
		if other, ok := node.Key(content[i]); ok && other == text {
			return max(content[i].Line, 1)
		}
	}
	return 0
}

// merged gives those keys that a merge key behind them brings in again. It goes
// backwards, so that it looks at each mapping once, however many merge keys lead
// to it.
func merged(content []*yaml.Node) []*Doubt {
	var found []*Doubt
	var seen map[*yaml.Node]bool
	var brought map[string]int // the line of the merge key
	for i := len(content) - 2; i >= 0; i -= 2 {
		key := content[i]
		if node.IsMerge(key) && i > 0 {
			if seen == nil {
				seen, brought = map[*yaml.Node]bool{}, map[string]int{}
			}
			for e := range node.Brings(content[i+1], seen) {
				brought[e.Key] = key.Line
			}
			continue
		}
		if text, ok := node.Key(key); ok && brought != nil {
			if line, again := brought[text]; again {
				found = append(found, &Doubt{Key: text, First: key.Line, Second: line, Merged: true})
			}
		}
	}
	slices.Reverse(found)
	return found
}

// Doubts visits the keys of an object that are in doubt, each with its path. What
// an alias stands for is looked at where decides says that a mapping, by its
// path from the object, decides what is read or written.
func Doubts(object node.Value, decides func(path edit.Path, key string) bool, visit func(path edit.Path, doubt *Doubt)) {
	w := walk{decides: decides, visit: visit, seen: map[*yaml.Node]bool{}}
	w.value(object.Node())
}

type walk struct {
	decides func(edit.Path, string) bool
	visit   func(edit.Path, *Doubt)
	// path leads to the value at hand.
	path edit.Path
	// seen are the values with an anchor, and whether they decided.
	seen map[*yaml.Node]bool
}

func (w *walk) value(n *yaml.Node) {
	switch n.Kind {
	case yaml.AliasNode:
		if target := node.Of(n); target.Exists() && w.decides(w.path, "") {
			w.value(target.Node())
		}
		return
	case yaml.ScalarNode:
		return
	}
	if n.Anchor != "" {
		decides := w.decides(w.path, "")
		if decided, seen := w.seen[n]; seen && (decided || !decides) {
			return
		}
		w.seen[n] = decides
	}
	for i, child := range n.Content {
		switch {
		case n.Kind == yaml.SequenceNode:
			w.below(child, i)
		case i%2 == 1:
			key, _ := node.Key(n.Content[i-1])
			w.below(child, key)
		}
	}
	// What a merge key brings in may be long, and matters only here.
	all := repeated
	if w.decides(w.path, "") {
		all = doubts
	}
	for _, doubt := range all(node.Of(n)) {
		w.visit(append(slices.Clone(w.path), doubt.Key), doubt)
	}
}

func (w *walk) below(n *yaml.Node, step any) {
	w.path = append(w.path, step)
	w.value(n)
	w.path = w.path[:len(w.path)-1]
}
