package main

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/kustomization"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/spec"
)

// company are specs that apply to the same manifests. Each knows what it wrote by
// its name alone.
type company []member

// member is one of them. A spec that several kustomizations list is one.
type member struct {
	path, text string
	// name is "" for a ConfigMap's.
	name string
	spec *fn.Spec
	// mesh is the one that it names, formerly are the names that it had before.
	mesh     string
	formerly []string
}

// names are those by which records name the specs.
func (c company) names() []string {
	return each.As(c, func(one member) string { return one.name })
}

// keepsMeshes refuses to take another mesh for that of several specs, unless it is one.
func (c company) keepsMeshes(mesh string) error {
	for _, one := range c {
		if mesh != "" && one.mesh != c[0].mesh {
			return fmt.Errorf("--mesh %s would apply to both %s, which is for %s, and %s, which is for %s: remove it, or name with --spec the one that you mean", mesh, c[0].path, c[0].mesh, one.path, one.mesh)
		}
	}
	return nil
}

// succeeded reports whether another of the specs takes over from one.
func (c company) succeeded(spec *fn.Spec) bool {
	at := slices.IndexFunc(c, func(m member) bool { return m.spec == spec })
	return at >= 0 && slices.ContainsFunc(c[at+1:], func(m member) bool { return slices.Contains(m.formerly, c[at].name) })
}

// distinct refuses specs of which two say the same: every workload would count twice.
func distinct(specs []fn.Manifest) error {
	for i, one := range specs {
		for _, other := range specs[:i] {
			switch {
			case !bytes.Equal(one.Text, other.Text):
			case one.Path == other.Path:
				return fmt.Errorf("--spec: %s is given twice: give it once", one.Path)
			default:
				return fmt.Errorf("--spec: %s and %s are one and the same: give one of them", other.Path, one.Path)
			}
		}
	}
	return nil
}

// all takes specs in. Without any, it is the one among the manifests that applies.
func (c *company) all(files []fn.Manifest) ([]*fn.Spec, error) {
	if len(files) == 0 {
		return []*fn.Spec{nil}, nil
	}
	var specs []*fn.Spec
	for _, file := range files {
		is, err := c.with(file)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(specs, is) {
			specs = append(specs, is)
		}
	}
	return specs, nil
}

// with takes a spec in, unless it would take for its own what another one wrote. One
// that is to do so lists the other's name among its former ones.
func (c *company) with(file fn.Manifest) (*fn.Spec, error) {
	is := member{path: file.Path, text: string(file.Text), spec: fn.SpecIn(file), mesh: spec.DefaultMesh}
	source, err := spec.In(file)
	if err == nil && spec.Is(object.HeadOf(source.Node).Type) {
		says := node.Of(source.Node).Entry("spec")
		is.name, is.mesh = object.HeadOf(source.Node).Name, cmp.Or(says.Entry("mesh").Text(), is.mesh)
		is.formerly = each.As(says.Entry("formerNames").Items(), node.Value.Text)
	}
	for _, other := range *c {
		switch {
		case other.text == is.text:
			return other.spec, nil
		case err != nil: // applying it says so
		case is.name == "" || other.name == "":
			return nil, fmt.Errorf("%s and %s apply to the same manifests, and one of them has no name by which to know what it wrote: make each a ClusterBypass with a metadata.name of its own", other.path, is.path)
		case is.name == other.name:
			return nil, fmt.Errorf("%s and %s apply to the same manifests, and both are named %s, so that the later one would take away what the earlier one wrote: give each a metadata.name of its own, or make them one. If the later one is to take over, list the earlier one's name in its spec.formerNames", other.path, is.path, is.name)
		}
	}
	*c = append(*c, is)
	return is.spec, nil
}

// onlyTheirOwn keeps of the explanations of a workload by several specs those that say
// most: what one writes is enough, and why none does is told once.
func onlyTheirOwn(all []*fn.Explained) {
	little := map[fn.Outcome]int{fn.LeftAlone: -2, fn.Unspoken: -1, fn.RefusedOutcome: 1}
	by := make([]map[fn.TemplateRef]fn.Explanation, len(all))
	for i, x := range all {
		by[i] = map[fn.TemplateRef]fn.Explanation{}
		for _, w := range x.Workloads {
			by[i][w.TemplateRef] = w
		}
	}
	for i, x := range all {
		x.Workloads = slices.DeleteFunc(x.Workloads, func(w fn.Explanation) bool {
			for j := range by {
				other, too := by[j][w.TemplateRef]
				if more := little[other.Outcome] - little[w.Outcome]; too && j != i && (more > 0 || more == 0 && j > i && little[w.Outcome] < 0 && other.Reason == w.Reason) {
					return true
				}
			}
			return false
		})
	}
}

// listed takes a spec in that a kustomization lists.
func (c *company) listed(one kustomization.Spec) (*fn.Spec, error) {
	spec, err := c.with(one.File)
	if err == nil {
		spec.Misplaced(misplacements(one)...)
	}
	return spec, err
}
