package fn

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/lint"
	"github.com/krm-bypass/krm-bypass/internal/transform"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// Options are what a run is told beside its input.
type Options struct {
	// Namespace is that of workloads whose manifests name none, and goes
	// before spec.defaultNamespace; "" if it is not known.
	Namespace string
	// Mesh and Image, where given, go before spec.mesh and spec.enforcement.image:
	// clusters that differ in them can share a spec.
	Mesh, Image string
	// Progress, where given, is called as objects are done, also by several
	// goroutines at a time, with how many of how many are.
	Progress func(done, total int)
}

// override puts what the options say in the place of what the spec says.
func (o Options) override(spec *ClusterBypass) {
	if o.Mesh != "" {
		spec.Spec.Mesh = o.Mesh
	}
	if o.Image != "" {
		enforcement := Enforcement{}
		if spec.Spec.Enforcement != nil {
			enforcement = *spec.Spec.Enforcement
		}
		enforcement.Image = o.Image
		spec.Spec.Enforcement = &enforcement
	}
}

// ErrFailed says that the results hold an error. The output is the ResourceList
// as it came, with the results in it.
var ErrFailed = errors.New("the input has errors, so nothing was changed")

// Process applies the ClusterBypass of a ResourceList to its items. The output
// differs from the input only where the spec asks for it, and in the list of
// results.
//
// The error is ErrFailed where a result is an error; output then holds the
// items as they came. It is another error, and there is no output, where the
// input is not a ResourceList.
func Process(input []byte, options Options) (output []byte, results Results, err error) {
	list, err := readList(input)
	if err != nil {
		return nil, nil, err
	}
	run := &run{from: list, config: list.configObject, remedy: "give one as the functionConfig", options: options}
	results = run.process()
	if results.Failed() {
		err = ErrFailed
		run.changed = nil
	}
	return list.rewritten(run.changed, results), results, err
}

// source is where the objects of a run stand, each a text of its own.
type source interface {
	count() int
	item(i int) yamltext.Fragment
	// aliases are the names of anchors that other items may use.
	aliases() []string
	place(i int) place
}

// place is where an item stands.
type place struct {
	// name is for messages about an item that cannot be read.
	name string
	// file and index are those of its document, "" where an orchestrator's
	// annotations have to tell.
	file  string
	index int
	// line of the file in which the item begins, from 1; 0 if it is not known.
	line int
}

// resourceList is a ResourceList as text, and where its parts stand in it.
type resourceList struct {
	tree  *yamltext.Tree
	items *yamltext.Node // nil if there are none
	// config is nil if there is none.
	config *yamltext.Node
}

// The kind that functions read and write. Both versions have the same schema.
var resourceListVersions = []string{"config.kubernetes.io/v1", "config.kubernetes.io/v1beta1", "config.kubernetes.io/v1alpha1"}

const resourceListKind = "ResourceList"

const wantList = "a KRM function reads a ResourceList (apiVersion config.kubernetes.io/v1) on standard input; kustomize and kpt send one"

