package mesh

import (
	"cmp"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/spelling"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// Slip is an annotation that the mesh does not read, although its writer must
// have meant one that it does.
type Slip struct {
	// Annotation is the key as it was written.
	Annotation string
	// Field is what it was to say.
	Field traffic.Field
	// Meant is the key that the mesh reads for this, "" if it has none.
	Meant string
	// Reader is the mesh that does read the annotation, nil if none does.
	Reader *Mesh
}

// mostSlips is how many letters one gets wrong in a key: with three, the names
// for inbound and outbound traffic would be taken for one another.
const mostSlips = 2

// Slips finds, in the order of the keys, annotations that the mesh does not
// read but that are near to one of its own, and those by which another mesh's
// sidecar is bypassed.
func (m *Mesh) Slips(annotations map[string]string) []Slip {
	var slips []Slip
	for key := range annotations {
		if s, found := m.slip(key); found {
			slips = append(slips, s)
		}
	}
	slices.SortFunc(slips, func(a, b Slip) int { return cmp.Compare(a.Annotation, b.Annotation) })
	return slips
}

func (m *Mesh) slip(annotation string) (Slip, bool) {
	prefix, name, prefixed := strings.Cut(annotation, "/")
	if !prefixed || m.reads(annotation) || slices.ContainsFunc(m.Others, func(o Other) bool { return o.Annotation == annotation }) {
		return Slip{}, false
	}
	for _, reader := range meshes {
		if i := reader.keyIndex(annotation); i >= 0 {
			field := reader.Keys[i].Field
			meant, _ := m.Key(field)
			return Slip{annotation, field, meant.Annotation, reader}, true
		}
	}
	if !m.nearPrefix(prefix) {
		return Slip{}, false
	}
	names := make([]string, len(m.Keys))
	for i, k := range m.Keys {
		_, known, _ := strings.Cut(k.Annotation, "/")
		names[i] = folded(known)
	}
	i := spelling.Nearest(folded(name), names, mostSlips)
	if i < 0 {
		return Slip{}, false
	}
	return Slip{annotation, m.Keys[i].Field, m.Keys[i].Annotation, nil}, true
}

// reads reports whether the annotation is one of the mesh's keys.
func (m *Mesh) reads(annotation string) bool { return m.keyIndex(annotation) >= 0 }

func (m *Mesh) keyIndex(annotation string) int {
	return slices.IndexFunc(m.Keys, func(k Key) bool { return k.Annotation == annotation })
}

// nearPrefix reports whether a key's prefix belongs to the mesh's domain, or is
// one of the mesh's prefixes but for its spelling.
func (m *Mesh) nearPrefix(prefix string) bool {
	lower := strings.ToLower(prefix)
	if lower == m.Domain || strings.HasSuffix(lower, "."+m.Domain) {
		return true
	}
	return slices.ContainsFunc(m.Keys, func(k Key) bool {
		known, _, _ := strings.Cut(k.Annotation, "/")
		return spelling.Nearest(lower, []string{known}, mostSlips) >= 0
	})
}

// folded leaves of a name what is not a matter of style: excludeInboundPorts
// and exclude-inbound-ports are the same words.
func folded(name string) string {
	return strings.ToLower(strings.NewReplacer("-", "", "_", "", ".", "").Replace(name))
}
