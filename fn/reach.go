package fn

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
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
	// Suspended says that it is a rule that is switched off, and reaches nobody for that.
	Suspended bool `json:"suspended,omitempty"`
	// Workloads counts those that the part speaks of and that are not left alone;
	// Decided those of them for which something of a rule holds; LeftAlone those
	// that are left alone.
	Workloads int `json:"workloads"`
	Decided   int `json:"decided,omitempty"`
	LeftAlone int `json:"leftAlone,omitempty"`
	// Some names a few of the workloads, in order; if all are left alone, with the
	// reason.
	Some []string `json:"some,omitempty"`
	// Undecided names a few of those for which nothing of a rule holds, in order.
	Undecided []string `json:"-"`
	// Unsure says that the part may speak of workloads whose namespace, or labels, are
	// unknown.
	Unsure bool `json:"unsure,omitempty"`
	// Unreached says that the part certainly reaches nobody.
	Unreached bool `json:"unreached,omitempty"`
	// Meant says what it was probably meant for, if it reaches nobody.
	Meant string `json:"meant,omitempty"`
	// Of is what it says of whom it is for, by which it is known wherever it stands.
	Of string `json:"-"`
}

// reach gives whom parts of the spec reach.
func (r *run) reach(parts []transform.Reach) []Reach {
	rules := map[string]spec.Rule{}
	for _, rule := range spec.Rules(r.spec.ClusterBypass) {
		rules[rule.Path] = rule
	}
	all := make([]Reach, len(parts))
	for i, one := range parts {
		at := r.spec.Locate(spec.Problem{Path: one.Path})
		all[i] = Reach{
			Path: at.Path, File: at.File, Line: at.Line, Name: rules[one.Rule].Name, Expires: rules[one.Path].Expires, Expired: rules[one.Path].Expired(r.today),
			Workloads: one.Workloads, Decided: one.Decided, LeftAlone: one.LeftAlone, Some: one.Some, Undecided: one.Undecided, Unsure: one.Unsure, Unreached: one.Unreached, Meant: one.Meant.Says, Of: one.Of(),
		}
	}
	return all
}

// listed gives whom the parts of the spec reach, and the rules that are suspended.
func (r *run) listed() []Reach {
	all := r.reach(r.reached)
	if r.reached == nil {
		return all
	}
	for i, rule := range spec.Rules(r.spec.ClusterBypass) {
		if rule.Suspend {
			at := r.spec.Locate(spec.Problem{Path: rule.Path})
			all = slices.Insert(all, min(i, len(all)), Reach{Path: at.Path, File: at.File, Line: at.Line, Name: rule.Name, Expires: rule.Expires, Suspended: true})
		}
	}
	return all
}

// unreached tells of the parts of the spec that reach nobody, and of whom a rule does
// not reach by a label in the wrong place. Where nobody asks, it tells only of slips: the
// others may be meant for other manifests.
func (r *run) unreached(parts []transform.Reach) Results {
	var results, others Results
	complete := r.asked && r.options.Complete
	parts = slices.DeleteFunc(slices.Clone(parts), func(one transform.Reach) bool {
		return !one.Unreached && one.Unlabelled == nil || one.Meant.Elsewhere != ""
	})
	if len(parts) == 0 {
		return nil
	}
	for i, one := range r.reach(parts) {
		of, may := &parts[i], false
		told := spec.Problem{Path: of.Meant.Path, Value: of.Meant.Value, Message: "it reaches " + of.Nobody() + " here, and " + of.Meant.Says}
		switch {
		case !one.Unreached:
			told = spec.Problem{Path: of.Path + ".match.labelSelector", Message: "it does not reach " + strings.Join(of.Unlabelled, ", ") +
				": only the own labels match, and a selector is for those of pod templates: add the labels there, or add a rule that matches by name"}
		case of.Meant.Slip:
		case complete && of.IsRule():
			told = spec.Problem{Path: of.Path, Message: strings.TrimSuffix("it reaches "+of.Nobody()+", and "+of.Meant.Says, ", and ") + ": correct it or remove it, since all workloads are here"}
		case !r.asked:
			continue
		default:
			may = true
			right := "is meant for other manifests"
			if complete && !of.Objects {
				right = "waits for some to come"
			}
			told = spec.Problem{Path: of.Path, Message: "it reaches " + of.Nobody() + " here" + bracketed(of.Meant.Says) + ", which is right if it " + right}
		}
		for _, result := range r.ofSpec(spec.Finding{Kind: finding.UnreachedRule, Problem: told}) {
			if one.Unreached {
				result.unreached = []Reach{one}
			}
			switch accepted := result.Tags[AcceptedTag] != ""; {
			case may && !accepted:
				if result.Severity = Info; one.Meant == "" {
					others = append(others, result)
					continue
				}
			case complete && one.Unreached && !of.Objects && !accepted:
				result.Severity = Error
			}
			results = append(results, result)
		}
	}
	if len(others) > mostUnreached {
		all := others[0]
		all.Field = nil
		var parts []Reach
		for _, one := range others {
			parts = append(parts, one.unreached...)
		}
		all.lists(parts)
		others = Results{all}
	}
	return append(results, others...)
}

// entries are those of rules of which some manifests alone tell less than all together.
type entries struct {
	// told is what there is to tell of entries of rules that reach nobody, if those reach
	// somebody in other manifests.
	told Results
	// elsewhere are entries of which another one tells what is wrong.
	elsewhere []Reach
}

func (r *run) entries() (of entries) {
	of.told = r.unreached(slices.DeleteFunc(slices.Clone(r.within), func(one transform.Reach) bool { return one.Meant.Says == "" }))
	of.elsewhere = r.reach(slices.DeleteFunc(slices.Concat(r.reached, r.within), func(one transform.Reach) bool { return one.Meant.Elsewhere == "" }))
	return of
}

