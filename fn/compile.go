package fn

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"reflect"
	"slices"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/spelling"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

const defaultMesh = "Istio"

func namespacePath(i int) string { return fmt.Sprintf("spec.namespaces[%d]", i) }

func workloadPath(i int) string { return fmt.Sprintf("spec.workloads[%d]", i) }

// Default fills every field that has a default and is not set.
func (c *ClusterBypass) Default() {
	setDefault(&c.APIVersion, APIVersion)
	setDefault(&c.Kind, Kind)
	s := &c.Spec
	setDefault(&s.Mesh, defaultMesh)
	setDefault(&s.Merge, "Override")
	setDefault(&s.MeshConfig, "Ignore")
	if s.Enforcement == nil {
		s.Enforcement = &Enforcement{}
	}
	e := s.Enforcement
	setDefault(&e.Mode, string(transform.InitContainer))
	setDefault(&e.ImagePullPolicy, "IfNotPresent")
	setDefault(&e.Backend, "auto")
	if e.Resources == nil {
		// Programming 10,000 ranges takes less than 24 MiB and a few
		// hundredths of a second (make bench). Limits and requests are equal,
		// since one container in which they are not takes a pod out of the
		// class Guaranteed, and its processors with it (Kubernetes'
		// pkg/apis/core/v1/helper/qos). A pod asks for the most of its init
		// containers or the sum of the others, so that this adds to few.
		small := map[string]Quantity{"cpu": "50m", "memory": "64Mi"}
		e.Resources = &Resources{Limits: small, Requests: small}
	}
}

func setDefault(field *string, value string) {
	if *field == "" {
		*field = value
	}
}

// Validate reports everything that is wrong with the spec, as Problems; nil if
// it is fine. Defaults must have been filled in.
func (c *ClusterBypass) Validate() error {
	_, err := c.compile("")
	return err
}

// compiler makes a policy of a spec and collects what is wrong with the spec.
type compiler struct {
	mesh     *mesh.Mesh
	problems Problems
	// bounds are what no scope may say, own is what the mesh does by itself.
	bounds transform.Limits
	own    traffic.Settings
}

func (c *compiler) problem(path, value, format string, args ...any) {
	c.problems = append(c.problems, Problem{Path: path, Value: value, Message: fmt.Sprintf(format, args...)})
}

var merges = map[string]traffic.Merge{"Override": traffic.Override, "Union": traffic.Union}

