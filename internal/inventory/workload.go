package inventory

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/pattern"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// workload is one whose settings may be imported.
type workload struct {
	*transform.Workload
	annotated
	// alone is why the function does not touch it, "" where it does.
	alone string
	// target is what holds in its pods now; said is what rules have to say of
	// it so that the same holds by the spec.
	target traffic.Settings
	said   traffic.Layer
	// void are annotations without an effect.
	void map[string]string
	// beneath are annotations beside the pod templates that count where the template does
	// not say a key.
	beneath annotations
	// twins are other manifests of the same workload that say the same, and other pod
	// templates of the same object.
	twins []*workload
}

func (w *workload) id() string { return w.ID() }

// namespace is a Namespace, whose annotations some meshes read.
type namespace struct {
	resource
	annotated
	// needed is the pods' owner for whom the annotations have to stay, "" if
	// there is none.
	needed string
}

// annotated is what annotations of the mesh say.
type annotated struct {
	annotations
	// imported is what goes into the spec, taken the keys that then can go.
	imported traffic.Layer
	taken    []string
	// left is what has to stay where it is.
	left traffic.Layer
	// moved are ports that others of the annotations make the mesh's own.
	moved []mesh.Moved
	// makes reports whether krm-bypass makes the mapping at a path anew; nil where it does
	// not write.
	makes func(path edit.Path) bool
}

func annotatedAt(in *document, resource string, path edit.Path, values map[string]string) annotated {
	return annotated{annotations: annotations{in, resource, path, values}}
}

// annotations are where the mesh's keys stand.
type annotations struct {
	in       *document
	resource string
	path     edit.Path
	values   map[string]string
}

// read gives those that a mesh reads.
func (a annotations) read(m *mesh.Mesh) map[string]string {
	values := map[string]string{}
	for _, key := range m.Keys {
		if value, has := a.values[key.Annotation]; has {
			values[key.Annotation] = value
		}
	}
	return values
}

func (a annotations) problem(key, format string, args ...any) Problem {
	return a.in.problem(a.resource, append(slices.Clone(a.path), key), format, args...)
}

// fillsIn is why a template that is YAML by chance is left alone.
const fillsIn = "a Helm chart fills it in: render the chart (helm template) and import what comes out"

// reason says why they are left alone, "" if they are not. left is why the
// function does so, and name what Kubernetes may not take.
func (a annotations) reason(left string, nameable bool, name string) string {
	switch {
	case left != "":
		return left
	case !nameable:
		return "no rule can name it, since Kubernetes does not take its " + name
	}
	for _, value := range a.values {
		if strings.Contains(value, templated) {
			return fillsIn
		}
	}
	return ""
}

// untouched tells of each of them that it is left alone.
func (s *survey) untouched(a annotations, why string) {
	for _, key := range slices.Sorted(maps.Keys(a.values)) {
		s.warn(a.problem(key, "left as it is%s", why))
	}
}

func (s *survey) malformed(d *document, err error) {
	if errors.Is(err, object.ErrTemplate) {
		s.skip(d.file, d.line)
		return
	}
	var path edit.Path
	if bad, is := errors.AsType[*transform.FieldError](err); is {
		path, err = bad.Path, bad.Err
	}
	s.fail(d.problem("", path, "%v", err))
}

