package transform

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
)

// Object is what a plan needs to see of any object.
type Object struct {
	APIVersion, Kind, Name, Namespace string
	// File and Index are where the object came from, if an orchestrator said.
	File  string
	Index int
	// Item is for who looks at many documents to know this one's by.
	Item int
	// Annotations are the object's own.
	Annotations map[string]string

	// base leads from the document to the object, which may be an item of a
	// List.
	base edit.Path
	// parents are the nodes that a plan may have to create.
	parents map[string]parent
	source  func(edit.Path) (string, error)
}

// Workload is what the plan needs to see of an object with a pod template.
type Workload struct {
	Object
	// TemplateLabels and TemplateAnnotations are the pod template's. Merge
	// keys are followed.
	TemplateLabels, TemplateAnnotations map[string]string

	// mergedAnnotations are those of the template that a merge key brings
	// in, also where an explicit key hides them.
	mergedAnnotations map[string]string
	// above are the places with annotations that lie above the template.
	above []annotated
	kind  Kind
	// generated says that the API server makes up the name.
	generated  bool
	controlled bool
	referenced bool
	// podless says that there is no pod spec, as in a patch.
	podless     bool
	hostNetwork bool
	// windows are the steps from the template to the field that says so, nil
	// where none does.
	windows []any
	// initContainers and containers are the template's, in their order.
	initContainers, containers []container
	// pullSecrets are the pod's image pull secrets, and hasPullSecrets the names
	// of all of them.
	pullSecrets    sharedList
	hasPullSecrets []string
}

// parent is a node that a plan may create, fill or empty.
type parent struct {
	state parentState
	// children are the keys of a mapping, or for a list one name an item.
	children []string
	// lent says that all of them are an orchestrator's, which takes them away
	// again behind the function.
	lent bool
}

type parentState int

const (
	absent parentState = iota
	// null stands there as a key without a value.
	null
	present
)

type container struct {
	name string
	// digest is that of the whole container, for one by our name alone.
	digest string
}

// Path gives the path of a field given relative to the object.
func (o *Object) Path(relative ...any) edit.Path {
	return slices.Concat(o.base, edit.Path(relative))
}

func (w *Workload) templatePath(relative ...any) edit.Path {
	return slices.Concat(w.base, steps(w.kind.Template), edit.Path(relative))
}

// Named gives what names the object and says where it stands, to be kept longer
// than all that a plan needs to see of it.
func (o *Object) Named() *Object {
	return &Object{
		APIVersion: o.APIVersion, Kind: o.Kind, Name: o.Name, Namespace: o.Namespace,
		File: o.File, Index: o.Index, Item: o.Item, base: o.base,
	}
}

// steps gives keys as the steps of a path.
func steps(keys []string) []any {
	path := make([]any, len(keys))
	for i, key := range keys {
		path[i] = key
	}
	return path
}

func (w *Workload) hasContainer(name string) bool {
	return slices.ContainsFunc(slices.Concat(w.initContainers, w.containers), func(c container) bool { return c.name == name })
}

// ID gives the object's kind and name for messages.
func (o *Object) ID() string { return o.Kind + " " + o.Name }

// FieldError is about one field of an object.
type FieldError struct {
	Path edit.Path
	// Value is what stands there, "" if that says nothing.
	Value string
	Err   error
}

func (e *FieldError) Error() string { return fmt.Sprintf("%s: %v", e.Path, e.Err) }

// Unwrap gives the error itself.
func (e *FieldError) Unwrap() error { return e.Err }

// IsCandidate says by its apiVersion and kind alone whether an object may be or
// hold a workload or the configuration of a mesh, so that nothing else need be decoded.
func (p *Policy) IsCandidate(apiVersion, kind string) bool {
	if IsList(kind) {
		return true
	}
	if _, configures := mesh.ConfiguredBy(groupOf(apiVersion), kind); configures {
		return true
	}
	_, found := p.kindOf(apiVersion, kind)
	return found
}

