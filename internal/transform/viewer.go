package transform

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/bystander"
	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/kinds"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/stored"
)

// viewer looks at an object and collects what is wrong with it.
type viewer struct {
	// line of the file in which the document begins.
	line int
	// policy is whose workloads they may be; nil where it is no workload.
	policy    *Policy
	problems  []*FieldError
	tolerated []*FieldError
	// base leads from the document to the object. names are as in an Object.
	base  edit.Path
	names map[string]string
}

func (v *viewer) problem(path edit.Path, value string, err error) {
	v.problems = append(v.problems, &FieldError{Path: slices.Clone(path), Value: value, Err: err})
}

// view looks at the workloads that an object is: one for each of its pod templates.
func (p *Policy) view(o object.Object, kind *kinds.Kind, line int) ([]*Workload, []*FieldError) {
	v := &viewer{line: line, policy: p, base: o.Path, names: map[string]string{}}
	v.doubts(o, p.decides(kind))
	one := Workload{Object: v.object(o), kind: kind}
	one.tolerated = v.tolerated
	metadata := o.Entry("metadata")
	for _, key := range []string{"name", "generateName", "namespace"} {
		v.isFilledIn(metadata.Entry(key), func() edit.Path { return one.Path("metadata", key) })
	}
	if one.Name == "" {
		one.Name = metadata.Entry("generateName").Text()
		one.generated = one.Name != ""
	}
	for _, owner := range metadata.Entry("ownerReferences").Items() {
		if owner.Entry("controller").Truth() {
			_, known := p.Kinds.Find(object.Group(owner.Entry("apiVersion").Text()), owner.Entry("kind").Text())
			one.controlled = true
			// No server makes an object that is sent with a resourceVersion (kubernetes/kubernetes
			// staging/src/k8s.io/apiserver/pkg/storage/errors.go, ErrResourceVersionSetOnCreate).
			one.Copied = known && slices.Contains(copies, kind.Kind) && metadata.Entry("resourceVersion").Text() != ""
		}
	}
	if reference := o.At(keysOf(kind.Reference)...); kind.Reference != nil {
		one.referenced = reference.Exists() && !reference.IsNull()
	}
	one.hosted = o.At(keysOf(kind.HostNetwork)...).Truth()
	selector := o.Below("spec", "selector")
	one.unselected = kind.NeedsSelector(one.APIVersion) && (!selector.Exists() || selector.IsNull())
	stands := v.stands(o, kind)
	if len(v.names) > 0 {
		one.names = v.names
	}
	family := make([]*Workload, len(stands))
	one.see(o.Value, one.Path("metadata"))
	one.see(o.Value, one.Path("metadata", "annotations"))
	for i, s := range stands {
		w := one
		w.stand, w.family, family[i] = s, family, &w
		w.covered = s.covers(o.Value, stands)
		v.template(&w, o)
		for _, made := range s.makes {
			one.see(o.Value, w.Path(made...))
		}
	}
	for _, w := range family {
		w.parents = one.parents // what every one of them may have to make
	}
	if len(family) == 0 && len(v.problems) > 0 {
		refused := one
		refused.stand = annotatedAt(edit.Path{"metadata", annotations}) // nothing is written there
		family = []*Workload{&refused}
	}
	for _, problem := range v.problems {
		problem.Of = family
	}
	return family, v.problems
}

// nearby gives the path, as an entry has it, to a pod template around or in a place.
func nearby(o node.Value, at edit.Path) string {
	places, _ := bystander.In(o, func(string) bool { return false })
	for _, near := range places {
		both := min(len(near.Path), len(at))
		if path := bystander.Written(near.Path); near.Template.Exists() && slices.Equal(near.Path[:both], at[:both]) && path.CanBeWritten() {
			return path.String()
		}
	}
	return ""
}

// copies are the kinds of objects in which a controller puts the template of another
// object as it stands there.
var copies = []string{"ReplicaSet", "Job", "Pod"}