func readList(input []byte) (*resourceList, error) {
	if len(bytes.TrimSpace(input)) == 0 {
		return nil, fmt.Errorf("standard input is empty: %s", wantList)
	}
	documents := yamltext.Documents(input)
	if len(documents) != 1 {
		return nil, fmt.Errorf("standard input holds %d YAML documents: %s", len(documents), wantList)
	}
	// Two levels: the list's own fields, and where its items begin and end.
	tree, err := (yamltext.Fragment{Text: input}).Outline(2)
	if err != nil {
		return nil, fmt.Errorf("reading standard input: %w", err)
	}
	if tree.Root == nil || tree.Root.Kind != yamltext.Mapping {
		return nil, fmt.Errorf("standard input holds no mapping: %s", wantList)
	}
	for i := 0; i+1 < len(tree.Root.Content); i += 2 {
		for j := 0; j < i; j += 2 {
			if name, ok := tree.Value(tree.Root.Content[i]); ok && tree.Is(tree.Root.Content[j], name) {
				return nil, fmt.Errorf("reading the ResourceList: the key %q stands twice, on lines %d and %d: take one away", name,
					yamltext.Line(input, tree.Root.Content[j].Start), yamltext.Line(input, tree.Root.Content[i].Start))
			}
		}
	}
	scalar := func(key string) string {
		if node := tree.Entry(tree.Root, key); node != nil {
			value, _ := tree.Value(node)
			return value
		}
		return ""
	}
	if kind := scalar("kind"); kind != resourceListKind {
		return nil, fmt.Errorf("standard input holds an object of kind %q: %s", kind, wantList)
	}
	if version := scalar("apiVersion"); !slices.Contains(resourceListVersions, version) {
		return nil, fmt.Errorf("the ResourceList has apiVersion %q: write %s", version, resourceListVersions[0])
	}
	list := &resourceList{tree: tree}
	if items := tree.Entry(tree.Root, "items"); items != nil && !isNothing(tree, items) {
		if items.Kind != yamltext.Sequence {
			return nil, fmt.Errorf("the ResourceList's items are a %s where a list is needed", items.Kind)
		}
		list.items = items
	}
	if config := tree.Entry(tree.Root, "functionConfig"); config != nil && !isNothing(tree, config) {
		if config.Kind != yamltext.Mapping {
			return nil, fmt.Errorf("the ResourceList's functionConfig is a %s where a mapping is needed", config.Kind)
		}
		list.config = config
	}
	return list, nil
}

// isNothing says whether a node is null, or an empty mapping as kpt sends where
// there is no functionConfig.
func isNothing(tree *yamltext.Tree, node *yamltext.Node) bool {
	switch node.Kind {
	case yamltext.Scalar:
		value, _ := tree.Value(node)
		return node.Style == yamltext.Plain && (value == "" || value == "null" || value == "~")
	case yamltext.Mapping:
		return node.Style == yamltext.Flow && len(bytes.Trim(node.Text(tree.Text), "{} \t\r\n")) == 0
	}
	return false
}

func (l *resourceList) count() int {
	if l.items == nil {
		return 0
	}
	return len(l.items.Content)
}

func (l *resourceList) item(i int) yamltext.Fragment { return l.tree.Item(l.items, i) }

func (l *resourceList) aliases() []string { return l.tree.Aliases }

func (l *resourceList) place(i int) place { return place{name: fmt.Sprintf("items[%d]", i)} }

// run is one application of a policy to the objects of a source.
type run struct {
	from source
	// config gives the object that was said to count, nil if none was; remedy
	// says how to say one.
	config  func() (*configObject, Results)
	remedy  string
	options Options
	policy  *transform.Policy
	// read has read the spec that the policy is made of.
	read   *decoder
	linter *lint.Linter
	// changed holds the new text of items that changed, by place.
	changed map[int][]byte
}

func (r *run) process() Results {
	heads, results := r.heads()
	if results.Failed() {
		return results
	}
	policy, results := r.findPolicy(heads)
	if results.Failed() {
		return results
	}
	r.policy = policy
	r.linter = lint.New(policy)
	return append(results, r.apply(heads)...).inOrder()
}

// head is what is known of an item without decoding it.
type head struct{ apiVersion, kind string }

func (r *run) heads() ([]head, Results) {
	heads := make([]head, r.from.count())
	var results Results
	for i := range heads {
		values, err := r.from.item(i).Scalars("apiVersion", "kind")
		if err != nil {
			results = append(results, r.broken(i, err))
			continue
		}
		heads[i] = head{values[0], values[1]}
		if values[0] == "" || values[1] == "" {
			// It is not there, or twice, or written as nobody writes it.
			node, err := decode(r.from.item(i))
			if err != nil {
				results = append(results, r.broken(i, err))
				continue
			}
			named := headOf(node)
			heads[i] = head{named.apiVersion, named.kind}
		}
	}
	return heads, results
}

