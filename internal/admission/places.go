package admission

import (
	"slices"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/kinds"
)

// Where the pod templates of an object stand depends on its kind alone. The names of
// those in lists and maps depend on the object, so they are found in rounds, one for each
// step to several values that a path has: lists1 has what the paths lead to until there,
// items1 each value in it, with its place, as it is to be, and as it was.

// byKind gives a variable with CEL for what is different by kind: the same for kinds with
// the same expression, and none for what else their API groups have. It is the sum of
// variables of some lines each, since the API server's time for an expression grows with
// the square of its calls: at each it copies what it knows of the types of all before
// (google/cel-go checker/checker.go, resolveOverload).
func byKind(name string, all []kinds.Kind, expression func(kinds.Kind) []string) []string {
	const enough = 16
	var expressions []string
	of := map[string][]string{}
	for _, k := range all {
		lines := expression(k)
		if len(lines) == 0 {
			continue
		}
		text := "  " + strings.Join(lines, " +\n  ") + " :"
		if of[text] == nil {
			expressions = append(expressions, text)
		}
		of[text] = append(of[text], strconv.Quote(k.Kind+"."+k.Group))
	}
	var parts [][]string
	for i, text := range expressions {
		if i == 0 || len(parts[len(parts)-1]) >= enough {
			parts = append(parts, nil)
		}
		last := &parts[len(parts)-1]
		*last = append(*last, "variables.kind in ["+strings.Join(of[text], ", ")+"] ?")
		*last = append(*last, strings.Split(text, "\n")...)
	}
	var lines, sum []string
	for i, part := range parts {
		one := name + "Of" + strconv.Itoa(i+1)
		if len(parts) == 1 {
			one = name
		}
		sum = append(sum, "variables."+one)
		lines = append(lines, variable(one, append(part, "[]"))...)
	}
	if len(parts) > 1 {
		lines = append(lines, variable(name, []string{strings.Join(sum, " + ")})...)
	}
	return lines
}

// variable gives one of the policy's variables.
func variable(name string, expression []string) []string {
	lines := []string{"- name: " + name, "  expression: |-"}
	for _, line := range expression {
		lines = append(lines, "    "+line)
	}
	return lines
}

// lists gives the variables of all rounds.
func lists(all []kinds.Kind) []string {
	var lines []string
	for round := 1; ; round++ {
		n := strconv.Itoa(round)
		found := byKind("lists"+n, all, func(k kinds.Kind) []string { return listsOf(k, round) })
		if len(found) == 0 {
			return lines
		}
		lines = append(lines, "# Lists and maps in which templates stand, each with its place.")
		lines = append(lines, found...)
		lines = append(lines, "# What is in them. An item of a list is called by its name ("+strings.Join(kinds.ItemNames, ", ")+"),", "# and by its index where it has none, or has it in common with another.")
		opened := strings.NewReplacer("lists1", "lists"+n, "NAMES", names()).Replace(items)
		lines = append(lines, variable("items"+n, strings.Split(strings.TrimSuffix(opened, "\n"), "\n"))...)
	}
}

// items opens lists and maps. A value that is neither has no templates. There is no
// counting in CEL, so that the indexes are put together of digits.
const items = `variables.lists1.map(l, [l.map(c, type(c[1]) == map ?
  c[1].map(k, [dyn(c[0] + (k.matches('^[-_A-Za-z0-9]+$') ? '.' + k : '[' + strings.quote(k) + ']')), c[1][k], type(c[2]) == map ? c[2][?k].orValue(dyn({})) : {}]) :
  [[c[1], c[2]].map(v, type(v) == list ? v : [])].map(v, v + v.map(w, w.map(i,
    ((type(i) == map ? [NAMES].filter(n, type(n) == string && n != '') : []) + [''])[0])))
    .map(v, (v[0].size() > 1024 ? ['-1'] :
      [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31]].map(d,
        d.filter(h, 32 * h < v[0].size()).map(h, d.filter(e, 32 * h + e < v[0].size()).map(e, string(32 * h + e)).join(',')).join(',').split(','))[0])
      .filter(s, s != '').map(s, int(s)).map(n, v[2][n] == '' || v[2].indexOf(v[2][n]) != v[2].lastIndexOf(v[2][n]) ?
        [dyn(c[0] + '[' + string(n) + ']'), v[0][n], v[1][?n].orValue(dyn({}))] :
        [dyn(c[0] + '[' + (v[2][n].matches(r'^[-+]?[0-9]+$|[\]"\\ ]') ? strings.quote(v[2][n]) : v[2][n]) + ']'), v[0][n], v[1][?v[3].indexOf(v[2][n])].orValue(dyn({}))]))[0])]
  .map(g, g.size() == 1 ? g[0] : [g.map(o, o.map(t, t[0]).join('\n')).filter(s, s != '').join('\n')]
    .map(s, s == '' ? [] : s.split('\n').map(p, g.filter(o, o.exists(t, t[0] == p))[0].filter(t, t[0] == p)[0]))[0])[0])
`

// names gives CEL for what names an item.
func names() string {
	return strings.Join(each.As(kinds.ItemNames, func(key string) string { return "i.?" + key + ".orValue('')" }), ", ")
}

