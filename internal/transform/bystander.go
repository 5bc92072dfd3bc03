package transform

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/bystander"
	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/kinds"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/spelling"
)

// Bystander is an object that is no workload to the policy, and yet has annotations of
// a mesh, or pods are made of it.
type Bystander struct {
	*Object
	// Later is what becomes of it in the cluster, nil for nothing.
	Later *bystander.Later
	// Pods says where in it pods are made, "" for nowhere.
	Pods string

	misplaced []misplaced
	// entries are those for spec.podTemplates that would name what no rule reaches.
	entries []string
	// at is the first place that no rule reaches, or that breaks a limit.
	at edit.Path
	// Held are plans of nothing for the places that have annotations: what these say
	// of their pods.
	Held []*Plan
	// known are the templates of the kind that are known, "" where none is, and instead is
	// the field of the spec that names one of which entries would be the right place.
	known, instead string
	// bare says that what pods are made of is no whole pod template.
	bare bool
	// meant is the kind that was probably meant, "" where none is near.
	meant string
	// controlled says that a controller owns it, which its pods follow.
	controlled bool
	// spoken says that the policy would write for its pods, and breach what limit
	// they break that is not judged.
	spoken bool
	breach string
}

// misplaced is an annotation that the mesh does not read where it stands.
type misplaced struct {
	kind                                 *finding.Kind
	field, annotation, value, meant, why string
	// remedy is what to do, "" where mend says it.
	remedy string
	// passed says that a controller may pass it on to pods.
	passed bool
}

// IsBystander reports whether the policy has something to say of an object that is none
// of its own, as far as its type and its text tell. A text of nil may say anything.
func (p *Policy) IsBystander(t object.Type, text []byte) bool {
	return t.Kind != "" && (t.APIVersion != "" || t.List) && (text == nil || t.List || bystander.IsRenderedLater(t) || isNamespace(t) ||
		mesh.Mentions(text) || bytes.Contains(text, []byte(ownPrefix)) || !bystander.IsSilent(t) && bystander.Holds(text))
}

// Bystander looks at an object. It gives nil where there is nothing to say, as of an
// item without a kind, which no API takes.
func (p *Policy) Bystander(seen *Object, o object.Object) *Bystander {
	_, known := p.kindOf(o.Type)
	if o.Kind == "" || known && IsKnown(o.Type) || configuresMesh(o.Type) || seen.Annotations["config.kubernetes.io/local-config"] == "true" {
		return nil
	}
	b := &Bystander{Object: seen.Named(), controlled: isControlled(o.Value)}
	namespace := cmp.Or(seen.Namespace, p.Namespace)
	if isNamespace(o.Type) {
		namespace = seen.Name
	}
	if !known && p.namespaceEnrolled(namespace) != no {
		p.lookForMisplaced(b, seen, o.Type)
	}
	if !known && !b.controlled { // which has it from its owner
		p.lookForRecord(b, seen)
	}
	if !known {
		b.Later = bystander.RenderedLater(o.Type, o.Value)
	}
	if b.Later == nil && !bystander.IsSilent(o.Type) {
		p.lookForPods(b, o, namespace)
	}
	if b.Later == nil && b.Pods == "" && len(b.misplaced) == 0 {
		return nil
	}
	return b
}

// lookForRecord notes a record of the policy on an object of which nothing says any more
// where its pod templates are.
func (p *Policy) lookForRecord(b *Bystander, o *Object) {
	r, err := parseRecord(o.Annotations[RecordAnnotation])
	if err != nil || !p.owns(r) {
		return
	}
	b.misplaced = append(b.misplaced, misplaced{finding.UnknownPodTemplate, annotations, RecordAnnotation, o.Annotations[RecordAnnotation], RecordAnnotation,
		fmt.Sprintf("ClusterBypass %s wrote here, and it stays, because nothing says where the pod template of %s is", r.Spec, A(o.Kind)),
		fmt.Sprintf("put its entry into spec.podTemplates again; to take the entry away, run krm-bypass render --remove %s with it first", r.Spec), false})
}

func isNamespace(t object.Type) bool {
	return t.Kind == "Namespace" && object.Group(t.APIVersion) == ""
}