// broken is the result for an item that cannot be read.
func (r *run) broken(i int, err error) Result {
	at := r.from.place(i)
	result := Result{Severity: Error, Message: fmt.Sprintf("reading %s: %v", at.name, err), File: fileOf(at.file, at.index)}
	if at.line == 0 {
		return result
	}
	// The line is said once, and as that of the file.
	line, problem := located(err)
	result.Line = at.line + max(line, 1) - 1
	result.Message = fmt.Sprintf("reading %s: %s", at.name, problem)
	if bytes.Contains(r.from.item(i).Text, []byte(templated)) {
		result.Message += "; it looks like a template of a Helm chart: render the chart, as in helm template DIR | krm-bypass render -"
	}
	return result
}

// templated is how Helm's templates begin what they fill in.
const templated = "{{"

// located tells the line that a parser names from what it has to say; the line
// is 0 where it names none.
func located(err error) (line int, problem string) {
	if syntax := (*yamltext.Error)(nil); errors.As(err, &syntax) {
		return syntax.Line, fmt.Sprintf("%v: %s", syntax.Kind, syntax.Problem)
	}
	// yaml/v3 has no type for it (go.yaml.in/yaml/v3 yaml.go, fail).
	if _, scanErr := fmt.Sscanf(err.Error(), "yaml: line %d:", &line); scanErr == nil {
		_, problem, _ = strings.Cut(err.Error(), ": ")
		_, problem, _ = strings.Cut(problem, ": ")
		return line, yamltext.ErrSyntax.Error() + ": " + problem
	}
	return 0, err.Error()
}

// decode reads an item for what it says.
func decode(fragment yamltext.Fragment) (*yaml.Node, error) {
	var node yaml.Node
	if err := yaml.Unmarshal(fragment.Readable(), &node); err != nil {
		return nil, err
	}
	return &node, nil
}

// findPolicy reads the functionConfig, or else the one ClusterBypass among the
// items.
func (r *run) findPolicy(heads []head) (*transform.Policy, Results) {
	found, failed := r.config()
	if failed != nil {
		return nil, failed
	}
	options := r.options
	if found != nil {
		if namespace, only := onlyNamespace(found.node); only {
			found, options.Namespace = nil, cmp.Or(options.Namespace, namespace)
		}
	}
	if found == nil {
		spec, failed := r.specAmongItems(heads)
		if failed != nil {
			return nil, failed
		}
		found = spec
	}
	policy, results := found.policy(options)
	r.read = found.decoder
	return policy, results
}

// specAmongItems finds the one ClusterBypass among the items.
func (r *run) specAmongItems(heads []head) (*configObject, Results) {
	var specs []*configObject
	var places []string
	for i, h := range heads {
		if !isSpec(h.apiVersion, h.kind) {
			continue
		}
		node, err := decode(r.from.item(i))
		if err != nil {
			return nil, Results{r.broken(i, err)}
		}
		at := r.from.place(i)
		specs = append(specs, &configObject{node: node, file: at.file, line: at.line})
		places = append(places, cmp.Or(at.file, originOf(node, at.name)))
	}
	switch len(specs) {
	case 0:
		return nil, Results{{Severity: Error, Message: fmt.Sprintf("there is no %s: %s, or put one (apiVersion %s) among the resources", Kind, r.remedy, APIVersion)}}
	case 1:
		return specs[0], nil
	}
	return nil, Results{{Severity: Error, Message: fmt.Sprintf("there are %d objects of kind %s (%s), and it is not said which counts: keep one, or %s", len(specs), Kind, strings.Join(places, ", "), r.remedy)}}
}