// template looks at a workload's pod template.
func (v *viewer) template(w *Workload, o object.Object) {
	for i := range len(w.stand.root) {
		if w.stand.whole || i < len(w.stand.root)-1 {
			w.lookAbove(o.At(w.stand.root[:i]...), w.stand.root[:i])
		}
	}
	in := func(relative ...any) node.Value {
		path := w.stand.path(relative)
		return o.At(path...)
	}
	root, at, inMetadata := in(), w.templatePath(), w.templatePath("metadata")
	metadata := in("metadata")
	if w.stand.whole {
		metadata = v.mapping(root, at, "metadata")
	}
	if w.stand.annotations[len(w.stand.annotations)-1] == annotations {
		w.TemplateLabels, _ = v.strings(metadata, inMetadata, labels)
	}
	for _, over := range w.stand.over {
		w.over = overlaid(o.At(over...).Strings(), w.over)
		if last := len(over) - 1; over[last] == annotations {
			w.TemplateLabels = overlaid(o.At(over[:last]...).Entry(labels).Strings(), w.TemplateLabels)
		}
	}
	key := w.stand.annotations[len(w.stand.annotations)-1].(string)
	w.TemplateAnnotations, w.mergedAnnotations = v.strings(metadata, inMetadata, key)
	var folded []string
	for key, value := range w.TemplateAnnotations {
		if strings.Contains(value, "\u0085") || strings.HasSuffix(value, "\u2028") || strings.HasSuffix(value, "\u2029") {
			folded = append(folded, key)
		}
	}
	slices.Sort(folded)
	for _, key := range folded {
		v.problem(w.templatePath("metadata", "annotations", key), w.TemplateAnnotations[key], errFolded)
	}
	spec := in("spec")
	if w.stand.whole && !(spec.IsNull() && !w.kind.IsKubernetes()) {
		spec = v.mapping(root, at, "spec")
	} else if spec.IsNull() {
		spec = node.Value{} // as if it were absent, to the API server too
	}
	if !w.stand.whole && !w.stand.made {
		w.stand.withoutAbsent(o.Value)
	}
	if w.stand.whole && !w.stand.merged && !spec.Exists() {
		// There is no pod to put a container into. A custom resource may mean the
		// annotations alone.
		if w.podless = w.kind.IsKubernetes() || !metadata.Exists() && !w.stand.made; w.podless && w.stand.by != "" {
			w.meant = nearby(o.Value, w.stand.root)
		}
		w.stand.initContainers, w.stand.pullSecrets = nil, nil
	}
	w.hostNetwork = w.hosted || spec.Entry("hostNetwork").Truth()
	if by := onWindows(spec); by != nil {
		w.windows = append([]any{"spec"}, by...)
	}
	w.as = as(spec.Entry("securityContext"))
	inSpec := w.templatePath("spec")
	w.containers = v.containers(spec, inSpec, "containers")
	if at := w.stand.initContainers; at != nil {
		w.initContainers = v.containers(spec, inSpec, at[len(at)-1].(string))
		v.given(w)
	}
	if w.Copied { // what the injector put there is no one's who wrote a template
		injected := func(c container) bool {
			return v.policy.isSidecar(c) || slices.Contains(v.policy.Mesh.Containers, c.name)
		}
		w.initContainers, w.containers = slices.DeleteFunc(w.initContainers, injected), slices.DeleteFunc(w.containers, injected)
	}
	if v.policy.names != nil {
		w.ports = v.ports(w)
	}
	// No patch needs to say that there are none.
	w.imageless = w.kind.IsKubernetes() && (len(w.containers) > 0 || !spec.Entry("containers").Exists()) && !slices.ContainsFunc(w.containers, func(c container) bool { return c.imaged() })
	if w.stand.pullSecrets == nil {
		return
	}
	w.pullSecrets.name = w.relative(w.templatePath("spec", pullSecretsField))
	for _, item := range in("spec", pullSecretsField).Items() {
		name, alone := pullSecret(item)
		w.hasPullSecrets = append(w.hasPullSecrets, name)
		if !alone {
			name = ""
		}
		w.pullSecrets.entries = append(w.pullSecrets.entries, name)
	}
}

