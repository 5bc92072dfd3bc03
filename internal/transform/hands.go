package transform

import (
	"maps"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// handEditedRemedy is what to do about a value that somebody changed.
const handEditedRemedy = "say it in the ClusterBypass and remove the annotation, or take the change back; then run krm-bypass render again. Rendered as it is, it counts as the workload's own annotation"

// reportHandEdited warns of annotations that were changed after they were written: it
// is the last run that can tell.
func (p *Policy) reportHandEdited(w *Workload, was *prior, plan *Plan) {
	mark := w.templatePath("metadata", "annotations", PolicyAnnotation)
	_, recorded := w.Annotations[RecordAnnotation]
	if value, marked := w.TemplateAnnotations[PolicyAnnotation]; marked && !recorded {
		plan.warn(finding.HandEdited, mark, value, "the record of what krm-bypass wrote here is gone (%s), so that all of it counts as the workload's own: put it back, or remove what krm-bypass wrote; then run krm-bypass render again", w.Path("metadata", "annotations", RecordAnnotation))
	}
	plan.tellStray(was)
	for _, path := range was.record.edited(w) {
		remedy := handEditedRemedy
		if slices.Equal(path, mark) {
			remedy = "it is a digest of what krm-bypass wrote, so take the change back, or remove it; then run krm-bypass render again"
		}
		if !plan.tells(path, Error) { // it has to be changed anyway
			plan.warn(finding.HandEdited, path, was.annotations[path[len(path)-1].(string)], "%s: %s", editedSince(was.record.onlyAdopted(path)), remedy)
		}
	}
}

// tellStray warns of a template that krm-bypass wrote to by its mark, and of which the
// object's record says nothing.
func (p *Plan) tellStray(was *prior) {
	if w := p.Workload; was.isStray(w) {
		mark := w.templatePath("metadata", "annotations", PolicyAnnotation)
		p.warn(finding.HandEdited, mark, w.TemplateAnnotations[PolicyAnnotation], "the record on this object says nothing of what krm-bypass wrote here, as if the template had been copied from another object, so that all of it counts as the workload's own, and no run takes it away: remove %s; then run krm-bypass render again", strings.Join(w.strays(), ", "))
	}
}

func (was *prior) isStray(w *Workload) bool {
	_, marked := w.TemplateAnnotations[PolicyAnnotation]
	_, recorded := w.Annotations[RecordAnnotation]
	if !marked || !recorded || was.record == nil || was.other != nil {
		return false
	}
	_, wrote := was.record.Wrote[PolicyAnnotation]
	return !wrote
}

// strays are the names of what krm-bypass may have written to a template.
func (w *Workload) strays() []string {
	keys := slices.DeleteFunc(slices.Sorted(maps.Keys(w.TemplateAnnotations)), func(key string) bool { return !writesAnywhere(key) })
	for _, c := range slices.DeleteFunc(slices.Clone(w.initContainers), func(c container) bool { return !isContainer(c.name) }) {
		keys = append(keys, "the init container "+c.name)
	}
	return keys
}

// edited gives the places of annotations that were changed after they were written, or
// adopted.
func (r *record) edited(w *Workload) []edit.Path {
	var places []edit.Path
	for _, key := range r.named() {
		if _, stands := w.TemplateAnnotations[key]; stands && !r.accountsFor(w, key) {
			places = append(places, w.templatePath("metadata", "annotations", key))
		}
	}
	return places
}

// addedByHand gives the keys of annotations of the user's that were not there yet when the
// rest was written: without them the settings are those of which the template has the digest.
func (p *Policy) addedByHand(w *Workload, was *prior, said said, ruling *ruling, on *mesh.Mesh) []string {
	mark := w.TemplateAnnotations[PolicyAnnotation]
	if mark == ruling.policy || !was.record.wroteAnnotation(w, PolicyAnnotation) {
		return nil
	}
	var all []string
	for _, key := range on.Keys {
		_, wrote := was.record.Wrote[key.Annotation]
		_, kept := was.record.Kept[key.Annotation]
		_, stands := w.TemplateAnnotations[key.Annotation]
		if _, own := was.annotations[key.Annotation]; own && stands && !wrote && !kept {
			all = append(all, key.Annotation)
		}
	}
	explains := func(added ...string) bool {
		rest := maps.Clone(was.annotations)
		for _, key := range added {
			delete(rest, key)
		}
		user, refused := on.Read(rest)
		return len(added) > 0 && refused == nil && p.rule(said, user, on).policy == mark
	}
	for _, key := range all {
		if explains(key) {
			return []string{key}
		}
	}
	if explains(all...) {
		return all
	}
	return nil
}

// workloadRules is how the field paths of the rules for workloads begin.
const workloadRules = "spec.workloads["

// reportWonOver warns of annotations of the user's that take away what a rule for
// workloads adds: that it does is what Union says. That they win over a rule which
// replaces as well, and over broader scopes, is what they are for; an empty one says so.
func (p *Policy) reportWonOver(w *Workload, was *prior, plan *Plan) {
	last := len(plan.Fold) - 1
	user := plan.Fold[last]
	for i, claim := range plan.Fold[:last] {
		if !strings.HasPrefix(claim.Scope, workloadRules) || claim.Merge != traffic.Union {
			continue
		}
		for _, f := range traffic.Fields {
			if !claim.Said.Says(f) || !user.Said.Says(f) || user.Said.Clears(f) || user.Merge != traffic.Override {
				continue
			}
			_, losses := plan.Fold.Trace(i, claim.Said.Of(f))
			at := slices.IndexFunc(losses, func(l Loss) bool { return l.By == last && !user.Said.Add(l.Lost).Equal(user.Said) })
			if at < 0 {
				continue
			}
			lost, _ := losses[at].Lost.Entries(f)
			stay, _ := user.Said.Entries(f)
			lost = slices.DeleteFunc(slices.Clone(lost), func(entry string) bool { return slices.Contains(stay, entry) })
			path, value := p.annotation(w, was, f)
			plan.warn(finding.AnnotationWins, path, value, "this replaces what %s.%s says of this workload, %s: remove the annotation, or write spec.merge: Union, by which both hold", claim.Scope, f, strings.Join(lost, ", "))
		}
	}
}

// idleInclude reports whether what a claim includes of outbound ports changes nothing:
// everything is intercepted anyway, while init containers run, too.
func (f Fold) idleInclude(claim int, initial Fold) bool {
	return f.idle(claim) && (len(initial) == 0 || f.united(initial).idle(claim))
}

func (f Fold) idle(claim int) bool {
	all, included := f.Layer().Settings(), f[claim].Said.Settings().IncludeOutboundPorts
	if included.IsEmpty() || !all.IncludeOutboundIPRanges.All() || !all.ExcludeOutboundIPRanges.IsEmpty() || !all.ExcludeOutbound.OnPorts(included).IsEmpty() {
		return false
	}
	return !slices.ContainsFunc(f[:claim], func(broad Claim) bool { return bypasses(broad.Said, included) })
}

// bypasses reports whether a layer lets some of the ports bypass on the way out.
func bypasses(l traffic.Layer, ports traffic.Ports) bool {
	s := l.Settings()
	return !s.ExcludeOutboundPorts.Intersect(ports).IsEmpty() || !s.ExcludeOutbound.OnPorts(ports).IsEmpty() ||
		!s.ExcludeOutboundIPRanges.IsEmpty() || !s.IncludeOutboundIPRanges.All()
}

// IdleIncludes tells of rules that say nothing but outbound ports to include, although
// no rule lets anything bypass from which they would be taken. taken are the scopes that
// take something from what a workload says.
func (p *Policy) IdleIncludes(taken []string) []Remark {
	var remarks []Remark
	for _, s := range p.Scopes {
		included := s.Layer.Settings().IncludeOutboundPorts
		alone := s.Layer.Without(traffic.IncludeOutboundPorts).IsZero()
		if included.IsEmpty() || !alone || slices.Contains(taken, s.Path) || bypasses(p.MeshDefaults, included) || slices.ContainsFunc(p.Scopes, func(any Scope) bool { return bypasses(any.Layer, included) || bypasses(any.Initial, included) }) {
			continue
		}
		remarks = append(remarks, Remark{s.Path + "." + string(traffic.IncludeOutboundPorts),
			"no rule lets anything bypass from which this would take these ports, so it has no effect: remove it; or, to let everything but these ports bypass, write includeOutboundIPRanges: [] beside it"})
	}
	return remarks
}

// Includes gives the scopes that take outbound ports from what would bypass.
func (p *Plan) Includes() []string {
	var scopes []string
	for i, claim := range p.Fold {
		if claim.Said.Says(traffic.IncludeOutboundPorts) && !p.Fold.idleInclude(i, p.Initial) {
			scopes = append(scopes, claim.Scope)
		}
	}
	return scopes
}

// reportInjected tells that nothing reads the annotations of a template that is injected
// already, where nothing else enforces the settings.
func (p *Policy) reportInjected(w *Workload, was *prior, plan *Plan) {
	report := plan.warn
	if plan.Mode == AnnotationsOnly {
		report = plan.refuse
	}
	for _, c := range w.foreign(was.containers) {
		image := c.value.Entry("image").Text()
		if _, marked := was.annotations[p.Mesh.Mark]; slices.Contains(p.Mesh.Containers, c.name) || marked && p.isSidecar(c) && image != "" && image != p.Mesh.OwnImage {
			report(finding.InjectedAlready, c.path, c.name, "the template is injected already, as its container %s shows, so nothing reads the annotations that bypass the sidecar: remove what was injected, or write enforcement.mode: InitContainer in a rule for this workload", c.name)
			return
		}
	}
}
