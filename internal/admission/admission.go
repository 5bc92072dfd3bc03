package admission

import (
	"cmp"
	_ "embed" // for the form of the policy
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

const (
	// Name is the name of the policy and of its binding.
	Name = "bypass-annotations.krm-bypass.dev"
	// Exemption is the label that a namespace carries, with the value "ignore", if
	// the policy refuses nothing there.
	Exemption = "krm-bypass.dev/admission"
)

// form is the policy with {{gaps}} to fill in.
//
//go:embed policy.yaml
var form string

// Policy gives the policy and its binding as two YAML documents, for the known kinds
// and more.
func Policy(more ...transform.Kind) string {
	fillers := map[string][]string{
		"name":            {Name},
		"exemption":       {Exemption},
		"marker":          {transform.PolicyAnnotation},
		"record":          {transform.RecordAnnotation},
		"head":            {transform.RecordHead},
		"container":       {transform.InitEntry},
		"container name":  {transform.InitName},
		"rules":           append(rules(transform.Kinds, resource), rules(more, anyResource)...),
		"kinds":           kinds(more),
		"namespaces":      {namespaces()},
		"annotations":     quoted(annotations(mesh.All())),
		"template":        template("object", more),
		"template before": template("oldObject", more),
	}
	var b strings.Builder
	for line := range strings.Lines(form) {
		b.WriteString(filled(line, fillers))
	}
	return b.String()
}

var gap = regexp.MustCompile(`\{\{[a-z ]+\}\}`)

// filled fills the gaps in a line of the form. A line that is nothing but a gap
// becomes as many lines as there are to fill it with, or none.
func filled(line string, fillers map[string][]string) string {
	if alone := strings.TrimSpace(line); gap.FindString(alone) == alone && len(fillers[strings.Trim(alone, "{}")]) == 0 && alone != "" {
		return ""
	}
	return gap.ReplaceAllStringFunc(line, func(g string) string {
		indentation := line[:len(line)-len(strings.TrimLeft(line, " "))]
		return strings.Join(fillers[strings.Trim(g, "{}")], "\n"+indentation)
	})
}

// annotations lists the meshes' annotations that make traffic bypass the sidecar.
func annotations(meshes []*mesh.Mesh) []string {
	var keys []string
	for _, m := range meshes {
		for _, k := range m.Keys {
			keys = append(keys, k.Annotation)
		}
		keys = append(keys, m.Bypassing()...)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// quoted gives the keys as entries of a list in CEL.
func quoted(keys []string) []string {
	entries := make([]string, len(keys))
	for i, key := range keys {
		entries[i] = "'" + key + "'"
		if i+1 < len(keys) {
			entries[i] += ","
		}
	}
	return entries
}

// rules gives the resource rules for the kinds, one for each API group.
func rules(kinds []transform.Kind, name func(kind string) string) []string {
	var groups []string
	resources := map[string][]string{}
	for _, k := range kinds {
		if len(k.Template) == 0 {
			continue // a pod itself
		}
		if !slices.Contains(groups, k.Group) {
			groups = append(groups, k.Group)
		}
		if resource := name(k.Kind); !slices.Contains(resources[k.Group], resource) {
			resources[k.Group] = append(resources[k.Group], resource)
		}
	}
	var lines []string
	for _, group := range groups {
		lines = append(lines,
			"- apiGroups: ["+cmp.Or(group, `""`)+"]",
			`  apiVersions: ["*"]`,
			"  operations: [CREATE, UPDATE]",
			"  resources: ["+strings.Join(resources[group], ", ")+"]")
	}
	return lines
}

// resource is the name under which an API serves a kind: its plural, which is
// regular for all known kinds.
func resource(kind string) string { return strings.ToLower(kind) + "s" }

// anyResource is for kinds whose resource names nobody knows: every resource of the
// API group, but no subresource.
func anyResource(string) string { return `"*"` }

// kinds gives the condition that keeps the policy from other kinds in the API groups
// of the additional ones. It gives nothing if there are no additional kinds.
func kinds(more []transform.Kind) []string {
	if len(more) == 0 {
		return nil
	}
	var groups, names []string
	for _, k := range more {
		groups = append(groups, strconv.Quote(k.Group))
	}
	for _, k := range slices.Concat(transform.Kinds, more) {
		if len(k.Template) > 0 {
			names = append(names, strconv.Quote(k.Kind))
		}
	}
	return []string{
		"# What else is in the API groups of the kinds that the specification adds.",
		"- name: of-a-kind-with-a-pod-template",
		"  expression: >-",
		"    !(request.kind.group in [" + unique(groups) + "]) ||",
		"    request.kind.kind in [" + unique(names) + "]",
	}
}

// unique gives the entries of a list in CEL, each of them once.
func unique(entries []string) string {
	slices.Sort(entries)
	return strings.Join(slices.Compact(entries), ", ")
}

// namespaces gives a regular expression for the namespaces that belong to Kubernetes
// and to the meshes.
func namespaces() string {
	globs := slices.Clone(transform.KubernetesNamespaces)
	for _, m := range mesh.All() {
		globs = append(globs, m.Namespaces...)
	}
	slices.Sort(globs)
	for i, glob := range globs {
		// Nothing else in the name of a namespace, or in a glob for one, has a
		// meaning in a regular expression.
		globs[i] = strings.ReplaceAll(glob, "*", ".*")
	}
	return "^(" + strings.Join(slices.Compact(globs), "|") + ")$"
}

// template gives CEL for the pod template of an object, an empty one if it has none.
// The object has no type there: the fields of one kind would be unknown fields of
// another.
func template(object string, more []transform.Kind) []string {
	var lines []string
	for _, k := range more {
		lines = append(lines,
			"request.kind.group == "+strconv.Quote(k.Group)+" && request.kind.kind == "+strconv.Quote(k.Kind)+" ?",
			"  dyn("+object+")"+indexes(k.Template)+".orValue({}) :")
	}
	var paths []string
	for _, k := range transform.Kinds {
		if len(k.Template) > 0 {
			paths = append(paths, "dyn("+object+").?"+strings.Join(k.Template, ".?"))
		}
	}
	// Longer paths come first: they may begin with a field of another kind.
	slices.SortFunc(paths, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	paths = slices.Compact(paths)
	lines = append(lines, paths[0])
	for _, path := range paths[1:] {
		lines = append(lines, ".or("+path+")")
	}
	return append(lines, ".orValue({})")
}

// indexes leads to a field by index, because not every field's name is an
// identifier in CEL.
func indexes(path []string) string {
	var b strings.Builder
	for _, field := range path {
		b.WriteString("[?" + strconv.Quote(field) + "]")
	}
	return b.String()
}