// configObject gives the functionConfig, nil if there is none.
func (l *resourceList) configObject() (*configObject, Results) {
	if l.config == nil {
		return nil, nil
	}
	full := l.config.Full()
	node, err := decode(yamltext.Fragment{Text: l.tree.Text[full.Start:full.End:full.End], Column: l.config.Column})
	if err != nil {
		return nil, Results{{Severity: Error, Message: fmt.Sprintf("reading the functionConfig: %v", err)}}
	}
	return &configObject{node: node}, nil
}

// objectHead is what names an object.
type objectHead struct {
	apiVersion, kind, name, namespace string
	labels, annotations               map[string]string
}

// headOf reads as much of a head as there is: the object may be anything, and
// what is wrong with it is for others to say.
func headOf(node *yaml.Node) objectHead {
	scalar := func(path ...any) string {
		if n := transform.Lookup(node, path); n != nil && n.Kind == yaml.ScalarNode && n.ShortTag() != "!!null" {
			return n.Value
		}
		return ""
	}
	strings := func(path ...any) map[string]string {
		values := map[string]string{}
		if n := transform.Lookup(node, path); n != nil && n.Kind == yaml.MappingNode {
			for i := 0; i+1 < len(n.Content); i += 2 {
				values[n.Content[i].Value] = n.Content[i+1].Value
			}
		}
		return values
	}
	return objectHead{
		apiVersion: scalar("apiVersion"), kind: scalar("kind"),
		name: scalar("metadata", "name"), namespace: scalar("metadata", "namespace"),
		labels: strings("metadata", "labels"), annotations: strings("metadata", "annotations"),
	}
}

func refOf(node *yaml.Node) *ResourceRef {
	head := headOf(node)
	if head.apiVersion == "" || head.kind == "" {
		return nil
	}
	return &ResourceRef{APIVersion: head.apiVersion, Kind: head.kind, Name: head.name, Namespace: head.namespace}
}

// originOf names the file of an object, if an orchestrator said.
func originOf(node *yaml.Node, otherwise string) string {
	if file, _ := transform.Provenance(headOf(node).annotations); file != "" {
		return file
	}
	return otherwise
}

// outcome is what came of one item.
type outcome struct {
	examined
	text []byte // nil if it is unchanged
}

// apply looks at every item that may be a workload. Items do not depend on one
// another, so they are spread over the processors.
func (r *run) apply(heads []head) Results {
	outcomes := make([]outcome, len(heads))
	inParallel(len(heads), func(i int) {
		if r.policy.IsCandidate(heads[i].apiVersion, heads[i].kind) {
			outcomes[i] = r.rewrite(i)
		}
		if r.options.Progress != nil {
			r.options.Progress(i+1, len(heads))
		}
	})

	var all examined
	r.changed = map[int][]byte{}
	for i, o := range outcomes {
		all.add(o.examined)
		if o.text != nil {
			r.changed[i] = o.text
		}
	}
	found := lintBeside(r.linter, &all, heads, func(i int, wanted lint.Wanted) *lint.Items {
		return wantedOf(r.from.item(i), i, heads[i], wanted)
	})
	return append(all.judged(r.policy), r.located(found)...)
}

// rewrite plans and splices one item.
func (r *run) rewrite(i int) outcome {
	text, err := edit.Read(r.from.item(i))
	if err != nil {
		return outcome{examined: examined{results: Results{r.broken(i, err)}}}
	}
	text.Aliases = r.from.aliases()
	o := outcome{examined: examine(r.policy, text.Nodes, text.Source, r.from.place(i))}
	if o.results.Failed() {
		return o
	}
	if len(o.edits) > 0 {
		// The nodes become those of the changed text.
		o.text, err = text.Apply(o.edits)
		o.edits = nil // of many objects they would be most of the memory
		if err != nil {
			o.results = append(o.results, malformed(text.Nodes, err, r.from.place(i)))
			return o
		}
	}
	o.lookAt(r.linter, text.Nodes, i)
	return o
}

