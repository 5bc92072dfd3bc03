package fn

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// Reach says which workloads a part of the spec reaches: a rule; an entry of
// spec.enrolment.namespaces, of spec.podTemplates or of a list of namespaces in
// spec.limits; or an entry in the match of a rule that reaches nobody although the
// rule does.
type Reach struct {
	// Path is the part's field path, File and Line say where it is. Line is 0 if it
	// is not known.
	Path string `json:"path"`
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	// Name is the rule's name, if it has one.
	Name string `json:"name,omitempty"`
	// Workloads counts those that the part speaks of and that are not left alone;
	// Decided those of them for which something of a rule holds; LeftAlone those
	// that are left alone.
	Workloads int `json:"workloads"`
	Decided   int `json:"decided,omitempty"`
	LeftAlone int `json:"leftAlone,omitempty"`
	// Some names a few of the workloads, in order; if all are left alone, with the
	// reason.
	Some []string `json:"some,omitempty"`
	// Unsure says that the part may speak of workloads whose namespace is unknown.
	Unsure bool `json:"unsure,omitempty"`
	// Unreached says that the part certainly reaches nobody.
	Unreached bool `json:"unreached,omitempty"`
	// Meant says what it was probably meant for, if it reaches nobody.
	Meant string `json:"meant,omitempty"`
}

// reach gives whom the parts of the spec reach.
func (r *run) reach() []Reach {
	names := map[string]string{}
	for _, rule := range spec.Rules(r.spec.ClusterBypass) {
		names[rule.Path] = rule.Name
	}
	all := make([]Reach, len(r.reached))
	for i, one := range r.reached {
		at := r.spec.Locate(spec.Problem{Path: one.Path})
		all[i] = Reach{
			Path: at.Path, File: at.File, Line: at.Line, Name: names[one.Rule],
			Workloads: one.Workloads, Decided: one.Decided, LeftAlone: one.LeftAlone, Some: one.Some, Unsure: one.Unsure, Unreached: one.Unreached, Meant: one.Meant.Says,
		}
	}
	return all
}

// unreached tells of the parts of the spec that reach nobody. Where nobody asks, it
// tells only of slips: the others may be meant for other manifests.
func (r *run) unreached() Results {
	var slips []spec.Finding
	var others []Reach
	complete := r.asked && r.options.Complete
	for i, one := range r.reach() {
		meant := r.reached[i].Meant
		switch {
		case !one.Unreached:
		case meant.Slip:
			slips = append(slips, spec.Finding{Kind: finding.UnreachedRule, Problem: spec.Problem{Path: meant.Path, Value: meant.Value, Message: meant.Says}})
		case complete:
			slips = append(slips, spec.Finding{Kind: finding.UnreachedRule, Problem: spec.Problem{
				Path: r.reached[i].Path, Message: cmp.Or(meant.Says, "it reaches no workload") + ": correct it or remove it, since all workloads are here",
			}})
		case r.asked:
			others = append(others, one)
		}
	}
	for _, a := range r.spec.Policy.Acceptances {
		// Whether the other objects of which it speaks are here, nobody has looked.
		reached := slices.ContainsFunc(r.reached, func(one transform.Reach) bool { return one.Path == a.Path })
		if r.asked && r.reached != nil && a.Rule == "" && !reached && !r.used[a.Path] {
			at := r.spec.Locate(spec.Problem{Path: a.Path})
			others = append(others, Reach{Path: at.Path, File: at.File, Line: at.Line})
		}
	}
	results := r.ofSpec(slips...)
	for i := range results {
		if complete {
			results[i].Severity = Error
		}
	}
	if others != nil && finding.UnreachedRule.In(r.spec.Policy.Lint) != finding.Ignore {
		names := make([]string, len(others))
		for i, one := range others {
			names[i] = one.String()
		}
		told := spec.Problem{File: others[0].File, Line: others[0].Line, Message: strings.Join(names, ", ") + " reach no workload here, which is right if they are meant for other manifests"}
		if len(names) == 1 {
			told.Message = names[0] + " reaches no workload here, which is right if it is meant for other manifests"
		}
		note := problemResult(Info, told, refOf(r.spec.Object))
		note.Tags = map[string]string{CheckTag: finding.UnreachedRule.ID}
		results = append(results, note)
	}
	return results
}

// String names the part in a sentence.
func (r Reach) String() string {
	var more []string
	if r.Name != "" {
		more = append(more, r.Name)
	}
	if r.Line > 0 {
		more = append(more, fmt.Sprintf("line %d", r.Line))
	}
	if r.Meant != "" {
		more = append(more, r.Meant)
	}
	if more == nil {
		return r.Path
	}
	return r.Path + " (" + strings.Join(more, "; ") + ")"
}
