package object

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/node"
)

// Object is an object in a document.
type Object struct {
	node.Value
	// Type is what it says it is, or what its list says where it says nothing.
	Type
	// Path leads to it from the document.
	Path edit.Path
	// Outer is how many steps of the path lead to the text that the object is in.
	Outer int
	// Origin is the file that its list came from, if an orchestrator said.
	Origin Origin
	// merging is the document's.
	merging doubtful
}

// A Problem is what makes an object one that readers see differently.
type Problem struct {
	Path edit.Path
	Err  error
}

// Each visits the objects of a document: the document itself or, where it is a
// list, the objects in it at any depth. carries says of what type an object with
// a pod template is.
func Each(document *yaml.Node, carries func(Type) bool, visit func(Object)) []Problem {
	return Part{}.Each(document, carries, visit)
}

// Each visits the objects of a part of a document.
func (p Part) Each(part *yaml.Node, carries func(Type) bool, visit func(Object)) []Problem {
	w := &listing{carries: carries, visit: visit, seen: map[listed]bool{}}
	root := node.Of(part)
	origin := p.Origin
	if p.Path == nil {
		origin = OriginOf(root)
	}
	w.object(Object{Value: root, Type: TypeOf(root), Path: p.Path, Outer: len(p.Path), Origin: origin, merging: doubtful{}})
	return w.problems
}

// listing is a walk over lists.
type listing struct {
	carries  func(Type) bool
	visit    func(Object)
	problems []Problem
	// seen are the lists on the way, for an alias may lead to one that it stands
	// in, or many to one.
	seen map[listed]bool
}

// listed is a list of items, and what items are that say nothing.
type listed struct {
	items *yaml.Node
	Type
}

func (w *listing) problem(path edit.Path, err error) {
	w.problems = append(w.problems, Problem{path, err})
}

func (w *listing) object(o Object) {
	if !o.IsMapping() {
		return
	}
	for _, doubt := range outermost(o.Value, o.merging) {
		if doubt.why != odd || w.carries(o.Type) {
			w.problem(append(slices.Clone(o.Path), doubt.Key), doubt)
		}
	}
	for _, key := range []string{"apiVersion", "kind"} {
		value := o.Entry(key)
		switch {
		case strings.ContainsFunc(value.Text(), unicode.IsSpace):
			w.problem(append(slices.Clone(o.Path), key), errBlank)
			return
		case value.IsOther() && len(o.Path) > 0:
			w.problem(append(slices.Clone(o.Path), key), fmt.Errorf("%s is no string, and kubectl fills in the list's own: put it into quotes", value.Describe()))
			return
		}
	}
	items := o.Entry("items")
	if (items.IsNull() || items.IsList()) && (w.carries(o.Type) || carriesPods(o.Value)) {
		w.problem(append(slices.Clone(o.Path), "items"), errItems)
		return
	}
	if o.Kind == "" || !isList(items) {
		w.visit(o)
		return
	}
	each := Type{APIVersion: o.APIVersion, Kind: strings.TrimSuffix(o.Kind, "List")}
	switch {
	case len(o.Path) > 0 && o.APIVersion == "":
		w.problem(append(slices.Clone(o.Path), "apiVersion"), errListVersion)
		return
	case w.seen[listed{items.Node(), each}]:
		w.problem(append(slices.Clone(o.Path), "items"), errListTwice)
		return
	}
	w.seen[listed{items.Node(), each}] = true
	for i, item := range items.Items() {
		is := TypeOf(item)
		if is.APIVersion == "" && is.Kind == "" {
			is.APIVersion, is.Kind = each.APIVersion, each.Kind
		}
		w.object(Object{item, is, append(o.Path[:len(o.Path):len(o.Path)], "items", i), o.Outer, o.Origin, o.merging})
	}
}

// isList reports whether items are those of a list: mappings, or none. kubectl
// refuses a list of anything else.
func isList(items node.Value) bool {
	return items.IsList() && (items.Len() == 0 || slices.ContainsFunc(items.Items(), node.Value.IsMapping))
}

// carriesPods reports whether an object of any kind has containers where the known
// kinds have them.
func carriesPods(object node.Value) bool {
	spec := object.Entry("spec")
	for _, pod := range []node.Value{spec, object.Below("template", "spec"), spec.Below("template", "spec"), spec.Below("jobTemplate", "spec", "template", "spec")} {
		if pod.Entry("containers").IsList() {
			return true
		}
	}
	return false
}