// examined is what the policy makes of objects.
type examined struct {
	edits   []edit.Edit
	results Results
	// plans and configs are kept for a mesh with a configuration of its own,
	// to be held against each other.
	plans   []*transform.Plan
	configs []placedConfig
	// planned are the plans of this object alone; workloads is what remains of
	// them for the linter, findings what it found by them alone.
	planned   []*transform.Plan
	workloads []*lint.Workload
	findings  []lint.Finding
}

// placedConfig is the plan for a mesh's configuration and where that stands.
type placedConfig struct {
	*transform.ConfigPlan
	object
}

func (e *examined) add(other examined) {
	e.results = append(e.results, other.results...)
	e.plans = append(e.plans, other.plans...)
	e.configs = append(e.configs, other.configs...)
	e.workloads = append(e.workloads, other.workloads...)
	e.findings = append(e.findings, other.findings...)
}

// judged gives the results, among them what is to be said of the mesh's own
// configurations once every workload is known.
func (e *examined) judged(policy *transform.Policy) Results {
	for _, c := range e.configs {
		e.results = append(e.results, c.resultsOf(&c.Config.Object, policy.JudgeConfig(c.ConfigPlan, e.plans))...)
	}
	return e.results
}

// examine plans the workloads and mesh configurations of one object.
func examine(policy *transform.Policy, node *yaml.Node, source func(edit.Path) (string, error), at place) examined {
	var e examined
	in := object{node, at}
	configs, problems := policy.MeshConfigs(node, source)
	for _, err := range problems {
		wrong := malformed(node, err, at)
		if !policy.UpdatesMeshConfig() {
			wrong.Severity = Warning // it is not ours to write
		}
		e.results = append(e.results, wrong)
	}
	for _, c := range configs {
		plan := policy.PlanConfig(c)
		e.results = append(e.results, in.resultsOf(&c.Object, plan.Findings)...)
		e.edits = append(e.edits, plan.Edits...)
		e.configs = append(e.configs, placedConfig{plan, in})
	}
	workloads, problems := policy.Workloads(node, source)
	for _, err := range problems {
		e.results = append(e.results, malformed(node, err, at))
	}
	for _, w := range workloads {
		plan := policy.Plan(w)
		e.results = append(e.results, in.resultsOf(&w.Object, plan.Findings)...)
		e.edits = append(e.edits, plan.Edits...)
		e.planned = append(e.planned, plan)
		if policy.Mesh.Config != nil {
			e.plans = append(e.plans, plan)
		}
	}
	return e
}

// malformed is the result for an object in which something is not as it has to
// be.
func malformed(node *yaml.Node, err error, at place) Result {
	in := object{node, at}
	result := Result{Severity: Error, Message: err.Error(), ResourceRef: refOf(node)}
	file, index := transform.Provenance(headOf(node).annotations)
	var path edit.Path
	if field := (*transform.FieldError)(nil); errors.As(err, &field) {
		result.Message = field.Err.Error()
		result.Field = &Field{Path: field.Path.String(), CurrentValue: field.Value}
		path = field.Path
	}
	in.locate(&result, file, index, path)
	return result
}

// rewritten puts the list together again, with the changed items and the
// results in it.
func (l *resourceList) rewritten(changed map[int][]byte, results Results) []byte {
	replacements := make([]replacement, 0, len(changed)+1)
	for i, text := range changed {
		replacements = append(replacements, replacement{l.tree.ItemSpan(l.items, i), text})
	}
	replacements = append(replacements, l.renderResults(results))
	return replaced(l.tree.Text, replacements)
}

// replacement is new text for a span of old text.
type replacement struct {
	yamltext.Span
	text []byte
}

