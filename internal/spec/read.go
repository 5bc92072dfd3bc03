package spec

import (
	"cmp"
	"fmt"
	"reflect"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// Given is what a caller says beside a spec, and goes before what the spec says;
// "" where it says nothing.
type Given struct{ Namespace, Mesh, Image string }

// Spec is a spec without a mistake, with its defaults.
type Spec struct {
	*v1alpha1.ClusterBypass
	Policy *transform.Policy
	// Findings are what there is to tell of the spec all the same.
	Findings []Finding
	// Object is what holds the spec.
	Object object.Head

	file   string
	places places
	placed func(path string) string
}

// Finding is something to tell of a field that the user wrote, or could write.
type Finding struct {
	Kind *finding.Kind
	Problem
}

// Read reads the spec in an object. The error is Problems.
func (s Source) Read(given Given) (*Spec, error) {
	head := object.HeadOf(s.Node)
	d := &decoder{file: cmp.Or(s.File, head.Origin().File), places: places{first: s.Line}}
	root := node.Of(s.Node).Node()
	switch {
	case Is(head.Type):
		c := &v1alpha1.ClusterBypass{}
		d.value(root, reflect.ValueOf(c).Elem(), "")
		return d.finish(c, given, head, func(path string) string { return path })
	case isConfigMap(head.Type):
		return d.finish(d.configMap(root), given, head, dataPath)
	}
	return nil, Problems{{File: d.file, Path: "kind", Value: head.Kind, Message: cmp.Or(Slip(head.Type), fmt.Sprintf(
		"the spec is an object of kind %q, apiVersion %q: use a %s (%s) or a ConfigMap (v1)", head.Kind, head.APIVersion, v1alpha1.Kind, v1alpha1.APIVersion))}}
}

// finish fills in what was not given and makes a policy of the spec, unless
// there is something wrong with it, here or in what was decoded. placed gives a
// field's path where the user wrote it.
func (d *decoder) finish(c *v1alpha1.ClusterBypass, given Given, head object.Head, placed func(path string) string) (*Spec, error) {
	c.Spec.Mesh = cmp.Or(given.Mesh, c.Spec.Mesh)
	fill(c)
	c.Spec.Enforcement.Image = cmp.Or(given.Image, c.Spec.Enforcement.Image)
	policy, invalid := compile(c, given.Namespace)
	s := &Spec{ClusterBypass: c, Policy: policy, Object: head, file: d.file, places: d.places, placed: placed}
	problems := d.problems
	for _, p := range invalid {
		if p = s.Locate(p); !d.covers(p.Path) {
			problems = append(problems, p)
		}
	}
	if len(problems) > 0 {
		return nil, d.inOrder(problems)
	}
	for _, r := range policy.BeyondLimits() {
		s.Findings = append(s.Findings, Finding{finding.BeyondLimits, Problem{Path: r.Path, Message: r.Message}})
	}
	return s, nil
}

// Locate says where the user wrote the field that a problem is about: its path in
// what was read, the file and the line.
func (s *Spec) Locate(p Problem) Problem {
	p.File, p.Path = s.file, s.placed(p.Path)
	p.Line = int(s.places.of(p.Path).line)
	return p
}

// Says reports whether the user wrote a field.
func (s *Spec) Says(path string) bool {
	_, written := s.places.found[s.placed(path)]
	return written
}
