package page

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
	"github.com/krm-bypass/krm-bypass/fn"
)

// effectView says what a text of the specification changes against the one in its file.
type effectView struct {
	// Later is where to ask for all of this, where it is not known yet.
	Later string
	// Nothing says that both texts are the same, Unfinished that what is in the form cannot
	// be in the specification yet.
	Nothing, Unfinished bool
	// Problems are what prevents the comparison.
	Problems           []string
	Spec               []diffLine
	Changed, Restarted int
	Workloads          []changedWorkload
	// More counts the workloads that change and are not listed. MoreURL lists them, "" where
	// what is typed is no draft yet.
	More       int
	MoreURL    string
	Gone       []string
	Appear, Go []foundView
	Manifests  []diffLine
}

type changedWorkload struct {
	Title, URL, Outcome string
	Restarts            bool
	Fields              []changedField
}

type changedField struct {
	Field          string
	Added, Removed []string
}

// foundView is a finding, and what it is about.
type foundView struct{ Severity, Rule, About, Message string }

// mostChanged is how many of the workloads that change are listed.
const mostChanged = 100

// patience is how long a page waits before it begins without what takes long.
const patience = 60 * time.Millisecond

// mostPatience is how long a page that has begun waits for the consequences of a change.
// What takes longer stands behind a link.
const mostPatience = time.Minute

// effect shows what the draft changes.
func (s *Site) effect(r *request) error {
	if r.draft == nil {
		return s.show(r, "effect", "What it changes", &effectView{Nothing: true})
	}
	changes, err := s.tree.Changes(r.Context(), r.draft.base, r.draft.text)
	if err != nil {
		return err
	}
	return s.show(r, "effect", "What it changes", newEffect(r, r.draft.base, r.draft.text, changes))
}

// effectOf gives what a draft changes, for a view that has this title. Where that takes
// long the page begins before it, and the script gets where to ask for it.
func (s *Site) effectOf(r *request, d *draft, title string) (*effectView, error) {
	if !d.isChange() {
		return &effectView{Nothing: true}, nil
	}
	done := make(chan *Changes, 1)
	go func() {
		// It goes on when the page is shown: then what it asks for is there already.
		if changes, err := s.tree.Changes(context.WithoutCancel(r.Context()), d.base, d.text); err == nil {
			done <- changes
		}
	}()
	for wait := patience; ; wait = mostPatience {
		select {
		case changes := <-done:
			return newEffect(r, d.base, d.text, changes), nil
		case <-r.Context().Done():
			return nil, r.Context().Err()
		case <-time.After(wait):
		}
		if wait == mostPatience || r.isScript() {
			return &effectView{Later: (&request{draft: d}).link("/effect"), Spec: specDiff(r.spec.Path, d.base, d.text)}, nil
		}
		if err := s.begins(r, title); err != nil {
			return nil, err
		}
	}
}

func newEffect(r *request, was, is []byte, c *Changes) *effectView {
	e := &effectView{
		Nothing: bytes.Equal(was, is), Problems: c.Problems, Spec: specDiff(r.spec.Path, was, is),
		Appear: found(c.Appear), Go: found(c.Go), Manifests: diffLines(c.Manifests),
	}
	if c.Explanation.Comparison == nil {
		return e
	}
	e.Changed, e.Restarted = c.Explanation.Comparison.Changed, c.Explanation.Comparison.Restarted
	e.Gone = c.Explanation.Comparison.GoneTitles()
	for i := range c.Explanation.Workloads {
		switch w := &c.Explanation.Workloads[i]; {
		case w.Change == nil || w.Change.Kind == report.Unchanged:
		case len(e.Workloads) == mostChanged && !r.query.Has("all"):
			e.More++
		default:
			e.Workloads = append(e.Workloads, newChangedWorkload(r, w))
		}
	}
	if r.draft != nil && bytes.Equal(r.draft.text, is) {
		e.MoreURL = r.link("/effect", "all", "1")
	}
	return e
}

func newChangedWorkload(r *request, w *report.Workload) changedWorkload {
	v := changedWorkload{Title: w.Title(), URL: r.link("/workload", "of", w.Key()), Outcome: w.Change.Outcome, Restarts: w.Change.Restarts}
	for _, f := range w.Change.Fields {
		v.Fields = append(v.Fields, changedField{Field: f.Field, Added: holding(f.Added), Removed: holding(f.Removed)})
	}
	return v
}

// holding gives what entries put into force.
func holding(entries []fn.ExplainedEntry) (all []string) {
	for _, e := range entries {
		if holds := e.Holds; len(holds) > 0 {
			all = append(all, holds...)
		} else {
			all = append(all, e.Entry)
		}
	}
	return slices.Compact(all)
}

func found(subjects []report.Subject) (all []foundView) {
	for _, s := range subjects {
		for _, f := range s.Findings {
			about := s.Title()
			if about == "" {
				about = s.Place(f.Line)
			}
			all = append(all, foundView{string(f.Severity), f.Rule, about, f.Message})
		}
	}
	return all
}