// lookForMisplaced notes annotations and labels of the object itself that say what
// bypasses.
func (p *Policy) lookForMisplaced(b *Bystander, o *Object, t object.Type) {
	elsewhere := func(m *mesh.Mesh) bool { return m.ReadElsewhere(object.Group(t.APIVersion), t.Kind) }
	slips := map[string]mesh.Slip{}
	for _, s := range p.Mesh.Slips(o.Annotations) {
		slips[s.Key] = s
	}
	for _, annotation := range slices.Sorted(maps.Keys(o.Annotations)) {
		m := misplaced{finding.MisplacedAnnotation, annotations, annotation, o.Annotations[annotation], annotation, "", "", !p.passesNothing(t)}
		other, _ := p.Mesh.Other(annotation)
		switch slip, slipped := slips[annotation]; {
		case other.On == t.Kind && other.On != "" && object.Group(t.APIVersion) == "":
			continue
		case !slipped && (!p.Mesh.IsTraffic(annotation) && !p.Opens(annotation, m.value) || elsewhere(p.Mesh)), slip.Moved, slip.Reader != nil && elsewhere(slip.Reader):
			continue
		case !slipped:
			m.why = p.Mesh.Name + " reads this annotation only " + p.Mesh.ReadsIn() + ", so it has no effect here"
		default:
			if len(slip.Meant) == 1 {
				m.meant = slip.Meant[0]
			}
			if !mesh.IsTraffic(annotation) && !p.Mesh.IsTraffic(m.meant) {
				continue
			}
			if m.why = p.unread(slip); elsewhere(p.Mesh) && slip.Reader == nil {
				m.kind = finding.UnknownAnnotation
			}
		}
		b.misplaced = append(b.misplaced, m)
	}
	if isNamespace(t) {
		for _, i := range p.Mesh.Injections(o.Annotations, o.labels) {
			b.misplaced = append(b.misplaced, notInjecting(i, o))
		}
	}
	place := described{annotations: o.Annotations, labels: o.labels}
	for _, field := range []string{annotations, labels} {
		for _, key := range slices.Sorted(maps.Keys(place.values(field))) {
			if foreignUnderOwnPrefix(key) {
				b.misplaced = append(b.misplaced, misplaced{finding.UnknownAnnotation, field, key, place.values(field)[key], key, "krm-bypass reads nothing under " + ownPrefix + ", so it has no effect", ownPrefixRemedy, false})
			}
		}
	}
	for _, label := range slices.Sorted(maps.Keys(o.labels)) {
		reader := mesh.ReaderOf(label)
		if reader == nil && p.Opens(label, o.labels[label]) {
			reader = p.Mesh
		}
		if reader != nil {
			why := reader.Name + " reads this only as an annotation, " + reader.ReadsIn() + ", so it has no effect here"
			b.misplaced = append(b.misplaced, misplaced{finding.MisplacedAnnotation, labels, label, o.labels[label], label, why, "", !p.passesNothing(t)})
		}
	}
}

// notInjecting says what is wrong with a key that was to give the pods of a Namespace a
// sidecar, or none.
func notInjecting(i mesh.Injection, o *Object) misplaced {
	field := map[bool]string{false: annotations, true: labels}
	m := misplaced{kind: finding.MisplacedAnnotation, field: field[i.Label], annotation: i.Key}
	m.value = described{annotations: o.Annotations, labels: o.labels}.values(m.field)[i.Key]
	says := false
	switch m.why, m.remedy, says = strings.Cut(i.Why, ": "); {
	case says:
		m.kind = finding.UnreadableAnnotation
	case i.Meant == "":
		m.remedy = "write it in the pod templates"
	case i.Meant == i.Key:
		m.remedy = "move it to metadata." + field[i.MeantLabel]
	default:
		m.kind, m.remedy = finding.UnknownAnnotation, fmt.Sprintf("did you mean %s, in metadata.%s?", i.Meant, field[i.MeantLabel])
	}
	return m
}

// passesNothing reports whether no controller passes annotations of such an object on
// to pods: Kubernetes' own do not, nor does a mesh for its own objects. Others may, as
// Istio for a Gateway (istio/istio
// manifests/charts/istio-control/istio-discovery/files/kube-gateway.yaml).
func (p *Policy) passesNothing(t object.Type) bool {
	group := object.Group(t.APIVersion)
	return !strings.Contains(group, ".") || strings.HasSuffix(group, ".k8s.io") && !strings.HasPrefix(group, "gateway.") ||
		group == p.Mesh.Domain || strings.HasSuffix(group, "."+p.Mesh.Domain)
}

