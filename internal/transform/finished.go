package transform

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// Finished judges workloads that others may have changed after a policy was
// applied to them. It knows what was written by what no one else writes: the
// record, the digest of the settings and the init container. The name and the
// namespace of a workload may have changed since.
type Finished struct {
	// Last is nil unless no other policy was applied after the one that is judged.
	// Then a workload is found by its name too: where nothing is left of what was
	// written, no policy took it away. Last has all finished workloads met, before
	// the first is found so.
	Last func()

	mu      sync.Mutex
	seen    map[string]*Workload // by ID
	named   map[string]*Workload // those of seen to which the policy has written
	written map[string]*Workload // the same by their marks, which several may share
	moved   map[string]bool      // the marks on workloads that have other names now
}

// Remember notes a workload as the policy left it. It is a plan of nothing.
func (f *Finished) Remember(p *Policy, w *Workload) *Plan {
	plan := p.planOf(w)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seen == nil {
		f.seen, f.named, f.written = map[string]*Workload{}, map[string]*Workload{}, map[string]*Workload{}
	}
	f.seen[w.key()] = w
	p.hold(w, &prior{annotations: w.TemplateAnnotations, containers: nowhere}, plan) // for the checks
	was, err := w.record()
	if err != nil {
		return plan
	}
	plan.account(w, was)
	if !was.isEmpty() && was.Spec == p.Name {
		for _, mark := range w.ownMarks() {
			f.written[mark] = w
		}
		f.named[w.key()] = w
	}
	return plan
}

// Meet notes the marks of a finished workload that has another name now. It is a
// plan of nothing.
func (f *Finished) Meet(p *Policy, w *Workload) *Plan {
	if f.named[w.key()] == nil && f.marked(p, w) != nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.moved == nil {
			f.moved = map[string]bool{}
		}
		for _, mark := range w.ownMarks() {
			f.moved[mark] = true
		}
	}
	return p.planOf(w)
}

// wrote finds what was written to a finished workload, nil where nothing shows it: a
// later spec may have taken all of it away.
func (f *Finished) wrote(p *Policy, w *Workload) *Workload {
	if marked := f.marked(p, w); marked != nil {
		return marked
	}
	named := f.named[w.key()]
	if named == nil || f.Last == nil {
		return nil
	}
	f.Last()
	if slices.ContainsFunc(named.ownMarks(), func(mark string) bool { return f.moved[mark] }) {
		return nil // this is another workload, by a name that became free
	}
	return named
}

// marked finds it by the marks that are left. Workloads with the same settings share
// theirs, whichever policy wrote them. So the workload's own come first, and another's
// count where the record is the same, or where the workload came in by a new name and no
// record says that another policy wrote it.
func (f *Finished) marked(p *Policy, w *Workload) *Workload {
	own, seen := f.named[w.key()], f.seen[w.key()]
	was, err := w.record()
	free := seen == nil && (err != nil || was.isEmpty() || was.Spec == p.Name)
	for _, mark := range w.ownMarks() {
		switch found := f.written[mark]; {
		case found == nil:
		case own != nil && slices.Contains(own.ownMarks(), mark):
			return own
		case free || strings.HasPrefix(mark, RecordAnnotation):
			return found
		}
	}
	return nil
}

// key tells the workload from all others.
func (w *Workload) key() string { return w.ID() + " " + w.stand.place }

// ownMarks gives what tells on a workload what was written to it, surest first.
func (w *Workload) ownMarks() []string {
	record := w.Annotations[RecordAnnotation]
	if record != "" {
		record = w.stand.place + " " + record
	}
	marks := []string{RecordAnnotation + record, PolicyAnnotation + w.TemplateAnnotations[PolicyAnnotation]}
	for _, c := range w.initContainers {
		for _, digest := range c.digests {
			marks = append(marks, c.name+digest)
		}
	}
	return slices.DeleteFunc(marks, func(mark string) bool { return mark == RecordAnnotation || mark == PolicyAnnotation })
}

