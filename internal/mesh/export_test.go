package mesh

import "github.com/krm-bypass/krm-bypass/internal/traffic"

// Annotations gives the annotations for a layer that Express gave.
func (m *Mesh) Annotations(l traffic.Layer) map[string]string {
	values := map[string]string{}
	for _, k := range m.Keys {
		if l.Says(k.Field) {
			values[k.Annotation] = k.Write(l.Settings())
		}
	}
	return values
}
