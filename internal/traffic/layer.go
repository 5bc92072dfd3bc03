package traffic

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Field names a traffic setting as the spec, the arguments and the decision do.
type Field string

// The traffic fields.
const (
	ExcludeInboundPorts     Field = "excludeInboundPorts"
	IncludeInboundPorts     Field = "includeInboundPorts"
	ExcludeOutboundPorts    Field = "excludeOutboundPorts"
	IncludeOutboundPorts    Field = "includeOutboundPorts"
	ExcludeOutboundIPRanges Field = "excludeOutboundIPRanges"
	IncludeOutboundIPRanges Field = "includeOutboundIPRanges"
	ExcludeOutbound         Field = "excludeOutbound"
)

// Fields lists every Field in canonical order, which members has too.
var Fields = []Field{
	ExcludeInboundPorts, IncludeInboundPorts,
	ExcludeOutboundPorts, IncludeOutboundPorts,
	ExcludeOutboundIPRanges, IncludeOutboundIPRanges,
	ExcludeOutbound,
}

// Flag gives the field's name as a command's flag, without dashes in front.
func (f Field) Flag() string { return f.member().flagged() }

// FieldError says of which field an error is.
type FieldError struct {
	Field Field
	Err   error
}

func (e *FieldError) Error() string { return fmt.Sprintf("%s: %v", e.Field, e.Err) }

// Unwrap gives the error itself.
func (e *FieldError) Unwrap() error { return e.Err }

// Layer is what one scope says: a nil field says nothing, an empty one says
// that there is nothing.
type Layer struct {
	ExcludeInboundPorts     *Ports
	IncludeInboundPorts     *Selection[Ports]
	ExcludeOutboundPorts    *Ports
	IncludeOutboundPorts    *Ports
	ExcludeOutboundIPRanges *Prefixes
	IncludeOutboundIPRanges *Selection[Prefixes]
	ExcludeOutbound         *Pairs
}

// Cleared says of every field that there is nothing in it.
var Cleared = Layer{
	ExcludeInboundPorts: &Ports{}, IncludeInboundPorts: &Selection[Ports]{limited: true},
	ExcludeOutboundPorts: &Ports{}, IncludeOutboundPorts: &Ports{},
	ExcludeOutboundIPRanges: &Prefixes{}, IncludeOutboundIPRanges: &Selection[Prefixes]{limited: true},
	ExcludeOutbound: &Pairs{},
}

// member is one field of a Layer, whatever its type. It takes layers as values: a pointer
// would need room for each of them.
type member interface {
	flagged() string
	present(l Layer) bool
	read(l Layer, entries []string) (Layer, error)
	entries(l Layer) []string
	// with gives a layer with what another one says of the field, without gives it with
	// nothing, and adding with both.
	with(l, other Layer) Layer
	without(l Layer) Layer
	adding(l, other Layer) Layer
	empty(l Layer) bool
	// isDefault says that the field is as where nobody says it.
	isDefault(l Layer) bool
	equal(a, b Layer) bool
}

// memberOf is a member of a type. Its functions know nothing but what they are given, so
// that the linker writes the members, and no program makes them when it starts.
type memberOf[T set[T]] struct {
	flag  string
	parse func([]string) (T, error)
	of    func(Layer) *T
	put   func(Layer, *T) Layer
}

var members = [...]member{
	&memberOf[Ports]{"exclude-inbound-ports", parsePortsList,
		func(l Layer) *Ports { return l.ExcludeInboundPorts }, func(l Layer, is *Ports) Layer { l.ExcludeInboundPorts = is; return l }},
	&memberOf[Selection[Ports]]{"include-inbound-ports", selectPorts,
		func(l Layer) *Selection[Ports] { return l.IncludeInboundPorts }, func(l Layer, is *Selection[Ports]) Layer { l.IncludeInboundPorts = is; return l }},
	&memberOf[Ports]{"exclude-outbound-ports", parsePortsList,
		func(l Layer) *Ports { return l.ExcludeOutboundPorts }, func(l Layer, is *Ports) Layer { l.ExcludeOutboundPorts = is; return l }},
	&memberOf[Ports]{"include-outbound-ports", parsePortsList,
		func(l Layer) *Ports { return l.IncludeOutboundPorts }, func(l Layer, is *Ports) Layer { l.IncludeOutboundPorts = is; return l }},
	&memberOf[Prefixes]{"exclude-outbound-ip-ranges", parsePrefixes,
		func(l Layer) *Prefixes { return l.ExcludeOutboundIPRanges }, func(l Layer, is *Prefixes) Layer { l.ExcludeOutboundIPRanges = is; return l }},
	&memberOf[Selection[Prefixes]]{"include-outbound-ip-ranges", selectPrefixes,
		func(l Layer) *Selection[Prefixes] { return l.IncludeOutboundIPRanges }, func(l Layer, is *Selection[Prefixes]) Layer { l.IncludeOutboundIPRanges = is; return l }},
	&memberOf[Pairs]{"exclude-outbound", parsePairsList,
		func(l Layer) *Pairs { return l.ExcludeOutbound }, func(l Layer, is *Pairs) Layer { l.ExcludeOutbound = is; return l }},
}

