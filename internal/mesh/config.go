package mesh

import (
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// Config describes the object that configures a mesh for all pods.
type Config struct {
	// Group is its API group; the version does not matter.
	Group string
	Kind  string
	// Lists are those of its lists that say what bypasses the sidecar. The
	// mesh adds each to the pod's own annotation.
	Lists []ConfigList
}

// ConfigList is a list of a Config.
type ConfigList struct {
	Field traffic.Field
	// Path leads to it from the object.
	Path []string
	// Numbers says that its entries are numbers, not strings.
	Numbers bool
}

// meshConfig is the MeshConfig of FSM and of OSM, from which FSM comes
// (flomesh-io/fsm pkg/apis/config/v1alpha3/mesh_config.go,
// openservicemesh/osm pkg/apis/config/v1alpha2/mesh_config.go).
func meshConfig(group string) *Config {
	return &Config{
		Group: group,
		Kind:  "MeshConfig",
		Lists: []ConfigList{
			{Field: traffic.ExcludeInboundPorts, Path: []string{"spec", "traffic", "inboundPortExclusionList"}, Numbers: true},
			{Field: traffic.ExcludeOutboundPorts, Path: []string{"spec", "traffic", "outboundPortExclusionList"}, Numbers: true},
			{Field: traffic.ExcludeOutboundIPRanges, Path: []string{"spec", "traffic", "outboundIPRangeExclusionList"}},
			{Field: traffic.IncludeOutboundIPRanges, Path: []string{"spec", "traffic", "outboundIPRangeInclusionList"}},
		},
	}
}

// ConfiguredBy finds the mesh that objects of a group and kind configure.
func ConfiguredBy(group, kind string) (*Mesh, bool) {
	i := slices.IndexFunc(meshes, func(m *Mesh) bool {
		return m.Config != nil && m.Config.Kind == kind && m.Config.Group == group
	})
	if i < 0 {
		return nil, false
	}
	return meshes[i], true
}
