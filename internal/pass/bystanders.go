package pass

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/lint"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// Namespace is what a Namespace among the items says of its pods.
type Namespace struct {
	*transform.NamespaceDefaults
	document *Document
}

// Locate says where a field of the Namespace is.
func (n *Namespace) Locate(path []any) Place { return n.document.Locate(n.Object, path) }

// readCommons notes what such objects say, before any workload is planned.
func (p *Pass) readCommons() {
	p.commons, p.commonsIn = nil, map[int]*Document{}
	if p.blind() || len(p.Policy.Mesh.Commons) == 0 {
		return
	}
	may := func(i int) bool {
		group, kind := object.Group(p.Heads[i].APIVersion), p.Heads[i].Kind
		may, named := p.Policy.Mesh.MayBeCommon(group, kind)
		return may && (!named || p.Items[i].called(func(name string) bool {
			_, is := p.Policy.Mesh.CommonIn(group, kind, name)
			return is
		}))
	}
	p.read(may, func(d *Document, seen *transform.Object, o object.Object) {
		if c := p.Policy.Common(seen, o); c != nil {
			c.Item = d.At
			p.commons, p.commonsIn[d.At] = append(p.commons, c), d
		}
	})
	slices.SortStableFunc(p.commons, func(a, b *transform.Common) int { return strings.Compare(a.ID(), b.ID()) })
}

// Commons gives what such objects let bypass in the pods of a plan, and where it stands.
func (p *Pass) Commons(plan *transform.Plan) []CommonWay {
	return each.As(p.Policy.CommonWays(plan, p.commons), func(way transform.CommonWay) CommonWay {
		return CommonWay{way, p.commonsIn[way.Item].Locate(way.Object, way.Path)}
	})
}

// CommonWay is one of them.
type CommonWay struct {
	transform.CommonWay
	Place Place
}

// bystanding is what a pass keeps of a document for what is said of bystanders.
type bystanding struct {
	bystanders []*transform.Bystander
	beside     transform.Beside
	displaced  []displaced
	voided     []voided
	overlays   []*transform.Overlay
	beyond     []lint.Finding
}

// voided is a workload of which the mesh intercepts nothing by what an object says, or
// in which something else is in force instead.
type voided struct {
	by       transform.CommonWay
	workload string
}

type displaced struct {
	by *Namespace
	transform.Displaced
}

func (b *bystanding) add(other bystanding) {
	b.bystanders = append(b.bystanders, other.bystanders...)
	b.displaced, b.overlays = append(b.displaced, other.displaced...), append(b.overlays, other.overlays...)
	b.voided = append(b.voided, other.voided...)
	b.beyond = append(b.beyond, other.beyond...)
	b.beside.Join(other.beside)
}

// blind says that the pass looks at workloads alone.
func (p *Pass) blind() bool { return p.Plan != nil || p.Policy.Removes }

// readNamespaces notes what Namespaces say of their pods, before any is planned.
func (p *Pass) readNamespaces() {
	p.namespaces = map[string]*Namespace{}
	if p.blind() || p.Policy.Mesh.NamespaceKeys == "" {
		return
	}
	elsewhere := func(t object.Type) bool { return p.Policy.Mesh.ReadElsewhere(object.Group(t.APIVersion), t.Kind) }
	p.read(func(i int) bool { return elsewhere(p.Heads[i]) }, func(d *Document, seen *transform.Object, o object.Object) {
		if !elsewhere(o.Type) {
			return
		}
		says := p.Policy.NamespaceDefaults(seen, o, max(d.Line, 1))
		if was := p.namespaces[seen.Name]; says != nil && (was == nil || says.String() < was.String()) { // in any order
			says.Item = d.At
			p.namespaces[seen.Name] = &Namespace{says, d}
		}
	})
}

// read visits the objects of lists and of some items, before any workload is planned.
func (p *Pass) read(wanted func(i int) bool, visit func(*Document, *transform.Object, object.Object)) {
	reads := make([]bool, len(p.Heads)) // what is wanted may be said by an item's text
	inParallel(len(reads), func(i int) { reads[i] = p.Heads[i].List || wanted(i) })
	for i, read := range reads {
		if !read {
			continue
		}
		d := &Document{Item: p.Items[i], At: i}
		if d.Nodes = p.decoded(i); d.Nodes != nil {
			transform.Objects(d.Part, d.Nodes, func(object.Type) bool { return true }, func(seen *transform.Object, o object.Object) { visit(d, seen, o) })
		}
	}
}

// decoded gives the nodes of an item as it came; nil for one that cannot be read,
// which passes through as it is.
func (p *Pass) decoded(i int) *yaml.Node {
	nodes, err := p.Items[i].Decoded()
	if err != nil {
		return nil
	}
	return nodes
}