// compile makes a policy of the spec. namespace is the one that the caller
// gives, which goes before spec.defaultNamespace; "" if it gives none.
func (c *ClusterBypass) compile(namespace string) (*transform.Policy, error) {
	s := c.Spec
	m, known := mesh.ByName(s.Mesh)
	co := &compiler{mesh: m}
	if !known {
		co.problem("spec.mesh", s.Mesh, "%q is not known: write one of %s", s.Mesh, quotedList(mesh.Names()))
		// The other fields are looked at all the same, as for the default.
		m, _ = mesh.ByName(defaultMesh)
		co.mesh = m
	}
	policy := &transform.Policy{
		Mesh:             m,
		Merge:            merges[s.Merge],
		Mode:             transform.Mode(s.Enforcement.Mode),
		Kinds:            slices.Clone(transform.Kinds),
		Namespace:        cmp.Or(namespace, s.DefaultNamespace),
		RequireNamespace: s.RequireNamespace,
		Lint:             s.Lint.severities(),
		Enforcement: transform.Enforcement{
			Image:            s.Enforcement.Image,
			ImagePullPolicy:  s.Enforcement.ImagePullPolicy,
			ImagePullSecrets: names(s.Enforcement.ImagePullSecrets),
			Backend:          s.Enforcement.Backend,
			Resources:        s.Enforcement.Resources.node(),
		},
	}
	for i, t := range s.PodTemplates {
		policy.Kinds = append(policy.Kinds, co.podTemplate(t, fmt.Sprintf("spec.podTemplates[%d]", i)))
	}
	if s.Enrolment != nil {
		policy.Enrolled = s.Enrolment.Namespaces
		co.globs(s.Enrolment.Namespaces, "spec.enrolment.namespaces", namespaceGlob)
	}
	if ns := s.DefaultNamespace; ns != "" && !namespaceName.matches(ns) {
		co.problem("spec.defaultNamespace", ns, "%q can be no namespace: write a name of lower-case letters, digits and \"-\"", ns)
	}
	if s.MeshDefaults != nil {
		policy.MeshDefaults = co.meshDefaults(*s.MeshDefaults)
	} else {
		policy.MeshDefaults, policy.DefaultsImplied = m.Defaults, true
	}
	if s.Limits != nil {
		policy.Limits = co.limits(*s.Limits)
		co.bounds, co.own = policy.Limits, policy.Own()
	}
	if s.Global != nil {
		policy.Scopes = append(policy.Scopes, transform.Scope{
			Path: transform.GlobalPath, Merge: policy.Merge, Layer: co.layer(s.Global.Traffic, transform.GlobalPath, true),
		})
	}
	for i, r := range s.Namespaces {
		at := namespacePath(i)
		co.globs(r.Match.Names, at+".match.names", namespaceGlob)
		if len(r.Match.Names) == 0 {
			co.problem(at+".match", "", `an empty match speaks of everything: name namespaces, or move the rule to spec.global`)
		}
		policy.Scopes = append(policy.Scopes, co.scope(at, r.Traffic, r.Merge, r.Enforcement, policy.Merge, &transform.Match{Namespaces: r.Match.Names}))
		co.forbiddenNamespaces(r.Match.Names, at+".match.names", policy.Scopes[len(policy.Scopes)-1].Layer)
	}
	for i, r := range s.Workloads {
		at := workloadPath(i)
		match := co.workloadMatch(r.Match, at+".match", policy.Kinds)
		policy.Scopes = append(policy.Scopes, co.scope(at, r.Traffic, r.Merge, r.Enforcement, policy.Merge, match))
		co.forbiddenNamespaces(r.Match.Namespaces, at+".match.namespaces", policy.Scopes[len(policy.Scopes)-1].Layer)
	}
	for _, r := range c.Rules() {
		co.note(r, s.RequireReason)
	}
	co.enforcement(s.Enforcement)
	if s.MeshConfig == updateMeshConfig {
		co.meshConfig()
		policy.UpdateMeshConfig()
		for _, r := range policy.WrittenBeyondLimits() {
			co.problem(r.Path, "", "%s", r.Message)
		}
	}
	if len(co.problems) > 0 {
		return nil, co.problems
	}
	return policy, nil
}

// severities gives those that are set, by the names of the checks.
func (l *Lint) severities() map[string]string {
	set := map[string]string{}
	if l == nil {
		return set
	}
	all := reflect.ValueOf(*l)
	for _, f := range fieldsOf(all.Type()) {
		if severity := all.FieldByIndex(f.Index).String(); severity != "" {
			set[jsonName(f)] = severity
		}
	}
	return set
}

// updateMeshConfig is the value of spec.meshConfig that has MeshConfigs written.
const updateMeshConfig = "Update"

func (c *compiler) meshConfig() {
	if c.mesh.Config != nil {
		return
	}
	var configured []string
	for _, m := range mesh.All() {
		if m.Config != nil {
			configured = append(configured, m.Name)
		}
	}
	c.problem("spec.meshConfig", updateMeshConfig, "%s is not configured by a MeshConfig: take the field away; it is for %s", c.mesh.Name, quotedList(configured))
}

func (c *compiler) scope(at string, t Traffic, merge string, enforcement *RuleEnforcement, inherited traffic.Merge, match *transform.Match) transform.Scope {
	s := transform.Scope{Path: at, Match: match, Merge: inherited, Layer: c.layer(t, at, true)}
	if merge != "" {
		s.Merge = merges[merge]
	}
	if enforcement != nil && enforcement.Mode != "" {
		mode := transform.Mode(enforcement.Mode)
		s.Mode = &mode
	}
	return s
}

