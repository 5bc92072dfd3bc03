package mesh

import (
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

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

// Part is some of what a level says.
type Part struct {
	// Level is the place of the level, broad to narrow.
	Level int
	Said  traffic.Layer
}

// Parts cuts what levels, broad to narrow, say into parts in the order in which the
// mesh's own rules let them win. Folded as Merge says, they come to what holds in a
// pod without an init container of krm-bypass, by the decision of traffic.Settings.
func (m *Mesh) Parts(levels ...traffic.Layer) []Part {
	last := map[traffic.Field]int{}
	var losing, winning []Part
	for i, said := range levels {
		for _, f := range traffic.Fields {
			switch {
			case !m.says(f), said.Clears(f) && m.Levels != Replaces:
				said = said.Without(f) // it says nothing to the mesh
			case said.Says(f):
				last[f] = i
			}
		}
		losing = append(losing, Part{i, said})
	}
	for _, f := range m.wins {
		if i, said := last[f]; said {
			winning = append(winning, Part{i, losing[i].Said.Of(f)})
			losing[i].Said = losing[i].Said.Without(f)
		}
	}
	parts := slices.DeleteFunc(append(losing, winning...), func(p Part) bool { return p.Said.IsZero() })
	sum := m.fold(parts)
	first := traffic.NewPairs(sum.ExcludeOutboundIPRanges, sum.IncludeOutboundPorts.Intersect(traffic.RangedPorts))
	if m.rangesFirst && !first.IsEmpty() {
		parts = append(parts, Part{last[traffic.ExcludeOutboundIPRanges], traffic.Layer{ExcludeOutbound: &first}})
	}
	return parts
}

// says reports whether the mesh can be told the field at all.
func (m *Mesh) says(f traffic.Field) bool {
	_, annotated := m.Key(f)
	return annotated
}

// Effective gives what levels, broad to narrow, amount to in a pod, by the decision
// of traffic.Settings.
func (m *Mesh) Effective(levels ...traffic.Layer) traffic.Settings { return m.fold(m.Parts(levels...)) }

func (m *Mesh) fold(parts []Part) traffic.Settings {
	var sum traffic.Layer
	for _, p := range parts {
		sum = sum.Merge(p.Said, m.Merge())
	}
	return sum.Settings()
}
