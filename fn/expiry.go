package fn

import (
	"fmt"
	"strings"
	"time"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/spec"
)

// Expiry says which rules count as expired.
type Expiry struct {
	// Today is the current day; "" ignores expiry.
	Today v1alpha1.Date
	// Notice is how many days before a rule expires Check begins to warn.
	Notice int
}

// Notice is how many days before a rule expires Explain counts it.
const Notice = 14

// dated is what expires: where it stands, and what to do about it before and
// afterwards.
type dated struct {
	path string
	v1alpha1.Note
	past, future string
}

// rules gives the rules of the spec that are in force.
func (r *run) rules() []dated {
	var all []dated
	for _, rule := range spec.Rules(r.spec.ClusterBypass) {
		if !rule.Suspend {
			all = append(all, dated{rule.Path, rule.Note, "remove the rule, or have its owner set a later day", "remove the rule by then, or have its owner set a later day"})
		}
	}
	return all
}

// expired gives an error for each that has expired, and a warning for each that soon
// will.
func (r *run) expired(expiry Expiry, all ...dated) Results {
	if expiry.Today == "" {
		return nil
	}
	soon := expiry.Today
	if day, err := time.Parse(time.DateOnly, string(expiry.Today)); err == nil {
		soon = v1alpha1.Date(day.AddDate(0, 0, expiry.Notice).Format(time.DateOnly))
	}
	var found []spec.Finding
	for _, one := range all {
		kind, message, remedy := finding.Expired, "expired on %s%s: %s", one.past
		switch {
		case one.Expired(expiry.Today):
		case one.Expires != "" && one.Expires <= soon:
			kind, message, remedy = finding.Expiring, "expires on %s%s: %s", one.future
		default:
			continue
		}
		found = append(found, spec.Finding{Kind: kind, Problem: spec.Problem{
			Path: one.path + ".expires", Value: string(one.Expires), Message: fmt.Sprintf(message, one.Expires, noted(one.Note), remedy),
		}})
	}
	return r.ofSpec(found...)
}

// noted writes who answers for a rule and what it is for.
func noted(n v1alpha1.Note) string {
	var parts []string
	if n.Owner != "" {
		parts = append(parts, "owner "+n.Owner)
	}
	if reason := strings.TrimSpace(n.Reason); reason != "" {
		parts = append(parts, "reason: "+reason)
	}
	if parts == nil {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}
