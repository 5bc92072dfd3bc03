package transform

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/kinds"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

var only = traffic.LayerOf

// pools are entries of each field: excluded and included ones of a scope must
// not meet, those of different scopes must.
var pools = map[traffic.Field][2][]string{
	traffic.ExcludeInboundPorts:     {{"80", "90-99", "4567"}, {"7001", "7002/TCP"}},
	traffic.IncludeInboundPorts:     {{"7001", "7002-7005"}, {"80", "95"}},
	traffic.ExcludeOutboundPorts:    {{"3306", "9000-9010", "53/UDP", "4568"}, {"8080", "8443"}},
	traffic.IncludeOutboundPorts:    {{"8080", "8443-8500"}, {"3306", "9005", "4568/TCP"}},
	traffic.ExcludeOutboundIPRanges: {{"10.0.0.0/8", "192.0.2.7"}, {"10.0.0.0/8", "fd00::/8"}},
	traffic.IncludeOutboundIPRanges: {{"10.0.0.0/8", "192.0.2.7"}, {"10.1.0.0/16", "fd00::/8"}},
	traffic.ExcludeOutbound:         {{"10.1.0.0/16@5432", "10.0.0.0/8@9000-9003/TCP"}, {"fd00::/8@53"}},
}

// drawnSaying is what a scope says, by field and entry.
var drawnSaying = rapid.Custom(func(t *rapid.T) map[traffic.Field][]string {
	said := map[traffic.Field][]string{}
	pool := rapid.IntRange(0, 1).Draw(t, "pool")
	for _, f := range traffic.Fields {
		if rapid.IntRange(0, 2).Draw(t, "says "+string(f)) == 0 {
			said[f] = rapid.SliceOfNDistinct(rapid.SampledFrom(pools[f][pool]), 0, 2, rapid.ID).Draw(t, string(f))
		}
	}
	return said
})

func layerOf(t require.TestingT, said map[traffic.Field][]string) traffic.Layer {
	var l traffic.Layer
	for f, entries := range said {
		require.NoError(t, l.Set(f, entries))
	}
	return l
}

// TestEntriesByTheirOriginAreTheSettings traces every entry of every scope by
// itself: what is left of all of them together has to be what the plan enforces,
// and what an entry says is either left or lost.
func TestEntriesByTheirOriginAreTheSettings(t *testing.T) {
	merges := rapid.SampledFrom([]traffic.Merge{traffic.Override, traffic.Union})
	decided := 0
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.SampledFrom(mesh.All()).Draw(t, "mesh")
		policy := &Policy{Mesh: m, Merge: merges.Draw(t, "merge"), Mode: InitContainer, DefaultsImplied: true, MeshDefaults: m.Defaults}
		said := []map[traffic.Field][]string{{}}
		for _, f := range traffic.Fields {
			if entries, says := m.Defaults.Entries(f); says {
				said[0][f] = entries
			}
		}
		if m.Levels != mesh.PodAlone && rapid.Bool().Draw(t, "defaults said") {
			said[0] = drawnSaying.Draw(t, "defaults")
			policy.DefaultsImplied, policy.MeshDefaults = false, layerOf(t, said[0])
		}
		for i, scope := range rapid.SliceOfN(drawnSaying, 1, 4).Draw(t, "scopes") {
			policy.Scopes = append(policy.Scopes, Scope{Path: fmt.Sprintf("spec.workloads[%d]", i), Merge: merges.Draw(t, "scope's merge"), Layer: layerOf(t, scope)})
			said = append(said, scope)
		}
		w := &Workload{Object: Object{Kind: "Deployment", Name: "web"}, kind: &kinds.Known()[0], TemplateAnnotations: map[string]string{}}
		w.stand, w.family = wholeAt(edit.Path{"spec", "template"}), []*Workload{w}
		for _, path := range []edit.Path{{"metadata"}, {"metadata", "annotations"}, {"spec", "template", "metadata"}, {"spec", "template", "metadata", "annotations"}, {"spec", "template", "spec", "initContainers"}, {"spec", "template", "spec", "imagePullSecrets"}} {
			w.see(node.Value{}, path)
		}
		users := map[traffic.Field][]string{}
		for f, entries := range drawnSaying.Draw(t, "annotations") {
			key, annotated := m.Key(f)
			if !annotated || len(entries) == 0 {
				continue
			}
			// Not every mesh can say every entry, nor that there is none.
			if value := key.Write(only(f, entries...).Settings()); value != "" {
				w.TemplateAnnotations[key.Annotation] = value
			}
		}
		written, _ := m.Read(w.TemplateAnnotations)
		for _, f := range traffic.Fields {
			if entries, says := written.Entries(f); says {
				users[f] = entries
			}
		}
		said = append(said, users)

		plan := policy.Plan(w)
		if !plan.Decided {
			for _, f := range plan.Findings {
				require.NotNil(t, f.Kind, "only a policy that says nothing decides nothing")
			}
			return
		}
		decided++
		require.Len(t, plan.Fold, len(said))
		require.Equal(t, plan.Settings.String(), plan.Fold.Layer().Settings().String())
		require.Equal(t, settingsByMerging(policy, written).String(), plan.Settings.String())
		var sum traffic.Layer
		for i, scope := range said {
			for f, entries := range scope {
				if len(entries) == 0 {
					left, _ := plan.Fold.Trace(i, only(f))
					sum = sum.Add(left)
				}
				for _, entry := range entries {
					left, losses := plan.Fold.Trace(i, only(f, entry))
					sum = sum.Add(left)
					whole := left
					for _, l := range losses {
						require.Greater(t, l.By, i)
						whole = whole.Add(l.Lost)
					}
					require.Equal(t, only(f, entry).String(), whole.String())
				}
			}
		}
		require.Equal(t, plan.Settings.String(), sum.Settings().String())
	})
	assert.Greater(t, decided, 30)
}

