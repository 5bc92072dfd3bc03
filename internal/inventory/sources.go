package inventory

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/bystander"
	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// statement is what a mesh's own configuration says of one field.
type statement struct {
	resource
	mesh   *mesh.Mesh
	source mesh.Source
	field  traffic.Field
	// scope is the namespace for whose pods it is, "" for all pods.
	scope string
	// why is why it is not imported, "" where it is.
	why string
	// where is the field in the file; at is the nearest to it that the file's own nodes
	// have, and below leads to it from the values that it stands in.
	where     string
	at, below edit.Path
	value     node.Value
}

func (st statement) problem(format string, args ...any) Problem {
	p := st.in.problem(st.id(), st.at, format, args...)
	p.Path = st.where
	return p
}

// values are a mapping with settings: an object, or what a text in one holds.
type values struct {
	resource
	in node.Value
	// at leads to them, or to the text.
	at     edit.Path
	isText bool
}

// statements finds what an object says as some mesh's configuration.
func (s *survey) statements(o resource) {
	for _, m := range mesh.All() {
		for _, c := range m.Sources() {
			if c.Kind == "" || !c.Is(o.group, o.Kind, o.name) {
				continue
			}
			v := values{resource: o, in: o.Value, at: o.Path}
			if found, is := s.inText(v, edit.Keys(c.Document)); is && !isOfAnother(m, c, found) {
				s.stated = append(s.stated, s.read(m, c, found, nil)...)
			}
		}
	}
	if o.Kind == "" && o.APIVersion == "" {
		s.search(values{resource: o, in: o.Value, at: o.Path})
	}
	switch {
	case o.Kind == "HelmRelease":
		s.releases = append(s.releases, o)
	case o.Kind == "ConfigMap" && o.group == "":
		s.configMaps[[2]string{o.namespace, o.name}] = true
	}
	for _, held := range bystander.ValuesIn(o.Type, o.Value) {
		before := len(s.stated)
		v := values{resource: o, in: held.Value, at: o.path(held.Path...)}
		switch held.Form {
		case bystander.AsWords:
			s.wordsOfHelm(v)
		case bystander.AsText:
			if found, is := s.inText(values{resource: o, in: o.Value, at: o.Path}, held.Path); is {
				s.search(found)
			}
		default:
			s.search(v)
		}
		for i := before; i < len(s.stated) && held.Void != ""; i++ {
			s.stated[i].why = held.Void
		}
	}
}

// overridden takes out what a ConfigMap says where each HelmRelease that reads its values
// says the same field itself.
func (s *survey) overridden() {
	for i, st := range s.stated {
		if st.Kind != "ConfigMap" || st.why != "" {
			continue
		}
		by, all := "", true
		for _, o := range s.releases {
			if o.namespace != st.namespace || !bystander.ReadsValuesOf(o.Type, o.Entry("spec"), st.name) {
				continue
			}
			same := slices.IndexFunc(s.stated, func(own statement) bool {
				return own.in == o.in && own.id() == o.id() && own.mesh == st.mesh && own.field == st.field && slices.Equal(own.below, st.below)
			})
			if same < 0 {
				all = false
			} else {
				by = s.stated[same].place()
			}
		}
		if by != "" && all {
			s.stated[i].why = by + " says it in its own values, which count instead"
		}
	}
}

// elsewhere tells once of values that HelmReleases take from where import does not read
// them: Secrets, ConfigMaps that are not among the files, and other keys than values.yaml.
func (s *survey) elsewhere() {
	var first Problem
	more := 0
	for _, o := range s.releases {
		var unread []string
		for _, from := range bystander.References(o.Type, o.Entry("spec")) {
			isHere := s.configMaps[[2]string{o.namespace, from.Name}]
			switch {
			case from.Kind == "ConfigMap" && isHere && from.Key != "":
				unread = append(unread, fmt.Sprintf("key %s of ConfigMap %s", from.Key, from.Name))
			case from.Kind == "ConfigMap" && !isHere:
				unread = append(unread, fmt.Sprintf("ConfigMap %s (not among the files)", from.Name))
			case from.Kind != "ConfigMap":
				unread = append(unread, from.Kind+" "+from.Name)
			}
		}
		switch {
		case len(unread) == 0:
		case first.Message != "":
			more++
		default:
			first = o.in.problem(o.id(), o.path("spec", "valuesFrom"), "import does not read the values that it takes from %s: if settings of the mesh are among them, render the chart and import what it prints, as in helm template NAME CHART --values FILE | krm-bypass import -", strings.Join(unread, ", "))
		}
	}
	if more > 0 {
		first.Message += fmt.Sprintf(" (and %d more like it)", more)
	}
	if first.Message != "" {
		s.warn(first)
	}
}