// layer reads the traffic fields of one scope. Only the mesh's own defaults may
// speak of the mesh's own ports.
func (c *compiler) layer(t Traffic, at string, guarded bool) traffic.Layer {
	var l traffic.Layer
	set := func(f traffic.Field, entries []string, given bool) {
		if !given {
			return
		}
		err := l.Set(f, entries)
		for _, bad := range entryErrors(err) {
			c.problem(fmt.Sprintf("%s.%s[%d]", at, f, bad.Index), bad.Value, "%s", bad.Error())
		}
	}
	set(traffic.ExcludeInboundPorts, texts(t.ExcludeInboundPorts), t.ExcludeInboundPorts != nil)
	set(traffic.IncludeInboundPorts, texts(t.IncludeInboundPorts), t.IncludeInboundPorts != nil)
	set(traffic.ExcludeOutboundPorts, texts(t.ExcludeOutboundPorts), t.ExcludeOutboundPorts != nil)
	set(traffic.IncludeOutboundPorts, texts(t.IncludeOutboundPorts), t.IncludeOutboundPorts != nil)
	set(traffic.ExcludeOutboundIPRanges, texts(t.ExcludeOutboundIPRanges), t.ExcludeOutboundIPRanges != nil)
	set(traffic.IncludeOutboundIPRanges, texts(t.IncludeOutboundIPRanges), t.IncludeOutboundIPRanges != nil)
	if t.ExcludeOutbound != nil {
		pairs := c.destinations(t.ExcludeOutbound, at+".excludeOutbound", guarded)
		l.ExcludeOutbound = &pairs
	}
	for _, contradiction := range l.Contradictions() {
		c.problem(at+"."+string(contradiction.Exclude), "", "excludes ports that %s beside it includes (%s): take them out of one of the two",
			contradiction.Include, quotedList(contradiction.Ports.Entries()))
	}
	if guarded {
		c.ownPorts(texts(t.ExcludeInboundPorts), at+".excludeInboundPorts")
		c.ownPorts(texts(t.IncludeInboundPorts), at+".includeInboundPorts")
		c.ownPorts(texts(t.ExcludeOutboundPorts), at+".excludeOutboundPorts")
		c.ownPorts(texts(t.IncludeOutboundPorts), at+".includeOutboundPorts")
		c.limited(l, at, t)
	}
	c.loopback(texts(t.ExcludeOutboundIPRanges), at+".excludeOutboundIPRanges")
	c.loopback(texts(t.IncludeOutboundIPRanges), at+".includeOutboundIPRanges")
	return l
}

// meshDefaults reads what the mesh's own configuration says, which cannot be
// anything with which no pod would start.
func (c *compiler) meshDefaults(t Traffic) traffic.Layer {
	const at = "spec.meshDefaults"
	l := c.layer(t, at, false)
	if c.mesh.Levels == mesh.PodAlone && !l.IsZero() {
		c.problem(at, "", "%s has no settings for the whole mesh, only those of its pods: move this to spec.global", c.mesh.Name)
		return l
	}
	_, gaps := c.mesh.Express(l.Settings(), traffic.Layer{})
	for _, g := range gaps {
		if g.Fatal {
			c.problem(at+"."+string(g.Field), "", "cannot be what the mesh is configured with: %s. Say what it is configured with, and move the rest to spec.global", g.Reason)
		}
	}
	return l
}

func (c *compiler) destinations(list []Destination, at string, guarded bool) traffic.Pairs {
	var pairs traffic.Pairs
	for i, d := range list {
		item := fmt.Sprintf("%s[%d]", at, i)
		if len(d.IPRanges) == 0 {
			c.problem(item+".ipRanges", "", "an empty list matches nothing: name ranges, or move the ports to excludeOutboundPorts")
		}
		if len(d.Ports) == 0 {
			c.problem(item+".ports", "", "an empty list matches nothing: name ports, or move the ranges to excludeOutboundIPRanges")
		}
		// The sets' own parsing gives every bad entry with its place.
		var l traffic.Layer
		for _, bad := range entryErrors(l.Set(traffic.ExcludeOutboundIPRanges, texts(d.IPRanges))) {
			c.problem(fmt.Sprintf("%s.ipRanges[%d]", item, bad.Index), bad.Value, "%s", bad.Error())
		}
		for _, bad := range entryErrors(l.Set(traffic.ExcludeOutboundPorts, texts(d.Ports))) {
			c.problem(fmt.Sprintf("%s.ports[%d]", item, bad.Index), bad.Value, "%s", bad.Error())
		}
		if guarded {
			c.ownPorts(texts(d.Ports), item+".ports")
		}
		c.loopback(texts(d.IPRanges), item+".ipRanges")
		if l.ExcludeOutboundIPRanges != nil && l.ExcludeOutboundPorts != nil {
			pairs = pairs.Union(traffic.NewPairs(*l.ExcludeOutboundIPRanges, *l.ExcludeOutboundPorts))
		}
	}
	return pairs
}

