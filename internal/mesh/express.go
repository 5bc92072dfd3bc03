package mesh

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// Express gives what the mesh's annotations can say of the settings, exactly by
// the decision of traffic.Settings, and every field of which they cannot say
// everything, in canonical order. wide is what the mesh's own configuration
// says for every pod.
func (m *Mesh) Express(s traffic.Settings, wide traffic.Layer) (traffic.Layer, []Gap) {
	e := expression{mesh: m, said: s, wide: wide.Settings()}
	for _, l := range m.limits {
		l(&e)
	}
	slices.SortStableFunc(e.gaps, func(a, b Gap) int {
		return slices.Index(traffic.Fields, a.Field) - slices.Index(traffic.Fields, b.Field)
	})
	return e.said.Layer(), e.gaps
}

// In gives the mesh as a pod with these annotations has it.
func (m *Mesh) In(annotations map[string]string) *Mesh {
	if m == nil || m.unsayable == nil {
		return m
	}
	f, reason := m.unsayable(annotations)
	if f == "" {
		return m
	}
	in := *m
	in.limits = append([]limit{func(e *expression) {
		if e.said.Layer().Says(f) {
			e.fatal(f, "%s", reason)
			e.silence(f)
		}
	}}, m.limits...)
	in.Keys = slices.Clone(m.Keys)
	in.Keys[slices.IndexFunc(in.Keys, func(k Key) bool { return k.Field == f })].Nothing = ""
	return &in
}

// Idle reports whether a value of the annotation does nothing.
func (k Key) Idle() bool {
	_, err := k.Read(k.Nothing)
	return err == nil
}

// expression is settings on their way into annotations.
type expression struct {
	mesh *Mesh
	// said is what of the settings is not taken out yet.
	said, wide traffic.Settings
	gaps       []Gap
}

// limit takes out of an expression what one rule of the mesh keeps annotations
// from saying.
type limit func(*expression)

func (e *expression) gap(f traffic.Field, format string, args ...any) {
	e.gaps = append(e.gaps, Gap{Field: f, Reason: fmt.Sprintf(format, args...)})
}

// fatal is a gap that is there because pods would not start.
func (e *expression) fatal(f traffic.Field, format string, args ...any) {
	e.gap(f, format, args...)
	e.gaps[len(e.gaps)-1].Fatal = true
}

// left reports whether a part of a field was taken out already.
func (e *expression) left(f traffic.Field) bool {
	return slices.ContainsFunc(e.gaps, func(g Gap) bool { return g.Field == f })
}

// silence takes a whole field out.
func (e *expression) silence(f traffic.Field) { e.said = e.said.Layer().Without(f).Settings() }

// leave takes a whole field out, as a gap, if it says anything.
func (e *expression) leave(f traffic.Field, format string, args ...any) {
	if e.said.Layer().Says(f) {
		e.gap(f, format, args...)
		e.silence(f)
	}
}

// noPairs is true of every mesh.
func noPairs(e *expression) {
	e.leave(traffic.ExcludeOutbound, "no annotation can say an IP range and a port together")
}

// noKeys leaves the fields for which the mesh has no annotation.
func noKeys(e *expression) {
	e.leaveWithoutKey(func(traffic.Field) string { return e.mesh.Name + " has no annotation for it" })
}

func (e *expression) leaveWithoutKey(reason func(traffic.Field) string) {
	for _, f := range traffic.Fields {
		if _, annotated := e.mesh.Key(f); annotated || f == traffic.ExcludeOutbound {
			continue
		}
		// Included ports never bypass anything: without ranges, which
		// rangesBeforePorts takes out, the mesh intercepts them anyway.
		if f == traffic.IncludeOutboundPorts {
			e.silence(f)
			continue
		}
		e.leave(f, "%s", reason(f))
	}
}

// onDNS is port 53 over the protocols.
func onDNS(protocols []traffic.Protocol) (ports traffic.Ports) {
	for _, protocol := range protocols {
		ports = ports.Union(traffic.SinglePorts(protocol, traffic.DNSPort))
	}
	return ports
}

// portsWithoutProtocol leaves what a list of bare ports cannot say, and writes
// each port of TCP bare. UDP along with TCP is no more than was asked for: no
// mesh takes UDP, but for DNS.
func portsWithoutProtocol(e *expression) {
	exclude := func(f traffic.Field, ports traffic.Ports) traffic.Ports {
		if udp := ports.Without(ports.Bare()); !udp.IsEmpty() {
			e.gap(f, "%s's annotation has no protocol and would take TCP along with %s", e.mesh.Name, udp)
		}
		return ports.Bare()
	}
	e.said.ExcludeInboundPorts = exclude(traffic.ExcludeInboundPorts, e.said.ExcludeInboundPorts)
	// What the mesh takes although it is among the excluded outbound ports.
	captured := onDNS(append(slices.Clone(e.mesh.dnsInSome), e.mesh.dns...))
	asked := e.said.ExcludeOutboundPorts
	said := exclude(traffic.ExcludeOutboundPorts, asked)
	if lost := asked.Intersect(said).Intersect(captured); !lost.IsEmpty() {
		e.gap(traffic.ExcludeOutboundPorts, "%s's rules for DNS come before those for excluded ports and take %s", e.mesh.Name, lost)
	}
	e.said.ExcludeOutboundPorts = said.Without(captured)
	e.said.IncludeOutboundPorts = e.said.IncludeOutboundPorts.Bare()
}

// mostSinglePorts is the length at which an expanded list of ports is left to
// the init container, in ports. All annotations of an object together may hold
// 256 KiB (kubernetes/kubernetes
// staging/src/k8s.io/apimachinery/pkg/api/validation/objectmeta.go), and the
// mesh writes a rule or two for each port and tries them one after the other
// for every new connection.
const mostSinglePorts = 10000

