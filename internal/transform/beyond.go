package transform

import (
	"fmt"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/guardrail"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// Own are the settings that the mesh's own configuration comes to.
func (p *Policy) Own() traffic.Settings { return p.Mesh.Effective(p.MeshDefaults) }

// Remark is something to warn of in the spec itself.
type Remark struct {
	// Path is the field that it is about.
	Path    string
	Message string
}

// BeyondLimits gives what the mesh's own configuration, as the spec says it,
// bypasses in spite of the limits, which do not reach it.
func (p *Policy) BeyondLimits() []Remark {
	var remarks []Remark
	for _, b := range p.Limits.Breaches(p.Own(), traffic.Settings{}) {
		at := DefaultsPath + "." + string(b.By[0])
		if p.DefaultsImplied {
			at = LimitPath(b.Kind)
		}
		remarks = append(remarks, Remark{at, p.unreached(b)})
	}
	return remarks
}

// unreached says of a breach that it is the mesh's own.
func (p *Policy) unreached(b guardrail.Breach) string {
	return fmt.Sprintf("the configuration of %s itself lets %s bypass the sidecar in every pod, and %s does not reach that: change it there", p.Mesh.Name, Subject(b), LimitPath(b.Kind))
}

// WrittenBeyondLimits gives what spec.global would let bypass in every pod of the
// mesh, by the mesh's own configuration, in spite of the limits.
func (p *Policy) WrittenBeyondLimits() []Remark {
	if !p.UpdatesMeshConfig() {
		return nil
	}
	var remarks []Remark
	written, own := p.Mesh.Effective(p.written), p.Own()
	for _, b := range p.Limits.Breaches(written, own) {
		remarks = append(remarks, Remark{GlobalPath + "." + string(b.By[0]), fmt.Sprintf(
			"%s must not bypass the sidecar (%s), but it would in every pod, because spec.meshConfig is Update and no MeshConfig can take it back: %s",
			Subject(b), LimitPath(b.Kind), remedyFor(b))})
	}
	if len(p.Limits.ForbiddenNamespaces) > 0 && len(guardrail.Nothing.Breaches(written, own)) > 0 {
		remarks = append(remarks, Remark{"spec.meshConfig", fmt.Sprintf(
			"Update lets spec.global bypass in every namespace, even where nothing may (%s): write Ignore, or use rules in spec.namespaces", forbiddenNamespacesPath)})
	}
	return remarks
}

// warnOfLimits warns of what the user's lists in a mesh's own configuration let
// bypass in spite of the limits, which do not reach it.
func (p *Policy) warnOfLimits(c *MeshConfig, users [][]string, plan *ConfigPlan) {
	if c.mesh != p.Mesh {
		return
	}
	for _, f := range c.fields {
		if len(p.Limits.Breaches(f.Opens.Everything().Settings(), traffic.Settings{})) > 0 {
			plan.warn(finding.BeyondLimits, c.Path(edit.Keys(f.Path)...), "", "by the configuration of %s itself %s in every pod, and spec.limits does not reach that: change it there", p.Mesh.Name, f.Says)
		}
	}
	for _, b := range p.Limits.Breaches(c.layer(users).Settings(), traffic.Settings{}) {
		for _, l := range c.lists {
			if l.Field == b.By[0] {
				plan.warn(finding.BeyondLimits, c.Path(edit.Keys(l.Path)...), "", "%s", p.unreached(b))
			}
		}
	}
}
