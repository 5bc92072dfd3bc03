package e2e_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/test/lab"
	"github.com/krm-bypass/krm-bypass/test/lab/interceptor"
)

// meshProgram is a mesh's own init container, in a pod.
type meshProgram struct {
	name   string
	family lab.Family
	proxy  interceptor.Proxy
	run    func(pod *lab.Host, annotations map[string]string) error
}

func consulBy(name string, c interceptor.Consul) meshProgram {
	i := meshProgram{name, lab.IPv4, c.Interceptor(nil).Proxy, c.Try}
	if c.DualStack {
		i.family = lab.DualStack
	}
	return i
}

func injectedBy(name string, of interceptor.Injector, backend interceptor.Backend) meshProgram {
	return meshProgram{name, lab.IPv4, of.Interceptor(backend, "", nil).Proxy, func(pod *lab.Host, annotations map[string]string) error {
		return of.Try(pod, backend, "", annotations)
	}}
}

// fails is what is found where the init container does.
const fails = "fails"

// reads gives what of some connections goes past the mesh in a pod with annotations.
func (i meshProgram) reads(t *testing.T, annotations map[string]string, tried []netip.AddrPort) string {
	t.Helper()
	pod, outside := lab.NewPod(t, i.family)
	if i.run(pod, annotations) != nil {
		return fails
	}
	outside.Answer(t, lab.World)
	pod.Answer(t, lab.Server{Name: refused, UID: i.proxy.UID, Ports: []uint16{i.proxy.Outbound}})
	var past []string
	for _, to := range tried {
		if pod.Ask(lab.Application, "tcp", netip.Addr{}, to) == lab.World.Name {
			past = append(past, text(to))
		}
	}
	return strings.Join(past, " ")
}

func text(to netip.AddrPort) string {
	if to.Addr() == portsAt {
		return fmt.Sprint(to.Port())
	}
	return to.Addr().String()
}

// What is tried: ports at one address, and addresses at one port.
var (
	portsAt = netip.MustParseAddr("198.51.100.7")
	tried   = func() (all []netip.AddrPort) {
		for _, port := range []uint16{22, 291, 443, 7999, 8000, 8050, 8100, 8101, 65535} {
			all = append(all, netip.AddrPortFrom(portsAt, port))
		}
		for _, address := range []string{"192.0.2.7", "192.0.3.7"} {
			all = append(all, netip.AddrPortFrom(netip.MustParseAddr(address), 5000))
		}
		return all
	}()
)

// valueRow is a value of an annotation and what each init container makes of it.
type valueRow struct {
	field  traffic.Field
	value  string
	found  []string // by init container
	reader string   // what package mesh says of it where it does not say the same: part of a problem or a doubt
}

// hold runs the init containers and compares what package mesh reads: where all find the
// same it has to, and otherwise to complain.
func hold(t *testing.T, meshName string, containers []meshProgram, rows []valueRow) {
	t.Helper()
	m, found := mesh.ByName(meshName)
	require.True(t, found)
	for _, row := range rows {
		t.Run(string(row.field)+"="+row.value, func(t *testing.T) {
			key, _ := m.Key(row.field)
			annotations := map[string]string{key.Annotation: row.value}
			for i, container := range containers {
				assert.Equal(t, row.found[i], container.reads(t, annotations, tried), container.name)
			}
			layer, problems := m.Read(annotations)
			said := fmt.Sprint(problems)
			for _, misleading := range m.Misleads(annotations) {
				said += fmt.Sprintf(" %+v", misleading)
			}
			_, gaps := m.Express(layer.Settings(), traffic.Layer{})
			for _, gap := range gaps {
				if gap.Fatal {
					said += " " + gap.Reason
				}
			}
			if len(problems) == 0 && slices.ContainsFunc(row.found, func(found string) bool { return found != fails }) {
				var past []string
				for _, to := range tried {
					c := traffic.Connection{Protocol: traffic.TCP, Address: to.Addr(), Port: to.Port()}
					if layer.Settings().Decide(c).Verdict == traffic.Bypassed {
						past = append(past, text(to))
					}
				}
				read := strings.Join(past, " ")
				assert.True(t, slices.Contains(row.found, read), "package mesh reads %q", read)
			}
			if row.reader == "" {
				assert.Equal(t, "[]", said)
				return
			}
			assert.Contains(t, said, row.reader)
		})
	}
}

const (
	outPorts  = traffic.ExcludeOutboundPorts
	outRanges = traffic.ExcludeOutboundIPRanges
)

