package fn_test

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
)

// recorded is what a mesh's own injector made of keys.
type recorded struct {
	mesh *mesh.Mesh
	// source is what the record says of itself.
	source string
	keys   []recordedKey
}

type recordedKey struct {
	key    string
	values []string
	// changes says by place and value what the key changes there.
	changes map[string]map[string]string
}

// marks reports whether a value is one of a key that is there or is not, whatever it
// says: a mark of the mesh's own parts, which nobody writes to set something.
func (k recordedKey) marks(value string) bool {
	for _, by := range k.changes {
		if by[value] == "no sidecar" && !slices.ContainsFunc(k.values, func(v string) bool { return by[v] != "no sidecar" }) {
			return true
		}
	}
	return false
}

// places are where a key may stand: what stands before the template is handed to no
// injector, which only sees pods.
var places = []string{"pod annotation", "pod label", "workload annotation", "workload label", "Namespace annotation", "Namespace label", "Service annotation", "Service label"}

func recordOf(t *testing.T, m *mesh.Mesh) recorded {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../testdata/keys", strings.ToLower(m.Name)+".txt"))
	require.NoError(t, err)
	all := recorded{mesh: m}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		switch {
		case strings.HasPrefix(line, "# What "):
			all.source = strings.TrimSuffix(strings.TrimPrefix(cells[0], "# "), ".")
		case strings.HasPrefix(line, "#"):
		case cells[0] != "":
			key := recordedKey{key: cells[0], changes: map[string]map[string]string{}}
			key.values = unquoted(t, cells[1])
			all.keys = append(all.keys, key)
		default:
			require.Len(t, cells, 4, line)
			of := all.keys[len(all.keys)-1].changes
			if of[cells[1]] == nil {
				of[cells[1]] = map[string]string{}
			}
			for _, value := range unquoted(t, cells[2]) {
				of[cells[1]][value] = cells[3]
			}
		}
	}
	return all
}

var inQuotes = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

func unquoted(t *testing.T, list string) []string {
	t.Helper()
	var values []string
	for _, one := range inQuotes.FindAllString(list, -1) {
		value, err := strconv.Unquote(one)
		require.NoError(t, err)
		values = append(values, value)
	}
	return values
}

// ours is what explain and the findings say of one key at one place.
type ours struct {
	// lets are the fields by which something bypasses by it, sure or perhaps.
	lets []string
	// leaves says that the pod is taken to have no sidecar.
	leaves bool
	// told are the kinds of findings, and refused says that one is an error.
	told    []string
	refused bool
}

func (o ours) String() string {
	var parts []string
	if o.leaves {
		parts = append(parts, "no sidecar")
	}
	parts = append(parts, o.lets...)
	for _, kind := range o.told {
		parts = append(parts, "`"+kind+"`")
	}
	if o.refused {
		parts = append(parts, "refused")
	}
	return strings.Join(parts, ", ")
}

const recordedWorkload = `apiVersion: v1
kind: Namespace
metadata: {name: %[1]s, annotations: {%[6]s}, labels: {%[7]s}}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: %[1]s, annotations: {%[8]s}, labels: {%[9]s}}
spec: {selector: {app: web}, ports: [{port: 7070}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: %[1]s, annotations: {%[4]s}, labels: {%[5]s}}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {annotations: {%[2]s}, labels: {app: web, %[3]s}}
    spec: {containers: [{name: app, image: app, ports: [{containerPort: 7070}]}]}
---
`

var saidOf = map[string]map[string]ours{}

// say asks explain about every key at every place, with each value, all at once, for
// both tests.
func (r recorded) say(t *testing.T) map[string]ours {
	t.Helper()
	if saidOf[r.mesh.Name] == nil {
		saidOf[r.mesh.Name] = r.explained(t)
	}
	return saidOf[r.mesh.Name]
}

