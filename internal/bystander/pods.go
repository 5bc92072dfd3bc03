package bystander

import (
	"bytes"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/kinds"
	"github.com/krm-bypass/krm-bypass/internal/node"
)

// Pods is a place in an object that is shaped like what pods are made of.
type Pods struct {
	// Path leads to it from the object.
	Path edit.Path
	// Template is the whole pod template; it does not exist where there is only a
	// pod's spec, or the object is itself shaped like a pod.
	Template node.Value
}

// mostNodes is how much of an object is looked through. A larger one is no manifest
// that a person wrote, and aliases could make it any size.
const mostNodes = 100_000

// In finds the places in an object, and the annotations in it, beside its own and those
// of the places, that have a key which marks them.
func In(o node.Value, marks func(key string) bool) (pods []Pods, marked []edit.Path) {
	s := search{left: mostNodes, marks: marks}
	s.mapping(o, nil)
	return s.pods, s.marked
}

type search struct {
	pods   []Pods
	marks  func(string) bool
	marked []edit.Path
	left   int
}

func (s *search) value(v node.Value, path edit.Path) {
	if s.left--; s.left < 0 {
		return
	}
	switch {
	case v.IsMapping():
		s.mapping(v, path)
	case v.IsList():
		for i, item := range v.Items() {
			s.value(item, append(path[:len(path):len(path)], i))
		}
	}
}

func (s *search) mapping(v node.Value, path edit.Path) {
	switch {
	case len(path) > 0 && runs(v.Entry("spec").Entry("containers"), anyContainer):
		s.pods = append(s.pods, Pods{path, v})
		return
	case runs(v.Entry("containers"), wholeContainer):
		s.pods = append(s.pods, Pods{Path: path})
		return
	}
	annotates := len(path) > 0 && !(len(path) == 2 && path[0] == "metadata") && areAnnotations(path[len(path)-1])
	for e := range v.Entries() {
		if s.left < 0 {
			return
		}
		if annotates && s.marks(e.Key) {
			s.marked = append(s.marked, path)
			return
		}
		if len(path) == 0 && e.Key == "status" {
			continue // what a controller wrote
		}
		s.value(e.Value, append(path[:len(path):len(path)], e.Key))
	}
}

// areAnnotations reports whether a field is named as annotations are: annotations, or
// podAnnotations.
func areAnnotations(step any) bool {
	name, is := step.(string)
	return is && strings.HasSuffix(strings.ToLower(name), "annotations")
}

// runs reports whether a list is one of containers.
func runs(list node.Value, is func(name, image bool) bool) bool {
	return slices.ContainsFunc(list.Items(), func(c node.Value) bool {
		return is(c.Entry("name").Text() != "", c.Entry("image").Text() != "")
	})
}

func anyContainer(name, image bool) bool { return name || image }

// wholeContainer: where nothing else speaks for a pod, both have to be there.
func wholeContainer(name, image bool) bool { return name && image }

// Written gives the place as spec.podTemplates has it, with [*] for the items of lists.
func Written(place edit.Path) kinds.Path {
	path := make(kinds.Path, len(place))
	for i, step := range place {
		if key, is := step.(string); is {
			path[i].Key = key
		} else {
			path[i].Items = true
		}
	}
	return path
}

// United gives the paths, each once, with * for a key where several differ in that key
// alone, as those of a map do.
func United(paths []kinds.Path) []kinds.Path {
	var all []kinds.Path
	for _, path := range paths {
		i := slices.IndexFunc(all, func(known kinds.Path) bool { return differsAt(known, path) >= -1 })
		if i < 0 {
			all = append(all, slices.Clone(path))
		} else if at := differsAt(all[i], path); at >= 0 {
			all[i][at] = kinds.Step{}
		}
	}
	return all
}

// differsAt gives the one step at which two paths have different keys: the place of it,
// -1 if they are the same, -2 if they differ otherwise.
func differsAt(a, b kinds.Path) int {
	at := -1
	for i := range min(len(a), len(b)) {
		switch {
		case a[i] == b[i]:
		case at >= 0 || a[i].Items != b[i].Items || i == 0:
			return -2
		default:
			at = i
		}
	}
	if len(a) != len(b) || at == len(a)-1 {
		return -2
	}
	return at
}

// Holds reports whether the text of an object may hold what In finds.
func Holds(text []byte) bool { return bytes.Contains(text, []byte("containers")) }
