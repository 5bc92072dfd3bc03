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
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// Common is what an object says for many pods, beside the traffic fields, as an
// annotation of theirs would. Nothing that is written depends on it.
type Common struct {
	*Object
	row mesh.Common
	// said is the mapping itself, and root the namespace whose objects speak of the whole
	// mesh, "" where the object does not name it.
	said node.Value
	root string
	// selecting says that it is about some pods alone, those with the labels.
	selecting bool
	labels    map[string]string
	words     map[string]string
	// config is what the policy makes of an object with lists of the mesh's own; nil for
	// any other.
	config *ConfigPlan
	fields []mesh.ConfigField
}

// Common reads an object; nil where it says nothing of the kind.
func (p *Policy) Common(seen *Object, o object.Object) *Common {
	row, is := p.Mesh.CommonIn(object.Group(o.APIVersion), o.Kind, seen.Name)
	if !is {
		return nil
	}
	if row.As == "" {
		return p.configured(&Common{Object: seen.Named(), row: row}, o)
	}
	value := o.Value
	if row.Document != nil {
		document, err := node.Parse([]byte(value.Below(row.Document...).Text()))
		if err != nil {
			return nil
		}
		value = node.Of(document)
	}
	c := &Common{Object: seen.Named(), row: row, said: value.Below(row.At...), words: map[string]string{}}
	if row.Root != "" {
		c.root = value.Below(row.At[:len(row.At)-1]...).Entry(row.Root).Text()
	}
	switch {
	case c.said.Exists():
	case c.root == "":
		return nil
	default:
		return c
	}
	as, _ := p.Mesh.Other(row.As)
	var words []spokenWord
	says(&yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{c.said.Node()}}, as.Words, &words)
	for _, s := range words {
		if p.matters(row, s.word, s.value) {
			c.words[s.word] = s.value
		}
	}
	if row.Selects != nil {
		c.labels = o.Below(row.Selects...).Strings()
		selector := o.Below(row.Selects[:len(row.Selects)-1]...)
		c.selecting = selector.Exists() && !selector.IsNull()
	}
	return c
}

// configured reads the mesh's own configuration.
func (p *Policy) configured(c *Common, o object.Object) *Common {
	c.fields = fieldsIn(o, p.Mesh.Config)
	if config, problems := viewConfig(o, p.Mesh, 1); len(problems) == 0 {
		config.source = func(edit.Path) (string, error) { return "null", nil } // nothing is written here
		if plan := p.PlanConfig(config); plan.lists != nil {                   // where its record is refused there are none
			c.config = plan
		}
	}
	if c.config == nil && c.fields == nil {
		return nil
	}
	return c
}

// The levels of such objects, broad to narrow (istio/istio
// pilot/pkg/model/proxy_config.go, EffectiveProxyConfig).
const (
	forMesh = iota
	forRoot
	forNamespace
	forSelected // goes before what the pods say themselves
	levels
)

// levelFor gives the level at which it is about the pods of a plan, -1 for none.
func (c *Common) levelFor(plan *Plan, root string) int {
	switch {
	case c.row.Selects == nil:
		return forMesh
	case !c.selecting && c.Namespace == root:
		return forRoot
	case c.Namespace != plan.Namespace, c.selecting && len(c.labels) == 0:
		return -1
	case !c.selecting:
		return forNamespace
	}
	for key, value := range c.labels {
		if is, there := plan.Workload.TemplateLabels[key]; !there || is != value {
			return -1
		}
	}
	return forSelected
}

// levelled gives those that are about the pods of a plan, broad to narrow.
func (p *Policy) levelled(plan *Plan, all []*Common) (by [levels][]*Common) {
	root := p.Mesh.Namespaces[0]
	for _, c := range all {
		root = cmp.Or(c.root, root)
	}
	for _, c := range all {
		if level := c.levelFor(plan, root); level >= 0 {
			by[level] = append(by[level], c)
		}
	}
	return by
}

// Setting is what is said of some pods beside the traffic fields.
type Setting struct {
	// By says it, nil for the pods' own annotation, and Path leads there.
	By    *Object
	Path  edit.Path
	Value string
}