// settingsByMerging gives the settings of a workload that every scope speaks of,
// by merging whole layers one after the other.
func settingsByMerging(p *Policy, user traffic.Layer) traffic.Settings {
	folded := p.MeshDefaults
	for _, s := range p.Scopes {
		folded = folded.Merge(s.Layer, s.Merge)
	}
	folded = folded.Merge(user, p.Merge)
	if !p.DefaultsImplied {
		return folded.Settings()
	}
	unseen, rest := p.MeshDefaults, folded
	for _, f := range traffic.Fields {
		entries, said := folded.Entries(f)
		if user.Says(f) || said && len(entries) == 0 {
			unseen = unseen.Without(f)
		}
		if unseen.Says(f) {
			rest = rest.Without(f)
		}
	}
	return unseen.Merge(folded, traffic.Union).Merge(rest, traffic.Override).Settings()
}

func TestTrace(t *testing.T) {
	var f Fold
	f = f.narrowed(DefaultsPath, only(traffic.ExcludeInboundPorts, "15020"), traffic.Override)
	f = f.narrowed("spec.global", only(traffic.ExcludeOutboundPorts, "9000-9010", "3306"), traffic.Override)
	f = f.narrowed("spec.namespaces[0]", only(traffic.IncludeOutboundPorts, "9005"), traffic.Union)
	f = f.narrowed("spec.workloads[0]", only(traffic.ExcludeOutboundPorts, "5432"), traffic.Override)
	f = f.narrowed("", only(traffic.ExcludeInboundPorts), traffic.Override)

	left, losses := f.Trace(1, only(traffic.ExcludeOutboundPorts, "9000-9010"))
	assert.True(t, left.IsZero())
	require.Len(t, losses, 2)
	assert.Equal(t, Loss{2, losses[0].Lost}, losses[0])
	assert.Equal(t, "excludeOutboundPorts=9005\n", losses[0].Lost.String())
	assert.Equal(t, Loss{3, losses[1].Lost}, losses[1])
	assert.Equal(t, "excludeOutboundPorts=9000-9004,9006-9010\n", losses[1].Lost.String())

	_, losses = f.Trace(0, only(traffic.ExcludeInboundPorts, "15020"))
	require.Len(t, losses, 1)
	assert.Equal(t, 4, losses[0].By, "cleared by an empty annotation")

	assert.Equal(t, "excludeInboundPorts=\nexcludeOutboundPorts=5432\nincludeOutboundPorts=9005\n", f.Layer().String())
}
