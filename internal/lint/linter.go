package lint

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// Finding is what a check has to say about an object.
type Finding struct {
	// Check is the name of the check.
	Check  string
	Object *transform.Object
	transform.Finding
	// Proposed is YAML that mends it, "" where the message says all.
	Proposed string
}

// Linter runs the checks that are in force for a policy. It is safe for
// concurrent use.
type Linter struct {
	mesh *mesh.Mesh
	// namespace is that of objects which name none, "" where it is unknown.
	namespace  string
	severities map[string]transform.Severity
	checks     []*Check
	// bypasses are those of the workloads, by what tells them apart.
	bypasses sync.Map
	// paths are those of pod templates.
	paths sync.Map
}

// reported are the severities that a finding can have.
var reported = map[Severity]transform.Severity{Error: transform.Error, Warning: transform.Warning}

// New gives a linter for what a policy makes of workloads.
func New(policy *transform.Policy) *Linter {
	l := &Linter{mesh: policy.Mesh, namespace: policy.Namespace, severities: map[string]transform.Severity{}}
	for _, c := range table {
		severity := cmp.Or(Severity(policy.Lint[c.Name]), c.Severity)
		if severity == Ignore || c.Domain != "" && c.Domain != l.mesh.Domain {
			continue
		}
		l.severities[c.Name] = reported[severity]
		l.checks = append(l.checks, c)
	}
	return l
}

// Look views the planned workloads of a document as they are after the plans'
// edits, and gives what there is to say of each by itself. item is the place of
// the document.
func (l *Linter) Look(plans []*transform.Plan, document *yaml.Node, item int) (workloads []*Workload, findings []Finding) {
	for _, plan := range plans {
		if !plan.Decided || plan.Failed() {
			continue
		}
		e := l.examination(plan, document, item)
		for _, c := range l.checks {
			if c.examine != nil {
				e.check = c
				c.examine(e)
			}
		}
		findings = append(findings, e.findings...)
		workloads = append(workloads, e.workload)
	}
	return workloads, findings
}

// Wanted says which objects the checks that have something to look at need to
// see.
type Wanted struct {
	checks []*Check
	kinds  []*kind
	// opening are the workloads with ports that are reached without the
	// sidecar.
	opening *index
}

// Wants gives what is wanted because of the workloads, where present says which
// kinds of objects there are.
func (l *Linter) Wants(workloads []*Workload, present func(is func(object.Type) bool) bool) Wanted {
	wanted := Wanted{opening: newIndex(l.namespace, workloads)}
	listed := present(func(t object.Type) bool { return t.List })
	there := func(k *kind) bool { return present(k.is) }
	for _, c := range l.checks {
		switch {
		case c.judge == nil,
			!slices.ContainsFunc(workloads, func(w *Workload) bool { return c.concerns == nil || c.concerns(w) }),
			len(c.about) > 0 && !listed && !slices.ContainsFunc(c.about, there):
			continue
		}
		wanted.checks = append(wanted.checks, c)
		for _, k := range slices.Concat(c.about, c.reads) {
			if (k.of == "" || k.of == l.mesh.Domain) && !slices.Contains(wanted.kinds, k) {
				wanted.kinds = append(wanted.kinds, k)
			}
		}
	}
	return wanted
}

// Type says by its type whether a document may hold an object that is wanted.
// named says that only some names are.
func (w Wanted) Type(t object.Type) (wanted, named bool) {
	if len(w.kinds) == 0 {
		return false, false
	}
	if t.List {
		return true, false
	}
	k := w.find(t)
	return k != nil, k != nil && k.called != nil
}

// Name says whether an object of a kind of which only some names are wanted is
// one of them.
func (w Wanted) Name(t object.Type, name string) bool {
	k := w.find(t)
	return k != nil && (k.called == nil || k.called(name))
}

// Text says by the text of an object of a kind, without reading it, whether it may
// matter.
func (w Wanted) Text(t object.Type, text []byte) bool {
	if w.find(t) != services || slices.Contains(w.kinds, virtualServices) {
		return true
	}
	return w.opening.mentioned(text)
}

func (w Wanted) find(t object.Type) *kind {
	i := slices.IndexFunc(w.kinds, func(k *kind) bool { return k.is(t) })
	if i < 0 {
		return nil
	}
	return w.kinds[i]
}

// Read views the objects of a document that are wanted. item is its place.
func (w Wanted) Read(document *yaml.Node, item int) *Items {
	items := &Items{}
	if !slices.Contains(w.kinds, virtualServices) {
		items.opening = w.opening
	}
	wanted := func(t object.Type) bool { return w.find(t) != nil }
	transform.Objects(document, wanted, func(o *transform.Object, found object.Object) {
		if k := w.find(found.Type); k.called == nil || k.called(o.Name) {
			o.Item = item
			k.read(items, resource{o, found.Value})
		}
	})
	return items
}

// Judge gives what there is to say of the workloads beside the items that were
// wanted. It depends on what these say, not on their order.
func (l *Linter) Judge(workloads []*Workload, wanted Wanted, items *Items) []Finding {
	j := &judgement{reporter: reporter{linter: l}, items: items, workloads: workloads, opening: wanted.opening}
	for _, c := range wanted.checks {
		j.check = c
		c.judge(j)
	}
	return j.findings
}

// reporter collects findings of the check that runs.
type reporter struct {
	linter   *Linter
	check    *Check
	findings []Finding
}

func (r *reporter) find(about *transform.Object, path edit.Path, value, format string, args ...any) *Finding {
	r.findings = append(r.findings, Finding{
		Check:   r.check.Name,
		Object:  about,
		Finding: transform.Finding{Severity: r.linter.severities[r.check.Name], Message: fmt.Sprintf(format, args...), Path: path, Value: value},
	})
	return &r.findings[len(r.findings)-1]
}

// judgement is what checks of all workloads together have at hand.
type judgement struct {
	reporter
	items     *Items
	workloads []*Workload
	opening   *index
	groups    []alike
}
