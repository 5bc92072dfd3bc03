package fn

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
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
	// Expires is the last day of a rule that has one; Expired says that it has passed.
	Expires v1alpha1.Date `json:"expires,omitempty"`
	Expired bool          `json:"expired,omitempty"`
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
	rules := map[string]spec.Rule{}
	for _, rule := range spec.Rules(r.spec.ClusterBypass) {
		rules[rule.Path] = rule
	}
	all := make([]Reach, len(r.reached))
	for i, one := range r.reached {
		at := r.spec.Locate(spec.Problem{Path: one.Path})
		all[i] = Reach{
			Path: at.Path, File: at.File, Line: at.Line, Name: rules[one.Rule].Name, Expires: rules[one.Path].Expires, Expired: rules[one.Path].Expired(r.today),
			Workloads: one.Workloads, Decided: one.Decided, LeftAlone: one.LeftAlone, Some: one.Some, Unsure: one.Unsure, Unreached: one.Unreached, Meant: one.Meant.Says,
		}
	}
	return all
}

// unreached tells of the parts of the spec that reach nobody. Where nobody asks, it
// tells only of slips: the others may be meant for other manifests.
func (r *run) unreached() Results {
	var results Results
	var others []Reach
	complete := r.asked && r.options.Complete
	for i, one := range r.reach() {
		meant := r.reached[i].Meant
		told := spec.Problem{Path: meant.Path, Value: meant.Value, Message: "it reaches no workload here, and " + meant.Says}
		switch {
		case !one.Unreached:
			continue
		case meant.Slip:
		case complete:
			told = spec.Problem{Path: r.reached[i].Path, Message: strings.TrimSuffix("it reaches no workload, and "+meant.Says, ", and ") + ": correct it or remove it, since all workloads are here"}
		default:
			others = append(others, one)
			continue
		}
		for _, result := range r.ofSpec(spec.Finding{Kind: finding.UnreachedRule, Problem: told}) {
			if result.unreached = []Reach{one}; complete && result.Tags[AcceptedTag] == "" {
				result.Severity = Error
			}
			results = append(results, result)
		}
	}
	if !r.asked || finding.UnreachedRule.In(r.spec.Policy.Lint) == finding.Ignore {
		return results
	}
	for _, a := range r.spec.Policy.Acceptances {
		// Whether the other objects of which it speaks are here, nobody has looked.
		reached := slices.ContainsFunc(r.reached, func(one transform.Reach) bool { return one.Path == a.Path })
		if r.reached != nil && a.Rule == "" && !reached && !r.used[a.Path] {
			at := r.spec.Locate(spec.Problem{Path: a.Path})
			others = append(others, Reach{Path: at.Path, File: at.File, Line: at.Line, Unreached: true})
		}
	}
	if others == nil {
		return results
	}
	note := problemResult(Info, spec.Problem{File: others[0].File}, refOf(r.spec.Object))
	note.Tags = map[string]string{CheckTag: finding.UnreachedRule.ID}
	note.lists(others)
	return append(results, note)
}

// lists has a note list parts that may be meant for other manifests.
func (r *Result) lists(parts []Reach) {
	names := make([]string, len(parts))
	for i, one := range parts {
		names[i] = one.String()
	}
	r.unreached, r.Line = parts, parts[0].Line
	r.Message = strings.Join(names, ", ") + " reach no workload here, which is right if they are meant for other manifests"
	if len(names) == 1 {
		r.Message = names[0] + " reaches no workload here, which is right if it is meant for other manifests"
	}
}

// Together takes out of what was found in several sets of manifests that a part of a
// spec reaches nobody, if it reaches somebody in another one. What is left is told once.
func Together(all ...*Checked) {
	told := map[string]bool{}
	for _, c := range all {
		var results Results
		for _, one := range c.Results {
			left := slices.DeleteFunc(slices.Clone(one.unreached), func(part Reach) bool {
				return told[part.File+" "+part.Path] || slices.ContainsFunc(all, func(other *Checked) bool { return other != c && reachedAmong(other.Reach, part) })
			})
			if len(left) < len(one.unreached) {
				if len(left) == 0 {
					continue
				}
				one.lists(left)
			}
			for _, part := range left {
				told[part.File+" "+part.Path] = true
			}
			results = append(results, one)
		}
		c.Results = results
	}
}

// JoinReach adds up what the parts of specs reach in several sets of manifests.
func JoinReach(a, b []Reach) []Reach {
	unlisted := func(all, others []Reach) []Reach {
		return slices.DeleteFunc(slices.Clone(all), func(one Reach) bool { return !isListed(others, one) && reachedAmong(others, one) })
	}
	joined := unlisted(a, b)
	for _, other := range unlisted(b, a) {
		i := slices.IndexFunc(joined, func(one Reach) bool { return one.File == other.File && one.Path == other.Path })
		if i < 0 {
			joined = append(joined, other)
			continue
		}
		one := &joined[i]
		one.Workloads, one.Decided, one.LeftAlone = one.Workloads+other.Workloads, one.Decided+other.Decided, one.LeftAlone+other.LeftAlone
		one.Unsure, one.Unreached = one.Unsure || other.Unsure, one.Unreached && other.Unreached
		if one.Meant = cmp.Or(one.Meant, other.Meant); !one.Unreached {
			one.Meant = ""
		}
		if one.Some = slices.Compact(slices.Sorted(slices.Values(slices.Concat(one.Some, other.Some)))); len(one.Some) > transform.MostNamed {
			one.Some = one.Some[:transform.MostNamed]
		}
	}
	return joined
}

func isListed(all []Reach, part Reach) bool {
	return slices.ContainsFunc(all, func(one Reach) bool { return one.File == part.File && one.Path == part.Path })
}

// reachedAmong reports whether a part reaches somebody. An entry of a rule that is not
// listed does if its rule does.
func reachedAmong(all []Reach, part Reach) bool {
	rule, _, _ := strings.Cut(part.Path, ".match.")
	reached := false
	for _, one := range all {
		switch {
		case one.File != part.File:
		case one.Path == part.Path:
			return !one.Unreached
		case one.Path == rule:
			reached = !one.Unreached
		}
	}
	return reached
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
