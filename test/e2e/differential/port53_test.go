package differential_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/test/lab"
)

// queries are those of a pod: over each protocol to a name server outside and to one in
// the pod, and the proxy's own.
func queries(family lab.Family) calls {
	var all calls
	for _, protocol := range traffic.Protocols {
		all = append(all,
			to(protocol, family.Of(nameServer), dns),
			to(protocol, family.Of(lab.Loopback), dns),
			to(protocol, family.Of(nameServer), dns).ofTheProxy())
	}
	return all
}

// whose says in words who answered queries: where the protocols differ, for each.
func whose(answers []string) []string {
	word := func(answer string) string {
		switch answer {
		case lab.World.Name, application:
			return "past"
		case outboundProxy:
			return "sidecar"
		case dnsProxy:
			return "DNS proxy"
		}
		return answer
	}
	n := len(answers) / len(traffic.Protocols)
	words := make([]string, n)
	for i := range words {
		first, second := word(answers[i]), word(answers[n+i])
		words[i] = first
		if first != second {
			words[i] = fmt.Sprintf("%s %s, %s %s", traffic.Protocols[0], first, traffic.Protocols[1], second)
		}
	}
	return words
}

// TestPort53 measures the table of docs/deviations.md: what becomes of queries behind
// each mesh's rules, with port 53 or a range that holds the name server in its own
// annotations, and with krm-bypass-init.
func TestPort53(t *testing.T) {
	var guard sync.Mutex
	measured := map[string][]string{}
	slots := make(chan struct{}, 4)
	var tasks []func()
	var names []string
	all := slices.DeleteFunc(stands(), func(s stand) bool {
		unwanted := s.Mesh == "" || slices.Contains(names, s.name()) // one family shows it
		names = append(names, s.name())
		return unwanted
	})
	for _, s := range all {
		tasks = append(tasks, func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			row := s.port53(t)
			guard.Lock()
			defer guard.Unlock()
			measured[s.name()] = row
		})
	}
	atOnce(t, tasks...)
	holdPage(t, "deviations.md", "port 53", port53Table(all, measured))
}

func (s stand) port53(t testing.TB) []string {
	// One family shows it, but one in which there is something to see.
	family := slices.Concat(s.LoopbackDNS, s.families())[0]
	calls := queries(family)
	row := whose(s.alone(t, nil, calls))
	annotated := func(f traffic.Field, entries ...string) string {
		m := s.mesh()
		if m == nil {
			return unasked
		}
		key, found := m.Key(f)
		if !found {
			return "–"
		}
		if slices.Contains(s.Unread, key.Annotation) {
			return unasked
		}
		return whose(s.alone(t, map[string]string{key.Annotation: strings.Join(entries, ",")}, calls))[0]
	}
	ranges := map[bool]string{true: "192.0.2.0/24", false: "2001:db8:2::/48"}[family.IPv4]
	row = append(row, annotated(traffic.ExcludeOutboundPorts, "53"), annotated(traffic.ExcludeOutboundIPRanges, ranges))
	scope := &scope{TB: t}
	defer scope.end()
	p := s.newPod(scope)
	p.intercept(scope, nil)
	var said traffic.Layer
	if err := said.Set(traffic.ExcludeOutboundPorts, []string{"53"}); err != nil {
		t.Fatal(err)
	}
	p.bypass(scope, "nftables", said.Settings())
	p.serve(scope, calls)
	ours := whose(p.ask(calls))
	return append(row, ours[0], ours[2])
}

// unasked is the cell of an interceptor that is not tried with annotations, or not with
// this one.
const unasked = ""

// alike reports whether two rows are one, as far as is known.
func alike(one, other []string) bool {
	for i := range one {
		if one[i] != other[i] && one[i] != unasked && other[i] != unasked {
			return false
		}
	}
	return true
}

// port53Table writes a row for what differs in a mesh.
func port53Table(all []stand, measured map[string][]string) string {
	type group struct {
		mesh  string
		cells []string
		names []string
	}
	var groups []*group
	beginning := map[string]int{}
	for _, s := range all {
		cells := measured[s.name()]
		i := slices.IndexFunc(groups, func(g *group) bool { return g.mesh == s.mode() && alike(g.cells, cells) })
		if i < 0 {
			groups = append(groups, &group{mesh: s.mode(), cells: cells})
			beginning[s.mode()+cells[0]+cells[1]]++
			i = len(groups) - 1
		}
		for j := range cells {
			groups[i].cells[j] = cmp.Or(groups[i].cells[j], cells[j])
		}
		groups[i].names = append(groups[i].names, s.Name)
	}
	var b strings.Builder
	b.WriteString("| mesh | a query | one to 127.0.0.1 | one of the proxy's own | 53 in its annotation | a range in its annotation | 53 by the init container | the proxy's own then |\n")
	b.WriteString("|" + strings.Repeat("---|", 8) + "\n")
	for _, g := range groups {
		name := g.mesh
		if beginning[g.mesh+g.cells[0]+g.cells[1]] > 1 {
			name += " (" + strings.Join(g.names, ", ") + ")"
		}
		fmt.Fprintf(&b, "| %s |", name)
		for _, cell := range g.cells {
			fmt.Fprintf(&b, " %s |", cmp.Or(cell, "–"))
		}
		b.WriteString("\n")
	}
	return b.String()
}
