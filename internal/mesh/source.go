package mesh

import (
	"path"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// Source is a place where a mesh's own configuration stands.
type Source struct {
	// Group and Kind are the object's; both are "" for Helm values, which are no object
	// and have the place at any depth, below the names of sub-charts.
	Group, Kind string
	// Name is a glob of the object's name, "" for any.
	Name string
	// Document leads to a string that is itself YAML or JSON; nil where the
	// object has fields for it.
	Document []string
	// At leads to the mapping with the settings, in the object or document.
	At []string
	// Env says that At leads to containers, whose environment has the settings.
	Env bool
	// Settings are imported; Unsayable are told.
	Settings  []Setting
	Unsayable []Unsayable
	// Counts ranks sources that say the same: what one with a higher number says stands
	// instead of what the others say.
	Counts int
	// Sign leads to a key of the document by which it is no other mesh's whose object has the
	// same name; nil where none has.
	Sign []string
	// First says that the mesh makes its Config of it where there is none, and goes by that
	// from then on.
	First bool
	// Namespace is a key beside the mapping that names the namespace whose pods it is for,
	// or Everywhere. "" where it is for all pods.
	Namespace string
	// Versions are those that read it, as in "2.7 to 2.9"; "" for all.
	Versions string
	// Note says what to look at where something of it is imported.
	Note string
	// Left says why nothing of it is imported; "" where it is.
	Left string
}

// Everywhere is the name of a namespace that stands for all.
const Everywhere = "globalDefault"

// Setting is one key of a mesh's own configuration.
type Setting struct {
	Key   string
	Field traffic.Field
}

// Unsayable is a key for which there is no field.
type Unsayable struct {
	// Harmless is a value that needs no word.
	Key, Harmless string
	// Why says what that means.
	Why string
}

// Is reports whether an object may have the settings.
func (s Source) Is(group, kind, name string) bool {
	named, err := path.Match(s.Name, name)
	return s.Group == group && s.Kind == kind && (s.Name == "" || err == nil && named)
}

// Place says where it is, for people.
func (s Source) Place() string {
	at := strings.Join(slices.Concat(s.Document, s.At), ".")
	switch {
	case at == "":
		at = "their top"
	case s.Env:
		at = "the environment of its containers"
	}
	switch {
	case s.Namespace != "":
		return "ASM's answer to DescribeNamespaceScopeSidecarConfig (" + at + ")"
	case s.Kind == "":
		return "Helm values (" + at + ")"
	}
	return strings.TrimSpace(s.Kind+" "+s.Name) + " (" + at + ")"
}

// Sources gives every place where the mesh's own configuration stands.
func (m *Mesh) Sources() []Source {
	all := slices.Clone(m.sources)
	if m.Config == nil {
		return all
	}
	lists := Source{Group: m.Config.Group, Kind: configKind}
	for _, l := range m.Config.Lists {
		last := len(l.Path) - 1
		lists.At, lists.Settings = l.Path[:last], append(lists.Settings, Setting{l.Path[last], l.Field})
	}
	return append(all, lists)
}