// What Consul's init container makes of values, by either sdk: the judge of what package
// mesh reads in them, and of what docs/meshes.md says of versions.
func TestConsulReads(t *testing.T) {
	containers := []meshProgram{
		consulBy("sdk 0.18", interceptor.Consul{Backend: interceptor.IptablesNFT}),
		consulBy("sdk 0.18, iptables-legacy", interceptor.Consul{Backend: interceptor.IptablesLegacy}),
		consulBy("sdk 0.18, dual stack", interceptor.Consul{Backend: interceptor.IptablesNFT, DualStack: true}),
		consulBy("sdk 0.19", interceptor.Consul{Backend: interceptor.Nftables}),
		consulBy("sdk 0.19, dual stack", interceptor.Consul{Backend: interceptor.Nftables, DualStack: true}),
	}
	all := func(found string) []string { return []string{found, found, found, found, found} }
	by := func(older, dualStack, newer string) []string { return []string{older, older, dualStack, newer, newer} }
	hold(t, "Consul", containers, []valueRow{
		{outPorts, "443", all("443"), ""},
		{outPorts, "443,8000:8100", all("443 8000 8050 8100"), ""},
		{outPorts, "8000-8100", by(fails, fails, "8000 8050 8100"), "8000:8100"},
		{outPorts, "8100:", all("8100 8101 65535"), ""},
		{outPorts, ":291", all("22 291"), ""},
		{outPorts, " 443", all("443"), ""},
		{outPorts, "443 ", by(fails, fails, "443"), "whitespace"},
		{outPorts, "443, 8000", all("443 8000"), ""},
		{outPorts, "ssh", all("22"), "name"},
		{outPorts, "0x1bb", by("443", "443", fails), "0x1bb"},
		{outPorts, "+443", by("443", "443", fails), "+443"},
		{outPorts, "0443", all("291"), "0443"},
		{outPorts, "70000", all(fails), "70000"},
		{outPorts, "8100:8000", all(fails), "8100"},
		{outPorts, "", all(fails), "empty"},
		{outPorts, "443,", all(fails), "empty"},
		{outRanges, "192.0.2.0/24", by("192.0.2.7", fails, "192.0.2.7"), ""},
		{outRanges, "192.0.2.7", by("192.0.2.7", fails, "192.0.2.7"), ""},
		{outRanges, " 192.0.2.0/24", by("192.0.2.7", fails, "192.0.2.7"), ""},
		{outRanges, "192.0.2.0/24 ", by(fails, fails, "192.0.2.7"), "whitespace"},
		{outRanges, "2001:db8::/32", by(fails, fails, ""), "IPv6"},
		{outRanges, "192.0.2.0/24,2001:db8::/32", by(fails, fails, "192.0.2.7"), "IPv6"},
		{outRanges, "", all(fails), "empty"},
	})
}

// What OSM's injector and its init container make of values, and FSM's, which is the same.
func TestInjectorsRead(t *testing.T) {
	fifteen, sixteen := "9001", "9001"
	for port := 9002; port <= 9016; port++ {
		if port < 9016 {
			fifteen += fmt.Sprint(",", port)
		}
		sixteen += fmt.Sprint(",", port)
	}
	for name, of := range map[string]interceptor.Injector{"FSM": interceptor.FSM, "OSM": interceptor.OSM} {
		both := func(found string) []string { return []string{found, found} }
		t.Run(name, func(t *testing.T) {
			hold(t, name, []meshProgram{
				injectedBy("iptables-nft", of, interceptor.IptablesNFT),
				injectedBy("iptables-legacy", of, interceptor.IptablesLegacy),
			}, []valueRow{
				{outPorts, "443", both("443"), ""},
				{outPorts, "443, 8000 ", both("443 8000"), ""},
				{outPorts, "+443", both("443"), "+443"},
				{outPorts, "0443", both("443"), "0443"},
				{outPorts, "0x1bb", both(fails), "0x1bb"},
				{outPorts, "ssh", both(fails), "ssh"},
				{outPorts, "70000", both(fails), "70000"},
				{outPorts, "0", both(fails), "0"},
				{outPorts, "8000-8100", both(fails), "8000-8100"},
				{outPorts, "8000:8100", both(fails), "8000:8100"},
				{outPorts, "", both(fails), "empty"},
				{outPorts, "443,", both(fails), "empty"},
				{outPorts, fifteen, both(""), ""},
				{outPorts, sixteen, both(fails), "at most 15"},
				{outRanges, "192.0.2.0/24", both("192.0.2.7"), ""},
				{outRanges, " 192.0.2.0/24 ", both("192.0.2.7"), ""},
				{outRanges, "192.0.2.7", both(fails), "mask"},
				{outRanges, "192.0.2.9/24", both("192.0.2.7"), ""},
				{outRanges, "2001:db8::/32", both(fails), "IPv6"},
				{outRanges, "", both(fails), "empty"},
			})
		})
	}
}
