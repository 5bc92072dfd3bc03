package transform

import (
	"errors"
	"fmt"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// advise warns of annotations on a workload for which nothing is written: they are not
// the function's to mend, but its user would want to know what the mesh cannot use, or
// reads otherwise than one would think.
func (p *Policy) advise(w *Workload, was *prior, plan *Plan) traffic.Layer {
	user, errs := plan.on.Read(was.annotations)
	patch, _ := w.isPatch()
	for _, bad := range unreadable(errs) {
		if patch != "" && !strings.ContainsAny(bad.Value, "0123456789") {
			continue // a placeholder, which the kustomization fills
		}
		if path := was.at(w, bad.Annotation); !plan.tells(path, Error, Warning) {
			plan.warn(finding.UnreadableAnnotation, path, bad.Value, "%v", bad.Err)
		}
	}
	p.reportMisleading(w, was, plan)
	_, gaps := plan.on.Express(user.Settings(), p.MeshDefaults)
	for _, g := range gaps {
		if path, value := p.annotation(w, was, g.Field); g.Fatal && path != nil {
			plan.warn(finding.UnreadableAnnotation, path, value, "%s", g.Reason)
		}
	}
	return user
}

// unruled advises on a workload of which no rule speaks, if the mesh has a say.
func (p *Policy) unruled(w *Workload, was *prior, plan *Plan) {
	p.judgeAnnotated(w, was, plan)
	if !p.concerned(w, was, plan) || w.referenced {
		return
	}
	user := p.advise(w, was, plan)
	for _, c := range user.Contradictions() {
		path, value := p.annotation(w, was, c.Exclude)
		plan.warn(finding.MisleadingAnnotation, path, value, "%s", contradicting(c))
	}
	p.reportIdleInclude(w, was, Fold{p.itself(plan.on)}.narrowed("", user, p.Mesh.Merge()), nil, plan)
}

// annotation gives the place and the value of the annotation for a field, nil where the
// mesh has none.
func (p *Policy) annotation(w *Workload, was *prior, f traffic.Field) (edit.Path, string) {
	key, annotated := p.Mesh.Key(f)
	if !annotated {
		return nil, ""
	}
	return was.at(w, key.Annotation), was.annotations[key.Annotation]
}

func contradicting(c traffic.Contradiction) string {
	return fmt.Sprintf("excludes ports that the annotation for %s includes (%s): remove them from one of the two", c.Include, c.Ports)
}

// reportChoices warns of keys by which pods get a sidecar or none, with a value that
// the mesh does not take.
func (p *Policy) reportChoices(w *Workload, was *prior, plan *Plan) {
	if p.mindsAny(w, was) {
		p.tellChoices(w, was, plan)
	}
}

func (p *Policy) tellChoices(w *Workload, was *prior, plan *Plan) {
	template := described{annotations: was.annotations, labels: w.TemplateLabels}
	for _, c := range p.Mesh.Misread(template.annotations, template.labels) {
		field := map[bool]string{false: annotations, true: labels}[c.Label]
		kind := finding.UnreadableAnnotation
		if c.Otherwise == c.Overruled {
			kind = finding.MisleadingAnnotation
		}
		plan.warn(kind, w.templatePath("metadata", field, c.Key), template.values(field)[c.Key], "%s", c.Otherwise)
	}
}

// reportIdleInclude warns of an annotation that includes outbound ports where all that
// goes out is intercepted: it reads as if everything else bypassed. The last claim of
// the fold is the user's.
func (p *Policy) reportIdleInclude(w *Workload, was *prior, fold, initial Fold, plan *Plan) {
	last := len(fold) - 1
	if path, value := p.annotation(w, was, traffic.IncludeOutboundPorts); path != nil && fold[last].Said.Says(traffic.IncludeOutboundPorts) && fold.idleInclude(last, initial) {
		key, _ := p.Mesh.Key(traffic.IncludeOutboundIPRanges)
		plan.warn(finding.IncludeWithoutEffect, path, value, "%s intercepts these ports in any case, as it does all others: remove the annotation; or, to let everything but these ports bypass, write %s: \"\" beside it", p.Mesh.Name, key.Annotation)
	}
}

// unreadable gives what of the errors is about an annotation.
func unreadable(errs []error) []*mesh.AnnotationError {
	var all []*mesh.AnnotationError
	for _, err := range errs {
		if bad, is := errors.AsType[*mesh.AnnotationError](err); is {
			all = append(all, bad)
		}
	}
	return all
}

func (p *Policy) reportMisleading(w *Workload, was *prior, plan *Plan) {
	for _, m := range plan.on.Misleads(was.annotations) {
		if path, value := p.annotation(w, was, m.Field); !plan.tells(path, Error, Warning) {
			plan.warn(finding.MisleadingAnnotation, path, value, "%s", m.Reason)
		}
	}
}
