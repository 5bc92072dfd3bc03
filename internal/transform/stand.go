package transform

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/kinds"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
)

// stand says where in an object the parts of one pod template stand, by paths from the
// object. A part that is nil stands nowhere.
type stand struct {
	// root leads to a whole template, and else to what names its parts.
	root  edit.Path
	whole bool
	// annotations, initContainers and pullSecrets lead to what is written.
	annotations, initContainers, pullSecrets edit.Path
	// makes are the parents that a plan may have to make, outermost first.
	makes []edit.Path
	// missing is what a template needs, is not there, and nobody asked to have made; ""
	// for nothing.
	missing string
	// merged says that the operator joins the template with one of its own, and made that
	// what is absent is made.
	merged, made bool
	// over leads to annotations that count where the template does not say a key, the
	// nearest first.
	over []edit.Path
	// others are those of the row.
	others []string
	// by is the field of the spec that names the template, "" for none.
	by string
	// place names it in a record: "" for an object's one template.
	place string
}

// wholeAt is a template all of which stands in one place.
func wholeAt(root edit.Path) stand {
	under := func(keys ...any) edit.Path { return slices.Concat(root, edit.Path(keys)) }
	return stand{
		root: root, whole: true,
		annotations: under("metadata", annotations), initContainers: under("spec", "initContainers"), pullSecrets: under("spec", pullSecretsField),
	}
}

// annotatedAt is one of which there is nothing but annotations.
func annotatedAt(path edit.Path) stand { return stand{root: path, annotations: path} }

// path leads to a field given relative to a pod template.
func (s stand) path(relative []any) edit.Path {
	in := func(part edit.Path, rest []any) edit.Path { return slices.Concat(part, edit.Path(rest)) }
	switch {
	case s.whole || len(relative) == 0:
		return in(s.root, relative)
	case relative[0] == "metadata" && len(relative) > 1 && relative[1] == annotations:
		return in(s.annotations, relative[2:])
	case relative[0] == "metadata":
		return in(s.annotations[:len(s.annotations)-1], relative[1:])
	case len(relative) > 1 && relative[1] == "initContainers":
		return in(s.initContainers, relative[2:])
	case len(relative) > 1 && relative[1] == pullSecretsField && s.pullSecrets != nil:
		return in(s.pullSecrets, relative[2:])
	}
	return in(s.spec(), relative[1:])
}

// spec leads to what has the init containers, and where it is nothing, to a place that
// nothing has.
func (s stand) spec() edit.Path {
	if s.initContainers == nil {
		return append(slices.Clone(s.root), "")
	}
	return s.initContainers[:len(s.initContainers)-1]
}

// labels lead to the pods' labels, which stand beside annotations of that name.
func (s stand) labels() edit.Path {
	last := len(s.annotations) - 1
	if s.annotations[last] != annotations {
		return nil
	}
	return append(slices.Clone(s.annotations[:last]), labels)
}

// parts are the paths to all that is written.
func (s stand) parts() []edit.Path {
	return slices.DeleteFunc([]edit.Path{s.annotations, s.initContainers, s.pullSecrets}, func(p edit.Path) bool { return p == nil })
}

// withoutAbsent forgets the parts beside the annotations in mappings that are not there,
// which nobody asked to have made.
func (s *stand) withoutAbsent(o node.Value) {
	for _, part := range []*edit.Path{&s.initContainers, &s.pullSecrets} {
		if n := len(*part); n > 1 && !o.At((*part)[:n-1]...).IsMapping() {
			*part = nil
		}
	}
}

// has reports whether a path, from the object, leads to the template, into it, or to
// what is on the way to it alone.
func (s stand) has(path edit.Path) bool {
	return slices.ContainsFunc(append(s.parts(), s.root), func(part edit.Path) bool {
		both := min(len(part), len(path))
		return slices.Equal(part[:both], path[:both])
	})
}

// template gives the template in the object, put together where only parts of one stand
// there.
func (s stand) template(o node.Value) node.Value {
	if s.whole {
		return o.At(s.root...)
	}
	under := func(key string, path edit.Path) []*yaml.Node {
		if value := o.At(path...); path != nil && value.Exists() {
			return []*yaml.Node{node.Str(key), value.Node()}
		}
		return nil
	}
	metadata := slices.Concat(under(annotations, s.annotations), under(labels, s.labels()))
	var spec []*yaml.Node
	if s.initContainers != nil {
		spec = slices.Concat(under("initContainers", s.initContainers), under(pullSecretsField, s.pullSecrets), under("containers", s.path([]any{"spec", "containers"})))
	}
	return node.Of(node.Map(node.Str("metadata"), node.Map(metadata...), node.Str("spec"), node.Map(spec...)))
}

