package mesh_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
)

func TestConfiguredBy(t *testing.T) {
	tests := []struct{ group, kind, want string }{
		{"config.flomesh.io", "MeshConfig", "FSM"},
		{"config.openservicemesh.io", "MeshConfig", "OSM"},
		{"config.flomesh.io", "MeshRootCertificate", ""},
		{"flomesh.io", "MeshConfig", ""},
		{"", "MeshConfig", ""},
	}
	for _, test := range tests {
		m, found := mesh.ConfiguredBy(test.group, test.kind)
		assert.Equal(t, test.want != "", found, "%s of %q", test.kind, test.group)
		if found {
			assert.Equal(t, test.want, m.Name)
		}
	}
}

// A list without a key could not be written, and with a mesh whose levels do
// not add up, not be judged.
func TestConfigListsHaveKeys(t *testing.T) {
	for _, m := range mesh.All() {
		if m.Config == nil {
			continue
		}
		assert.Equal(t, mesh.Adds, m.Levels, m.Name)
		for _, l := range m.Config.Lists {
			_, keyed := m.Key(l.Field)
			assert.True(t, keyed, "%s of %s", l.Field, m.Name)
		}
	}
}
