package lint

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// Workload is what the checks need to see of a planned workload. Many are held
// at once, so it holds no more.
type Workload struct {
	*transform.Object
	// annotations and spec lead to those of its pods.
	annotations, spec edit.Path
	// namespace is the workload's as the policy has it, "" where it is unknown.
	namespace string
	labels    podLabels
	*bypass
	// on is the mesh as its pods have it, and certain says that the template alone says
	// in which data plane they are.
	on      *mesh.Mesh
	certain bool
	// intact says that no rule speaks of it.
	intact bool
	// written says that anything is, contained that the init container is, byIptables
	// that it works by iptables.
	written, contained, byIptables bool
	// ports are the container ports that have a name, and named those of them that bypass
	// the sidecar.
	ports, named []namedPort
	// members are the workloads for which it stands, and crowd their names; nil
	// where it stands for itself alone (see represented).
	members []*Workload
	crowd   *crowd
	// parts are what acceptances make of what it bypasses, by the kinds of which they
	// accept findings.
	parts map[*finding.Kind]parts
	// outside says that the mesh has no say in its pods, spared are the TCP ports that may be
	// reached without the sidecar beside inbound, and acceptable what accepts findings about
	// single ports of it: as a check wants it that is about what does not bypass.
	outside    bool
	spared     traffic.Ports
	acceptable []*transform.Acceptance
	// capture says whether DNS is captured, interception how inbound connections are
	// intercepted; nil where nothing says it.
	capture, interception *transform.Setting
}

// bypass is what bypasses the sidecar, shared by the workloads of which it is
// the same.
type bypass struct {
	settings traffic.Settings
	// inbound are the TCP ports that callers reach without the sidecar, less
	// those of the mesh: it leaves them out by itself.
	inbound traffic.Ports
	// beyond are the fields that annotations of the mesh cannot say wholly.
	beyond []traffic.Field
}

// bypassOf gives what bypasses by a plan.
func (l *Linter) bypassOf(plan *transform.Plan) *bypass {
	spared, _ := strconv.ParseBool(plan.Workload.TemplateAnnotations[plan.Mesh().BypassInbound]) // istio/istio cni/pkg/util/podutil.go, CheckBooleanAnnotation
	says := plan.Annotations[transform.PolicyAnnotation]
	if says == "" {
		says = plan.Settings.String()
	}
	key := string(plan.DataPlane()) + strconv.FormatBool(spared) + says
	if known, there := l.bypasses.Load(key); there {
		return known.(*bypass)
	}
	b := l.bypassBy(plan.Settings)
	if spared {
		b.inbound = traffic.EveryPort.Of(traffic.TCP).Without(l.policy.Mesh.Own(traffic.EveryPort))
	}
	for _, g := range plan.Gaps {
		b.beyond = append(b.beyond, g.Field)
	}
	shared, _ := l.bypasses.LoadOrStore(key, b)
	return shared.(*bypass)
}

// bypassBy gives what bypasses by settings.
func (l *Linter) bypassBy(s traffic.Settings) *bypass {
	open := s.Inbound().Of(traffic.TCP)
	return &bypass{settings: s, inbound: open.Without(l.policy.Mesh.Own(open))}
}

// podLabels are the labels of a workload's pods. A slice of them is a fraction of
// a map.
type podLabels []podLabel

type podLabel struct {
	key, value string
	// selecting says that the workload knows its pods by it.
	selecting bool
}

func (l podLabels) value(key string) (value string, there bool) {
	for _, one := range l {
		if one.key == key {
			return one.value, true
		}
	}
	return "", false
}

// have reports whether all of the labels are among them.
func (l podLabels) have(labels map[string]string) bool {
	for key, value := range labels {
		if have, there := l.value(key); !there || have != value {
			return false
		}
	}
	return true
}

// selection gives labels by which to select the pods, and as far as the workload
// says how, no others.
func (l podLabels) selection() map[string]string {
	all := !slices.ContainsFunc(l, func(one podLabel) bool { return one.selecting })
	labels := map[string]string{}
	for _, one := range l {
		if all || one.selecting {
			labels[one.key] = one.value
		}
	}
	return labels
}

func labelsOf(pods, selector map[string]string) podLabels {
	labels := make(podLabels, 0, len(pods))
	for key, value := range pods {
		selected, selecting := selector[key]
		labels = append(labels, podLabel{key, value, selecting && selected == value})
	}
	slices.SortFunc(labels, func(a, b podLabel) int { return strings.Compare(a.key, b.key) })
	return labels
}

type namedPort struct {
	name, protocol string
	number         uint16
}

func (w *Workload) isIn(plane mesh.DataPlane) bool { return plane == "" || w.on.Plane() == plane }

func (w *Workload) opensInbound() bool { return !w.inbound.IsEmpty() }

// mayBypass reports whether anything speaks for a TCP port that is reached without the sidecar.
func (w *Workload) mayBypass(port uint16) bool {
	return w.inbound.Contains(traffic.TCP, port) || w.spared.Contains(traffic.TCP, port)
}

// acceptance gives what accepts a finding about a port, nil for nothing.
func (w *Workload) acceptance(port uint16) *transform.Acceptance {
	a, _ := each.First(w.acceptable, func(a *transform.Acceptance) bool { return a.Ports == nil || a.Ports.Contains(traffic.TCP, port) })
	return a
}

// sparedOf gives the ports of a plan's pods that are the mesh's own, or that something beside
// the traffic fields may let bypass.
func (l *Linter) sparedOf(plan *transform.Plan) traffic.Ports {
	p := l.policy
	own := p.Mesh.Own(traffic.EveryPort.Of(traffic.TCP), p.Mesh.Moves(p.InForce(plan, nil))...)
	ways := p.Overruled(plan, p.Ways(plan), l.commons)
	for _, way := range p.CommonWays(plan, l.commons) {
		ways = append(ways, way.Way)
	}
	for _, way := range ways {
		own = own.Union(way.Lets.Settings().Inbound().Of(traffic.TCP))
	}
	return own
}

func (w *Workload) opensByIptables() bool { return w.byIptables && w.opensInbound() }

func (w *Workload) opensOutbound() bool {
	s := w.settings
	return !s.ExcludeOutboundPorts.IsEmpty() || !s.ExcludeOutboundIPRanges.IsEmpty() || !s.IncludeOutboundIPRanges.All() || !s.ExcludeOutbound.IsEmpty()
}

// annotation is the path of an annotation of the template.
func (w *Workload) annotation(key string) edit.Path {
	return append(slices.Clone(w.annotations), key)
}

// port gives the TCP port of the pod that a port of a Service leads to; 0 where
// that is a name that the pod does not have.
func (w *Workload) port(of servicePortView) uint16 { return of.among(w.named) }

// among gives the port that a port of a Service leads to among the named ones of a pod.
func (s servicePortView) among(named []namedPort) uint16 {
	if s.TargetPort.text == "" {
		return s.Port
	}
	if s.TargetPort.number > 0 {
		return s.TargetPort.number
	}
	return called(named, s)
}

// called gives the number of the port by whose name a Service leads there, 0 for none.
func called(ports []namedPort, by servicePortView) uint16 {
	for _, p := range ports {
		if p.name == by.TargetPort.text && cmp.Or(p.protocol, "TCP") == cmp.Or(by.Protocol, "TCP") {
			return p.number
		}
	}
	return 0
}

// interned gives one path for all that are equal.
func (l *Linter) interned(path edit.Path) edit.Path {
	shared, _ := l.paths.LoadOrStore(path.String(), path)
	return shared.(edit.Path)
}