// stands finds the pod templates of an object.
func (v *viewer) stands(o object.Object, kind *kinds.Kind) []stand {
	var all []stand
	alone := kind.IsAlone()
	if kind.Left != "" {
		return []stand{wholeAt(nil)}
	}
	for i := range kind.Templates {
		t := &kind.Templates[i]
		there := !alone && t.By == "" && !t.Create
		v.each(o.Value, nil, "", *t, func(root edit.Path, place string, missing edit.Path) {
			absent := !o.At(root...).Exists()
			if there && absent {
				return // other pods are made without it
			}
			s := v.standAt(root, t, alone)
			s.by, s.merged, s.made, s.others = t.By, t.Merged, t.Create, t.Others
			s.over = beneath(o, kind, *t, root)
			if missing == nil && !s.whole && !t.Create && !o.At(s.annotations...).Exists() {
				missing = s.annotations
			}
			if missing != nil {
				s.missing = missing.String()
			}
			if !alone {
				s.place = place
			}
			all = append(all, s)
		})
	}
	if len(all) == 0 && len(v.problems) == 0 {
		first := kind.Templates[0]
		s, place := wholeAt(nil), first.Place()
		if first.Create {
			place = place[:first.Given(place)]
		}
		s.missing = place.String()
		return []stand{s}
	}
	return all
}

// covers reports whether templates of the family are laid over this one, and have all its
// pods.
func (s stand) covers(o node.Value, all []stand) bool {
	return s.others != nil && !hasKey(o, "", s.others) && slices.ContainsFunc(all, func(other stand) bool {
		return other.initContainers != nil && other.isOver(s.annotations)
	})
}

// isOver reports whether the operator lays the template over annotations.
func (s stand) isOver(annotations edit.Path) bool {
	return slices.ContainsFunc(s.over, func(over edit.Path) bool { return slices.Equal(over, annotations) })
}

// hasKey reports whether one of the keys stands in what a key has, at any depth.
func hasKey(v node.Value, in string, keys []string) bool {
	for e := range v.Entries() {
		if slices.Contains(keys, e.Key) || slices.Contains(keys, in+"."+e.Key) || hasKey(e.Value, e.Key, keys) {
			return true
		}
	}
	return slices.ContainsFunc(v.Items(), func(item node.Value) bool { return hasKey(item, in, keys) })
}

// beneath leads to the annotations that count where a template does not say a key: where
// they are those of another that is not there, to what counts there.
func beneath(o object.Object, kind *kinds.Kind, t kinds.Template, root edit.Path) (all []edit.Path) {
	for over := t.Over; over != nil; {
		i := slices.IndexFunc(kind.Templates, func(under kinds.Template) bool { return under.Annotations.String() == over.String() })
		if i < 0 || o.At(keysOf(kind.Templates[i].Needs)...).IsMapping() {
			all = append(all, inside(root, over))
		}
		if i < 0 {
			break
		}
		over = kind.Templates[i].Over
	}
	return all
}

// standAt is standAt, once for all objects of a kind that has one template and no other.
func (v *viewer) standAt(root edit.Path, t *kinds.Template, alone bool) stand {
	if !alone || v.policy.stands == nil {
		return standAt(root, *t)
	}
	return v.policy.stands.of(t, func() stand { return standAt(root, *t) })
}

// standAt is the stand of a template of which the place is found.
func standAt(root edit.Path, t kinds.Template) stand {
	s := wholeAt(root)
	if !t.IsWhole() {
		s = stand{root: root, annotations: inside(root, t.Annotations), initContainers: inside(root, t.InitContainers), pullSecrets: inside(root, t.PullSecrets)}
	}
	for _, part := range s.parts() {
		from := len(part)
		switch {
		case t.Create:
			from = min(t.Given(t.Place())+1, from)
		case t.Merged, t.IsWhole() && slices.Equal(part, s.annotations): // whose metadata may be absent
			from = min(len(root)+1, from)
		}
		for n := from; n <= len(part); n++ {
			if !slices.ContainsFunc(s.makes, func(known edit.Path) bool { return slices.Equal(known, part[:n]) }) {
				s.makes = append(s.makes, part[:n])
			}
		}
	}
	return s
}

