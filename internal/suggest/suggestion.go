package suggest

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// source is where suggestions come from.
type source struct {
	// reads gives the kinds that it looks at beside workloads, Services and Namespaces; nil
	// for none. It is asked by who suggests, and not at the start of every program.
	reads func() []string
	look  func(*tree)
}

var sources = []source{metrics, annotated, hooks, peers, metadata, nodeDNS, dialling, apiServer, serverFirst}

// Suggestion is a rule for one workload.
type Suggestion struct {
	workload *workload
	inbound  []uint16
	// names are those of inbound ports by which their callers know them.
	names    map[uint16]string
	outbound []uint16
	ranges   []string
	// pairs are addresses with a port; an address may be one to fill in.
	pairs []destination
	// early says that all of it is for init containers alone.
	early bool
	// reasons say what it is for, each with the object that it comes from.
	reasons []string
	// outside says that the caller is not in the mesh for sure, standing by what that is
	// known. doubts say what else would have to hold for the rule to be needed.
	outside  bool
	standing []string
	doubts   []string
	// unsure says that nothing tells whether the pods have a sidecar.
	unsure bool
	// mends says that what mends the callers' side is shown whole.
	mends bool

	// what the trial finds
	// strict are the objects that ask for mTLS.
	strict     []string
	objections []objection
	refused    bool
}

type destination struct {
	address string
	port    uint16
}

// objection is what a check or a limit says against a rule: what it would have done.
type objection struct{ kind, mend, proposed string }

// proven says that the manifests prove that something breaks without the rule.
func (s *Suggestion) proven() bool {
	return s.outside && len(s.strict) > 0 && !s.refused && !s.unsure
}

// Note is what is said and is no rule.
type Note string

func (t *tree) note(format string, args ...any) {
	if n := Note(fmt.Sprintf(format, args...)); !slices.Contains(t.notes, n) {
		t.notes = append(t.notes, n)
	}
}

// suggest adds a suggestion, unless the policy says the same already or none could be
// written. What is proposed for one port twice has both reasons.
func (t *tree) suggest(s Suggestion) {
	w := s.workload
	if w.Name == "" || w.Copied {
		return
	}
	s.inbound = slices.DeleteFunc(s.inbound, func(p uint16) bool {
		return p == 0 || w.settings.Decide(traffic.Connection{Direction: traffic.Inbound, Protocol: traffic.TCP, Port: p}).Verdict == traffic.Bypassed ||
			!t.Policy.Mesh.Own(traffic.SinglePorts(traffic.TCP, p)).IsEmpty()
	})
	s.outbound = slices.DeleteFunc(s.outbound, func(p uint16) bool {
		return p == 0 || w.settings.ExcludeOutboundPorts.Contains(traffic.TCP, p)
	})
	s.pairs = slices.DeleteFunc(s.pairs, func(d destination) bool {
		address, err := netip.ParseAddr(d.address)
		return err == nil && w.settings.Decide(traffic.Connection{Direction: traffic.Outbound, Protocol: traffic.TCP, Address: address, Port: d.port}).Verdict == traffic.Bypassed
	})
	s.ranges = slices.DeleteFunc(s.ranges, func(address string) bool {
		return w.settings.ExcludeOutboundIPRanges.Contains(netip.MustParseAddr(address))
	})
	for _, list := range []*[]uint16{&s.inbound, &s.outbound} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	if len(s.inbound)+len(s.outbound)+len(s.ranges)+len(s.pairs) == 0 {
		return
	}
	switch is, why := t.standing(w); {
	case w.left != "":
		t.pass(w, w.left)
		return
	case is == outside:
		t.pass(w, "it is outside the mesh: "+why)
		return
	case strings.ContainsAny(w.Name+w.Namespace, globs):
		t.pass(w, "a rule would take its name for a pattern, and no cluster takes it for a name")
		return
	case is == unknown:
		s.unsure = true
	}
	key := fmt.Sprint(w.Path(), w.ID(), w.TemplatePath(), s.inbound, s.outbound, s.ranges, s.pairs, s.early)
	if known := t.known[key]; known != nil {
		maps.Copy(known.names, s.names)
		known.outside, known.mends = known.outside || s.outside, known.mends || s.mends
		known.reasons, known.standing, known.doubts = united(known.reasons, s.reasons), united(known.standing, s.standing), united(known.doubts, s.doubts)
		return
	}
	if why := t.ambient(w); why != "" {
		s.refused = true
		s.objections = append(s.objections, objection{finding.DataPlane.ID, "these pods are in Ambient (" + why + "): write dataPlane: Ambient in this rule too, which takes an enforcement.image; annotations let nothing bypass there", ""})
	}
	if s.names == nil {
		s.names = map[uint16]string{}
	}
	t.known[key] = &s
	t.suggestions = append(t.suggestions, &s)
}

