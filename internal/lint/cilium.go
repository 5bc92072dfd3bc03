package lint

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// ciliumConfig is the name of the ConfigMap that Cilium's agents read.
const ciliumConfig = "cilium-config"

// ciliums are the kinds of objects that configure Cilium.
var ciliums = []*kind{configMaps, helmReleases}

// cilium is an object by which Cilium balances at the socket, also in pods.
type cilium struct {
	resource
	// by leads to what says so.
	by []any
}

// ciliumSetting is one by which Cilium balances at the socket, with the values by which
// it does so. "strict" is that of versions before 1.14.
type ciliumSetting struct {
	key    []string
	values []string
}

// ciliumMap views the ConfigMap (cilium/cilium pkg/kpr/kpr.go, NewKPRConfig).
func ciliumMap(o resource, _ *index) view {
	return balancing(o, o.node.Entry("data"), []any{"data"}, []string{"bpf-lb-sock-hostns-only"},
		ciliumSetting{[]string{"kube-proxy-replacement"}, []string{"true", "strict"}}, ciliumSetting{[]string{"bpf-lb-sock"}, []string{"true"}})
}

// ciliumRelease views a HelmRelease of Flux with the values of Cilium's chart
// (cilium/cilium install/kubernetes/cilium/values.yaml).
func ciliumRelease(o resource, _ *index) view {
	spec := o.node.Entry("spec")
	if spec.Below("chart", "spec", "chart").Text() != "cilium" && spec.Below("chartRef", "name").Text() != "cilium" {
		return nil
	}
	return balancing(o, spec.Entry("values"), []any{"spec", "values"}, []string{"socketLB", "hostNamespaceOnly"},
		ciliumSetting{[]string{"kubeProxyReplacement"}, []string{"true", "strict"}}, ciliumSetting{[]string{"socketLB", "enabled"}, []string{"true"}})
}

func balancing(o resource, in node.Value, at []any, onHostsOnly []string, settings ...ciliumSetting) view {
	if in.Below(onHostsOnly...).Text() == "true" {
		return nil
	}
	for _, s := range settings {
		if slices.Contains(s.values, in.Below(s.key...).Text()) {
			for _, key := range s.key {
				at = append(at, key)
			}
			return &cilium{resource: o, by: at}
		}
	}
	return nil
}

// leavingIndex finds the text of Services by the ports to which connections of the
// workloads bypass the sidecar.
func leavingIndex(workloads []*Workload) *index {
	var all []traffic.Ports
	known := map[*bypass]bool{}
	for _, w := range workloads {
		if !known[w.bypass] {
			known[w.bypass] = true
			all = append(all, w.settings.ExcludeOutboundPorts, pairedPorts(w.settings))
		}
	}
	return &index{ports: traffic.UnionOf(all...)}
}

func pairedPorts(s traffic.Settings) traffic.Ports {
	var ports traffic.Ports
	for _, b := range s.ExcludeOutbound.Boxes() {
		ports = ports.Union(traffic.NewPorts(b.Protocol, b.Ports))
	}
	return ports
}

// socketBalance finds settings that never match, since Cilium has put a pod in the place
// of a Service before.
func socketBalance(j *judgement) {
	for _, c := range viewed[cilium](j.items) {
		n := j.note(c.Object, c.Path(c.by...), "")
		for _, s := range viewed[service](j.items) {
			if s.headless() || s.Spec.Type == "ExternalName" {
				continue
			}
			for _, group := range j.leaving {
				for _, said := range s.unmatched(group.settings, j) {
					for _, w := range group.workloads {
						n.add(said, w)
					}
				}
			}
		}
	}
}

// unmatched gives what of settings is said of the Service and matches none of its pods.
func (s *service) unmatched(of traffic.Settings, j *judgement) []string {
	var all []string
	for _, text := range append([]string{s.Spec.ClusterIP}, s.Spec.ClusterIPs...) {
		address, err := netip.ParseAddr(text)
		if err != nil {
			continue
		}
		for _, p := range slices.Concat(of.ExcludeOutboundIPRanges.List(), boxesOn(of, s)) {
			if said := fmt.Sprintf("%s, where %s is,", p, s.ID()); p.Contains(address) && !isVast(p) && !slices.Contains(all, said) {
				all = append(all, said)
			}
		}
	}
	for _, p := range s.Spec.Ports {
		protocol := traffic.TCP
		if p.Protocol == "UDP" {
			protocol = traffic.UDP
		}
		if !of.ExcludeOutboundPorts.Contains(protocol, p.Port) {
			continue
		}
		for _, to := range s.targets(p, j) {
			if to != p.Port && !of.ExcludeOutboundPorts.Contains(protocol, to) {
				all = append(all, fmt.Sprintf("%s of %s, which is %d in its pods,", portOf(p), s.ID(), to))
			}
		}
	}
	return all
}

// targets gives the ports of its pods to which a port of the Service leads, as far as they
// are known: by name, those of the workloads that are looked at.
func (s *service) targets(p servicePortView, j *judgement) []uint16 {
	if p.TargetPort.number != 0 {
		return []uint16{p.TargetPort.number}
	}
	var all []uint16
	if p.TargetPort.text == "" || len(s.Spec.Selector) == 0 {
		return nil
	}
	for _, w := range j.all {
		if w.namespace != j.namespace(s.Namespace) || !w.labels.have(s.Spec.Selector) {
			continue
		}
		if to := called(w.ports, p); to != 0 && !slices.Contains(all, to) {
			all = append(all, to)
		}
	}
	slices.Sort(all)
	return all
}

// boxesOn gives the ranges of pairs that hold a port of the Service.
func boxesOn(of traffic.Settings, s *service) []netip.Prefix {
	var all []netip.Prefix
	for _, b := range of.ExcludeOutbound.Boxes() {
		if slices.ContainsFunc(s.Spec.Ports, func(p servicePortView) bool { return b.Ports.First <= p.Port && p.Port <= b.Ports.Last }) {
			all = append(all, b.Prefix)
		}
	}
	return all
}

// isVast reports whether a range is so wide that it will hold the pods' addresses too.
func isVast(p netip.Prefix) bool { return p.Bits() <= map[int]int{32: 8, 128: 48}[p.Addr().BitLen()] }