// Judge holds what is in force in a finished workload against the limits, whoever
// wrote it, and warns of what was written and is not as it was, and of what came in
// too late. Nothing is planned.
func (f *Finished) Judge(p *Policy, w *Workload) *Plan {
	plan, untouched := f.judge(p, w)
	was := f.seen[w.key()]
	if untouched && (was == nil || f.Last != nil || was.Annotations[RecordAnnotation] == "") { // else a later policy took it away
		plan.Late = was == nil
		p.tellLate(w, plan)
	}
	if wrote := f.wrote(p, w); wrote != nil {
		p.tellSince(wrote, w, plan)
	}
	if was != nil && was.Annotations[RecordAnnotation] == "" && w.Annotations[RecordAnnotation] != "" {
		p.tellOverruled(w, plan)
	}
	return plan
}

// tellSince tells what others added to a workload behind the policy: a traffic
// annotation that it did not merge, and a reason to leave the workload alone.
func (p *Policy) tellSince(wrote, w *Workload, plan *Plan) {
	p.tellContainers(wrote, w, plan)
	for _, key := range slices.Sorted(maps.Keys(w.TemplateAnnotations)) {
		if _, stood := wrote.TemplateAnnotations[key]; !stood && p.Mesh.IsTraffic(key) {
			plan.Changed = true
			plan.warn(finding.ChangedAfter, w.templatePath("metadata", "annotations", key), w.TemplateAnnotations[key], "added after krm-bypass wrote to this workload, so that it is not merged with what it wrote: list the ClusterBypass behind what adds it, such as last under transformers in the kustomization that is built")
		}
	}
	namespace := p.namespaceOf(wrote)
	on := p.place(wrote, wrote.TemplateAnnotations, namespace).on
	if plane, sign := p.Mesh.Certain(w.TemplateLabels, w.TemplateAnnotations); sign != "" && plane != on.Plane() {
		plan.Changed = true
		plan.warn(finding.ChangedAfter, w.templatePath("metadata"), "", "changed after krm-bypass wrote to this workload as to one in %s, while its %s has its pods in %s: list the ClusterBypass behind what changes it", on.Plane(), sign, plane)
		on = p.Mesh.On(plane)
	}
	reason, by := p.leaveAlone(w, &prior{annotations: w.TemplateAnnotations}, namespace, on)
	if reason != "" && !w.hostNetwork && p.LeftAlone(wrote) == "" { // of the host's network the container's check tells
		plan.Changed = true
		plan.warn(finding.ChangedAfter, by, "", "changed after krm-bypass wrote to this workload, which it would leave alone now: %s: list the ClusterBypass behind what changes it", reason)
	}
}

// tellContainers tells of what others did to the workload's own containers, by which the
// policy would decide otherwise: what a name of a rule means there, and an init container
// that goes on now with the connections that krm-bypass-close was to end.
func (p *Policy) tellContainers(wrote, w *Workload, plan *Plan) {
	before := p.Plan(wrote)
	if before.ruling == nil {
		return
	}
	const remedy = ": list the ClusterBypass behind what changes it, such as last under transformers in the kustomization that is built"
	now := *wrote
	now.ports, now.initContainers, now.containers = w.ports, w.initContainers, w.containers
	said, user := p.said(&now, before.Namespace), before.Fold[len(before.Fold)-1].Said
	after := p.rule(said, user, before.on)
	for _, scope := range said.scopes {
		for _, n := range scope.Names {
			meant, means := wrote.PortsNamed(n.Name), w.PortsNamed(n.Name)
			if after.policy != before.ruling.policy && !meant.Equal(means) {
				plan.Changed = true
				plan.warn(finding.ChangedAfter, w.templatePath("spec", "containers"), "", "changed after krm-bypass wrote to this workload: the container port named %s (%s) was %s then, and is %s now"+remedy, n.Name, n.Path, numbers(meant), numbers(means))
			}
		}
	}
	stayed := slices.ContainsFunc(wrote.initContainers, container.stays)
	if at := slices.IndexFunc(w.initContainers, container.stays); at >= 0 && !stayed && before.HasInitial() && before.Container {
		c := w.initContainers[at]
		plan.Changed = true
		plan.warn(finding.ChangedAfter, append(slices.Clone(c.path), "restartPolicy"), "Always", "changed after krm-bypass wrote to this workload: the init container %s goes on beside the application now, and what it connected to while init containers ran goes on bypassing, since %s was written without %s"+remedy, c.name, CloseName, endConnections)
	}
}

// numbers describes the ports that a name means.
func numbers(ports traffic.Ports) string {
	return cmp.Or(strings.Join(ports.Entries(), ", "), "none")
}

