package inventory

import (
	"maps"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// verify plans every workload by the rules, as it will be without what was
// imported, and compares what it gets with what it has.
func (s *survey) verify(a *arrangement) {
	policy := a.policy()
	for _, w := range s.workloads {
		for _, each := range append([]*workload{w}, w.twins...) {
			s.compare(a, policy, each)
		}
	}
}

func (s *survey) compare(a *arrangement, policy *transform.Policy, w *workload) {
	view := *w.Workload
	view.TemplateAnnotations = maps.Clone(w.TemplateAnnotations)
	for _, key := range w.taken {
		delete(view.TemplateAnnotations, key)
	}
	plan := policy.Plan(&view)
	for _, f := range plan.Findings {
		switch f.Severity {
		case transform.Error:
			s.fail(w.in.problem(w.id(), f.Path, "by the imported rules: %s", f.Message))
		case transform.Warning:
			message := f.Message
			for key := range w.void {
				if slices.Equal(f.Path, append(slices.Clone(w.path), key)) {
					message = "left as it is: " + message
				}
			}
			s.warn(w.in.problem(w.id(), f.Path, "%s", message))
		}
	}
	s.injected(policy, w, &view)
	if plan.Failed() {
		return
	}
	a.beyond = a.beyond || len(plan.Gaps) > 0
	got := plan.Settings
	if !plan.Applies {
		var broad traffic.Layer
		if n := s.namespaceOf(w.Namespace); n != nil {
			broad = n.left
		}
		got = s.mesh.Effective(s.raw, broad, w.left)
	}
	if !got.Equal(w.target) {
		s.fail(w.in.problem(w.id(), w.TemplatePath("metadata", "annotations"),
			"the imported rules would change what bypasses its sidecar, from %s to %s: write a rule for it by hand, and import the rest without it",
			oneLine(w.target.String()), oneLine(got.String())))
	}
}

// injected tells of a template into which a sidecar was injected already, as kube-inject
// does: no injector reads what is imported of it.
func (s *survey) injected(policy *transform.Policy, w *workload, view *transform.Workload) {
	if !isInjected(w.Template(node.Of(w.in.text.Nodes))) {
		return
	}
	by := &transform.Policy{Mesh: policy.Mesh, Merge: policy.Merge, MeshDefaults: policy.MeshDefaults, Scopes: policy.Scopes, Mode: transform.AnnotationsOnly}
	for _, f := range by.Plan(view).Findings {
		if f.Kind == finding.InjectedAlready {
			s.warn(w.in.problem(w.id(), f.Path, "%s", f.Message))
		}
	}
}

func oneLine(settings string) string {
	if settings == "" {
		return "nothing"
	}
	return "(" + strings.ReplaceAll(strings.TrimSpace(settings), "\n", " ") + ")"
}
