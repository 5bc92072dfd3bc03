package inventory

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// arrangement is the rules of a spec.
type arrangement struct {
	mesh                  *mesh.Mesh
	defaults, global      rule
	namespaces, workloads []rule
	// beyond says that annotations cannot say all of it.
	beyond bool
}

// rule is one scope, and where it comes from.
type rule struct {
	layer traffic.Layer
	// plane is "" where the rule does not say in which data plane its workloads are.
	plane mesh.DataPlane
	// kind and namespace are of a rule for workloads; the namespace is "" where
	// their manifests name none.
	kind, namespace string
	// names are of workloads or of namespaces.
	names []string
	// name is what the rule is called. from and origins are where it comes from.
	name    string
	from    []string
	origins []origin
}

// arrange says with few rules what every workload says. A field of a workload is
// said by one rule alone, so that it does not matter how rules meet.
func (s *survey) arrange() *arrangement {
	a := &arrangement{mesh: s.mesh}
	rest := map[*workload]traffic.Layer{}
	byNamespace := map[string][]*workload{}
	for _, w := range s.workloads {
		rest[w] = w.said
		byNamespace[w.Namespace] = append(byNamespace[w.Namespace], w)
	}
	own := map[string]*namespace{}
	for _, n := range s.namespaces {
		if !n.imported.IsZero() {
			own[n.name] = n
		}
	}
	move := func(f traffic.Field, into *rule, from []*workload, of string) {
		into.layer = into.layer.With(f, from[0].said)
		for _, w := range from {
			rest[w] = rest[w].Without(f)
			into.origins = append(into.origins, s.origins(w, of, only(f))...)
		}
	}

	for _, f := range traffic.Fields {
		if !alike(s.workloads, f) {
			continue
		}
		contradicted := false
		for _, n := range own {
			contradicted = contradicted || n.imported.Says(f) && !n.imported.Agrees(f, s.workloads[0].said)
		}
		if !contradicted {
			move(f, &a.global, s.workloads, fmt.Sprintf("what all %d workloads say", len(s.workloads)))
		}
	}

	rules := map[string]rule{}
	placed := map[string]*namespace{}
	for _, n := range s.planes {
		placed[n.name] = n
	}
	named := slices.Concat(slices.Collect(maps.Keys(byNamespace)), slices.Collect(maps.Keys(own)), slices.Collect(maps.Keys(placed)))
	for _, name := range distinct(named) {
		r := rule{names: []string{name}}
		if n := placed[name]; n != nil {
			r.plane, r.from = mesh.Ambient, []string{n.id() + " in " + n.in.file}
		}
		for _, f := range traffic.Fields {
			n := own[name]
			if n != nil && n.imported.Says(f) {
				if !n.imported.Agrees(f, a.global.layer) {
					r.layer = r.layer.With(f, n.imported)
				}
				r.origins = append(r.origins, n.origins(s.mesh, f)...)
				for _, w := range byNamespace[name] {
					if rest[w].Agrees(f, n.imported) {
						rest[w] = rest[w].Without(f)
					}
				}
				continue
			}
			if sharers := byNamespace[name]; name != "" && alike(sharers, f) && rest[sharers[0]].Says(f) {
				move(f, &r, sharers, fmt.Sprintf("what all %d workloads of %s say", len(sharers), name))
			}
		}
		if !r.layer.IsZero() || r.plane != "" {
			join(rules, string(r.plane)+r.layer.String(), r)
		}
	}
	a.namespaces = sorted(rules)

	rules = map[string]rule{}
	for _, w := range s.workloads {
		if l := rest[w]; !l.IsZero() {
			r := rule{layer: l, kind: w.KindEntry(), namespace: w.Namespace, names: []string{w.Name}, origins: s.origins(w, "", l.Says)}
			join(rules, strings.Join([]string{w.Namespace, r.kind, l.String()}, "\x00"), r)
		}
	}
	a.workloads = sorted(rules)
	slices.SortFunc(a.global.origins, origin.compare)
	a.named()
	return a
}

// alike reports whether there are several workloads that all say the same of a
// field.
func alike(workloads []*workload, f traffic.Field) bool {
	if len(workloads) < 2 {
		return false
	}
	first := workloads[0].said
	return first.Says(f) && !slices.ContainsFunc(workloads, func(w *workload) bool {
		// Included ports belong to pairs: a narrower rule for them would take
		// them away from a broader rule's pairs.
		paired := f != traffic.ExcludeOutbound || w.said.Agrees(traffic.IncludeOutboundPorts, first)
		return !w.said.Agrees(f, first) || !paired
	})
}

// join makes one rule of those that say the same of the like.
func join(rules map[string]rule, key string, r rule) {
	if other, has := rules[key]; has {
		r.names = append(other.names, r.names...)
		r.from, r.origins = append(other.from, r.from...), append(other.origins, r.origins...)
	}
	rules[key] = r
}

func sorted(rules map[string]rule) []rule {
	var list []rule
	for _, r := range rules {
		r.names, r.from = distinct(r.names), distinct(r.from)
		slices.SortFunc(r.origins, origin.compare)
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b rule) int {
		return cmp.Or(strings.Compare(a.namespace, b.namespace), strings.Compare(a.names[0], b.names[0]), strings.Compare(a.kind, b.kind))
	})
	return list
}

// policy is what the spec will be compiled into.
func (a *arrangement) policy() *transform.Policy {
	merge := a.mesh.Merge()
	p := &transform.Policy{
		Mesh: a.mesh, Merge: merge, MeshDefaults: a.defaults.layer,
		Mode: transform.InitContainer,
	}
	add := func(path string, r rule, match *transform.Match) {
		p.Scopes = append(p.Scopes, transform.Scope{Path: path, Merge: merge, Layer: r.layer, Plane: r.plane, Match: match})
	}
	if !a.global.layer.IsZero() {
		add("spec.global", a.global, nil)
	}
	for i, r := range a.namespaces {
		add(fmt.Sprintf("spec.namespaces[%d]", i), r, &transform.Match{Namespaces: r.names})
	}
	for i, r := range a.workloads {
		match := &transform.Match{Kinds: []string{r.kind}, Names: r.names}
		if r.namespace != "" {
			match.Namespaces = []string{r.namespace}
		}
		add(fmt.Sprintf("spec.workloads[%d]", i), r, match)
	}
	return p
}