// globs are the characters by which a name in a match stands for many.
const globs = "*?[]\\"

// pass notes why nothing is proposed for a workload, for which there was something.
func (t *tree) pass(w *workload, why string) {
	if !slices.Contains(t.passed[why], w.name) {
		t.passed[why] = append(t.passed[why], w.name)
	}
}

func united(a, b []string) []string {
	for _, one := range b {
		if !slices.Contains(a, one) {
			a = append(a, one)
		}
	}
	return a
}

// layer is what the rule says to a policy. Addresses to fill in are not in it.
func (s *Suggestion) layer() (l traffic.Layer) {
	set := func(f traffic.Field, entries []string) {
		if len(entries) > 0 {
			_ = l.Set(f, entries) // an address to fill in is none
		}
	}
	set(traffic.ExcludeInboundPorts, numbers(s.inbound))
	set(traffic.ExcludeOutboundPorts, numbers(s.outbound))
	set(traffic.ExcludeOutboundIPRanges, s.ranges)
	var pairs []string
	for _, d := range s.pairs {
		if _, err := netip.ParseAddr(d.address); err == nil {
			pairs = append(pairs, d.address+"@"+strconv.Itoa(int(d.port)))
		}
	}
	set(traffic.ExcludeOutbound, pairs)
	return l
}

func numbers(ports []uint16) []string {
	return each.As(ports, func(p uint16) string { return strconv.Itoa(int(p)) })
}

// match names the workload of a suggestion in a rule.
type match struct{ kind, namespace, name string }

func (s *Suggestion) match() match {
	return match{s.workload.KindEntry(), s.workload.Namespace, s.workload.Name}
}

// rule is suggestions that say the same of several workloads.
type rule struct {
	*Suggestion
	match
	names []string
}

// rules puts suggestions into rules, those that are proven first, each in the order of
// the workloads.
func (t *tree) rules() (proven, perhaps []rule) {
	all := slices.SortedStableFunc(slices.Values(t.suggestions), func(a, b *Suggestion) int {
		x, y := a.match(), b.match()
		return cmp.Or(cmp.Compare(x.namespace, y.namespace), cmp.Compare(x.name, y.name), cmp.Compare(x.kind, y.kind), slices.Compare(a.inbound, b.inbound), slices.Compare(a.outbound, b.outbound))
	})
	at := map[string]int{}
	for _, s := range all {
		list := &perhaps
		if s.proven() {
			list = &proven
		}
		m := s.match()
		if !s.mends {
			s.shorten()
		}
		key := fmt.Sprint(s.proven(), m.kind, m.namespace, s.inbound, s.names, s.outbound, s.ranges, s.pairs, s.early, s.reasons, s.strict, s.standing, s.doubts, s.objections)
		if i, known := at[key]; known {
			(*list)[i].names = append((*list)[i].names, m.name)
			continue
		}
		at[key] = len(*list)
		*list = append(*list, rule{s, m, []string{m.name}})
	}
	return proven, perhaps
}

// shorten leaves out what mends the callers' side: it is another for each workload, and
// nobody may be there.
func (s *Suggestion) shorten() {
	for i, o := range s.objections {
		if o.proposed != "" {
			s.objections[i] = objection{kind: o.kind, mend: "callers in the mesh, if there are any, break there; krm-bypass lint shows what mends that"}
		}
	}
}

// reason is the rule's own.
func (s *Suggestion) reason() string {
	const most = 3
	reasons := s.reasons
	if more := len(reasons) - most; more > 0 {
		reasons = append(slices.Clone(reasons[:most]), fmt.Sprintf("and %d more like these", more))
	}
	return strings.Join(united(slices.Clone(reasons), s.strict), "; ")
}

// portsOf names ports.
func portsOf(ports []uint16) string {
	if len(ports) == 1 {
		return "port " + numbers(ports)[0]
	}
	return "ports " + strings.Join(numbers(ports), ", ")
}
