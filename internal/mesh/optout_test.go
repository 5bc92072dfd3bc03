package mesh_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
)

// TestOptOutsSayWhatUnmeshedDoes compares both over every pair of values.
func TestOptOutsSayWhatUnmeshedDoes(t *testing.T) {
	values := []string{
		"false", "False", "FALSE", "fAlse", "f", "0", "no", "NO", "n", "disabled", "Disabled", "enabled", "true", "builtin", "yes", "x", "",
		"none", "None", "ambient", "gateway", "gateway,sidecar", "sidecar, gateway", "custom, gateway", "gateways", "sidecars,gateway", "falsey", "a false",
		"grpc-agent", "custom", "custom,\tsidecar", "gateway,\u00a0sidecar\n,x", "\u3000", "ingress", "enabled ",
	}
	spares := []string{"enabled", "true", "yes"} // all others are refused
	istio, _ := mesh.ByName("Istio")
	for _, m := range append(slices.Clone(mesh.All()), istio.On(mesh.Ambient)) {
		var keys []string
		for _, o := range m.OptOuts {
			keys = append(keys, o.Key)
		}
		assert.NotEmpty(t, keys, m.Name)
		found := 0
		for _, key := range keys {
			for _, inLabel := range append(values, "-") {
				for _, inAnnotation := range append(values, "-") {
					labels, annotations := map[string]string{}, map[string]string{}
					if inLabel != "-" {
						labels[key] = inLabel
					}
					if inAnnotation != "-" {
						annotations[key] = inAnnotation
					}
					out := m.OptsOut(labels, annotations)
					unmeshed := m.Unmeshed(labels, annotations) != "" &&
						(m.Intercepts(labels, annotations) == 0 || key == "inject.istio.io/templates") || // which may name an alias
						len(m.Spared(annotations)) > 0 && slices.Contains(spares, inAnnotation)
					assert.Equal(t, unmeshed, out, "%s: label %q, annotation %q of %s", m.Name, inLabel, inAnnotation, key)
					if out {
						found++
					}
				}
			}
		}
		assert.Positive(t, found)
	}
}
