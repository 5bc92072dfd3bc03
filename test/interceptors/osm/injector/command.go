//go:build borrowed

// Package injector is what makes the rules in OSM's package of that name.
package injector

import (
	"github.com/openservicemesh/osm/pkg/apis/config/v1alpha2"
	corev1 "k8s.io/api/core/v1"
)

// log stands in for the package's own.
var log silence

type silence struct{}

func (silence) Trace() silence      { return silence{} }
func (silence) Msgf(string, ...any) {}

// Command is what the init container executes in the pod: what configurePodInit in
// patch.go has getInitContainerSpec in init_container.go say.
func Command(pod *corev1.Pod, config v1alpha2.MeshConfigSpec) (string, error) {
	ports := func(annotation string, global []int) ([]int, error) {
		ports, err := getPortExclusionListForPod(pod, pod.Namespace, annotation)
		return mergePortExclusionLists(ports, global), err
	}
	ranges := func(annotation string, global []string) ([]string, error) {
		ranges, err := getOutboundIPRangeListForPod(pod, pod.Namespace, annotation)
		return mergeIPRangeLists(ranges, global), err
	}
	mesh := config.Traffic
	outbound, err := ports(outboundPortExclusionListAnnotation, mesh.OutboundPortExclusionList)
	if err != nil {
		return "", err
	}
	inbound, err := ports(inboundPortExclusionListAnnotation, mesh.InboundPortExclusionList)
	if err != nil {
		return "", err
	}
	excluded, err := ranges(outboundIPRangeExclusionListAnnotation, mesh.OutboundIPRangeExclusionList)
	if err != nil {
		return "", err
	}
	included, err := ranges(outboundIPRangeInclusionListAnnotation, mesh.OutboundIPRangeInclusionList)
	if err != nil {
		return "", err
	}
	return generateIptablesCommands(config.Sidecar.LocalProxyMode, excluded, included, outbound, inbound, mesh.NetworkInterfaceExclusionList), nil
}
