package traffic

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
)

// set is what every kind of traffic setting has in common.
type set[T any] interface {
	Union(T) T
	IsEmpty() bool
	Equal(T) bool
	Entries() []string
}

// Selection is either everything, written "*", or a set. The zero value is
// everything.
type Selection[T set[T]] struct {
	limited bool
	set     T
}

// Only selects the members of a set and nothing else.
func Only[T set[T]](members T) Selection[T] { return Selection[T]{limited: true, set: members} }

// All reports whether everything is selected.
func (s Selection[T]) All() bool { return !s.limited }

// Set gives the members that are selected; it has no meaning where All.
func (s Selection[T]) Set() T { return s.set }

// IsEmpty reports whether nothing is selected.
func (s Selection[T]) IsEmpty() bool { return s.limited && s.set.IsEmpty() }

// Equal reports whether both select the same.
func (s Selection[T]) Equal(other Selection[T]) bool {
	return s.limited == other.limited && (!s.limited || s.set.Equal(other.set))
}

// Union selects what either selects.
func (s Selection[T]) Union(other Selection[T]) Selection[T] {
	if s.All() || other.All() {
		return Selection[T]{}
	}
	return Only(s.set.Union(other.set))
}

// Entries gives "*", or the set's entries.
func (s Selection[T]) Entries() []string {
	if s.All() {
		return []string{Everything}
	}
	return s.set.Entries()
}

// Everything is the entry by which a Selection selects everything.
const Everything = "*"

// Settings say for one workload which traffic bypasses the sidecar. The zero
// value bypasses nothing.
type Settings struct {
	// ExcludeInboundPorts are ports of the workload that callers reach
	// without passing the sidecar.
	ExcludeInboundPorts Ports
	// IncludeInboundPorts are the only TCP ports on which the sidecar is
	// passed.
	IncludeInboundPorts Selection[Ports]
	// ExcludeOutboundPorts are destination ports that bypass the sidecar.
	ExcludeOutboundPorts Ports
	// IncludeOutboundPorts are destination ports that pass the sidecar
	// whatever the address; they never bypass anything.
	IncludeOutboundPorts Ports
	// ExcludeOutboundIPRanges are destinations that bypass the sidecar, over
	// TCP on every port but 53.
	ExcludeOutboundIPRanges Prefixes
	// IncludeOutboundIPRanges are the only destinations that pass the
	// sidecar, over TCP on every port but 53.
	IncludeOutboundIPRanges Selection[Prefixes]
	// ExcludeOutbound are destinations that bypass the sidecar on certain
	// ports alone.
	ExcludeOutbound Pairs
}

// Equal reports whether both settings say the same.
func (s Settings) Equal(other Settings) bool {
	return s.ExcludeInboundPorts.Equal(other.ExcludeInboundPorts) && s.IncludeInboundPorts.Equal(other.IncludeInboundPorts) &&
		s.ExcludeOutboundPorts.Equal(other.ExcludeOutboundPorts) && s.IncludeOutboundPorts.Equal(other.IncludeOutboundPorts) &&
		s.ExcludeOutboundIPRanges.Equal(other.ExcludeOutboundIPRanges) && s.IncludeOutboundIPRanges.Equal(other.IncludeOutboundIPRanges) &&
		s.ExcludeOutbound.Equal(other.ExcludeOutbound)
}

// BypassNothing reports whether no field of the settings bypasses, so that nothing
// need be enforced. It is false also where a field bypasses nothing by what it
// lists, as an include of all 65535 ports does.
func (s Settings) BypassNothing() bool {
	return s.ExcludeInboundPorts.IsEmpty() && s.IncludeInboundPorts.All() &&
		s.ExcludeOutboundPorts.IsEmpty() && s.ExcludeOutboundIPRanges.IsEmpty() &&
		s.IncludeOutboundIPRanges.All() && s.ExcludeOutbound.IsEmpty()
}

// String gives the settings in canonical form, a line for each field that is
// not at its default: equal settings have equal strings.
func (s Settings) String() string {
	return s.Layer().String()
}

// Direction says on which side of the pod a connection begins.
type Direction uint8

// The directions, seen from the pod.
const (
	Outbound Direction = iota
	Inbound
)

// String gives "outbound" or "inbound".
func (d Direction) String() string {
	if d == Inbound {
		return "inbound"
	}
	return "outbound"
}

// Connection is what a decision is made about: a connection, or the first
// packet of a UDP flow.
type Connection struct {
	Direction Direction
	Protocol  Protocol
	// Address is the destination; it decides nothing for inbound.
	Address netip.Addr
	// Port is the destination's.
	Port uint16
	// Loopback says that it goes over the pod's loopback interface, as a
	// call to the pod's own address does too.
	Loopback bool
}

