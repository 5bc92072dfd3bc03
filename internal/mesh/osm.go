package mesh

import (
	_ "embed" // the keys that it knows

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

//go:embed known/osm.txt
var osmKnown string

// osm is Open Service Mesh, from which FSM comes (openservicemesh/osm
// pkg/injector, pkg/constants/constants.go; the project is archived).
var osm = row{name: "OSM", domain: "openservicemesh.io", rest: func() *Mesh {
	return fsmLike("OSM", []string{"Open", "osm-edge"}, "openservicemesh.io", &osmKnown, "osm-system", []Source{
		chartLists("osm", "1.0 and later"), chartLists("OpenServiceMesh", "0.7 to 0.11"), preset("osm", "0.9.2 and later"),
		// charts/osm/templates/osm-configmap.yaml, before there were MeshConfigs.
		{Kind: "ConfigMap", Name: "osm-config", At: []string{"data"}, Settings: []Setting{{"outbound_ip_range_exclusion_list", traffic.ExcludeOutboundIPRanges}}, Versions: "0.7 and 0.8"},
	}, Signs{
		Envoy:      true,
		Marks:      []Mark{{"osm-stats*", "", "flomesh-io/osm-edge pkg/sidecar/providers/pipy/repo/codebase/logging.js"}},
		Identities: []Identity{{Subject, "", "O=Open Service Mesh", "openservicemesh/osm pkg/certificate/providers/config.go"}},
	})
}}
