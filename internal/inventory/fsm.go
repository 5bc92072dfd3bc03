package inventory

import "github.com/krm-bypass/krm-bypass/internal/traffic"

// flomesh serves FSM and OSM, from which FSM comes: they differ by the group of
// their MeshConfig. Mesh-wide lists and those of a pod are added up
// (flomesh-io/fsm pkg/injector/exclusions.go).
func flomesh(group string) dialect {
	return dialect{
		configurations: []configuration{
			{group: group, kind: "MeshConfig", at: path("spec.traffic"), settings: []setting{
				{"inboundPortExclusionList", traffic.ExcludeInboundPorts},
				{"outboundPortExclusionList", traffic.ExcludeOutboundPorts},
				{"outboundIPRangeExclusionList", traffic.ExcludeOutboundIPRanges},
				{"outboundIPRangeInclusionList", traffic.IncludeOutboundIPRanges},
			}},
		},
		// For metrics and for the probes that the injector rewrites
		// (flomesh-io/fsm pkg/constants/constants.go).
		always: tcpPorts(15010, 15901, 15902, 15903, 15904),
	}
}