// judge reads the annotations of every workload and Namespace, and says what of
// them is imported.
func (s *survey) judge() {
	s.leavePatches()
	s.place()
	var considered []*workload
	for _, w := range s.workloads {
		w.values, w.moved = w.read(s.mesh), s.mesh.Moves(w.values)
		if _, recorded := w.Annotations[transform.RecordAnnotation]; recorded {
			s.fail(w.in.problem(w.id(), w.Path("metadata", "annotations", transform.RecordAnnotation),
				"krm-bypass has written to this workload already: import the manifests as they were before"))
			continue
		}
		w.alone = w.reason(s.policy.LeftAlone(w.Workload), nameable(w.Name, w.Namespace), "name or namespace")
		if w.alone != "" {
			s.untouched(w.annotations, ", since krm-bypass leaves this workload alone: "+w.alone)
			continue
		}
		s.unsayable(s.policy, w.annotations, w.TemplateAnnotations)
		if s.policy.DataPlane(w.Workload) != mesh.Sidecar {
			w.void, w.values = w.values, nil // which have no effect, as verify tells
		}
		s.split(&w.annotated)
		considered = append(considered, w)
	}
	alone := s.workloads
	s.workloads = considered
	if s.mesh.NamespaceKeys == "" {
		s.namespaces = nil
	}
	for _, n := range s.namespaces {
		s.unsayable(s.policy, n.annotations, n.values)
		n.values, n.moved = n.read(s.mesh), s.mesh.Moves(n.values)
		if reason := n.reason(s.policy.LeftNamespace(n.name), nameable(n.name, n.name), "name"); reason != "" {
			s.untouched(n.annotations, ": "+reason)
			continue
		}
		s.split(&n.annotated)
		if first := s.namespaceOf(n.name); first != n && !first.imported.Equal(n.imported) {
			s.fail(n.in.problem(n.id(), n.path("metadata", "annotations"), "%s says something else of the same Namespace: name only one of the two files", first.in.file))
		}
		for _, w := range alone {
			if w.alone != "" && w.Namespace == n.name && n.needed == "" && len(n.taken) > 0 {
				n.needed = w.id()
				s.warn(n.problem(n.taken[0], "imported, but it has to stay too: %s relies on it, and krm-bypass leaves that alone: %s", w.id(), w.alone))
			}
		}
	}
	s.namespaces = append(s.namespaces, s.scoped...)
}

// place finds the Namespaces that put their pods into another data plane, where nothing
// else says otherwise: annotations of a sidecar have no effect there.
func (s *survey) place() {
	for _, n := range s.namespaces {
		if known := slices.ContainsFunc(s.planes, func(other *namespace) bool { return other.name == n.name }); known || !n.places(s.mesh) {
			continue
		}
		if i := slices.IndexFunc(s.namespaces, func(other *namespace) bool { return other.name == n.name && !other.places(s.mesh) }); i >= 0 {
			s.leavePlane(n, s.namespaces[i].in.file+" has the same Namespace without it: name only the files of what is deployed together")
			continue
		}
		s.planes = append(s.planes, n)
		s.policy.Scopes = append(s.policy.Scopes, transform.Scope{Match: &transform.Match{Namespaces: []string{n.name}}, Plane: mesh.Ambient})
	}
}

func (s *survey) leavePlane(n *namespace, why string) {
	s.warn(n.in.problem(n.id(), n.path("metadata", "labels", s.mesh.PlaneLabel().Key), "not imported: %s", why))
}

// leavePatches tells of patches of Namespaces, and leaves them out.
func (s *survey) leavePatches() {
	s.namespaces = slices.DeleteFunc(s.namespaces, func(n *namespace) bool {
		why := n.in.isPatch()
		if why == "" {
			return false
		}
		if n.places(s.mesh) {
			s.leavePlane(n, why)
		}
		if s.mesh.NamespaceKeys != "" {
			n.values = n.read(s.mesh)
			s.untouched(n.annotations, ": "+why)
		}
		return true
	})
}

// places reports whether the Namespace is one that puts its pods into Ambient.
func (n *namespace) places(m *mesh.Mesh) bool {
	labels, label := n.Below("metadata", "labels").Strings(), m.PlaneLabel()
	return label.Key != "" && labels[label.Key] == label.Value && nameable(n.name, n.name) &&
		(&transform.Policy{Mesh: m}).LeftNamespace(n.name) == "" && m.On(mesh.Ambient).UnmeshedNamespace(labels, nil) == ""
}