// ownPorts refuses the mesh's own ports: without them the sidecar cannot be
// reached, or its own traffic would be caught.
func (c *compiler) ownPorts(entries []string, at string) {
	for i, entry := range entries {
		ports, err := traffic.ParsePorts(entry)
		if err != nil {
			continue // reported where it was parsed
		}
		for _, own := range c.mesh.Owned(ports) {
			c.problem(fmt.Sprintf("%s[%d]", at, i), entry, "%q holds ports of %s (%s): leave them out; the mesh handles them itself", entry, own.Purpose, own.Ports)
		}
	}
}

// loopback refuses ranges within loopback, which no sidecar is passed on.
func (c *compiler) loopback(entries []string, at string) {
	for i, entry := range entries {
		if p, err := traffic.ParsePrefix(entry); err == nil && mesh.Loopback(p) {
			c.problem(fmt.Sprintf("%s[%d]", at, i), entry, "%q is loopback, which is left to the mesh: take it out", entry)
		}
	}
}

func entryErrors(err error) []*traffic.EntryError {
	if err == nil {
		return nil
	}
	var single *traffic.EntryError
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []*traffic.EntryError
		for _, e := range joined.Unwrap() {
			all = append(all, entryErrors(e)...)
		}
		return all
	}
	if errors.As(err, &single) {
		return []*traffic.EntryError{single}
	}
	return nil
}

func texts[S ~[]E, E ~string](list S) []string {
	out := make([]string, len(list))
	for i, e := range list {
		out[i] = string(e)
	}
	return out
}

// The globs are those of path.Match over names as Kubernetes has them
// (k8s.io/apimachinery pkg/util/validation/validation.go): a namespace's name
// is a DNS label, a workload's may have dots.
var (
	namespaceName = newGrammar(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)
	namespaceGlob = newGrammar(`^([-a-z0-9*?]|\[\^?[-a-z0-9]+\])+$`)
	workloadGlob  = newGrammar(`^([-.a-z0-9*?]|\[\^?[-.a-z0-9]+\])+$`)
)

func (c *compiler) globs(globs []string, at string, grammar *grammar) {
	for i, glob := range globs {
		_, err := path.Match(glob, "")
		if err == nil && grammar.matches(glob) {
			continue
		}
		letters := `lower-case letters, digits and "-"`
		if grammar == workloadGlob {
			letters = `lower-case letters, digits, "-" and "."`
		}
		c.problem(fmt.Sprintf("%s[%d]", at, i), glob, `%q matches no name: write one of %s, with "*" for any of them, "?" for one, [ab] for either`, glob, letters)
	}
}

func (c *compiler) workloadMatch(m WorkloadMatch, at string, kinds []transform.Kind) *transform.Match {
	c.globs(m.Names, at+".names", workloadGlob)
	c.globs(m.Namespaces, at+".namespaces", namespaceGlob)
	for i, entry := range m.Kinds {
		if !slices.ContainsFunc(kinds, func(k transform.Kind) bool { return k.Named(entry) }) {
			c.problem(fmt.Sprintf("%s.kinds[%d]", at, i), entry, "%q is not a kind with a pod template: %s", entry, kindRemedy(entry, kinds))
		}
	}
	for _, field := range []struct {
		name    string
		entries []string
	}{{"kinds", m.Kinds}, {"names", m.Names}, {"namespaces", m.Namespaces}} {
		if field.entries != nil && len(field.entries) == 0 {
			c.problem(at+"."+field.name, "", "an empty list matches nothing: name some, or take the field away to match all")
		}
	}
	selector := m.LabelSelector
	if selector != nil && len(selector.MatchLabels) == 0 && len(selector.MatchExpressions) == 0 {
		c.problem(at+".labelSelector", "", "an empty selector matches everything: give it labels, or take it away")
	}
	if m.Kinds == nil && m.Names == nil && m.Namespaces == nil && selector == nil {
		c.problem(at, "", "an empty match speaks of everything: say which workloads, or move the rule to spec.global")
	}
	match := &transform.Match{Kinds: m.Kinds, Names: m.Names, Namespaces: m.Namespaces}
	if selector != nil {
		match.Labels = selector.matcher()
		for _, key := range sortedKeys(selector.MatchLabels) {
			c.labelValue(selector.MatchLabels[key], join(at+".labelSelector.matchLabels", key))
		}
		for i, r := range selector.MatchExpressions {
			for j, value := range r.Values {
				c.labelValue(value, fmt.Sprintf("%s.labelSelector.matchExpressions[%d].values[%d]", at, i, j))
			}
			valued := r.Operator == "In" || r.Operator == "NotIn"
			switch {
			case valued && len(r.Values) == 0:
				c.problem(fmt.Sprintf("%s.labelSelector.matchExpressions[%d].values", at, i), "", "%s needs values", r.Operator)
			case (r.Operator == "Exists" || r.Operator == "DoesNotExist") && len(r.Values) > 0:
				c.problem(fmt.Sprintf("%s.labelSelector.matchExpressions[%d].values", at, i), "", "%s takes no values", r.Operator)
			}
		}
	}
	return match
}

