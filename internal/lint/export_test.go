package lint

import (
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/finding"
)

// Checks lists every check. The caller must not change the slice.
func Checks() []*Check { return table() }

// Kinds names the kinds of objects that the check reads beside workloads.
func (c *Check) Kinds() []string { return Reads(c.Kind) }

// Reads names the kinds of objects that are read beside workloads for a kind of
// finding.
func Reads(of *finding.Kind) []string {
	var names []string
	for _, c := range table() {
		if c.Kind == of {
			for _, k := range slices.Concat(c.about, c.reads) {
				names = append(names, k.name)
			}
		}
	}
	slices.Sort(names)
	return names
}
