package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// few is how many of a list's entries are named in a message.
const few = 3

// some names a few of many, in order.
func some(names []string) string {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	if len(names) <= few {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), len(names)-few)
}

// portsOf writes TCP ports for a message: "port 9090", "ports 80, 8000-8010".
func portsOf(ports traffic.Ports) string {
	ranges := ports.Ranges(traffic.TCP)
	texts := make([]string, 0, few+1)
	for i, r := range ranges {
		if i == 2*few {
			texts = append(texts, fmt.Sprintf("and %d more", ports.Count(traffic.TCP)-counted(ranges[:i])))
			break
		}
		texts = append(texts, r.String())
	}
	noun := "port "
	if ports.Count(traffic.TCP) > 1 {
		noun = "ports "
	}
	return noun + strings.Join(texts, ", ")
}

func counted(ranges []traffic.PortRange) int {
	return traffic.NewPorts(traffic.TCP, ranges...).Count(traffic.TCP)
}

func single(port uint16) traffic.Ports {
	return traffic.NewPorts(traffic.TCP, traffic.PortRange{First: port, Last: port})
}

// tally gathers workloads by what there is to say of them, so that it is said
// once.
type tally map[string][]string

func (t tally) add(said string, w *Workload) { t[said] = append(t[said], w.id()) }

// each visits what was said, in order, with the workloads of which it was.
func (t tally) each(visit func(said, workloads string)) {
	said := make([]string, 0, len(t))
	for s := range t {
		said = append(said, s)
	}
	slices.Sort(said)
	for _, s := range said {
		visit(s, some(t[s]))
	}
}

// inOrder sorts views by the names of their objects.
func inOrder[T interface{ id() string }](views []T) []T {
	return slices.SortedFunc(slices.Values(views), func(a, b T) int { return cmp.Compare(a.id(), b.id()) })
}

// verb bends a verb to how many workloads or ports it is about.
func verb(singular bool, one, more string) string {
	if singular {
		return one
	}
	return more
}