// IsList says whether an object holds others as its items: v1 List, and the
// typed lists that kubectl get prints.
func IsList(kind string) bool { return kind == "List" || strings.HasSuffix(kind, "List") }

func (p *Policy) kindOf(apiVersion, kind string) (Kind, bool) {
	g := groupOf(apiVersion)
	i := slices.IndexFunc(p.Kinds, func(k Kind) bool { return k.Kind == kind && k.Group == g })
	if i < 0 {
		return Kind{}, false
	}
	return p.Kinds[i], true
}

// Workloads finds the workloads of a document: the document itself, or the items
// of a List at any depth. source gives the text of a value as it stands in the
// document. Every error is a *FieldError; a workload that is not well formed
// is among the errors only.
func (p *Policy) Workloads(document *yaml.Node, source func(edit.Path) (string, error)) ([]*Workload, []error) {
	var found []*Workload
	var problems []error
	eachObject(document, func(node *yaml.Node, base edit.Path, from provenance) bool {
		k, known := p.kindOf(text(child(node, "apiVersion")), text(child(node, "kind")))
		if !known {
			return false
		}
		w, errs := view(node, base, k)
		for _, err := range errs {
			problems = append(problems, err)
		}
		if len(errs) == 0 {
			w.source = source
			from.fill(&w.Object)
			found = append(found, w)
		}
		return true
	})
	return found, problems
}

// Objects gives the objects of a document that are asked for by apiVersion and
// kind, as Workloads does, each with its node. What is wrong with them is for
// others to say.
func Objects(document *yaml.Node, wanted func(apiVersion, kind string) bool, visit func(*Object, *yaml.Node)) {
	eachObject(document, func(node *yaml.Node, base edit.Path, from provenance) bool {
		if !wanted(text(child(node, "apiVersion")), text(child(node, "kind"))) {
			return false
		}
		o := (&viewer{base: base}).object(node)
		from.fill(&o)
		visit(&o, node)
		return true
	})
}

// provenance is where a document came from.
type provenance struct {
	file  string
	index int
}

// fill says where an object came from that does not say so itself.
func (from provenance) fill(o *Object) {
	if o.File == "" {
		o.File, o.Index = from.file, from.index
	}
}

// eachObject visits the objects of a document: the document itself, and the
// items of a List at any depth. visit says whether it has taken the object, so
// that there is nothing to look for in it.
func eachObject(document *yaml.Node, visit func(node *yaml.Node, base edit.Path, from provenance) (taken bool)) {
	root := document
	if root.Kind == yaml.DocumentNode && len(root.Content) == 1 {
		root = root.Content[0]
	}
	// What stands in a List came from the List's file.
	own, _ := (&viewer{}).strings(child(root, "metadata"), nil, "annotations")
	var from provenance
	from.file, from.index = Provenance(own)
	// An alias may lead to a List that it stands in, or many to one.
	lists := map[*yaml.Node]bool{}
	var each func(node *yaml.Node, base edit.Path)
	each = func(node *yaml.Node, base edit.Path) {
		node = resolved(node)
		if node == nil || node.Kind != yaml.MappingNode || visit(node, base, from) {
			return
		}
		if items := resolved(child(node, "items")); IsList(text(child(node, "kind"))) && items != nil && items.Kind == yaml.SequenceNode && !lists[items] {
			lists[items] = true
			for i, item := range items.Content {
				each(item, slices.Concat(base, edit.Path{"items", i}))
			}
		}
	}
	each(root, nil)
}

