package mesh

import (
	"cmp"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/pattern"
	"github.com/krm-bypass/krm-bypass/internal/spelling"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// Slip is a key on a pod that the mesh does not read, although its writer must
// have meant that it does.
type Slip struct {
	// Key is as it was written, Label that it is one of a label.
	Key   string
	Label bool
	// Field is what it was to say, "" where that is none or not known.
	Field traffic.Field
	// Meant are the keys that the mesh reads for this.
	Meant []string
	// Reader is the mesh that does read it, nil if none does. Moved says that it is
	// the mesh itself, but reads it only as a label instead of an annotation, or the
	// other way round.
	Reader *Mesh
	Moved  bool
}

// mostSlips is how many letters one gets wrong in a key: with three, the names
// for inbound and outbound traffic would be taken for one another. Of keys that are
// about something else it is one, since there are many, and none in a short word.
const (
	mostSlips  = 2
	otherSlips = 1
	shortWord  = 5
)

// Slips finds, in the order of the keys, annotations that the mesh does not read:
// those under a prefix of it, those that are near to one of its own, and those by
// which another mesh's sidecar is bypassed.
func (m *Mesh) Slips(annotations map[string]string) []Slip { return slips(annotations, m.slip) }

// LabelSlips is the same for labels. One that nobody knows is the user's own.
func (m *Mesh) LabelSlips(labels map[string]string) []Slip { return slips(labels, m.labelSlip) }

func slips(written map[string]string, slip func(key string) (Slip, bool)) []Slip {
	var all []Slip
	for key := range written {
		if s, found := slip(key); found {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b Slip) int { return cmp.Compare(a.Key, b.Key) })
	return all
}

func (m *Mesh) slip(annotation string) (Slip, bool) {
	s := Slip{Key: annotation}
	switch {
	case m.ReadsAnnotation(annotation) || m.knows(annotation, knownElse):
		return s, false
	case m.knows(annotation, knownLabel):
		s.Reader, s.Moved = m, true
		return s, true
	}
	if reader, field := keyOf(annotation); reader != nil {
		s.Reader, s.Field = reader, field
		if meant, has := m.Key(field); has {
			s.Meant = []string{meant.Annotation}
		}
		return s, true
	}
	prefix, name, prefixed := strings.Cut(annotation, "/")
	if !prefixed {
		i := m.nearKey(annotation, 0)
		return m.slipOf(s, i), i >= 0
	}
	if !m.nearPrefix(prefix) {
		return s, false
	}
	s = m.slipOf(s, m.nearKey(name, mostSlips))
	if s.Meant == nil {
		s.Meant = m.sayingThat(name)
	}
	if s.Meant == nil {
		s.Meant = m.near(name)
	}
	return s, s.Meant != nil || m.hasKeysUnder(prefix)
}

func (m *Mesh) labelSlip(label string) (Slip, bool) {
	s := Slip{Key: label, Label: true}
	prefix, name, prefixed := strings.Cut(label, "/")
	switch {
	case !prefixed || m.knows(label, knownLabel, knownElse):
		return s, false
	case m.ReadsAnnotation(label):
		s.Reader, s.Moved = m, true
		return s, true
	case !m.nearPrefix(prefix):
		return s, false
	}
	s.Meant = m.near(name)
	return s, s.Meant != nil
}

// ReadsAnnotation reports whether the mesh reads an annotation of a pod, whatever it
// is about.
func (m *Mesh) ReadsAnnotation(annotation string) bool {
	return m.IsKey(annotation) || m.knows(annotation, knownPod) ||
		m.otherIndex(annotation) >= 0
}

// Owns reports whether a key stands under a prefix that belongs to the mesh.
func (m *Mesh) Owns(key string) bool { return isUnder(m.Domain, key) }

func isUnder(domain, key string) bool {
	prefix, _, _ := strings.Cut(key, "/")
	begin, is := strings.CutSuffix(prefix, domain)
	return is && (begin == "" || strings.HasSuffix(begin, "."))
}

// IsKey reports whether the annotation is one of Keys.
func (m *Mesh) IsKey(annotation string) bool { return m.keyIndex(annotation) >= 0 }

// FieldOf gives the field that an annotation says to the mesh that reads it.
func FieldOf(annotation string) (f traffic.Field, read bool) {
	m, f := keyOf(annotation)
	return f, m != nil
}

// keyOf gives the mesh of whose keys an annotation is one, and its field; nil for none.
func keyOf(annotation string) (*Mesh, traffic.Field) {
	for _, r := range rows {
		if !isUnder(r.domain, annotation) {
			continue // without making the row
		}
		if i := r.mesh().keyIndex(annotation); i >= 0 {
			return r.made, r.made.Keys[i].Field
		}
	}
	return nil, ""
}

func (m *Mesh) keyIndex(annotation string) int {
	for i := range m.Keys { // a row is large
		if m.Keys[i].Annotation == annotation {
			return i
		}
	}
	return -1
}

// Minds reports whether the mesh has anything to do with a key of an annotation or of a
// label: it knows it, or it is near to one that it or another mesh knows.
func (m *Mesh) Minds(key string) bool {
	_, slip := m.slip(key)
	_, labelSlip := m.labelSlip(key)
	return slip || labelSlip || m.ReadsAnnotation(key) || m.IsTraffic(key) || m.knows(key, knownPod, knownLabel) ||
		m.PlaneLabel().Key == key || m.ReadsOnNamespacesAlone(key) ||
		slices.Contains(m.OptOutLabels(), key) || slices.ContainsFunc(m.choices, func(c Choice) bool { return c.Key == key })
}

// nearPrefix reports whether a key's prefix belongs to the mesh's domain, or is
// one of the mesh's prefixes but for its spelling.
func (m *Mesh) nearPrefix(prefix string) bool {
	lower := strings.ToLower(prefix)
	if m.Owns(lower+"/") || m.hasKeysUnder(lower) {
		return true
	}
	return slices.ContainsFunc(m.Keys, func(k Key) bool {
		known, _, _ := strings.Cut(k.Annotation, "/")
		return spelling.Nearest(lower, []string{known}, mostSlips) >= 0
	})
}

// nearKey gives the place in Keys of the key whose name is nearest, -1 for none.
func (m *Mesh) nearKey(name string, most int) int {
	names := each.As(m.Keys, func(k Key) string { return folded(k.Annotation) })
	i := spelling.Nearest(folded(name), names, most)
	if i >= 0 && includes(folded(name)) != includes(names[i]) {
		return -1 // two letters apart, and the opposite
	}
	return i
}

func includes(name string) bool {
	return strings.Contains(name, "include") || strings.Contains(name, "inclusion")
}

// slipOf gives the slip for the key at a place in Keys.
func (m *Mesh) slipOf(s Slip, at int) Slip {
	if at >= 0 {
		s.Field, s.Meant = m.Keys[at].Field, []string{m.Keys[at].Annotation}
	}
	return s
}

// near gives the key, of an annotation or a label, whose name is nearest.
func (m *Mesh) near(name string) []string {
	known := slices.Concat(m.known.read().at[knownPod], m.known.read().at[knownLabel])
	for _, k := range m.Keys {
		known = append(known, k.Annotation)
	}
	names := each.As(known, folded)
	if len(name) < shortWord {
		return nil
	}
	if i := spelling.Nearest(folded(name), names, otherSlips); i >= 0 {
		return known[i : i+1]
	}
	return nil
}

// folded gives a key's name, but for what is a matter of style in it.
func folded(key string) string {
	_, name, prefixed := strings.Cut(key, "/")
	if !prefixed {
		name = key
	}
	return spelling.Folded(name)
}

// senseOf gives what a word of a key says: what to do with which traffic, and by what it
// is named. Those without a sense say nothing of their own.
func senseOf(word string) (says string, known bool) {
	switch word {
	case "exclude", "excluded", "exclusion", "skip", "ignore", "bypass":
		return "exclude", true
	case "include", "included", "inclusion":
		return "include", true
	case "inbound", "ingress", "incoming":
		return "inbound", true
	case "outbound", "egress", "outgoing":
		return "outbound", true
	case "port", "ports":
		return "ports", true
	case "ip", "ips", "range", "ranges", "ipranges", "iprange", "cidr", "cidrs", "subnet", "subnets", "network", "networks", "addresses":
		return "ranges", true
	case "traffic", "list", "transparent", "proxy", "sidecar", "interception":
		return "", true
	}
	return "", false
}

var wordStart = pattern.Of(`[a-z][A-Z]`)

// sense gives what a name says, nothing where one of its words is not known.
func sense(name string) []string {
	var said []string
	apart := wordStart.Regexp().ReplaceAllStringFunc(name, func(ends string) string { return ends[:1] + "-" + ends[1:] })
	for word := range strings.FieldsFuncSeq(strings.ToLower(apart), func(r rune) bool { return strings.ContainsRune("-_.", r) }) {
		says, known := senseOf(word)
		if !known {
			return nil
		}
		if says != "" && !slices.Contains(said, says) {
			said = append(said, says)
		}
	}
	return said
}

// sayingThat gives the keys that say what a name says in other words. One that says
// neither ports nor ranges means ports.
func (m *Mesh) sayingThat(name string) []string {
	said := sense(name)
	if len(said) < 2 {
		return nil
	}
	if !slices.Contains(said, "ports") && !slices.Contains(said, "ranges") {
		said = append(said, "ports")
	}
	var meant []string
	for _, k := range m.Keys {
		says := sense(string(k.Field))
		if !slices.ContainsFunc(said, func(word string) bool { return !slices.Contains(says, word) }) {
			meant = append(meant, k.Annotation)
		}
	}
	return meant
}
