package transform

import (
	"errors"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/kinds"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// PortName is the name of a container port in a rule.
type PortName struct {
	// Path is the field path of its entry in the spec.
	Path  string
	Field traffic.Field
	Name  string
}

// ports gives the ports of a pod's containers by their names. Init containers count that
// run beside the others.
func (v *viewer) ports(w *Workload) map[string]traffic.Ports {
	named := map[string]traffic.Ports{}
	beside := slices.DeleteFunc(slices.Clone(w.initContainers), func(c container) bool { return c.value.Entry("restartPolicy").Text() != "Always" })
	for _, c := range append(beside, w.containers...) {
		for i, port := range c.value.Entry("ports").Items() {
			name, number := port.Entry("name").Text(), port.Entry("containerPort")
			ports, read := numbered(number)
			if !read && v.policy.names[name] {
				v.problem(append(slices.Clone(c.path), "ports", i, "containerPort"), number.Text(), errNoNumber)
			}
			named[name] = named[name].Union(ports)
		}
	}
	return named
}

var errNoNumber = errors.New("expected a number from 1 to 65535, since the ClusterBypass names this port")

// numbered reads the number of a container port, which means it for every protocol.
func numbered(v node.Value) (traffic.Ports, bool) {
	var n uint16
	if v.IsString() || v.Decode(&n) != nil || n == 0 {
		return traffic.Ports{}, false
	}
	return traffic.SinglePorts(traffic.TCP, n).Bare(), true
}

// decidesPort reports whether a key of a container is one by which a port has its name.
func decidesPort(path edit.Path, key string) bool {
	at := slices.IndexFunc(path, func(step any) bool { return step == "containers" || step == "initContainers" })
	switch in := path[at+1:]; {
	case at < 0:
		return false
	case len(in) == 1:
		return key == "ports" || key == "restartPolicy"
	default:
		return len(in) == 3 && in[1] == "ports" && (key == "name" || key == "containerPort")
	}
}

// decides says which keys of an object of a kind decide what is written.
func (p *Policy) decides(kind kinds.Kind) func(edit.Path, string) bool {
	if p.names == nil {
		return decides(kind)
	}
	return func(path edit.Path, key string) bool { return decides(kind)(path, key) || decidesPort(path, key) }
}

// PortsNamed gives the ports that have a name in the containers of a workload.
func (w *Workload) PortsNamed(name string) traffic.Ports { return w.ports[name] }

// in gives a scope as it speaks of a workload, by numbers: what is made of it knows of no
// names.
func (s *Scope) in(w *Workload) *Scope {
	if len(s.Names) == 0 {
		return s
	}
	is := *s
	for _, n := range s.Names {
		entries := w.PortsNamed(n.Name).Entries()
		is.Layer = is.Layer.Add(only(n.Field, entries...))
		is.numbers += strings.Join(entries, ",") + ";"
	}
	return &is
}

// added gives what a scope says behind broader ones. An empty list of ports to exclude
// that only lacks what it names says nothing where there is nothing for it to clear.
func (p *Policy) added(broader []*Scope, s *Scope) traffic.Layer {
	said := s.Layer
	if said.Clears(traffic.ExcludeInboundPorts) && len(namesOf(s.Names, traffic.ExcludeInboundPorts)) > 0 {
		var before traffic.Layer
		if !p.DefaultsImplied {
			before = p.MeshDefaults
		}
		for _, b := range broader {
			before = before.Merge(b.Layer, b.Merge)
		}
		if before.Settings().ExcludeInboundPorts.IsEmpty() {
			said = said.Without(traffic.ExcludeInboundPorts)
		}
	}
	return said.Adds(s.Merge)
}

func namesOf(all []PortName, f traffic.Field) []string {
	var names []string
	for _, n := range all {
		if n.Field == f {
			names = append(names, n.Name)
		}
	}
	return names
}

// lacking gives the names in a field that is empty because no container has any of them.
func (c Claim) lacking(f traffic.Field) []string {
	if !c.Said.Clears(f) {
		return nil
	}
	return namesOf(c.names, f)
}

// lacks reports whether a field is empty although nobody meant that.
func (f Fold) lacks(field traffic.Field) bool {
	for _, c := range slices.Backward(f) {
		if c.Said.Says(field) {
			return c.lacking(field) != nil
		}
	}
	return false
}

// unseen gives the names that no container has of a workload whose containers do not all
// stand in it.
func (w *Workload) unseen(names []PortName) []PortName {
	if w.stand.whole && len(w.containers) > 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(names), func(n PortName) bool { return !w.PortsNamed(n.Name).IsEmpty() })
}

