package transform

import (
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
)

// Document is a document to look for objects in.
type Document struct {
	Nodes *yaml.Node
	// Part says where in a list they stand.
	object.Part
	// Source gives the text of a value as it stands in the document.
	Source func(edit.Path) (string, error)
	// Line of the file in which the document begins, for messages; where it is
	// not known, 0, lines are counted in the document.
	Line int
}

// Workloads finds the workloads of a document, one for each pod template: of the
// document itself, or of the items of a list at any depth. Those of one object stand
// together. Every error is a *FieldError; a workload that is not
// well formed is among the errors only, which say whose they are.
func (p *Policy) Workloads(d Document) ([]*Workload, []error) {
	type viewed struct {
		family []*Workload
		failed bool
	}
	var all []*viewed
	var problems []*FieldError
	unclear := d.Each(d.Nodes, p.isOurs, func(o object.Object) {
		k, known := p.kindOf(o.Type)
		if !known {
			return
		}
		family, errs := p.view(o, k, max(d.Line, 1))
		problems = append(problems, errs...)
		if len(family) > 0 {
			all = append(all, &viewed{family, len(errs) > 0})
		}
	})
	var at map[string]*viewed // for their outermost keys
	if len(unclear) > 0 {
		at = make(map[string]*viewed, len(all))
		for _, one := range all {
			at[one.family[0].base.String()] = one
		}
	}
	for _, problem := range unclear {
		told := &FieldError{Path: problem.Path, Err: problem.Err}
		if doubt := (*object.Doubt)(nil); errors.As(problem.Err, &doubt) {
			told.Err = errors.New(doubt.In(max(d.Line, 1)))
		}
		if of := at[problem.Path[:len(problem.Path)-1].String()]; of != nil {
			told.Of, of.failed = of.family, true
		}
		problems = append(problems, told)
	}
	var found []*Workload
	for _, one := range all {
		if !one.failed {
			for _, w := range one.family {
				w.source = d.Source
			}
			found = append(found, one.family...)
		}
	}
	return found, told(problems)
}

// MeshConfigs finds the objects of a document that configure a mesh, whatever
// mesh that is: what was written into one is taken away again also when the
// policy's mesh has changed. The errors are as for Workloads, which tells those
// of lists and of an object's outermost keys.
func (p *Policy) MeshConfigs(d Document) ([]*MeshConfig, []error) {
	if root := node.Of(d.Nodes); !root.Entry("items").Exists() && !configuresMesh(object.TypeOf(root)) {
		return nil, nil
	}
	var found []*MeshConfig
	var problems []*FieldError
	d.Each(d.Nodes, p.isOurs, func(o object.Object) {
		configured, known := mesh.ConfiguredBy(object.Group(o.APIVersion), o.Kind)
		if !known {
			return
		}
		c, errs := viewConfig(o, configured, max(d.Line, 1))
		problems = append(problems, errs...)
		if len(errs) == 0 {
			c.source = d.Source
			found = append(found, c)
		}
	})
	return found, told(problems)
}

// mostTold is how many problems inside one value, or keys of one object that
// appear twice, are told one by one.
const mostTold = 50

// told gives the problems, of those inside one value the first ones and how many
// more there are.
func told(problems []*FieldError) []error {
	var all []error
	inside := map[string]int{}
	var many []*FieldError
	for _, p := range problems {
		if len(p.Path) > 0 {
			parent := p.Path[:len(p.Path)-1]
			inside[parent.String()]++
			if n := inside[parent.String()]; n > mostTold {
				if n == mostTold+1 {
					many = append(many, &FieldError{Path: parent, Of: p.Of})
				}
				continue
			}
		}
		all = append(all, p)
	}
	for _, parent := range many {
		parent.Err = fmt.Errorf("%d more problems like these", inside[parent.Path.String()]-mostTold)
		all = append(all, parent)
	}
	return all
}

// Objects gives the objects of a document that are asked for by their type. What
// is wrong with them is for others to say.
func Objects(part object.Part, nodes *yaml.Node, wanted func(object.Type) bool, visit func(*Object, object.Object)) {
	part.Each(nodes, func(object.Type) bool { return false }, func(o object.Object) {
		if wanted(o.Type) {
			seen := (&viewer{}).object(o)
			visit(&seen, o)
		}
	})
}
