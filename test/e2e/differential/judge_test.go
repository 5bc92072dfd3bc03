package differential_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/test/lab"
	"github.com/krm-bypass/krm-bypass/test/model"
)

// The judge of a pod is a pod beside it in which the mesh alone intercepts: what the
// settings bypass is answered by its destination, everything else as over there.

// turn is an init container's.
type turn uint8

const (
	ours turn = iota
	theMesh
)

// order is a history of a pod's init containers.
type order struct {
	name  string
	turns []turn
}

var orders = []order{
	{"before", []turn{ours, theMesh}},
	{"after", []turn{theMesh, ours}},
	{"run again", []turn{ours, theMesh, ours, theMesh, ours}},
}

// subject is a pod that is judged.
type subject struct {
	name string
	// run makes the pod and asks in it.
	run func(lab.TB, calls) []string
	// bypassed says what has to be answered by its destination, by each who knows.
	bypassed []func(call) bool
}

// draw is what one comparison is about.
type draw struct {
	stand
	settings traffic.Settings
	calls    calls
	backend  string
	order    order
	// said are the mesh's annotations for the settings, written ones that somebody
	// may write by hand.
	said, written annotated
}

// annotated are annotations and what is said of them.
type annotated struct {
	annotations map[string]string
	// read is what the mesh reads in them.
	read traffic.Layer
	// settings say what they come to.
	settings traffic.Settings
}

// asAnnotated gives what the function writes for settings.
func asAnnotated(t *rapid.T, m *mesh.Mesh, settings traffic.Settings) annotated {
	said, _ := m.Express(settings, traffic.Layer{})
	a := annotated{annotations: map[string]string{}}
	for _, k := range m.Keys {
		if value, needed := m.Value(k, said, traffic.Layer{}, false); needed {
			a.annotations[k.Annotation] = value
		}
	}
	a.read = read(t, m, a.annotations)
	a.settings = a.read.Settings()
	return a
}

// asWritten gives annotations that nobody made fit, but that pods start with, and
// what explain and the limits take them for.
func asWritten(t *rapid.T, m *mesh.Mesh, unread []string, settings traffic.Settings) annotated {
	settings.IncludeOutboundPorts = settings.IncludeOutboundPorts.Without(traffic.SinglePorts(traffic.TCP, dns)) // see exceptions
	a := annotated{annotations: map[string]string{}}
	for _, k := range m.Keys {
		_, gaps := m.Express(settings.Layer().Of(k.Field).Settings(), traffic.Layer{})
		fatal := slices.ContainsFunc(gaps, func(g mesh.Gap) bool { return g.Fatal })
		value := k.Write(settings)
		says := value != "" || settings.Ports(k.Field).IsEmpty() && k.Nothing == "" // not UDP alone
		if !slices.Contains(unread, k.Annotation) && settings.Layer().Says(k.Field) && says && settings.Ports(k.Field).Set().Count(traffic.TCP) < 100 && !fatal {
			a.annotations[k.Annotation] = value
		}
	}
	a.read = read(t, m, a.annotations)
	a.settings = m.Effective(a.read)
	return a
}

func read(t *rapid.T, m *mesh.Mesh, annotations map[string]string) traffic.Layer {
	layer, problems := m.Read(annotations)
	if len(problems) > 0 {
		t.Fatalf("reading %v: %v", annotations, problems)
	}
	return layer
}

// subjects are the pods of a draw. Where two have the same annotations they are one
// pod, at two times.
func (d draw) subjects(byHand bool) [][]subject {
	decided := func(c call) bool { return d.settings.Decide(c.Connection).Verdict == traffic.Bypassed }
	all := [][]subject{{{
		name: "krm-bypass-init by " + d.backend + " " + d.order.name,
		run: func(t lab.TB, calls calls) []string {
			p := d.newPod(t)
			d.history(t, p, nil)
			p.serve(t, calls)
			return p.ask(calls)
		},
		bypassed: []func(call) bool{func(c call) bool { return decided(c) && !d.overtaken(c) }},
	}}}
	if d.mesh() == nil {
		return all
	}
	var p *pod
	all = append(all, []subject{{
		name: fmt.Sprintf("the annotations %v alone", d.said.annotations),
		run: func(t lab.TB, calls calls) []string {
			p = d.newPod(t)
			p.intercept(t, d.said.annotations)
			p.serve(t, calls)
			return p.ask(calls)
		},
		bypassed: []func(call) bool{
			func(c call) bool { return d.passes(d.said.settings, c) },
			func(c call) bool { return d.modelled(d.said, c) },
		},
	}, {
		name: fmt.Sprintf("the annotations %v and krm-bypass-init by %s after them", d.said.annotations, d.backend),
		run: func(t lab.TB, calls calls) []string {
			p.bypass(t, d.backend, d.settings)
			return p.ask(calls)
		},
		bypassed: []func(call) bool{func(c call) bool {
			return decided(c) || d.excepted(d.said.settings, c) && !d.takenAnyway(c)
		}},
	}})
	if byHand {
		all = append(all, []subject{{
			name: fmt.Sprintf("the annotations %v, written by hand, which explain takes for %v", d.written.annotations, d.written.settings.Arguments()),
			run:  func(t lab.TB, calls calls) []string { return d.alone(t, d.written.annotations, calls) },
			bypassed: []func(call) bool{
				func(c call) bool { return d.passes(d.written.settings, c) },
				func(c call) bool { return d.modelled(d.written, c) },
			},
		}})
	}
	return all
}

