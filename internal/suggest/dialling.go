package suggest

import (
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/pattern"
)

// dialling are init containers that call a Service among the manifests, or an address,
// by what their command, arguments and environment say.
var dialling = source{look: func(t *tree) {
	for _, w := range t.workloads {
		s := Suggestion{workload: w, early: true, doubts: []string{beforeSidecar, "where the mesh captures DNS, add port 53"}}
		for _, c := range w.containers {
			if whom := t.dials(&s, c); c.early && len(whom) > 0 {
				s.reasons = append(s.reasons, fmt.Sprintf("init container %s of %s calls %s", c.name, w.name, strings.Join(united(nil, whom), ", ")))
			}
		}
		s.pairs = uniquePairs(s.pairs)
		t.suggest(s)
	}
}}

const beforeSidecar = "it is where the mesh's rules are there before the sidecar, as those of a CNI plugin; rules that an init container makes behind it, and native sidecars, are in nobody's way"

// dials adds what a container calls before the sidecar is there, and says whom.
func (t *tree) dials(s *Suggestion, c container) (whom []string) {
	for _, word := range c.words {
		for _, called := range destinations(word) {
			port := number(called.port)
			address, err := netip.ParseAddr(called.host)
			switch called, known := t.hostOf(called.host, s.workload.namespace), err == nil; {
			case !c.early, port == 0:
			case known && !address.IsLoopback() && !address.IsUnspecified():
				s.pairs, whom = append(s.pairs, destination{address.String(), port}), append(whom, fmt.Sprintf("port %d of %s", port, address))
			case !known && called.offers(port):
				s.outbound, whom = append(s.outbound, port), append(whom, fmt.Sprintf("port %d of %s", port, called.at()))
			}
		}
	}
	return whom
}

func uniquePairs(pairs []destination) (all []destination) {
	seen := map[destination]bool{}
	for _, p := range pairs {
		if !seen[p] {
			seen[p], all = true, append(all, p)
		}
	}
	return all
}

// dialled is HOST:PORT, or HOST PORT as nc takes them.
var dialled = pattern.Of(`(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9](?:[-.A-Za-z0-9]*[A-Za-z0-9])?)(?::|[ \t]+)([0-9]{1,5})\b`)

type callee struct{ host, port string }

func destinations(word string) (all []callee) {
	for _, found := range dialled.Regexp().FindAllStringSubmatch(word, -1) {
		all = append(all, callee{strings.Trim(found[1], "[]"), found[2]})
	}
	if host, port, err := net.SplitHostPort(word); err == nil && len(all) == 0 {
		all = append(all, callee{host, port})
	}
	return all
}

// hostOf finds the Service of a host, as the resolver of a pod in the namespace does.
func (t *tree) hostOf(host, namespace string) *service {
	name, rest, dotted := strings.Cut(host, ".")
	if dotted {
		namespace, rest, dotted = strings.Cut(rest, ".")
		if dotted && rest != "svc" && !strings.HasPrefix(rest, "svc.") {
			return nil
		}
	}
	return t.called[[2]string{namespace, name}]
}

func (s *service) offers(port uint16) bool {
	if s == nil {
		return false
	}
	for _, p := range s.ports {
		if p.number == port {
			return true
		}
	}
	return false
}

// toFillIn stands for the address of the API server, which is in no manifest; no range
// is written like it.
const toFillIn = "ADDRESS-OF-THE-API-SERVER"

// apiSigns are what containers say that call the API server by themselves.
var apiSigns = pattern.Of(`\bkubectl\b|KUBERNETES_SERVICE_HOST|\bkubernetes\.default\b`)

// apiServer are init containers, and Jobs, that call the API server before a sidecar
// may be there.
var apiServer = source{look: func(t *tree) {
	for _, w := range t.workloads {
		for _, c := range w.containers {
			said := apiSigns.Regexp().FindString(strings.Join(append(c.words, imageName(c.image)), "\n"))
			if said == "" || !c.early && w.Kind != "Job" && w.Kind != "CronJob" {
				continue
			}
			t.suggest(Suggestion{
				workload: w, early: c.early, pairs: []destination{{toFillIn, 443}},
				reasons: []string{fmt.Sprintf("container %s of %s calls the API server (%s)", c.name, w.name, said)},
				doubts:  []string{"its address is in no manifest: kubectl get service kubernetes -n default -o jsonpath={.spec.clusterIP} tells it"},
			})
		}
	}
}}