// lookForPods notes where in the object pods are made that no rule reaches.
func (p *Policy) lookForPods(b *Bystander, o object.Object, namespace string) {
	kind, isKnown := p.kindOf(o.Type)
	places, marked := bystander.In(o.Value, func(key string) bool {
		return mesh.IsTraffic(key) || len(p.Mesh.Slips(map[string]string{key: ""})) > 0
	})
	if isKnown || p.passesNothing(o.Type) {
		marked = nil // which are told of with the workload, or are not of pods
	}
	b.known = strings.Join(each.As(kind.Templates, func(t kinds.Template) string { return t.Place().String() }), ", ")
	var unknown, beside []kinds.Path
	var starting []edit.Path // that have init containers beside annotations
	for _, place := range places {
		if slices.ContainsFunc(kind.Templates, func(t kinds.Template) bool { return isNamed(t, place) }) {
			continue // a workload
		}
		written := bystander.Written(place.Path)
		called := cmp.Or(written.String(), "spec")
		if len(written) > 0 && !written.CanBeWritten() {
			called = place.Path.String()
		}
		if bare := o.At(place.Path...); !place.Template.Exists() && len(written) > 0 && bare.Entry(annotations).IsMapping() {
			path := append(slices.Clone(place.Path), annotations)
			if bare.Entry("initContainers").Exists() {
				starting = append(starting, path)
			}
			w := annotated(o, path)
			w.hostNetwork = bare.Entry("hostNetwork").Truth()
			if marked = slices.DeleteFunc(marked, func(m edit.Path) bool { return slices.Equal(m, path) }); !p.lookAtPods(b, called, w, namespace) {
				beside = append(beside, bystander.Written(path))
			}
			continue
		}
		metadata, spec := place.Template.Entry("metadata"), place.Template.Entry("spec")
		done := p.lookAtPods(b, called, &Workload{
			kind:  &kinds.Kind{},
			stand: wholeAt(slices.Clone(place.Path)), TemplateLabels: metadata.Entry("labels").Strings(), TemplateAnnotations: metadata.Entry("annotations").Strings(),
			hostNetwork: spec.Entry("hostNetwork").Truth(),
		}, namespace)
		switch {
		case !place.Template.Exists():
			b.bare = true
		case !done:
			unknown = append(unknown, written)
		}
	}
	for _, path := range marked {
		p.lookAtPods(b, path.String(), annotated(o, path), namespace)
		if written := bystander.Written(path); !slices.ContainsFunc(unknown, func(whole kinds.Path) bool { return whole.Leads(path) }) {
			beside = append(beside, written)
		}
	}
	for _, path := range bystander.United(unknown) {
		b.propose(kind, kinds.Template{Path: path})
	}
	for _, path := range bystander.United(beside) {
		t := kinds.Template{Annotations: path}
		if slices.ContainsFunc(starting, func(at edit.Path) bool { return path.Leads(at) }) {
			t.InitContainers = append(slices.Clone(path[:len(path)-1]), kinds.Step{Key: "initContainers"})
		}
		b.propose(kind, t)
	}
	b.meant = meantKind(o.Type)
}

// isNamed reports whether a template is that at a place. A path to what is around or in
// it leads to no template. Where only parts are named, they stand beside containers.
func isNamed(t kinds.Template, place bystander.Pods) bool {
	if t.IsWhole() {
		return place.Template.Exists() && len(t.Path) == len(place.Path) && t.Path.Leads(place.Path)
	}
	return slices.ContainsFunc(t.Parts(), func(part kinds.Path) bool { return part.Leads(place.Path) })
}

