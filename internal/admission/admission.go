package admission

import (
	"cmp"
	_ "embed" // for the form of the policy
	"regexp"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

const (
	// Name is that of the policy and of its binding.
	Name = "bypass-annotations.krm-bypass.dev"
	// Exemption is the label of a namespace in which nothing is refused; its
	// value is "ignore".
	Exemption = "krm-bypass.dev/admission"
)

// form is the policy with {{gaps}}.
//
//go:embed policy.yaml
var form string

// Policy gives the policy and its binding, as two documents of YAML.
func Policy() string {
	fillers := map[string][]string{
		"name":            {Name},
		"exemption":       {Exemption},
		"marker":          {transform.PolicyAnnotation},
		"record":          {transform.RecordAnnotation},
		"head":            {transform.RecordHead},
		"container":       {transform.InitEntry},
		"container name":  {transform.InitName},
		"rules":           rules(transform.Kinds),
		"namespaces":      {namespaces()},
		"annotations":     quoted(annotations(mesh.All())),
		"template":        template("object", transform.Kinds),
		"template before": template("oldObject", transform.Kinds),
	}
	var b strings.Builder
	for line := range strings.Lines(form) {
		b.WriteString(filled(line, fillers))
	}
	return b.String()
}

var gap = regexp.MustCompile(`\{\{[a-z ]+\}\}`)

// filled gives a line of the form with its gaps filled. One that is a gap alone
// becomes as many lines as fill it.
func filled(line string, fillers map[string][]string) string {
	return gap.ReplaceAllStringFunc(line, func(g string) string {
		indentation := line[:len(line)-len(strings.TrimLeft(line, " "))]
		return strings.Join(fillers[strings.Trim(g, "{}")], "\n"+indentation)
	})
}

// annotations lists those of the meshes by which traffic bypasses the sidecar.
func annotations(meshes []*mesh.Mesh) []string {
	var keys []string
	for _, m := range meshes {
		for _, k := range m.Keys {
			keys = append(keys, k.Annotation)
		}
		keys = append(keys, m.Beyond...)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// quoted gives the entries of a list in CEL.
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

// rules gives resource rules for the kinds, those of an API group together.
func rules(kinds []transform.Kind) []string {
	var groups []string
	resources := map[string][]string{}
	for _, k := range kinds {
		if len(k.Template) == 0 {
			continue // a pod itself
		}
		if !slices.Contains(groups, k.Group) {
			groups = append(groups, k.Group)
		}
		resources[k.Group] = append(resources[k.Group], resource(k.Kind))
	}
	var lines []string
	for _, group := range groups {
		name := group
		if name == "" {
			name = `""`
		}
		lines = append(lines,
			"- apiGroups: ["+name+"]",
			`  apiVersions: ["*"]`,
			"  operations: [CREATE, UPDATE]",
			"  resources: ["+strings.Join(resources[group], ", ")+"]")
	}
	return lines
}

// resource is the name under which an API serves a kind: its plural, which for
// none of the known kinds is anything but regular.
func resource(kind string) string { return strings.ToLower(kind) + "s" }

// namespaces gives a regular expression for the names of those namespaces that
// belong to Kubernetes and to the meshes.
func namespaces() string {
	globs := slices.Clone(transform.KubernetesNamespaces)
	for _, m := range mesh.All() {
		globs = append(globs, m.Namespaces...)
	}
	slices.Sort(globs)
	for i, glob := range globs {
		// The names of namespaces and the globs for them have no other
		// character that means something in an expression.
		globs[i] = strings.ReplaceAll(glob, "*", ".*")
	}
	return "^(" + strings.Join(slices.Compact(globs), "|") + ")$"
}

// template gives the pod template of an object of any of the kinds in CEL, an
// empty one where it has none. The object is of no type there: the fields of
// one kind would be unknown fields of another.
func template(object string, kinds []transform.Kind) []string {
	var paths []string
	for _, k := range kinds {
		if len(k.Template) > 0 {
			paths = append(paths, "dyn("+object+").?"+strings.Join(k.Template, ".?"))
		}
	}
	// The longer ones first: their beginnings may be fields of other kinds.
	slices.SortFunc(paths, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	paths = slices.Compact(paths)
	lines := paths[:1:1]
	for _, path := range paths[1:] {
		lines = append(lines, ".or("+path+")")
	}
	return append(lines, ".orValue({})")
}
