package mesh_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/test/model"
)

// Ports and addresses that settings and connections are drawn from, close
// together so that they meet.
var (
	drawnPorts    = []string{"53", "53/TCP", "53/UDP", "80", "443/TCP", "443/UDP", "50-60", "7001", "7000-7003", "8000-8020", "1-65535"}
	drawnPrefixes = []string{"10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "0.0.0.0/0", "192.0.2.0/24", "fd00::/8", "fd00::1", "::/0"}
	drawnTargets  = []string{"10.1.2.3", "10.2.0.1", "192.0.2.7", "198.51.100.1", "fd00::1", "2001:db8::1"}
	drawnNumbers  = []uint16{53, 80, 443, 55, 7001, 7002, 8010, 9999}
)

func drawSettings(t *rapid.T, label string) traffic.Settings {
	var l traffic.Layer
	// Few fields at a time, so that some settings have no gap in any mesh.
	for _, f := range rapid.SliceOfNDistinct(rapid.SampledFrom(traffic.Fields), 1, 4, rapid.ID).Draw(t, label) {
		pool := drawnPorts
		if strings.HasSuffix(string(f), "Ranges") {
			pool = drawnPrefixes
		}
		entries := rapid.SliceOfN(rapid.SampledFrom(pool), 0, 3).Draw(t, string(f))
		if f == traffic.ExcludeOutbound {
			for i, entry := range entries {
				entries[i] = rapid.SampledFrom(drawnPrefixes).Draw(t, "of") + "@" + entry
			}
		}
		require.NoError(t, l.Set(f, entries))
	}
	return l.Settings()
}

// TestAnnotationsReadBack: what a mesh reads in its annotations is what they
// were to say, and what they cannot say is a gap.
func TestAnnotationsReadBack(t *testing.T) {
	for _, m := range mesh.All() {
		t.Run(m.Name, rapid.MakeCheck(func(t *rapid.T) {
			settings := drawSettings(t, "settings")
			said, gaps := m.Express(settings, drawSettings(t, "wide").Layer())
			annotations := m.Annotations(said)
			read, problems := m.Read(annotations)
			require.Empty(t, problems, "%v", annotations)
			require.Equal(t, said.String(), read.String(), "%v", annotations)
			require.Empty(t, m.Misleads(annotations), "%v", annotations)
			again, more := m.Express(read.Settings(), traffic.Layer{})
			require.Equal(t, said.String(), again.String(), "what was said once can be said again")
			require.Empty(t, more)
			if len(gaps) == 0 {
				lost := settings
				lost.IncludeOutboundPorts = traffic.Ports{}
				require.Equal(t, lost.BypassNothing(), said.Settings().BypassNothing(), "nothing is lost without a gap")
			}
		}))
	}
}

// TestAnnotationsNeverBypassMore: a mesh that follows the annotations lets no
// connection past that the decision does not let past, and without a gap lets
// past all of them.
func TestAnnotationsNeverBypassMore(t *testing.T) {
	require.Len(t, model.Models, len(mesh.All()))
	for _, m := range mesh.All() {
		t.Run(m.Name, rapid.MakeCheck(func(t *rapid.T) {
			settings := drawSettings(t, "settings")
			said, gaps := m.Express(settings, traffic.Layer{})
			annotated, problems := m.Read(m.Annotations(said))
			require.Empty(t, problems)
			for _, protocol := range traffic.Protocols {
				for _, port := range drawnNumbers {
					for _, target := range drawnTargets {
						for _, direction := range []traffic.Direction{traffic.Outbound, traffic.Inbound} {
							compare(t, m, settings, annotated, len(gaps) == 0, traffic.Connection{
								Direction: direction, Protocol: protocol, Address: netip.MustParseAddr(target), Port: port,
							})
						}
					}
				}
			}
		}))
	}
}

func compare(t *rapid.T, m *mesh.Mesh, settings traffic.Settings, annotated traffic.Layer, exactly bool, c traffic.Connection) {
	rules := model.Models[m.Name]
	if !rules.Takes(c) {
		return
	}
	decided := settings.Decide(c)
	let := rules.Bypass(annotated, c)
	about := fmt.Sprintf("%s %s to %s port %d is %s by %q, with\n%s", c.Direction, c.Protocol, c.Address, c.Port, decided.Verdict, decided.By, annotated)
	if let && decided.Verdict != traffic.Bypassed {
		// A range in the annotations takes TCP to port 53 along in a mesh that
		// does not capture DNS (docs/deviations.md).
		require.True(t, c.Port == 53 && c.Direction == traffic.Outbound && !rules.UDP, "%s lets more past: %s", m.Name, about)
	}
	if exactly && decided.Verdict == traffic.Bypassed {
		require.True(t, let, "%s has to let it past: %s", m.Name, about)
	}
}

// TestEffectiveIsWhatTheRulesDo: what annotations come to, whoever wrote them, is what
// the mesh's own rules make of them.
func TestEffectiveIsWhatTheRulesDo(t *testing.T) {
	for _, m := range mesh.All() {
		t.Run(m.Name, rapid.MakeCheck(func(t *rapid.T) {
			annotated, _ := m.Read(drawAnnotations(t, m))
			settings := m.Effective(traffic.Layer{}, annotated)
			for _, protocol := range traffic.Protocols {
				for _, port := range drawnNumbers {
					for _, target := range drawnTargets {
						for _, direction := range []traffic.Direction{traffic.Outbound, traffic.Inbound} {
							c := traffic.Connection{Direction: direction, Protocol: protocol, Address: netip.MustParseAddr(target), Port: port}
							// Port 53 is the mesh's own affair (docs/deviations.md).
							if !model.Models[m.Name].Takes(c) || direction == traffic.Outbound && port == traffic.DNSPort {
								continue
							}
							require.Equal(t, model.Models[m.Name].Bypass(annotated, c), settings.Decide(c).Verdict == traffic.Bypassed,
								"%s %s to %s port %d by\n%s, which is\n%s", direction, protocol, target, port, annotated, settings)
						}
					}
				}
			}
		}))
	}
}

// drawAnnotations draws what somebody may write by hand.
func drawAnnotations(t *rapid.T, m *mesh.Mesh) map[string]string {
	all := map[string]string{}
	for _, k := range m.Keys {
		if !rapid.Bool().Draw(t, k.Annotation) {
			continue
		}
		var l traffic.Layer
		pool := []string{"53", "80", "7001", "7002", "8010", "443"}
		if strings.HasSuffix(string(k.Field), "Ranges") {
			pool = []string{"10.0.0.0/8", "10.1.0.0/16", "192.0.2.0/24", "0.0.0.0/0"}
		}
		require.NoError(t, l.Set(k.Field, rapid.SliceOfN(rapid.SampledFrom(pool), 0, 3).Draw(t, string(k.Field))))
		all[k.Annotation] = k.Write(l.Settings())
	}
	return all
}
