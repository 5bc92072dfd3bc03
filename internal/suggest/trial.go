package suggest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/pass"
	"github.com/krm-bypass/krm-bypass/internal/pattern"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// try applies the policy with a scope for each suggestion, and notes what the checks and
// limits say of each. In a round each workload has one, so that none is refused for
// another.
func (t *tree) try() {
	found, _ := t.plan(t.Policy, nil)
	before := map[string]bool{}
	for _, f := range found {
		before[Told(f)] = true
	}
	for _, round := range rounds(t.suggestions) {
		t.round(round, before)
	}
	for _, s := range t.suggestions {
		slices.Sort(s.strict)
		slices.SortStableFunc(s.objections, func(a, b objection) int {
			return cmp.Or(cmp.Compare(rank(a.kind), rank(b.kind)), cmp.Compare(a.mend, b.mend))
		})
		switch m := t.Policy.Mesh; {
		case !s.outside || len(s.strict) > 0 || s.refused:
		case finding.StrictMTLS.Domain == m.Domain:
			s.doubts = append(s.doubts, "no PeerAuthentication among the manifests refuses plain text there (STRICT)")
		default:
			s.doubts = append(s.doubts, "whether "+m.Name+" refuses plain text there is not read from manifests")
		}
	}
}

// rank is the place of a kind of findings among all; a refusal comes first.
func rank(id string) int {
	return slices.IndexFunc(finding.All(), func(k *finding.Kind) bool { return k.ID == id })
}

// rounds divides suggestions into those of which each workload has one.
func rounds(all []*Suggestion) (rounds [][]*Suggestion) {
	of := map[match]int{}
	for _, s := range all {
		n := of[s.match()]
		of[s.match()]++
		if n == len(rounds) {
			rounds = append(rounds, nil)
		}
		rounds[n] = append(rounds[n], s)
	}
	return rounds
}

// round tries suggestions. Each scope accepts its own findings, so that a finding names
// the scope that it is about.
func (t *tree) round(suggestions []*Suggestion, before map[string]bool) {
	policy := t.Again()
	by := map[string]*Suggestion{}
	for i, s := range suggestions {
		path := fmt.Sprintf("suggested[%d]", i)
		match := &transform.Match{Path: path + ".match", Inside: path + ".match.namespaces", Kinds: []string{s.workload.KindEntry()}, Names: []string{s.workload.Name}}
		if s.workload.Namespace != "" {
			match.Namespaces = []string{s.workload.Namespace}
		}
		by[path] = s
		scope := transform.Scope{Path: path, Match: match, Merge: traffic.Union}
		if s.early {
			scope.Initial = s.layer()
		} else {
			scope.Layer = s.layer()
		}
		policy.Scopes = append(policy.Scopes, scope)
		for _, kind := range finding.All() {
			if kind.Ports {
				policy.Acceptances = append(policy.Acceptances, transform.Acceptance{Path: path, Kind: kind, Rule: path, Match: match, Reason: path})
			}
		}
	}
	policy.Index()
	found, _ := t.plan(policy, nil)
	for _, f := range found {
		if f.Accepted != nil && by[f.Accepted.Rule] != nil {
			by[f.Accepted.Rule].find(f)
		} else if f.Kind == nil && f.Severity == transform.Error && !before[Told(f)] {
			refuse(f, suggestions)
		}
	}
}

// find notes a finding. What it says first is the same for all of its kind; the mend
// comes last.
func (s *Suggestion) find(f pass.Finding) {
	if f.Kind == finding.StrictMTLS && !strings.Contains(f.Message, ifTheOldest) {
		s.unsure = s.unsure && f.About.Namespace != s.workload.namespace // who writes one there has sidecars there
		s.strict = united(s.strict, []string{about(f) + " asks for mTLS there (STRICT)"})
	}
	at := max(strings.LastIndex(f.Message, "; ")+2, strings.LastIndex(f.Message, ": ")+2)
	s.objections = append(s.objections, objection{f.Kind.ID, f.Message[max(at, 0):], f.Proposed})
}

// ifTheOldest is in what strict-mtls says of several PeerAuthentications of which one
// counts.
const ifTheOldest = "only the oldest of"

// ofTrial is how messages call a field of a suggestion.
var ofTrial = pattern.Of(`\bsuggested\[[0-9]+\]\.`)

// refuse notes a refusal with the suggestion for its workload.
func refuse(f pass.Finding, suggestions []*Suggestion) {
	for _, s := range suggestions {
		if pass.RefOf(&s.workload.Object) == f.About {
			s.refused = true
			s.objections = append(s.objections, objection{"refused", ofTrial.Regexp().ReplaceAllString(f.Message, "this rule's "), ""})
		}
	}
}