// listsOf are the lists and maps of a round, each in a list of those of its path.
func listsOf(k kinds.Kind, round int) []string {
	var all []string
	for path := range throughSeveral(k, round) {
		first, last := many(path, round-1), many(path, round)
		if round == 1 {
			way := path[:last]
			all = append(all, "[[[dyn("+quoted(way.String())+")] + variables.both.map(o, o"+fields(way)+".orValue(dyn(null)))]]")
			continue
		}
		way := path[first+1 : last]
		all = append(all, "[variables."+itemsOf(k, path, round-1)+".map(t, [dyn("+further("t[0]", way)+")] + [t[1], t[2]].map(o, o"+fields(way)+".orValue(dyn(null))))]")
	}
	return all
}

// throughSeveral are the places of a kind whose paths go to several values that often or
// oftener.
func throughSeveral(k kinds.Kind, often int) func(yield func(kinds.Path) bool) {
	return func(yield func(kinds.Path) bool) {
		for _, t := range k.Templates {
			if many(t.Place(), often) >= 0 && !yield(t.Place()) {
				return
			}
		}
	}
}

// many is where the nth step to several values is in a path, -1 where there is none.
func many(path kinds.Path, n int) int {
	for i, step := range path {
		if step.Many() {
			n--
		}
		if n == 0 && step.Many() {
			return i
		}
	}
	return -1
}

// itemsOf names what a round has found for a path.
func itemsOf(k kinds.Kind, path kinds.Path, round int) string {
	var paths []string
	for p := range throughSeveral(k, round) {
		paths = append(paths, p.String())
	}
	return "items" + strconv.Itoa(round) + "[" + strconv.Itoa(slices.Index(paths, path.String())) + "]"
}

// templatesOf gives CEL for the templates of a kind: lists of them.
func templatesOf(k kinds.Kind) []string {
	var all []string
	for _, t := range k.Templates {
		place := t.Place()
		if len(place) == 0 {
			continue // the object is itself a pod
		}
		rounds := 0
		for many(place, rounds+1) >= 0 {
			rounds++
		}
		if rounds == 0 {
			name := quoted(place.String())
			if len(k.Templates) == 1 {
				name = "''"
			}
			all = append(all, "[[dyn("+name+")] + variables.both.map(o, "+standing(t, 0)+")]")
			continue
		}
		from := many(place, rounds) + 1
		all = append(all, "variables."+itemsOf(k, place, rounds)+".map(t, [dyn("+further("t[0]", place[from:])+")] + [t[1], t[2]].map(o, "+standing(t, from)+"))")
	}
	return append(all, beneath(k)...)
}

// beneath gives CEL for annotations and labels of the object over which the operator lays
// those of templates, where they stand in no template: with the templates, since what all
// of these say does not count from there.
func beneath(k kinds.Kind) []string {
	var all, known []string
	for _, t := range k.Templates {
		at := t.Annotations
		if t.IsWhole() {
			at = slices.Concat(t.Path, kinds.Keyed("metadata", "annotations"))
		}
		known = append(known, at.String())
	}
	for _, t := range k.Templates {
		over := t.Over.String()
		if t.Over == nil || slices.Contains(known, over) {
			continue
		}
		known = append(known, over)
		var above []string
		for _, other := range k.Templates {
			if other.Over.String() == over {
				above = append(above, present(k, other))
			}
		}
		there := kinds.Template{Annotations: t.Over}
		all = append(all, "[[dyn('with "+over+"')] + variables.both.map(o, "+standing(there, 0)+") +\n  [dyn("+strings.Join(above, " +\n  ")+")]]")
	}
	return all
}

// present gives CEL for a list of the templates at a place of the object as it is to be.
func present(k kinds.Kind, t kinds.Template) string {
	place, rounds := t.Place(), 0
	for many(place, rounds+1) >= 0 {
		rounds++
	}
	if rounds == 0 {
		return "[variables.both[0]].filter(o, o" + fields(place[:t.Given(place)]) + ".hasValue()).map(o, " + standing(t, 0) + ")"
	}
	return "variables." + itemsOf(k, place, rounds) + ".map(t, t[1]).map(o, " + standing(t, many(place, rounds)+1) + ")"
}

// standing gives CEL for a template below o, to which the first steps of its paths lead.
// Of one that stands in parts it is put together.
func standing(t kinds.Template, steps int) string {
	part := func(path kinds.Path, none string) string {
		if len(path) == steps {
			return "o" // an item of a list is itself the template
		}
		return "o" + fields(path[steps:]) + ".orValue(" + none + ")"
	}
	if t.Annotations == nil {
		return part(t.Path, "dyn({})")
	}
	beside := append(slices.Clone(t.Annotations[:len(t.Annotations)-1]), kinds.Step{Key: "labels"})
	put := "dyn({'metadata': dyn({'annotations': " + part(t.Annotations, "dyn({})") + ", 'labels': " + part(beside, "dyn({})") + "})"
	if t.InitContainers != nil {
		put += ", 'spec': dyn({'initContainers': " + part(t.InitContainers, "dyn([])") + "})"
	}
	return put + "})"
}

// fields leads to a field by index, because not every field's name is an identifier in
// CEL.
func fields(path kinds.Path) string {
	var b strings.Builder
	for _, step := range path {
		b.WriteString("[?" + strconv.Quote(step.Key) + "]")
	}
	return b.String()
}

// further gives CEL for the name of what stands below a place.
func further(place string, way kinds.Path) string {
	if len(way) == 0 {
		return place
	}
	return place + " + " + quoted("."+way.String())
}
