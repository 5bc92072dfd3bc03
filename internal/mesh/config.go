package mesh

import (
	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// Config describes the object that configures a mesh for all pods.
type Config struct {
	// Group is its API group; the version does not matter.
	Group string
	// Lists are those of its lists that say what bypasses the sidecar. The
	// mesh adds each to the pod's own annotation.
	Lists []ConfigList
	// Fields are others of its fields by which a bypass is more or less than it seems.
	Fields []ConfigField
}

// configKind is the kind of all such objects.
const configKind = "MeshConfig"

// ConfigField is a field of a Config by which what the spec says does not hold.
type ConfigField struct {
	Path []string
	// Value is the one by which it does so, "" for any but nothing.
	Value string
	// Opens are the directions in which traffic bypasses by it; 0 where nothing bypasses
	// any more.
	Opens Opening
	// Says is what the mesh does then.
	Says string
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
		Lists: []ConfigList{
			{Field: traffic.ExcludeInboundPorts, Path: []string{"spec", "traffic", "inboundPortExclusionList"}, Numbers: true},
			{Field: traffic.ExcludeOutboundPorts, Path: []string{"spec", "traffic", "outboundPortExclusionList"}, Numbers: true},
			{Field: traffic.ExcludeOutboundIPRanges, Path: []string{"spec", "traffic", "outboundIPRangeExclusionList"}},
			{Field: traffic.IncludeOutboundIPRanges, Path: []string{"spec", "traffic", "outboundIPRangeInclusionList"}},
		},
		// pkg/injector/patch.go, createPodPatch and ConfigurePodInit.
		Fields: []ConfigField{
			{Path: []string{"spec", "traffic", "interceptionMode"}, Value: "NodeLevel", Says: nodeLevel},
			{Path: []string{"spec", "traffic", "networkInterfaceExclusionList"}, Opens: OpensAll, Says: "what comes and goes by these interfaces bypasses the sidecar"},
		},
	}
}

const nodeLevel = "it redirects by eBPF at the pod's interface, reads no annotation, and the rules of the init container do not reach that"

// ConfiguredBy finds the mesh that objects of a group and kind configure.
func ConfiguredBy(group, kind string) (*Mesh, bool) {
	if kind != configKind {
		return nil, false // without making the rows of all meshes
	}
	return each.First(All(), func(m *Mesh) bool { return m.Config != nil && m.Config.Group == group })
}
