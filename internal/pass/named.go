package pass

import (
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/lint"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// named are objects among the items that annotations of workloads may name, by kind,
// namespace and name.
type named map[[3]string]namedObject

type namedObject struct {
	*transform.NamedObject
	in *Document
}

// readNamed notes them.
func (p *Pass) readNamed() {
	p.named = named{}
	kinds := p.Policy.NamedKinds()
	if p.blind() || kinds == nil {
		return
	}
	p.read(func(i int) bool { return slices.Contains(kinds, p.Heads[i].Kind) }, func(d *Document, seen *transform.Object, o object.Object) {
		if one := p.Policy.NamedObject(seen, o); one != nil {
			one.Item = d.At
			p.named[[3]string{one.Kind, one.Namespace, one.Name}] = namedObject{one, d}
		}
	})
}

// Ways gives everything beside the traffic fields by which traffic of a workload may
// bypass the sidecar: what it says itself, and what objects say that it names.
func (p *Pass) Ways(plan *transform.Plan) (own []transform.Way, named []CommonWay) {
	for _, way := range p.Policy.Overruled(plan, p.Policy.Ways(plan), p.commons) {
		kind, namespace, name := p.Policy.Naming(plan, way)
		if n, among := p.named[[3]string{kind, namespace, name}]; among {
			if ways, read := p.Policy.NamedWays(plan, way, n.NamedObject); read {
				for _, said := range ways {
					named = append(named, CommonWay{said, n.in.Locate(n.Object, said.Path)})
				}
				continue
			}
		}
		own = append(own, way)
	}
	return own, named
}

// judgeNamed warns of what objects that a workload names let bypass in spite of limits.
func (p *Pass) judgeNamed(plan *transform.Plan) []lint.Finding {
	if len(p.named) == 0 {
		return nil
	}
	var found []lint.Finding
	_, named := p.Ways(plan)
	for _, way := range named {
		for _, f := range p.Policy.JudgeNamed(plan, way.CommonWay) {
			found = append(found, lint.Finding{Object: way.Object, Finding: f})
		}
	}
	return found
}
