package inventory

import (
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// dialect is where a mesh lets settings stand beside annotations, and what they
// mean in it. The zero value is a mesh that knows annotations alone.
type dialect struct {
	// configurations are where the mesh's own configuration says something,
	// beside the object of mesh.Config.
	configurations []configuration
	// always are inbound ports that the mesh excludes in every pod, whatever
	// is configured.
	always traffic.Ports
	// means gives settings, as the mesh's levels add up to them, by the
	// decision of traffic.Settings; nil where both are the same.
	means func(traffic.Settings) traffic.Settings
}

// dialects are those of the meshes by name.
var dialects = map[string]dialect{
	"Istio":   istio,
	"FSM":     flomesh,
	"OSM":     flomesh,
	"Linkerd": linkerd,
}

func dialectOf(m *mesh.Mesh) dialect { return dialects[m.Name] }

// merge is how scopes of a spec meet as the mesh's own levels do.
func merge(m *mesh.Mesh) traffic.Merge {
	if m.Levels == mesh.Adds {
		return traffic.Union
	}
	return traffic.Override
}

// level is what one level of a mesh says, on top of the broader ones. It differs
// from how scopes of a spec meet: no port is taken away from anything.
func level(m *mesh.Mesh, broad, narrow traffic.Layer) traffic.Layer {
	if m.Levels == mesh.Adds {
		return broad.Merge(narrow, traffic.Union)
	}
	sum := broad
	for _, f := range traffic.Fields {
		entries, said := narrow.Entries(f)
		if said && (len(entries) > 0 || m.Levels == mesh.Replaces) {
			must(sum.Set(f, entries))
		}
	}
	return sum
}

// effective is what levels, broad to narrow, come to in a pod.
func effective(m *mesh.Mesh, levels ...traffic.Layer) traffic.Settings {
	var sum traffic.Layer
	for _, l := range levels {
		sum = level(m, sum, l)
	}
	settings := sum.Settings()
	if means := dialectOf(m).means; means != nil {
		settings = means(settings)
	}
	return settings
}

// must is for entries in canonical form, which always parse.
func must(err error) {
	if err != nil {
		panic("a canonical entry does not parse: " + err.Error())
	}
}