// mostUnreached have a result of their own of the parts of which nothing is known but
// that they reach nobody; more share one.
const mostUnreached = 10

func bracketed(text string) string {
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}

// lists has a note list parts that may be meant for other manifests.
func (r *Result) lists(parts []Reach) {
	names := make([]string, min(len(parts), mostUnreached))
	for i := range names {
		names[i] = parts[i].String()
	}
	if more := len(parts) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	r.unreached, r.Line = parts, parts[0].Line
	r.Message = strings.Join(names, ", ") + " reach no workload here, which is right if they are meant for other manifests; explain lists them"
}

// Together takes out of what was found in several sets of manifests that a part of a
// spec reaches nobody, if it reaches somebody in another one, and that an acceptance
// accepts nothing, if it accepts something there. What is left is told once, where most is
// known of it.
func Together(all ...*Checked) {
	sets := make([]set, len(all))
	for i, c := range all {
		sets[i] = set{c.Results, c.entries, c.Reach, c.accepting}
	}
	for i, results := range together(sets) {
		all[i].Results = results
	}
}

// TogetherExplained does so with what was explained.
func TogetherExplained(all ...*Explained) {
	for _, of := range []func(*Explained) *Results{
		func(x *Explained) *Results { return &x.Results },
		func(x *Explained) *Results { return &x.Checked },
	} {
		sets := make([]set, len(all))
		for i, x := range all {
			sets[i] = set{*of(x), x.entries, x.Reach, x.accepting}
		}
		for i, results := range together(sets) {
			*of(all[i]) = results
		}
	}
	slips := map[string]string{}
	for _, x := range all {
		for _, one := range x.entries.told {
			if one.Severity != Info {
				slips[one.unreached[0].id()] = one.unreached[0].Meant
			}
		}
	}
	for _, x := range all {
		for i := range x.Reach {
			if part := &x.Reach[i]; part.Unreached {
				part.Meant = cmp.Or(slips[part.id()], part.Meant)
			}
		}
	}
}

// id tells a part from others.
func (r Reach) id() string { return r.File + " " + r.Path }

// set is what was found in one set of manifests.
type set struct {
	results   Results
	entries   entries
	reach     []Reach
	accepting map[acceptance]bool
}

func together(sets []set) []Results {
	best := map[string]*Result{}
	elsewhere := map[string]bool{}
	for at := range sets {
		s := &sets[at]
		for _, part := range s.entries.elsewhere {
			elsewhere[part.id()] = true
		}
		for _, one := range s.entries.told {
			if slices.ContainsFunc(sets, func(other set) bool {
				return reachedAmong(other.reach, Reach{File: one.unreached[0].File, Path: ruleOf(one.unreached[0].Path)})
			}) {
				s.results = append(slices.Clone(s.results), one)
			}
		}
		for i := range s.results {
			one := &s.results[i]
			for _, part := range one.unreached {
				if of := part.id(); best[of] == nil || one.tells() > best[of].tells() {
					best[of] = one
				}
			}
		}
	}
	idle := map[acceptance]bool{}
	all := make([]Results, len(sets))
	for at, s := range sets {
		for i, one := range s.results {
			if one.idle.path != "" {
				if idle[one.idle] || slices.ContainsFunc(sets, func(other set) bool { return other.accepting[one.idle] }) {
					continue
				}
				idle[one.idle] = true
			}
			left := slices.DeleteFunc(slices.Clone(one.unreached), func(part Reach) bool {
				isReached := func(other set) bool { return reachedAmong(other.reach, part) }
				return elsewhere[part.id()] || best[part.id()] != &s.results[i] || slices.ContainsFunc(slices.Concat(sets[:at], sets[at+1:]), isReached)
			})
			if len(left) < len(one.unreached) {
				if len(left) == 0 {
					continue
				}
				one.lists(left)
			}
			all[at] = append(all[at], one)
		}
		if len(s.entries.told) > 0 {
			all[at] = all[at].inOrder()
		}
	}
	return all
}

// tells weighs how much a result says of a part that reaches nobody.
func (r *Result) tells() int {
	weight := map[Severity]int{Error: 8, Warning: 4}[r.Severity]
	if len(r.unreached) == 1 {
		weight += 2
	}
	if slices.ContainsFunc(r.unreached, func(part Reach) bool { return part.Meant != "" }) {
		weight++
	}
	return weight
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
		one.Some, one.Undecided = fewOf(one.Some, other.Some), fewOf(one.Undecided, other.Undecided)
	}
	return joined
}

// fewOf names a few of those that are named in either list.
func fewOf(a, b []string) []string {
	all := slices.Compact(slices.Sorted(slices.Values(slices.Concat(a, b))))
	return all[:min(len(all), transform.MostNamed)]
}

// inRules are the fields of rules of which entries are parts.
var inRules = []string{".match.", "." + string(traffic.ExcludeInboundPorts) + "[", "." + string(traffic.IncludeInboundPorts) + "["}

// ruleOf gives the path of the rule of which a part is an entry, or its own.
func ruleOf(path string) string {
	for _, of := range inRules {
		path, _, _ = strings.Cut(path, of)
	}
	return path
}

func isListed(all []Reach, part Reach) bool {
	return slices.ContainsFunc(all, func(one Reach) bool { return one.File == part.File && one.Path == part.Path })
}

// reachedAmong reports whether a part reaches somebody. An entry of a rule that is not
// listed does if its rule does.
func reachedAmong(all []Reach, part Reach) bool {
	rule, reached := ruleOf(part.Path), false
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

// String names the part in a sentence. Its line is not in it: a sentence is the same
// wherever the part comes to stand.
func (r Reach) String() string {
	return r.Path + bracketed(r.Name)
}
