package suggest

import (
	"fmt"
	"slices"
	"strings"
)

// peers are the ports by which the pods of a StatefulSet call one another: those of its
// headless Service that no other Service has. A port that clients call too stays in the
// mesh, for their sake.
var peers = source{look: func(t *tree) {
	for _, w := range t.workloads {
		if w.headless == "" || w.replicas == "0" || w.replicas == "1" {
			continue
		}
		s := t.called[[2]string{w.namespace, w.headless}]
		if s == nil || !s.headless() || !w.has(s.selector) {
			continue
		}
		clients := map[uint16]string{}
		for _, other := range t.services {
			if other == s || other.headless() || other.namespace != w.namespace || len(other.selector) == 0 || !w.has(other.selector) {
				continue
			}
			for _, p := range other.ports {
				clients[w.port(p.target)] = other.at()
			}
		}
		var ports []uint16
		var shared []string
		for _, p := range s.ports {
			number := w.port(p.target)
			if by := clients[number]; by != "" {
				shared = append(shared, fmt.Sprintf("%d (%s)", number, by))
			} else if p.protocol == "TCP" && number != 0 {
				ports = append(ports, number)
			}
		}
		slices.Sort(ports)
		if len(ports) == 0 && len(shared) > 0 {
			t.note("%s: its pods call one another by %s, all of whose ports clients call as well: %s. Nothing is proposed, because a bypass would take these from the mesh", w.name, s.at(), strings.Join(shared, ", "))
			continue
		}
		t.suggest(Suggestion{
			workload: w, inbound: ports, outbound: ports, mends: true,
			reasons: []string{fmt.Sprintf("the pods of %s call one another on %s, by the headless %s", w.name, portsOf(ports), s.at())},
			doubts:  []string{"peers that are all in the mesh find one another through it; a bypass is for those that call by addresses, count connections or start before their sidecars"},
		})
	}
}}
