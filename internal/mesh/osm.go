package mesh

import _ "embed" // the keys that it knows

//go:embed known/osm.txt
var osmKnown string

// osm is Open Service Mesh, from which FSM comes (openservicemesh/osm
// pkg/injector, pkg/constants/constants.go; the project is archived).
var osm = fsmLike("OSM", []string{"Open", "osm-edge"}, "openservicemesh.io", osmKnown, "osm-system", Signs{
	Envoy:      true,
	Marks:      []Mark{{"osm-stats*", "", "flomesh-io/osm-edge pkg/sidecar/providers/pipy/repo/codebase/logging.js"}},
	Identities: []Identity{{Subject, "", "O=Open Service Mesh", "openservicemesh/osm pkg/certificate/providers/config.go"}},
})
