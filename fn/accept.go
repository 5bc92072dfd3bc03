package fn

import (
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/pass"
	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// lapse takes the acceptances that have expired out of the policy.
func (r *run) lapse() {
	policy := r.spec.Policy
	r.used = map[string]bool{}
	policy.Acceptances = slices.DeleteFunc(policy.Acceptances, func(a transform.Acceptance) bool {
		expired := v1alpha1.Note{Expires: v1alpha1.Date(a.Expires)}.Expired(r.today)
		if expired {
			r.lapsed = append(r.lapsed, a)
		}
		return expired
	})
}

// use notes which acceptances accept something.
func (r *run) use(found []pass.Finding) {
	for _, f := range found {
		if f.Accepted != nil {
			r.used[f.Accepted.Path] = true
		}
	}
}

// acceptedIn gives what accepts a finding about the spec, nil for nothing: one for the
// rule in which it is.
func (r *run) acceptedIn(f spec.Finding) *transform.Acceptance {
	for i := range r.spec.Policy.Acceptances {
		a := &r.spec.Policy.Acceptances[i]
		rest, within := strings.CutPrefix(f.Path, a.Rule)
		if a.Kind == f.Kind && a.Rule != "" && within && (rest == "" || strings.ContainsAny(rest[:1], ".[")) {
			r.used[a.Path] = true
			return a
		}
	}
	return nil
}

// unused tells of the acceptances that accept nothing of the workloads here of which
// they speak, and of those that have expired.
func (r *run) unused() Results {
	var results Results
	unreached, notes := map[string]bool{}, map[string]v1alpha1.Note{}
	for _, one := range r.reached {
		unreached[one.Path] = one.Unreached
	}
	for _, rule := range spec.Rules(r.spec.ClusterBypass) {
		notes[rule.Path] = rule.Note
	}
	for _, a := range r.spec.Policy.Acceptances {
		of := a.Path
		if a.Rule != "" {
			of = a.Rule
		}
		nobody, known := unreached[of]
		switch may := notes[a.Rule].Expires != ""; a.Kind {
		case finding.Expiring: // once it has expired, it is another finding
			nobody, known = may && !notes[a.Rule].Expired(r.today), true
		case finding.Expired:
			nobody, known = may, true
		}
		if r.used[a.Path] || nobody || !known {
			continue
		}
		mend, elsewhere := "right if it is for other manifests; else remove it, or correct what it names", true
		switch {
		case a.Kind == finding.Expiring, a.Kind == finding.Expired: // are of the spec alone
			mend, elsewhere = "remove it, or correct what it names", false
		case r.options.Complete:
			mend, elsewhere = "remove it, or correct what it names, since all workloads are here", false
		}
		for _, result := range r.ofSpec(spec.Finding{Kind: finding.UnusedAcceptance, Problem: spec.Problem{
			Path: a.Path, Message: "there is no finding of " + a.Kind.ID + " here that this accepts: " + mend,
		}}) {
			// Overlays share a spec, and what is for one is idle in the others.
			if result.Severity == Warning && elsewhere {
				result.Severity = Info
			}
			result.idle = r.acceptance(a)
			results = append(results, result)
		}
	}
	return results
}

func (r *run) acceptance(a transform.Acceptance) acceptance {
	at := r.spec.Locate(spec.Problem{Path: a.Path})
	return acceptance{at.File, at.Path}
}

// accepting are the acceptances that accept something.
func (r *run) accepting() map[acceptance]bool {
	all := map[acceptance]bool{}
	for _, a := range r.spec.Policy.Acceptances {
		if r.used[a.Path] {
			all[r.acceptance(a)] = true
		}
	}
	return all
}

// datedOf gives acceptances as what expires.
func datedOf(acceptances []transform.Acceptance) []dated {
	var all []dated
	for _, a := range acceptances {
		all = append(all, dated{a.Path, v1alpha1.Note{Reason: a.Reason, Expires: v1alpha1.Date(a.Expires)},
			"it accepts nothing any more: remove it, or set a later day", "remove it by then, or set a later day"})
	}
	return all
}

// idle tells of acceptances that accept nothing, to somebody who asks what is in force
// and not what to mend: none fails that.
func (r *run) idle() Results {
	all := append(r.unused(), r.expired(Expiry{Today: r.today}, datedOf(r.lapsed)...)...)
	for i := range all {
		if all[i].Severity == Error {
			all[i].Severity = Warning
		}
	}
	return all
}