// isOfAnother reports whether a document bears the sign of another mesh, which has an object
// of the same name.
func isOfAnother(m *mesh.Mesh, c mesh.Source, found values) bool {
	return c.Sign != nil && slices.ContainsFunc(mesh.All(), func(other *mesh.Mesh) bool {
		return other != m && slices.ContainsFunc(other.Sources(), func(its mesh.Source) bool {
			return its.Sign != nil && its.Name == c.Name && found.in.Below(its.Sign...).Exists()
		})
	})
}

// withoutFirst leaves out what a mesh made its configuration of where that is there, too.
func (s *survey) withoutFirst() {
	var kept []statement
	for _, st := range s.stated {
		i := slices.IndexFunc(s.others, func(o resource) bool {
			m, is := mesh.ConfiguredBy(o.group, o.Kind)
			return is && m == st.mesh
		})
		if i < 0 || !st.source.First {
			kept = append(kept, st)
			continue
		}
		same := slices.ContainsFunc(s.stated, func(now statement) bool {
			return now.Type == s.others[i].Type && now.field == st.field && now.value.Digest() == st.value.Digest()
		})
		if !same {
			st.why = fmt.Sprintf("%s reads it only to make its first %s, and %s in %s stands instead", st.mesh.Name, s.others[i].Kind, s.others[i].id(), s.others[i].in.file)
			kept = append(kept, st)
		}
	}
	s.stated = kept
}

// inText gives the values that a text holds, the values themselves for no path to one.
func (s *survey) inText(v values, path edit.Path) (values, bool) {
	if len(path) == 0 {
		return v, true
	}
	text := v.in.At(path...)
	if !text.Exists() {
		return v, false
	}
	if v.isText {
		path = nil // lines of what a text holds are not known
	}
	v.at, v.isText = slices.Concat(v.at, path), true
	inner, err := node.Parse([]byte(text.Text()))
	if err == nil {
		err = object.ErrIfExpands(inner)
	}
	switch {
	case err == nil:
		v.in = node.Of(inner)
		return v, inner.Kind != 0
	case strings.Contains(text.Text(), templated):
		s.warn(v.resource.in.problem(v.id(), v.at, "skipped: %s", fillsIn))
	default:
		s.fail(v.resource.in.problem(v.id(), v.at, "reading the values that it holds: %v: fix them, or name only the other files", err))
	}
	return v, false
}

// read gives the settings of a source that stand below a path of values.
func (s *survey) read(m *mesh.Mesh, c mesh.Source, v values, below edit.Path) []statement {
	if recorded := v.path("metadata", "annotations", transform.RecordAnnotation); v.Below("metadata", "annotations", transform.RecordAnnotation).Exists() {
		s.fail(v.resource.in.problem(v.id(), recorded, "krm-bypass has written to this object already: import it as it was before"))
		return nil
	}
	at := slices.Concat(below, edit.Keys(c.At))
	if !c.Env {
		return s.settings(m, c, v, at, v.in.At(at...).Entry)
	}
	var found []statement
	for i, container := range v.in.At(at...).Items() {
		variables := container.Entry("env").Items()
		found = append(found, s.settings(m, c, v, slices.Concat(at, edit.Path{i, "env"}), func(name string) node.Value {
			for _, variable := range variables {
				if variable.Entry("name").Text() == name {
					return cmp.Or(variable.Entry("value"), variable.Entry("valueFrom"))
				}
			}
			return node.Value{}
		})...)
		prefix, _, _ := strings.Cut(c.Settings[0].Key, "_")
		if slices.ContainsFunc(variables, func(one node.Value) bool { return strings.HasPrefix(one.Entry("name").Text(), prefix+"_") }) {
			found = append(found, s.settings(m, mesh.Source{Unsayable: []mesh.Unsayable{{Key: "envFrom", Why: "more variables come from there: if " + prefix + "_ ones are among them, " + sayIt}}}, v, slices.Concat(at, edit.Path{i}), container.Entry)...)
		}
	}
	return found
}

