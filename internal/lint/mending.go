package lint

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// The versions that new objects are written in: the oldest that have the fields,
// which every Istio since 1.6 serves.
const (
	securityVersion   = "security.istio.io/v1beta1"
	networkingVersion = "networking.istio.io/v1beta1"
)

// change is an object that mends connections: a new one, or one of the items with
// something added. It gathers what it mends for all workloads, so that each is
// shown the same.
type change struct {
	resource
	// isNew says that the object is not among the items.
	isNew bool
	// rivals are those of which only the oldest counts.
	rivals []string
	// ports are those to speak plain text to.
	ports traffic.Ports
	// edits have the object say so.
	edits func(traffic.Ports) []edit.Edit
	// broader says for a workload what else the change is about, or what it is for; nil
	// for nothing.
	broader func(*Workload) string
}

func (c *change) remedy(w *Workload) string {
	remedy := "change " + c.ID()
	switch {
	case c.isNew:
		remedy = "add " + c.ID()
	case len(c.rivals) > 1:
		remedy = "change the oldest of " + some(c.rivals) + ", the only one that counts,"
	}
	// The objects are long, and every command tells findings.
	remedy += " as krm-bypass lint prints it, and they speak plain text there"
	if c.broader != nil && len(c.rivals) < 2 {
		remedy += c.broader(w)
	}
	return remedy
}

// document gives the object as YAML.
func (c *change) document() string { return node.Text(edited(c.resource, c.edits(c.ports))) }

// mending keeps the changes, one an object.
type mending map[changed]*change

// changed tells changes apart: a new object for workloads of several kinds with
// one name is for each of them, by its selector.
type changed struct{ title, selector string }

// change has an object speak plain text to a port more.
func (m mending) change(selector map[string]string, port uint16, made change) *change {
	at := changed{made.ID(), fmt.Sprint(selector)}
	if m[at] == nil {
		m[at] = &made
	}
	c := m[at]
	c.ports = c.ports.Union(traffic.SinglePorts(traffic.TCP, port))
	return c
}

// peers has PeerAuthentications say DISABLE for a port of a workload: those that
// select it, or a new one.
func (m mending) peers(w *Workload, port uint16, have []*peerAuthentication) []*change {
	isNew := len(have) == 0
	if isNew {
		p := &peerAuthentication{}
		p.Spec.Selector.MatchLabels = w.labels.selection()
		p.resource = newObject(securityVersion, peerAuthentications.name, strings.TrimSuffix(w.Name, "-")+addedFor, w.Namespace,
			node.Map(node.Str("selector"), node.Map(node.Str("matchLabels"), stringMap(p.selects()))))
		have = []*peerAuthentication{p}
	}
	var changes []*change
	for _, p := range have {
		made := change{resource: p.resource, isNew: isNew, rivals: idsOf(have), edits: disabledPorts, broader: p.broader}
		changes = append(changes, m.change(p.selects(), port, made))
	}
	return changes
}

// broader warns of a change that is about more pods than those of a workload.
func (p *peerAuthentication) broader(w *Workload) string {
	if maps.Equal(p.selects(), w.labels.selection()) {
		return ""
	}
	return " (which also changes other pods that its selector matches)"
}

func disabledPorts(ports traffic.Ports) []edit.Edit {
	var edits []edit.Edit
	for port := range ports.Numbers(traffic.TCP) {
		edits = append(edits, edit.Edit{Path: edit.Path{"spec", "portLevelMtls", strconv.Itoa(int(port)), "mode"}, Value: node.Str(disable)})
	}
	return edits
}

// rules has DestinationRules say DISABLE for a port of a Service: those that
// count for it, the one that has the name of a new one and misses it, or a new one.
func (m mending) rules(r reached, have []*destinationRule, missing func(*service) *destinationRule) []*change {
	isNew := len(have) == 0
	if isNew {
		s := r.service
		host := s.Name
		if s.Namespace != "" {
			host = hostOf(s.Name, s.Namespace)
		}
		if d := missing(s); d != nil {
			return []*change{m.change(nil, r.view().Port, change{resource: d.resource, edits: func(ports traffic.Ports) []edit.Edit {
				return append(d.plain(ports), edit.Edit{Path: edit.Path{"spec", "host"}, Value: node.Str(host)})
			}, broader: func(*Workload) string {
				return " (its host is " + d.Spec.Host + ", which is not this Service: kustomize renames objects, and no hosts)"
			}})}
		}
		have = []*destinationRule{{resource: newObject(networkingVersion, destinationRules.name, s.Name+addedFor, s.Namespace,
			node.Map(node.Str("host"), node.Str(host)))}}
	}
	var changes []*change
	for _, d := range have {
		changes = append(changes, m.change(nil, r.view().Port, change{resource: d.resource, isNew: isNew, rivals: idsOf(have), edits: d.plain}))
	}
	return changes
}

