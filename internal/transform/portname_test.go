package transform

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/kinds"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// TestANameIsItsNumbers holds the plan of rules that name ports against that of rules with
// the numbers that these have in the workload, and that leave out a list of ports to include
// of which it has none.
func TestANameIsItsNumbers(t *testing.T) {
	written := 0
	rapid.Check(t, func(t *rapid.T) {
		numbers := map[string][]string{}
		var containers []string
		for i := range rapid.IntRange(1, 3).Draw(t, "containers") {
			var ports []string
			for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"http", "8080-tcp", "admin"}), 0, 3, rapid.ID).Draw(t, "ports") {
				number := fmt.Sprint(rapid.Uint16Range(1, 14999).Draw(t, "number"))
				numbers[name] = append(numbers[name], number)
				ports = append(ports, "{name: "+name+", protocol: UDP, containerPort: "+number+"}")
			}
			containers = append(containers, fmt.Sprintf("{name: c%d, image: c, ports: [%s]}", i, strings.Join(ports, ", ")))
		}
		document, err := node.Parse(fmt.Appendf(nil, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  selector: {}\n  template: {spec: {containers: [%s], initContainers: [{name: first, ports: [{name: http, containerPort: 1}]}]}}\n", strings.Join(containers, ", ")))
		require.NoError(t, err)

		m := rapid.SampledFrom(mesh.All()).Draw(t, "mesh")
		byName := Policy{Name: "bypass", Mesh: m, Kinds: kinds.Known(), Mode: InitContainer, DefaultsImplied: true, MeshDefaults: m.Defaults}
		byName.Enforcement.Image = "init:1"
		byNumber := byName
		for i, said := range rapid.SliceOfN(drawnSaying, 1, 3).Draw(t, "scopes") {
			one := Scope{Path: fmt.Sprintf("spec.workloads[%d]", i), Merge: rapid.SampledFrom([]traffic.Merge{traffic.Override, traffic.Union}).Draw(t, "merge"), Layer: layerOf(t, said)}
			other := one
			for _, name := range slices.Sorted(maps.Keys(numbers)) {
				all := numbers[name]
				if f := rapid.SampledFrom([]traffic.Field{"", traffic.ExcludeInboundPorts, traffic.IncludeInboundPorts}).Draw(t, "field"); f != "" {
					one.Names = append(one.Names, PortName{Path: one.Path, Field: f, Name: name})
					one.Layer, other.Layer = one.Layer.Add(only(f)), other.Layer.Add(only(f, all...))
				}
			}
			if rapid.IntRange(0, 2).Draw(t, "a name that no container has") == 0 {
				const f = traffic.IncludeInboundPorts
				one.Names = append(one.Names, PortName{Path: one.Path, Field: f, Name: "absent"})
				one.Layer = one.Layer.Add(only(f))
				if other.Layer.Clears(f) {
					other.Layer = other.Layer.Without(f)
				}
			}
			byName.Scopes, byNumber.Scopes = append(byName.Scopes, one), append(byNumber.Scopes, other)
		}
		byName.Index()
		byNumber.Index()
		is, want := plansOf(&byName, document)[0], plansOf(&byNumber, document)[0]
		if is.Failed() && !want.Failed() {
			require.Contains(t, is.Findings[0].Message, "by the names that they have here")
			return
		}
		if want.Decided {
			require.Equal(t, want.Settings.String(), is.Settings.String())
		}
		require.Equal(t, want.Edits, is.Edits)
		is.Findings = slices.DeleteFunc(is.Findings, func(f Finding) bool { return f.Kind == finding.MissingPort })
		require.ElementsMatch(t, want.Findings, is.Findings)
		if is.Applies {
			written++
		}
	})
	assert.Greater(t, written, 20)
}
