package suggest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/pass"
)

// Suggestions are rules, and what is said beside them.
type Suggestions struct {
	// Workloads is for how many workloads rules could be proposed.
	Workloads int
	Notes     []Note
	// Proven are rules without which the manifests prove that something breaks, perhaps
	// others that may be needed.
	proven, perhaps []rule
}

// Of gives the suggestions for manifests. The findings are of what cannot be read; there
// are no suggestions then.
func Of(in Input) (*Suggestions, []pass.Finding) {
	t, unread := read(in)
	if t == nil {
		return nil, unread
	}
	for _, s := range sources {
		s.look(t)
	}
	for _, why := range slices.Sorted(maps.Keys(t.passed)) {
		t.note("%s: nothing is proposed, because %s", few(t.passed[why]), why)
	}
	t.try()
	all := &Suggestions{Workloads: len(t.workloads), Notes: t.notes}
	all.proven, all.perhaps = t.rules()
	return all, nil
}

// IsEmpty reports whether there is no rule to propose.
func (s *Suggestions) IsEmpty() bool { return len(s.proven)+len(s.perhaps) == 0 }

// about names the object of a finding with its place.
func about(f pass.Finding) string {
	return object.Named(f.About.Kind, f.About.Namespace, f.About.Name) + placed(f.Place)
}

// Told gives a finding as one line.
func Told(f pass.Finding) string {
	parts := []string{f.Message}
	if f.Field != "" {
		parts = append([]string{f.Field}, parts...)
	}
	if f.About.Kind != "" {
		parts = append([]string{object.Named(f.About.Kind, f.About.Namespace, f.About.Name)}, parts...)
	}
	if f.File != "" {
		parts = append([]string{strings.Trim(placed(f.Place), " ()")}, parts...)
	}
	return fmt.Sprint(strings.Join(parts, ": "))
}