// overtaken says that Kuma's rules for DNS decide: it puts them above those that are
// there, and only those of iptables are there with its own (docs/deviations.md).
func (d draw) overtaken(c call) bool {
	return d.Mesh == "Kuma" && d.backend == "iptables" && d.order.name == "before" && c.Protocol == traffic.UDP && c.Port == dns
}

// history has the init containers take their turns.
func (d draw) history(t lab.TB, p *pod, annotations map[string]string) {
	for _, turn := range d.order.turns {
		switch turn {
		case ours:
			p.bypass(t, d.backend, d.settings)
		case theMesh:
			p.intercept(t, annotations)
		}
	}
}

// passes says that what annotations are taken for bypasses, or that they bypass by
// an exception.
func (d draw) passes(said traffic.Settings, c call) bool {
	return (said.Decide(c.Connection).Verdict == traffic.Bypassed || d.excepted(said, c)) && !d.takenAnyway(c)
}

// takenAnyway says that Consul's DNS by the address of a Service takes a query,
// whatever its annotations say (docs/deviations.md).
func (d draw) takenAnyway(c call) bool {
	return d.ProxyDNS && c.Direction == traffic.Outbound && c.Port == dns
}

// modelled says what the model of the mesh's rules lets past.
func (d draw) modelled(said annotated, c call) bool {
	if c.Loopback || c.byProxy {
		return d.excepted(said.settings, c)
	}
	rules := model.Models[d.Mesh]
	if !d.CapturesDNS("tcp") && !d.CapturesDNS("udp") {
		rules = rules.WithoutDNS()
	}
	return rules.Takes(c.Connection) && rules.Bypass(said.read, c.Connection) && !d.takenAnyway(c)
}

// exception is a place where an annotation lets more pass than the decision does;
// docs/deviations.md has a paragraph on each.
type exception struct {
	name string
	// meshes are those in which it is so; nil for all.
	meshes  []string
	applies func(s stand, said traffic.Settings, c call) bool
}

var exceptions = []exception{
	{"excluded port 53 over loopback, with DNS capture", []string{"Istio"}, func(s stand, said traffic.Settings, c call) bool {
		return s.CapturesDNS("udp") && c.Loopback && c.Port == dns && said.ExcludeOutboundPorts.Contains(c.Protocol, dns)
	}},
	{"TCP to port 53 by its address, without DNS capture", nil, func(s stand, said traffic.Settings, c call) bool {
		if s.CapturesDNS("tcp") || c.Loopback || c.Direction != traffic.Outbound || c.Protocol != traffic.TCP || c.Port != dns {
			return false
		}
		elsewhere := c.Connection
		elsewhere.Port = portOfNoSetting(said)
		return !said.IncludeOutboundPorts.Contains(traffic.TCP, dns) && said.Decide(elsewhere).Verdict == traffic.Bypassed
	}},
	{"an excluded address, at port 53 and in the pod", []string{"Kuma"}, func(_ stand, said traffic.Settings, c call) bool {
		return c.Direction == traffic.Outbound && (c.Loopback || c.Port == dns) && said.ExcludeOutboundIPRanges.Contains(c.Address)
	}},
	{"the proxy's calls to its own pod at a port excluded outbound", []string{"Istio", "Kuma"}, func(s stand, said traffic.Settings, c call) bool {
		// Under TPROXY they come in like others then, from the loopback interface.
		intercepted := s.TPROXY && !said.Inbound().Contains(traffic.TCP, c.Port)
		return !intercepted && c.byProxy && c.Loopback && said.ExcludeOutboundPorts.Contains(c.Protocol, c.Port)
	}},
	{"the application's calls to its own pod, which are outbound to the mesh as any others", []string{"Consul"}, func(_ stand, said traffic.Settings, c call) bool {
		outbound := c.Connection
		outbound.Loopback = false
		if outbound.Port == dns {
			outbound.Port = portOfNoSetting(said) // as above, or by its own port
		}
		released := said.Decide(outbound).Verdict == traffic.Bypassed || said.ExcludeOutboundPorts.Contains(traffic.TCP, c.Port)
		return c.Loopback && !c.byProxy && c.Protocol == traffic.TCP && !c.Address.IsLoopback() && released
	}},
}

func (s stand) excepted(said traffic.Settings, c call) bool {
	return slices.ContainsFunc(exceptions, func(e exception) bool {
		return (e.meshes == nil || slices.Contains(e.meshes, s.Mesh)) && e.applies(s, said, c)
	})
}

// portOfNoSetting returns a port at which addresses alone decide.
func portOfNoSetting(s traffic.Settings) uint16 {
	named := s.ExcludeOutboundPorts.Union(s.IncludeOutboundPorts)
	port := uint16(1)
	for port == dns || named.Contains(traffic.TCP, port) {
		port++
	}
	return port
}

// atOnce runs tasks side by side.
func atOnce(t testing.TB, tasks ...func()) {
	t.Helper()
	var running sync.WaitGroup
	for _, task := range tasks {
		running.Go(task)
	}
	running.Wait()
	if t.Failed() {
		t.FailNow() // it was said why, on a goroutine that cannot end the test
	}
}