// member gives the field's, nil for what is no field.
func (f Field) member() member {
	if i := slices.Index(Fields, f); i >= 0 {
		return members[i]
	}
	return nil
}

func (m *memberOf[T]) flagged() string { return m.flag }

func (m *memberOf[T]) present(l Layer) bool { return m.of(l) != nil }

func (m *memberOf[T]) read(l Layer, entries []string) (Layer, error) {
	value, err := m.parse(entries)
	if err != nil {
		return l, err
	}
	return m.put(l, &value), nil
}

func (m *memberOf[T]) entries(l Layer) []string { return (*m.of(l)).Entries() }

func (m *memberOf[T]) with(l, other Layer) Layer { return m.put(l, m.of(other)) }

func (m *memberOf[T]) without(l Layer) Layer { return m.put(l, nil) }

func (m *memberOf[T]) adding(l, other Layer) Layer {
	have, more := m.of(l), m.of(other)
	switch {
	case more == nil: // adds nothing
		return l
	case have == nil:
		return m.put(l, more)
	case (*more).IsEmpty(): // the same
		return l
	case (*have).IsEmpty():
		return m.put(l, more)
	}
	sum := (*have).Union(*more)
	return m.put(l, &sum)
}

func (m *memberOf[T]) empty(l Layer) bool { return (*m.of(l)).IsEmpty() }

func (m *memberOf[T]) isDefault(l Layer) bool {
	var standard T
	return (*m.of(l)).Equal(standard)
}

func (m *memberOf[T]) equal(a, b Layer) bool {
	x, y := m.of(a), m.of(b)
	return (x == nil) == (y == nil) && (x == nil || (*x).Equal(*y))
}

// parseEach reads every entry and reports all bad ones, each with its place.
func parseEach[T any](entries []string, parse func(string) (T, error)) ([]T, error) {
	values := make([]T, 0, len(entries))
	var problems []error
	for i, entry := range entries {
		value, err := parse(entry)
		if bad, is := errors.AsType[*EntryError](err); is {
			if entry == Everything {
				// Istio too takes "*" only as the whole value of two of its
				// annotations (istio/istio pkg/kube/inject/validate.go).
				bad = wrong(entry, "not an entry of a list",
					fmt.Sprintf(`list what you mean; "*" is valid only by itself, in %s and %s`, IncludeInboundPorts, IncludeOutboundIPRanges))
			}
			bad.Index = i
			problems = append(problems, bad)
			continue
		}
		values = append(values, value)
	}
	return values, errors.Join(problems...)
}

func parsePortsList(entries []string) (Ports, error) {
	all, err := parseEach(entries, ParsePorts)
	var tcp, udp []PortRange
	for _, p := range all {
		tcp, udp = append(tcp, p.tcp...), append(udp, p.udp...)
	}
	return Ports{tcp: joined(tcp), udp: joined(udp)}, err
}

func parsePrefixes(entries []string) (Prefixes, error) {
	all, err := parseEach(entries, ParsePrefix)
	return NewPrefixes(all...), err
}

func parsePairsList(entries []string) (Pairs, error) {
	all, err := parseEach(entries, ParsePairs)
	return UnitePairs(all...), err
}

func selectPorts(entries []string) (Selection[Ports], error) {
	return selected(entries, parsePortsList)
}

func selectPrefixes(entries []string) (Selection[Prefixes], error) {
	return selected(entries, parsePrefixes)
}

