package mesh

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// Opening is the directions in which traffic may bypass the sidecar.
type Opening uint8

// The directions; both together are OpensAll.
const (
	OpensInbound Opening = 1 << iota
	OpensOutbound
	OpensAll = OpensInbound | OpensOutbound
)

// Other is an annotation of a pod that the mesh reads beside Keys.
type Other struct {
	Annotation string
	// Opens are the directions in which it may let traffic bypass the sidecar,
	// zero where it is about something else.
	Opens Opening
	// Spares says that the mesh intercepts nothing in these directions then, as if the pod
	// opted out of them: the limits are not about it.
	Spares bool
	// Harmless are values by which it lets nothing bypass. An empty value is
	// always one. Certain are those by which it certainly lets everything.
	Harmless, Certain []string
	// OnlyIPv4 is the value, "" for none, with which the mesh has no rules for IPv6.
	OnlyIPv4 string
	// Words are names within a value by which alone it lets something bypass, each
	// with what its own value lets; nil where the value itself says it.
	Words Words
	// Unless are annotations that, where they stand, put it out of force.
	Unless []string
	// Doubt is why it may let nothing bypass all the same, "" where it does what it
	// says.
	Doubt string
	// Moves is the port of the mesh's own in whose place its value names another, for
	// Purpose; 0 for none. Stays is why the former may bypass all the same, "" where it
	// does not.
	Moves          uint16
	Purpose, Stays string
	// Ahead says, as far as what passes them on, which connections it takes before the
	// mesh looks at any exclusion; "" for none.
	Ahead string
	// As is the field of a security context that says as whom one runs whose traffic, by
	// its value, the mesh takes for its sidecar's; "" for none.
	As string
	// Defaults are values of words that are the mesh's own: what says them for the
	// whole mesh changes nothing, while a pod may take back by them what the mesh says.
	Defaults map[string]string
	// Unfit are the characters in a value by which alone it lets something bypass,
	// since the mesh writes it into YAML or a command as it is; "" where the value
	// itself says it.
	Unfit string
	// ports gives the ports that a value lets bypass; nil where that may be
	// anything, as it is where ports cannot read the value.
	ports func(value string) (traffic.Ports, bool)
	// Names is the object that the value names, which says what it lets bypass; nil where
	// it is none.
	Names *Named
	// On is a kind of the core group, "" for none, on whose objects the mesh reads it too,
	// about something else.
	On string
	// planes are the data planes whose pods read it, nil for Sidecar alone.
	planes []DataPlane
	// Source is where the mesh says so.
	Source string
}

// Word is a name that a text says, with what a value of its own lets bypass.
type Word struct {
	Name string
	Other
}

// Words are rows of data, so that a program's start need not make a map of them.
type Words []Word

// Names gives the words by their names.
func (w Words) Names() []string {
	return slices.Sorted(slices.Values(each.As(w, func(word Word) string { return word.Name })))
}

// Find finds a word.
func (w Words) Find(name string) (Other, bool) {
	word, known := each.First(w, func(word Word) bool { return word.Name == name })
	return word.Other, known
}

// Lets gives what a value of the annotation may let bypass. Words are for the
// caller to find. exact says that it is no more than the value says.
func (o Other) Lets(value string) (lets traffic.Layer, exact bool) {
	escapes := strings.ContainsAny(strings.TrimRight(value, "\n "), o.Unfit) // also by a break in front
	value = strings.TrimSpace(value)
	switch {
	case value == "", slices.Contains(o.Harmless, value), o.Unfit != "" && !escapes:
		return traffic.Layer{}, true
	case slices.Contains(o.Certain, value):
		return o.Opens.Everything(), true
	case value == o.OnlyIPv4:
		over6 := traffic.NewPairs(traffic.NewPrefixes(netip.PrefixFrom(netip.IPv6Unspecified(), 0)), traffic.EveryPort)
		return traffic.Settings{ExcludeInboundPorts: traffic.EveryPort, ExcludeOutbound: over6}.Layer(), true
	}
	if o.ports == nil {
		return o.Opens.Everything(), false
	}
	ports, read := o.ports(value)
	switch {
	case !read:
		return o.Opens.Everything(), false
	case o.Opens == OpensInbound:
		return traffic.Settings{ExcludeInboundPorts: ports}.Layer(), true
	}
	return traffic.Settings{ExcludeOutboundPorts: ports}.Layer(), true
}

