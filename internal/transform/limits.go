package transform

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/guardrail"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// The field paths of the limits.
const (
	forbiddenNamespacesPath = "spec.limits.forbiddenNamespaces"
	podAnnotationsPath      = "spec.limits.podAnnotations.namespaces"
	meshOptOutPath          = "spec.limits.meshOptOut.namespaces"
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
	// OptOuts are globs of the namespaces whose workloads may opt out of the
	// mesh; nil for all, empty for none.
	OptOuts []string
}

// ForbidsNamespace gives the glob by which nothing may bypass in a namespace, ""
// if something may.
func (l Limits) ForbidsNamespace(name string) string {
	first, _ := each.First(l.ForbiddenNamespaces, func(glob string) bool { return globbed([]string{glob}, name) })
	return first
}

// judge refuses what breaks a limit in what the scopes and annotations of a
// workload come to, and in what else of it lets traffic bypass. in are the
// directions in which the mesh intercepts its pods.
func (p *Policy) judge(w *Workload, was *prior, folds []Fold, in mesh.Opening, plan *Plan) {
	p.judgeAnnotations(w, was, plan)
	if !p.limits() {
		return
	}
	p.judgeSettings(w, was, folds, p.ways(w, p.joined(was, plan), in), plan)
}

// limits reports whether there is anything that settings may break.
func (p *Policy) limits() bool { return !p.Limits.IsZero() || len(p.Limits.ForbiddenNamespaces) > 0 }

// judgeSettings refuses what breaks a limit in what each of the folds comes to, and in
// the other ways past the sidecar.
func (p *Policy) judgeSettings(w *Workload, was *prior, folds []Fold, ways []way, plan *Plan) {
	if !p.limits() {
		return
	}
	told := len(plan.Findings)
	own, limits := p.Own(), p.Limits.Limits
	namespace := p.namespaceOf(w)
	forbidden := within(p.Limits.ForbiddenNamespaces, namespace)
	switch anything := func(l traffic.Layer) bool { return len(guardrail.Nothing.Breaches(l.Settings(), own)) > 0 }; {
	case forbidden == yes:
		limits = guardrail.Nothing
	case forbidden == unknown && (slices.ContainsFunc(folds, func(f Fold) bool { return anything(f.Layer()) }) || slices.ContainsFunc(ways, func(by way) bool { return anything(by.lets) })):
		plan.find(Error, w.Path("metadata", "namespace"), "",
			"the namespace of this workload is unknown, and in some namespaces nothing may bypass the sidecar (%s): set metadata.namespace, or give the namespace with --namespace or spec.defaultNamespace", forbiddenNamespacesPath)
	}
	known := map[string]bool{}
	for _, fold := range folds {
		for _, b := range limits.Breaches(fold.Layer().Settings(), own) {
			is := fmt.Sprint(b)
			if fold.isInitial() && known[is] {
				continue // it is not for init containers alone
			}
			known[is] = true
			but, remedy := ", but would", remedyFor(b)
			if forbidden == yes {
				but, remedy = ", but something would", clearing(b, fold.isInitial())
			}
			p.refuse(w, was, fold, b, plan, p.mustNot(namespace, forbidden, b)+but, remedy)
		}
	}
	for _, by := range ways {
		if broken := limits.Breaches(by.lets.Settings(), own); len(broken) > 0 {
			plan.find(Error, by.path, by.value, "%s, but %s", p.mustNot(namespace, forbidden, broken...), by.says)
		}
	}
	if len(plan.Findings) > told {
		return
	}
	together := p.beside(folds[0], w.foreign(was.containers))
	for _, b := range limits.Breaches(together.Layer().Settings(), own) {
		p.refuse(w, was, together, b, plan, p.mustNot(namespace, forbidden, b)+", but would", remedyFor(b))
	}
}

// beside gives a fold with what init containers let bypass beside it that no record
// accounts for. None of them takes anything from another.
func (p *Policy) beside(fold Fold, containers []container) Fold {
	fold = slices.Clone(fold)
	for _, c := range containers {
		if lets, _ := c.argued(); p.enforces(c) && !lets.IsZero() {
			fold = append(fold, Claim{Scope: ContainerScope, Merge: traffic.Union, Said: lets, Left: lets})
		}
	}
	return fold
}

