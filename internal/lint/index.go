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
	made  func() (byNamespace map[string][]*Workload, byLabel map[label][]*Workload)
}

type label struct{ namespace, key, value string }

func newIndex(unnamed string, workloads []*Workload) *index {
	x := &index{unnamed: unnamed}
	known := map[*bypass]bool{}
	for _, w := range workloads {
		if !w.opensInbound() {
			continue
		}
		x.workloads = append(x.workloads, w)
		if !known[w.bypass] {
			known[w.bypass] = true
			x.ports = x.ports.Union(w.inbound)
		}
		for _, p := range w.named {
			if !slices.Contains(x.names, p.name) {
				x.names = append(x.names, p.name)
			}
		}
	}
	x.made = sync.OnceValues(func() (map[string][]*Workload, map[label][]*Workload) {
		byNamespace, byLabel := map[string][]*Workload{}, map[label][]*Workload{}
		for _, w := range x.workloads {
			byNamespace[w.namespace] = append(byNamespace[w.namespace], w)
			for _, l := range w.labels {
				at := label{w.namespace, l.key, l.value}
				byLabel[at] = append(byLabel[at], w)
			}
		}
		return byNamespace, byLabel
	})
	return x
}

// selected gives the workloads of a namespace whose pods have all of the labels.
func (x *index) selected(namespace string, labels map[string]string) []*Workload {
	namespace = cmp.Or(namespace, x.unnamed)
	byNamespace, byLabel := x.made()
	few := byNamespace[namespace]
	for key, value := range labels {
		have := byLabel[label{namespace, key, value}]
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
	if bytes.ContainsAny(text, "\\_") || bytes.Contains(text, []byte("0x")) || bytes.Contains(text, []byte("0o")) {
		return true
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

// scoped are objects that speak of pods: of all in a namespace, or of those that
// they select.
type scoped[T any] struct {
	wide map[string][]T
	// narrow holds those with a selector by one of its labels, so that a pod
	// need not be held against all of them.
	narrow map[label][]selecting[T]
}

type selecting[T any] struct {
	labels map[string]string
	one    T
}

func (s *scoped[T]) add(namespace string, labels map[string]string, one T) {
	if s.wide == nil {
		s.wide, s.narrow = map[string][]T{}, map[label][]selecting[T]{}
	}
	if len(labels) == 0 {
		s.wide[namespace] = append(s.wide[namespace], one)
		return
	}
	key := slices.Min(keysOf(labels))
	at := label{namespace, key, labels[key]}
	s.narrow[at] = append(s.narrow[at], selecting[T]{labels, one})
}

// selecting gives those that select the pods of a workload.
func (s *scoped[T]) selecting(w *Workload) []T {
	var found []T
	for _, l := range w.labels {
		for _, each := range s.narrow[label{w.namespace, l.key, l.value}] {
			if w.labels.have(each.labels) {
				found = append(found, each.one)
			}
		}
	}
	return found
}

func keysOf[V any](m map[string]V) []string { return slices.Collect(maps.Keys(m)) }
