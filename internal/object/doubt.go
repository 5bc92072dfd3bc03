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
	// Second is that of the merge key which merges it in, and 0 for a key that
	// stands once.
	First, Second int
	why           why
}

// why a key is in doubt
type why uint8

const (
	twice why = iota
	// odd keys are written in a way that not every tool reads.
	odd
	// mergeLike keys are merge keys to some tools.
	mergeLike
	merged
)

// IsTwice says that the mapping itself has the key twice.
func (d *Doubt) IsTwice() bool { return d.why == twice }

func (d *Doubt) Error() string { return d.In(1) }

// In says what is wrong in a file in which the document begins on a line.
func (d *Doubt) In(line int) string {
	first, second := d.First+line-1, d.Second+line-1
	switch d.why {
	case mergeLike:
		return fmt.Sprintf("the key %q on line %d is a merge key to kustomize and not to kubectl: write << without quotes, or remove !!merge", d.Key, first)
	case odd:
		return fmt.Sprintf("the key %q is written as !!binary or as an alias, on line %d, and not every tool reads it: write it as text", d.Key, first)
	case merged:
		return fmt.Sprintf("the key %q on line %d is also merged in by << on line %d; kubectl uses the merged value, other tools the explicit one: put << before the key, or remove one", d.Key, first, second)
	}
	return fmt.Sprintf("the key %q appears twice, %s: remove one", d.Key, d.lines(line))
}

// Tolerated says what is odd about a key that changes nothing of what we read or
// write.
func (d *Doubt) Tolerated(line int) string {
	return fmt.Sprintf("the key %q appears twice, %s, and kubectl takes the later: krm-bypass leaves both as they are", d.Key, d.lines(line))
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

// repeated gives the keys of a mapping that it has twice, or that not every tool
// reads.
func repeated(mapping *yaml.Node) []*Doubt {
	var found []*Doubt
	content := mapping.Content
	var seen keys
	for i := 0; i+1 < len(content); i += 2 {
		key := content[i]
		text, ok := node.Key(key)
		if !ok {
			continue
		}
		if !node.IsMerge(key) && (key.Value == "<<" || key.Tag != "" && key.ShortTag() == "!!merge") {
			found = append(found, &Doubt{Key: text, First: key.Line, why: mergeLike})
		}
		if key.Kind == yaml.AliasNode || text != key.Value {
			found = append(found, &Doubt{Key: text, First: key.Line, why: odd})
		}
		if first, again := seen.see(text, max(key.Line, 1)); again {
			found = append(found, &Doubt{Key: text, First: first, Second: key.Line})
		}
	}
	return found
}

// keys are those of a mapping that were seen, and where: the first few in a row, which
// costs nothing to make, and of more all in found.
type keys struct {
	names [few]string
	at    [few]int
	n     int
	found map[string]int
}

// see notes a key, and gives where it was seen first if it was.
func (k *keys) see(name string, at int) (first int, again bool) {
	if k.n < few {
		if i := slices.Index(k.names[:k.n], name); i >= 0 {
			return k.at[i], true
		}
		k.names[k.n], k.at[k.n] = name, at
		k.n++
		return 0, false
	}
	if k.found == nil {
		k.found = map[string]int{}
		for i, name := range k.names {
			k.found[name] = k.at[i]
		}
	}
	if first, again = k.found[name]; !again {
		k.found[name] = at
	}
	return first, again
}

// overridden gives the keys of a mapping that stand before a merge key which
// brings them in again. It goes backwards, so that it looks at each mapping once,
// however many merge keys lead to it.
func overridden(mapping *yaml.Node) []*Doubt {
	var found []*Doubt
	var seen map[*yaml.Node]bool
	var brought map[string]int // the line of the merge key
	content := mapping.Content
	for i := len(content) - 2; i >= 0; i -= 2 {
		key := content[i]
		if !node.IsMerge(key) {
			if text, ok := node.Key(key); ok && brought != nil {
				if line, again := brought[text]; again {
					found = append(found, &Doubt{Key: text, First: key.Line, Second: line, why: merged})
				}
			}
			continue
		}
		if i == 0 {
			break
		}
		if seen == nil {
			seen, brought = map[*yaml.Node]bool{}, map[string]int{}
		}
		for e := range node.Brings(content[i+1], seen) {
			brought[e.Key] = key.Line
		}
	}
	slices.Reverse(found)
	return found
}

// crossed gives the keys that a mapping in a list of merges holds, and that another
// before it merges in: kustomize takes the one that is written there, kubectl the
// first of the list.
func crossed(mapping *yaml.Node) []*Doubt {
	var found []*Doubt
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if !node.IsMerge(mapping.Content[i]) {
			continue
		}
		sources := distinct(node.Sources(mapping.Content[i+1]))
		if len(sources) < 2 {
			continue
		}
		line, brought := mapping.Content[i].Line, map[string]bool{}
		for _, source := range sources {
			for e := range source.Entries() {
				switch {
				case e.Merged:
					brought[e.Key] = true
				case brought[e.Key]:
					found = append(found, &Doubt{Key: e.Key, First: e.Line, Second: line, why: merged})
				}
			}
		}
	}
	return found
}

