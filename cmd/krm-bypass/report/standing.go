package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/fn"
)

// Standing is what stands in files that nobody renders later.
type Standing struct {
	// In tells manifests apart that are applied in different ways; Files are those in
	// which they stand, as arguments of a command.
	In, Files string
	Mesh      string
	Workloads []fn.Explanation
}

// standing is a workload as it stands in a file.
type standing struct {
	Workload
	in, files string
}

// Stand adds what stands in files.
func (r *Explanation) Stand(s Standing) {
	for _, x := range s.Workloads {
		w := Workload{Explanation: x, Mesh: s.Mesh}
		if r.stands == nil {
			r.stands = map[string]standing{}
		}
		r.stands[w.identity()] = standing{w, s.In, s.Files}
	}
}

// files compares workloads in files that are applied as they are: those of which a
// ClusterBypass wrote some, then or now.
type files struct {
	was, is map[string]standing
	written map[string]bool
	// differed and differ are the workloads that are compared as they stand, since their
	// specification writes something else, then and now. unrendered are those of which
	// nothing changed in the file, while the specification writes something else.
	differed, differ, unrendered int
	// left are the workloads in which a specification wrote what stays there though it is
	// gone, by how to take it away.
	left map[string]int
}

func filesOf(was, is map[string]standing) *files {
	f := &files{was: was, is: is, written: map[string]bool{}, left: map[string]int{}}
	if len(was) == 0 {
		return f // the manifests are the same, or all are new
	}
	for _, state := range []map[string]standing{was, is} {
		for _, s := range state {
			if s.Recorded {
				f.written[s.in] = true
			}
		}
	}
	return f
}

// compared gives the two states of a workload that are to be compared, and whether one is
// as it stands in a file, and not as its specification writes it.
func (f *files) compared(was, is *Workload) (then, now *Workload, asItStands bool) {
	s, stands := f.is[is.identity()]
	if !stands || !f.written[s.in] || is.Outcome == fn.RefusedOutcome {
		return was, is, false
	}
	var before standing
	stood := false
	if was != nil {
		before, stood = f.was[was.identity()]
	}
	switch differs := s.Stands.Template != is.Rendered.Template; {
	case !stood || was.Outcome == fn.RefusedOutcome || before.Stands.Template == s.Stands.Template:
		if differs {
			f.unrendered++
		}
		if was != nil && stood && is.Other != "" && was.Other == "" {
			f.left[fmt.Sprintf("krm-bypass render --remove %s --in-place %s", is.Other, s.files)]++
			unchanged := *was
			unchanged.Outcome, unchanged.Reason = is.Outcome, is.Reason
			return was, &unchanged, false
		}
		return was, is, false
	case differs:
		f.differ++
		is, asItStands = s.instead(is), true
	}
	if before.Stands.Template != was.Rendered.Template {
		f.differed++
		was, asItStands = before.instead(was), true
	}
	return was, is, asItStands
}

// instead gives the workload as it stands. What a specification wrote for an earlier one is
// not read back: then the settings are those of the specification, and the template is
// that of the file.
func (s standing) instead(w *Workload) *Workload {
	if !s.Recorded {
		return &s.Workload
	}
	as := *w
	as.Rendered = s.Stands
	return &as
}

// warnings tell what of the files is not as the specifications write it.
func (f *files) warnings(earlier string) (all []string) {
	say := func(n int, there, so string) {
		if n > 0 {
			all = append(all, fmt.Sprintf(there, Counted(n, "workload differs", "workloads differ"))+so)
		}
	}
	const stands = ": what is compared is what stands in their files, since that is applied"
	say(f.differed, earlier+": %s there from what the ClusterBypass writes", stands)
	say(f.differ, "%s here from what the ClusterBypass writes", stands+"; krm-bypass check says where")
	say(f.unrendered, "%s here from what the ClusterBypass writes", ": what is shown is what krm-bypass render --in-place would write, and is not applied before; krm-bypass check says where")
	for _, remedy := range slices.Sorted(maps.Keys(f.left)) {
		name, _, _ := strings.Cut(strings.TrimPrefix(remedy, "krm-bypass render --remove "), " ")
		all = append(all, fmt.Sprintf("what ClusterBypass %s wrote stays in %s, and lets bypass what it did: to take it away, run %s", name, Counted(f.left[remedy], "workload", "workloads"), remedy))
	}
	return all
}
