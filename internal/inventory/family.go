package inventory

import (
	"fmt"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// families gives the workloads of each object: one for each of its pod templates.
func (s *survey) families() [][]*workload {
	var all [][]*workload
	for _, w := range s.workloads { // those of an object come together
		if n := len(all) - 1; n >= 0 && w.isBeside(all[n][0]) {
			all[n] = append(all[n], w)
			continue
		}
		all = append(all, []*workload{w})
	}
	return all
}

func (w *workload) isBeside(other *workload) bool {
	return w.in == other.in && slices.Equal(w.Path(), other.Path())
}

// agree leaves the annotations of an object where they are whose pod templates do not say
// the same: rules name objects, and so they speak of all templates of one.
func (s *survey) agree() {
	for _, family := range s.families() {
		for _, w := range family {
			s.layOver(w, family)
		}
		first := family[0]
		if !slices.ContainsFunc(family, func(w *workload) bool { return !w.imported.Equal(first.imported) || !w.left.Equal(first.left) }) {
			continue
		}
		why := "a rule is for all pod templates of an object, and in this one they differ: " + s.differ(family)
		for _, w := range family {
			s.leave(w, why)
		}
	}
}

// layOver adds to what a template says what counts where it does not say it.
func (s *survey) layOver(w *workload, family []*workload) {
	i := slices.IndexFunc(family, func(other *workload) bool { return slices.Equal(other.path, w.beneath.path) })
	switch {
	case w.beneath.path == nil:
	case i >= 0:
		for _, f := range traffic.Fields {
			switch below := family[i]; {
			case w.imported.Says(f) || w.left.Says(f):
			case below.imported.Says(f):
				w.imported = w.imported.With(f, below.imported)
			case below.left.Says(f):
				w.left = w.left.With(f, below.left)
			}
		}
	case w.void == nil:
		below := annotated{annotations: w.beneath}
		below.values = w.beneath.read(s.mesh)
		s.split(&below)
		for _, key := range below.taken {
			s.warn(below.problem(key, "left as it is: it counts in the pods of every pod template that does not say it, which no rule does: say in a rule what should bypass, and remove it"))
		}
		for _, f := range traffic.Fields {
			if said := s.mesh.Level(below.imported, below.left); said.Says(f) && !w.imported.Says(f) && !w.left.Says(f) {
				w.left = w.left.With(f, said)
			}
		}
	}
}

// differ says what each of the pod templates says.
func (s *survey) differ(family []*workload) string {
	var said []string
	places := map[string][]string{}
	for _, w := range family {
		what := oneLine(s.mesh.Level(w.imported, w.left).Settings().String())
		if places[what] == nil {
			said = append(said, what)
		}
		places[what] = append(places[what], w.Place())
	}
	for i, what := range said {
		said[i] = fmt.Sprintf("%s bypasses %s", strings.Join(places[what], " and "), what)
		if len(places[what]) > 1 {
			said[i] = strings.Replace(said[i], " bypasses ", " bypass ", 1)
		}
	}
	return strings.Join(said, ", ")
}