// tellOverruled tells of a workload for which the policy had rules and nothing to write,
// and to which a later one wrote, as the later of the two tells in the other order.
func (p *Policy) tellOverruled(w *Workload, plan *Plan) {
	for _, f := range p.Plan(w).Findings {
		if f.Kind == finding.TwoSpecs {
			plan.Findings = append(plan.Findings, f)
		}
	}
}

// tellLate tells of a workload that the policy would write to, had it seen it, and
// what it would have told of it then.
func (p *Policy) tellLate(w *Workload, plan *Plan) {
	would := p.Plan(w)
	if !would.speaks || len(would.Edits) == 0 && !would.Failed() {
		return
	}
	plan.Late = true
	plan.LeftAlone = fmt.Sprintf("not seen by ClusterBypass %s, which was applied before it came in", p.Name)
	for _, f := range would.Findings {
		if !slices.ContainsFunc(plan.Findings, func(told Finding) bool { return told.Message == f.Message }) {
			if f.Severity == Error && (f.Kind == nil || f.Kind.In(plan.lint) != finding.Error) {
				f.Severity = Warning // nothing is to be written
			}
			plan.Findings = append(plan.Findings, f)
		}
	}
	plan.warn(finding.AddedAfter, w.Path(), "", "ClusterBypass %s was applied before this workload came in, so that what it says for it has no effect: list it in the kustomization that brings the workload, behind it, or in the one that is built", p.Name)
}

// setBehind has findings, from one on, say where to look: what the policy did not see
// stands in no file of the workload.
func (p *Plan) setBehind(from int) {
	for i := range p.Findings[from:] {
		f := &p.Findings[from+i]
		f.Message = strings.Replace(f.Message, ": "+removeIt, ": remove it where it is set, behind the ClusterBypass, as in a patch of the kustomization that is built", 1)
	}
}

// judge also says whether nothing shows that any policy has written to the workload.
func (f *Finished) judge(p *Policy, w *Workload) (plan *Plan, untouched bool) {
	plan = p.planOf(w)
	foreign := &prior{annotations: maps.Clone(w.TemplateAnnotations), containers: nowhere}
	was, err := w.record()
	if err == nil {
		plan.account(w, was) // another spec may have written it
	}
	wrote := f.wrote(p, w)
	if untouched = wrote == nil && err == nil && was.isEmpty(); untouched {
		plan.reportForeign(foreign, desired{})
	}
	if wrote != nil {
		was, _ := wrote.record() // it has been read before
		maps.DeleteFunc(foreign.annotations, func(key, value string) bool {
			return was.accountsFor(wrote, key) && wrote.TemplateAnnotations[key] == value
		})
		w.reportChanges(wrote, was, plan)
		plan.account(wrote, was)
	}
	if wrote != nil {
		defer plan.setBehind(len(plan.Findings))
	}
	p.judgeImages(w, plan)
	stands := &prior{annotations: w.TemplateAnnotations, containers: nowhere}
	in := p.hold(w, stands, plan)
	if in == 0 {
		p.judgeElsewhere(w, foreign, plan)
		return plan, untouched
	}
	p.judgeAnnotations(w, foreign, plan)
	p.judgeSettings(w, stands, p.inEveryWay(stands, in, plan), p.ways(w, stands, in), plan)
	containers := w.foreign(nowhere)
	if at := w.ours(); at[first] >= 0 && at[last] > at[first] { // what is in force afterwards, the last says
		plan.Initial = p.beside(nil, containers[at[first]:at[first]+1])
		containers = slices.Delete(containers, at[first], at[first]+1)
	}
	plan.Fold = p.beside(plan.Fold, containers)
	plan.was = &prior{annotations: w.TemplateAnnotations, containers: w.ours()} // which the fold has
	plan.Settings = plan.Fold.Layer().Settings()
	return plan, untouched
}

// account finds the init containers that a record has written somewhere, which may do
// here no more than what krm-bypass writes.
func (p *Plan) account(wrote *Workload, was *record) {
	var accounted []int
	for i, at := range p.Workload.ours() {
		if at < 0 || was.wroteContainer(wrote, containerNames[i]) < 0 {
			continue
		}
		is := p.Workload.initContainers[at].value.Entry("securityContext").Digest()
		for _, backend := range []string{"", RawSocketBackend} {
			if is == node.Of(securityContext(backend)).Digest() {
				p.Container, accounted = p.Container || i == first, append(accounted, at)
			}
		}
	}
	if accounted != nil {
		p.ContainersAt = accounted
	}
}

