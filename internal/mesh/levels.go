package mesh

import "github.com/krm-bypass/krm-bypass/internal/traffic"

// Levels says how a pod's annotation meets what the mesh's own configuration says
// for every pod.
type Levels uint8

const (
	// Replaces: what a pod says replaces the mesh's own, even if it is empty.
	Replaces Levels = iota
	// Adds: the mesh unites its own and the pod's.
	Adds
	// FirstSaid: what a pod says replaces the mesh's own, but an empty value
	// says nothing.
	FirstSaid
	// PodAlone: the mesh's configuration has no such lists.
	PodAlone
)

// Merge says how scopes of a spec meet when they meet as the mesh's levels do.
func (m *Mesh) Merge() traffic.Merge {
	if m.Levels == Adds {
		return traffic.Union
	}
	return traffic.Override
}

// Level gives what a level of the mesh says on top of a broader one. It differs
// from how the scopes of a spec meet: no field takes a port away from another.
func (m *Mesh) Level(broad, narrow traffic.Layer) traffic.Layer {
	if m.Levels == Adds {
		return broad.Merge(narrow, traffic.Union)
	}
	for _, f := range traffic.Fields {
		if narrow.Says(f) && (m.Levels == Replaces || !narrow.Clears(f)) {
			broad = broad.With(f, narrow)
		}
	}
	return broad
}

// Effective gives what levels, broad to narrow, amount to in a pod, by the decision
// of traffic.Settings.
func (m *Mesh) Effective(levels ...traffic.Layer) traffic.Settings {
	var sum traffic.Layer
	for _, l := range levels {
		sum = m.Level(sum, l)
	}
	if m.means == nil {
		return sum.Settings()
	}
	return m.means(sum.Settings())
}
