package report

import (
	"cmp"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	docs "github.com/krm-bypass/krm-bypass/test/page"
)

// TestSemanticsPage keeps the tables of docs/semantics.md the lines by which explain and
// the settings decide.
func TestSemanticsPage(t *testing.T) {
	tables := map[string]string{}
	for direction, name := range map[traffic.Direction]string{traffic.Outbound: "sends", traffic.Inbound: "receives"} {
		for i, table := range Tables(direction) {
			var rows strings.Builder
			rows.WriteString("| | the connection | answer |\n|---|---|---|\n")
			for n, line := range table.Lines {
				fmt.Fprintf(&rows, "| %d | %s | %s |\n", n+1, line.Says, line.Verdict)
			}
			tables[map[int]string{inFront: "unasked", bySettings: name, behind: "rest"}[i]] = rows.String()
		}
	}
	docs.Holds(t, "../../../docs/semantics.md", tables, *update, "go test ./cmd/krm-bypass/report -run TestSemanticsPage -update")
}

// TestEachLineDecides has for every line beside the settings' a workload and a connection
// of which it is so, and beside them connections of which it is not.
func TestEachLineDecides(t *testing.T) {
	of := func(change func(*fn.Explanation)) Workload {
		w := Workload{Explanation: fn.Explanation{Outcome: fn.Written}}
		w.Fields = []fn.ExplainedField{
			{Field: "excludeOutboundPorts", Effective: []string{"3306"}}, {Field: "includeOutboundPorts", Effective: []string{"8443"}},
			{Field: "excludeInboundPorts", Effective: []string{"7001"}},
		}
		change(&w.Explanation)
		return w
	}
	ports := func(bypass, sure, outbound bool) func(*fn.Explanation) {
		return func(x *fn.Explanation) {
			x.MeshPorts = []fn.MeshPorts{{Ports: []string{"15020/TCP"}, Bypass: bypass, Sure: sure, Outbound: outbound, Why: "it says so"}}
		}
	}
	another := func(sure bool) func(*fn.Explanation) {
		return func(x *fn.Explanation) {
			x.Others = []fn.ExplainedOther{{Name: "a key", Sure: sure, Lets: map[string][]string{"excludeInboundPorts": {"9090"}, "excludeOutbound": {"10.0.0.0/8@1-65535"}}}}
		}
	}
	reach := map[Place]bool{}
	for _, test := range []struct {
		workload Workload
		at       string
		by       Place
		verdict  string
	}{
		{of(func(x *fn.Explanation) { x.Outcome = fn.RefusedOutcome }), "10.0.0.1:3306", Place{inFront, 1}, NotOurs},
		{of(func(x *fn.Explanation) { x.Outcome = fn.UnknownOutcome }), "10.0.0.1:3306", Place{inFront, 2}, NotOurs},
		{of(func(x *fn.Explanation) { x.Outcome = fn.LaterOutcome }), "7001", Place{inFront, 2}, NotOurs},
		{of(func(x *fn.Explanation) { x.Voided = "it is void" }), "10.0.0.1:3306", Place{inFront, 3}, LeftToMesh},
		{of(func(x *fn.Explanation) { x.Voided = "it is void" }), "127.0.0.1:3306", Place{behind, 1}, LeftToMesh},
		{of(func(*fn.Explanation) {}), "10.0.0.1:3306", Place{bySettings, 2}, Bypassed},
		{of(func(*fn.Explanation) {}), "7001", Place{bySettings, 2}, Bypassed},
		{of(func(*fn.Explanation) {}), "127.0.0.1:3306", Place{behind, 1}, LeftToMesh},
		{of(func(x *fn.Explanation) { x.OnlyIPv4 = true }), "[fd00::1]:443", Place{behind, 2}, Bypassed},
		{of(func(x *fn.Explanation) { x.OnlyIPv4 = true }), "[fd00::1]:8443", Place{behind, 2}, Bypassed},
		{of(func(x *fn.Explanation) { x.OnlyIPv4 = true }), "10.0.0.1:443", Place{behind, 12}, Intercepted},
		{of(func(x *fn.Explanation) { x.OnlyIPv4 = true }), "443", Place{behind, 12}, Intercepted},
		{of(ports(true, true, false)), "15020", Place{behind, 3}, Bypassed},
		{of(ports(true, true, false)), "10.0.0.1:15020", Place{behind, 12}, Intercepted},
		{of(ports(true, true, false)), "15020/UDP", Place{behind, 11}, LeftToMesh},
		{of(another(true)), "9090", Place{behind, 4}, Bypassed},
		{of(another(true)), "10.0.0.1:8443", Place{behind, 4}, Bypassed},
		{of(another(true)), "11.0.0.1:8443", Place{behind, 9}, Intercepted},
		{of(another(false)), "9090", Place{behind, 5}, InDoubt},
		{of(func(x *fn.Explanation) { x.IPv6If = "it is told to" }), "[fd00::1]:443", Place{behind, 6}, InDoubt},
		{of(func(x *fn.Explanation) { x.IPv6If, x.Reason = "it is told to", "it is alone" }), "[fd00::1]:443", Place{behind, 10}, NotOurs},
		{of(ports(true, false, true)), "10.0.0.1:15020", Place{behind, 7}, InDoubt},
		{of(ports(false, false, false)), "15020", Place{behind, 8}, LeftToMesh},
		{of(func(*fn.Explanation) {}), "10.0.0.1:8443", Place{behind, 9}, Intercepted},
		{of(func(x *fn.Explanation) { x.Outcome, x.Reason = fn.LeftAlone, "it is alone" }), "10.0.0.1:443", Place{behind, 10}, NotOurs},
		{of(func(x *fn.Explanation) { x.Outcome, x.Reason = fn.LeftAlone, "it is alone" }), "127.0.0.1:443", Place{behind, 10}, NotOurs},
		{of(func(*fn.Explanation) {}), "10.0.0.1:53/UDP", Place{behind, 11}, LeftToMesh},
		{of(func(*fn.Explanation) {}), "10.0.0.1:53", Place{behind, 12}, Intercepted},
	} {
		read := traffic.ParseOutbound
		if !strings.Contains(test.at, ":") {
			read = traffic.ParseInbound
		}
		c, err := read(test.at)
		require.NoError(t, err)
		d := test.workload.decide(c)
		by := d.Fits[len(d.Fits)-1]
		assert.Equal(t, test.by, by, test.at)
		assert.Equal(t, test.verdict, d.Verdict, test.at)
		assert.Equal(t, d.Verdict, Tables(c.Direction)[by.Table].Lines[by.Line-1].Verdict, "%s: the line says so", test.at)
		if by.Table != inFront {
			assert.Equal(t, bySettings, d.Fits[0].Table, test.at)
		}
		reach[by] = true
	}
	for _, table := range []int{inFront, behind} {
		for i, line := range Tables(traffic.Outbound)[table].Lines {
			assert.True(t, reach[Place{table, i + 1}], "nothing is decided by: %s", line.Says)
		}
	}
}