// inherited are the settings that an entry for a port does not take over from the
// rest of the rule (istio/api networking/v1alpha3/destination_rule.proto).
var inherited = []string{"connectionPool", "loadBalancer", "outlierDetection"}

// plain are the edits by which the rule says DISABLE for ports of its Service.
func (d *destinationRule) plain(ports traffic.Ports) []edit.Edit {
	var edits []edit.Edit
	settings := d.Spec.TrafficPolicy.PortLevelSettings
	at := func(steps ...any) edit.Path {
		return append(edit.Path{"spec", "trafficPolicy", "portLevelSettings"}, steps...)
	}
	added := len(settings)
	for port := range ports.Numbers(traffic.TCP) {
		there := slices.IndexFunc(settings, func(s portLevel) bool { return s.Port.Number == port })
		if there >= 0 {
			edits = append(edits, edit.Edit{Path: at(there, "tls"), Value: node.Map(node.Str("mode"), node.Str(disable))})
			continue
		}
		entry := node.Map(node.Str("port"), node.Map(node.Str("number"), node.Int(int(port))))
		for _, field := range inherited {
			if value := d.node.Below("spec", "trafficPolicy", field); value.Exists() {
				entry.Content = append(entry.Content, node.Str(field), bare(value.Node()))
			}
		}
		entry.Content = append(entry.Content, node.Str("tls"), node.Map(node.Str("mode"), node.Str(disable)))
		edits = append(edits, edit.Edit{Path: at(added), Op: edit.Insert, Value: entry})
		added++
	}
	return edits
}

// newObject gives an object with a spec.
func newObject(apiVersion, kind, name, namespace string, spec *yaml.Node) resource {
	metadata := node.Map(node.Str("name"), node.Str(name))
	if namespace != "" {
		metadata.Content = append(metadata.Content, node.Str("namespace"), node.Str(namespace))
	}
	built := node.Map(node.Str("apiVersion"), node.Str(apiVersion), node.Str("kind"), node.Str(kind), node.Str("metadata"), metadata, node.Str("spec"), spec)
	return resource{&transform.Object{APIVersion: apiVersion, Kind: kind, Name: name, Namespace: namespace}, node.Of(built)}
}

// edited gives what names an object and its spec after edits, without comments
// and in the style of the encoder, however it was read.
func edited(o resource, edits []edit.Edit) *yaml.Node {
	spec := node.Map()
	if have := o.node.Entry("spec"); have.IsMapping() {
		spec = bare(have.Node())
	}
	whole := newObject(o.APIVersion, o.Kind, o.Name, o.Namespace, spec).node.Node()
	if edit.Nodes(node.Clone(whole), edits) == nil {
		_ = edit.Nodes(whole, edits)
	}
	return whole
}

// mostNodes bounds what is copied: aliases may stand for more than there is.
const mostNodes = 10000

// bare copies a node without comments, styles, anchors and aliases.
func bare(whole *yaml.Node) *yaml.Node {
	left := mostNodes
	var copied func(*yaml.Node) *yaml.Node
	copied = func(n *yaml.Node) *yaml.Node {
		for n.Kind == yaml.AliasNode && n.Alias != nil && left > 0 {
			n, left = n.Alias, left-1
		}
		out := &yaml.Node{Kind: n.Kind, Tag: n.ShortTag(), Value: n.Value}
		for _, child := range n.Content {
			if left--; left < 0 {
				return node.Str("")
			}
			out.Content = append(out.Content, copied(child))
		}
		return out
	}
	return copied(whole)
}

func stringMap(entries map[string]string) *yaml.Node {
	m := node.Map()
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		m.Content = append(m.Content, node.Str(key), node.Str(entries[key]))
	}
	return m
}
