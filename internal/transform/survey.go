package transform

import (
	"github.com/krm-bypass/krm-bypass/internal/edit"
)

// What those see of a workload who look at it before there is a policy for it.

// TemplatePath gives the path of a field given relative to the pod template.
func (w *Workload) TemplatePath(relative ...any) edit.Path { return w.templatePath(relative...) }

// KindEntry names the workload's kind as a match does: with its group where
// several of the known kinds have the name.
func (w *Workload) KindEntry() string {
	for _, k := range Kinds {
		if k.Kind == w.kind.Kind && k.Group != w.kind.Group {
			return w.kind.Kind + "." + w.kind.Group
		}
	}
	return w.kind.Kind
}

// LeftAlone says why the policy does not touch a workload whatever its rules
// say; "" where nothing is in the way.
func (p *Policy) LeftAlone(w *Workload) string {
	reason, _ := p.leaveAlone(w, &prior{annotations: w.TemplateAnnotations}, p.namespaceOf(w))
	return reason
}

// LeftNamespace says why the policy touches nothing in a namespace; "" where it
// may.
func (p *Policy) LeftNamespace(name string) string { return p.notEnrolled(name) }