// TestALineNamesTheFieldThatDecides asks the workloads of the goldens about connections at
// the edges of what their settings say.
func TestALineNamesTheFieldThatDecides(t *testing.T) {
	inputs, err := filepath.Glob("../../../testdata/golden/*/*/input.yaml")
	require.NoError(t, err)
	initially, decided := 0, map[string]int{}
	for _, input := range inputs {
		manifests, err := os.ReadFile(input)
		require.NoError(t, err)
		spec, err := os.ReadFile(filepath.Join(filepath.Dir(input), "spec.yaml"))
		if err != nil {
			continue // it stands among the manifests
		}
		x, err := fn.Explain(fn.SpecIn(fn.Manifest{Path: "spec.yaml", Text: spec}), []fn.Manifest{{Path: "input.yaml", Text: manifests}}, fn.Options{}, "")
		if err != nil {
			continue // it is refused
		}
		r := NewExplanation(x)
		for _, c := range edges(&r) {
			r.Decide(c, "it")
			for i := range r.Workloads {
				for d := r.Workloads[i].Decision; d != nil; d = d.Initially {
					for _, at := range d.Fits {
						line := d.Tables(c.Direction)[at.Table].Lines[at.Line-1]
						if at.Table == bySettings && d.Field != "" {
							assert.Contains(t, line.Says, "`"+d.Field+"`", "%s: %s: %v", input, r.Workloads[i].Title(), c)
							decided[d.Field]++
						}
					}
					if d != r.Workloads[i].Decision {
						initially++
					}
				}
			}
		}
	}
	assert.Greater(t, initially, 10)
	assert.Len(t, decided, len(traffic.Fields)+len(initialNames), "%v", decided)
}

// edges are connections of which each is about an entry of a workload.
func edges(r *Explanation) (all []traffic.Connection) {
	known := map[string]bool{}
	add := func(read func(string) (traffic.Connection, error), at string) {
		if c, err := read(at); err == nil && !known[at] {
			known[at] = true
			all = append(all, c)
		}
	}
	add(traffic.ParseOutbound, "203.0.113.77:4711")
	add(traffic.ParseInbound, "4711")
	for _, w := range r.Workloads {
		for _, f := range w.Fields {
			for _, entry := range f.Effective[:min(len(f.Effective), 8)] {
				address, port, pair := strings.Cut(entry, "@")
				if !pair && strings.HasSuffix(f.Field, "Ports") {
					address, port = "203.0.113.77/32", entry
				}
				port, protocol, _ := strings.Cut(cmp.Or(port, "4711"), "/")
				port, _, _ = strings.Cut(port, "-")
				if protocol != "" {
					port += "/" + protocol
				}
				if strings.Contains(f.Field, "Inbound") {
					add(traffic.ParseInbound, port)
				}
				prefix, err := netip.ParsePrefix(address)
				if err == nil {
					add(traffic.ParseOutbound, bracketed(prefix.Addr())+":"+port)
				}
			}
		}
	}
	return all
}

func bracketed(address netip.Addr) string {
	if address.Is6() {
		return "[" + address.String() + "]"
	}
	return address.String()
}
