package transform

import (
	"fmt"
	"maps"
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/kinds"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
)

// owns reports whether what a record accounts for is the policy's: by its name, by a
// name that it had before, or because the record has none. Who takes away what a
// spec wrote that is gone goes by the name alone.
func (p *Policy) owns(r *record) bool {
	return r.Spec == p.Name || !p.Removes && (r.Spec == "" || slices.Contains(p.FormerNames, r.Spec))
}

// WrittenBy gives the name of the spec whose record stands on the object, "" where
// it names none; recorded says whether there is one that can be read.
func (o *Object) WrittenBy() (name string, recorded bool) {
	text, stands := o.Annotations[RecordAnnotation]
	r, err := parseRecord(text)
	if !stands || err != nil {
		return "", false
	}
	return r.Spec, true
}

// unaccounted gives the workload without the annotations for which the record of
// another spec accounts: they are no slips of whoever wrote the manifest.
func (was *prior) unaccounted(w *Workload) *prior {
	if was.other == nil {
		return was
	}
	rest := *was
	rest.annotations = maps.Clone(was.annotations)
	maps.DeleteFunc(rest.annotations, func(key, _ string) bool { return was.other.wroteAnnotation(w, key) })
	return &rest
}

// giveWay leaves a workload as another spec wrote it. Where this one speaks of it
// too, each would take away what the other writes.
func (p *Policy) giveWay(plan *Plan, other *record) {
	w := plan.Workload
	at := recordPath(&w.Object)
	switch writes := plan.Failed() || plan.Applies && p.writesWithout(other, w); {
	case plan.speaks && writes:
		plan.find(Error, at, "", "%s speaks of this workload, to which ClusterBypass %s wrote: let one of them speak of it, by spec.enrolment.namespaces or in a rule's match. %s", p.called(), other.Spec, p.formerly(other))
		plan.Imageless = false
	case plan.speaks:
		plan.warn(finding.TwoSpecs, at, "", "%s speaks of this workload, to which ClusterBypass %s wrote, and what it says has no effect: let one of them speak of it. %s", p.called(), other.Spec, p.formerly(other))
	default:
		plan.Altered = !other.stands(w)
		plan.LeftAlone, plan.leftBy = p.tellOther(&w.Object, &plan.report, other, plan.Altered), nil
	}
	plan.Applies, plan.Other = false, other.Spec
	plan.account(w, other)
}

// writesWithout reports whether the policy would write to a workload without what
// another spec wrote there. To that alone even a rule that says nothing has an answer.
func (p *Policy) writesWithout(other *record, w *Workload) bool {
	alone := p.planOf(w)
	p.desire(w, (&prior{other: other, annotations: w.TemplateAnnotations, record: newRecord(""), containers: nowhere}).unaccounted(w), alone)
	return alone.Applies || alone.Failed()
}

// stands reports whether all that was written is on the workload, as it was written.
func (r *record) stands(w *Workload) bool {
	changed := slices.ContainsFunc(r.annotations(), func(key string) bool { return !r.wroteAnnotation(w, key) })
	return !changed && !slices.ContainsFunc(containerNames[:], func(name string) bool { return r.Wrote[name] != "" && r.wroteContainer(w, name) < 0 })
}

// giveWayIn leaves a mesh's own configuration as another spec wrote it.
func (p *Policy) giveWayIn(plan *ConfigPlan, wanted [][]string, other *record) {
	c := plan.Config
	plan.Other = other.Spec
	if len(slices.Concat(wanted...)) == 0 {
		plan.LeftAlone = p.tellOther(&c.Object, &plan.report, other, false)
		return
	}
	plan.find(Error, recordPath(&c.Object), "", "%s would write here, where ClusterBypass %s wrote: say spec.meshConfig: Update in one of them. %s", p.called(), other.Spec, p.formerly(other))
}

func recordPath(o *Object) edit.Path { return o.Path("metadata", "annotations", RecordAnnotation) }

// tellOther says that another spec wrote an object. To a policy that knows that there is
// no other it is a finding. It is no note of the function: kpt keeps those, and in a
// pipeline of both the first run would have fewer than the second.
func (p *Policy) tellOther(o *Object, r *report, other *record, altered bool) (reason string) {
	reason = fmt.Sprintf("ClusterBypass %s wrote what is here", other.Spec)
	if altered {
		reason = fmt.Sprintf("what ClusterBypass %s wrote was changed since", other.Spec)
	}
	if slices.Contains(p.Beside, other.Spec) {
		return reason
	}
	r.warn(finding.OtherSpec, recordPath(o), "", "%s. %s", reason, p.formerly(other))
	return reason
}

// called names the policy in messages.
func (p *Policy) called() string {
	if p.Name == "" {
		return "this spec, which has no name,"
	}
	return "ClusterBypass " + p.Name
}

// formerly says what to do where the other spec is none any more.
func (p *Policy) formerly(other *record) string {
	former := ""
	if p.Name != "" {
		former = fmt.Sprintf("If %s is an earlier name of this one, list it in spec.formerNames. ", other.Spec)
	}
	return former + fmt.Sprintf("If %[1]s is gone, krm-bypass render --remove %[1]s takes away what it wrote", other.Spec)
}

// Removal gives a policy that says nothing, and takes away what the spec of that name
// wrote, whatever its mesh was.
func Removal(name string, known kinds.Table) *Policy {
	return &Policy{Name: name, Removes: true, Mesh: &mesh.Mesh{}, Kinds: known}
}

// tellStaying warns of what was changed since it was written, and stays where all
// else is taken away.
func (p *Plan) tellStaying(was *prior) {
	p.tellStray(was)
	for _, path := range was.record.edited(p.Workload) {
		key, _ := path[len(path)-1].(string)
		p.warn(finding.HandEdited, path, was.annotations[key], "%s, so that it stays: remove it too, unless you mean it", editedSince(was.record.onlyAdopted(path)))
	}
}
