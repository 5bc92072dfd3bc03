package transform

import (
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// Plan is what the policy makes of one workload.
type Plan struct {
	Workload *Workload
	// Decided says that the policy speaks of the workload and may touch it. The
	// settings are the policy's only then; where it is false, they are what the
	// mesh makes of the workload's own annotations, and there is no Fold where
	// the mesh has no say.
	Decided bool
	// LeftAlone says why the policy does not touch a workload that it speaks
	// of, "" where it does.
	LeftAlone string
	// leftBy is the field that says so, nil where none does.
	leftBy edit.Path
	// Settings are the effective traffic settings, Fold what they are made of,
	// Sayable what of them annotations of the mesh can say and Gaps what not.
	Settings traffic.Settings
	Fold     Fold
	Sayable  traffic.Layer
	Gaps     []mesh.Gap
	// Mode says how they are enforced, ModeBy is the field of the spec that
	// says so, "" where none does.
	Mode   Mode
	ModeBy string
	// Initial is what else there is while init containers run, and Initially the settings
	// then: all of it and the Settings united.
	Initial   Fold
	Initially traffic.Settings
	// Annotations are those that the template should have, by key, and Container
	// says that it should have the init container.
	Annotations map[string]string
	Container   bool
	// ContainersAt are the places of krm-bypass's init containers among those of the
	// template.
	ContainersAt []int
	// Namespace is the workload's, by its manifest or as it is given; "" where
	// it is not known.
	Namespace string
	// Imageless says that the init container has no image. The Edits are then only
	// to compare with.
	Imageless bool
	// Applies says that something is written for the workload. Where it is Adopted,
	// what was taken over says it already, and the template stays as it is.
	Applies, Adopted bool
	// Other names the other spec that wrote to it, "" for none.
	Other string
	// Altered says that what the other wrote is not as it wrote it.
	Altered bool
	// Edits lead from what is there to what should be there.
	Edits []edit.Edit
	// Changed says that what was written is not as it was, of a finished workload.
	Changed bool
	// Late says that a finished workload came in when the policy had been applied.
	Late bool
	// speaks says that the policy speaks of it for sure.
	speaks bool
	// inOthers says that the pods are those of other templates of the object, of which
	// each that the policy decides has the init container.
	inOthers bool
	// ruling is what is written, where the policy decides.
	ruling *ruling
	// byHand are the keys of annotations that somebody added since the rest was written.
	byHand []string
	// was is the workload as it was before the function last wrote to it.
	was *prior
	placement
	// in are the directions in which the mesh intercepts the pods, and in which
	// traffic may bypass the sidecar in other ways.
	in mesh.Opening
	report
}

// Plan says what the policy makes of a workload. It depends on the two alone.
func (p *Policy) Plan(w *Workload) *Plan {
	family := slices.Clone(w.family)
	i := max(slices.IndexFunc(family, func(one *Workload) bool { return one.stand.place == w.stand.place }), 0)
	family[i] = w
	return p.plans(family)[i]
}

// PlanAll says what the policy makes of workloads, of which those of one object stand
// together: they share the record.
func (p *Policy) PlanAll(workloads []*Workload) []*Plan {
	plans := make([]*Plan, 0, len(workloads))
	for len(workloads) > 0 {
		n := max(len(workloads[0].family), 1)
		plans, workloads = append(plans, p.plans(workloads[:n])...), workloads[n:]
	}
	return plans
}

// Refuse plans nothing for a workload that cannot be read, and says why.
func (p *Policy) Refuse(w *Workload, why ...*FieldError) *Plan {
	plan, inLabels := p.planOf(w), w.templatePath("metadata", labels, "")
	for _, one := range why {
		plan.find(Error, one.Path, one.Value, "%s: %v", w.relative(one.Path), one.Err)
		w.unlabelled = w.unlabelled || under(inLabels, one.Path) || under(one.Path, inLabels[:len(inLabels)-1])
	}
	return plan
}

func (p *Policy) plans(family []*Workload) []*Plan {
	plans, wanted := make([]*Plan, len(family)), make([]desired, len(family))
	for i, w := range family {
		plans[i] = p.planOf(w)
	}
	first := plans[0]
	first.tolerate(&family[0].Object)
	if family[0].controlled {
		for _, plan := range plans {
			p.watch(plan)
		}
		return plans
	}
	priors, err := p.priorsOf(family)
	if err != nil {
		record := family[0].Annotations[RecordAnnotation]
		first.find(Error, recordPath(&family[0].Object), record, "%v: %s", err, recordRemedy(err))
		return plans
	}
	drafts := true
	for i, plan := range plans {
		wanted[i] = p.decide(plan, priors[i])
		drafts = drafts && priors[i].other == nil && !plan.Failed()
	}
	for _, plan := range plans {
		plan.inOthers = plan.Workload.covered && coveredBy(plan, plans)
	}
	if drafts {
		for i := range slices.Backward(wanted) { // over what lies beneath, as it is wanted whole
			wanted[i] = wanted[i].besides(priors[i], wanted)
		}
		p.draftEdits(plans, wanted)
	}
	return plans
}

// coveredBy reports whether the templates that are laid over that of a plan have the init
// container.
func coveredBy(plan *Plan, all []*Plan) bool {
	over := slices.DeleteFunc(slices.Clone(all), func(other *Plan) bool {
		return !other.Decided || !other.Workload.stand.isOver(plan.Workload.stand.annotations)
	})
	return len(over) > 0 && !slices.ContainsFunc(over, func(other *Plan) bool { return !other.Container })
}

// Untold gives the findings of a plan but those about what counts in several templates
// of the object, if a plan before it has told them.
func (p *Plan) Untold(before []*Plan) []Finding {
	family := p.Workload.family
	if !slices.ContainsFunc(family, func(w *Workload) bool { return w.stand.over != nil }) {
		return p.Findings
	}
	before = before[max(len(before)-len(family), 0):]
	return slices.DeleteFunc(slices.Clone(p.Findings), func(f Finding) bool {
		shared := slices.ContainsFunc(family, func(w *Workload) bool {
			return slices.ContainsFunc(w.stand.over, func(over edit.Path) bool { return under(f.Path, w.Path(over...)) })
		})
		return shared && slices.ContainsFunc(before, func(other *Plan) bool {
			return slices.Contains(family, other.Workload) && slices.ContainsFunc(other.Findings, func(told Finding) bool {
				return told.Severity == f.Severity && told.Message == f.Message && slices.Equal(told.Path, f.Path)
			})
		})
	})
}

// decide says what to write to a template.
func (p *Policy) decide(plan *Plan, prior *prior) desired {
	w := plan.Workload
	plan.was, plan.placement = prior, p.place(w, prior.annotations, p.namespaceOf(w))
	for i, name := range containerNames {
		if ours := byName(w.foreign(nowhere), name); prior.containers[i] < 0 && prior.record.Wrote[name] != "" && len(ours) > 0 {
			plan.find(Error, w.templatePath("spec", "initContainers"), name,
				"the container %s was changed after krm-bypass wrote it%s: remove it, and krm-bypass writes it again; set its image and resources in spec.enforcement", name, p.unlike(ours[0]))
			return desired{}
		}
	}
	var desired desired
	if p.Removes {
		plan.tellStaying(prior)
	} else {
		p.reportSlips(w, prior.unaccounted(w), plan)
		p.reportChoices(w, prior.unaccounted(w), plan)
		desired = p.desire(w, prior, plan)
		p.reportPlane(w, plan)
		p.reportInjects(w, plan)
		p.reportHandEdited(w, prior, plan)
	}
	if prior.other != nil {
		p.giveWay(plan, prior.other)
		return desired
	}
	plan.reportForeign(prior, desired)
	return desired
}

// watch judges what a controller makes. Nothing is written there, and nothing taken away:
// a record has come along with what else it made the object of.
func (p *Policy) watch(plan *Plan) {
	w := plan.Workload
	plan.was = &prior{record: newRecord(""), annotations: w.TemplateAnnotations, containers: nowhere}
	if p.Removes {
		return
	}
	p.reportSlips(w, plan.was, plan)
	p.reportChoices(w, plan.was, plan)
	p.desire(w, plan.was, plan)
	if w.Copied {
		plan.Findings = slices.DeleteFunc(plan.Findings, func(f Finding) bool { return f.Kind != nil })
	}
}

// planOf is a plan of nothing.
func (p *Policy) planOf(w *Workload) *Plan {
	namespace := p.namespaceOf(w)
	return &Plan{Workload: w, Namespace: namespace, report: p.reportOn(w), placement: p.place(w, w.TemplateAnnotations, namespace)}
}

// reportForeign tells of containers that have a name of ours and that no record accounts
// for. Nothing can be written beside one: a pod has each name once.
func (p *Plan) reportForeign(was *prior, wanted desired) {
	const says = "there is a container named %s %s: %s"
	why, remedy := "that krm-bypass did not write", "remove it or rename it; set its image and resources in spec.enforcement"
	if was.isStray(p.Workload) {
		why, remedy = "of which the record on this object says nothing, as if the template had been copied from another object", "remove "+strings.Join(p.Workload.strays(), ", ")+"; then run krm-bypass render again"
	}
	for i, name := range containerNames {
		for _, c := range byName(p.Workload.foreign(was.containers), name) {
			if wanted.containers[i].node != nil {
				p.find(Error, c.path, name, says, name, why, remedy)
				continue
			}
			p.warn(finding.ForeignContainer, c.path, name, says, name, why, remedy)
		}
	}
}