// mustNot says what a limit forbids.
func (p *Policy) mustNot(namespace string, forbidden answer, broken ...guardrail.Breach) string {
	if forbidden == yes {
		return fmt.Sprintf("nothing may bypass the sidecar in namespace %s (%s)", namespace, forbiddenNamespacesPath)
	}
	subjects, paths := make([]string, len(broken)), make([]string, len(broken))
	for i, b := range broken {
		subjects[i], paths[i] = Subject(b), LimitPath(b.Kind)
	}
	return fmt.Sprintf("%s must not bypass the sidecar (%s)", strings.Join(subjects, " and "), strings.Join(paths, ", "))
}

// judgeAnnotated is judge for a workload that gets nothing written: what its
// annotations say holds all the same, if the mesh has a say there.
func (p *Policy) judgeAnnotated(w *Workload, was *prior, plan *Plan) {
	if in := p.hold(w, was, plan); in != 0 {
		p.judge(w, was, p.inEveryWay(was, in, plan), in, plan)
		return
	}
	p.judgeElsewhere(w, was, plan)
}

// judgeElsewhere judges what another data plane reads of a template that keeps its pods
// out of theirs: in which they are, only the cluster knows.
func (p *Policy) judgeElsewhere(w *Workload, was *prior, plan *Plan) {
	for _, plane := range mesh.DataPlanes {
		on := p.Mesh.On(plane)
		if on == nil || on == plan.on || !p.reached(w) || w.referenced {
			continue
		}
		in, read := on.Intercepts(w.TemplateLabels, was.annotations), *was
		read.annotations = maps.Clone(was.annotations)
		maps.DeleteFunc(read.annotations, func(key, _ string) bool {
			other, _ := p.Mesh.Other(key)
			return !other.ReadOn(plane)
		})
		fold, ways := p.heldIn(&read, in), p.ways(w, &read, in)
		if plane != mesh.Sidecar {
			fold = Fold{p.itself(on)}
			ways = slices.DeleteFunc(ways, func(by way) bool { return !by.holds && !slices.Contains(by.path, any(annotations)) })
		}
		if in != 0 {
			p.judgeAnnotations(w, &read, plan)
			p.judgeSettings(w, &read, []Fold{fold}, ways, plan)
		}
	}
}

// hold gives a plan what annotations come to where nothing is written, and the
// directions in which the mesh intercepts the pods: none where it has no say.
func (p *Policy) hold(w *Workload, was *prior, plan *Plan) mesh.Opening {
	if !p.reached(w) || w.referenced {
		return 0
	}
	reason := plan.on.Unmeshed(w.TemplateLabels, was.annotations)
	p.judgeOut(w, was, reason, plan)
	in := plan.on.Intercepts(w.TemplateLabels, was.annotations)
	if in == 0 {
		return 0
	}
	p.judgeClaim(w, was, plan)
	for _, c := range slices.Concat(w.initContainers, w.containers) {
		if p.Limits.OptOuts != nil && p.standsIn(c) != "" {
			p.judgeOptOut(w, "its container "+c.name+" takes the place of one of the mesh's own", plan)
		}
	}
	plan.Fold, plan.in, plan.was = Fold{p.itself(plan.on)}, in, was
	if plan.hasSidecar() {
		plan.Fold = p.heldIn(was, in)
	}
	if reason == "" {
		plan.in = mesh.OpensAll // what it spares of a pod of its own bypasses
	}
	plan.Settings = plan.Fold.Layer().Settings()
	return in
}

// judgeOut refuses a template by which the mesh leaves its pods alone, for a reason, or
// spares them in a direction.
func (p *Policy) judgeOut(w *Workload, was *prior, reason string, plan *Plan) {
	if p.Limits.OptOuts == nil || !plan.on.OptsOut(w.TemplateLabels, was.annotations) {
		return
	}
	for _, o := range plan.on.Spared(was.annotations) {
		reason = cmp.Or(reason, fmt.Sprintf("its template's annotation %s: %s keeps connections from the sidecar", o.Annotation, was.annotations[o.Annotation]))
	}
	if reason != "" {
		p.judgeOptOut(w, reason, plan)
	}
}

// heldIn is what annotations come to in a sidecar, in the directions that count. What
// cannot be read is judged beside it.
func (p *Policy) heldIn(was *prior, in mesh.Opening) Fold {
	user, _ := p.Mesh.Read(was.annotations)
	return p.held(in.Of(user))
}