// inside leads to a part of a template, whose path goes through the same items as that
// of the template.
func inside(root edit.Path, part kinds.Path) edit.Path {
	if part == nil {
		return nil
	}
	path := make(edit.Path, len(part))
	for i, step := range part {
		if path[i] = step.Key; step.Many() {
			path[i] = root[i]
		}
	}
	return path
}

// each visits the places of a template in an object: from a value on, to which a path
// leads that is called place in a record.
func (v *viewer) each(value node.Value, path edit.Path, place string, t kinds.Template, visit func(root edit.Path, place string, missing edit.Path)) {
	way := t.Place()
	if len(path) == len(way) {
		visit(path, place, nil)
		return
	}
	step := way[len(path)]
	at := func(last any) edit.Path { return append(slices.Clone(path), last) }
	switch {
	case step.Items:
		v.isList(value, path)
		for i, item := range value.Items() {
			if v.isMapping(item, at(i)); makesNone(t, item) {
				continue
			}
			name := place + "[" + called(value.Items(), i) + "]"
			v.names[at(i).String()] = name
			v.each(item, at(i), name, t, visit)
		}
		return
	case step.Many():
		for e := range value.Entries() {
			if v.isMapping(e.Value, at(e.Key)); makesNone(t, e.Value) {
				continue
			}
			v.each(e.Value, at(e.Key), further(place, e.Key), t, visit)
		}
		return
	}
	next := value.Entry(step.Key)
	rest := way[len(path)+1:]
	several := slices.ContainsFunc(rest, kinds.Step.Many)
	switch absent := !next.Exists() || next.IsNull() && (t.Create || several || step.Key == "metadata"); {
	case absent && several, absent && t.Create && len(path) < t.Given(way):
		return // nothing of which pods are made
	case absent && !t.Create && t.By != "" && (len(rest) > 0 || !t.IsWhole()):
		way := append(edit.Path{step.Key}, keysOf(rest)...)
		visit(slices.Concat(path, way), further(place, way...), at(step.Key))
		return
	case !absent && (len(rest) == 0 || !rest[0].Items):
		v.isMapping(next, at(step.Key))
	}
	v.each(next, at(step.Key), further(place, step.Key), t, visit)
}

// A gives the name of a kind with its article. Capitals are read one by one, as in MPIJob.
func A(kind string) string {
	first := "AEIO"
	if len(kind) > 1 && strings.ToUpper(kind[:2]) == kind[:2] {
		first += "FHLMNRSX"
	}
	if kind != "" && strings.ContainsRune(first, rune(kind[0])) {
		return "an " + kind
	}
	return "a " + kind
}

// makesNone reports whether no pods are made of an item.
func makesNone(t kinds.Template, item node.Value) bool {
	return slices.ContainsFunc(t.Unless, func(key string) bool { return item.Entry(key).Exists() })
}

func keysOf(path kinds.Path) edit.Path {
	return each.As(path, func(step kinds.Step) any { return step.Key })
}

// further names what stands below a place.
func further(place string, steps ...any) string {
	if place == "" {
		return edit.Path(steps).String()
	}
	return place + edit.Path(append([]any{"x"}, steps...)).String()[1:]
}