const sayIt = "say in meshDefaults what the mesh gets by it"

// settings gives those of a source that a mapping at a path has.
func (s *survey) settings(m *mesh.Mesh, c mesh.Source, v values, at edit.Path, has func(key string) node.Value) []statement {
	var found []statement
	add := func(key string, st statement) {
		st.value = has(key)
		if !st.value.Exists() || st.value.IsNull() || (st.value.IsList() || st.value.IsMapping() && st.field == "") && st.value.Len() == 0 {
			return // Helm's null takes the value away, and an empty list lists nothing
		}
		st.resource, st.mesh, st.source, st.at = v.resource, m, c, v.at
		if c.Env && st.value.IsMapping() {
			st.why = cmp.Or(st.why, "its value comes from another object: "+sayIt)
		}
		st.below = append(slices.Clone(at), key)
		if st.where = slices.Concat(v.at, st.below).String(); v.isText {
			st.where = v.at.String() + " → " + st.below.String()
		} else {
			st.at = slices.Concat(v.at, st.below)
		}
		found = append(found, st)
	}
	for _, one := range c.Settings {
		add(one.Key, statement{field: one.Field, why: c.Left})
	}
	for _, one := range c.Unsayable {
		if one.Harmless == "" || has(one.Key).Text() != one.Harmless {
			add(one.Key, statement{why: one.Why})
		}
	}
	return found
}

// sourceOf is a source, and of which mesh.
type sourceOf struct {
	mesh *mesh.Mesh
	mesh.Source
}

// valueSources gives those that are Helm values.
func valueSources() (all []sourceOf) {
	for _, m := range mesh.All() {
		for _, c := range m.Sources() {
			if c.Kind == "" {
				all = append(all, sourceOf{m, c})
			}
		}
	}
	return all
}

// search finds settings in Helm values at any depth, below the names of sub-charts, and
// annotations for pods.
func (s *survey) search(v values) {
	var found []statement
	var onPods []edit.Path
	sources := valueSources()
	var in func(at edit.Path, outer []node.Value)
	in = func(at edit.Path, outer []node.Value) {
		here := outer[len(outer)-1]
		for i, item := range here.Items() {
			in(append(at[:len(at):len(at)], i), append(outer[:len(outer):len(outer)], item))
		}
		if !here.IsMapping() {
			return
		}
		for _, of := range sources {
			if len(at) == 0 || len(of.At) > 0 {
				found = append(found, s.inScope(of.Source, outer, s.readValues(of.mesh, of.Source, v, at, here))...)
			}
		}
		for e := range here.Entries() {
			if mesh.IsTraffic(e.Key) && !e.Value.IsNull() {
				onPods = append(onPods, append(at[:len(at):len(at)], e.Key))
			}
			in(append(at[:len(at):len(at)], e.Key), append(outer[:len(outer):len(outer)], e.Value))
		}
	}
	in(nil, []node.Value{v.in})
	s.onPodsOfCharts(v, onPods)
	s.stated = append(s.stated, s.withoutShadowed(found)...)
}

// readValues gives the settings of a source that a mapping of Helm values has, unless
// what holds them is switched off.
func (s *survey) readValues(m *mesh.Mesh, c mesh.Source, v values, at edit.Path, here node.Value) []statement {
	first := slices.Concat(c.Document, c.At)
	if len(first) > 0 && !here.Entry(first[0]).Exists() {
		return nil
	}
	if len(c.Document) > 0 {
		inner, is := s.inText(v, slices.Concat(at, edit.Keys(c.Document)))
		if !is {
			return nil
		}
		return s.read(m, c, inner, nil)
	}
	found := s.read(m, c, v, at)
	for i := range found {
		if off := switchedOff(v.in, found[i].below); off != nil && found[i].why == "" {
			found[i].why = fmt.Sprintf("%s is switched off (enabled: false): if the mesh was installed with these values all the same, say it in meshDefaults", off)
		}
	}
	return found
}