// distinct gives the mappings that a list of merges names, each once: again it holds
// and brings nothing more.
func distinct(sources []*yaml.Node) []node.Value {
	var all []node.Value
	seen := map[*yaml.Node]bool{}
	for _, source := range sources {
		if value := node.Of(source); !seen[value.Node()] {
			seen[value.Node()] = true
			all = append(all, value)
		}
	}
	return all
}

// doubtful holds of each mapping of a document with merge keys what is in doubt by them:
// many objects may share one.
type doubtful map[*yaml.Node][]*Doubt

// Doubts visits the keys in doubt of all that is in an object, but for those of
// its outermost mapping, each with its path. What an alias stands for is looked at
// where decides says that a mapping, by its path from the object, decides what is
// read or written.
func Doubts(object Object, decides func(path edit.Path, key string) bool, visit func(path edit.Path, doubt *Doubt)) {
	w := walk{decides: decides, visit: visit, deep: true, seen: map[*yaml.Node]bool{}, merging: object.merging}
	w.value(object.Node())
}

// outermost gives the keys in doubt of a mapping and of all that its merge keys
// bring in.
func outermost(v node.Value, merging doubtful) []*Doubt {
	if !v.IsMapping() {
		return nil
	}
	var found []*Doubt
	w := walk{
		decides: func(edit.Path, string) bool { return true },
		visit:   func(_ edit.Path, doubt *Doubt) { found = append(found, doubt) },
		seen:    map[*yaml.Node]bool{}, merging: merging,
	}
	w.value(v.Node())
	return found
}

type walk struct {
	decides func(edit.Path, string) bool
	visit   func(edit.Path, *Doubt)
	// deep has the walk go on to what is in the mapping, and say nothing of the
	// mapping itself.
	deep bool
	// steps lead to the value at hand. Hardly any mapping needs the path that they make.
	steps []step
	// seen are the values with an anchor, and whether they decided.
	seen map[*yaml.Node]bool
	// merging is the document's.
	merging doubtful
}

// step is one of a path: a key, or the place of an item, which is -1 for a key.
type step struct {
	key   string
	index int
}

// path gives the way to the value at hand, and on.
func (w *walk) path(on ...any) edit.Path {
	path := make(edit.Path, 0, len(w.steps)+len(on))
	for _, s := range w.steps {
		if s.index < 0 {
			path = append(path, s.key)
		} else {
			path = append(path, s.index)
		}
	}
	return append(path, on...)
}

func (w *walk) value(n *yaml.Node) {
	switch n.Kind {
	case yaml.AliasNode:
		if target := node.Of(n); target.Exists() && w.decides(w.path(), "") && !w.met(target.Node(), true) {
			w.value(target.Node())
		}
		return
	case yaml.ScalarNode:
		return
	}
	if n.Anchor != "" {
		decides := w.decides(w.path(), "")
		if w.met(n, decides) {
			return
		}
		w.seen[n] = decides
	}
	if n.Kind == yaml.SequenceNode {
		for i, item := range n.Content {
			w.below(item, step{index: i})
		}
		return
	}
	merges := false
	for i := 0; i+1 < len(n.Content); i += 2 {
		if node.IsMerge(n.Content[i]) {
			// What it brings in stands in this mapping.
			merges = true
			for _, source := range node.Sources(n.Content[i+1]) {
				w.value(source)
			}
		} else if value := n.Content[i+1]; value.Kind != yaml.ScalarNode { // nothing is below a scalar
			key, _ := node.Key(n.Content[i])
			w.below(value, step{key, -1})
		}
	}
	if len(w.steps) > 0 || !w.deep {
		w.tell(n, merges)
	}
}

// met says whether a value with an anchor has been looked at, and that closely.
func (w *walk) met(n *yaml.Node, decides bool) bool {
	decided, seen := w.seen[n]
	return seen && (decided || !decides)
}

func (w *walk) below(n *yaml.Node, by step) {
	if !w.deep {
		return
	}
	w.steps = append(w.steps, by)
	w.value(n)
	w.steps = w.steps[:len(w.steps)-1]
}

// tell visits what is in doubt of a mapping. What its merge keys bring in may be
// long, and matters only where it decides.
func (w *walk) tell(mapping *yaml.Node, merges bool) {
	found := repeated(mapping)
	if merges && w.decides(w.path(), "") {
		doubts, known := w.merging[mapping]
		if !known {
			doubts = append(overridden(mapping), crossed(mapping)...)
			w.merging[mapping] = doubts
		}
		found = append(found, doubts...)
	}
	for _, doubt := range found {
		w.visit(w.path(doubt.Key), doubt)
	}
}