// called gives what an item of a list is called in a record: its name, unless
// another item has the same; else its index.
func called(items []node.Value, i int) string {
	name := nameOf(items[i])
	if name == "" || slices.ContainsFunc(slices.Delete(slices.Clone(items), i, i+1), func(other node.Value) bool { return nameOf(other) == name }) {
		return strconv.Itoa(i)
	}
	if _, err := strconv.Atoi(name); err == nil || strings.ContainsAny(name, `]" \`) {
		return strconv.Quote(name)
	}
	return name
}

// nameOf gives the name of an item.
func nameOf(item node.Value) string {
	for _, key := range kinds.ItemNames {
		if name := item.Entry(key).Text(); name != "" {
			return name
		}
	}
	return ""
}

func (v *viewer) isMapping(value node.Value, path edit.Path) {
	if value.Exists() && !value.IsMapping() {
		v.mismatch(slices.Concat(v.base, path), value, "a mapping")
	}
}

func (v *viewer) isList(value node.Value, path edit.Path) {
	if value.Exists() && !value.IsNull() && !value.IsList() {
		v.mismatch(slices.Concat(v.base, path), value, "a list")
	}
}

// decides reports whether a mapping of an object, by its path from there, decides with a
// key of it what is read or written: the way to a template, what names it and the object,
// and what of the pod and its containers is judged.
func decides(kind *kinds.Kind) func(path edit.Path, key string) bool {
	return func(path edit.Path, key string) bool {
		if len(path) > 0 && path[0] == "metadata" {
			return true
		}
		return slices.ContainsFunc(kind.Templates, func(t kinds.Template) bool {
			if t.IsWhole() {
				return decidesIn(path, key, t.Path, nil)
			}
			return decidesIn(path, key, t.Annotations, edit.Path{"metadata", annotations}) ||
				t.InitContainers != nil && decidesIn(path, key, t.InitContainers, edit.Path{"spec", "initContainers"}) ||
				t.PullSecrets != nil && decidesIn(path, key, t.PullSecrets, edit.Path{"spec", pullSecretsField})
		})
	}
}

// decidesIn does so for a part of a template, which stands there at a path of its own.
func decidesIn(path edit.Path, key string, part kinds.Path, as edit.Path) bool {
	if !part.Leads(path) {
		return false
	}
	return len(path) <= len(part) || decidesInTemplate(slices.Concat(as, path[len(part):]), key)
}

// couldStand reports whether a name in a record is that of a template, of a part of one,
// or of a parent, that an object of the kind may have. It need not have it now: with an
// item of a list went all that was written there.
func couldStand(kind *kinds.Kind, name string) bool {
	return slices.ContainsFunc(kind.Templates, func(t kinds.Template) bool {
		if !slices.ContainsFunc(t.Place(), kinds.Step.Many) && !t.Create {
			return false
		}
		for _, part := range []kinds.Path{t.Place(), t.Annotations, t.InitContainers, t.PullSecrets} {
			if part != nil && leadsTo(part, t.Given(t.Place()), name) {
				return true
			}
		}
		return false
	})
}

// leadsTo reports whether a name is that of a place of the path, or of one below it, or
// of a parent behind so many steps.
func leadsTo(path kinds.Path, given int, name string) bool {
	rest := name
	for i, step := range path {
		if rest == "" {
			return i >= given
		}
		var fits bool
		if rest, fits = stepped(rest, step); !fits {
			return false
		}
	}
	return rest == "" || rest[0] == '.' || rest[0] == '['
}

// stepped takes a step off the beginning of the name of a place.
func stepped(name string, step kinds.Step) (rest string, fits bool) {
	name = strings.TrimPrefix(name, ".")
	if step.Key != "" {
		rest, fits = strings.CutPrefix(name, step.Key)
		return rest, fits && (rest == "" || rest[0] == '.' || rest[0] == '[')
	}
	if inner, bracketed := strings.CutPrefix(name, "["); bracketed {
		if quoted, err := strconv.QuotedPrefix(inner); err == nil {
			return strings.CutPrefix(inner[len(quoted):], "]")
		}
		_, rest, fits = strings.Cut(inner, "]")
		return rest, fits && step.Items
	}
	end := strings.IndexAny(name, ".[")
	if end < 0 {
		end = len(name)
	}
	return name[end:], !step.Items && end > 0
}

// KindEntry names the workload's kind as a match does: with its group where several of
// the known kinds have the name.
func (w *Workload) KindEntry() string {
	if slices.ContainsFunc(kinds.Known(), func(k kinds.Kind) bool { return k.Kind == w.kind.Kind && k.Group != w.kind.Group }) {
		return w.kind.Kind + "." + w.kind.Group
	}
	return w.kind.Kind
}

// Place names the template in its object, "" where the object has no other.
func (w *Workload) Place() string { return w.stand.place }

// rooted names the template by its path alone, as if the object had others.
func (w *Workload) rooted() string { return w.stand.root.String() }

// Shares reports whether two templates are of the same object, which has one record.
func (w *Workload) Shares(other *Workload) bool {
	return len(w.family) > 0 && slices.Contains(w.family, other)
}

// entry is how a record calls something that is written to the template.
func (w *Workload) entry(key string) string {
	if w.stand.place == "" {
		return key
	}
	return fmt.Sprintf("%s %s", w.stand.place, key)
}
