package mesh

// osm is Open Service Mesh, from which FSM comes (openservicemesh/osm
// pkg/injector, pkg/constants/constants.go; the project is archived).
var osm = fsmLike("OSM", "openservicemesh.io", "osm-system")