// view looks at one object.
func view(object *yaml.Node, base edit.Path, kind Kind) (*Workload, []*FieldError) {
	v := viewer{base: base}
	v.duplicates(object, base)
	w := &Workload{Object: v.object(object), kind: kind}
	metadata := resolved(child(object, "metadata"))
	if w.Name == "" {
		w.Name, w.generated = text(child(metadata, "generateName")), true
	}
	w.controlled = slices.ContainsFunc(items(child(metadata, "ownerReferences")), func(owner *yaml.Node) bool {
		return truth(child(owner, "controller"))
	})

	template, templatePath := object, base
	for i, step := range kind.Template {
		w.lookAbove(template, kind.Template[:i])
		template = v.mapping(template, templatePath, step)
		templatePath = append(slices.Clone(templatePath), step)
	}
	if kind.Reference != nil {
		reference := object
		for _, step := range kind.Reference {
			reference = resolved(child(reference, step))
		}
		w.referenced = reference != nil
	}
	templateMetadata := v.mapping(template, templatePath, "metadata")
	w.TemplateLabels, _ = v.strings(templateMetadata, w.templatePath("metadata"), "labels")
	w.TemplateAnnotations, w.mergedAnnotations = v.strings(templateMetadata, w.templatePath("metadata"), "annotations")
	spec := v.mapping(template, templatePath, "spec")
	w.podless = spec == nil
	w.hostNetwork = truth(child(spec, "hostNetwork"))
	for _, by := range [][]string{{"spec", "os", "name"}, {"spec", "nodeSelector", "kubernetes.io/os"}} {
		node := spec
		for _, step := range by[1:] {
			node = resolved(child(node, step))
		}
		if text(node) == "windows" {
			w.windows = steps(by)
		}
	}
	w.initContainers = v.containers(spec, w.templatePath("spec"), "initContainers")
	w.containers = v.containers(spec, w.templatePath("spec"), "containers")
	w.pullSecrets.name = w.templatePath("spec", pullSecretsField)[len(base):].String()
	for _, item := range items(child(spec, pullSecretsField)) {
		name, alone := pullSecret(item)
		w.hasPullSecrets = append(w.hasPullSecrets, name)
		if !alone {
			name = ""
		}
		w.pullSecrets.entries = append(w.pullSecrets.entries, name)
	}

	w.see(object, w.Path("metadata"))
	w.see(object, w.Path("metadata", "annotations"))
	w.see(object, w.templatePath("metadata"))
	w.see(object, w.templatePath("metadata", "annotations"))
	w.see(object, w.templatePath("spec", "initContainers"))
	w.see(object, w.templatePath("spec", pullSecretsField))
	return w, v.problems
}

// object looks at what every object has.
func (v *viewer) object(node *yaml.Node) Object {
	o := Object{
		APIVersion: text(child(node, "apiVersion")),
		Kind:       text(child(node, "kind")),
		base:       v.base,
		parents:    map[string]parent{},
	}
	metadata := v.mapping(node, v.base, "metadata")
	o.Name = text(child(metadata, "name"))
	o.Namespace = text(child(metadata, "namespace"))
	o.Annotations, _ = v.strings(metadata, o.Path("metadata"), "annotations")
	o.File, o.Index = Provenance(o.Annotations)
	return o
}

// lookAbove notes the annotations of a node on the way to the template. What is
// wrong with them is not the function's affair.
func (w *Workload) lookAbove(node *yaml.Node, way []string) {
	annotations := w.Annotations
	if len(way) > 0 {
		annotations, _ = (&viewer{}).strings(child(node, "metadata"), nil, "annotations")
	}
	if len(annotations) > 0 {
		w.above = append(w.above, annotated{append(steps(way), "metadata", "annotations"), annotations})
	}
}

// see notes what stands at the path of a parent.
func (o *Object) see(object *yaml.Node, path edit.Path) {
	node := object
	for _, step := range path[len(o.base):] {
		node = resolved(child(node, step.(string)))
	}
	var p parent
	switch {
	case node == nil:
	case isNull(node):
		p.state = null
	case node.Kind == yaml.MappingNode:
		p.state = present
		p.lent = len(node.Content) > 0
		for i := 0; i+1 < len(node.Content); i += 2 {
			p.children = append(p.children, node.Content[i].Value)
			p.lent = p.lent && isLent(node.Content[i].Value)
		}
	case node.Kind == yaml.SequenceNode:
		p.state = present
		for range node.Content {
			p.children = append(p.children, "")
		}
	}
	o.parents[path.String()] = p
}

