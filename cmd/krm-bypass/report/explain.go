package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/spelling"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// Explanation says what bypasses, and what changed if it was compared.
type Explanation struct {
	// Mesh is that of all workloads, "" where they are in several, which Meshes are.
	Mesh      string     `json:"mesh,omitempty"`
	Meshes    []string   `json:"-"`
	Summary   Summary    `json:"summary"`
	Workloads []Workload `json:"workloads"`
	// PassedOver are files in the folders that hold no Kubernetes object.
	PassedOver []string `json:"passedOver,omitempty"`
	// Comparison says what changed; nil if nothing was compared.
	Comparison *Comparison `json:"comparison,omitempty"`
	// Uncompared says why nothing was compared, if it should have been.
	Uncompared string `json:"uncompared,omitempty"`
	// Doubts are warnings of what was not read, or is read otherwise than it is deployed.
	Doubts []string `json:"warnings,omitempty"`
	// Unbuilt are kustomizations that are read as files.
	Unbuilt Unbuilt `json:"-"`
	// Lacks warns of what one of two states does not hold, so that it is not compared.
	Lacks []string `json:"-"`
	// Specified are the paths to which a specification applies, Unspecified the others,
	// those together that would have the same one.
	Specified   []string   `json:"-"`
	Unspecified [][]string `json:"-"`
	// State is what names this one, where another is compared with it.
	State string `json:"-"`
	// Failed says that something was refused.
	Failed bool `json:"-"`
	// results are what else there is to tell; only says that it is of one workload.
	// earlier are those of the state with which it was compared.
	results, checked, earlier fn.Results
	reach                     []fn.Reach
	// stands are the workloads as they stand in files that nobody renders later.
	stands map[string]standing
	// connection is the one that was asked about, if there is one.
	connection traffic.Connection
	only       bool
}

// Workload is one workload and what the report says about it.
type Workload struct {
	fn.Explanation
	// Mesh is that of its specification.
	Mesh string `json:"mesh,omitempty"`
	// Decision says what becomes of the connection that was asked about.
	Decision *Decision `json:"decision,omitempty"`
	// Change says how it differs from the earlier state.
	Change *Change `json:"change,omitempty"`
}

// NewExplanation reports what fn.Explain found with each of several specs.
func NewExplanation(all ...*fn.Explained) Explanation {
	r := Explanation{Workloads: []Workload{}}
	told := map[string]bool{}
	for _, x := range all {
		if x.Mesh != "" && len(x.Workloads) > 0 {
			r.Meshes = append(r.Meshes, x.Mesh)
		}
		r.Failed = r.Failed || x.Results.Failed()
		checked := x.Checked
		if checked == nil { // it judges finished manifests, which nobody checks by themselves
			checked = slices.Concat(x.Results, x.Dated)
		}
		r.checked = append(r.checked, checked...)
		r.results, r.reach = append(r.results, slices.Concat(x.Results, x.Dated).Once(told)...), fn.JoinReach(r.reach, x.Reach)
		for _, w := range x.Workloads {
			r.Workloads = append(r.Workloads, Workload{Explanation: w, Mesh: x.Mesh})
		}
	}
	slices.Sort(r.Meshes)
	r.Meshes = slices.Compact(r.Meshes)
	switch {
	case len(r.Meshes) == 1:
		r.Mesh = r.Meshes[0]
	case len(r.Meshes) == 0 && len(all) > 0:
		r.Mesh = all[len(all)-1].Mesh
	}
	r.summarise()
	return r
}

// Title names a workload for a person.
func (w *Workload) Title() string { return titleOf(w.TemplateRef) }

func titleOf(ref fn.TemplateRef) string {
	return strings.TrimSuffix(title(ref.ResourceRef)+" "+ref.Template, " ")
}

