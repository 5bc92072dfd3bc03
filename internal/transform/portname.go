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
func (p *Policy) decides(kind *kinds.Kind) func(edit.Path, string) bool {
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
		is.Layer = is.Layer.Add(traffic.LayerOf(n.Field, entries...))
		is.numbers += strings.Join(entries, ",") + ";"
	}
	// An empty list of ports to include lets everything bypass, which nobody means who
	// names one.
	if lacking(is.Layer, is.Names, traffic.IncludeInboundPorts) != nil {
		is.Layer = is.Layer.Without(traffic.IncludeInboundPorts)
	}
	return &is
}

// adds gives what a scope says behind broader ones. An empty list of ports to exclude that
// only lacks what it names says nothing where there is nothing for it to clear.
func (s said) adds(broader []*Scope, scope *Scope) traffic.Layer {
	said := scope.Layer
	if lacking(said, scope.Names, traffic.ExcludeInboundPorts) != nil {
		before := s.defaults
		for _, b := range broader {
			before = before.Merge(b.Layer, b.Merge)
		}
		if before.Settings().ExcludeInboundPorts.IsEmpty() {
			said = said.Without(traffic.ExcludeInboundPorts)
		}
	}
	return said.Adds(scope.Merge)
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

// lacking gives the names in a field of which nothing is left, because no container has
// any of them.
func lacking(said traffic.Layer, names []PortName, f traffic.Field) []string {
	if said.Says(f) && !said.Clears(f) {
		return nil
	}
	return namesOf(names, f)
}

// Lists reports whether a scope has entries in a field, be it that they mean nothing here.
func (c Claim) Lists(f traffic.Field) bool { return c.Said.Says(f) || namesOf(c.names, f) != nil }

// lacks reports whether a field is empty although nobody meant that.
func (f Fold) lacks(field traffic.Field) bool {
	for _, c := range slices.Backward(f) {
		if c.Said.Says(field) {
			return lacking(c.Said, c.names, field) != nil
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

// reportLacking warns of lists of names none of which any container has, where by that they
// clear what broader scopes say, or do not say what is included.
func (p *Policy) reportLacking(w *Workload, fold Fold, plan *Plan) {
	for i := range fold {
		claim := &fold[i]
		report := func(f traffic.Field, says, remedy string) {
			plan.warn(finding.MissingPort, w.templatePath("spec", "containers"), "", "no container has a port named %s, so that %s.%s %s: leave this workload out of the rule, write the number, or %s", strings.Join(lacking(claim.Said, claim.names, f), " or "), claim.Scope, f, says, remedy)
		}
		if cleared := fold.cleared(i); cleared != nil {
			union := "write merge: Union in the rule"
			if claim.Scope == GlobalPath {
				union = "write spec.merge: Union"
			}
			report(traffic.ExcludeInboundPorts, "clears what broader rules say ("+strings.Join(cleared, ", ")+")", union)
		}
		if fold.unsaid(i) {
			included := strings.Join(fold.Layer().Settings().IncludeInboundPorts.Entries(), ", ")
			report(traffic.IncludeInboundPorts, "counts as not said here, and what is intercepted stays (includeInboundPorts: ["+included+"])", "give the port this name")
		}
	}
}

// reportUnsaid warns of that where the scopes say nothing else of a workload.
func (p *Policy) reportUnsaid(w *Workload, was *prior, s said, plan *Plan) {
	if s.anything || !slices.ContainsFunc(s.scopes, func(s *Scope) bool { return s.Names != nil }) {
		return
	}
	if reason, _ := p.leaveAlone(w, was, plan.Namespace, plan.on); reason == "" {
		user, _ := plan.on.Read(was.annotations)
		p.reportLacking(w, p.rule(s, user, plan.on).fold, plan)
	}
}

// cleared gives the ports that broader claims exclude and of which one takes hold because it
// lacks what it names.
func (f Fold) cleared(claim int) []string {
	const field = traffic.ExcludeInboundPorts
	if lacking(f[claim].Said, f[claim].names, field) == nil {
		return nil
	}
	if left, _ := f.Trace(claim, f[claim].Said.Of(field)); !left.Says(field) {
		return nil
	}
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
	return entries
}

// unsaid reports whether a claim says nothing of the ports to include, for it lacks what it
// names, and would hold if it did.
func (f Fold) unsaid(claim int) bool {
	const field = traffic.IncludeInboundPorts
	if lacking(f[claim].Said, f[claim].names, field) == nil {
		return false
	}
	left, _ := f.Trace(claim, traffic.LayerOf(field))
	return left.Says(field)
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