// judgeImages refuses images without the digest that they have to have.
func (p *Policy) judgeImages(w *Workload, plan *Plan) {
	for _, c := range w.foreign(nowhere) {
		if image := c.value.Entry("image").Text(); p.Enforcement.Pinned != nil && p.enforces(c) && !p.Enforcement.Pinned(image) {
			plan.find(Error, append(slices.Clone(c.path), "image"), image, "%q has no digest, but spec.enforcement.requireDigest is true: name one where the kustomization sets the image", image)
		}
	}
}

// ContainerScope stands in a fold for the arguments of the init container.
const ContainerScope = "the init container " + InitName

// reportChanges warns of what was written and is not as it was.
func (w *Workload) reportChanges(wrote *Workload, was *record, plan *Plan) {
	for _, key := range was.named() {
		value, stands := w.TemplateAnnotations[key]
		if before := wrote.TemplateAnnotations[key]; !stands || value != before {
			plan.changed(w.templatePath("metadata", "annotations", key), strconv.Quote(before), strconv.Quote(value), value, stands)
		}
	}
	path := w.Path("metadata", "annotations", RecordAnnotation)
	if record, stands := w.Annotations[RecordAnnotation]; record != wrote.Annotations[RecordAnnotation] {
		plan.changed(path, "the record of what it wrote", "another text", record, stands)
	}
	for i, name := range containerNames {
		if at := was.wroteContainer(wrote, name); at >= 0 {
			w.reportContainer(i, wrote.initContainers[at], plan)
		}
	}
}

// reportContainer warns of what is not as it was of one of our init containers.
func (w *Workload) reportContainer(i int, wrote container, plan *Plan) {
	at, place := w.ours()[i], 0
	if i == last {
		place = len(w.initContainers) - 1
	}
	if at < 0 {
		plan.changed(w.templatePath("spec", "initContainers"), "the container "+wrote.name, "", "", false)
		return
	}
	if at != place {
		there := w.initContainers[place].name
		plan.changed(w.templatePath("spec", "initContainers", place), "the container "+wrote.name, "the container "+there, there, true)
	}
	if w.hostNetwork {
		plan.warn(finding.ChangedAfter, w.hostNetworkPath(), "true", "the init container %s fails in the host's network, so that no pod starts: remove it, or list the ClusterBypass behind what sets this", wrote.name)
	}
	differences(w.templatePath("spec", "initContainers", at), wrote.value, w.initContainers[at].value, func(path edit.Path, before, value node.Value) {
		plan.changed(path, listed(before), listed(value), value.Text(), value.Exists())
	})
}

// differences visits the innermost values that differ.
func differences(path edit.Path, before, value node.Value, visit func(path edit.Path, before, value node.Value)) {
	step := func(key any, before, value node.Value) {
		differences(append(slices.Clone(path), key), before, value, visit)
	}
	switch {
	case before.Digest() == value.Digest():
	case before.IsMapping() && value.IsMapping():
		for e := range before.Entries() {
			step(e.Key, e.Value, value.Entry(e.Key))
		}
		for e := range value.Entries() {
			if !before.Entry(e.Key).Exists() {
				step(e.Key, node.Value{}, e.Value)
			}
		}
	case before.IsList() && value.IsList() && before.Len() == value.Len():
		for i, item := range before.Items() {
			step(i, item, value.Item(i))
		}
	default:
		visit(path, before, value)
	}
}

// listed describes a value, and the entries of a list.
func listed(v node.Value) string {
	if !v.IsList() {
		return v.Describe()
	}
	return "[" + strings.Join(each.As(v.Items(), node.Value.Describe), ", ") + "]"
}

// changed warns of one value.
func (p *Plan) changed(path edit.Path, before, is, value string, stands bool) {
	p.Changed = true
	if !stands {
		is = "nothing"
	}
	p.warn(finding.ChangedAfter, path, value, "changed after krm-bypass wrote it: it wrote %s, and here is %s: list the ClusterBypass behind what changes it, such as last under transformers in the kustomization that is built", before, is)
}