// Only keeps the workloads that match a name: NAME, KIND/NAME, NAMESPACE/NAME or
// KIND/NAMESPACE/NAME. It is an error if none does.
func (r *Explanation) Only(name string) error {
	var kept []Workload
	for _, w := range r.Workloads {
		if Named(w.ResourceRef, name) {
			kept = append(kept, w)
		}
	}
	var gone []fn.TemplateRef
	if r.Comparison != nil {
		gone = slices.DeleteFunc(slices.Clone(r.Comparison.Gone), func(ref fn.TemplateRef) bool { return !Named(ref.ResourceRef, name) })
	}
	if len(kept)+len(gone) == 0 {
		return fmt.Errorf("%q matches no workload in the manifests: %s", name, r.meant(name))
	}
	r.Workloads, r.only = kept, true
	r.summarise()
	if r.Comparison != nil {
		r.Comparison.Gone = gone
		r.count()
	}
	return nil
}

// Named reports whether a name is that of an object: NAME, KIND/NAME, NAMESPACE/NAME or
// KIND/NAMESPACE/NAME.
func Named(ref fn.ResourceRef, name string) bool {
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

// meant says what to write in the place of a name that no workload has.
func (r *Explanation) meant(name string) string {
	byName := map[string][]string{}
	var all []string
	for i := range r.Workloads {
		w := &r.Workloads[i]
		full := w.Kind + "/" + strings.TrimPrefix(w.Namespace+"/"+w.Name, "/")
		all, byName[w.Name] = append(all, full), append(byName[w.Name], full)
	}
	slices.Sort(all)
	var near []string
	if strings.Count(name, "/") <= 2 {
		for _, one := range spelling.Meant(name[strings.LastIndex(name, "/")+1:], slices.Sorted(maps.Keys(byName))) {
			near = append(near, slices.Sorted(slices.Values(byName[one]))...)
		}
	}
	switch says := "write NAME, KIND/NAME, NAMESPACE/NAME or KIND/NAMESPACE/NAME"; {
	case near != nil:
		return "did you mean " + few(near, 5) + "?"
	case all == nil:
		return says
	default:
		return says + "; the manifests hold " + few(all, 5)
	}
}

// origin says where an entry comes from.
func origin(from fn.Source) string {
	switch from.Scope {
	case fn.FromMesh:
		return "built into the mesh"
	case fn.FromAnnotation, fn.FromNamespace, fn.FromContainer:
		return strings.TrimSpace(from.Scope + " " + place(from.File, from.Line))
	}
	return strings.TrimSpace(from.Path + " " + place(from.File, from.Line))
}

// Relocate replaces every file and line.
func (r *Explanation) Relocate(place func(file string, line int) (string, int)) {
	for i := range r.reach {
		r.reach[i].File, r.reach[i].Line = place(r.reach[i].File, r.reach[i].Line)
	}
	for i := range r.Workloads {
		r.Workloads[i].relocate(place)
	}
	for key, s := range r.stands {
		s.relocate(place)
		r.stands[key] = s
	}
}

func (w *Workload) relocate(place func(file string, line int) (string, int)) {
	w.File, w.Line = place(w.File, w.Line)
	for j := range w.Others {
		relocate(&w.Others[j].From, place)
	}
	relocate(&w.ModeFrom, place)
	relocate(&w.DataPlaneFrom, place)
	for _, f := range w.Fields {
		for j := range f.Entries {
			relocate(&f.Entries[j].From, place)
			for k := range f.Entries[j].Lost {
				relocate(&f.Entries[j].Lost[k].To, place)
			}
		}
	}
}

func relocate(s *fn.Source, place func(string, int) (string, int)) {
	s.File, s.Line = place(s.File, s.Line)
}

// Key names a workload, and no other of the same manifests, in a URL.
func (w *Workload) Key() string {
	return strings.Join([]string{w.APIVersion, w.Kind, w.Namespace, w.Name, w.Template}, "/")
}

// Findings are what there is to tell of the specification and the manifests. Where it was
// compared, those are marked that are new.
func (r *Explanation) Findings() Check {
	of := func(results fn.Results) Check { return NewLint("", Checked{Checked: &fn.Checked{Results: results}}) }
	found := of(r.checked)
	if r.Comparison != nil {
		found.since(of(r.earlier))
	}
	return found
}

// Reach says whom the parts of the specification reach.
func (r *Explanation) Reach() []fn.Reach { return r.reach }