// viewConfig looks at an object that configures a mesh.
func viewConfig(o object.Object, configured *mesh.Mesh, line int) (*MeshConfig, []*FieldError) {
	v := &viewer{line: line}
	v.doubts(o, func(path edit.Path, _ string) bool {
		return slices.ContainsFunc(configured.Config.Lists, func(l mesh.ConfigList) bool {
			way := edit.Keys(l.Path)
			return len(path) <= len(way) && slices.Equal(path, way[:len(path)])
		}) || len(path) > 0 && path[0] == "metadata"
	})
	c := &MeshConfig{Object: v.object(o), mesh: configured}
	c.tolerated = v.tolerated
	c.see(o.Value, c.Path("metadata"))
	c.see(o.Value, c.Path("metadata", "annotations"))
	for _, l := range configured.Config.Lists {
		c.lists = append(c.lists, configList{l, sharedList{strings.Join(l.Path, "."), v.entries(o, l.Path)}})
		for i := range l.Path {
			c.see(o.Value, c.Path(edit.Keys(l.Path[:i+1])...))
		}
	}
	c.fields = fieldsIn(o, configured.Config)
	return c, v.problems
}

// fieldsIn gives the fields of a mesh's configuration that say something in an object,
// each with the value that it has there.
func fieldsIn(o object.Object, c *mesh.Config) []mesh.ConfigField {
	var all []mesh.ConfigField
	for _, f := range c.Fields {
		switch at := o.Below(f.Path...); {
		case f.Value != "" && at.Text() == f.Value:
			all = append(all, f)
		case f.Value == "" && len(at.Items()) > 0:
			for _, item := range at.Items() {
				f.Value = strings.TrimPrefix(f.Value+", "+item.Text(), ", ")
			}
			all = append(all, f)
		}
	}
	return all
}

// object looks at what every object has.
func (v *viewer) object(o object.Object) Object {
	seen := Object{APIVersion: o.APIVersion, Kind: o.Kind, base: o.Path, outer: o.Outer}
	metadata := v.mapping(o.Value, o.Path, "metadata")
	seen.Name = metadata.Entry("name").Text()
	seen.Namespace = metadata.Entry("namespace").Text()
	at := seen.Path("metadata")
	for _, key := range []string{"name", "generateName", "namespace"} {
		v.isText(metadata.Entry(key), at, "", key)
	}
	seen.labels, _ = v.strings(metadata, at, "labels")
	seen.Annotations, _ = v.strings(metadata, at, "annotations")
	origin := object.Noted(seen.Annotations)
	if origin.File == "" {
		origin = o.Origin
	}
	seen.File, seen.Index = origin.File, origin.Index
	return seen
}

func decidesInTemplate(path edit.Path, key string) bool {
	switch {
	case path[0] == "metadata":
		return true
	case path[0] != "spec":
		return false
	case len(path) == 1:
		return true
	}
	switch path[1] {
	case "nodeSelector", "os", "securityContext":
		return true
	case "affinity":
		return len(path) == 2 || path[2] == "nodeAffinity"
	case "initContainers", "containers", pullSecretsField:
		return len(path) == 2 || len(path) == 3 && (key == "" || slices.Contains(readOfContainers, key)) || len(path) > 3 && path[3] == "securityContext"
	}
	return false
}

// readOfContainers are the fields of a container by which traffic may bypass the
// sidecar. By its image one adds rules, as krm-bypass's own, or replaces the sidecar.
var readOfContainers = []string{"name", "image", "command", "args", "env", "securityContext"}

var errFolded = errors.New("a line break (U+0085, U+2028 or U+2029) in the value, which tools change or take away: write \\n, or remove it")