// inEveryWay gives the fold of a plan and, beside it, what annotations would come to if
// its pods had a sidecar after all, which only the cluster knows: limits hold in every data
// plane. What one includes takes nothing from what the other lets bypass. Limits hold while
// init containers run, too.
func (p *Policy) inEveryWay(was *prior, in mesh.Opening, plan *Plan) []Fold {
	folds := []Fold{plan.Fold}
	if !plan.hasSidecar() {
		folds = append(folds, p.heldIn(was, in))
	}
	if plan.HasInitial() {
		folds = append(folds, plan.Fold.united(plan.Initial))
	}
	return folds
}

// judgeClaim refuses a template that has its pods without a sidecar where no rule has
// them in another data plane: in a cluster without one they are in no mesh. A mark of
// injection is a claim, too: what it speaks of may not be there.
func (p *Policy) judgeClaim(w *Workload, was *prior, plan *Plan) {
	_, marked := was.annotations[p.Mesh.Mark]
	if p.Limits.OptOuts != nil && plan.on != plan.ruled && (marked || !plan.hasSidecar()) && plan.ruled.OptsOut(w.TemplateLabels, was.annotations) {
		p.judgeOptOut(w, plan.ruled.Unmeshed(w.TemplateLabels, was.annotations)+" as long as no rule says dataPlane: "+string(plan.DataPlane()), plan)
	}
}

// held is the fold of what the mesh's own configuration and annotations come to
// without an init container.
func (p *Policy) held(user traffic.Layer) Fold {
	levels, held := []traffic.Layer{p.MeshDefaults, user}, p.Mesh.Effective(p.MeshDefaults, user)
	if held.IncludeOutboundIPRanges.All() && !held.ExcludeOutboundIPRanges.IsEmpty() {
		for i := range levels { // they take nothing from the ranges, and the rest is intercepted anyway
			levels[i] = levels[i].Without(traffic.IncludeOutboundPorts)
		}
	}
	fold := Fold{}
	for _, part := range p.Mesh.Parts(levels...) {
		fold = fold.narrowed([]string{DefaultsPath, ""}[part.Level], part.Said, p.Mesh.Merge())
	}
	return fold
}

// judgeOptOut refuses that pods have no sidecar where they have to have one.
func (p *Policy) judgeOptOut(w *Workload, reason string, plan *Plan) {
	switch namespace := p.namespaceOf(w); within(p.Limits.OptOuts, namespace) {
	case no:
		plan.find(Error, w.templatePath("metadata"), "", "%s, which workloads of namespace %s may not (%s): remove it, or list the namespace there", reason, namespace, meshOptOutPath)
	case unknown:
		plan.find(Error, w.templatePath("metadata"), "", "%s, which only workloads of some namespaces may, and the namespace of this one is unknown (%s): set metadata.namespace, or give the namespace with --namespace or spec.defaultNamespace", reason, meshOptOutPath)
	}
}

// judgeAnnotations refuses annotations of the mesh where only the spec may speak.
func (p *Policy) judgeAnnotations(w *Workload, was *prior, plan *Plan) {
	if p.Limits.Annotators == nil || w.Copied {
		return
	}
	allowed := within(p.Limits.Annotators, p.namespaceOf(w))
	if allowed == yes {
		return
	}
	refuse := func(annotation, remedy string) {
		why := "workloads of this namespace may not carry the annotation"
		if allowed == unknown {
			why = "the namespace of this workload is unknown, and only workloads of some namespaces may carry the annotation"
			remedy = "set metadata.namespace, or give the namespace with --namespace or spec.defaultNamespace"
		}
		plan.find(Error, was.at(w, annotation), was.annotations[annotation], "%s (%s): %s", why, podAnnotationsPath, remedy)
	}
	for _, k := range p.Mesh.Keys {
		if _, stands := was.annotations[k.Annotation]; stands {
			refuse(k.Annotation, fmt.Sprintf("set %s in a rule of the ClusterBypass, and remove the annotation", k.Field))
		}
	}
	for _, annotation := range slices.Sorted(maps.Keys(was.annotations)) {
		if p.Opens(annotation, was.annotations[annotation]) {
			refuse(annotation, "remove the annotation, and say in a rule of the ClusterBypass what should bypass")
		}
	}
}
