package mesh

import (
	"regexp"
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// Place is where the mesh reads a key that gives pods a sidecar.
type Place uint8

// The places of such keys.
const (
	OnPod Place = 1 << iota
	OnNamespace
)

// join is a key by which the mesh gives pods a sidecar.
type join struct {
	label bool
	key   string
	// takes matches the values that do (RE2).
	takes  string
	places Place
}

// Joins reports whether the labels and annotations of a place give pods a sidecar.
func (m *Mesh) Joins(place Place, labels, annotations map[string]string) bool {
	return slices.ContainsFunc(m.joins, func(j join) bool {
		of := annotations
		if j.label {
			of = labels
		}
		value, there := of[j.key]
		return j.places&place != 0 && there && regexp.MustCompile(j.takes).MatchString(value)
	})
}

// JoinsByAsking reports whether pods of which neither their template nor their Namespace
// asks for a sidecar have none.
func (m *Mesh) JoinsByAsking() bool {
	return slices.ContainsFunc(m.joins, func(j join) bool { return j.places&OnNamespace != 0 })
}

// MergedMetrics is how a sidecar serves the metrics of its application with its own, so
// that annotations prometheus.io need no bypass.
type MergedMetrics struct {
	// Says completes "the sidecar ", and Source is the mesh's code for it.
	Says, Source string
	// Off is an annotation of the template that switches it off with "false".
	Off string
	// Fields lead to the field that does so for all pods, by the kinds of the objects;
	// in a text they lead to, it is the field of that name.
	Fields map[string][]string
	Field  string
}

// Opaque is how the mesh takes connections in which the server speaks first.
type Opaque struct {
	// Ports are those that it takes for such by itself.
	Ports traffic.Ports
	// Remedy says how the others are named, and Source is the mesh's code for both.
	Remedy, Source string
}
