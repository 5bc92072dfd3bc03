package transform

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
)

// Common is what an object says for many pods, beside the traffic fields, as an
// annotation of theirs would. Nothing that is written depends on it.
type Common struct {
	*Object
	row    mesh.Common
	labels map[string]string
	words  []spokenWord
}

// Common reads an object; nil where it says nothing of the kind.
func (p *Policy) Common(seen *Object, o object.Object) *Common {
	row, is := p.Mesh.CommonIn(object.Group(o.APIVersion), o.Kind, seen.Name)
	if !is {
		return nil
	}
	value := o.Value
	if row.Document != nil {
		document, err := node.Parse([]byte(value.Below(row.Document...).Text()))
		if err != nil {
			return nil
		}
		value = node.Of(document)
	}
	said := value.Below(row.At...)
	if !said.Exists() {
		return nil
	}
	as, _ := p.Mesh.Other(row.As)
	c := &Common{Object: seen.Named(), row: row}
	says(&yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{said.Node()}}, as.Words, &c.words)
	if row.Selects != nil {
		c.labels = o.Below(row.Selects...).Strings()
	} else { // for the whole mesh
		c.words = slices.DeleteFunc(c.words, func(s spokenWord) bool { is, of := as.Defaults[s.word]; return of && is == s.value })
	}
	return c
}

// InOrder sorts such objects, the broader first.
func (p *Policy) InOrder(all []*Common) {
	rank := func(c *Common) int {
		switch {
		case c.row.Selects == nil:
			return 0
		case c.Namespace == p.Mesh.Namespaces[0]:
			return 1
		case len(c.labels) == 0:
			return 2
		}
		return 3
	}
	slices.SortStableFunc(all, func(a, b *Common) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a.ID(), b.ID()))
	})
}

// speaksOf reports whether it is about the pods of a plan.
func (c *Common) speaksOf(plan *Plan, root string) bool {
	if c.row.Selects == nil {
		return true
	}
	if c.Namespace != plan.Namespace && c.Namespace != root {
		return false
	}
	for key, value := range c.labels {
		if is, there := plan.Workload.TemplateLabels[key]; !there || is != value {
			return false
		}
	}
	return true
}

// path leads to a word.
func (c *Common) path(word string) edit.Path {
	if c.row.Document != nil {
		return c.Path(steps(c.row.Document)...)
	}
	return c.Path(append(steps(c.row.At), word)...)
}

// CommonWay is what a Common lets bypass in some pods.
type CommonWay struct {
	*Common
	Way
	Word string
}

// String says it for a person.
func (c CommonWay) String() string { return c.Value + " (" + c.ID() + ")" }

// Nothing reports whether nothing is intercepted by it.
func (c CommonWay) Nothing() bool { return c.Sure && c.Lets.Equal(everything) }

// CommonWays gives what the objects let bypass in the pods of a plan, broad to narrow as
// the mesh's rows are, where neither the pods nor a narrower object say otherwise.
func (p *Policy) CommonWays(plan *Plan, all []*Common) []CommonWay {
	if plan.in == 0 || plan.was == nil {
		return nil
	}
	inForce, said := p.InForce(plan, nil), map[string]CommonWay{}
	for _, c := range all {
		as, _ := p.Mesh.Other(c.row.As)
		for _, s := range c.words {
			if !as.ReadOn(plan.DataPlane()) || !c.speaksOf(plan, p.Mesh.Namespaces[0]) || stands(as.Words[s.word].Unless, inForce) || strings.Contains(inForce[c.row.As], s.word) {
				continue
			}
			lets, exact := as.Word(s.word, s.value)
			doubt := as.Words[s.word].Doubt
			said[s.word] = CommonWay{c, Way{c.path(s.word), s.value, plan.in.Of(lets), exact && doubt == "", doubt}, s.word}
		}
	}
	var ways []CommonWay
	for _, word := range slices.Sorted(maps.Keys(said)) {
		if !said[word].Lets.IsZero() {
			ways = append(ways, said[word])
		}
	}
	return ways
}

// TellCommon warns of what objects say by which nothing of some workloads is intercepted.
func (p *Policy) TellCommon(by CommonWay, workloads []string) []Finding {
	found := report{lint: p.Lint}
	found.warn(finding.InterceptionMode, by.Path, by.Value, voids, p.Mesh.Name, some(workloads))
	return found.Findings
}
