package mesh

import "path"

// Common is an object that says for many pods what an annotation says for one.
type Common struct {
	Group, Kind string
	// Name is a glob of the object's name, "" for any.
	Name string
	// Document leads to a string that is itself YAML; nil where the object has fields.
	Document []string
	// At leads to the mapping, in the object or the document, whose words count.
	At []string
	// As is the annotation in whose value the words may stand too, with Under in front of
	// them. There they stand instead of these. It is "" for the mesh's Config, of which
	// Fields count.
	As    string
	Under string
	// Root is the key beside the mapping by which the object names the namespace in which
	// others speak of the whole mesh.
	Root string
	// Selects leads to the labels of the pods that the object speaks of in its own
	// namespace, before their own annotation is asked. Without what is around them it
	// speaks of all there, or anywhere if that is the Root. nil for every pod.
	Selects []string
	// Several says why one cannot tell which of several counts; "" where all do.
	Several string
}

// CommonIn finds the row of an object.
func (m *Mesh) CommonIn(group, kind, name string) (Common, bool) {
	for _, c := range m.Commons {
		if named, _ := path.Match(c.Name, name); c.Group == group && c.Kind == kind && (c.Name == "" || named) {
			return c, true
		}
	}
	return Common{}, false
}

// MayBeCommon reports whether an object of a group and kind may be one, and whether only
// some names are.
func (m *Mesh) MayBeCommon(group, kind string) (may, named bool) {
	for _, c := range m.Commons {
		if c.Group == group && c.Kind == kind {
			return true, c.Name != ""
		}
	}
	return false, false
}
