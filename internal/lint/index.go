package lint

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"sync"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// index finds the workloads with ports that are reached without the sidecar, by
// namespace and labels, without asking each of them. It is safe for concurrent
// use.
type index struct {
	// unnamed is the namespace of objects that name none.
	unnamed   string
	workloads []*Workload
	// ports are all of those ports, and names those of container ports.
	ports traffic.Ports
	names []string
	// labelled gives them by label.
	labelled func() map[label][]*Workload
}

// label is a label of pods in a namespace. One without a key is on all of them.
type label struct{ namespace, key, value string }

func newIndex(unnamed string, workloads []*Workload) *index {
	x := &index{unnamed: unnamed}
	known := map[*bypass]bool{}
	var all []traffic.Ports
	for _, w := range workloads {
		if !w.opensInbound() {
			continue
		}
		x.workloads = append(x.workloads, w)
		if !known[w.bypass] {
			known[w.bypass] = true
			all = append(all, w.inbound)
		}
		for _, p := range w.named {
			if !slices.Contains(x.names, p.name) {
				x.names = append(x.names, p.name)
			}
		}
	}
	x.ports = traffic.UnionOf(all...)
	x.labelled = sync.OnceValue(func() map[label][]*Workload {
		labelled := map[label][]*Workload{}
		for _, w := range x.workloads {
			for _, l := range append(w.labels[:len(w.labels):len(w.labels)], podLabel{}) {
				at := label{w.namespace, l.key, l.value}
				labelled[at] = append(labelled[at], w)
			}
		}
		return labelled
	})
	return x
}

// selected gives the workloads of a namespace whose pods have all of the labels.
func (x *index) selected(namespace string, labels map[string]string) []*Workload {
	namespace = cmp.Or(namespace, x.unnamed)
	few := x.labelled()[label{namespace: namespace}]
	for key, value := range labels {
		have := x.labelled()[label{namespace, key, value}]
		if len(labels) == 1 {
			return have
		}
		if len(have) < len(few) {
			few = have
		}
	}
	return having(few, labels)
}

// selectedAnywhere does so for all namespaces together.
func (x *index) selectedAnywhere(labels map[string]string) []*Workload {
	return having(x.workloads, labels)
}

func having(workloads []*Workload, labels map[string]string) []*Workload {
	if len(labels) == 0 {
		return workloads
	}
	var found []*Workload
	for _, w := range workloads {
		if w.labels.have(labels) {
			found = append(found, w)
		}
	}
	return found
}

// mentioned says by the text of a Service whether it may lead to one of the
// ports, so that most need not be read. Numbers that are not written in digits
// alone, and escapes, are left to reading.
func (x *index) mentioned(text []byte) bool {
	if x == nil {
		return false
	}
	for _, odd := range []string{"\\", "_", "0x", "0o"} {
		if bytes.Contains(text, []byte(odd)) {
			return true
		}
	}
	for _, name := range x.names {
		if bytes.Contains(text, []byte(name)) {
			return true
		}
	}
	for i := 0; i < len(text); i++ {
		number, digits := 0, 0
		for ; i < len(text) && '0' <= text[i] && text[i] <= '9'; i++ {
			number, digits = min(number*10+int(text[i]-'0'), 1<<16), digits+1
		}
		if digits > 0 && number < 1<<16 && x.ports.Contains(traffic.TCP, uint16(number)) {
			return true
		}
	}
	return false
}

// scoped are objects that speak of pods: of those that they select, of all in
// their namespace, or of all in the mesh.
type scoped[T chooser] struct {
	j    *judgement
	wide map[string][]T
	// narrow holds those with a selector by one of its labels, so that a pod
	// need not be held against all of them.
	narrow map[label][]T
}

func newScoped[T chooser](j *judgement, all []T) *scoped[T] {
	s := &scoped[T]{j, map[string][]T{}, map[label][]T{}}
	for _, one := range all {
		namespace, labels := j.namespace(one.inNamespace()), one.selects()
		if len(labels) == 0 {
			s.wide[namespace] = append(s.wide[namespace], one)
			continue
		}
		key := slices.Min(keysOf(labels))
		at := label{namespace, key, labels[key]}
		s.narrow[at] = append(s.narrow[at], one)
	}
	return s
}

// of gives those that speak of the pods of a workload, the narrowest first.
func (s *scoped[T]) of(w *Workload) (selecting, wide, mesh []T) {
	for _, l := range w.labels {
		for _, one := range s.narrow[label{w.namespace, l.key, l.value}] {
			if w.labels.have(one.selects()) {
				selecting = append(selecting, one)
			}
		}
	}
	for _, root := range s.j.roots {
		mesh = append(mesh, s.wide[root]...)
	}
	if !slices.Contains(s.j.roots, w.namespace) {
		wide = s.wide[w.namespace]
	}
	return selecting, wide, mesh
}

func keysOf[V any](m map[string]V) []string { return slices.Collect(maps.Keys(m)) }
