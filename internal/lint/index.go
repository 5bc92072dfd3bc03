package lint

import (
	"slices"
)

// index finds workloads by namespace and labels without asking each of them.
type index struct {
	workloads   []*Workload
	byNamespace map[string][]*Workload
	byLabel     map[label][]*Workload
}

type label struct{ namespace, key, value string }

func newIndex(workloads []*Workload) *index {
	x := &index{workloads: workloads, byNamespace: map[string][]*Workload{}, byLabel: map[label][]*Workload{}}
	for _, w := range workloads {
		x.byNamespace[w.namespace] = append(x.byNamespace[w.namespace], w)
		for key, value := range w.labels {
			at := label{w.namespace, key, value}
			x.byLabel[at] = append(x.byLabel[at], w)
		}
	}
	return x
}

// selected gives the workloads of a namespace whose pods have all of the labels.
func (x *index) selected(namespace string, labels map[string]string) []*Workload {
	few := x.byNamespace[namespace]
	for key, value := range labels {
		if have := x.byLabel[label{namespace, key, value}]; len(have) < len(few) {
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
		if subset(labels, w.labels) {
			found = append(found, w)
		}
	}
	return found
}

func subset(part, whole map[string]string) bool {
	for key, value := range part {
		if have, there := whole[key]; !there || have != value {
			return false
		}
	}
	return true
}

// opening gives the index of the workloads with ports that are reached without
// the sidecar.
func (j *judgement) opening() *index {
	if j.index == nil {
		j.index = newIndex(slices.DeleteFunc(slices.Clone(j.workloads), func(w *Workload) bool { return !w.opensInbound() }))
	}
	return j.index
}