func selected[T set[T]](entries []string, parse func([]string) (T, error)) (Selection[T], error) {
	if len(entries) == 1 && entries[0] == Everything {
		return Selection[T]{}, nil
	}
	only, err := parse(entries)
	return Only(only), err
}

// Set reads the entries of one field, which replace what the layer said. All
// bad entries are reported, each as an *EntryError; the layer is unchanged then.
func (l *Layer) Set(f Field, entries []string) error {
	m := f.member()
	if m == nil {
		return fmt.Errorf("%q is not a traffic field", f)
	}
	is, err := m.read(*l, entries)
	*l = is
	return err
}

// Entries gives what the layer says of a field in canonical form; present is
// false where it says nothing.
func (l Layer) Entries(f Field) (entries []string, present bool) {
	m := f.member()
	if !m.present(l) {
		return nil, false
	}
	return m.entries(l), true
}

// Says reports whether the layer says anything of the field.
func (l Layer) Says(f Field) bool { return f.member().present(l) }

// Clears reports whether the layer says that there is nothing in the field.
func (l Layer) Clears(f Field) bool {
	m := f.member()
	return m.present(l) && m.empty(l)
}

// Agrees reports whether both layers say the same of the field, which may be
// nothing.
func (l Layer) Agrees(f Field, other Layer) bool { return f.member().equal(l, other) }

// Without gives the layer without what it says of some fields.
func (l Layer) Without(fields ...Field) Layer {
	for _, f := range fields {
		l = f.member().without(l)
	}
	return l
}

// Of gives the layer without what it says of other fields than these.
func (l Layer) Of(fields ...Field) Layer {
	var some Layer
	for _, f := range fields {
		some = some.With(f, l)
	}
	return some
}

// With gives the layer with what another one says of a field, which may be
// nothing.
func (l Layer) With(f Field, other Layer) Layer {
	return f.member().with(l, other)
}

// IsZero reports whether the layer says nothing at all.
func (l Layer) IsZero() bool { return l == Layer{} }

// Equal reports whether both layers say the same of every field.
func (l Layer) Equal(other Layer) bool {
	return !slices.ContainsFunc(members[:], func(m member) bool { return !m.equal(l, other) })
}

// String gives the layer in canonical form, a line for each field that it says.
func (l Layer) String() string {
	var b strings.Builder
	for _, f := range Fields {
		if entries, present := l.Entries(f); present {
			b.WriteString(string(f) + "=" + strings.Join(entries, ",") + "\n")
		}
	}
	return b.String()
}

// Settings gives what the layer amounts to: fields that it does not say take
// their defaults.
func (l Layer) Settings() Settings {
	var s Settings
	assign(&s.ExcludeInboundPorts, l.ExcludeInboundPorts)
	assign(&s.IncludeInboundPorts, l.IncludeInboundPorts)
	assign(&s.ExcludeOutboundPorts, l.ExcludeOutboundPorts)
	assign(&s.IncludeOutboundPorts, l.IncludeOutboundPorts)
	assign(&s.ExcludeOutboundIPRanges, l.ExcludeOutboundIPRanges)
	assign(&s.IncludeOutboundIPRanges, l.IncludeOutboundIPRanges)
	assign(&s.ExcludeOutbound, l.ExcludeOutbound)
	return s
}

