package spec

import (
	"fmt"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/spelling"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

func acceptPath(i int) string { return fmt.Sprintf("%s[%d]", transform.AcceptPath, i) }

// ofRules are kinds of findings about rules.
var ofRules = []*finding.Kind{finding.Expired, finding.Expiring, finding.UnreachedRule}

// acceptances reads which findings are meant.
func (c *compiler) acceptances(spec *v1alpha1.ClusterBypass, list []v1alpha1.Acceptance) {
	rules := map[string]*transform.Match{}
	paths, off := map[string]string{}, map[string]bool{}
	var names []string
	for _, s := range c.policy.Scopes {
		rules[s.Path] = s.Match
	}
	for _, r := range Rules(spec) {
		off[r.Path] = r.Suspend
		if r.Name != "" {
			paths[r.Name] = r.Path
			names = append(names, r.Name)
		}
	}
	for i, a := range list {
		at := acceptPath(i)
		made := transform.Acceptance{Path: at, Kind: c.accepted(a, at), Reason: strings.TrimSpace(a.Reason), Expires: string(a.Expires)}
		switch {
		case (a.Rule == "") == (a.Match == nil):
			c.problem(at, "", "say whose findings are accepted: give rule, the name of a rule, or match, and not both")
		case a.Match != nil && a.Match.IsEmpty():
			c.problem(at+".match", "", "an empty match would match everything: say at which workloads; spec.lint.%s: Ignore accepts all findings of a kind", a.Check)
		case a.Match != nil && made.Kind != nil && slices.Contains(ofRules, made.Kind):
			c.problem(at+".match", "", "findings of %s are about the spec, and are accepted by the name of their rule: give rule, and remove this field", a.Check)
		case a.Match != nil:
			made.Match = c.workloadMatch(*a.Match, at+".match", c.isKind)
		case paths[a.Rule] == "":
			remedy := "give the rule that is meant this name"
			if near := meant(a.Rule, names); len(near) > 0 {
				remedy = spelling.Asking(a.Rule, near)
			}
			c.problem(at+".rule", a.Rule, "no rule has the name %q: %s", a.Rule, remedy)
		default:
			made.Rule = paths[a.Rule]
			made.Match = rules[made.Rule]
		}
		if made.Reason == "" && a.Reason != "" {
			c.problem(at+".reason", a.Reason, "empty: say why the findings are meant")
		}
		c.day(a.Expires, at+".expires")
		c.acceptedPorts(a, at+".ports", &made)
		if !off[made.Rule] { // whose findings are as if they were not there either
			c.policy.Acceptances = append(c.policy.Acceptances, made)
		}
	}
}

// accepted gives the kind of the findings that are accepted.
func (c *compiler) accepted(a v1alpha1.Acceptance, at string) *finding.Kind {
	kind, known := finding.ByID(a.Check)
	if !known && a.Check != "" {
		ids := each.As(finding.All(), func(k *finding.Kind) string { return k.ID })
		remedy := "krm-bypass lint lists the kinds; what is refused, such as what breaks a limit, cannot be accepted"
		if near := meant(a.Check, ids); len(near) > 0 && a.Check != "limits" {
			remedy = spelling.Asking(a.Check, near)
		}
		c.problem(at+".check", a.Check, "%q is no kind of finding: %s", a.Check, remedy)
	}
	return kind
}

// acceptedPorts reads the ports to which an acceptance is limited.
func (c *compiler) acceptedPorts(a v1alpha1.Acceptance, at string, made *transform.Acceptance) {
	if a.Ports == nil {
		return
	}
	switch {
	case len(a.Ports) == 0:
		c.problem(at, "", "an empty list accepts nothing: name ports, or remove the field to accept any")
	case a.Match != nil && len(a.Match.Kinds) > 0 && !slices.ContainsFunc(a.Match.Kinds, func(kind string) bool { return c.hasTemplate(kind) || !c.isKind(kind) }):
		c.problem(at, "", "findings at an object without a pod template are accepted as a whole: remove this field, or say at which workloads")
	case made.Kind != nil && !made.Kind.Ports:
		c.problem(at, "", "findings of %s are not about ports: remove this field", made.Kind.ID)
	}
	var l traffic.Layer
	c.entries(at, l.Set(traffic.ExcludeInboundPorts, texts(a.Ports)), namesAccepted)
	ports := l.Settings().ExcludeInboundPorts
	made.Ports = &ports
}