// crowded reports whether there are too many ports for a list of single ones.
func (e *expression) crowded(f traffic.Field, ports traffic.Ports) bool {
	n := ports.Count(traffic.TCP)
	if n > mostSinglePorts {
		e.gap(f, "%s's annotation has no port ranges, and %d single ports do not fit", e.mesh.Name, n)
	}
	return n > mostSinglePorts
}

// singlePorts leaves lists that are too long when they are expanded.
func singlePorts(e *expression) {
	if e.crowded(traffic.ExcludeInboundPorts, e.said.ExcludeInboundPorts) {
		e.silence(traffic.ExcludeInboundPorts)
	}
	if e.crowded(traffic.ExcludeOutboundPorts, e.said.ExcludeOutboundPorts) {
		e.silence(traffic.ExcludeOutboundPorts)
	}
}

// rangesBeforePorts leaves ranges beside included ports, for a mesh whose rules
// ask for an excluded range first, or that has no included ports at all.
func rangesBeforePorts(e *expression) {
	contested := e.said.IncludeOutboundPorts.Of(traffic.TCP).Without(e.said.ExcludeOutboundPorts)
	if contested.IsEmpty() {
		return
	}
	ports := contested.Bare()
	if _, annotated := e.mesh.Key(traffic.ExcludeOutboundIPRanges); annotated {
		e.leave(traffic.ExcludeOutboundIPRanges, "in %s an excluded range wins over includeOutboundPorts, here %s", e.mesh.Name, ports)
	}
	_, ranged := e.mesh.Key(traffic.IncludeOutboundIPRanges)
	if _, annotated := e.mesh.Key(traffic.IncludeOutboundPorts); ranged && !annotated {
		e.leave(traffic.IncludeOutboundIPRanges, "%s has no annotation for includeOutboundPorts, here %s, to go with it", e.mesh.Name, ports)
	}
}

// onlyIPv4 leaves IPv6 ranges, with which the mesh's init container would fail.
func onlyIPv4(reason string) limit {
	return func(e *expression) {
		leave := func(f traffic.Field, ranges traffic.Prefixes) traffic.Prefixes {
			var v4, v6 []netip.Prefix
			for _, p := range ranges.List() {
				if p.Addr().Is4() {
					v4 = append(v4, p)
				} else {
					v6 = append(v6, p)
				}
			}
			if len(v6) > 0 {
				e.fatal(f, "%s, here %s", reason, traffic.NewPrefixes(v6...))
			}
			return traffic.NewPrefixes(v4...)
		}
		e.said.ExcludeOutboundIPRanges = leave(traffic.ExcludeOutboundIPRanges, e.said.ExcludeOutboundIPRanges)
		if in := e.said.IncludeOutboundIPRanges; !in.All() {
			e.said.IncludeOutboundIPRanges = traffic.Only(leave(traffic.IncludeOutboundIPRanges, in.Set()))
		}
	}
}

// Value gives what to write under a key so that the mesh does for a pod what
// the layer says, and whether anything need be written. present says that a
// value of the user's is there.
func (m *Mesh) Value(k Key, said, wide traffic.Layer, present bool) (value string, needed bool) {
	value, byItself := k.Write(said.Settings()), k.Write(wide.Settings())
	switch {
	case value == byItself && !present:
		// What the mesh does by itself need not be said.
		return "", false
	case value != "" || m.Levels == Replaces:
		return value, true
	case !present:
		return "", false
	case m.Levels == Adds && byItself != "":
		return byItself, true
	}
	return k.Nothing, true
}

// Irrevocable gives the fields in which the mesh's own configuration bypasses
// more than the settings and no annotation of a pod takes that back. said is
// what Express gave for the settings.
func (m *Mesh) Irrevocable(s traffic.Settings, said, wide traffic.Layer) []Gap {
	if m.Levels != Adds && m.Levels != FirstSaid {
		return nil
	}
	e := expression{mesh: m, said: said.Settings(), wide: wide.Settings()}
	stays := "adds it to every pod's"
	if m.Levels == FirstSaid {
		stays = "ignores an empty annotation"
	}
	for _, k := range m.Keys {
		more := exceeding(k.Field, s, e.said, e.wide)
		if more == "" || m.Levels == FirstSaid && k.Write(e.said) != "" {
			continue
		}
		e.gap(k.Field, "%s's own configuration says %s, and %s %s: remove it there, or say it in the ClusterBypass too",
			m.Name, more, m.Name, stays)
	}
	return e.gaps
}

// exceeding gives what of a field the mesh's own configuration bypasses and the
// settings do not.
func exceeding(f traffic.Field, s, said, wide traffic.Settings) string {
	contested := !s.IncludeOutboundPorts.Of(traffic.TCP).Without(s.ExcludeOutboundPorts).IsEmpty()
	switch f {
	case traffic.ExcludeInboundPorts:
		return wide.ExcludeInboundPorts.Without(s.Inbound()).Bare().String()
	case traffic.ExcludeOutboundPorts:
		return wide.ExcludeOutboundPorts.Without(s.ExcludeOutboundPorts).Bare().String()
	case traffic.ExcludeOutboundIPRanges:
		asked, all := s.ExcludeOutboundIPRanges, wide.ExcludeOutboundIPRanges
		if contested || !asked.Union(all).Equal(asked) {
			return all.String()
		}
	case traffic.IncludeOutboundIPRanges:
		asked, all := s.IncludeOutboundIPRanges, wide.IncludeOutboundIPRanges
		unsaid := said.IncludeOutboundIPRanges.All() && !all.Union(asked).Equal(all)
		if !all.All() && (contested || unsaid) {
			return all.Set().String()
		}
	}
	return ""
}