// The names that Kubernetes takes, of which a generateName is the beginning
// (k8s.io/apimachinery pkg/api/validation/name.go).
var (
	objectName    = pattern.Of(`^[a-z0-9][-.a-z0-9]*$`)
	namespaceName = pattern.Of(`^[a-z0-9][-a-z0-9]*$`)
)

func nameable(name, namespace string) bool {
	return objectName.Matches(name) && (namespace == "" || namespaceName.Matches(namespace))
}

// split reads annotations and tells what is imported from what has to stay.
func (s *survey) split(a *annotated) {
	for _, m := range s.mesh.Misleads(a.values) {
		key, _ := s.mesh.Key(m.Field)
		s.warn(a.problem(key.Annotation, "%s", m.Reason))
	}
	for _, key := range s.mesh.Keys {
		value, has := a.values[key.Annotation]
		if !has {
			continue
		}
		problem := func(format string, args ...any) Problem { return a.problem(key.Annotation, format, args...) }
		layer, readable := s.value(key, value, problem)
		if !readable {
			continue
		}
		if !layer.Says(key.Field) { // the mesh passes over it
			a.taken = append(a.taken, key.Annotation)
			continue
		}
		layer, reason := s.importable(key, layer, a.moved, problem)
		if reason == "" && !entry(a.in.text.Nodes, append(slices.Clone(a.path), key.Annotation)) {
			reason = "it comes from an alias or a merge key: write it out where you mean it"
		}
		if reason != "" {
			a.left = a.left.With(key.Field, layer)
			s.warn(problem("left as it is: %s", reason))
			continue
		}
		a.imported = a.imported.With(key.Field, layer)
		a.taken = append(a.taken, key.Annotation)
	}
}

// importable gives what of an annotation a spec may say, or why it may not say
// it at all: the mesh's own ports and loopback are not the user's.
func (s *survey) importable(key mesh.Key, l traffic.Layer, moved []mesh.Moved, problem told) (rest traffic.Layer, reason string) {
	for _, ports := range []*traffic.Ports{l.ExcludeInboundPorts, l.ExcludeOutboundPorts, l.IncludeOutboundPorts} {
		if ports == nil {
			continue
		}
		own := s.mesh.Own(*ports, moved...)
		if own.IsEmpty() {
			continue
		}
		if key.Field != traffic.ExcludeInboundPorts || !own.Of(traffic.TCP).Without(s.mesh.Always).IsEmpty() {
			return l, s.ownReason(own)
		}
		kept := ports.Without(own)
		l.ExcludeInboundPorts = &kept
		s.warn(problem("%s is not imported, since %s excludes it in every pod by itself", own.Of(traffic.TCP), s.mesh.Name))
	}
	if in := l.IncludeInboundPorts; in != nil && !in.All() {
		if own := s.mesh.Own(in.Set(), moved...); !own.IsEmpty() {
			return l, s.ownReason(own)
		}
	}
	if in := l.IncludeOutboundIPRanges; in != nil && !in.All() && slices.ContainsFunc(in.Set().List(), mesh.Loopback) {
		return l, "it holds loopback, which a ClusterBypass cannot mention"
	}
	return s.withoutLoopback(l, problem), ""
}

func (s *survey) ownReason(own traffic.Ports) string {
	return fmt.Sprintf("it holds ports of %s itself (%s), which a ClusterBypass cannot mention", s.mesh.Name, own)
}