// Setting gives what the narrowest says that says any of some keys, each a path with dots
// in the value of an annotation, of the pods of a plan; nil where nothing says one.
func (p *Policy) Setting(plan *Plan, all []*Common, annotation string, keys ...string) *Setting {
	by := p.levelled(plan, all)
	for level := levels - 1; level >= 0; level-- {
		if level == forNamespace {
			if said := plan.says(annotation, keys); said.Exists() {
				return &Setting{nil, plan.AnnotationPath(annotation), said.Text()}
			}
		}
		for _, c := range slices.Backward(by[level]) {
			for _, key := range keys {
				within, is := strings.CutPrefix(key, c.row.Under)
				at := strings.Split(within, ".")
				if said := c.Said(at...); is && c.row.As == annotation && said.Exists() {
					return &Setting{c.Object, c.PathTo(at...), said.Text()}
				}
			}
		}
	}
	return nil
}

// says gives what the annotation in force says with the first of some keys that it has.
func (plan *Plan) says(annotation string, keys []string) node.Value {
	text, written := plan.Annotations[annotation]
	if !written && plan.was != nil {
		text = plan.was.annotations[annotation]
	}
	if text == "" {
		return node.Value{} // as in most pods
	}
	own, _ := node.Parse([]byte(text)) // what cannot be read says nothing
	for _, key := range keys {
		if said := node.Of(own).Below(strings.Split(key, ".")...); said.Exists() {
			return said
		}
	}
	return node.Value{}
}

// Said gives what the object says of the pods at a path of keys.
func (c *Common) Said(keys ...string) node.Value { return c.said.Below(keys...) }

// OpensBy reports whether traffic may bypass by what an object says with a key.
func (p *Policy) OpensBy(c *Common, key, value string) bool {
	text, err := yaml.Marshal(map[string]string{key: value})
	return err == nil && p.matters(c.row, key, value) && p.Opens(c.row.As, string(text))
}

// matters says that a value is not what the whole mesh has anyway.
func (p *Policy) matters(row mesh.Common, word, value string) bool {
	as, _ := p.Mesh.Other(row.As)
	is, of := as.Defaults[word]
	return row.Selects != nil || !of || is != value
}

// Overruled takes from what the pods of a plan say themselves what an object says
// otherwise that selects them.
func (p *Policy) Overruled(plan *Plan, own []Way, all []*Common) (kept []Way) {
	narrower := p.levelled(plan, all)[forSelected]
	for _, way := range own {
		saying := 0
		for _, c := range narrower {
			if _, says := c.words[way.Word]; says && way.Path[len(way.Path)-1] == c.row.As {
				saying++
				way.Sure, way.Doubt = false, c.row.Several
			}
		}
		if saying == 0 || saying < len(narrower) {
			kept = append(kept, way)
		}
	}
	return kept
}

// PathTo leads to what stands in the mapping.
func (c *Common) PathTo(keys ...string) edit.Path {
	if c.row.Document != nil {
		return c.Path(edit.Keys(c.row.Document)...)
	}
	return c.Path(append(edit.Keys(c.row.At), edit.Keys(keys)...)...)
}

// CommonWay is what a Common lets bypass in some pods.
type CommonWay struct {
	*Common
	Way
	// Voids says why nothing that is written holds, "" where it does.
	Voids string
	// By is the annotation that stands instead, and Lost the ports that do not bypass
	// then, "" for none.
	By, Lost string
}

// String says it for a person.
func (c CommonWay) String() string { return c.Value + " (" + c.ID() + ")" }

// Nothing reports whether nothing is intercepted by it.
func (c CommonWay) Nothing() bool { return c.Sure && c.Lets.Equal(everything()) }

// CommonWays gives what the objects let bypass in the pods of a plan, broad to narrow as
// the mesh's rows are, where neither the pods nor a narrower object say otherwise.
func (p *Policy) CommonWays(plan *Plan, all []*Common) []CommonWay {
	if len(all) == 0 {
		return nil
	}
	return append(p.commonWays(plan, p.InForce(plan, nil), all), p.listWays(plan, all)...)
}

