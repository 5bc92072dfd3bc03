package spec

import (
	"cmp"
	"fmt"
	"reflect"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// compiler makes a policy of a spec and collects what is wrong with the spec.
type compiler struct {
	mesh     *mesh.Mesh
	policy   *transform.Policy
	problems Problems
	// bounds are what no scope may say, own is what the mesh does by itself.
	bounds transform.Limits
	own    traffic.Settings
	// updates says that the mesh's own configuration is written too.
	updates bool
}

func (c *compiler) problem(path, value, format string, args ...any) {
	c.problems = append(c.problems, Problem{Path: path, Value: value, Message: fmt.Sprintf(format, args...)})
}

// mergeOf reads a merge that the decoder let pass.
func mergeOf(name string) traffic.Merge {
	if name == "Union" {
		return traffic.Union
	}
	return traffic.Override
}

// compile makes a policy of a spec whose defaults are filled in. namespace is the
// one that the caller gives, which goes before spec.defaultNamespace; "" if it
// gives none.
func compile(spec *v1alpha1.ClusterBypass, namespace string) (*transform.Policy, Problems) {
	s := spec.Spec
	c := &compiler{updates: s.MeshConfig == updateMeshConfig}
	c.mesh = c.knownMesh(s.Mesh)
	c.policy = &transform.Policy{
		Name:             spec.Metadata.Name,
		FormerNames:      s.FormerNames,
		Mesh:             c.mesh,
		Merge:            mergeOf(s.Merge),
		Mode:             transform.Mode(s.Enforcement.Mode),
		Namespace:        cmp.Or(namespace, s.DefaultNamespace),
		RequireNamespace: s.RequireNamespace,
		Lint:             severities(s.Lint),
		Enforcement:      enforced(s.Enforcement),
	}
	for i, name := range s.FormerNames {
		if at := fmt.Sprintf("spec.formerNames[%d]", i); name == "" || name == spec.Metadata.Name {
			c.problem(at, name, "%q is not an earlier name: write a metadata.name that the %s had before, or remove the entry", name, spec.Kind)
		}
	}
	c.reach(s)
	if s.MeshDefaults != nil {
		c.policy.MeshDefaults = c.meshDefaults(*s.MeshDefaults)
	} else {
		c.policy.MeshDefaults, c.policy.DefaultsImplied = c.mesh.Defaults, true
	}
	if s.Limits != nil {
		c.policy.Limits = c.limits(*s.Limits)
		c.bounds, c.own = c.policy.Limits, c.policy.Own()
	}
	c.scopes(s)
	if s.Lint != nil {
		c.acceptances(spec, s.Lint.Accept)
	}
	c.policy.Index()
	c.notes(Rules(spec), s.RequireReason)
	c.enforcement(s.Enforcement)
	if c.updates {
		c.meshConfig()
	}
	return c.policy, c.problems
}

// knownMesh gives the mesh of that name. Where there is none, the other fields
// are looked at all the same, as for the default.
func (c *compiler) knownMesh(name string) *mesh.Mesh {
	m, known := mesh.ByName(name)
	if !known {
		c.problem("spec.mesh", name, "%s", mesh.Refusal(name))
		m, _ = mesh.ByName(DefaultMesh)
	}
	return m
}

// reach reads which objects the policy may touch.
func (c *compiler) reach(s v1alpha1.Spec) {
	for i, t := range s.PodTemplates {
		c.podTemplate(t, fmt.Sprintf("spec.podTemplates[%d]", i))
	}
	if s.Enrolment != nil {
		c.policy.Enrolled = s.Enrolment.Namespaces
		c.globs(s.Enrolment.Namespaces, "spec.enrolment.namespaces", namespaceGlob)
	}
	if ns := c.policy.Namespace; ns != s.DefaultNamespace && !namespaceName.Matches(ns) {
		c.problem("spec.defaultNamespace", ns, "%q, which is given in its place (--namespace), is not a valid namespace name: use lower-case letters, digits and \"-\"", ns)
	}
	if ns := s.DefaultNamespace; ns != "" && !namespaceName.Matches(ns) {
		c.problem("spec.defaultNamespace", ns, "%q is not a valid namespace name: use lower-case letters, digits and \"-\"", ns)
	}
}

// scopes reads the rules, from broad to narrow.
func (c *compiler) scopes(s v1alpha1.Spec) {
	c.policy.Scopes = make([]transform.Scope, 0, 1+len(s.Namespaces)+len(s.Workloads))
	if s.Global != nil {
		c.scope(transform.GlobalPath, s.Global.Switch, s.Global.Traffic, s.Global.Starting, s.Global.Placement, "", nil, nil)
	}
	for i, r := range s.Namespaces {
		at := namespacePath(i)
		c.globs(r.Match.Names, at+".match.names", namespaceGlob)
		if len(r.Match.Names) == 0 {
			c.problem(at+".match", "", `an empty match would match everything: name namespaces, or move the rule to spec.global`)
		}
		layer := c.scope(at, r.Switch, r.Traffic, r.Starting, r.Placement, r.Merge, r.Enforcement, &transform.Match{Path: at + ".match", Inside: at + ".match.names", Namespaces: r.Match.Names})
		c.forbiddenNamespaces(r.Match.Names, at+".match.names", layer)
	}
	for i, r := range s.Workloads {
		at := workloadPath(i)
		layer := c.scope(at, r.Switch, r.Traffic, r.Starting, r.Placement, r.Merge, r.Enforcement, c.workloadMatch(r.Match, at+".match", c.hasTemplate))
		c.forbiddenNamespaces(r.Match.Namespaces, at+".match.namespaces", layer)
	}
}

// scope adds a rule to the policy, and gives all that it lets bypass at any time. One that
// is suspended is only judged, and not by the limits, which may be why it is.
func (c *compiler) scope(at string, off v1alpha1.Switch, t v1alpha1.Traffic, starting v1alpha1.Starting, in v1alpha1.Placement, merge string, enforcement *v1alpha1.RuleEnforcement, match *transform.Match) traffic.Layer {
	s := transform.Scope{Path: at, Match: match, Merge: c.policy.Merge, Plane: mesh.DataPlane(in.DataPlane)}
	if off.Suspend {
		bounds := c.bounds
		c.bounds = transform.Limits{}
		defer func() { c.bounds = bounds }()
	}
	s.Layer, s.Names = c.layer(t, at, true)
	if early := starting.ForInitContainers; early != nil {
		s.Initial, _ = c.layer(early.AsTraffic(), transform.InitialPath(at), true)
	}
	if several := func(m *mesh.Mesh) bool { return m.On(mesh.Ambient) != nil }; s.Plane != "" && !several(c.mesh) {
		c.problem(at+".dataPlane", in.DataPlane, "%s has pods with a sidecar only: remove this field, which is for %s", c.mesh.Name, listed(mesh.NamesOf(several)))
	}
	if merge != "" {
		s.Merge = mergeOf(merge)
	}
	if enforcement != nil && enforcement.Mode != "" {
		mode := transform.Mode(enforcement.Mode)
		s.Mode = &mode
	}
	if off.Suspend {
		return traffic.Layer{}
	}
	c.policy.Scopes = append(c.policy.Scopes, s)
	return s.Layer.Add(s.Initial)
}

// severities gives those that are set, by the names of the checks.
func severities(l *v1alpha1.Lint) map[string]string {
	set := map[string]string{}
	if l == nil {
		return set
	}
	all := reflect.ValueOf(*l)
	for _, f := range FieldsOf(all.Type()) {
		if severity := all.FieldByIndex(f.index); severity.Kind() == reflect.String && severity.String() != "" {
			set[f.Name] = severity.String()
		}
	}
	return set
}

// updateMeshConfig is the value of spec.meshConfig that has MeshConfigs written.
const updateMeshConfig = "Update"

// meshConfig has the policy write the mesh's own configuration.
func (c *compiler) meshConfig() {
	if c.mesh.Config == nil {
		c.problem("spec.meshConfig", updateMeshConfig, "%s has no MeshConfig: remove this field, which is for %s", c.mesh.Name, listed(mesh.NamesOf(func(m *mesh.Mesh) bool { return m.Config != nil })))
	}
	c.policy.UpdateMeshConfig()
	for _, r := range c.policy.WrittenBeyondLimits() {
		c.problem(r.Path, "", "%s", r.Message)
	}
}