func (r recorded) explained(t *testing.T) map[string]ours {
	t.Helper()
	var text strings.Builder
	ids := map[string]string{"without": ""}
	metadata := make([]any, len(places)+1)
	write := func(namespace, at, entry string) {
		metadata[0] = namespace
		for i, place := range places {
			if metadata[i+1] = ""; place == at {
				metadata[i+1] = entry
			}
		}
		fmt.Fprintf(&text, recordedWorkload, metadata...)
	}
	write("without", "", "")
	for _, key := range r.keys {
		for _, place := range places {
			for _, value := range key.values {
				namespace := fmt.Sprintf("n%d", len(ids))
				ids[namespace] = key.key + "\n" + place + "\n" + value
				write(namespace, place, strconv.Quote(key.key)+": "+strconv.Quote(value))
			}
		}
	}
	spec := "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {mesh: " + r.mesh.Name + ", merge: Union, global: {excludeOutboundPorts: [3306]}, enforcement: {mode: AnnotationsOnly}}\n"
	explained, err := fn.Explain(fn.SpecIn(manifest("bypass.yaml", spec)), []fn.Manifest{{Path: "in.yaml", Text: []byte(text.String())}}, fn.Options{}, "")
	require.True(t, err == nil || len(explained.Workloads) > 0, "%v", err)
	said := map[string]ours{}
	for _, x := range explained.Workloads {
		id := ids[x.Namespace]
		said[id] = oursOf(x, said[id])
	}
	always := slices.Clone(said[""].lets)
	for id, o := range said {
		o.lets = slices.DeleteFunc(o.lets, func(l string) bool { return slices.Contains(always, l) })
		said[id] = o
	}
	for _, result := range explained.Results {
		if result.ResourceRef == nil {
			continue
		}
		namespace := result.ResourceRef.Namespace
		if result.ResourceRef.Kind == "Namespace" {
			namespace = result.ResourceRef.Name
		}
		id, known := ids[namespace]
		if kind := result.Tags[fn.CheckTag]; known && (result.Severity != fn.Info || kind != "") {
			o := said[id]
			o.refused = o.refused || result.Severity == fn.Error
			if kind != "" && !slices.Contains(o.told, kind) {
				o.told = append(o.told, kind)
			}
			said[id] = o
		}
	}
	return said
}

func oursOf(x fn.Explanation, o ours) ours {
	o.leaves = x.Outcome == fn.LeftAlone || x.Outcome == fn.Unspoken && x.Reason != ""
	for _, f := range x.Fields {
		if slices.Equal(f.Effective, []string{"*"}) {
			continue // which intercepts everything
		}
		o.lets = append(o.lets, f.Field+" "+strings.Join(f.Effective, ","))
	}
	for _, other := range x.Others {
		for _, field := range slices.Sorted(maps.Keys(other.Lets)) {
			perhaps := map[bool]string{true: "", false: "perhaps "}[other.Sure]
			o.lets = append(o.lets, perhaps+field+" "+strings.Join(other.Lets[field], ","))
		}
	}
	return o
}

// disagreement says in what explain and findings differ from the mesh, "" for nothing.
// elsewhere is what the key does at the other places.
func disagreement(does string, says ours, place string, elsewhere []string) string {
	told := len(says.told) > 0 || says.refused
	sure := slices.ContainsFunc(says.lets, func(l string) bool { return !strings.HasPrefix(l, "perhaps ") })
	switch {
	case strings.HasPrefix(does, "refused: "):
		return unless(told, "the mesh refuses the pod, and nobody is told")
	case does == "no sidecar":
		return unless(says.leaves || told, "the pod has no sidecar, and nobody is told")
	case says.leaves && strings.HasPrefix(does, "- ") && !strings.Contains(does, "+ "):
		return "" // it has one, and nothing is redirected to it
	case says.leaves:
		return "the pod is taken to have no sidecar"
	case does != "":
		return unless(!strings.Contains(does, "bound ") || len(says.lets) > 0 || told, "the interception changes, and nobody is told")
	case sure:
		return "something is said to bypass that does not"
	case len(says.lets) > 0 || told:
		return ""
	}
	for _, other := range elsewhere {
		if strings.Contains(other, "bound ") || other == "no sidecar" && !strings.HasPrefix(place, "Service ") {
			return "the mesh does not go by it here, and nobody is told"
		}
	}
	return ""
}

func unless(right bool, wrong string) string {
	if right {
		return ""
	}
	return wrong
}

// excused are answers of the mesh that hold for the recorded version, pod or spec alone:
// of a key and a value, " " for an empty one and "" for each.
var excused = map[[2]string]string{
	{"kuma.io/gateway", "builtin"}:                            "Kuma before 3.0 takes it, in gateways of its own",
	{"kuma.io/virtual-probes-port", "8080"}:                   "Kuma before 3.0 reads it",
	{"inject.istio.io/templates", ""}:                         "an installation may have templates of other names, and none is for another object than a pod",
	{"traffic.sidecar.istio.io/includeInboundPorts", " "}:     "by merge Union an empty list adds nothing",
	{"traffic.sidecar.istio.io/includeOutboundIPRanges", " "}: "by merge Union an empty list adds nothing",
	{"status.sidecar.istio.io/port", "0"}:                     "it excludes less",
	{"consul.hashicorp.com/connect-service", "web,api"}:       "several services need transparent proxy off, by a Helm value or a Namespace",
	{"consul.hashicorp.com/connect-service-port", ""}:         "a name is one of the pod's ports",
}