// propose adds an entry for a template, unless none can be written.
func (b *Bystander) propose(kind *kinds.Kind, t kinds.Template) {
	entry := fmt.Sprintf("{apiVersion: %s, kind: %s", b.APIVersion, b.Kind)
	for i, path := range t.Parts() {
		if !path.CanBeWritten() {
			return
		}
		field, written := [...]string{annotations, "initContainers"}[i], path.String()
		if t.IsWhole() {
			field = "path"
		}
		if strings.Contains(written, "[") {
			written = strconv.Quote(written) // which begins a list in the entry
		}
		entry += ", " + field + ": " + written
	}
	b.entries = append(b.entries, entry+"}")
	if i := slices.IndexFunc(kind.Templates, t.Meets); i >= 0 {
		b.instead = kind.Templates[i].By
	}
}

// annotated looks at pods of which only annotations stand in an object, and labels
// where these stand beside them.
func annotated(o object.Object, path edit.Path) *Workload {
	w := &Workload{kind: &kinds.Kind{}, stand: annotatedAt(path), TemplateAnnotations: o.At(path...).Strings()}
	if last := len(path) - 1; path[last] == annotations {
		w.TemplateLabels = o.At(path[:last]...).Entry(labels).Strings()
	}
	return w
}

// overlaid gives values, and over them those of a narrower place.
func overlaid(values, narrower map[string]string) map[string]string {
	all := maps.Clone(values)
	if all == nil {
		return narrower
	}
	maps.Copy(all, narrower)
	return all
}

// lookAtPods notes what there is to say of a place of which pods are made. done says
// that all that the policy would write there is there, by hand.
func (p *Policy) lookAtPods(b *Bystander, written string, w *Workload, namespace string) (done bool) {
	b.Pods = cmp.Or(b.Pods, written)
	if p.namespaceEnrolled(namespace) == no {
		return false
	}
	w.Object = *b.Object
	w.Namespace, w.controlled = namespace, b.controlled
	was := &prior{record: newRecord(""), annotations: w.TemplateAnnotations, containers: nowhere}
	held := p.planOf(w)
	if len(w.TemplateAnnotations)+len(w.TemplateLabels) > 0 {
		p.reportSlips(w, was, held)
		p.reportChoices(w, was, held)
		p.unruled(w, was, held)
		held.Findings = slices.DeleteFunc(held.Findings, func(f Finding) bool { return f.Kind == nil }) // limits, as below
		b.Held = append(b.Held, held)
	}
	breach := ""
	for _, broken := range p.judgeBeside(b.Object, w.TemplateAnnotations, namespace) {
		breach = cmp.Or(breach, broken.Message)
	}
	reason, _ := p.leaveAlone(w, was, namespace, held.on)
	spoken := reason == "" && p.namespaceEnrolled(namespace) == yes && p.said(w, namespace).anything
	done = spoken && breach == "" && p.isWritten(w, was)
	if spoken = spoken && !done; (spoken || breach != "") && !b.spoken && b.breach == "" {
		b.at, b.Pods = b.Path(), written
		if w.stand.whole || len(w.TemplateAnnotations) > 0 {
			b.at = w.templatePath()
		}
	}
	b.spoken, b.breach = b.spoken || spoken, cmp.Or(b.breach, breach)
	return done
}

// isWritten reports whether the annotations that the policy would write to a place say
// there what it says already, or cannot be read, which is told.
func (p *Policy) isWritten(w *Workload, was *prior) bool {
	if _, refused := p.Mesh.Read(was.annotations); len(refused) > 0 {
		return true
	}
	would := p.planOf(w)
	d := p.desire(w, was, would)
	return len(d.keys) > 0 && len(would.Gaps) == 0 && !slices.ContainsFunc(p.Mesh.Keys, func(k mesh.Key) bool {
		value, writes := d.annotations[k.Annotation]
		is, there := was.annotations[k.Annotation]
		wanted, _ := k.Read(value)
		stands, _ := k.Read(is)
		return writes && (!there || wanted.String() != stands.String())
	})
}

// meantKind gives the known kind that an object would be in other letters, or of
// another group than Kubernetes' core; "" where there is none.
func meantKind(t object.Type) string {
	for _, k := range kinds.Known() {
		group := object.Group(t.APIVersion)
		if near := spelling.Nearest(strings.ToLower(t.Kind), []string{strings.ToLower(k.Kind)}, 2) == 0; k.Group == group && near || group == "" && k.Kind == t.Kind {
			return strings.TrimSuffix(k.Kind+" of the group "+k.Group, " of the group ")
		}
	}
	return ""
}
