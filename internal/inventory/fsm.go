package inventory

// flomesh serves FSM and OSM, from which FSM comes. The lists of their MeshConfig
// are told in internal/mesh.
var flomesh = dialect{
	// For metrics and for the probes that the injector rewrites
	// (flomesh-io/fsm pkg/constants/constants.go).
	always: tcpPorts(15010, 15901, 15902, 15903, 15904),
}
