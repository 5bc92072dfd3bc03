package mesh_test

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
)

// TestOptOutsSayWhatUnmeshedDoes compares both over every pair of values.
func TestOptOutsSayWhatUnmeshedDoes(t *testing.T) {
	values := []string{
		"false", "False", "FALSE", "fAlse", "f", "0", "no", "NO", "n", "disabled", "Disabled", "enabled", "true", "builtin", "yes", "x", "",
		"gateway", "gateway,sidecar", "sidecar, gateway", "custom, gateway", "gateways", "sidecars,gateway", "falsey", "a false",
	}
	for _, m := range mesh.All() {
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
					out := false
					for _, o := range m.OptOuts {
						of := annotations
						if o.Label {
							of = labels
						}
						value, there := of[o.Key]
						_, overruled := labels[o.Unless]
						out = out || there && !overruled && regexp.MustCompile(o.Value).MatchString(value) &&
							(o.But == "" || !regexp.MustCompile(o.But).MatchString(value))
					}
					unmeshed := m.Unmeshed(labels, annotations) != "" && m.StillIntercepts(labels, annotations) == 0
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
