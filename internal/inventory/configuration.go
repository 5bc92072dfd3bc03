package inventory

import (
	"errors"
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// steps gives keys as the steps of a path.
func steps(keys []string) edit.Path {
	path := make(edit.Path, len(keys))
	for i, key := range keys {
		path[i] = key
	}
	return path
}

// statement is what a mesh's own configuration says of one field.
type statement struct {
	resource
	mesh  *mesh.Mesh
	field traffic.Field
	// where is the field in the file, at the nearest to it that the file's own
	// nodes have.
	where string
	at    edit.Path
	value node.Value
}

func (st statement) problem(format string, args ...any) Problem {
	p := st.in.problem(st.id(), st.at, format, args...)
	p.Path = st.where
	return p
}

// statements finds what an object says as some mesh's configuration.
func (s *survey) statements(o resource) {
	for _, m := range mesh.All() {
		for _, c := range m.Sources() {
			if c.Group != o.group || c.Kind != o.Kind {
				continue
			}
			if matched, err := path.Match(c.Name, o.name); c.Name != "" && (err != nil || !matched) {
				continue
			}
			s.stated = append(s.stated, s.read(m, c, o)...)
		}
	}
}

func (s *survey) read(m *mesh.Mesh, c mesh.Source, o resource) []statement {
	in, base, where := o.Value, o.Path, o.Path.String()
	if len(o.Path) == 0 {
		where = ""
	}
	if c.Document != nil {
		base = o.path(steps(c.Document)...)
		where = base.String()
		text := o.Below(c.Document...)
		if !text.Exists() {
			return nil
		}
		inner, err := node.Parse([]byte(text.Text()))
		if err != nil {
			if strings.Contains(text.Text(), templated) {
				s.warn(o.in.problem(o.id(), base, "skipped: %s", fillsIn))
			} else {
				s.fail(o.in.problem(o.id(), base, "reading the values that it holds: %v: fix them, or name only the other files", err))
			}
			return nil
		}
		if inner.Kind == 0 {
			return nil
		}
		in = node.Of(inner)
	}
	var found []statement
	for _, one := range c.Settings {
		below := append(steps(c.At), one.Key)
		value := in.At(below...)
		if !value.Exists() || value.IsNull() || value.IsList() && value.Len() == 0 {
			continue // Helm's null takes the value away, and an empty list lists nothing
		}
		st := statement{resource: o, mesh: m, field: one.Field, at: base, value: value}
		if c.Document == nil {
			st.at = o.path(below...)
			st.where = st.at.String()
		} else {
			st.where = where + " → " + below.String()
		}
		if recorded := o.path("metadata", "annotations", transform.RecordAnnotation); o.At(recorded[len(o.Path):]...).Exists() {
			s.fail(o.in.problem(o.id(), recorded, "krm-bypass has written to this object already: import it as it was before"))
			return nil
		}
		found = append(found, st)
	}
	return found
}

// text gives a value as the annotation for the same would say it.
func (st statement) text() (string, error) {
	switch {
	case st.value.IsScalar():
		return st.value.Text(), nil
	case st.value.IsList():
		entries := make([]string, st.value.Len())
		for i, item := range st.value.Items() {
			if !item.IsScalar() {
				return "", fmt.Errorf("item %d is neither a port nor a range: write one", i)
			}
			entries[i] = item.Text()
		}
		return strings.Join(entries, ","), nil
	}
	return "", errors.New("expected a list, but found a mapping: write ports or ranges separated by commas")
}

// configured reads what the mesh's own configuration says, which is the layer
// below all annotations, and where it stands.
func (s *survey) configured() (layer traffic.Layer, from []string) {
	m := s.mesh
	said := map[traffic.Field]statement{}
	for _, st := range s.stated {
		if st.mesh != m {
			continue
		}
		value, err := st.text()
		if err != nil {
			s.fail(st.problem("%v", err))
			continue
		}
		if strings.Contains(value, templated) {
			s.warn(st.problem("%q is not imported: %s", value, fillsIn))
			continue
		}
		key, _ := m.Key(st.field)
		one, readable := s.value(key, value, st.problem)
		if !readable {
			continue
		}
		one = s.withoutLoopback(one, st.problem)
		if first, twice := said[st.field]; twice {
			if !one.Agrees(st.field, layer) {
				have, _ := layer.Entries(st.field)
				also, _ := one.Entries(st.field)
				s.fail(st.problem("says %q, and %s says %q: name only the file that the mesh was installed with", strings.Join(also, ","), first.place(), strings.Join(have, ",")))
			}
			continue
		}
		said[st.field] = st
		layer = layer.With(st.field, one)
		from = append(from, st.place())
	}
	for _, f := range traffic.Fields {
		if _, configured := said[f]; m.Defaults.Says(f) && !configured {
			layer = layer.With(f, m.Defaults)
			from = append(from, m.Name+"'s own defaults")
		}
	}
	_, gaps := m.Express(layer.Settings(), traffic.Layer{})
	for _, g := range gaps {
		if st, configured := said[g.Field]; configured && g.Fatal {
			s.fail(st.problem("%s: fix it first", g.Reason))
		}
	}
	// An exclusion has no effect beside a list that includes the port, until a pod
	// includes all ports. A spec cannot say both, so the exclusion is lost.
	for _, c := range layer.Contradictions() {
		if st, configured := said[c.Exclude]; configured && c.Exclude == traffic.ExcludeInboundPorts {
			s.warn(st.problem("excludes ports that %s includes (%s), which is not imported: it takes effect in a pod that includes all ports, so remove them from one of the two", c.Include, strings.Join(c.Ports.Entries(), ", ")))
		}
	}
	return layer, from
}

// told makes a problem of what is wrong at one place.
type told func(format string, args ...any) Problem

// value reads what the annotation for a field says, or would say.
func (s *survey) value(key mesh.Key, value string, problem told) (layer traffic.Layer, readable bool) {
	layer, problems := s.mesh.Read(map[string]string{key.Annotation: value})
	for _, err := range problems {
		if bad, is := errors.AsType[*mesh.AnnotationError](err); is {
			err = bad.Err
		}
		s.fail(problem("reading %q: %v", value, err))
	}
	return layer, len(problems) == 0
}

// place names the object or the file that says it.
func (st statement) place() string {
	if st.id() == "" { // these are Helm values
		return st.in.file
	}
	return st.id() + " in " + st.in.file
}

// withoutLoopback takes out of a layer ranges within loopback, of which no
// mesh's rules and no spec speak.
func (s *survey) withoutLoopback(l traffic.Layer, problem told) traffic.Layer {
	var dropped []string
	rest := func(p traffic.Prefixes) traffic.Prefixes {
		return traffic.NewPrefixes(slices.DeleteFunc(slices.Clone(p.List()), func(one netip.Prefix) bool {
			if mesh.Loopback(one) {
				dropped = append(dropped, one.String())
				return true
			}
			return false
		})...)
	}
	if p := l.ExcludeOutboundIPRanges; p != nil {
		kept := rest(*p)
		l.ExcludeOutboundIPRanges = &kept
	}
	if p := l.IncludeOutboundIPRanges; p != nil && !p.All() {
		kept := traffic.Only(rest(p.Set()))
		l.IncludeOutboundIPRanges = &kept
	}
	if len(dropped) > 0 {
		s.warn(problem("%s is loopback, which is left to the mesh, and is not imported", strings.Join(dropped, ", ")))
	}
	return l
}
