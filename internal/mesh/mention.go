package mesh

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/each"
)

// Mentions reports whether a text may hold an annotation of any mesh. An API version
// in a mesh's domain is none.
func Mentions(text []byte) bool {
	return slices.ContainsFunc(rows, func(r *row) bool { return mentions(text, []byte(r.domain)) })
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
	first, _ := each.First(All(), func(m *Mesh) bool { return m.IsTraffic(annotation) })
	return first
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

// SignIn gives the offset at which a text first speaks of the mesh: by a key or an API
// group of its domain, or by a label by which pods get a sidecar. It is -1 where the
// text does not; comments say nothing. The text need not be YAML: templates of charts
// are not.
func (m *Mesh) SignIn(text []byte) int {
	sign := regexp.MustCompile(`(?:^|[^a-zA-Z0-9./-])(?:[a-z0-9-]+\.)*` + regexp.QuoteMeta(m.Domain) + `/`)
	return lineIn(text, func(said []byte) int {
		if at := sign.FindIndex(said); at != nil {
			return at[1] - 1
		}
		for _, j := range m.joins {
			if !m.Owns(j.key) && bytes.Contains(said, []byte(j.key+":")) {
				return 0
			}
		}
		return -1
	})
}

// AmbientIn gives the offset at which a text first has a label by which pods are in
// Ambient, -1 where it has none.
func (m *Mesh) AmbientIn(text []byte) int {
	label := m.PlaneLabel()
	if label.Key == "" {
		return -1
	}
	sign := regexp.MustCompile(regexp.QuoteMeta(label.Key) + `["']?\s*:\s*["']?` + regexp.QuoteMeta(label.Value) + `\b`)
	return lineIn(text, func(said []byte) int {
		if at := sign.FindIndex(said); at != nil {
			return at[0]
		}
		return -1
	})
}

// lineIn gives the offset that find gives for the first line which is no comment and in
// which it finds something, -1 for none.
func lineIn(text []byte, find func(line []byte) int) int {
	offset := 0
	for line := range bytes.Lines(text) {
		if !bytes.HasPrefix(bytes.TrimSpace(line), []byte("#")) {
			if at := find(line); at >= 0 {
				return offset + at
			}
		}
		offset += len(line)
	}
	return -1
}
