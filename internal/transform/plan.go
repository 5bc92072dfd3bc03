package transform

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/node"
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
	// Annotations are those of the template that shall stand there, by key, and
	// Container says that the init container shall.
	Annotations map[string]string
	Container   bool
	// Namespace is the workload's, by its manifest or as it is given; "" where
	// it is not known.
	Namespace string
	// Imageless says that the init container has no image, so that nothing can be
	// written: there are no Edits then.
	Imageless bool
	// Applies says that something is written for the workload.
	Applies bool
	// Edits lead from what stands there to what shall stand there.
	Edits []edit.Edit
	report
}

// Plan says what the policy makes of a workload. It depends on the two alone.
func (p *Policy) Plan(w *Workload) *Plan {
	plan := &Plan{Workload: w}
	plan.tolerate(&w.Object)
	prior, err := priorOf(w)
	if err != nil {
		plan.find(Error, w.Path("metadata", "annotations", RecordAnnotation), w.Annotations[RecordAnnotation], "%v: %s", err, recordRemedy(err))
		return plan
	}
	if prior.container < 0 && prior.record.Wrote[InitEntry] != "" && w.hasContainer(InitName) {
		plan.find(Error, w.templatePath("spec", "initContainers"), InitName,
			"the container %s was changed after krm-bypass wrote it: take it away, and it is written anew; its image and resources are set in spec.enforcement", InitName)
		return plan
	}
	p.reportSlips(w, prior, plan)
	desired := p.desire(w, prior, plan)
	if plan.Failed() || plan.Imageless {
		return plan
	}
	plan.Edits = draftEdits(w, prior, desired, plan)
	return plan
}

// recordRemedy says what to do about a record that cannot be followed.
func recordRemedy(err error) string {
	if errors.Is(err, errUnknownRecord) {
		return "use the version of krm-bypass that wrote it, or a later one"
	}
	return "take this annotation away, and what krm-bypass wrote if it is still there, then run again"
}

// prior is the workload as it was before the function last wrote to it.
type prior struct {
	record *record
	// annotations are those of the template that are the user's, by decoded
	// value.
	annotations map[string]string
	// sources holds the text of those of them that are overwritten.
	sources map[string]string
	// container is the place of our init container, -1 if there is none.
	container int
}

func priorOf(w *Workload) (*prior, error) {
	p := &prior{record: newRecord(), annotations: maps.Clone(w.TemplateAnnotations), sources: map[string]string{}, container: -1}
	text, recorded := w.Annotations[RecordAnnotation]
	if !recorded {
		return p, nil
	}
	r, err := parseRecord(text)
	if err != nil {
		return nil, err
	}
	if err := r.fits(w); err != nil {
		return nil, err
	}
	p.record = r
	p.container = r.wroteContainer(w)
	for key := range r.Wrote {
		if !r.wroteAnnotation(w, key) {
			continue
		}
		delete(p.annotations, key)
		if hidden, merged := w.mergedAnnotations[key]; merged {
			p.annotations[key] = hidden
		}
		source, replaced := r.Replaced[key]
		if !replaced {
			continue
		}
		value, err := decodeScalar(source)
		if err != nil {
			return nil, fmt.Errorf("reading what the record says stood under %s: %w", key, err)
		}
		p.annotations[key], p.sources[key] = value, source
	}
	return p, nil
}

func decodeScalar(source string) (string, error) {
	var document yaml.Node
	// Behind a key, so that a block scalar's indentation is understood.
	if err := yaml.Unmarshal([]byte("value: "+source+"\n"), &document); err != nil {
		return "", err
	}
	value := node.Of(&document).Entry("value")
	if !value.IsScalar() {
		return "", errors.New("not a string")
	}
	return value.Text(), nil
}

// namespaceOf gives the namespace of a workload, "" if it is not known.
func (p *Policy) namespaceOf(w *Workload) string { return cmp.Or(w.Namespace, p.Namespace) }

