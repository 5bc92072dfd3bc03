package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// Judge gives what there is to say of the workloads beside the items that were
// wanted. It depends on what these say, not on their order.
func (l *Linter) Judge(workloads []*Workload, wanted Wanted, items Items) []Finding {
	var findings []Finding
	for _, plane := range mesh.DataPlanes {
		of := slices.DeleteFunc(slices.Clone(workloads), func(w *Workload) bool { return !w.isIn(plane) })
		if plane == mesh.Sidecar || len(decided(of)) > 0 {
			findings = append(findings, l.judge(plane, of, workloads, wanted, items)...)
		}
	}
	return findings
}

// judge does so for the workloads of a data plane among all.
func (l *Linter) judge(plane mesh.DataPlane, workloads, all []*Workload, wanted Wanted, items Items) []Finding {
	var findings []Finding
	judgement := func(of []*Workload) *judgement {
		j := l.judgement(of, items)
		j.proxy, j.all = l.policy.Mesh.On(plane).Proxy(), all
		return j
	}
	intact := workloads
	workloads, all = decided(workloads), decided(all)
	whole := judgement(workloads)
	for _, c := range wanted.checks {
		switch {
		case c.only != "" && c.only != plane:
			continue
		case c.ofIntact:
			// Which of them an acceptance names, is no part of what it looks at.
			findings = append(findings, judgement(intact).run(c, nil)...)
			continue
		}
		if !slices.ContainsFunc(l.policy.Acceptances, func(a transform.Acceptance) bool { return a.Kind == c.Kind }) {
			findings = append(findings, whole.run(c, nil)...)
			continue
		}
		left, taken := partedBy(c.Kind, workloads)
		told := judgement(left).run(c, nil)
		findings = append(findings, told...)
		for _, part := range taken {
			for _, f := range judgement(part.workloads).run(c, part.by) {
				if !slices.ContainsFunc(told, f.says) { // it does not speak of the workloads
					findings = append(findings, f)
				}
			}
		}
	}
	return findings
}

// says reports whether another finding says the same.
func (f Finding) says(other Finding) bool {
	return f.Object == other.Object && f.Message == other.Message && f.Path.String() == other.Path.String()
}

func (l *Linter) judgement(workloads []*Workload, items Items) *judgement {
	alike := represented(workloads, items)
	return &judgement{
		reporter: reporter{linter: l}, items: items, workloads: workloads, opening: newIndex(l.policy.Namespace, alike),
		roots: rootsOf(items), leaving: grouped(alike), notes: map[place]*note{}, open: map[string][]saying{},
	}
}

// run runs a check, and gives what it finds, as accepted by what accepts it; nil for
// nothing.
func (j *judgement) run(c *Check, accepted *transform.Acceptance) []Finding {
	j.check, j.findings = c, nil
	j.accept = func(*finding.Kind) *transform.Acceptance { return accepted }
	c.judge(j)
	j.conclude()
	return j.findings
}

// conclude makes findings of the notes. A check that is done with an object may
// do so before it comes to the next, since there may be many.
func (j *judgement) conclude() {
	for _, n := range j.noted {
		for _, s := range append(n.tally.sayings(), n.known...) {
			f := j.findAs(n.says, n.about, n.path, n.value, append([]any{s.said, s.workloads}, n.more...)...)
			if j.check.Ports {
				f.Workloads, f.Ports = s.of, portsIn(s.said)
			}
		}
	}
	j.notes, j.noted = map[place]*note{}, nil
}

// reporter collects findings of the check that runs.
type reporter struct {
	linter   *Linter
	check    *Check
	findings []Finding
	// proxy is what the messages call what traffic bypasses.
	proxy string
	// accept gives what accepts a finding of a kind.
	accept func(*finding.Kind) *transform.Acceptance
}

// find reports a field in the words of the check.
func (r *reporter) find(about *transform.Object, path edit.Path, value string, args ...any) *Finding {
	return r.findAs(r.check.says, about, path, value, args...)
}

func (r *reporter) findAs(says string, about *transform.Object, path edit.Path, value string, args ...any) *Finding {
	r.findings = append(r.findings, Finding{
		Object: about,
		Finding: transform.Finding{
			Kind: r.check.Kind, Severity: transform.SeverityOf(r.check.In(r.linter.policy.Lint)),
			Message: fmt.Sprintf(strings.ReplaceAll(says, "the sidecar", r.proxy), args...), Path: path, Value: value,
		}.AcceptedBy(r.accept(r.check.Kind)),
	})
	return &r.findings[len(r.findings)-1]
}

// judgement is what checks of all workloads together have at hand.
type judgement struct {
	reporter
	items     Items
	workloads []*Workload
	// all are the workloads of every data plane.
	all []*Workload
	// opening and leaving are the workloads that bypass anything on its way in and
	// out, one for all that are alike.
	opening *index
	leaving []*group
	// roots are the namespaces whose policies hold for the whole mesh: one, unless
	// the items configure several meshes.
	roots []string
	// open is what there is to say of all ports of the workloads that a selector
	// takes in.
	open map[string][]saying
	// notes are those of the check that runs, by place and in their order.
	notes map[place]*note
	noted []*note
}

// place is a field of an object.
type place struct {
	about *transform.Object
	path  string
}

// note is what a check says of one field: something of some workloads, and
// something else of others.
type note struct {
	tally
	about *transform.Object
	path  edit.Path
	value string
	// says is the message, more what it has places for behind what is said and
	// the workloads.
	says string
	more []any
	// known are sayings that were put together before.
	known []saying
}

// note gives the note on a field, and begins it where there is none.
func (j *judgement) note(about *transform.Object, path edit.Path, value string, more ...any) *note {
	at := place{about, path.String()}
	n := j.notes[at]
	if n == nil {
		n = &note{tally: tally{}, about: about, path: path, value: value, says: j.check.says, more: more}
		j.notes[at] = n
		j.noted = append(j.noted, n)
	}
	return n
}
