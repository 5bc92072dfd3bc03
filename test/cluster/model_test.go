package cluster

import (
	"encoding/json"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	known "github.com/krm-bypass/krm-bypass/internal/kinds"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/transform"
	"github.com/krm-bypass/krm-bypass/test/cluster/controlplane"
)

// annotation is one with its value.
type annotation struct{ key, value string }

// bypasses are annotations by which a mesh's sidecar is bypassed, of each kind, and
// passes are those beside them by which it is not.
var bypasses, passes = func() (opening, harmless []annotation) {
	for _, m := range mesh.All() {
		for _, k := range m.Keys {
			opening = append(opening, annotation{k.Annotation, ""}, annotation{k.Annotation, "443"})
		}
		for _, o := range m.Others {
			if o.Opens == 0 || o.Spares {
				harmless = append(harmless, annotation{o.Annotation, "443"}, annotation{o.Annotation, "enabled"})
				continue
			}
			if o.Unfit != "" {
				opening = append(opening, annotation{o.Annotation, "443" + o.Unfit})
				harmless = append(harmless, annotation{o.Annotation, "443"})
				continue
			}
			if o.Words == nil {
				opening = append(opening, annotation{o.Annotation, "443"})
				harmless = append(harmless, annotation{o.Annotation, ""})
			}
			for _, value := range o.Harmless {
				harmless = append(harmless, annotation{o.Annotation, value})
			}
			for _, said := range o.Words {
				word := said.Name
				opening = append(opening, annotation{o.Annotation, "proxyMetadata: {" + word + ": eth0}"})
				for _, value := range said.Harmless {
					harmless = append(harmless, annotation{o.Annotation, `{"` + word + `":"` + value + `"}`}, annotation{o.Annotation, word + ": '" + value + "'"})
				}
			}
		}
		for _, prefix := range m.Prefixes {
			opening = append(opening, annotation{prefix + "of-tomorrow", ""}, annotation{prefix + "of-tomorrow", "443"})
		}
	}
	const config = "proxy.istio.io/config"
	opening = append(opening,
		annotation{"sidecar.istio.io/interceptionMode", "NONE"},
		annotation{config, "interceptionMode: NONE"},
		annotation{config, "interceptionMode: 2"},
		annotation{config, "# !DRY_RUN:false,DRY_RUN:false,%\ninterceptionMode: NONE"},
		annotation{config, "# !DRY_RUN:false,DRY_RUN:false,DRY_RUN:false,%\nproxyMetadata: {DRY_RUN: 'true', ISTIO_LOCAL_OUTBOUND_PORTS_EXCLUDE: '443'}"},
		annotation{config, `{"proxyMetadata":{"A":"x\"\n    args: [istio-iptables, -o, '443']\n    workingDir: \""}}`},
		annotation{config, `extraStatTags: ["a\N  initContainers: []"]`},
		annotation{config, "# interceptionMode: TPROXY\ninterceptionMode: NONE"},
		annotation{config, `{"interceptionMode":"TPROXY","proxyMetadata":{"DRY_RUN":"true"}}`},
		annotation{config, `proxyMetadata: {"DRY\x5fRUN": "true"}`},
		annotation{config, `{"proxyMetadata":{"DRY\u005fRUN":"true"}}`},
		annotation{config, "proxyMetadata: {\"DRY_\\\n  RUN\": \"true\"}"},
		annotation{config, "proxyMetadata: {!!binary RFJZX1JVTg==: \"true\"}"},
		annotation{config, "proxyMetadata: {? !!bin%61ry RFJZX1JVTg== : \"true\"}"},
		annotation{config, `{"proxyMetadata":{"\tDRY_RUN":"true"}}`},
		annotation{config, `{"proxyMetadata":{"A":"x\"\n    - name: DRY_RUN\n      value: \"true"}}`},
		annotation{config, `{"proxyMetadata":{"A":"x\"\n    - name: \"DRY_\\\n      RUN\"\n      value: \"true"}}`},
		annotation{config, "proxyMetadata:\n  ? DRY_RUN\n  : \"true\""},
	)
	harmless = append(harmless,
		annotation{config, "holdApplicationUntilProxyStarts: true\ninterceptionMode: TPROXY\nproxyMetadata: {ISTIO_META_DNS_CAPTURE: \"true\"}\nproxyStatsMatcher: {inclusionRegexps: [\".*\\\\.upstream_rq.*\"]}"},
		annotation{config, ""},
		annotation{"sidecar.istio.io/proxyCPU", "100m"},
		annotation{"config.linkerd.io/proxy-cpu-request", "100m"},
		annotation{"consul.hashicorp.com/connect-inject", "true"},
		annotation{"kuma.io/mesh", "default"},
	)
	return opening, harmless
}()

