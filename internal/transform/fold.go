package transform

import (
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// DefaultsPath is the field path of what the mesh excludes already.
const DefaultsPath = "spec.meshDefaults"

// GlobalPath is the field path of the scope that speaks of every workload.
const GlobalPath = "spec.global"

// Claim is what one scope says of a workload, and what of that holds.
type Claim struct {
	// Scope is the field path of the scope in the spec, "" for the annotations
	// that the user wrote on the template.
	Scope string
	Merge traffic.Merge
	Said  traffic.Layer
	// Left is what is left of it beside the narrower scopes.
	Left traffic.Layer
	// restated are fields in which it holds beside narrower scopes although
	// they replace it, and beside is what those come to.
	restated []traffic.Field
	beside   traffic.Layer
	// names are those that the scope has for some of the ports in Said.
	names []PortName
	// over are fields of a Namespace's in which what is written for the workload
	// stands instead, whatever the scopes make of it.
	over []traffic.Field
}

// Fold is what every scope that speaks of a workload says, broad to narrow. What
// is left of all of them together is what holds for the workload: there is no
// other way to its settings, so that nobody who asks where a setting comes from
// can get another answer than the one that is written.
type Fold []Claim

// narrowed gives the fold with one more scope, narrower than all before.
func (f Fold) narrowed(scope string, said traffic.Layer, merge traffic.Merge) Fold {
	for i := range f {
		f[i].Left, _ = f[i].Left.Yield(said, merge)
	}
	return append(f, Claim{Scope: scope, Merge: merge, Said: said, Left: said.Adds(merge)})
}

// restate lets the broadest scope hold in some fields beside the narrower ones
// whether they replace it or not; only what they include is not taken back.
func (f Fold) restate(fields []traffic.Field) {
	f[0].restated, f[0].beside = fields, f.Layer()
	f[0].Left = f[0].Left.Add(f[0].stays(f[0].Said))
}

// stays gives what of a part of the claim holds because it is restated.
func (c Claim) stays(part traffic.Layer) traffic.Layer {
	left, _ := part.Of(c.restated...).Yield(c.beside, traffic.Union)
	return left
}

// Layer gives what holds.
func (f Fold) Layer() traffic.Layer {
	var sum traffic.Layer
	for _, c := range f {
		sum = sum.Add(c.Left)
	}
	return sum
}

// Loss is what a narrower scope took from a broader one.
type Loss struct {
	// By is the place of the narrower one in the fold.
	By   int
	Lost traffic.Layer
}

// Trace says what became of a part of what a scope says, such as one entry of
// one of its fields: what of it is left, and which narrower scopes took the
// rest. claim is the scope's place in the fold.
func (f Fold) Trace(claim int, part traffic.Layer) (left traffic.Layer, losses []Loss) {
	if i := f.instead(claim, part); i >= 0 {
		return traffic.Layer{}, []Loss{{i, part}}
	}
	left = part.Adds(f[claim].Merge)
	for by := claim + 1; by < len(f); by++ {
		var lost traffic.Layer
		left, lost = left.Yield(f[by].Said.Without(f[by].over...), f[by].Merge)
		if !lost.IsZero() {
			losses = append(losses, Loss{by, lost})
		}
	}
	left = left.Add(f[claim].stays(part))
	losses = slices.DeleteFunc(losses, func(l Loss) bool { return left.Add(l.Lost).Equal(left) })
	return left, losses
}

// instead gives the place of the narrowest claim by which something is written instead
// of a part of a Namespace's, -1 where nothing is.
func (f Fold) instead(claim int, part traffic.Layer) int {
	if !slices.ContainsFunc(f[claim].over, part.Says) {
		return -1
	}
	for i := len(f) - 1; i > claim; i-- {
		if slices.ContainsFunc(f[claim].over, func(field traffic.Field) bool { return part.Says(field) && f[i].Said.Says(field) }) {
			return i
		}
	}
	return 0
}

// restate lets hold what the mesh excludes by itself although the spec does not
// speak of it: a list that replaces it would drop it unseen. A scope that clears
// a field means it, and what the user wrote on the template has been the whole of
// it all along.
func (p *Policy) restate(f Fold) {
	if !p.DefaultsImplied {
		return
	}
	user, folded := f[len(f)-1].Said, f.Layer()
	var unseen []traffic.Field
	for _, field := range traffic.Fields {
		if !user.Says(field) && (!folded.Clears(field) || f.lacks(field)) {
			unseen = append(unseen, field)
		}
	}
	f.restate(unseen)
}