// kindRemedy says what may be meant by a kind that is not known.
func kindRemedy(entry string, kinds []transform.Kind) string {
	name, _, _ := strings.Cut(entry, ".")
	var names, qualified []string
	for _, k := range kinds {
		if !slices.Contains(names, k.Kind) {
			names = append(names, k.Kind)
		}
		if k.Kind == name {
			qualified = append(qualified, strings.TrimSuffix(k.Kind+"."+k.Group, "."))
		}
	}
	if len(qualified) > 0 {
		return "of that name there is " + strings.Join(qualified, " and ")
	}
	if near := nearest(name, names); near != "" {
		return fmt.Sprintf("did you mean %s?%s", near, spelling.LookAlike(entry))
	}
	return "add it to spec.podTemplates, or write one of " + quotedList(names)
}

// labelValue follows k8s.io/apimachinery pkg/util/validation/validation.go.
var labelValue = newGrammar(`^(([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9])?$`)

func (c *compiler) labelValue(value, at string) {
	if !labelValue.matches(value) {
		c.problem(at, value, `%q can be no label's value: write one of letters, digits, "-", "_" and "."; a selector has no wildcards`, value)
	}
}

// matcher follows Kubernetes' label selectors (k8s.io/apimachinery
// pkg/labels/selector.go): NotIn matches where the label is absent.
func (s *LabelSelector) matcher() func(map[string]string) bool {
	return func(labels map[string]string) bool {
		for key, value := range s.MatchLabels {
			if has, labelled := labels[key]; !labelled || has != value {
				return false
			}
		}
		for _, r := range s.MatchExpressions {
			has, labelled := labels[r.Key]
			satisfied := map[string]bool{
				"In":           labelled && slices.Contains(r.Values, has),
				"NotIn":        !labelled || !slices.Contains(r.Values, has),
				"Exists":       labelled,
				"DoesNotExist": !labelled,
			}[r.Operator]
			if !satisfied {
				return false
			}
		}
		return true
	}
}

func (c *compiler) podTemplate(t PodTemplate, at string) transform.Kind {
	kind := transform.KindAt(t.APIVersion, t.Kind, t.Path)
	if slices.Contains(kind.Template, "") {
		c.problem(at+".path", t.Path, "%q is not a path: write steps with dots between them, such as spec.template", t.Path)
	}
	return kind
}

// quantity follows the grammar of k8s.io/apimachinery pkg/api/resource/quantity.go.
var quantity = newGrammar(`^[+-]?([0-9]+|[0-9]+\.[0-9]*|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$`)

// imageReference is loose on purpose: what the container runtime takes is its
// own affair, but a blank or an empty name never works.
var imageReference = newGrammar(`^[A-Za-z0-9][^\s]*$`)

// exampleImage shows in messages what a reference looks like.
const exampleImage = "registry.example.com/mesh/init:v0.1.0"

// pinnedImage is an image with a digest (github.com/opencontainers/image-spec
// descriptor.md, the registered algorithms).
var pinnedImage = newGrammar(`@(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$`)

// secretName is a DNS subdomain (k8s.io/apimachinery
// pkg/util/validation/validation.go).
var secretName = newGrammar(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)

const longestSecretName = 253