// Layer gives the settings as a scope that says every field which is not at its
// default.
func (s Settings) Layer() Layer {
	l := s.Whole()
	for _, m := range members {
		if m.isDefault(l) {
			l = m.without(l)
		}
	}
	return l
}

// Whole gives the settings as a scope that says every field.
func (s Settings) Whole() Layer {
	return Layer{
		ExcludeInboundPorts:     &s.ExcludeInboundPorts,
		IncludeInboundPorts:     &s.IncludeInboundPorts,
		ExcludeOutboundPorts:    &s.ExcludeOutboundPorts,
		IncludeOutboundPorts:    &s.IncludeOutboundPorts,
		ExcludeOutboundIPRanges: &s.ExcludeOutboundIPRanges,
		IncludeOutboundIPRanges: &s.IncludeOutboundIPRanges,
		ExcludeOutbound:         &s.ExcludeOutbound,
	}
}

// Ports gives what a field that lists ports selects, and nothing for another
// field.
func (s Settings) Ports(f Field) Selection[Ports] {
	switch f {
	case ExcludeInboundPorts:
		return Only(s.ExcludeInboundPorts)
	case IncludeInboundPorts:
		return s.IncludeInboundPorts
	case ExcludeOutboundPorts:
		return Only(s.ExcludeOutboundPorts)
	case IncludeOutboundPorts:
		return Only(s.IncludeOutboundPorts)
	}
	return Only(Ports{})
}

// Prefixes gives what a field that lists IP ranges selects, and nothing for
// another field.
func (s Settings) Prefixes(f Field) Selection[Prefixes] {
	switch f {
	case ExcludeOutboundIPRanges:
		return Only(s.ExcludeOutboundIPRanges)
	case IncludeOutboundIPRanges:
		return s.IncludeOutboundIPRanges
	}
	return Only(Prefixes{})
}

// Inbound gives the ports of the pod that bypass the sidecar.
func (s Settings) Inbound() Ports {
	if s.IncludeInboundPorts.All() {
		return s.ExcludeInboundPorts
	}
	return s.ExcludeInboundPorts.Union(EveryPort.Of(TCP).Without(s.IncludeInboundPorts.Set()))
}

// maxArgument is the length at which a list is cut into a further argument, in
// bytes. The kernel takes 128 KiB for one argument (MAX_ARG_STRLEN,
// include/uapi/linux/binfmts.h); the rest is for the flag's name.
const maxArgument = 120 << 10

// Arguments gives the settings as the arguments of krm-bypass-init, in canonical
// form, none of them longer than the kernel takes. A field at its default has
// no argument.
func (s Settings) Arguments() []string {
	var arguments []string
	layer := s.Layer()
	for _, f := range Fields {
		entries, present := layer.Entries(f)
		if !present {
			continue
		}
		for first := true; first || len(entries) > 0; first = false {
			n, size := 0, 0
			for n < len(entries) && size+len(entries[n]) < maxArgument {
				size += len(entries[n]) + 1
				n++
			}
			arguments = append(arguments, "--"+f.Flag()+"="+strings.Join(entries[:n], ","))
			entries = entries[n:]
		}
	}
	return arguments
}

// ParseArguments reads the values of the flags by field, each value a comma
// separated list; a flag given once with no value says the empty list. It gives
// back what Arguments wrote. All bad entries are reported at once, each as a
// *FieldError about an *EntryError, whose index counts through all of the
// field's values.
func ParseArguments(values map[Field][]string) (Settings, error) {
	var layer Layer
	var problems []error
	for _, f := range Fields {
		lists, present := values[f]
		if !present {
			continue
		}
		for _, err := range Separate(layer.Set(f, SplitList(lists...))) {
			problems = append(problems, &FieldError{Field: f, Err: err})
		}
	}
	if len(problems) > 0 {
		return Settings{}, errors.Join(problems...)
	}
	return layer.Settings(), nil
}

// SplitList cuts comma separated lists into entries. An empty list has none.
func SplitList(lists ...string) []string {
	lists = slices.DeleteFunc(slices.Clone(lists), func(l string) bool { return l == "" })
	if len(lists) == 0 {
		return []string{}
	}
	return strings.Split(strings.Join(lists, ","), ",")
}

// Entries gives what the settings say of a field in canonical form, whether it
// is at its default or not.
func (s Settings) Entries(f Field) []string {
	return f.member().entries(s.Whole())
}
