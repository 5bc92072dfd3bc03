package transform

import (
	"errors"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// MeshConfig is what a plan needs to see of an object that configures a mesh for
// all pods.
type MeshConfig struct {
	Object
	mesh  *mesh.Mesh
	lists []configList
	// fields are those of its other fields that count.
	fields []mesh.ConfigField
}

// configList is a list of a MeshConfig and what stands in it.
type configList struct {
	mesh.ConfigList
	sharedList
}

// UpdateMeshConfig has the policy write what it says of all workloads into the
// mesh's own configuration too.
func (p *Policy) UpdateMeshConfig() {
	var global traffic.Layer
	for _, s := range p.Scopes {
		if s.Match == nil {
			global = global.Merge(s.Layer, s.Merge)
		}
	}
	p.global = &global
	said, _ := p.Mesh.Express(global.Settings(), p.MeshDefaults)
	p.written = p.MeshDefaults.Merge(said, traffic.Union)
}

// UpdatesMeshConfig reports whether the policy writes into the mesh's own
// configuration.
func (p *Policy) UpdatesMeshConfig() bool { return p.global != nil }

// wide is what the mesh's own configuration says for every pod, by the policy
// alone.
func (p *Policy) wide() traffic.Layer {
	if p.UpdatesMeshConfig() {
		return p.written
	}
	return p.MeshDefaults
}

// ConfigPlan is what the policy makes of an object that configures a mesh.
type ConfigPlan struct {
	Config *MeshConfig
	// LeftAlone and Other are as in a Plan.
	LeftAlone, Other string
	// Edits lead from what is there to what should be there.
	Edits []edit.Edit
	report
	// lists hold what then stands in the object's lists.
	lists [][]string
}

// PlanConfig says what the policy makes of an object that configures a mesh. It
// depends on the two alone.
func (p *Policy) PlanConfig(c *MeshConfig) *ConfigPlan {
	plan := &ConfigPlan{Config: c, report: report{lint: p.Lint, accept: func(kind *finding.Kind) *Acceptance {
		return p.AcceptsObject(kind, c.APIVersion, c.Kind, c.Namespace, c.Name)
	}}}
	plan.tolerate(&c.Object)
	was, err := c.prior()
	var other *record
	if err == nil && c.Annotations[RecordAnnotation] != "" && !p.owns(was) {
		was, other = newRecord(""), was
	}
	if err != nil {
		plan.find(Error, c.Path("metadata", "annotations", RecordAnnotation), c.Annotations[RecordAnnotation], "%v: %s", err, recordRemedy(err))
		return plan
	}
	dr := p.newDraft(&c.Object, was, &plan.report)
	users := each.As(c.lists, func(l configList) []string { return l.users(was) })
	p.warnOfLimits(c, users, plan)
	wanted := p.configEntries(c, users, plan)
	for i, l := range c.lists {
		plan.lists = append(plan.lists, slices.Concat(users[i], wanted[i]))
		dr.list(dr.group(c.Path(edit.Keys(l.Path)...)), l.sharedList, wanted[i], l.value)
	}
	if other != nil {
		p.giveWayIn(plan, wanted, other)
		return plan
	}
	dr.record()
	plan.Edits = dr.finish()
	return plan
}

// prior gives the record that an earlier run left.
func (c *MeshConfig) prior() (*record, error) {
	lists := each.As(c.lists, func(l configList) sharedList { return l.sharedList })
	r, err := c.record(func(place string) bool { return place == "" }, lists...)
	if err != nil {
		return nil, err
	}
	_, recorded := c.Annotations[RecordAnnotation]
	if !recorded || slices.ContainsFunc(lists, func(l sharedList) bool { return len(l.ours(r)) > 0 }) {
		return r, nil
	}
	return nil, errors.New("the record fits nothing here, as if it were copied from another object")
}

// configEntries gives for each list what to add to the user's entries.
func (p *Policy) configEntries(c *MeshConfig, users [][]string, plan *ConfigPlan) [][]string {
	wanted := make([][]string, len(c.lists))
	if !p.UpdatesMeshConfig() || c.mesh != p.Mesh {
		return wanted
	}
	said, gaps := p.Mesh.Express(p.global.Settings(), p.MeshDefaults.Merge(c.layer(users), traffic.Union))
	for _, g := range gaps {
		var path edit.Path
		for _, l := range c.lists {
			if l.Field == g.Field {
				path = c.Path(edit.Keys(l.Path)...)
			}
		}
		part := ""
		if said.Says(g.Field) {
			part = "a part of "
		}
		plan.find(Info, path, "", "%s%s is not written here: %s", part, g.Field, g.Reason)
	}
	for i, l := range c.lists {
		key, _ := p.Mesh.Key(l.Field)
		if !said.Says(l.Field) {
			continue
		}
		for _, entry := range key.Entries(said.Settings()) {
			if !slices.ContainsFunc(users[i], func(theirs string) bool { return canonical(l.Field, theirs) == entry }) {
				wanted[i] = append(wanted[i], entry)
			}
		}
	}
	return wanted
}

// canonical gives an entry in canonical form, or as it is if it has none.
func canonical(f traffic.Field, entry string) string {
	var l traffic.Layer
	if l.Set(f, []string{entry}) != nil {
		return entry
	}
	entries, _ := l.Entries(f)
	return strings.Join(entries, ",")
}

// layer gives what lists of the object say. Entries that say nothing are for
// the mesh to complain about.
func (c *MeshConfig) layer(lists [][]string) traffic.Layer {
	var sum traffic.Layer
	for i, l := range c.lists {
		for _, entry := range lists[i] {
			sum = sum.Merge(traffic.LayerOf(l.Field, entry), traffic.Union)
		}
	}
	return sum
}

func (l configList) value(entry string) *yaml.Node {
	if l.Numbers {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: entry}
	}
	return node.Str(entry)
}
