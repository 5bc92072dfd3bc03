package page

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
	"github.com/krm-bypass/krm-bypass/fn"
)

// index is what views look up in what is seen: found once, since each of many requests
// would go through thousands of workloads for it.
type index struct {
	// fields are those that any workload sets, in their order.
	fields []string
	// order has the places of the workloads by namespace, at the place of each by its key.
	order []int
	at    map[string]int
	// texts are in lower case what a workload is called and where it stands, and found its
	// findings, by its place.
	texts []string
	found []tally
	// namespaces are those of the workloads, sorted.
	namespaces []string
}

// index gives the index, which is made for who asks first.
func (s *Seen) index() *index {
	s.once.Do(func() { s.indexed = newIndex(s) })
	return s.indexed
}

func newIndex(s *Seen) *index {
	workloads := s.Explanation.Workloads
	x := &index{fields: fieldsIn(workloads), at: make(map[string]int, len(workloads)), order: make([]int, len(workloads)), texts: make([]string, len(workloads)), found: make([]tally, len(workloads))}
	found, namespaces := tallies(&s.Findings), map[string]bool{}
	for i := range workloads {
		w := &workloads[i]
		x.order[i], x.found[i], x.texts[i] = i, found[w.ResourceRef], strings.ToLower(w.Title()+"\n"+w.File)
		if key := w.Key(); !has(x.at, key) {
			x.at[key] = i
		}
		namespaces[w.Namespace] = true
	}
	slices.SortStableFunc(x.order, func(a, b int) int { return cmp.Compare(workloads[a].Namespace, workloads[b].Namespace) })
	x.namespaces = slices.Sorted(maps.Keys(namespaces))
	return x
}

func has(all map[string]int, key string) bool {
	_, there := all[key]
	return there
}

// tally counts the findings on a workload.
type tally struct{ errors, warnings int }

// tallies count the findings by what they are about.
func tallies(check *report.Check) map[fn.ResourceRef]tally {
	all := map[fn.ResourceRef]tally{}
	for _, s := range check.Subjects {
		ref := fn.ResourceRef{APIVersion: s.APIVersion, Kind: s.Kind, Namespace: s.Namespace, Name: s.Name}
		for _, f := range s.Findings {
			t := all[ref]
			switch f.Severity {
			case fn.Error:
				t.errors++
			case fn.Warning:
				t.warnings++
			}
			all[ref] = t
		}
	}
	return all
}