// doubts tells of keys that readers take for different things. Those of the
// outermost mapping are told by object.Each.
func (v *viewer) doubts(o object.Object, decides func(edit.Path, string) bool) {
	object.Doubts(o, decides, func(path edit.Path, doubt *object.Doubt) {
		at := slices.Concat(o.Path, path)
		switch {
		case decides(path[:len(path)-1], doubt.Key):
			v.problem(at, "", errors.New(doubt.In(v.line)))
		case doubt.IsTwice():
			v.tolerated = append(v.tolerated, &FieldError{Path: at, Err: errors.New(doubt.Tolerated(v.line))})
		}
	})
}

// lookAbove notes the annotations and labels of a value on the way to the template.
// What is wrong with them is not the function's affair.
func (w *Workload) lookAbove(v node.Value, way edit.Path) {
	metadata := v.Entry("metadata")
	if !metadata.Exists() {
		return
	}
	at := described{annotations: w.Annotations}
	at.labels, _ = (&viewer{}).strings(metadata, nil, labels)
	if len(way) > 0 {
		at.annotations, _ = (&viewer{}).strings(metadata, nil, annotations)
	}
	if len(at.annotations) == 0 && len(at.labels) == 0 {
		return
	}
	at.path = append(slices.Clone(way), "metadata")
	if !w.stand.isOver(append(slices.Clone(at.path), annotations)) {
		w.above = append(w.above, at)
	}
}

// see notes what stands at the path of a parent.
func (o *Object) see(v node.Value, path edit.Path) {
	v = v.At(path[len(o.base):]...)
	p := parent{path: path, name: o.relative(path)}
	if slices.ContainsFunc(o.parents, func(seen parent) bool { return seen.name == p.name }) {
		return // a pod's own are its template's too
	}
	switch {
	case v.IsNull():
		p.state = null
	case v.IsMapping():
		p.state = present
		p.lent = v.Len() > 0
		for i, key := range v.Node().Content {
			if i%2 == 0 {
				p.children = append(p.children, key.Value)
				p.lent = p.lent && object.IsLent(key.Value)
			}
		}
	case v.IsList():
		p.state = present
		p.children = make([]string, v.Len())
	}
	o.parents = append(o.parents, p)
}

// mapping gives the mapping below a key.
func (v *viewer) mapping(parent node.Value, path edit.Path, key string) node.Value {
	value := parent.Entry(key)
	if !value.Exists() || value.IsMapping() {
		return value
	}
	path = append(slices.Clone(path), key)
	if !value.IsNull() || key != "metadata" {
		v.mismatch(path, value, "a mapping")
	}
	return node.Value{}
}

// strings gives the mapping below a key, whose values must be strings, and what
// of it a merge key brings in.
func (v *viewer) strings(parent node.Value, path edit.Path, key string) (values, merged map[string]string) {
	mapping := parent.Entry(key)
	values = make(map[string]string, mapping.Len())
	if !mapping.Exists() || mapping.IsNull() {
		return values, nil
	}
	if !mapping.IsMapping() {
		v.mismatch(append(slices.Clone(path), key), mapping, "a mapping of strings")
		return values, nil
	}
	for e := range mapping.Entries() {
		if !v.isText(e.Value, path, key, e.Key) {
			continue
		}
		if !e.Name.IsString() {
			v.problem(append(slices.Clone(path), key, e.Key), "", fmt.Errorf("the key is %s to kubectl: put it into quotes", e.Name.Describe()))
		}
		if _, known := values[e.Key]; !known { // an explicit key comes first and counts
			values[e.Key] = e.Value.Text()
		}
		if e.Merged {
			if merged == nil {
				merged = map[string]string{}
			}
			merged[e.Key] = e.Value.Text()
		}
	}
	return values, merged
}

