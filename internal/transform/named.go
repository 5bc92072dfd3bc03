package transform

import (
	"cmp"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/guardrail"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
)

// NamedKinds are the kinds of objects that annotations of the mesh name.
func (p *Policy) NamedKinds() (kinds []string) {
	for _, o := range p.Mesh.Others {
		if o.Names != nil {
			kinds = append(kinds, o.Names.Kind)
		}
	}
	return kinds
}

// NamedObject is an object that annotations may name. What is written never depends on
// it.
type NamedObject struct {
	*Common
	value node.Value
}

// NamedObject keeps one; nil for what is none.
func (p *Policy) NamedObject(seen *Object, o object.Object) *NamedObject {
	if o.APIVersion != "v1" || !slices.Contains(p.NamedKinds(), o.Kind) {
		return nil
	}
	named := seen.Named()
	named.Namespace = cmp.Or(named.Namespace, p.Namespace)
	return &NamedObject{&Common{Object: named}, o.Value}
}

// Naming is the object that a way past the sidecar names, in the plan's own namespace;
// nothing where it names none.
func (p *Policy) Naming(plan *Plan, way Way) (kind, namespace, name string) {
	if named := p.naming(way); named != nil {
		return named.Kind, plan.Namespace, way.Value
	}
	return "", "", ""
}

func (p *Policy) naming(way Way) *mesh.Named {
	key, _ := way.Path[len(way.Path)-1].(string)
	other, _ := p.Mesh.Other(key)
	return other.Names
}

// NamedWays gives what an object says that a way names, in place of that way. read says
// that it can be read.
func (p *Policy) NamedWays(plan *Plan, way Way, o *NamedObject) (all []CommonWay, read bool) {
	named := p.naming(way)
	document, err := node.Parse([]byte(o.value.Below(named.Document...).Text()))
	if err != nil || document.Kind == 0 {
		return nil, false
	}
	var walk func(setting string, v node.Value)
	walk = func(setting string, v node.Value) {
		if v.IsMapping() && (setting == "" || !named.Knows(setting)) {
			for e := range v.Entries() {
				walk(strings.TrimPrefix(setting+"."+e.Key, "."), e.Value)
			}
			return
		}
		entries, plain := entriesIn(v)
		lets, exact := p.Mesh.SaidIn(named, setting, entries...)
		if !plain && !named.Ignores(setting) {
			lets, exact = mesh.OpensAll.Everything(), false
		}
		if lets = plan.in.Of(lets); !lets.IsZero() {
			said := CommonWay{Common: o.Common, Way: Way{Path: o.Path(edit.Keys(named.Document)...), Word: setting, Value: strings.Join(entries, ","), Lets: lets}}
			if exact {
				said.Doubt = named.Doubt
			}
			all = append(all, said)
		}
	}
	walk("", node.Of(document))
	return all, true
}

// entriesIn gives the entries of a value, and whether it is a scalar or a list of them.
func entriesIn(v node.Value) (entries []string, plain bool) {
	if v.IsNull() || v.IsScalar() {
		return []string{v.Text()}, true
	}
	for _, item := range v.Items() {
		if !item.IsScalar() {
			return nil, false
		}
		entries = append(entries, item.Text())
	}
	return entries, v.IsList()
}

// JudgeNamed warns of what an object that a workload names lets bypass in spite of the
// limits: the annotation itself is judged without it.
func (p *Policy) JudgeNamed(plan *Plan, way CommonWay) []Finding {
	found, limits := report{lint: p.Lint}, p.Limits.Limits
	forbidden := within(p.Limits.ForbiddenNamespaces, plan.Namespace)
	if forbidden == yes {
		limits = guardrail.Nothing
	}
	if broken := limits.Breaches(way.Lets.Settings(), p.Own()); len(broken) > 0 {
		found.warn(finding.BeyondLimits, way.Path, way.Value, "%s, but %s here would let it in pods that name this %s: take it out", p.mustNot(plan.Namespace, forbidden, broken...), way.Word, way.Kind)
	}
	return found.Findings
}
