package transform

import (
	"fmt"
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/guardrail"
)

// The field paths of the limits.
const (
	forbiddenNamespacesPath = "spec.limits.forbiddenNamespaces"
	podAnnotationsPath      = "spec.limits.podAnnotations.namespaces"
)

// Limits are what no workload may bypass, whichever scope or annotation asks for
// it.
type Limits struct {
	guardrail.Limits
	// ForbiddenNamespaces are globs of the namespaces in which nothing may
	// bypass.
	ForbiddenNamespaces []string
	// Annotators are globs of the namespaces whose workloads may carry
	// annotations of the mesh that the user wrote; nil for all, empty for none.
	Annotators []string
}

// ForbidsNamespace gives the glob by which nothing may bypass in a namespace, ""
// if something may.
func (l Limits) ForbidsNamespace(name string) string {
	i := slices.IndexFunc(l.ForbiddenNamespaces, func(glob string) bool { return globbed([]string{glob}, name) })
	if i < 0 {
		return ""
	}
	return l.ForbiddenNamespaces[i]
}

// judge refuses what breaks a limit in what the scopes and annotations of a
// workload come to.
func (p *Policy) judge(w *Workload, was *prior, fold Fold, plan *Plan) {
	p.judgeAnnotations(w, was, plan)
	p.judgeSettings(w, was, fold, plan)
}

// judgeSettings refuses what breaks a limit in what a fold comes to.
func (p *Policy) judgeSettings(w *Workload, was *prior, fold Fold, plan *Plan) {
	if p.Limits.IsZero() && len(p.Limits.ForbiddenNamespaces) == 0 {
		return
	}
	settings, own := fold.Layer().Settings(), p.Own()
	namespace := p.namespaceOf(w)
	forbidden := within(p.Limits.ForbiddenNamespaces, namespace)
	if forbidden == yes {
		for _, b := range guardrail.Nothing.Breaches(settings, own) {
			p.refuse(w, was, fold, b, plan, fmt.Sprintf("nothing may bypass the sidecar in namespace %s (%s), but something would", namespace, forbiddenNamespacesPath), clearing(b))
		}
		return
	}
	if forbidden == unknown && len(guardrail.Nothing.Breaches(settings, own)) > 0 {
		plan.find(Error, w.Path("metadata", "namespace"), "",
			"the namespace of this workload is unknown, and in some namespaces nothing may bypass the sidecar (%s): set metadata.namespace, or give the namespace with --namespace or spec.defaultNamespace", forbiddenNamespacesPath)
	}
	for _, b := range p.Limits.Breaches(settings, own) {
		p.refuse(w, was, fold, b, plan, fmt.Sprintf("%s must not bypass the sidecar (%s), but would", Subject(b), LimitPath(b.Kind)), remedyFor(b))
	}
}

// judgeAnnotated is judge for a workload that gets nothing written: what its
// annotations say holds all the same, if the mesh has a say there.
func (p *Policy) judgeAnnotated(w *Workload, was *prior, plan *Plan) {
	if p.concerned(w, was) && !w.referenced && !w.podless {
		p.holdAnnotations(was, plan)
		p.judge(w, was, plan.Fold, plan)
	}
}

// holdAnnotations gives a plan what annotations come to where nothing is written.
func (p *Policy) holdAnnotations(was *prior, plan *Plan) {
	user, _ := p.Mesh.Read(was.annotations) // what the mesh refuses bypasses nothing
	defaults := unaided(p.MeshDefaults)
	plan.Fold = Fold{{Scope: DefaultsPath, Said: defaults, Left: defaults}}.narrowed("", unaided(user), p.Mesh.Merge())
	plan.Settings = plan.Fold.Layer().Settings()
}

// judgeAnnotations refuses annotations of the mesh where only the spec may speak.
func (p *Policy) judgeAnnotations(w *Workload, was *prior, plan *Plan) {
	if p.Limits.Annotators == nil {
		return
	}
	allowed := within(p.Limits.Annotators, p.namespaceOf(w))
	if allowed == yes {
		return
	}
	for _, k := range p.Mesh.Keys {
		value, stands := was.annotations[k.Annotation]
		if !stands {
			continue
		}
		why := "workloads of this namespace may not carry the annotation"
		remedy := fmt.Sprintf("set %s in a rule of the ClusterBypass, and remove the annotation", k.Field)
		if allowed == unknown {
			why = "the namespace of this workload is unknown, and only workloads of some namespaces may carry the annotation"
			remedy = "set metadata.namespace, or give the namespace with --namespace or spec.defaultNamespace"
		}
		plan.find(Error, w.templatePath("metadata", "annotations", k.Annotation), value, "%s (%s): %s", why, podAnnotationsPath, remedy)
	}
}