func (c *compiler) enforcement(e *Enforcement) {
	switch {
	case e.Image == "": // an error only where a workload needs it
	case !imageReference.matches(e.Image):
		c.problem("spec.enforcement.image", e.Image, "%q is not an image: write a reference such as %s", e.Image, exampleImage)
	case e.RequireDigest && !pinnedImage.matches(e.Image):
		c.problem("spec.enforcement.image", e.Image, "%q has no digest, and spec.enforcement.requireDigest asks for one: krm-bypass pin FILE writes it into the spec's file", e.Image)
	}
	seen := map[string]bool{}
	for i, s := range e.ImagePullSecrets {
		at := fmt.Sprintf("spec.enforcement.imagePullSecrets[%d].name", i)
		switch {
		case !secretName.matches(s.Name) || len(s.Name) > longestSecretName:
			c.problem(at, s.Name, `%q can be no secret: write a name of lower-case letters, digits, "-" and "."`, s.Name)
		case seen[s.Name]:
			c.problem(at, s.Name, "%q stands there twice: take one away", s.Name)
		}
		seen[s.Name] = true
	}
	for _, part := range []struct {
		name   string
		values map[string]Quantity
	}{{"limits", e.Resources.Limits}, {"requests", e.Resources.Requests}} {
		for _, resource := range sortedKeys(part.values) {
			if q := part.values[resource]; !quantity.matches(string(q)) {
				c.problem("spec.enforcement.resources."+join(part.name, resource), string(q), "%q is not a quantity: write one such as 10m or 64Mi", q)
			}
		}
	}
}

func names(secrets []ImagePullSecret) []string {
	var names []string
	for _, s := range secrets {
		names = append(names, s.Name)
	}
	return names
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// node gives the resources as they stand in a container.
func (r *Resources) node() *yaml.Node {
	scalar := func(value string) *yaml.Node {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
	}
	all := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for _, part := range []struct {
		name   string
		values map[string]Quantity
	}{{"limits", r.Limits}, {"requests", r.Requests}} {
		if len(part.values) == 0 {
			continue
		}
		values := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		for _, resource := range sortedKeys(part.values) {
			values.Content = append(values.Content, scalar(resource), scalar(string(part.values[resource])))
		}
		all.Content = append(all.Content, scalar(part.name), values)
	}
	return all
}

// ReadSpec reads a ClusterBypass from its node: strictly, with defaults, and
// validated. file names where it came from, for messages. Everything that is
// wrong is reported at once, as Problems.
func ReadSpec(node *yaml.Node, file string) (*ClusterBypass, error) {
	spec, _, err := (&decoder{file: file}).spec(node)
	return spec, err
}

func (d *decoder) spec(node *yaml.Node) (*ClusterBypass, *transform.Policy, error) {
	if node.Kind == yaml.DocumentNode && len(node.Content) == 1 {
		node = node.Content[0]
	}
	spec := decodeSpec(d, node)
	policy, err := d.compile(spec, func(path string) string { return path })
	if err != nil {
		return nil, nil, err
	}
	return spec, policy, nil
}

// compile fills in what was not given and makes a policy of the spec, unless
// there is something wrong with it, here or in what was decoded. place gives a
// field's path where the user wrote it.
func (d *decoder) compile(spec *ClusterBypass, place func(path string) string) (*transform.Policy, error) {
	d.options.override(spec)
	spec.Default()
	d.compiled, d.placed = spec, place
	policy, err := spec.compile(d.options.Namespace)
	var invalid Problems
	errors.As(err, &invalid)
	problems := d.problems
	for _, p := range invalid {
		p.File, p.Path = d.file, place(p.Path)
		p.Line = d.lineOf(p.Path)
		if !d.covers(p.Path) {
			problems = append(problems, p)
		}
	}
	if len(problems) > 0 {
		return nil, d.inOrder(problems)
	}
	for _, r := range policy.BeyondLimits() {
		d.warnings = append(d.warnings, Problem{Path: r.Path, Message: r.Message})
	}
	d.warnings = d.placedAll(d.warnings)
	return policy, nil
}

// placedAll says where in the user's text problems of the compiled spec stand.
func (d *decoder) placedAll(problems Problems) Problems {
	for i, p := range problems {
		p.File, p.Path = d.file, d.placed(p.Path)
		p.Line = d.lineOf(p.Path)
		problems[i] = p
	}
	return problems
}