// isText tells of a value that is no string, which kubectl refuses. It stands there in a
// mapping of a key, "" for none.
func (v *viewer) isText(value node.Value, path edit.Path, in, key string) bool {
	if !value.Exists() || value.IsNull() || value.IsString() || value.IsDate() && in != annotations {
		return true
	}
	remedy := "put it into quotes"
	if !value.IsScalar() {
		remedy = "write one string in quotes"
	}
	path = slices.Clone(path)
	if in != "" {
		path = append(path, in)
	}
	v.problem(append(path, key), value.Text(), fmt.Errorf("expected a string, but found %s: %s", value.Describe(), remedy))
	return false
}

// isFilledIn tells, once for an object, of a value that Helm has yet to fill in. Others
// may be for programs that run later.
func (v *viewer) isFilledIn(value node.Value, path func() edit.Path) {
	isTold := func(told *FieldError) bool { return errors.Is(told, object.ErrTemplate) }
	if text := value.Text(); object.IsTemplate(text) && !slices.ContainsFunc(v.problems, isTold) {
		v.problem(path(), text, object.ErrTemplate)
	}
}

// mostOurs is how many containers with our names may be as we wrote them. The API
// server takes a name once.
const mostOurs = 16

func (v *viewer) mismatch(path edit.Path, value node.Value, expected string) {
	v.problem(path, value.Text(), fmt.Errorf("expected %s, but found %s", expected, value.Describe()))
}

func (v *viewer) containers(spec node.Value, at edit.Path, key string) []container {
	list := spec.Entry(key)
	if list.Exists() && !list.IsList() && !list.IsNull() {
		v.mismatch(append(slices.Clone(at), key), list, "a list of containers")
	}
	items := list.Items()
	found := make([]container, 0, len(items))
	for i, c := range items {
		v.isFilledIn(c.Entry("image"), func() edit.Path { return append(slices.Clone(at), key, i, "image") })
		found = append(found, container{name: c.Entry("name").Text(), path: append(slices.Clone(at), key, i), as: as(c.Entry("securityContext")), value: c})
	}
	return found
}

// given sees the init containers by our names as they were given to the API server, from
// which they may have been read back.
func (v *viewer) given(w *Workload) {
	ours, inPod, resources := 0, len(w.stand.root) == 0, node.Of(v.policy.Enforcement.Resources)
	for i, c := range w.initContainers {
		if !isContainer(c.name) || ours == mostOurs {
			continue
		}
		ours++
		c.value = stored.Given(c.value, inPod)
		c.digests = []string{c.value.Digest()}
		if is := c.value.Entry("resources"); is.Digest() != resources.Digest() && stored.SameResources(is, resources, inPod) {
			c.value = with(c.value, "resources", resources)
			c.digests = append(c.digests, c.value.Digest())
		}
		w.initContainers[i] = c
	}
}

// entries gives what stands in a list of scalars, nothing where there is no
// list.
func (v *viewer) entries(o object.Object, way []string) []string {
	value, path := o.Value, slices.Clone(o.Path)
	for i, step := range way {
		value, path = value.Entry(step), append(path, step)
		fits, called := value.IsMapping(), "a mapping"
		if i == len(way)-1 {
			fits, called = value.IsList(), "a list"
		}
		switch {
		case !value.Exists() || value.IsNull():
			return nil
		case !fits:
			v.mismatch(path, value, called)
			return nil
		}
	}
	found := make([]string, value.Len())
	for i, item := range value.Items() {
		if !item.IsScalar() || item.IsNull() {
			v.problem(append(slices.Clone(path), i), "", fmt.Errorf("expected an entry, but found %s: remove it", item.Describe()))
			continue
		}
		found[i] = item.Text()
	}
	return found
}

// isControlled reports whether a controller owns an object.
func isControlled(o node.Value) bool {
	return slices.ContainsFunc(o.Below("metadata", "ownerReferences").Items(), func(owner node.Value) bool {
		return owner.Entry("controller").Truth()
	})
}
