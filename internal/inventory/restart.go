package inventory

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/kinds"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// Adopted gives those of the files that change when the workloads get records by which
// the spec takes over what was imported, and stays as it is. The annotations of Namespaces
// stay too. The error is Problems.
func (i *Inventory) Adopted(policy *transform.Policy) ([]File, error) {
	edits := map[*document][]edit.Edit{}
	var problems Problems
	for n := 0; n < len(i.adopts); {
		family := []*transform.Workload{i.adopts[n].Workload}
		taken := map[*transform.Workload][]string{}
		first := n
		for ; n < len(i.adopts) && (n == first || i.adopts[n].isBeside(i.adopts[first])); n++ {
			if n > first {
				family = append(family, i.adopts[n].Workload)
			}
			taken[i.adopts[n].Workload] = i.adopts[n].spoken(i.Mesh)
		}
		d := i.adopts[first].in
		some, err := policy.Adopt(family, func(w *transform.Workload) []string { return taken[w] })
		if err != nil {
			problems = append(problems, d.problem(family[0].ID(), nil, "%v", err))
		}
		edits[d] = append(edits[d], some...)
	}
	if len(problems) > 0 {
		return nil, problems.inOrder()
	}
	return i.rewritten(func(d *document) ([]byte, error) {
		if edits[d] == nil {
			return nil, nil
		}
		return edit.Text(d.text.Text, edits[d])
	})
}

// Restart is a workload whose pods restart, and what comes into its pod template.
type Restart struct {
	Object string
	Why    string
}

// Rollout says what rendering the files by the policy, some of them with another text now,
// does to running pods.
type Rollout struct {
	Restarts []Restart
	// Adopted counts pod templates that stay as they are since what stands there was taken
	// over, Later those of which the pods that run stay.
	Adopted, Later int
}

// Rollout compares with the files as they were.
func (i *Inventory) Rollout(policy *transform.Policy, changed []File) Rollout {
	var r Rollout
	texts := map[string][]byte{}
	for _, f := range slices.Concat(i.files, changed) {
		texts[f.Path] = f.Text
	}
	for _, f := range i.files {
		for _, d := range object.Documents(texts[f.Path]) {
			text, err := object.Read(d.Fragment())
			if err != nil {
				continue // it was skipped
			}
			workloads, _ := policy.Workloads(transform.Document{Nodes: text.Nodes, Source: text.Source, Line: d.Line})
			for _, w := range workloads {
				w.Use = i.uses[f.Path]
			}
			for _, plan := range policy.PlanAll(workloads) {
				r.add(plan, i.templates[templateOf(plan.Workload)])
			}
		}
	}
	slices.SortFunc(r.Restarts, func(a, b Restart) int {
		return cmp.Or(strings.Compare(a.Object, b.Object), strings.Compare(a.Why, b.Why))
	})
	r.Restarts = slices.Compact(r.Restarts)
	return r
}

func (r *Rollout) add(plan *transform.Plan, was map[string]string) {
	w := plan.Workload
	known, _ := kinds.Find(object.Group(w.APIVersion), w.Kind)
	switch {
	case !plan.Applies || w.Copied:
	case plan.Adopted:
		r.Adopted++
	case !known.Restarts(plan.Container):
		r.Later++
	default:
		var why []string
		if plan.Container {
			why = append(why, "the init container "+transform.InitName)
		}
		for _, key := range slices.Sorted(maps.Keys(plan.Annotations)) {
			switch value, stood := was[key]; {
			case !stood:
				why = append(why, key)
			case value != plan.Annotations[key]:
				why = append(why, fmt.Sprintf("%s as %q instead of %q", key, plan.Annotations[key], value))
			}
		}
		r.Restarts = append(r.Restarts, Restart{strings.TrimSpace(w.ID() + " " + w.Place()), strings.Join(why, ", ")})
	}
}

func templateOf(w *transform.Workload) string { return w.ID() + " " + w.Place() }