// opens says whether an annotation counts in a namespace.
func opens(namespace, key, value string) bool {
	for _, m := range mesh.All() {
		if regexp.MustCompile("^(" + own[m.Name] + ")$").MatchString(namespace) {
			continue
		}
		if slices.ContainsFunc(m.Keys, func(k mesh.Key) bool { return k.Annotation == key }) {
			return true
		}
		o, may := m.Other(key)
		lets, _ := o.Lets(value)
		switch {
		case !may, o.Spares: // as an opt-out, which is not the annotations' to judge
		case o.Words != nil:
			for _, word := range o.Words.Names() {
				if strings.Contains(value, word) {
					return true
				}
			}
		case o.Source == "" || !lets.IsZero():
			return true
		}
	}
	return false
}

// own are the meshes' own namespaces.
var own = map[string]string{
	"Istio": "istio-system|istio-operator", "FSM": "fsm-system", "OSM": "osm-system",
	"Linkerd": "linkerd|linkerd-.*", "Consul": "consul", "Kuma": "kuma-system",
}

// standing is a pod template where it stands in an object, as far as the policy reads it.
type standing struct {
	place string // as a record names it
	// steps lead to it: keys, and indexes of items.
	steps       []any
	annotations map[string]any
	containers  []any
	// toContainers lead to these, if it may have any.
	toContainers []any
}

// at gives what the steps lead to, nil where nothing is.
func at(value any, steps ...any) any {
	for _, step := range steps {
		switch step := step.(type) {
		case string:
			fields, _ := value.(map[string]any)
			value = fields[step]
		case int:
			items, _ := value.([]any)
			if step >= len(items) {
				return nil
			}
			value = items[step]
		}
	}
	return value
}

// standings are the pod templates of an object of the kind.
func standings(kind known.Kind, object controlplane.Object) []standing {
	var all []standing
	for _, t := range kind.Templates {
		for _, steps := range reached(map[string]any(object), t.Place(), nil) {
			annotations, containers := append(slices.Clone(steps), "metadata", "annotations"), append(slices.Clone(steps), "spec", "initContainers")
			if t.Annotations != nil {
				annotations, containers = instead(t.Annotations, steps), instead(t.InitContainers, steps)
			}
			one := standing{place: called(object, steps), steps: steps, toContainers: containers}
			if len(kind.Templates) == 1 && !slices.ContainsFunc(t.Place(), known.Step.Many) {
				one.place = ""
			}
			one.annotations, _ = at(map[string]any(object), annotations...).(map[string]any)
			if len(containers) > 0 {
				one.containers, _ = at(map[string]any(object), containers...).([]any)
			}
			all = append(all, one)
		}
	}
	return all
}

// reached are the ways that a path goes in a value.
func reached(value any, path known.Path, steps []any) [][]any {
	if len(path) == 0 {
		return [][]any{steps}
	}
	var all [][]any
	further := func(step, value any) {
		all = append(all, reached(value, path[1:], append(slices.Clone(steps), step))...)
	}
	switch {
	case path[0].Items:
		items, _ := value.([]any)
		for i, item := range items {
			further(i, item)
		}
	case path[0].Many():
		fields, _ := value.(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(fields)) {
			further(key, fields[key])
		}
	default:
		fields, _ := value.(map[string]any)
		further(path[0].Key, fields[path[0].Key])
	}
	return all
}

