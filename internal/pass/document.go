package pass

import (
	"errors"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/transform"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// Document is an item that has been read, and its plans.
type Document struct {
	Item
	// At is the index of the item.
	At int
	// Nodes hold the document as it came until it is written, and then as it is
	// written.
	Nodes *yaml.Node
	// Configs are the plans for the mesh configurations in the document, Workloads
	// those for its workloads, each in the order of the document.
	Configs   []*transform.ConfigPlan
	Workloads []*transform.Plan
	// Refused are the plans of nothing for its workloads that cannot be read.
	Refused []*transform.Plan
	// Bystanders are objects in it that are no workloads, and yet make pods.
	Bystanders []*transform.Bystander
	// Edits are those of all plans.
	Edits []edit.Edit
	// Changes are what is new in the text once the document is written. There are none if
	// the document stays as it is or has no text.
	Changes []yamltext.Replacement

	findings []Finding
	failed   bool
	// misread says that an object of it could not be read or written.
	misread bool
	// source gives the text of a value in the document, and apply makes edits in
	// the text and the nodes.
	source func(edit.Path) (string, error)
	apply  func([]edit.Edit) ([]yamltext.Replacement, error)
	// release gives the room of its nodes to others.
	release func()
}

// read reads an item.
func (i *Item) read(at int) (*Document, error) {
	d := &Document{Item: *i, At: at, release: func() {}}
	if i.Nodes != nil {
		// Edit a copy, to find out what cannot be edited before anything changes.
		d.Nodes = node.Clone(i.Nodes)
		d.source = func(path edit.Path) (string, error) { return edit.NodeSource(node.Of(d.Nodes).At(path...).Node()), nil }
		d.apply = func(edits []edit.Edit) ([]yamltext.Replacement, error) { return nil, edit.Nodes(d.Nodes, edits) }
		return d, nil
	}
	text, err := object.Read(i.Text)
	text.Aliases, text.Base, text.Layout, text.Above = i.Aliases, i.Part.Path, i.Layout, max(i.Line-1, 0)
	d.Nodes, d.source, d.apply, d.release = text.Nodes, text.Source, text.Changes, text.Release
	return d, err
}

// view is the document as a policy sees it.
func (d *Document) view() transform.Document {
	return transform.Document{Nodes: d.Nodes, Part: d.Part, Source: d.source, Line: d.Line}
}

// WrittenBy gives the names of the specs whose records stand on the objects of the
// document, one for each record.
func (d *Document) WrittenBy() (names []string) {
	see := func(o *transform.Object) {
		if name, recorded := o.WrittenBy(); recorded {
			names = append(names, name)
		}
	}
	for _, c := range d.Configs {
		see(&c.Config.Object)
	}
	for i, w := range d.Workloads {
		if i == 0 || !d.Workloads[i-1].Workload.Shares(w.Workload) {
			see(&w.Workload.Object)
		}
	}
	return names
}

// planConfigs plans the mesh configurations in the document.
func (d *Document) planConfigs(policy *transform.Policy) {
	configs, problems := policy.MeshConfigs(d.view())
	for _, err := range problems {
		if problem := d.problem(err); policy.UpdatesMeshConfig() {
			d.misread = true
			d.add(problem)
		} else if severity := finding.UnreadableMeshConfig.In(policy.Lint); severity != finding.Ignore { // we would not write there
			problem.Kind, problem.Severity = finding.UnreadableMeshConfig, transform.SeverityOf(severity)
			d.add(problem)
		}
	}
	for _, c := range configs {
		plan := policy.PlanConfig(c)
		d.Configs = append(d.Configs, plan)
		d.Edits = append(d.Edits, plan.Edits...)
		d.tell(&c.Object, plan.Findings)
	}
}

// planWorkloads plans the workloads in the document.
func (d *Document) planWorkloads(policy *transform.Policy, uses Uses, planAll func(*transform.Policy, []*transform.Workload) []*transform.Plan) {
	workloads, problems := policy.Workloads(d.view())
	for _, w := range workloads {
		w.Use = uses.of(d, w)
	}
	d.malformed(problems...)
	d.refuse(policy, problems)
	for _, plan := range planAll(policy, workloads) {
		d.tell(&plan.Workload.Object, plan.Untold(d.Workloads))
		d.Workloads = append(d.Workloads, plan)
		d.Edits = append(d.Edits, plan.Edits...)
	}
}

// refuse plans nothing for the workloads that cannot be read.
func (d *Document) refuse(policy *transform.Policy, problems []error) {
	var all []*transform.Workload
	why := map[*transform.Workload][]*transform.FieldError{}
	for _, err := range problems {
		one, _ := errors.AsType[*transform.FieldError](err) // which they all are
		for _, w := range one.Of {
			if why[w] == nil {
				all = append(all, w)
			}
			why[w] = append(why[w], one)
		}
	}
	for _, w := range all {
		d.Refused = append(d.Refused, policy.Refuse(w, why[w]...))
	}
}

// write makes the edits of the plans. If something is wrong with one of them, it
// writes nothing, but the nodes show what the others would have done.
func (d *Document) write() {
	if d.failed {
		for _, plan := range d.Workloads {
			if !plan.Failed() {
				_ = edit.Nodes(d.Nodes, plan.Edits)
			}
		}
		return
	}
	if len(d.Edits) == 0 {
		return
	}
	var err error
	if d.Changes, err = d.apply(d.Edits); err != nil {
		d.malformed(err)
	}
}

// tell adds findings about an object in the document.
func (d *Document) tell(of *transform.Object, findings []transform.Finding) {
	for _, f := range findings {
		d.add(d.finding(of, f))
	}
}

// malformed adds problems of the document.
func (d *Document) malformed(problems ...error) {
	for _, err := range problems {
		d.misread = true
		d.add(d.problem(err))
	}
}

func (d *Document) add(f Finding) {
	d.findings = append(d.findings, f)
	d.failed = d.failed || f.Severity == transform.Error
}
