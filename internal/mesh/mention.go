package mesh

import (
	"bytes"
	"slices"
	"strings"
)

// Mentions reports whether a text may hold an annotation of any mesh. An API version
// in a mesh's domain is none.
func Mentions(text []byte) bool {
	return slices.ContainsFunc(meshes, func(m *Mesh) bool { return mentions(text, []byte(m.Domain)) })
}

func mentions(text, domain []byte) bool {
	for {
		at := bytes.Index(text, domain)
		if at < 0 || at+len(domain)+2 >= len(text) {
			return false
		}
		text = text[at+len(domain):]
		switch next := text[1]; {
		case text[0] == '\\': // JSON may escape the slash
			return true
		case text[0] == '/' && (next != 'v' || text[2] < '0' || text[2] > '9'):
			return true
		}
	}
}

// IsTraffic reports whether an annotation is one of those of any mesh that say what
// bypasses.
func IsTraffic(annotation string) bool { return ReaderOf(annotation) != nil }

// ReaderOf gives the mesh to which an annotation says what bypasses, nil for none.
func ReaderOf(annotation string) *Mesh {
	i := slices.IndexFunc(meshes, func(m *Mesh) bool { return m.IsTraffic(annotation) })
	if i < 0 {
		return nil
	}
	return meshes[i]
}

// IsTraffic reports whether an annotation is one of those of the mesh that say what
// bypasses.
func (m *Mesh) IsTraffic(annotation string) bool {
	return m.IsKey(annotation) || slices.ContainsFunc(m.Prefixes, func(p string) bool { return strings.HasPrefix(annotation, p) })
}

// ReadsIn says where the mesh reads annotations of pods.
func (m *Mesh) ReadsIn() string {
	if m.NamespaceKeys != "" {
		return "in pod templates and on Namespaces"
	}
	return "in pod templates"
}

// ReadElsewhere reports whether the mesh reads the annotations of pods on an object of
// a group and kind too.
func (m *Mesh) ReadElsewhere(group, kind string) bool {
	return m.NamespaceKeys != "" && group == "" && kind == "Namespace"
}