// instead gives a path with the items and keys of the way to another part.
func instead(path known.Path, way []any) []any {
	var steps []any
	for i, step := range path {
		if step.Many() {
			steps = append(steps, way[i])
		} else {
			steps = append(steps, step.Key)
		}
	}
	return steps
}

// called names a place.
func called(object controlplane.Object, steps []any) string {
	var b strings.Builder
	for i, step := range steps {
		switch step := step.(type) {
		case int:
			b.WriteString("[" + nameOrIndex(at(map[string]any(object), steps[:i]...).([]any), step) + "]")
		case string:
			switch plain := regexp.MustCompile(`^[-_A-Za-z0-9]+$`).MatchString(step); {
			case !plain:
				b.WriteString("[" + strconv.Quote(step) + "]")
			case i > 0:
				b.WriteString("." + step)
			default:
				b.WriteString(step)
			}
		}
	}
	return b.String()
}

func nameOrIndex(items []any, i int) string {
	name := nameOf(items[i])
	if name == "" || namesake(items, name) != i || slices.ContainsFunc(items[i+1:], func(other any) bool { return nameOf(other) == name }) {
		return strconv.Itoa(i)
	}
	if _, err := strconv.Atoi(name); err == nil || strings.ContainsAny(name, `]" \`) {
		return strconv.Quote(name)
	}
	return name
}

func nameOf(item any) string {
	for _, key := range []any{"name", "groupName", "component"} {
		if name, _ := at(item, key).(string); name != "" {
			return name
		}
	}
	return ""
}

// namesake is the first item with the name, -1 where there is none.
func namesake(items []any, name string) int {
	return slices.IndexFunc(items, func(item any) bool { return nameOf(item) == name })
}

// former gives a template as it was: an item of a list is the one
// that had its name, and without a name of its own the one that had its index.
func former(kind known.Kind, object, old controlplane.Object, now standing) (was standing) {
	if old == nil {
		return was
	}
	steps := slices.Clone(now.steps)
	for i, step := range steps {
		index, isItem := step.(int)
		if !isItem {
			continue
		}
		items := at(map[string]any(object), now.steps[:i]...).([]any)
		if nameOrIndex(items, index) == strconv.Itoa(index) {
			continue
		}
		before, _ := at(map[string]any(old), steps[:i]...).([]any)
		if steps[i] = namesake(before, nameOf(items[index])); steps[i] == -1 {
			return was
		}
	}
	for _, was = range standings(kind, old) {
		if slices.Equal(was.steps, steps) {
			return was
		}
	}
	return standing{}
}

// entries are what a record has, by place and key, each with its digest.
func entries(object controlplane.Object) map[string]string {
	var record struct {
		Version              int `json:"v"`
		Wrote, Kept, Adopted map[string]string
	}
	text := object.Text("metadata", "annotations", recordAnnotation)
	if json.Unmarshal([]byte(text), &record) != nil || !slices.Contains([]int{1, 2}, record.Version) {
		return nil
	}
	all := maps.Clone(record.Kept)
	if all == nil {
		all = map[string]string{}
	}
	for key, digest := range record.Adopted {
		if _, wrote := record.Wrote[key]; !wrote {
			all[key] = digest
		}
	}
	maps.Copy(all, record.Wrote)
	return all
}

// fault is what the policy refuses of a template.
type fault struct{ place, key, says string }

// modelled gives what is refused of an object: as it is to be, and as it was, nil where it
// is new. It parses the record as what it is.
func modelled(object, old controlplane.Object) []fault {
	owners, _ := object.Field("metadata", "ownerReferences").([]any)
	controlled := slices.ContainsFunc(owners, func(owner any) bool { return owner.(map[string]any)["controller"] == true })
	kind, is := kindOf(object)
	if !is || controlled && old == nil || strings.HasPrefix(object.Text("metadata", "namespace"), "kube-") {
		return nil
	}
	var all []fault
	record, before := entries(object), entries(old)
	undone := slices.Contains([]string{"StatefulSet", "DaemonSet", "CloneSet"}, kind.Kind) && len(record) > 0 && maps.Equal(record, before)
	namespace := object.Text("metadata", "namespace")
	var marked []string
	for _, now := range standings(kind, object) {
		if _, has := now.annotations[markerAnnotation]; has && len(bypassesOf(now, namespace)) > 0 {
			marked = append(marked, now.place)
		}
	}
	slices.Sort(marked)
	for _, now := range standings(kind, object) {
		prefix := now.place + " "
		if _, unplaced := record[markerAnnotation]; now.place == "" || unplaced && len(marked) > 0 && now.place == marked[0] {
			prefix = ""
		}
		was := former(kind, object, old, now)
		all = append(all, faultsOf(now, was.annotations, record, before, prefix, namespace)...)
		if !undone || now.annotations[markerAnnotation] == was.annotations[markerAnnotation] {
			all = append(all, faultsOfContainers(now, was, record, before, undone)...)
		}
	}
	was := laidUnder(kind, old, false)
	for place, annotations := range laidUnder(kind, object, true) {
		all = append(all, faultsOf(standing{place: place, annotations: annotations}, was[place], record, before, place+" ", namespace)...)
	}
	return all
}

// laidUnder are annotations of an object over which the operator lays those of templates,
// each with what stands there, and is not in all of these templates.
func laidUnder(kind known.Kind, object controlplane.Object, counting bool) map[string]map[string]any {
	all := map[string]map[string]any{}
	for _, t := range kind.Templates {
		if t.Over == nil || slices.ContainsFunc(kind.Templates, func(other known.Template) bool {
			return strings.TrimSuffix(t.Over.String(), ".annotations") == other.Place().String() || t.Over.String() == other.Path.String()+".metadata.annotations"
		}) {
			continue
		}
		annotations, _ := at(map[string]any(object), instead(t.Over, nil)...).(map[string]any)
		annotations = maps.Clone(annotations)
		maps.DeleteFunc(annotations, func(key string, _ any) bool { return counting && everyHas(kind, object, t.Over, key) })
		all["with "+t.Over.String()] = annotations
	}
	return all
}

// everyHas says whether all templates that are laid over others have a key themselves.
func everyHas(kind known.Kind, object controlplane.Object, over known.Path, key string) bool {
	for _, t := range kind.Templates {
		if t.Over.String() != over.String() {
			continue
		}
		for _, steps := range reached(map[string]any(object), t.Place(), nil) {
			its, _ := at(map[string]any(object), instead(t.Annotations, steps)...).(map[string]any)
			if _, has := its[key]; !has && at(map[string]any(object), instead(t.Needs, steps)...) != nil {
				return false
			}
		}
	}
	return true
}

func bypassesOf(now standing, namespace string) (all []string) {
	for key, value := range now.annotations {
		if text, _ := value.(string); opens(namespace, key, text) {
			all = append(all, key)
		}
	}
	return all
}

func faultsOf(now standing, was map[string]any, record, before map[string]string, prefix, namespace string) (all []fault) {
	on := now.annotations
	same := func(key string) bool {
		a, is := on[key]
		b, did := was[key]
		return is == did && a == b
	}
	bypasses := bypassesOf(now, namespace)
	var recorded []string
	for entry := range record {
		if key, ours := strings.CutPrefix(entry, prefix); ours && !strings.Contains(key, " ") && key != transform.InitName && key != transform.CloseName && key != transform.FormerInitEntry {
			recorded = append(recorded, key)
		}
	}
	if len(bypasses) == 0 || !slices.ContainsFunc(slices.Concat(bypasses, recorded, []string{markerAnnotation}), func(key string) bool { return !same(key) }) {
		return nil
	}
	_, marker := on[markerAnnotation]
	marked := len(recorded) > 0 && marker == slices.Contains(recorded, markerAnnotation)
	for _, key := range bypasses {
		isKey := slices.ContainsFunc(mesh.All(), func(m *mesh.Mesh) bool {
			return slices.ContainsFunc(m.Keys, func(k mesh.Key) bool { return k.Annotation == key })
		})
		if !(marked && slices.Contains(recorded, key)) && (!same(key) || isKey && !same(markerAnnotation)) {
			all = append(all, fault{now.place, key, "carries"})
		}
	}
	if !marked {
		return all
	}
	for _, key := range recorded {
		_, is := on[key]
		_, did := was[key]
		if !is {
			all = append(all, fault{now.place, key, "does not carry"})
		}
		if is && did && !same(key) && record[prefix+key] == before[prefix+key] {
			all = append(all, fault{now.place, key, "with another value"})
		}
	}
	_, wrote := record[prefix+transform.InitName]
	_, formerly := record[prefix+transform.FormerInitEntry]
	contained := slices.ContainsFunc(now.containers, func(c any) bool { return at(c, "name") == transform.InitName })
	if contained != (wrote || formerly) {
		all = append(all, fault{now.place, "", "disagree"})
	}
	return all
}

// faultsOfContainers are those of our init containers, where any of the template changes.
func faultsOfContainers(now, was standing, record, before map[string]string, undone bool) (all []fault) {
	if reflect.DeepEqual(now.containers, was.containers) {
		return nil
	}
	prefix := strings.TrimPrefix(now.place+" ", " ")
	if _, closes := record[prefix+transform.CloseName]; now.open(closes) {
		all = append(all, fault{now.place, "", "lets its application bypass"})
	}
	for _, name := range []string{transform.InitName, transform.CloseName} {
		runs, ran := now.runs(name), was.runs(name)
		named := slices.ContainsFunc([]string{name, prefix + name, transform.FormerInitEntry, prefix + transform.FormerInitEntry}, func(entry string) bool {
			_, named := record[entry]
			return named
		})
		switch {
		case len(runs) == 0:
		case len(ran) == 0 && !named && !undone:
			all = append(all, fault{now.place, name, "has the init container"})
		case len(ran) > 0 && !reflect.DeepEqual(runs, ran) && record[prefix+name] == before[prefix+name]:
			all = append(all, fault{now.place, name, "with other args or another command"})
		}
	}
	return all
}

// runs is what the init containers of a name run.
func (s standing) runs(name string) (all [][2]any) {
	for _, c := range s.containers {
		if at(c, "name") == name {
			all = append(all, [2]any{at(c, "args"), at(c, "command")})
		}
	}
	return all
}

// anArgument is of those that krm-bypass writes.
var anArgument = regexp.MustCompile(`^(apply$|--(backend|end-connections|exclude-|include-))`)

// open reports whether the last of ours is not the last of all, or may not do its work.
func (s standing) open(closes bool) bool {
	is := func(c any) bool { return at(c, "name") == transform.CloseName }
	if !closes && !slices.ContainsFunc(s.containers, is) {
		return false
	}
	if len(s.containers) == 0 || !is(s.containers[len(s.containers)-1]) {
		return true
	}
	last := s.containers[len(s.containers)-1]
	args, _ := at(last, "args").([]any)
	return at(last, "command") != nil || at(last, "restartPolicy") != nil ||
		slices.ContainsFunc(args, func(a any) bool { return !anArgument.MatchString(a.(string)) })
}

// kindOf gives the kind of an object, in any version, as the policy knows it.
func kindOf(object controlplane.Object) (known.Kind, bool) {
	group, _, grouped := strings.Cut(object.Text("apiVersion"), "/")
	if !grouped {
		group = ""
	}
	i := slices.IndexFunc(policyKinds, func(k known.Kind) bool { return k.Group == group && k.Kind == object.Text("kind") })
	if i < 0 || len(policyKinds[i].Templates) == 0 || len(policyKinds[i].Templates[0].Place()) == 0 {
		return known.Kind{}, false
	}
	return policyKinds[i], true
}

// policyKinds are those that the policy in force judges.
var policyKinds = known.Known()
