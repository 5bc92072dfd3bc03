package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// few is how many of a list's entries are named in a message, and kept how many are known to
// whoever compares or accepts a finding.
const (
	few  = 3
	kept = 100
)

// some names a few of many, in order.
func some(names []string) string {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	named := min(few, len(names))
	return (&crowd{first: names[:named], more: len(names) - named}).String()
}

// portsOf writes TCP ports for a message: "port 9090", "ports 80, 8000-8010".
func portsOf(ports traffic.Ports) string {
	left := ports.Count(traffic.TCP)
	noun := verb(left == 1, "port ", "ports ")
	texts := make([]string, 0, few+1)
	for i, r := range ports.Ranges(traffic.TCP) {
		if i == 2*few {
			texts = append(texts, fmt.Sprintf("and %d more", left))
			break
		}
		texts = append(texts, r.String())
		left -= int(r.Last-r.First) + 1
	}
	return noun + strings.Join(texts, ", ")
}

// portsIn gives the ports that portsOf wrote, or a port; nil where not all are named.
func portsIn(said string) []string {
	said = strings.TrimPrefix(strings.TrimPrefix(said, "ports "), "port ")
	ports := strings.Split(said, ", ")
	if err := new(traffic.Layer).Set(traffic.ExcludeInboundPorts, ports); err != nil {
		return nil
	}
	return ports
}

// tally gathers workloads by what there is to say of them, so that it is said
// once.
type tally map[string]*crowd

// crowd is workloads of which only a few are named.
type crowd struct {
	last  *Workload
	first []string // in order, at most kept
	more  int
}

func (t tally) add(said string, w *Workload) { t.of(said).add(w) }

func (t tally) of(said string) *crowd {
	c := t[said]
	if c == nil {
		c = &crowd{}
		t[said] = c
	}
	return c
}

func (c *crowd) add(w *Workload) {
	switch {
	case c.last == w:
		return
	case w.crowd == nil:
		c.name(w.ID())
	default:
		c.join(w.crowd)
	}
	c.last = w
}

func (c *crowd) name(id string) {
	i, there := slices.BinarySearch(c.first, id)
	switch {
	case there:
	case i == kept:
		c.more++
	default:
		c.first = slices.Insert(c.first, i, id)
		if len(c.first) > kept {
			c.first, c.more = c.first[:kept], c.more+1
		}
	}
}

// join adds the workloads of another crowd.
func (c *crowd) join(other *crowd) {
	for _, id := range other.first {
		c.name(id)
	}
	c.more += other.more
}

func (c *crowd) String() string {
	named := min(few, len(c.first))
	text := strings.Join(c.first[:named], ", ")
	if more := len(c.first) - named + c.more; more > 0 {
		return fmt.Sprintf("%s and %d more", text, more)
	}
	return text
}

// all gives the workloads, nil where they are too many to name.
func (c *crowd) all() []string {
	if c.more > 0 {
		return nil
	}
	return c.first
}

// saying is what was said and the workloads of which it was. of has those too, nil where
// they are too many to name.
type saying struct {
	said, workloads string
	of              []string
}

// mostSayings is how much is said of one field before it is said in short, so that
// a policy beside workloads that all bypass other ports is one finding.
const mostSayings = 10

// sayings gives what was said, in order.
func (t tally) sayings() []saying {
	said := make([]string, 0, len(t))
	var all crowd
	for s, c := range t {
		if len(c.first) > 0 {
			said = append(said, s)
			all.join(c)
		}
	}
	if len(said) > mostSayings {
		return []saying{{said: some(said), workloads: all.String()}}
	}
	slices.Sort(said)
	sayings := make([]saying, len(said))
	for i, s := range said {
		sayings[i] = saying{said: s, workloads: t[s].String(), of: t[s].all()}
	}
	return sayings
}

// inOrder sorts views by the names of their objects.
func inOrder[T interface{ ID() string }](views []T) []T {
	return slices.SortedFunc(slices.Values(views), func(a, b T) int { return cmp.Compare(a.ID(), b.ID()) })
}

// verb bends a word to how many workloads or ports it is about.
func verb(singular bool, one, more string) string {
	if singular {
		return one
	}
	return more
}

// idsOf names objects.
func idsOf[T interface{ ID() string }](views []T) []string {
	names := make([]string, len(views))
	for i, v := range views {
		names[i] = v.ID()
	}
	return names
}

// portSet reads ports; it ignores what is none.
func portSet(list []string) traffic.Ports {
	var ranges []traffic.PortRange
	for _, entry := range list {
		if n, err := strconv.ParseUint(strings.TrimSpace(entry), 10, 16); err == nil && n > 0 {
			ranges = append(ranges, traffic.PortRange{First: uint16(n), Last: uint16(n)})
		}
	}
	return traffic.NewPorts(traffic.TCP, ranges...)
}