// desired is what shall stand on a workload. The zero value is nothing.
type desired struct {
	// annotations of the template by key, in the order of keys.
	keys        []string
	annotations map[string]string
	container   *yaml.Node
	// pullSecrets are the names of those that the container's image needs and
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

// desire folds the scopes and says what shall be written.
func (p *Policy) desire(w *Workload, was *prior, plan *Plan) desired {
	namespace := p.namespaceOf(w)
	plan.Namespace = namespace
	fold := append(make(Fold, 0, len(p.Scopes)+2), Claim{Scope: DefaultsPath, Said: p.MeshDefaults, Left: p.MeshDefaults})
	spoken := false
	mode, modeBy := p.Mode, "spec.enforcement.mode"
	if w.kind.Mode != nil {
		mode, modeBy = *w.kind.Mode, ""
	}
	var unsure []string
	for _, s := range p.Scopes {
		switch s.Match.matches(w, namespace) {
		case no:
			continue
		case unknown:
			unsure = append(unsure, s.Path)
			continue
		}
		fold = fold.narrowed(s.Path, s.Layer, s.Merge)
		spoken = spoken || !s.Layer.Adds(s.Merge).IsZero()
		if s.Mode != nil {
			mode, modeBy = *s.Mode, s.Path+".enforcement.mode"
		}
	}
	if !spoken && len(unsure) == 0 {
		p.judgeAnnotated(w, was, plan)
		return desired{}
	}
	if reason, by := p.leaveAlone(w, was, namespace); reason != "" {
		plan.LeftAlone = reason
		plan.find(Info, by, "", "left alone: %s", reason)
		p.advise(w, was, plan)
		p.judgeAnnotated(w, was, plan)
		return desired{}
	}
	enrolled := p.namespaceEnrolled(namespace)
	if enrolled == unknown {
		unsure = []string{enrolmentPath}
	}
	if len(unsure) > 0 {
		severity := Warning
		if p.RequireNamespace {
			severity = Error
		}
		plan.find(severity, w.Path("metadata", "namespace"), "",
			"the namespace of this workload is not known, so what depends on it is not applied (%s): set metadata.namespace, or give the namespace with --namespace or spec.defaultNamespace",
			strings.Join(unsure, ", "))
		if !spoken || enrolled == unknown {
			p.judgeAnnotated(w, was, plan)
			return desired{}
		}
	}

	user, refused := p.Mesh.Read(was.annotations)
	p.reportRefused(w, refused, Error, plan)
	for _, c := range user.Contradictions() {
		key, _ := p.Mesh.Key(c.Exclude)
		plan.find(Error, w.templatePath("metadata", "annotations", key.Annotation), was.annotations[key.Annotation],
			"excludes ports that the annotation for %s includes (%s): take them out of one of the two", c.Include, c.Ports)
	}
	if plan.Failed() {
		return desired{}
	}
	p.reportMisleading(w, was, plan)
	fold = fold.narrowed("", user, p.Merge)
	p.restate(fold)
	settings := fold.Layer().Settings()
	plan.Fold, plan.Settings, plan.Mode, plan.ModeBy = fold, settings, mode, modeBy
	p.judge(w, was, fold, plan)

	sayable, gaps := p.Mesh.Express(settings, p.wide())
	plan.Decided, plan.Sayable, plan.Gaps = true, sayable, gaps
	for _, g := range gaps {
		var at edit.Path
		if key, annotated := p.Mesh.Key(g.Field); annotated {
			at = w.templatePath("metadata", "annotations", key.Annotation)
		}
		switch {
		case mode == AnnotationsOnly && w.kind.Mode != nil && mode == *w.kind.Mode:
			plan.find(Error, at, "", "%s cannot be said by an annotation, and %s takes no init container by default: %s. Set enforcement.mode in a rule for this workload, or take the setting out", g.Field, w.Kind, g.Reason)
		case mode == AnnotationsOnly:
			plan.find(Error, at, "", "%s cannot be said by an annotation of %s, and enforcement.mode is AnnotationsOnly: %s. Use WhereNeeded or InitContainer, or take the setting out", g.Field, p.Mesh.Name, g.Reason)
		default:
			part := ""
			if sayable.Says(g.Field) {
				part = "a part of "
			}
			plan.find(Info, at, "", "%s%s is carried by the init container alone, not by an annotation of %s: %s", part, g.Field, p.Mesh.Name, g.Reason)
		}
	}
	if plan.Failed() {
		return desired{}
	}

	var d desired
	for _, k := range p.Mesh.Keys {
		_, mine := was.annotations[k.Annotation]
		if value, needed := p.Mesh.Value(k, sayable, p.MeshDefaults, mine); needed {
			d.annotate(k.Annotation, value)
		}
	}
	for _, g := range p.Mesh.Irrevocable(settings, sayable, p.MeshDefaults) {
		key, _ := p.Mesh.Key(g.Field)
		plan.find(Warning, w.templatePath("metadata", "annotations", key.Annotation), "", "%s bypasses more than is said here: %s", g.Field, g.Reason)
	}
	needed := mode == InitContainer || mode == WhereNeeded && len(gaps) > 0
	if needed && !settings.BypassNothing() {
		if was.container < 0 && w.hasContainer(InitName) {
			plan.find(Error, w.templatePath("spec", "initContainers"), InitName,
				"a container named %s stands there that krm-bypass did not write: take it away or rename it; its image and resources are set in spec.enforcement", InitName)
			return desired{}
		}
		d.container = p.Enforcement.container(settings)
		plan.Imageless = p.Enforcement.Image == ""
		d.pullSecrets = p.Enforcement.missingPullSecrets(w, was.record)
	}
	if len(d.keys) == 0 && d.container == nil {
		return desired{}
	}
	d.annotate(PolicyAnnotation, policyVersion+node.Digest(settings.String()))
	plan.Applies, plan.Annotations, plan.Container = true, d.annotations, d.container != nil
	return d
}

// restate lets hold what the mesh excludes by itself although the spec does not
// speak of it: a list that replaces it would drop it unseen. A scope that clears
// a field means it, and what the user wrote on the template has been the whole of
// it all along.
func (p *Policy) restate(f Fold) {
	if !p.DefaultsImplied {
		return
	}
	user, folded := f[len(f)-1].Said, f.Layer()
	var unseen []traffic.Field
	for _, field := range traffic.Fields {
		if !user.Says(field) && !folded.Clears(field) {
			unseen = append(unseen, field)
		}
	}
	f.restate(unseen)
}

// policyVersion is that of the form of the settings under the digest.
const policyVersion = "v1:"

// leaveAlone says why a workload that the policy speaks of is not touched, and
// by which of its fields; "" if nothing is in the way.
func (p *Policy) leaveAlone(w *Workload, was *prior, namespace string) (reason string, by edit.Path) {
	if reason := p.notEnrolled(namespace); reason != "" {
		return reason, w.Path("metadata", "namespace")
	}
	switch {
	case w.referenced:
		return "it takes its pods from another workload, by " + strings.Join(w.kind.Reference, "."), w.Path(steps(w.kind.Reference)...)
	case w.podless:
		return "its template has no pod spec, as in a patch; a whole workload needs one", w.templatePath("spec")
	case w.controlled:
		return "it is owned by a controller, which would undo any change", w.Path("metadata", "ownerReferences")
	case w.hostNetwork:
		return "it uses the host's network, where the rules would change the node", w.templatePath("spec", "hostNetwork")
	case w.windows != nil:
		return "it runs on Windows, where there is no such sidecar", w.templatePath(w.windows...)
	case w.kind.Fixed && w.Name == "":
		return "it has neither a name nor a generateName, as in a patch; no cluster takes a " + w.Kind + " without one", w.Path("metadata")
	case w.kind.Fixed && !p.mentioned(w, namespace) && !w.replaceable():
		return fmt.Sprintf("a %s cannot be changed once it is in a cluster; to opt in, name the kind in the match.kinds of a rule for it, or let it be made anew each time (generateName, a hook, or a Replace or Force sync option)", w.Kind), w.Path("kind")
	}
	return p.Mesh.Unmeshed(w.TemplateLabels, was.annotations), w.templatePath("metadata")
}

// replaceable says whether an object is made anew instead of being changed.
func (w *Workload) replaceable() bool {
	if w.generated {
		return true
	}
	for _, hook := range []string{"argocd.argoproj.io/hook", "helm.sh/hook"} {
		if _, hooked := w.Annotations[hook]; hooked {
			return true
		}
	}
	for option := range strings.SplitSeq(w.Annotations["argocd.argoproj.io/sync-options"], ",") {
		switch strings.TrimSpace(option) {
		case "Replace=true", "Force=true":
			return true
		}
	}
	return false
}

// advise warns of annotations on a workload that is left alone: they are not
// the function's to mend, but its user would want to know.
func (p *Policy) advise(w *Workload, was *prior, plan *Plan) {
	user, refused := p.Mesh.Read(was.annotations)
	p.reportRefused(w, refused, Warning, plan)
	p.reportMisleading(w, was, plan)
	_, gaps := p.Mesh.Express(user.Settings(), p.MeshDefaults)
	for _, g := range gaps {
		if key, annotated := p.Mesh.Key(g.Field); g.Fatal && annotated {
			plan.find(Warning, w.templatePath("metadata", "annotations", key.Annotation), was.annotations[key.Annotation], "%s", g.Reason)
		}
	}
}

func (p *Policy) reportRefused(w *Workload, refused []error, severity Severity, plan *Plan) {
	for _, err := range refused {
		var bad *mesh.AnnotationError
		if errors.As(err, &bad) {
			plan.find(severity, w.templatePath("metadata", "annotations", bad.Annotation), bad.Value, "%v", bad.Err)
		}
	}
}

func (p *Policy) reportMisleading(w *Workload, was *prior, plan *Plan) {
	for _, m := range p.Mesh.Misleads(was.annotations) {
		key, _ := p.Mesh.Key(m.Field)
		plan.find(Warning, w.templatePath("metadata", "annotations", key.Annotation), was.annotations[key.Annotation], "%s", m.Reason)
	}
}
