package transform

import (
	"fmt"
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/kinds"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// Object is what a plan needs to see of any object.
type Object struct {
	APIVersion, Kind, Name, Namespace string
	// File and Index are where the object came from, if an orchestrator said.
	File  string
	Index int
	// Item is for who looks at many documents to know this one's by.
	Item int
	// Annotations are the object's own, and labels too.
	Annotations, labels map[string]string

	// base leads from the document to the object, which may be an item of a
	// List.
	base edit.Path
	// outer is how many steps of base lead to the text.
	outer int
	// parents are the nodes that a plan may have to create, outermost first.
	parents []parent
	// names are what a record calls items of lists in which templates stand, by their
	// paths from the object.
	names  map[string]string
	source func(edit.Path) (string, error)
	// tolerated are keys that appear twice where nobody here reads them.
	tolerated []*FieldError
}

// Workload is what the plan needs to see of an object with a pod template.
type Workload struct {
	Object
	// Use is what kustomizations make of its file.
	Use Use
	// TemplateLabels and TemplateAnnotations are the pod template's. Merge
	// keys are followed.
	TemplateLabels, TemplateAnnotations map[string]string

	// mergedAnnotations are those of the template that a merge key brings
	// in, also where an explicit key hides them.
	mergedAnnotations map[string]string
	// above are the places with annotations or labels that lie above the template.
	above []described
	kind  *kinds.Kind
	stand stand
	// family are the workloads of the object, of which this is one.
	family []*Workload
	// generated says that the API server makes up the name, of which Name is the
	// beginning.
	generated  bool
	controlled bool
	// Copied says that it was read from a cluster, where a controller made it of the
	// template of an object of a known kind. What there is to say of that is said there.
	Copied     bool
	referenced bool
	// podless says that there is no pod spec, imageless that no container has an
	// image, and unselected that there is no selector: as in a patch.
	podless, imageless, unselected bool
	// unlabelled says that the labels of the pods cannot be read for sure.
	unlabelled bool
	// meant is the path to the pod template around, or in, what is podless by the path of
	// an entry of the spec.
	meant string
	// hostNetwork says that the pods use the host's network, and hosted that a field
	// beside the template says so.
	hostNetwork, hosted bool
	// covered says that the pods are those of other templates of the object, which are laid
	// over this one.
	covered bool
	// over are the annotations over which those of the template are laid.
	over map[string]string
	// windows are the steps from the template to the field that says so, nil
	// where none does.
	windows []any
	// initContainers and containers are the template's, in their order.
	initContainers, containers []container
	// ports are the numbers of the containers' ports by their names, where the policy
	// speaks of any.
	ports map[string]traffic.Ports
	// as says as whom the pod's containers run that do not say so themselves.
	as [2]string
	// pullSecrets are the pod's image pull secrets, and hasPullSecrets the names
	// of all of them.
	pullSecrets    sharedList
	hasPullSecrets []string
}

// parent is a node that a plan may create, fill or empty.
type parent struct {
	// path leads there, and name is what a record calls it.
	path  edit.Path
	name  string
	state parentState
	// children are the keys of a mapping, or for a list one name an item.
	children []string
	// lent says that all of them are an orchestrator's, which takes them away
	// again behind the function.
	lent bool
}

type parentState int

const (
	absent parentState = iota
	// null is there as a key without a value.
	null
	present
)

type container struct {
	name  string
	path  edit.Path
	as    [2]string
	value node.Value
	// digests are those of the whole container, one for each way in which it may have
	// been written; for one by our name alone.
	digests []string
}

// In gives the value in the object's text at a path that begins with the object's.
func (o *Object) In(text node.Value, path edit.Path) node.Value {
	return text.At(path[o.outer:]...)
}

// Path gives the path of a field given relative to the object.
func (o *Object) Path(relative ...any) edit.Path {
	return slices.Concat(o.base, edit.Path(relative))
}

// relative names a place within the object, so that a record stays true when the
// object is moved into a List or out of it, and when items come before one of its own.
func (o *Object) relative(path edit.Path) string {
	path = path[len(o.base):]
	for n := len(path); n > 0 && o.names != nil; n-- {
		if name, named := o.names[path[:n].String()]; named {
			return further(name, path[n:]...)
		}
	}
	return path.String()
}

// parent gives one by its path.
func (o *Object) parent(path edit.Path) parent {
	first, _ := each.First(o.parents, func(p parent) bool { return slices.Equal(p.path, path) })
	return first
}

func (w *Workload) templatePath(relative ...any) edit.Path {
	path := w.stand.path(relative)
	if len(w.base) == 0 {
		return path
	}
	return slices.Concat(w.base, path)
}

// hostNetworkPath leads to the field by which the pods use the host's network.
func (w *Workload) hostNetworkPath() edit.Path {
	if w.hosted {
		return w.Path(keysOf(w.kind.HostNetwork)...)
	}
	return w.templatePath("spec", "hostNetwork")
}

// Template gives the pod template in the object's text, put together where only parts of
// one stand there.
func (w *Workload) Template(text node.Value) node.Value {
	return w.stand.template(w.In(text, w.Path()))
}

// TemplatePath gives the path of a field given relative to the pod template.
func (w *Workload) TemplatePath(relative ...any) edit.Path { return w.templatePath(relative...) }

// Beneath gives the annotations that count where those of the pod template do not say a
// key, and where they stand; nil where there are none.
func (w *Workload) Beneath() (path edit.Path, values map[string]string) {
	if w.stand.over == nil {
		return nil, nil
	}
	return w.Path(w.stand.over[0]...), w.over
}

// Makes reports whether a mapping around the annotations of the pod template, or they,
// may be absent, because a plan makes it anew there.
func (w *Workload) Makes(path edit.Path) bool {
	relative := path[len(w.base):]
	switch s := w.stand; {
	case !s.whole && !s.made && !s.merged:
		return false // what is not there is nothing to write to
	case s.whole && s.initContainers == nil && !s.made && len(relative) < len(s.annotations):
		return false // of the template there is nothing else
	default:
		return slices.ContainsFunc(s.makes, func(made edit.Path) bool { return slices.Equal(made, relative) })
	}
}

// Named gives what names the object and says where it stands, to be kept longer
// than all that a plan needs to see of it.
func (o *Object) Named() *Object {
	return &Object{
		APIVersion: o.APIVersion, Kind: o.Kind, Name: o.Name, Namespace: o.Namespace,
		File: o.File, Index: o.Index, Item: o.Item, base: o.base, outer: o.outer,
	}
}

// foreign gives the containers of a pod but ours, by their places among its init
// containers.
func (w *Workload) foreign(ours places) []container {
	var all []container
	for i, c := range w.initContainers {
		if !slices.Contains(ours[:], i) {
			all = append(all, c)
		}
	}
	return append(all, w.containers...)
}

// byName gives those of some containers that have a name.
func byName(containers []container, name string) []container {
	return slices.DeleteFunc(containers, func(c container) bool { return c.name != name })
}

// ID names the object in messages.
func (o *Object) ID() string { return object.Named(o.Kind, o.Namespace, o.Name) }

// FieldError is about one field of an object.
type FieldError struct {
	Path edit.Path
	// Value is what is there, "" if that says nothing.
	Value string
	Err   error
	// Of are the workloads that the object is, as far as they can be read; nil if it is
	// none.
	Of []*Workload
}

func (e *FieldError) Error() string { return fmt.Sprintf("%s: %v", e.Path, e.Err) }

// Unwrap gives the error itself.
func (e *FieldError) Unwrap() error { return e.Err }

// IsCandidate says by its type alone whether an object may be or hold a workload
// or the configuration of a mesh, so that nothing else need be decoded.
func (p *Policy) IsCandidate(t object.Type) bool { return t.List || p.isOurs(t) }

// isOurs reports whether an object of a type may be written.
func (p *Policy) isOurs(t object.Type) bool {
	_, found := p.kindOf(t)
	return found || configuresMesh(t)
}

// IsKnown reports whether every policy has objects of a type for candidates.
func IsKnown(t object.Type) bool {
	_, found := kinds.Find(object.Group(t.APIVersion), t.Kind)
	return found || configuresMesh(t)
}

func configuresMesh(t object.Type) bool {
	_, configures := mesh.ConfiguredBy(object.Group(t.APIVersion), t.Kind)
	return configures
}

func (p *Policy) kindOf(t object.Type) (*kinds.Kind, bool) {
	return p.Kinds.Find(object.Group(t.APIVersion), t.Kind)
}
