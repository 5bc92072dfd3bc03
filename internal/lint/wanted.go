package lint

import (
	"bytes"
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// Wanted says which objects the checks that have something to look at need to
// see.
type Wanted struct {
	checks []*Check
	kinds  []*kind
	// opening are the workloads with ports that are reached without the
	// sidecar.
	opening *index
	// anyService says that others than those that lead there are wanted.
	anyService bool
	// leaving are the ports of Services to which connections may bypass it, where that
	// matters.
	leaving *index
}

// Wants gives what is wanted because of the workloads, where present says which
// kinds of objects there are.
func (l *Linter) Wants(workloads []*Workload, present func(is func(object.Type) bool) bool) Wanted {
	wanted := Wanted{opening: newIndex(l.policy.Namespace, decided(workloads))}
	for _, c := range l.checks {
		matters := func(w *Workload) bool {
			return w.isIn(c.only) && (!w.intact || c.ofIntact) && (c.concerns == nil || c.concerns(w))
		}
		if c.judge == nil || !(c.ofLimits && l.limited) && !slices.ContainsFunc(workloads, matters) || !c.isAboutAny(present) {
			continue
		}
		wanted.checks, wanted.anyService = append(wanted.checks, c), wanted.anyService || c.anyService
		if c.Kind == finding.SocketBalance {
			wanted.leaving = leavingIndex(workloads)
		}
		for _, k := range slices.Concat(c.about, c.reads) {
			if (k.of == "" || k.of == l.policy.Mesh.Domain) && !slices.Contains(wanted.kinds, k) {
				wanted.kinds = append(wanted.kinds, k)
			}
		}
	}
	return wanted
}

// isAboutAny reports whether objects are there without which the check has nothing to say.
func (c *Check) isAboutAny(present func(is func(object.Type) bool) bool) bool {
	return len(c.about) == 0 || present(func(t object.Type) bool { return t.List }) ||
		slices.ContainsFunc(c.about, func(k *kind) bool { return present(k.is) })
}

// decided leaves out workloads of which no rule speaks.
func decided(workloads []*Workload) []*Workload {
	return slices.DeleteFunc(slices.Clone(workloads), func(w *Workload) bool { return w.intact })
}

// Type says by its type whether a document may hold an object that is wanted.
// named says that only some names are.
func (w Wanted) Type(t object.Type) (wanted, named bool) {
	if len(w.kinds) == 0 {
		return false, false
	}
	if t.List {
		return true, false
	}
	k := w.find(t)
	return k != nil, k != nil && k.called != nil
}

// Name reports whether an object of a kind of which only some names are wanted is
// one of them.
func (w Wanted) Name(t object.Type, name string) bool {
	k := w.find(t)
	return k != nil && (k.called == nil || k.called(name))
}

// Text says by the text of an object of a kind, without reading it, whether it may
// matter.
func (w Wanted) Text(t object.Type, text []byte) bool {
	if w.find(t) != services || w.anyService {
		return true
	}
	return w.opening.mentioned(text) || w.leaving.mentioned(text) || w.leaving != nil && bytes.Contains(text, []byte("clusterIP"))
}

func (w Wanted) find(t object.Type) *kind {
	i := slices.IndexFunc(w.kinds, func(k *kind) bool { return k.is(t) })
	if i < 0 {
		return nil
	}
	return w.kinds[i]
}

// Read views the objects of a document that are wanted. item is its place.
func (w Wanted) Read(part object.Part, document node.Value, item int) (items Items) {
	opening := w.opening
	if w.anyService || w.leaving != nil {
		opening = nil
	}
	wanted := func(t object.Type) bool { return w.find(t) != nil }
	transform.Objects(part, document.Node(), wanted, func(o *transform.Object, found object.Object) {
		if k := w.find(found.Type); k.called == nil || k.called(o.Name) {
			o.Item = item
			if view := k.view(resource{o, found.Value}, opening); view != nil {
				if !k.changed { // there may be very many
					view.hold(resource{Object: o.Named()})
				}
				items = append(items, view)
			}
		}
	})
	return items
}
