package lint

import (
	"fmt"
	"iter"
	"strconv"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// servicePort finds ports of Services behind which no sidecar stands. Where the
// mesh has been told to speak plain text to one, somebody has thought of it.
func servicePort(j *judgement) {
	peers, rules := newPeers(j), newRules(j)
	j.reaching(func(w *Workload, r reached) {
		_, told := rules.modes(rules.of(r.service), r)
		if told || only(peers.applied(w).seen(r), disable) {
			return
		}
		p := r.view()
		j.note(r.service.Object, r.path(), p.TargetPort.text, portOf(p)).add(strconv.Itoa(int(r.port)), w)
	})
}

// reached is a port of a Service that leads to a port of a workload which
// bypasses the sidecar.
type reached struct {
	service *service
	index   int // among the Service's ports
	port    uint16
}

func (r reached) view() servicePortView { return r.service.Spec.Ports[r.index] }

// path leads to the field that names the port.
func (r reached) path() edit.Path {
	field := "targetPort"
	if r.view().TargetPort.text == "" {
		field = "port"
	}
	return r.service.Path("spec", "ports", r.index, field)
}

// reaching visits the ports of Services that lead past a sidecar.
func (j *judgement) reaching(visit func(*Workload, reached)) {
	for _, s := range viewed[service](j.items) {
		for w, r := range s.reaching(j.opening) {
			visit(w, r)
		}
	}
}

// reaching gives those of the Service.
func (s *service) reaching(opening *index) iter.Seq2[*Workload, reached] {
	return func(yield func(*Workload, reached) bool) {
		if s.Spec.Type == "ExternalName" || len(s.Spec.Selector) == 0 {
			return
		}
		for _, w := range opening.selected(s.Namespace, s.Spec.Selector) {
			for k, p := range s.Spec.Ports {
				if !p.isTCP() {
					continue
				}
				port := w.port(p)
				if w.inbound.Contains(traffic.TCP, port) && !yield(w, reached{s, k, port}) {
					return
				}
			}
		}
	}
}

func (s servicePortView) isTCP() bool { return s.Protocol == "" || s.Protocol == "TCP" }

// portOf names a port of a Service.
func portOf(p servicePortView) string {
	if p.Name == "" {
		return fmt.Sprintf("port %d", p.Port)
	}
	return fmt.Sprintf("port %d (%s)", p.Port, p.Name)
}
