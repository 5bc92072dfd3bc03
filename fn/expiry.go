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

// expired gives an error for each rule that has expired, and a warning for each
// that soon will.
func (r *run) expired(expiry Expiry) Results {
	if expiry.Today == "" {
		return nil
	}
	soon := expiry.Today
	if day, err := time.Parse(time.DateOnly, string(expiry.Today)); err == nil {
		soon = v1alpha1.Date(day.AddDate(0, 0, expiry.Notice).Format(time.DateOnly))
	}
	var found []spec.Finding
	for _, rule := range spec.Rules(r.spec.ClusterBypass) {
		kind, message := finding.Expired, "expired on %s%s: remove the rule, or have its owner set a later day"
		switch {
		case rule.Expired(expiry.Today):
		case rule.Expires != "" && rule.Expires <= soon:
			kind, message = finding.Expiring, "expires on %s%s: remove the rule by then, or have its owner set a later day"
		default:
			continue
		}
		found = append(found, spec.Finding{Kind: kind, Problem: spec.Problem{
			Path: rule.Path + ".expires", Value: string(rule.Expires), Message: fmt.Sprintf(message, rule.Expires, noted(rule.Note)),
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