// refuseNames refuses names of which nobody knows what they mean in a workload, or that
// mean there what no rule may say.
func (p *Policy) refuseNames(w *Workload, said said, plan *Plan) {
	for _, n := range said.unseen {
		plan.find(Error, w.templatePath(), "", "%q is the name of a container port (%s), and what containers the pods of %s get does not stand in it: write the number, or name the port only in rules for other workloads", n.Name, n.Path, A(w.Kind))
	}
	at := w.templatePath("spec", "containers")
	for _, scope := range said.scopes {
		for _, n := range scope.Names {
			for _, own := range p.Mesh.Owned(w.PortsNamed(n.Name)) {
				plan.find(Error, at, "", "the port named %s (%s) is one of %s (%s), which the mesh handles itself: name it only in rules for other workloads", n.Name, n.Path, own.Purpose, own.Ports)
			}
		}
		if len(scope.Names) == 0 {
			continue // which is judged in the spec
		}
		for _, c := range scope.Layer.Contradictions() {
			plan.find(Error, at, "", "%s.%s excludes ports that %s includes (%s), by the names that they have here: remove them from one of the two", scope.Path, c.Exclude, c.Include, c.Ports)
		}
	}
}

// reportLacking warns of names that no container has where they clear what broader scopes
// say, or let everything bypass.
func (p *Policy) reportLacking(w *Workload, plan *Plan) {
	for i, claim := range plan.Fold {
		for _, f := range []traffic.Field{traffic.ExcludeInboundPorts, traffic.IncludeInboundPorts} {
			names, union := claim.lacking(f), "merge: Union in the rule"
			if names == nil {
				continue
			}
			if claim.Scope == GlobalPath {
				union = "spec.merge: Union"
			}
			if says := plan.Fold.cleared(i, f); says != "" {
				plan.warn(finding.MissingPort, w.templatePath("spec", "containers"), "", "no container has a port named %s, so that %s.%s %s: leave this workload out of the rule, write the number, or write %s", strings.Join(names, " or "), claim.Scope, f, says, union)
			}
		}
	}
}

// cleared says what comes of it that a claim leaves a field empty, "" for nothing.
func (f Fold) cleared(claim int, field traffic.Field) string {
	var lost traffic.Layer
	for broader := range claim {
		_, losses := f.Trace(broader, f[broader].Said.Of(field))
		for _, l := range losses {
			if l.By == claim {
				lost = lost.Add(l.Lost)
			}
		}
	}
	entries, _ := lost.Entries(field)
	switch left, _ := f.Trace(claim, f[claim].Said.Of(field)); {
	case !left.Says(field):
		return ""
	case field == traffic.IncludeInboundPorts && f.Layer().Clears(field):
		return "lets every inbound TCP port bypass"
	case len(entries) > 0:
		return "clears what broader rules say (" + strings.Join(entries, ", ") + ")"
	}
	return ""
}

// namesIn gives the names of ports in a rule as parts of it.
func namesIn(s Scope, rule int) []part {
	var parts []part
	for _, n := range s.Names {
		var one Match
		if s.Match != nil {
			one = *s.Match
		}
		one.Port = n.Name
		parts = append(parts, part{path: n.Path, match: &one, rule: rule})
	}
	return parts
}

// namedIn gives the words for the names by which a claim says some of the ports in a field,
// "" where it says their numbers.
func (w *Workload) namedIn(c Claim, f traffic.Field, ports traffic.Ports) string {
	names := slices.DeleteFunc(namesOf(c.names, f), func(name string) bool { return w.PortsNamed(name).Intersect(ports).IsEmpty() })
	if f != traffic.ExcludeInboundPorts || names == nil {
		return ""
	}
	return " (" + strings.Join(names, ", ") + ")"
}