// TestRecordedKeys holds explain and the findings against what each mesh's own code does
// with every key that it knows, at every place.
func TestRecordedKeys(t *testing.T) {
	for _, m := range mesh.All() {
		t.Run(m.Name, func(t *testing.T) {
			r := recordOf(t, m)
			said := r.say(t)
			for _, key := range r.keys {
				for _, place := range places {
					wrong := map[string][]string{}
					for _, value := range key.values {
						does, elsewhere := key.changes[place][value], []string{}
						for _, other := range places {
							elsewhere = append(elsewhere, key.changes[other][value])
						}
						says := said[key.key+"\n"+place+"\n"+value]
						if key.marks(value) {
							continue
						}
						if excused[[2]string{key.key, cmp.Or(value, " ")}]+excused[[2]string{key.key, ""}] != "" {
							continue
						}
						if what := disagreement(does, says, place, elsewhere); what != "" {
							what = fmt.Sprintf("%s: the mesh: %q, explain: %s", what, does, says)
							wrong[what] = append(wrong[what], value)
						}
					}
					for _, what := range slices.Sorted(maps.Keys(wrong)) {
						t.Errorf("%s as a %s %q: %s", key.key, place, wrong[what], what)
					}
				}
			}
		})
	}
}

const keysHead = `# Every key of every mesh, at every place

What a mesh does with each key that its source knows, as an annotation or a label of a
pod, a workload, a Namespace and a Service, beside what krm-bypass says of it. What the
mesh does is the answer of its own injector, which was given each key with some values on
each object: ` + "`testdata/keys`" + ` records what changed in the interception of a pod. What stands in the metadata of a workload reaches no injector, since
injectors see pods. What other programs of a mesh read is not in the records, such as
Kuma's controller of Services ` + "`kuma.io/gateway`" + `. The values are the same for every key, so that most do nothing.

A place that is missing here changes nothing, and krm-bypass says nothing of it. In the
last column stand the traffic fields that explain counts, and the kinds of
[findings](lint.md). Go tests hold this page to the records, and fail where
krm-bypass says otherwise than the mesh does:

    go test ./fn -run TestKeysPage -update
`

// TestKeysPage keeps docs/keys.md.
func TestKeysPage(t *testing.T) {
	var page strings.Builder
	page.WriteString(keysHead)
	for _, m := range mesh.All() {
		r := recordOf(t, m)
		said := r.say(t)
		fmt.Fprintf(&page, "\n## %s\n\n%s.\n\n| key | as a | value | the mesh | krm-bypass |\n|---|---|---|---|---|\n", m.Name, r.source)
		for _, key := range r.keys {
			var all []string
			at := map[string][]string{}
			for _, place := range places {
				for _, row := range key.rows(said, place) {
					if at[row] == nil {
						all = append(all, row)
					}
					at[row] = append(at[row], place)
				}
			}
			for _, row := range all {
				fmt.Fprintf(&page, "| `%s` | %s | %s |\n", key.key, strings.Join(at[row], ", "), row)
			}
		}
	}
	was, err := os.ReadFile("../docs/keys.md")
	if *update && string(was) != page.String() {
		require.NoError(t, os.WriteFile("../docs/keys.md", []byte(page.String()), 0o644))
		t.Fatal("docs/keys.md was rewritten: read the difference, then run without -update")
	}
	require.NoError(t, err)
	require.Equal(t, string(was), page.String(), "go test ./fn -run TestKeysPage -update rewrites it")
}

// rows are those of one place: values, what the mesh does and what is said.
func (k recordedKey) rows(said map[string]ours, place string) []string {
	var all, rows []string
	by := map[string][]string{}
	for _, value := range k.values {
		does, says := k.changes[place][value], said[k.key+"\n"+place+"\n"+value].String()
		row := shortened(does) + " | " + says
		if does == "" && says == "" {
			continue
		}
		if by[row] == nil {
			all = append(all, row)
		}
		by[row] = append(by[row], "`"+value+"`")
	}
	for _, row := range all {
		values := strings.Join(by[row], ", ")
		if len(by[row]) == len(k.values) {
			values = "any"
		}
		rows = append(rows, values+" | "+row)
	}
	return rows
}

// shortened is what a mesh does, without what it no longer does by it.
func shortened(does string) string {
	if strings.HasPrefix(does, "refused: ") {
		return "refuses the pod"
	}
	var parts []string
	for part := range strings.SplitSeq(does, "; ") {
		if more, is := strings.CutPrefix(part, "+ "); is {
			part = "`" + more + "`"
		} else if strings.HasPrefix(part, "- ") {
			continue
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 && strings.Contains(does, "; - ") {
		return "redirects nothing"
	}
	if len(parts) == 0 && does != "" {
		return "less: `" + strings.TrimPrefix(does, "- ") + "`"
	}
	short := strings.ReplaceAll(strings.Join(parts, ", "), "|", `\|`)
	if r := []rune(short); len(r) > 120 {
		short = strings.TrimSuffix(string(r[:120]), "`") + "..."
		if strings.Count(short, "`")%2 == 1 {
			short += "`"
		}
	}
	return short
}
