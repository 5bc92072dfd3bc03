package admission

import (
	"cmp"
	_ "embed" // for the form of the policy
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/kinds"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/pattern"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

const (
	// Name is the name of the policy and of its binding.
	Name = "bypass-annotations.krm-bypass.dev"
	// Exemption is the label that a namespace carries, with the value "ignore", if
	// the policy refuses nothing there.
	Exemption = "krm-bypass.dev/admission"
)

// mend is what to do about a value that the record has no new digest for. What krm-bypass
// wrote looks like that too, where it takes the place of what somebody wrote by hand: CEL
// makes no digests, so the policy cannot tell the two.
const mend = ": say it in the ClusterBypass and run krm-bypass on the manifest; if you did, somebody edited the object in the cluster: label the namespace " +
	Exemption + "=ignore while you apply the manifest, or delete the object"

// form is the policy with {{gaps}} to fill in.
//
//go:embed policy.yaml
var form string

// Policy gives the policy and its binding as two YAML documents. Specifications add
// their kinds, the namespaces that they enrol by name, and who may opt out of their
// meshes.
func Policy(of ...*transform.Policy) string { return policy(slices.Clone(kinds.Known()), of) }

func policy(all []kinds.Kind, of []*transform.Policy) string {
	var enrolled []string
	for _, p := range of {
		enrolled = append(enrolled, p.Enrolled...)
		for _, k := range p.Kinds {
			all = with(all, k)
		}
	}
	fillers := map[string][]string{
		"name":           {Name},
		"exemption":      {Exemption},
		"marker":         {transform.PolicyAnnotation},
		"record key":     {transform.RecordAnnotation},
		"record now":     {record(0)},
		"record was":     {record(1)},
		"former entry":   {transform.FormerInitEntry},
		"container name": {transform.InitName},
		"last name":      {transform.CloseName},
		"mend":           {mend},
		"rules":          rules(all),
		"kubernetes":     {within(transform.KubernetesNamespaces, enrolled)},
		"keys":           ofMeshes(enrolled, keys),
		"others":         ofMeshes(enrolled, others),
		"worded":         ofMeshes(enrolled, worded),
		"prefixes":       ofMeshes(enrolled, prefixes),
		"opt-outs":       optOuts(of, enrolled),
		"passed":         {strings.Join(passed(), ", ")},
		"lists":          lists(all),
		"templates":      byKind("templates", all, templatesOf),
	}
	var b strings.Builder
	for line := range strings.Lines(form) {
		b.WriteString(filled(line, fillers))
	}
	return b.String()
}

var gap = pattern.Of(`\{\{[a-z -]+\}\}`)

// filled fills the gaps in a line of the form. A line that is nothing but a gap
// becomes as many lines as there are to fill it with.
func filled(line string, fillers map[string][]string) string {
	return gap.Regexp().ReplaceAllStringFunc(line, func(g string) string {
		indentation := line[:len(line)-len(strings.TrimLeft(line, " "))]
		return strings.Join(fillers[strings.Trim(g, "{}")], "\n"+indentation)
	})
}

// ofMeshes gives CEL for a list of what is true of the meshes, but for each mesh in
// its own namespaces.
func ofMeshes(enrolled []string, entries func(*mesh.Mesh) []string) []string {
	var lines []string
	for _, m := range mesh.All() {
		if of := entries(m); len(of) > 0 {
			lines = append(lines, unless(within(m.Namespaces, enrolled), of)...)
		}
	}
	return append(lines, "[]")
}

// unless gives CEL for a list that is empty on a condition, with what adds the next one.
func unless(condition string, entries []string) []string {
	lines := []string{"(" + condition + " ? [] : ["}
	for _, entry := range entries {
		lines = append(lines, "  "+entry+",")
	}
	return append(lines, "]) +")
}

// keys are the annotations that krm-bypass writes for a mesh.
func keys(m *mesh.Mesh) []string {
	return each.As(m.Keys, func(k mesh.Key) string { return quoted(k.Annotation) })
}

// prefixes are those under which a mesh has annotations that nobody knows yet.
func prefixes(m *mesh.Mesh) []string {
	return each.As(m.Prefixes, quoted)
}

// others are a mesh's annotations besides, each with the values that open nothing.
func others(m *mesh.Mesh) []string {
	var all []string
	for _, o := range m.Others {
		if o.Opens != 0 && !o.Spares && o.Words == nil && o.Unfit == "" {
			all = append(all, "['"+strings.Join(append([]string{o.Annotation, ""}, o.Harmless...), "', '")+"']")
		}
	}
	return all
}

// worded are those in whose values words say it, each with three expressions: for the
// words, for those of them that open nothing, and for what opens something by itself.
func worded(m *mesh.Mesh) []string {
	var all []string
	for _, o := range m.Others {
		if o.Unfit != "" {
			var codes strings.Builder
			for _, c := range o.Unfit {
				fmt.Fprintf(&codes, `\x{%x}`, c)
			}
			all = append(all, "['"+o.Annotation+`', r'`+never+`', r'`+never+`', r'[`+codes.String()+`]']`)
		}
		if o.Words == nil {
			continue
		}
		words := o.Words.Names()
		// The words that have the same values share them, since a longer expression
		// costs more, and the server refuses what costs too much.
		var values []string
		having := map[string][]string{}
		for _, word := range words {
			said, _ := o.Words.Find(word)
			if len(said.Harmless) == 0 {
				continue
			}
			harmless := strings.Join(each.As(said.Harmless, regexp.QuoteMeta), "|")
			if having[harmless] == nil {
				values = append(values, harmless)
			}
			having[harmless] = append(having[harmless], word)
		}
		harmless := each.As(values, func(v string) string {
			return "(" + strings.Join(having[v], "|") + ")" + quotes + `\s*:\s*` + quotes + "(" + v + ")"
		})
		// What hides a word is counted by itself: one match of it may hold several words.
		all = append(all, "['"+o.Annotation+`', r'`+begins+`(`+strings.Join(words, "|")+`)\b', r'\b(`+strings.Join(harmless, "|")+`)([\x22\x27\s,}]|$)', r'`+hiding+`']`)
	}
	return all
}

// optOuts are the ways out of the specifications' meshes, where their limits say who
// may take them, but for these namespaces and those that are not enrolled.
func optOuts(of []*transform.Policy, enrolled []string) []string {
	var lines []string
	for _, p := range of {
		if p.Limits.OptOuts == nil {
			continue
		}
		free := within(p.Mesh.Namespaces, enrolled) + " || " + matching(p.Limits.OptOuts)
		if p.Enrolled != nil {
			free += " || !" + matching(p.Enrolled)
		}
		surely, perhaps := inAmbient(p)
		if perhaps != "" {
			lines = append(lines, unless(free+" || "+perhaps, waysOut(p.Mesh))...)
			lines = append(lines, unless(free+" || !"+surely, waysOut(p.Mesh.On(mesh.Ambient)))...)
			continue
		}
		lines = append(lines, unless(free, waysOut(p.Mesh))...)
	}
	return append(lines, "[]")
}

func waysOut(m *mesh.Mesh) []string {
	var all []string
	for _, o := range m.OptOuts {
		on := "annotation"
		if o.Label {
			on = "label"
		}
		all = append(all, "["+strings.Join([]string{quoted(on), quoted(o.Key), "r" + quoted(o.Value), "r" + quoted(o.But), quoted(o.Unless), "r" + quoted(o.Is)}, ", ")+"]")
	}
	return all
}

// inAmbient gives CEL for whether all workloads of the object's namespace are in Ambient
// by the rules, and whether some may be; "" where no rule says so. A rule for workloads
// counts as one for some of its namespaces, and what it says for others is let in.
func inAmbient(p *transform.Policy) (surely, perhaps string) {
	surely, perhaps = "false", "false"
	said := false
	for _, s := range p.Scopes {
		if s.Plane == "" {
			continue
		}
		within, some := "true", s.Match != nil && (s.Match.Kinds != nil || s.Match.Names != nil || s.Match.Labels != nil)
		if s.Match != nil && s.Match.Namespaces != nil {
			within = matching(s.Match.Namespaces)
		}
		ambient := s.Plane == mesh.Ambient
		said = said || ambient
		if ambient {
			perhaps = "(" + perhaps + " || " + within + ")"
		} else if !some {
			perhaps = "(" + perhaps + " && !" + within + ")"
		}
		if !ambient {
			surely = "(" + surely + " && !" + within + ")"
		} else if !some {
			surely = "(" + surely + " || " + within + ")"
		}
	}
	if !said {
		return "", ""
	}
	return surely, perhaps
}

const (
	// never matches nothing.
	never = `[^\s\S]`
	// quotes may stand around a word in YAML. Their codes have none in them.
	quotes = `[\x22\x27]?`
	// begins is in front of a word. The letter of an escape is none of its own.
	begins = `(\b|\\[nrtNLP])`
	// hiding is by what a word stands in YAML, or in YAML within its strings, without
	// its letters, and what ends a string in what the mesh makes of it.
	hiding = `\\[\x22NLP]|[\x{85}\x{2028}\x{2029}]|\\[xuU\r\n\x{85}\x{2028}\x{2029}]|\\\\\\[nrNLP]|!!binary|:binary|!\S*%|%TAG`
)

// passed lists the annotations under the meshes' prefixes that are known.
func passed() []string {
	var all []string
	for _, m := range mesh.All() {
		for _, o := range m.Others {
			if _, opens := m.Other(o.Annotation); !opens && slices.ContainsFunc(m.Prefixes, func(p string) bool { return strings.HasPrefix(o.Annotation, p) }) {
				all = append(all, quoted(o.Annotation))
			}
		}
	}
	return all
}

// quoted gives a string as CEL has it.
func quoted(s string) string { return "'" + s + "'" }

// matching gives CEL for whether the object's namespace is among them. Nothing else
// in the name of a namespace, or in a glob for one, has a meaning of its own in a
// regular expression.
func matching(globs []string) string {
	return "request.namespace.matches(r'^(" + strings.NewReplacer("*", ".*", "?", ".").Replace(strings.Join(globs, "|")) + ")$')"
}

// within gives CEL for whether the object is in one of the namespaces that nobody
// enrolled by their exact name.
func within(globs, enrolled []string) string {
	condition := matching(globs)
	if len(enrolled) > 0 { // a glob among them is nobody's name
		condition += " && !(request.namespace in ['" + strings.Join(enrolled, "', '") + "'])"
	}
	return condition
}

// with adds a kind to others, and to what is known of it the templates that are new.
func with(all []kinds.Kind, k kinds.Kind) []kinds.Kind {
	i := slices.IndexFunc(all, func(a kinds.Kind) bool { return a.Kind == k.Kind && a.Group == k.Group })
	if i < 0 {
		return append(all, k)
	}
	for _, t := range k.Templates {
		if !slices.ContainsFunc(all[i].Templates, func(a kinds.Template) bool { return a.Place().String() == t.Place().String() }) {
			all[i].Templates = append(slices.Clone(all[i].Templates), t)
		}
	}
	return all
}

// record gives CEL for the entries of a record, each with a digest and what follows it.
// CEL makes a map of no text but the query of an address. In the head of a record a quote
// stands in front of a colon, a comma, or behind a brace only where it ends an entry, or
// begins one.
func record(which int) string {
	text := "variables.both[" + strconv.Itoa(which) + "].?metadata.?annotations[?'" + transform.RecordAnnotation + "'].orValue('').find(r'" + transform.RecordHead + "')"
	for _, pair := range [][2]string{{"%", "%25"}, {"&", "%26"}, {"=", "%3D"}, {"+", "%2B"}, {";", "%3B"}, {"#", "%23"}, {" ", "+"}, {`":"`, "="}, {`","`, "&"}, {`{"`, "&"}} {
		text += ".replace('" + pair[0] + "', '" + pair[1] + "')"
	}
	return "url('/?' + " + text + ").getQuery()"
}

// rules gives the resource rules for the kinds, one for each API group. A kind that a
// specification adds is served under a name that nobody knows: that is any resource of
// its group, but no subresource.
func rules(all []kinds.Kind) []string {
	var groups []string
	resources := map[string][]string{}
	for _, k := range all {
		if len(templatesOf(k)) == 0 {
			continue
		}
		if !slices.Contains(groups, k.Group) {
			groups = append(groups, k.Group)
		}
		resource := `"*"`
		if _, known := kinds.Find(k.Group, k.Kind); known {
			resource = k.Resource()
		}
		if !slices.Contains(resources[k.Group], resource) {
			resources[k.Group] = append(resources[k.Group], resource)
		}
	}
	var lines []string
	for _, group := range groups {
		names := resources[group]
		if slices.Contains(names, `"*"`) {
			names = []string{`"*"`}
		}
		lines = append(lines,
			"- apiGroups: ["+cmp.Or(group, `""`)+"]",
			`  apiVersions: ["*"]`,
			"  operations: [CREATE, UPDATE]",
			"  resources: ["+strings.Join(names, ", ")+"]")
	}
	return lines
}
