package suggest

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// widest is the length up to which a comment stands on one line.
const widest = 100

// node gives the rule as an item of spec.workloads; merges says that it has to say how
// it meets broader rules.
func (r rule) node(merges bool) *yaml.Node {
	match := node.Map(node.Str("kinds"), texts(r.kind), node.Str("names"), texts(r.names...))
	if r.namespace != "" {
		match.Content = append(match.Content, node.Str("namespaces"), texts(r.namespace))
	}
	item := node.Map(node.Str("match"), match)
	if merges {
		item.Content = append(item.Content, node.Str("merge"), node.Str("Union"))
	}
	item.Content = append(item.Content, node.Str("reason"), node.Str(spec.Unbroken(r.reason())))
	if r.early {
		item.Content = append(item.Content, node.Str("forInitContainers"), node.Map(r.fields()...))
	} else {
		item.Content = append(item.Content, r.fields()...)
	}
	return item
}

// fields are those of the traffic, each with its value.
func (s *Suggestion) fields() (all []*yaml.Node) {
	add := func(f traffic.Field, list *yaml.Node) {
		if len(list.Content) > 0 {
			all = append(all, node.Str(string(f)), list)
		}
	}
	inbound := ports(s.inbound...)
	for i, number := range s.inbound {
		if name := s.names[number]; name != "" {
			inbound.Content[i] = node.Str(name)
		}
	}
	add(traffic.ExcludeInboundPorts, inbound)
	add(traffic.ExcludeOutboundPorts, ports(s.outbound...))
	add(traffic.ExcludeOutboundIPRanges, texts(s.ranges...))
	pairs := node.Seq()
	for _, d := range s.pairs {
		pairs.Content = append(pairs.Content, node.Line(node.Map(node.Str("ipRanges"), texts(d.address), node.Str("ports"), ports(d.port))))
	}
	add(traffic.ExcludeOutbound, pairs)
	return all
}

func texts(entries ...string) *yaml.Node {
	return node.Line(node.Seq(each.As(entries, node.Str)...))
}

func ports(entries ...uint16) *yaml.Node {
	return node.Line(node.Seq(each.As(entries, func(entry uint16) *yaml.Node { return node.Int(int(entry)) })...))
}

// lines writes the rule.
func (r rule) lines(merges bool) []string {
	return strings.Split(strings.TrimSuffix(node.Text(node.Seq(r.node(merges))), "\n"), "\n")
}

// remarks are what stands as comments above the rule.
func (r rule) remarks() []string {
	var all []string
	if !r.proven() {
		doubts := r.doubts
		if r.unsure && len(r.strict) > 0 {
			doubts = append(slices.Clone(doubts), "whether these pods have a sidecar stands in no manifest: their Namespace is not among them")
		}
		for _, doubt := range doubts {
			all = append(all, wrapped("may be needed: ", doubt)...)
		}
	}
	for _, o := range r.together() {
		shown := o.proposed != "" && r.mends
		all = append(all, wrapped(o.kind+": ", o.mend)...)
		if shown {
			all = append(all, indented(strings.Split(strings.TrimSuffix(o.proposed, "\n"), "\n"), 4)...)
		}
	}
	return all
}

// standings say by what it is known that callers are outside the mesh.
func standings(rules []rule) (all []string) {
	var known []string
	for _, r := range rules {
		known = united(known, r.standing)
	}
	for _, why := range known {
		all = append(all, wrapped("outside the mesh: ", why)...)
	}
	return all
}

// together says once what several checks would have done. What mends the callers is only
// shown where there are some in the mesh.
func (r rule) together() (all []objection) {
	for _, o := range r.objections {
		i := slices.IndexFunc(all, func(other objection) bool { return other.mend == o.mend && other.proposed == o.proposed })
		if i < 0 {
			all = append(all, o)
		} else if !slices.Contains(strings.Split(all[i].kind, ", "), o.kind) {
			all[i].kind += ", " + o.kind
		}
	}
	return all
}

// wrapped breaks a remark into lines.
func wrapped(head, text string) []string {
	var all []string
	line := head
	for word := range strings.FieldsSeq(spec.Unbroken(text)) {
		if len(line)+len(word) > widest && strings.TrimSpace(line) != "" && line != head {
			all, line = append(all, strings.TrimRight(line, " ")), "  "
		}
		line += word + " "
	}
	return append(all, strings.TrimRight(line, " "))
}

// commented puts lines into comments at a column.
func commented(lines []string, column int) (all []string) {
	for _, line := range lines {
		all = append(all, strings.Repeat(" ", column)+"# "+line)
	}
	return all
}

func indented(lines []string, column int) (all []string) {
	for _, line := range lines {
		all = append(all, strings.Repeat(" ", column)+line)
	}
	return all
}

// Head is the beginning of a spec that has no rules. Why says where the mesh is from.
type Head struct{ Mesh, Why, Image string }

// New writes a spec with the suggestions.
func (s *Suggestions) New(head Head) []byte {
	lines := []string{"  mesh: " + strings.TrimSuffix(head.Mesh+" # "+head.Why, " # "), "  merge: Union # each rule adds to the others"}
	const column = 2
	switch {
	case len(s.proven) > 0:
		lines = append(lines, "  workloads:", "  # Without these rules something breaks: a caller is outside the mesh, and mTLS is STRICT.")
	case len(s.perhaps) > 0:
		lines = append(lines, "  # "+listInComment)
	default:
		lines = append(lines, "  # Nothing among the manifests calls, or is called, past the mesh.")
	}
	lines = append(lines, commented(standings(s.proven), column)...)
	for _, r := range s.proven {
		lines = append(lines, commented(r.remarks(), column)...)
		lines = append(lines, indented(r.lines(false), column)...)
	}
	lines = append(lines, s.maybe(column, false)...)
	lines = append(lines, "  enforcement:")
	if head.Image != "" {
		lines = append(lines, "    image: "+strings.TrimSpace(node.Text(node.Str(head.Image))))
	} else {
		lines = append(lines, "    # With the image of the init container, which make push prints, write in place of the mode:",
			"    # image: registry.example.com/mesh/init:v0.1.0", "    mode: AnnotationsOnly")
	}
	return []byte(spec.Opening("cluster", "krm-bypass") + strings.Join(lines, "\n") + "\n")
}

// listInComment begins the list where all of its rules are comments.
const listInComment = "workloads: # uncomment this line too, with the first rule"

// maybe are the rules that may be needed, in comments.
func (s *Suggestions) maybe(column int, merges bool) (all []string) {
	if len(s.perhaps) == 0 {
		return nil
	}
	all = []string{"# You may need these. Uncomment what you need."}
	all = append(all, commented(standings(s.perhaps), 0)...)
	for _, r := range s.perhaps {
		all = append(all, commented(r.remarks(), 0)...)
		all = append(all, r.lines(merges)...)
	}
	return commented(all, column)
}
