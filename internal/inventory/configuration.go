package inventory

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"path"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// text gives a value as the annotation for the same would say it.
func (st statement) text() (string, error) {
	switch {
	case st.value.IsScalar():
		return st.value.Text(), nil
	case st.value.IsList():
		entries := make([]string, st.value.Len())
		for i, item := range st.value.Items() {
			// linkerd/linkerd2 proto/config/config.proto, ProxyConfig: {"port": 25} until 2.6,
			// {"portRange": "25-26"} in 2.7 and 2.8.
			for _, key := range []string{"port", "portRange"} {
				if port := item.Entry(key); port.Exists() {
					item = port
				}
			}
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
	scopes := map[string][]statement{}
	for _, st := range s.stated {
		switch {
		case st.mesh != s.mesh:
		case st.why != "":
			s.warn(st.problem("not imported: %s", st.why))
		default:
			scopes[st.scope] = append(scopes[st.scope], st)
		}
	}
	layer, said := s.folded(slices.DeleteFunc(scopes[""], statement.isUnset))
	holds := s.mesh.Effective(layer).Layer()
	for _, f := range traffic.Fields {
		if st, configured := said[f]; configured && (holds.Says(f) || s.mesh.Defaults.Says(f)) {
			from = append(from, st.origin())
		} else if !configured && s.mesh.Defaults.Says(f) {
			layer = layer.With(f, s.mesh.Defaults)
			from = append(from, s.mesh.Name+"'s own defaults")
			s.doubtDefaults(said, f)
		}
	}
	delete(scopes, "")
	for _, name := range slices.Sorted(maps.Keys(scopes)) {
		s.scope(name, scopes[name], layer)
	}
	return layer, from
}

// isUnset reports whether it is of an answer in which an empty text is what is not set.
func (st statement) isUnset() bool {
	return st.source.Namespace != "" && st.value.IsScalar() && st.value.Text() == ""
}

// folded gives what statements come to, and who says each field.
func (s *survey) folded(statements []statement) (layer traffic.Layer, said map[traffic.Field]statement) {
	said = map[traffic.Field]statement{}
	slices.SortStableFunc(statements, func(a, b statement) int {
		// An umbrella's values.yaml comes before those in its folder charts.
		return cmp.Or(b.source.Counts-a.source.Counts, strings.Count(a.in.file, chartsBelow)-strings.Count(b.in.file, chartsBelow))
	})
	for _, st := range statements {
		one, says := s.stands(st)
		if !says {
			continue
		}
		first, twice := said[st.field]
		if !twice {
			said[st.field] = st
			layer = layer.With(st.field, one)
			continue
		}
		if one.Agrees(st.field, layer) {
			continue
		}
		have, _ := layer.Entries(st.field)
		also, _ := one.Entries(st.field)
		if first.source.Counts > st.source.Counts || first.isAbove(st) {
			s.warn(st.problem("%q is not imported, since %s says %q, which counts instead", strings.Join(also, ","), first.place(), strings.Join(have, ",")))
			continue
		}
		s.fail(st.problem("says %q, and %s says %q: name only the file that the mesh was installed with", strings.Join(also, ","), first.beside(st), strings.Join(have, ",")))
	}
	s.doubtFolded(layer, said)
	return layer, said
}

const chartsBelow = "charts/"

// isAbove reports whether it is of a chart's values, which Helm puts over those in the
// folder charts beside them.
func (st statement) isAbove(other statement) bool {
	below, inside := strings.CutPrefix(other.in.file, strings.TrimPrefix(path.Dir(st.in.file)+"/", "./")+chartsBelow)
	chart, _, _ := strings.Cut(below, "/")
	return inside && st.Kind == "" && other.Kind == "" && (st.below[0] == "global" || st.below[0] == chart)
}

// stands reads a statement, and says whether it is one to the mesh.
func (s *survey) stands(st statement) (one traffic.Layer, says bool) {
	value, err := st.text()
	if err != nil {
		s.fail(st.problem("%v", err))
		return one, false
	}
	if strings.Contains(value, templated) {
		s.warn(st.problem("%q is not imported: %s", value, fillsIn))
		return one, false
	}
	key, _ := s.mesh.Key(st.field)
	one, readable := s.value(key, value, st.problem)
	if !readable || s.mesh.Levels == mesh.FirstSaid && !one.Says(st.field) {
		return one, false
	}
	return s.withoutLoopback(one, st.problem), true
}

// doubtFolded tells of what is in the way of the mesh itself, or of a spec that says it.
func (s *survey) doubtFolded(layer traffic.Layer, said map[traffic.Field]statement) {
	_, gaps := s.mesh.Express(layer.Settings(), traffic.Layer{})
	for _, g := range gaps {
		if st, configured := said[g.Field]; configured && g.Fatal {
			s.fail(st.problem("%s: fix it first", g.Reason))
		}
	}
	// Of a port that is both excluded and included one has no effect: the exclusion of
	// inbound ports, until a pod includes all ports, and the inclusion of outbound ports,
	// until a pod excludes none. A spec cannot say both, so that one is lost.
	for _, c := range layer.Contradictions() {
		lost, other, until := c.Exclude, c.Include, "includes all ports"
		if c.Exclude == traffic.ExcludeOutboundPorts {
			lost, other, until = c.Include, c.Exclude, "excludes no ports"
		}
		if st, configured := said[lost]; configured {
			s.warn(st.problem("names ports that %s names too (%s), which is not imported: it takes effect in a pod that %s, so remove them from one of the two", other, strings.Join(c.Ports.Entries(), ", "), until))
		}
	}
}

// doubtDefaults tells where the mesh that was configured had other defaults for a field
// that it was not configured for.
func (s *survey) doubtDefaults(said map[traffic.Field]statement, f traffic.Field) {
	for _, other := range traffic.Fields {
		if st, configured := said[other]; configured && st.source.Note != "" {
			s.warn(st.problem("%s is not said beside it: %s", f, st.source.Note))
			return
		}
	}
}

// scope notes what the mesh's configuration says for the pods of one namespace.
func (s *survey) scope(name string, statements []statement, broad traffic.Layer) {
	for _, st := range statements {
		if st.isUnset() && broad.Says(st.field) {
			s.warn(st.problem("says nothing, since an empty text stands for what is not set: if it takes back what is said for all namespaces, write [] in the namespace's rule"))
		}
	}
	statements = slices.DeleteFunc(statements, statement.isUnset)
	if len(statements) == 0 {
		return
	}
	layer, _ := s.folded(statements)
	first := statements[0]
	first.Kind, first.name = first.mesh.Name+"'s settings of namespace", name
	n := &namespace{resource: first.resource, annotated: annotatedAt(first.in, first.id(), first.at, nil)}
	if why := n.reason(s.policy.LeftNamespace(name), nameable(name, name), "name"); why != "" {
		s.warn(first.problem("not imported: %s", why))
		return
	}
	n.imported = layer
	s.scoped = append(s.scoped, n)
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

// beside names it to somebody who reads another.
func (st statement) beside(other statement) string {
	if st.in == other.in && st.id() == other.id() {
		return st.where
	}
	return st.place()
}

// origin leads to the statement.
func (st statement) origin() string { return st.problem("").Error() }

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
