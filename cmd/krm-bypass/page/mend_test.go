package page

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/revise"
)

func TestLinksToForms(t *testing.T) {
	r := &request{spec: SpecFile{Path: "bypass.yaml", Text: []byte(`apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
spec:
  workloads:
  - match: {names: [old]}
    name: cards
  - match: {names: [older]}
`)}}
	rows, err := revise.Rows(r.file())
	require.NoError(t, err)
	m := &mender{request: r, rows: rows}
	query := func(link string) url.Values {
		to, err := url.Parse(link)
		assert.NoError(t, err)
		return to.Query()
	}
	workload := report.Subject{APIVersion: "argoproj.io/v1alpha1", Kind: "Rollout", Namespace: "shop", Name: "cart"}
	accept := url.Values{"add": {"spec.lint.accept"}}
	with := func(pairs ...string) url.Values {
		all := url.Values{"add": accept["add"]}
		for i := 0; i < len(pairs); i += 2 {
			all.Set(pairs[i], pairs[i+1])
		}
		return all
	}
	assert.Equal(t, with("check", "service-port", "match.kinds", "Rollout.argoproj.io", "match.names", "cart", "match.namespaces", "shop"),
		query(m.acceptURL(workload, report.Finding{Rule: "service-port", Path: "spec.workloads[0]"})))
	assert.Equal(t, with("check", "unreached-rule", "rule", "cards"), query(m.acceptURL(report.Subject{APIVersion: "krm-bypass.dev/v1alpha1", Kind: "ClusterBypass", Name: "cluster"}, report.Finding{Rule: "unreached-rule", Path: "spec.workloads[0].match"})))
	for _, path := range []string{"spec.workloads[1]", "spec.meshDefaults.excludeInboundPorts[0]", "spec.enrolment.namespaces[0]", ""} {
		assert.Empty(t, m.acceptURL(report.Subject{}, report.Finding{Rule: "unreached-rule", Path: path}), "%s has no name by which it is accepted", path)
	}
	named := func(of report.Subject, path string) string {
		return m.nameURL(of, report.Finding{Rule: "unreached-rule", Path: path})
	}
	assert.Equal(t, "/rules/edit?of=spec.workloads%5B1%5D#f-name", named(report.Subject{}, "spec.workloads[1].match"))
	for _, path := range []string{"spec.workloads[0]", "spec.meshDefaults", "spec.lint.accept[0]", ""} {
		assert.Empty(t, named(report.Subject{}, path), path)
	}
	assert.Empty(t, named(workload, "spec.workloads[1]"), "a field of another object")
	assert.Empty(t, m.acceptURL(workload, report.Finding{Rule: report.Refused}), "what is refused cannot be accepted")

	add := query(r.addURL(fn.ResourceRef{APIVersion: "apps/v1", Kind: "Deployment", Name: "cart"}, "excludeOutboundPorts", "443"))
	assert.Equal(t, url.Values{"add": {"spec.workloads"}, "match.kinds": {"Deployment"}, "match.names": {"cart"}, "excludeOutboundPorts": {"443"}}, add)

	for at, rule := range map[string]string{
		"spec.workloads[1].expires": "spec.workloads[1]", "spec.global.excludeOutboundPorts[0]": "spec.global", "spec.meshDefaults": "spec.meshDefaults",
		"spec.lint.accept[0]": "spec.lint.accept[0]", "spec.limits.forbiddenNamespaces[0]": "", "spec.podTemplates[0]": "", "spec.globally": "", "": "",
	} {
		assert.Equal(t, rule, query(r.editURL(at)).Get("of"), at)
	}
}

// TestEachFieldOfAFormIsExplained: no help only refers to another field, and what stands
// below a field is short.
func TestEachFieldOfAFormIsExplained(t *testing.T) {
	for _, place := range scopePaths {
		for _, f := range revise.Fields(place) {
			text := help(place, f.Path)
			begin, more := brief(text)
			about := place + " " + f.Path + ": " + text
			assert.Greater(t, len(text), 20, about)
			assert.NotRegexp(t, `(?i)^(as in|overrides) spec`, text, about)
			assert.NotEqual(t, f.Path, called(f.Path), "%s has a word of its own", about)
			assert.LessOrEqual(t, len(begin), 260, about)
			assert.Equal(t, text, strings.TrimSpace(begin+" "+more), about)
			for _, one := range f.Enum {
				assert.Contains(t, text, one, "%s says what each choice is", about)
			}
		}
	}
	assert.Contains(t, groupHelp("spec.global", initially), "until the last init container has run")
	assert.Contains(t, groupHelp("spec.workloads", whatBypasses), "None is the empty list")
}