// Word gives what a word of the annotation's value may let bypass by a value of its
// own. One that is empty is none by which it lets nothing.
func (o Other) Word(word, value string) (lets traffic.Layer, exact bool) {
	said, _ := o.Words.Find(word)
	if value == "" {
		return said.Opens.Everything(), false
	}
	return said.Lets(value)
}

// Everything gives all traffic in the directions, at every address.
func (o Opening) Everything() traffic.Layer {
	var s traffic.Settings
	if o&OpensInbound != 0 {
		s.ExcludeInboundPorts = traffic.EveryPort
	}
	if o&OpensOutbound != 0 {
		s.ExcludeOutbound = traffic.NewPairs(traffic.Everywhere, traffic.EveryPort)
	}
	return s.Layer()
}

// Of gives the fields of a layer that are about the directions.
func (o Opening) Of(l traffic.Layer) traffic.Layer {
	return l.Of(slices.DeleteFunc(slices.Clone(traffic.Fields), func(f traffic.Field) bool { return o&OpeningOf(f) == 0 })...)
}

// OpeningOf gives the direction that a field is about.
func OpeningOf(f traffic.Field) Opening {
	if f == traffic.ExcludeInboundPorts || f == traffic.IncludeInboundPorts {
		return OpensInbound
	}
	return OpensOutbound
}

// Intercepts gives the directions in which the mesh intercepts a pod, also one that
// Unmeshed gives a reason to leave alone.
func (m *Mesh) Intercepts(labels, annotations map[string]string) Opening {
	switch {
	case m.Unmeshed(labels, annotations) != "" && m.intercepts == nil:
		return 0
	case m.Unmeshed(labels, annotations) != "":
		return m.intercepts(labels, annotations)
	}
	in := OpensAll
	for _, o := range m.Spared(annotations) {
		in &^= o.Opens
	}
	return in
}

// Spared gives the annotations that spare pods in a direction.
func (m *Mesh) Spared(annotations map[string]string) []Other {
	var spared []Other
	for i := range m.Others {
		if o := &m.Others[i]; o.Spares {
			if lets, _ := o.Lets(annotations[o.Annotation]); !lets.IsZero() {
				spared = append(spared, *o)
			}
		}
	}
	return spared
}

// Doubt says why one cannot be sure what a value of an annotation of Keys says,
// "" where one can.
func (m *Mesh) Doubt(annotation, value string) (Key, string) {
	i := m.keyIndex(annotation)
	if i < 0 {
		return Key{}, ""
	}
	k := m.Keys[i]
	if _, err := k.Read(value); err != nil {
		return k, err.Error()
	}
	return k, k.Values.doubts(value)
}

// Drops reports whether the mesh certainly takes nothing of what is in doubt in a value
// of an annotation of Keys, as limits need not believe.
func (m *Mesh) Drops(annotation, value string) bool {
	i := m.keyIndex(annotation)
	if i < 0 {
		return false
	}
	_, refused := m.Keys[i].Read(value)
	_, drops := m.Keys[i].Values.(interface{ drops() })
	return drops && refused == nil
}

// onePort reads the port that an annotation names, which then bypasses.
func onePort(value string) (traffic.Ports, bool) {
	port, err := strconv.ParseUint(value, 10, 16)
	if err != nil || port == 0 || strconv.FormatUint(port, 10) != value {
		return traffic.Ports{}, false
	}
	return traffic.SinglePorts(traffic.TCP, uint16(port)).Bare(), true
}

// notAmong are the ports that are not among those that alone are intercepted.
func notAmong(value string) (traffic.Ports, bool) {
	var said traffic.Layer
	err := said.Set(traffic.ExcludeInboundPorts, traffic.SplitList(value))
	if err != nil {
		return traffic.Ports{}, false
	}
	return traffic.EveryPort.Without(*said.ExcludeInboundPorts), true
}

// Other finds the row of an annotation that may let traffic bypass the sidecar,
// also of one that nobody knows, under a prefix where all annotations are about
// that. An annotation of Keys is none.
func (m *Mesh) Other(annotation string) (Other, bool) {
	if m.IsKey(annotation) {
		return Other{}, false
	}
	if i := m.otherIndex(annotation); i >= 0 {
		return m.Others[i], m.Others[i].Opens != 0
	}
	prefixed := slices.ContainsFunc(m.Prefixes, func(p string) bool { return strings.HasPrefix(annotation, p) })
	return Other{Annotation: annotation, Opens: OpensAll}, prefixed
}

func (m *Mesh) otherIndex(annotation string) int {
	for i := range m.Others { // a row is large
		if m.Others[i].Annotation == annotation {
			return i
		}
	}
	return -1
}
