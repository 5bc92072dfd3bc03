package transform

import (
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// desired is what to write to a workload. The zero value is nothing.
type desired struct {
	// annotations of the template by key, in the order of keys.
	keys        []string
	annotations map[string]string
	// containers are our init containers, without a node where there is none.
	containers [len(containerNames)]made
	// of is the ruling that alone says the annotations and the containers, nil where the
	// template has a part in them.
	of *ruling
	// pullSecrets are the names of those that the containers' image needs and
	// the user did not give the pod.
	pullSecrets []string
}

func (d *desired) annotate(key, value string) {
	if d.annotations == nil {
		d.annotations = map[string]string{}
	}
	d.keys = append(d.keys, key)
	d.annotations[key] = value
}

// besides gives what of it the pods do not get alike from under the template. Of all is
// what the family gets.
func (d desired) besides(was *prior, all []desired) desired {
	if was.beneath == nil {
		return d
	}
	left := desired{containers: d.containers, pullSecrets: d.pullSecrets}
	for _, key := range d.keys {
		beneath, has := was.beneath[key]
		if was.below >= 0 && slices.Contains(all[was.below].keys, key) {
			beneath, has = all[was.below].annotations[key], true
		}
		if _, own := was.own(key); own || !has || beneath != d.annotations[key] {
			left.annotate(key, d.annotations[key])
		}
	}
	if left.containers[first].node == nil && slices.Equal(left.keys, []string{PolicyAnnotation}) {
		return desired{}
	}
	return left
}

// desire folds the scopes and says what to write.
func (p *Policy) desire(w *Workload, was *prior, plan *Plan) desired {
	said := p.said(w, plan.Namespace)
	if !said.anything && len(said.unsure) == 0 {
		was = p.takesOver(said, was, plan)
		p.unruled(w, was, plan)
		p.reportUnsaid(w, was, said, plan)
		return desired{}
	}
	if reason, by := p.leaveAlone(w, was, plan.Namespace, plan.on); reason != "" {
		plan.LeftAlone, plan.leftBy = reason, by
		plan.find(Info, by, "", LeftAloneIs+"%s", reason)
		p.advise(w, was, plan)
		p.judgeAnnotated(w, was, plan)
		return desired{}
	}
	if !p.sure(w, said, plan) {
		p.unruled(w, was, plan)
		p.reportUnsaid(w, was, said, plan)
		return desired{}
	}
	plan.speaks = true
	p.refuseNames(w, said, plan)
	was = p.takesOver(said, was, plan)
	user := p.users(w, was, plan)
	if plan.Failed() {
		return desired{}
	}
	ruling := p.rule(said, user, plan.on)
	plan.Fold, plan.Mode, plan.ModeBy = ruling.fold, said.mode, said.modeBy
	if !user.IsZero() {
		plan.byHand = p.addedByHand(w, was, said, ruling, plan.on)
	}
	p.reportWonOver(w, was, plan)
	p.reportIdleInclude(w, was, plan.Fold, ruling.initial, plan)
	p.reportLacking(w, plan.Fold, plan)
	plan.Settings, plan.in = ruling.settings, mesh.OpensAll
	plan.Sayable, plan.Gaps, plan.ruling = ruling.sayable, ruling.gaps, ruling
	plan.Initial, plan.Initially, plan.Decided = ruling.initial, ruling.initially, true
	p.judgeClaim(w, was, plan)
	p.judgeOut(w, was, "", plan)
	in := plan.on.Intercepts(w.TemplateLabels, was.annotations)
	p.judge(w, was, p.inEveryWay(was, in, plan), in, plan)
	p.refuseMoved(w, was, plan)
	p.reportGaps(w, was, plan)
	if plan.Failed() {
		return desired{}
	}
	return p.write(w, was, plan)
}

// said is what the scopes of a policy say of one workload.
type said struct {
	scopes []*Scope
	// defaults are what the mesh itself says that a scope may clear.
	defaults traffic.Layer
	// anything says that a scope says something of it.
	anything bool
	// unsure are the scopes that may speak of it, since they depend on its
	// namespace and that is not known.
	unsure []string
	// unseen are names of ports in containers that stand nowhere.
	unseen []PortName
	// mode is the enforcement, modeBy the field that says so.
	mode   Mode
	modeBy string
}

func (p *Policy) said(w *Workload, namespace string) said {
	s := said{mode: p.Mode, modeBy: "spec.enforcement.mode"}
	var planes []string
	if !p.DefaultsImplied {
		s.defaults = p.MeshDefaults
	}
	if w.kind.AnnotationsOnly {
		s.mode, s.modeBy = AnnotationsOnly, ""
	}
	for _, scope := range p.near(w, namespace) {
		switch scope.Match.matches(w, namespace) {
		case no:
			continue
		case unknown:
			if scope.Plane == "" || !scope.Layer.IsZero() || !scope.Initial.IsZero() || scope.Mode != nil {
				s.unsure = append(s.unsure, scope.Path)
			} else {
				planes = append(planes, scope.Path)
			}
			continue
		}
		scope = scope.in(w)
		s.unseen = append(s.unseen, w.unseen(scope.Names)...)
		s.anything = s.anything || len(s.unseen) > 0 || !s.adds(s.scopes, scope).IsZero() || !scope.Initial.Adds(scope.Merge).IsZero()
		s.scopes = append(s.scopes, scope)
		if scope.Mode != nil {
			s.mode, s.modeBy = *scope.Mode, scope.Path+".enforcement.mode"
		}
	}
	if s.anything || len(s.unsure) > 0 { // else there is nothing to write in any data plane
		s.unsure = append(s.unsure, planes...)
	}
	return s
}

// itself is what the mesh's own configuration says for pods of a data plane.
func (p *Policy) itself(on *mesh.Mesh) Claim {
	said := p.MeshDefaults
	if on.Levels == mesh.PodAlone {
		said = traffic.Layer{}
	}
	return Claim{Scope: DefaultsPath, Said: said, Left: said}
}

// sure reports whether there is something to write although the namespace may not
// be known, and reports what then is not applied.
func (p *Policy) sure(w *Workload, s said, plan *Plan) bool {
	unsure, enrolled := s.unsure, p.namespaceEnrolled(plan.Namespace)
	if enrolled == unknown {
		unsure = []string{enrolmentPath}
	}
	if len(unsure) == 0 {
		return true
	}
	const says = "the namespace of this workload is unknown, so what depends on it does not apply (%s): set metadata.namespace, or give the namespace with --namespace or spec.defaultNamespace"
	if at := w.Path("metadata", "namespace"); p.RequireNamespace {
		plan.find(Error, at, "", says, strings.Join(unsure, ", "))
	} else {
		plan.warn(finding.UnknownNamespace, at, "", says, strings.Join(unsure, ", "))
	}
	return s.anything && enrolled != unknown
}

// users reads the annotations that the user wrote on the template.
func (p *Policy) users(w *Workload, was *prior, plan *Plan) traffic.Layer {
	user, refused := plan.on.Read(was.annotations)
	for _, bad := range unreadable(refused) {
		plan.find(Error, was.at(w, bad.Annotation), bad.Value, "%v", bad.Err)
	}
	for _, c := range user.Contradictions() {
		path, value := p.annotation(w, was, c.Exclude)
		plan.find(Error, path, value, "%s", contradicting(c))
	}
	if !plan.Failed() {
		p.reportMisleading(w, was, plan)
	}
	return user
}

// reportGaps tells what no annotation of the mesh can say.
func (p *Policy) reportGaps(w *Workload, was *prior, plan *Plan) {
	for _, g := range plan.Gaps {
		var at edit.Path
		key, annotated := plan.on.Key(g.Field)
		if annotated {
			at = w.templatePath("metadata", "annotations", key.Annotation)
		}
		switch mine, present := was.annotations[key.Annotation]; {
		case g.Field == InitialField && w.kind.Shuffles != "" && w.stand.initContainers != nil:
			plan.find(Error, w.templatePath("spec", "initContainers"), "", "%s is not possible for %s, whose operator %s: in the pods %s, which ends what is for init containers alone, need not come last. Clear its fields in a rule for match: {kinds: [%s]}, such as %[1]s: {excludeOutboundPorts: []}", InitialField, A(w.Kind), w.kind.Shuffles, CloseName, w.KindEntry())
		case present && g.Fatal && !key.Idle():
			plan.find(Error, at, mine, "%s, here whatever this annotation says: remove it, and say %s in a rule of the ClusterBypass", g.Reason, g.Field)
		case w.stand.initContainers == nil && plan.Mode == AnnotationsOnly:
			plan.find(Error, w.templatePath("metadata", annotations), "", "%s does not fit into an annotation of %s, and nothing else can say it in the pods of %s, which take no init container from it: %s. Remove the setting for this workload", g.Field, p.Mesh.Name, A(w.Kind), g.Reason)
		case w.covered: // the templates with the pods say it
		case w.stand.initContainers == nil:
			plan.warn(finding.NoPlace, w.templatePath("metadata", annotations), "", "%s does not hold in these pods: it does not fit into an annotation of %s, and %s takes no init container from here: %s", g.Field, p.Mesh.Name, A(w.Kind), g.Reason)
		case plan.Mode == AnnotationsOnly && w.kind.AnnotationsOnly:
			plan.find(Error, at, "", "%s does not fit into an annotation, and %s takes no init container by default: %s. Set enforcement.mode in a rule for this workload, or remove the setting", g.Field, w.Kind, g.Reason)
		case plan.Mode == AnnotationsOnly && len(plan.on.Keys) == 0:
			plan.find(Error, nil, "", "the pods are in %s (%s), where no annotation lets anything bypass, and enforcement.mode is AnnotationsOnly: set InitContainer in a rule for them, which takes an enforcement.image, or remove the settings", plan.DataPlane(), plan.placedBy())
			return // it is the one cause
		case plan.Mode == AnnotationsOnly:
			plan.find(Error, at, "", "%s does not fit into an annotation of %s, and enforcement.mode is AnnotationsOnly: %s. Use WhereNeeded or InitContainer, or remove the setting", g.Field, p.Mesh.Name, g.Reason)
		default:
			part := ""
			if annotated && plan.Sayable.Says(g.Field) {
				part = "a part of "
			}
			plan.find(Info, at, "", "%s%s is in the init container only, not in an annotation of %s: %s", part, g.Field, p.Mesh.Name, g.Reason)
		}
	}
}

// annotated gives the mesh's annotations that a ruling needs beside others of a template.
func (p *Policy) annotated(r *ruling, on *mesh.Mesh, beside map[string]string) (d desired) {
	for _, k := range on.Keys {
		_, mine := beside[k.Annotation]
		if value, needed := on.Value(k, r.sayable, p.MeshDefaults, mine); needed {
			d.annotate(k.Annotation, value)
		}
	}
	return d
}

// says gives the mesh's annotations that are written for a plan.
func (p *Policy) says(was *prior, plan *Plan) desired {
	beside := was.beside()
	if slices.ContainsFunc(plan.on.Keys, func(k mesh.Key) bool { _, mine := beside[k.Annotation]; return mine }) {
		return p.annotated(plan.ruling, plan.on, beside)
	}
	return plan.ruling.says
}

// joined gives what is the user's with what will be written beside it, which may put
// some of it out of force.
func (p *Policy) joined(was *prior, plan *Plan) *prior {
	if !plan.Decided {
		return was
	}
	joined := *was
	joined.annotations = overlaid(p.says(was, plan).annotations, was.annotations)
	return &joined
}

// write says by which annotations and by which init container the settings of a
// plan are enforced.
func (p *Policy) write(w *Workload, was *prior, plan *Plan) desired {
	d := p.says(was, plan)
	for _, g := range plan.ruling.more {
		key, _ := p.Mesh.Key(g.Field)
		plan.warn(finding.BypassesMore, w.templatePath("metadata", "annotations", key.Annotation), "", "%s bypasses more than the ClusterBypass says: %s", g.Field, g.Reason)
	}
	needed := w.stand.initContainers != nil && (plan.Mode == InitContainer || plan.Mode == WhereNeeded && len(plan.Gaps) > 0)
	if needed && !plan.Initially.BypassNothing() {
		d.containers = plan.ruling.containers(w)
		plan.ContainersAt = written(w, was, d)
		plan.Imageless = p.Enforcement.Image == ""
		d.pullSecrets = p.Enforcement.missingPullSecrets(w, was.record)
		if w.stand.pullSecrets == nil && len(d.pullSecrets) > 0 {
			plan.warn(finding.NoPlace, w.templatePath("spec", "initContainers"), "", "%s has no place for the image pull secrets that the init container needs (%s): give them to the pods' service account", A(w.Kind), strings.Join(d.pullSecrets, ", "))
			d.pullSecrets = nil
		}
	}
	if len(d.keys) == 0 && d.containers[first].node == nil {
		return desired{}
	}
	if d.containers[first].node == nil {
		p.reportInjected(w, was, plan)
	}
	if d.of != nil {
		d.keys, d.annotations = d.of.all.keys, d.of.all.annotations
	} else {
		d.annotate(PolicyAnnotation, plan.ruling.policy)
	}
	plan.Applies, plan.Annotations, plan.Container = true, d.annotations, d.containers[first].node != nil
	plan.noteInbound(was)
	plan.reportNeedless(w, was)
	p.doubtWorkload(w, plan)
	p.reportModes(w, was, plan)
	if p.standsAsMeant(w, was, plan) {
		plan.Adopted, plan.Annotations = true, was.beside()
		return plan.asItStands()
	}
	return d
}

// policyVersion is that of the form of the settings under the digest.
const policyVersion = "v1:"