func replaced(text []byte, replacements []replacement) []byte {
	slices.SortFunc(replacements, func(a, b replacement) int { return cmp.Compare(a.Start, b.Start) })
	size := len(text)
	for _, r := range replacements {
		size += len(r.text) - (r.End - r.Start)
	}
	out, at := make([]byte, 0, size), 0
	for _, r := range replacements {
		out = append(append(out, text[at:r.Start]...), r.text...)
		at = r.End
	}
	return append(out, text[at:]...)
}

const resultsKey = "results"

// renderResults says where in the list the results go, and their text there.
// Results that came with the input are those of an earlier run and are
// replaced.
func (l *resourceList) renderResults(results Results) replacement {
	text, root := l.tree.Text, l.tree.Root
	var key, value *yamltext.Node
	for i := 0; i+1 < len(root.Content); i += 2 {
		if l.tree.Is(root.Content[i], resultsKey) {
			key, value = root.Content[i], root.Content[i+1]
		}
	}
	if root.Style == yamltext.Flow {
		if value != nil {
			return replacement{value.Full(), jsonResults(results)}
		}
		end := root.Content[len(root.Content)-1].Full().End
		if len(results) == 0 {
			return replacement{Span: yamltext.Span{Start: end, End: end}}
		}
		return replacement{yamltext.Span{Start: end, End: end}, slices.Concat(l.beforeFlowEntry(), []byte(`"`+resultsKey+`": `), jsonResults(results))}
	}
	span := yamltext.Span{Start: yamltext.NextLine(text, root.End)}
	span.End = span.Start
	if key != nil {
		span = yamltext.Span{Start: yamltext.LineStart(text, key.Start), End: yamltext.NextLine(text, max(key.End, value.Full().End))}
	}
	if len(results) == 0 {
		return replacement{Span: span}
	}
	rendered := bytes.ReplaceAll(blockResults(results, root.Column, l.compact()), []byte("\n"), l.lineBreak())
	broken := func(at int) bool { return at == 0 || yamltext.BreakBefore(text, at) > 0 }
	if !broken(span.Start) {
		rendered = slices.Concat(l.lineBreak(), rendered)
	}
	if !broken(span.End) {
		rendered = bytes.TrimSuffix(rendered, l.lineBreak())
	}
	return replacement{span, rendered}
}

// lineBreak is what the list's first line ends with.
func (l *resourceList) lineBreak() []byte {
	text := l.tree.Text
	if at := yamltext.LineEnd(text, 0); at < len(text) {
		return text[at:yamltext.NextLine(text, 0)]
	}
	return []byte("\n")
}

// compact says whether the list's sequences stand at the column of their keys,
// as kustomize and kpt write them.
func (l *resourceList) compact() bool {
	return l.items == nil || l.items.Style == yamltext.Flow || l.items.Column <= l.tree.Root.Column
}

// beforeFlowEntry gives what separates a new last entry of a list in flow style
// from the one before: a line of its own if that has one.
func (l *resourceList) beforeFlowEntry() []byte {
	text, entries := l.tree.Text, l.tree.Root.Content
	key := entries[len(entries)-2].Full().Start
	prefix := text[yamltext.LineStart(text, key):key]
	if key == 0 || len(bytes.TrimSpace(prefix)) > 0 {
		return []byte(", ")
	}
	return slices.Concat([]byte(","), l.lineBreak(), prefix)
}

// jsonResults gives the results as JSON, which is YAML in flow style too.
func jsonResults(results Results) []byte {
	if results == nil {
		results = Results{}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(results) // strings and ints always encode
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// blockResults gives the results as an entry of a mapping in block style that
// stands at the column.
func blockResults(results Results, column int, compact bool) []byte {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if compact {
		enc.CompactSeqIndent()
	}
	_ = enc.Encode(map[string]Results{resultsKey: results}) // strings and ints always encode
	if column == 0 {
		return b.Bytes()
	}
	indentation := strings.Repeat(" ", column)
	return []byte(indentation + strings.ReplaceAll(strings.TrimSuffix(b.String(), "\n"), "\n", "\n"+indentation) + "\n")
}