func assign[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// Merge says how a narrower scope's field meets a broader scope's.
type Merge uint8

const (
	// Override lets a field that the narrower scope says replace what came
	// before, as Alibaba Cloud Service Mesh does; the empty list clears it.
	Override Merge = iota
	// Union adds the sets up, as FSM and OSM do; the empty list adds nothing.
	Union
)

// LayerOf gives a layer that says the entries of one field; what cannot be read says
// nothing.
func LayerOf(f Field, entries ...string) Layer {
	var l Layer
	_ = l.Set(f, entries)
	return l
}

// Merge gives the layer with what a narrower scope says on top of it. A port
// that one of them excludes and the other includes is as the narrower says: it
// is taken away from the broader.
func (l Layer) Merge(narrower Layer, mode Merge) Layer {
	left, _ := l.Yield(narrower, mode)
	return left.Add(narrower.Adds(mode))
}

// Yield gives what is left of the layer beside a narrower scope, and what is
// lost to that. Both together are the layer. What holds is what is left and what
// the narrower scope adds; so the layers of several broader scopes may each
// yield by itself, and add up to what all of them together would have left.
func (l Layer) Yield(narrower Layer, mode Merge) (left, lost Layer) {
	left = l
	if e := narrower.ExcludeInboundPorts; e != nil && l.IncludeInboundPorts != nil && !l.IncludeInboundPorts.All() {
		included := l.IncludeInboundPorts.Set()
		rest := Only(included.Without(*e))
		left.IncludeInboundPorts = &rest
		if both := included.Intersect(*e); !both.IsEmpty() {
			gone := Only(both)
			lost.IncludeInboundPorts = &gone
		}
	}
	if i := narrower.IncludeInboundPorts; i != nil && !i.All() {
		takeAway(&left.ExcludeInboundPorts, &lost.ExcludeInboundPorts, i.Set())
	}
	if e := narrower.ExcludeOutboundPorts; e != nil {
		takeAway(&left.IncludeOutboundPorts, &lost.IncludeOutboundPorts, *e)
	}
	if i := narrower.IncludeOutboundPorts; i != nil {
		takeAway(&left.ExcludeOutboundPorts, &lost.ExcludeOutboundPorts, *i)
		if pairs := l.ExcludeOutbound; pairs != nil {
			rest, gone := pairs.WithoutPorts(*i), pairs.OnPorts(*i)
			left.ExcludeOutbound = &rest
			if !gone.IsEmpty() {
				lost.ExcludeOutbound = &gone
			}
		}
	}
	if mode == Override {
		for _, m := range members {
			if m.present(narrower) && m.present(l) {
				lost, left = m.with(lost, l), m.without(left)
			}
		}
	}
	return left, lost
}

// Split gives what of the layer bypasses on some ports, and what is left of it without
// these.
func (l Layer) Split(ports Ports) (on, off Layer) {
	s := l.Settings()
	in, out := s.Inbound().Intersect(ports), s.ExcludeOutboundPorts.Intersect(ports)
	pairs := s.ExcludeOutbound.OnPorts(ports).Union(NewPairs(s.ExcludeOutboundIPRanges, ports.Of(TCP)))
	on = Layer{ExcludeInboundPorts: &in, ExcludeOutboundPorts: &out, ExcludeOutbound: &pairs, IncludeOutboundPorts: l.IncludeOutboundPorts}
	off, _ = l.Yield(Layer{IncludeOutboundPorts: &ports}, Union)
	off = off.Add(Layer{IncludeOutboundPorts: &ports})
	if off.ExcludeInboundPorts != nil {
		rest := off.ExcludeInboundPorts.Without(ports)
		off.ExcludeInboundPorts = &rest
	}
	if included := off.IncludeInboundPorts; included != nil && !included.All() {
		rest := included.Union(Only(ports))
		off.IncludeInboundPorts = &rest
	}
	return on, off
}

// Adds gives what the layer adds to that of a broader scope: in Union an empty
// list adds nothing, in Override it clears.
func (l Layer) Adds(mode Merge) Layer {
	if mode == Union {
		for _, f := range Fields {
			if l.Clears(f) {
				l = l.Without(f)
			}
		}
	}
	return l
}

// Add gives the layer that says what either says, the sum where both speak of a
// field.
func (l Layer) Add(other Layer) Layer {
	for _, m := range members {
		l = m.adding(l, other)
	}
	return l
}

func takeAway(left, lost **Ports, ports Ports) {
	if *left == nil {
		return
	}
	rest, gone := (*left).Without(ports), (*left).Intersect(ports)
	*left = &rest
	if !gone.IsEmpty() {
		*lost = &gone
	}
}

// Contradiction is a port that one scope both excludes and includes.
type Contradiction struct {
	Exclude, Include Field
	Ports            Ports
}

// Contradictions gives every port that the layer both excludes and includes.
// An include of everything contradicts nothing: it is the default.
func (l Layer) Contradictions() []Contradiction {
	var found []Contradiction
	settings := l.Settings()
	for _, c := range []Contradiction{{Exclude: ExcludeInboundPorts, Include: IncludeInboundPorts}, {Exclude: ExcludeOutboundPorts, Include: IncludeOutboundPorts}} {
		if included := settings.Ports(c.Include); !included.All() {
			c.Ports = settings.Ports(c.Exclude).Set().Intersect(included.Set())
		}
		if !c.Ports.IsEmpty() {
			found = append(found, c)
		}
	}
	return found
}