// bystanders looks at an item that is no candidate.
func (p *Pass) bystanders(i int) []*transform.Bystander {
	text := p.Items[i].Text.Text
	if p.Items[i].Nodes != nil {
		text = nil
	}
	if p.blind() || p.Uses.files[p.Items[i].File].Patch != "" || !p.Policy.IsBystander(p.Heads[i], text) {
		return nil
	}
	nodes := p.decoded(i)
	if nodes == nil {
		return nil
	}
	d := &Document{Item: p.Items[i], At: i, Nodes: nodes}
	d.lookBeside(p)
	if len(d.Bystanders) > 0 && p.Planned != nil {
		p.Planned(d)
	}
	return d.Bystanders
}

// lookBeside looks at what in the document is no workload, and at what else is in one
// of a kind that only the policy knows.
func (d *Document) lookBeside(p *Pass) {
	head := p.Heads[d.At]
	if p.blind() || transform.IsKnown(head) && !head.List {
		return
	}
	transform.Objects(d.Part, d.Nodes, func(object.Type) bool { return true }, func(seen *transform.Object, o object.Object) {
		if b := p.Policy.Bystander(seen, o); b != nil {
			b.Item = d.At
			d.Bystanders = append(d.Bystanders, b)
		}
	})
}

// bystandingOf gives what is kept of a document with workloads.
func (p *Pass) bystandingOf(d *Document) bystanding {
	b := bystanding{bystanders: d.Bystanders}
	for _, plan := range d.Workloads {
		b.beside.Add(p.Policy, plan)
		if p.patched {
			b.overlays = append(b.overlays, p.Policy.Overlay(plan, d.At, p.Asked))
		}
		for _, way := range p.Policy.CommonWays(plan, p.commons) {
			if plan.Applies && way.Nothing() {
				b.voided = append(b.voided, voided{way, plan.Workload.ID()})
			}
		}
		for _, way := range p.Policy.Superseded(plan, p.commons) {
			b.voided = append(b.voided, voided{way, plan.Workload.ID()})
		}
		b.beyond = append(b.beyond, p.judgeNamed(plan)...)
		if n := p.namespaces[plan.Namespace]; n != nil {
			for _, one := range p.Policy.Displaces(plan, n.NamespaceDefaults) {
				b.displaced = append(b.displaced, displaced{n, one})
			}
		}
	}
	return b
}

// Within gives what a Namespace among the items says of a workload's pods, and the
// plan with that counted in; nil where none says anything.
func (p *Pass) Within(plan *transform.Plan) (*Namespace, *transform.Plan) {
	n := p.namespaces[plan.Namespace]
	if n == nil {
		return nil, plan
	}
	return n, p.Policy.Within(plan, n.NamespaceDefaults)
}

// tell says what there is to say of bystanders, and of Namespaces.
func (p *Pass) tell(all *bystanding) []lint.Finding {
	var found []lint.Finding
	all.beside.Asked = p.Asked
	for _, told := range append(p.Policy.Tell(all.bystanders, all.beside), p.Policy.Replaced(all.overlays)...) {
		found = append(found, lint.Finding{Object: told.Object, Finding: told.Finding})
	}
	type said struct {
		*transform.Common
		word, lost string
	}
	workloads, by := map[said][]string{}, map[said]transform.CommonWay{}
	for _, v := range all.voided {
		one := said{v.by.Common, v.by.Word, v.by.Lost}
		workloads[one], by[one] = append(workloads[one], v.workload), v.by
	}
	for one, way := range by {
		for _, f := range p.Policy.TellCommon(way, workloads[one]) {
			found = append(found, lint.Finding{Object: way.Object, Finding: f})
		}
	}
	told := map[string]bool{} // by another workload that names the same
	for _, f := range all.beyond {
		if key := fmt.Sprint(f.Object.Item, f.Object.ID(), f.Message); !told[key] {
			found, told[key] = append(found, f), true
		}
	}
	displaced := map[*Namespace][]transform.Displaced{}
	for _, d := range all.displaced {
		displaced[d.by] = append(displaced[d.by], d.Displaced)
	}
	for _, n := range p.namespaces {
		for _, f := range append(n.Findings, p.Policy.TellDisplaced(n.NamespaceDefaults, displaced[n])...) {
			found = append(found, lint.Finding{Object: n.Object, Finding: f})
		}
	}
	return found
}

// accepted gives the objects of which acceptances speak by their kinds.
func (p *Pass) accepted() []transform.Sighting {
	if !p.Policy.NamesKinds() {
		return nil
	}
	var seen []transform.Sighting
	for i, h := range p.Heads {
		if !h.List && !p.Policy.NamesObjects(h) {
			continue
		}
		if nodes := p.decoded(i); nodes != nil {
			transform.Objects(p.Items[i].Part, nodes, p.Policy.NamesObjects, func(o *transform.Object, _ object.Object) {
				seen = append(seen, p.Policy.SightObject(o.Named()))
			})
		}
	}
	return seen
}