// Superseded gives what the objects let bypass in the pods of a plan no more, since what
// is written stands instead of it. Lost are the ports.
func (p *Policy) Superseded(plan *Plan, all []*Common) (ways []CommonWay) {
	if !plan.Applies || len(all) == 0 {
		return nil
	}
	for _, way := range p.commonWays(plan, plan.was.annotations, all) {
		as, _ := p.Mesh.Other(way.row.As)
		word, _ := as.Words.Find(way.Word)
		if way.By, way.Lost = p.supersedes(plan, word, way.Lets); way.Lost != "" {
			ways = append(ways, way)
		}
	}
	return ways
}

func (p *Policy) commonWays(plan *Plan, inForce map[string]string, all []*Common) []CommonWay {
	if plan.in == 0 || plan.was == nil {
		return nil
	}
	said := map[string][]CommonWay{}
	for level, group := range p.levelled(plan, all) {
		here := map[string][]CommonWay{}
		for _, c := range group {
			as, _ := p.Mesh.Other(c.row.As)
			for word, value := range c.words {
				about, _ := as.Words.Find(word)
				if !as.ReadOn(plan.DataPlane()) || stands(about.Unless, inForce) || level < forSelected && strings.Contains(inForce[c.row.As], word) {
					continue
				}
				lets, exact := as.Word(word, value)
				here[word] = append(here[word], CommonWay{Common: c, Way: Way{c.PathTo(word), word, value, plan.in.Of(lets), exact && about.Doubt == "", about.Doubt}})
			}
		}
		for word, ways := range here {
			switch several := ways[0].row.Several; {
			case len(group) == 1:
			case several == "":
				ways = ways[len(ways)-1:]
			default:
				if len(ways) < len(group) {
					ways = append(said[word], ways...)
				}
				for i := range ways {
					ways[i].Sure, ways[i].Doubt = false, several
				}
			}
			said[word] = ways
		}
	}
	ways := p.fieldWays(plan, all)
	for _, word := range slices.Sorted(maps.Keys(said)) {
		ways = append(ways, said[word]...)
	}
	return slices.DeleteFunc(ways, func(way CommonWay) bool { return way.Lets.IsZero() && way.Voids == "" })
}

// fieldWays gives what the fields of the mesh's configuration do in the pods of a plan.
func (p *Policy) fieldWays(plan *Plan, all []*Common) []CommonWay {
	var ways []CommonWay
	for _, c := range all {
		for _, f := range c.fields {
			way := CommonWay{Common: c, Way: Way{Path: c.Path(edit.Keys(f.Path)...), Word: f.Path[len(f.Path)-1], Value: f.Value, Lets: plan.in.Of(f.Opens.Everything())}}
			if f.Opens == 0 {
				way.Voids = p.Mesh.Name + " has " + way.Word + ": " + way.String() + ", where " + f.Says
			}
			ways = append(ways, way)
		}
	}
	return ways
}

// listWays gives what lists of the mesh's configuration let bypass in the pods of a plan,
// although neither they nor the policy say so.
func (p *Policy) listWays(plan *Plan, all []*Common) []CommonWay {
	if plan.in == 0 || plan.was == nil {
		return nil
	}
	var ways []CommonWay
	said, _ := p.Mesh.Read(p.InForce(plan, nil))
	for _, c := range all {
		if c.config == nil {
			continue
		}
		for i, l := range c.config.Config.lists {
			layer := plan.in.Of(traffic.LayerOf(l.Field, c.config.lists[i]...))
			if slices.ContainsFunc(p.Mesh.Irrevocable(plan.Settings, said, layer), func(g mesh.Gap) bool { return g.Field == l.Field }) {
				ways = append(ways, CommonWay{Common: c, Way: Way{Path: c.Path(edit.Keys(l.Path)...), Word: l.Path[len(l.Path)-1], Value: strings.Join(c.config.lists[i], ","), Lets: layer, Sure: true}})
			}
		}
	}
	return ways
}

// TellCommon warns of what objects say by which nothing of some workloads is intercepted,
// or instead of which something else is in force there.
func (p *Policy) TellCommon(by CommonWay, workloads []string) []Finding {
	found := report{lint: p.Lint}
	if by.Lost != "" {
		found.warn(finding.MisleadingAnnotation, by.Path, by.Value, superseded, by.By, some(workloads), p.Mesh.Name, by.Word, by.Lost, by.Lost)
	} else {
		found.warn(finding.InterceptionMode, by.Path, by.Value, voids, p.Mesh.Name, some(workloads))
	}
	return found.Findings
}
