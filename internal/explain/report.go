package explain

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/fn"
)

// Report says what bypasses, and what has changed where it was compared.
type Report struct {
	Mesh      string     `json:"mesh"`
	Workloads []Workload `json:"workloads"`
	// Comparison says what has changed; nil where nothing was compared.
	Comparison *Comparison `json:"comparison,omitempty"`
}

// Workload is one workload and what is told of it.
type Workload struct {
	fn.Explanation
	// Decision is what becomes of the connection that was asked about.
	Decision *Decision `json:"decision,omitempty"`
	// Change is how it differs from the earlier state.
	Change *Change `json:"change,omitempty"`
}

// Of gives the report of what fn.Explain found, for each spec in turn.
func Of(all ...*fn.Explained) Report {
	r := Report{Workloads: []Workload{}}
	for _, x := range all {
		r.Mesh = x.Mesh
		for _, w := range x.Workloads {
			r.Workloads = append(r.Workloads, Workload{Explanation: w})
		}
	}
	return r
}

// Title gives a workload as a person names it.
func (w *Workload) Title() string {
	if w.Namespace == "" {
		return w.Kind + " " + w.Name
	}
	return w.Kind + " " + w.Namespace + "/" + w.Name
}

// Only keeps the workloads that a person names: NAME, KIND/NAME, NAMESPACE/NAME
// or KIND/NAMESPACE/NAME. There is an error where none is named so.
func (r *Report) Only(name string) error {
	var kept []Workload
	for _, w := range r.Workloads {
		if named(w.ResourceRef, name) {
			kept = append(kept, w)
		}
	}
	var gone []fn.ResourceRef
	if r.Comparison != nil {
		gone = slices.DeleteFunc(slices.Clone(r.Comparison.Gone), func(ref fn.ResourceRef) bool { return !named(ref, name) })
	}
	if len(kept)+len(gone) == 0 {
		return fmt.Errorf("%q names no workload among the manifests: write it as KIND/NAMESPACE/NAME, or a part of that with the name%s", name, r.some())
	}
	r.Workloads = kept
	if r.Comparison != nil {
		r.Comparison.Gone = gone
		r.count()
	}
	return nil
}

func named(ref fn.ResourceRef, name string) bool {
	parts := strings.Split(name, "/")
	if parts[len(parts)-1] != ref.Name {
		return false
	}
	kind := func(s string) bool { return strings.EqualFold(s, ref.Kind) }
	switch len(parts) {
	case 1:
		return true
	case 2:
		return kind(parts[0]) || parts[0] == ref.Namespace
	case 3:
		return kind(parts[0]) && parts[1] == ref.Namespace
	}
	return false
}

// some names a few of the workloads, for a message.
func (r *Report) some() string {
	const few = 5
	var names []string
	for i := range r.Workloads {
		w := &r.Workloads[i]
		names = append(names, strings.ToLower(w.Kind)+"/"+strings.TrimPrefix(w.Namespace+"/"+w.Name, "/"))
	}
	slices.Sort(names)
	switch {
	case len(names) == 0:
		return ""
	case len(names) > few:
		return fmt.Sprintf("; there are %s and %d more", strings.Join(names[:few], ", "), len(names)-few)
	}
	return "; there is " + strings.Join(names, ", ")
}

// place writes FILE:LINE, as much of it as is known.
func place(file string, line int) string {
	if line > 0 {
		return file + ":" + strconv.Itoa(line)
	}
	return file
}

// origin writes where something is said.
func origin(from fn.Source) string {
	switch from.Scope {
	case fn.FromMesh:
		return "built into the mesh"
	case fn.FromAnnotation:
		return strings.TrimSpace("annotation " + place(from.File, from.Line))
	}
	return strings.TrimSpace(from.Path + " " + place(from.File, from.Line))
}

// Relocate gives every file and line another name and line.
func (r *Report) Relocate(place func(file string, line int) (string, int)) {
	for i := range r.Workloads {
		w := &r.Workloads[i]
		w.File, w.Line = place(w.File, w.Line)
		relocate(&w.ModeFrom, place)
		for _, f := range w.Fields {
			for j := range f.Entries {
				relocate(&f.Entries[j].From, place)
				for k := range f.Entries[j].Lost {
					relocate(&f.Entries[j].Lost[k].To, place)
				}
			}
		}
	}
}

func relocate(s *fn.Source, place func(string, int) (string, int)) {
	s.File, s.Line = place(s.File, s.Line)
}
