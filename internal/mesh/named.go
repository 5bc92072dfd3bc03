package mesh

import (
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// Named is an object in the pod's own namespace that an annotation names.
type Named struct {
	// Kind is that of the object, in the core group, and Document leads to a string of
	// it that is itself YAML, with the settings.
	Kind     string
	Document []string
	// As are settings, by their paths with dots, that say what an annotation would, each
	// entry of a list by itself.
	As map[string]string
	// Settings are others, each with what its value lets bypass.
	Settings Words
	// Harmless are settings by which nothing bypasses, with all below them.
	Harmless []string
	// Doubt is why it may not be in force.
	Doubt string
}

// Knows reports whether a setting is a row of its own, whatever its value is.
func (n *Named) Knows(setting string) bool {
	_, as := n.As[setting]
	_, own := n.Settings.Find(setting)
	return as || own || n.Ignores(setting)
}

// Ignores reports whether nothing bypasses by a setting.
func (n *Named) Ignores(setting string) bool {
	for _, h := range n.Harmless {
		if setting == h || strings.HasPrefix(setting, h+".") {
			return true
		}
	}
	return false
}

// SaidIn gives what a setting of an object that an annotation names lets bypass. A
// setting that nobody knows may let everything.
func (m *Mesh) SaidIn(n *Named, setting string, entries ...string) (lets traffic.Layer, exact bool) {
	annotation, as := n.As[setting]
	if !as {
		own, known := n.Settings.Find(setting)
		switch {
		case n.Ignores(setting):
			return traffic.Layer{}, true
		case known:
			return own.Lets(strings.Join(entries, ","))
		}
		return OpensAll.Everything(), false
	}
	exact = true
	for _, entry := range entries {
		said, problems := m.Read(map[string]string{annotation: entry})
		whole := len(problems) == 0
		if key, doubt := m.Doubt(annotation, entry); doubt != "" {
			said, whole = OpeningOf(key.Field).Everything(), false
		} else if other, opens := m.Other(annotation); opens {
			said, whole = other.Lets(entry)
		}
		lets, exact = lets.Merge(said, traffic.Union), exact && whole
	}
	return lets, exact
}