// viewer collects what is wrong with an object.
type viewer struct {
	base     edit.Path
	problems []*FieldError
}

func (v *viewer) problem(path edit.Path, value string, err error) {
	v.problems = append(v.problems, &FieldError{Path: slices.Clone(path), Value: value, Err: err})
}

// mapping gives the mapping below a key, nil where there is none.
func (v *viewer) mapping(parent *yaml.Node, path edit.Path, key string) *yaml.Node {
	node := resolved(child(parent, key))
	if node == nil || node.Kind == yaml.MappingNode {
		return node
	}
	path = append(slices.Clone(path), key)
	if isNull(node) {
		if key == "metadata" {
			return nil
		}
		v.problem(path, "", errors.New("without a value: a mapping is needed"))
		return nil
	}
	v.problem(path, node.Value, fmt.Errorf("%s where a mapping is needed", describe(node)))
	return nil
}

// strings gives the mapping below a key, whose values must be strings, and what
// of it a merge key brings in.
func (v *viewer) strings(parent *yaml.Node, path edit.Path, key string) (values, merged map[string]string) {
	values, merged = map[string]string{}, map[string]string{}
	node := resolved(child(parent, key))
	if node == nil || isNull(node) {
		return values, merged
	}
	path = append(slices.Clone(path), key)
	if node.Kind != yaml.MappingNode {
		v.problem(path, node.Value, fmt.Errorf("%s where a mapping of strings is needed", describe(node)))
		return values, merged
	}
	eachEntry(node, func(name string, value *yaml.Node, isMerged bool) {
		if value == nil || value.Kind != yaml.ScalarNode || value.ShortTag() != "!!str" && !isNull(value) {
			remedy := "put it into quotes"
			if value == nil || value.Kind != yaml.ScalarNode {
				remedy = "write one string in quotes"
			}
			v.problem(append(slices.Clone(path), name), text(value), fmt.Errorf("%s where a string is needed: %s", describe(value), remedy))
			return
		}
		if _, known := values[name]; !known { // an explicit key comes first and counts
			values[name] = text(value)
		}
		if isMerged {
			merged[name] = text(value)
		}
	})
	return values, merged
}

func (v *viewer) containers(spec *yaml.Node, at edit.Path, key string) []container {
	var found []container
	if node := resolved(child(spec, key)); node != nil && node.Kind != yaml.SequenceNode && !isNull(node) {
		v.problem(append(slices.Clone(at), key), "", fmt.Errorf("%s where a list of containers is needed", describe(node)))
	}
	for _, c := range items(child(spec, key)) {
		name := text(child(resolved(c), "name"))
		one := container{name: name}
		if name == InitName {
			one.digest = nodeDigest(c)
		}
		found = append(found, one)
	}
	return found
}

// duplicates reports mapping keys that stand twice. A parser that takes the
// first and one that takes the last would see two different workloads.
func (v *viewer) duplicates(node *yaml.Node, path edit.Path) {
	switch node.Kind {
	case yaml.MappingNode:
		lines := make(map[string]int, len(node.Content)/2)
		for i := 0; i+1 < len(node.Content); i += 2 {
			key := node.Content[i]
			if line, twice := lines[key.Value]; twice && key.Kind == yaml.ScalarNode {
				v.problem(append(slices.Clone(path), key.Value), "",
					fmt.Errorf("the key stands twice, on lines %d and %d: take one away", line, key.Line))
			}
			lines[key.Value] = key.Line
			v.duplicates(node.Content[i+1], append(path, key.Value))
		}
	case yaml.SequenceNode:
		for i, item := range node.Content {
			v.duplicates(item, append(path, i))
		}
	}
}