// target says for every workload what holds in its pods, and what rules have to
// say so that it holds by them.
func (s *survey) target(configured traffic.Layer) {
	s.raw = configured
	s.defaults = s.mesh.Effective(configured).Layer()
	s.defaults.ExcludeOutbound = nil // the mesh's configuration has no such thing
	for _, f := range traffic.Fields {
		if s.mesh.Defaults.Says(f) && !s.defaults.Says(f) {
			s.defaults = s.defaults.With(f, traffic.Cleared) // it is configured not to
		}
	}
	for _, w := range s.workloads {
		var broad traffic.Layer
		if n := s.namespaceOf(w.Namespace); n != nil {
			broad = s.mesh.Level(n.imported, n.left)
		}
		pod := s.mesh.Level(w.imported, w.left)
		w.target = s.mesh.Effective(s.raw, broad, pod)
		if w.imported.IsZero() {
			continue
		}
		if why := s.irrevocable(w); why != "" {
			s.leave(w, why)
			continue
		}
		if s.mesh.Merge() == traffic.Union {
			w.said = w.imported
			continue
		}
		target := w.target.Whole()
		for _, f := range traffic.Fields {
			if w.imported.Says(f) {
				w.said = w.said.With(f, target)
			}
		}
		// Where levels of the mesh meet otherwise than scopes of a spec, the
		// rule says it too.
		folded := func() traffic.Settings {
			return s.defaults.Merge(broad, traffic.Override).Merge(w.said, traffic.Override).Merge(w.left, traffic.Override).Settings()
		}
		got := folded().Whole()
		for _, f := range traffic.Fields {
			if !w.left.Says(f) && !got.Agrees(f, target) {
				w.said = w.said.With(f, target)
			}
		}
		if !folded().Equal(w.target) || !s.sayable(w.said) {
			s.leave(w, "a rule would not mean the same beside what cannot be imported for this workload")
		}
	}
}

// irrevocable says why no annotation that a rule would write keeps what the mesh itself is
// configured to from counting beside the rule, "" where it does.
func (s *survey) irrevocable(w *workload) string {
	said, _ := s.mesh.Express(w.target, s.defaults)
	for _, g := range s.mesh.Irrevocable(w.target, said, s.defaults) {
		return fmt.Sprintf("by a rule %s would bypass more: it leaves that to the init container, and %s", g.Field, g.Reason)
	}
	return ""
}

// sayable reports whether a rule may say a layer. It may not if the layer holds
// ports of the mesh, which get in where a rule repeats the mesh's configuration.
func (s *survey) sayable(l traffic.Layer) bool {
	settings := l.Settings()
	return !slices.ContainsFunc(traffic.Fields, func(f traffic.Field) bool {
		return !s.mesh.Own(settings.Ports(f).Set()).IsEmpty()
	})
}

// leave leaves a workload as it is altogether, where no rule would mean what its
// annotations mean together.
func (s *survey) leave(w *workload, why string) {
	for _, key := range w.taken {
		s.warn(w.problem(key, "left as it is: %s", why))
	}
	w.left = s.mesh.Level(w.imported, w.left)
	w.imported, w.said, w.taken = traffic.Layer{}, traffic.Layer{}, nil
}

// namespaceOf finds a Namespace, nil if it is not there or its annotations do
// not count.
func (s *survey) namespaceOf(name string) *namespace {
	first, _ := each.First(s.namespaces, func(n *namespace) bool { return n.name == name })
	return first
}

// unite finds manifests that no rule could tell apart. They must say the same.
func (s *survey) unite() {
	var united []*workload
	named := map[[2]string][]*workload{}
	for _, w := range s.workloads {
		twin := false
		name := [2]string{w.KindEntry(), w.Name}
		for _, other := range named[name] {
			same := w.said.Equal(other.said)
			switch {
			case w.Namespace == other.Namespace && same:
				other.twins = append(other.twins, w)
				twin = true
			case w.Namespace == other.Namespace:
				s.fail(w.in.problem(w.id(), w.Path("metadata", "name"), "%s says something else of a workload of the same name, and no rule could tell them apart: give each its metadata.namespace, or import them one by one", other.in.file))
			case !same && (w.Namespace == "" && !w.said.IsZero() || other.Namespace == "" && !other.said.IsZero()):
				s.fail(w.in.problem(w.id(), w.Path("metadata", "name"), "%s says something else of a workload of the same name, and one of the two has no namespace by which a rule could tell them apart: set its metadata.namespace", other.in.file))
			}
		}
		if !twin {
			united = append(united, w)
			named[name] = append(named[name], w)
		}
	}
	s.workloads = united
}