// switchedOff gives the innermost mapping on the way that is not enabled, nil for none:
// Helm takes such a key as the usual condition of a sub-chart.
func switchedOff(in node.Value, way edit.Path) (off edit.Path) {
	for i := range way {
		if enabled := in.At(way[:i]...).Entry("enabled"); i > 0 && enabled.IsScalar() && !enabled.IsNull() && enabled.Text() == "false" {
			off = way[:i]
		}
	}
	return off
}

// inScope says for the pods of which namespace statements are, where their source has a
// key for that beside the mapping or further out.
func (s *survey) inScope(c mesh.Source, outer []node.Value, found []statement) []statement {
	if c.Namespace == "" || len(found) == 0 {
		return found
	}
	name := ""
	for _, o := range slices.Backward(outer) {
		if text := o.Entry(c.Namespace).Text(); text != "" {
			name = text
			break
		}
	}
	if name == "" {
		name = outer[len(outer)-1].Entry(c.At[0]).Entry(c.Namespace).Text()
	}
	for i := range found {
		if found[i].scope = name; name == mesh.Everywhere {
			found[i].scope = ""
		}
	}
	if name == "" {
		st := found[0]
		s.fail(st.problem("the answer does not say of which namespace it is: write %[1]q: \"shop\" beside %[2]s, or %[1]q: %[3]q where it is for all namespaces", c.Namespace, c.At[0], mesh.Everywhere))
	}
	return found
}

// withoutShadowed leaves out what the chart's own globals say where those of a chart above
// it say the same field: Helm hands these down (helm/helm pkg/chart/common/util/coalesce.go,
// coalesceGlobals).
func (s *survey) withoutShadowed(found []statement) []statement {
	return slices.DeleteFunc(slices.Clone(found), func(st statement) bool {
		head, tail := cutGlobal(st.below)
		for _, above := range found {
			outside, same := cutGlobal(above.below)
			if tail == nil || st.mesh != above.mesh || st.field == "" || st.field != above.field || len(outside) >= len(head) || !slices.Equal(tail, same) || !slices.Equal(outside, head[:len(outside)]) {
				continue
			}
			if a, err := above.text(); err == nil {
				if b, err := st.text(); err != nil || a != b {
					s.warn(st.problem("not imported: Helm hands down what %s says, which counts instead", above.where))
				}
			}
			return true
		}
		return false
	})
}

// cutGlobal cuts a path of Helm values around the last key global; tail is nil if there is
// none.
func cutGlobal(path edit.Path) (head, tail edit.Path) {
	for i, step := range slices.Backward(path) {
		if step == "global" {
			return path[:i], path[i:]
		}
	}
	return path, nil
}

// wordsOfHelm tells of settings in the words of helm --set, by name and value or as a
// mapping.
func (s *survey) wordsOfHelm(v values) {
	var onPods []edit.Path
	tell := func(word string, at ...any) {
		// A backslash has a dot be part of a name (helm/helm pkg/strvals/parser.go).
		names := strings.Split(strings.ReplaceAll(word, `\.`, "\x00"), ".")
		if key := strings.ReplaceAll(names[len(names)-1], "\x00", "."); mesh.IsTraffic(key) {
			onPods = append(onPods, at)
		}
		for _, of := range valueSources() {
			for _, one := range of.Settings {
				if setting := strings.Join(append(slices.Clone(of.At), one.Key), "."); len(of.At) > 0 && strings.HasSuffix("."+word, "."+setting) {
					s.warn(v.resource.in.problem(v.id(), slices.Concat(v.at, edit.Path(at)), "%s is not imported, since it is in the words of helm --set: write it among the values", word))
				}
			}
		}
	}
	for i, item := range v.in.Items() {
		tell(item.Entry("name").Text(), i)
	}
	for e := range v.in.Entries() {
		tell(e.Key, e.Key)
	}
	s.onPodsOfCharts(v, onPods)
}
