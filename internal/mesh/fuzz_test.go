package mesh_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// FuzzRead gives any value to every key of every mesh: it is refused, or passed
// over, or what it says can be written and read again.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{"", "*", "80", "80,443", "443, 8080", "8000-8010", "8000:8010", "0-1", "1-2-3", ",", "10.0.0.0/8", "10.1.2.3", "fd00::/8,192.0.2.1", " fe80::1%eth0", "80/TCP", "+80"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, m := range mesh.All() {
			for _, k := range m.Keys {
				l, problems := m.Read(map[string]string{k.Annotation: value})
				if len(problems) > 0 {
					require.True(t, l.IsZero())
					continue
				}
				said, _ := m.Express(l.Settings(), traffic.Layer{})
				annotations := m.Annotations(said)
				again, problems := m.Read(annotations)
				require.Empty(t, problems, "%s reads %q and writes %v", m.Name, value, annotations)
				require.Equal(t, said.String(), again.String())
			}
		}
	})
}
