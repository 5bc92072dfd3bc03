package page

import (
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// sought is what was typed to find workloads. It finds itself as a part of a text. A port
// or an address also finds the entries that hold it: 9005 is no part of "9000-9010".
type sought struct {
	text      string // in lower case
	ports     traffic.Ports
	addresses traffic.Prefixes
	// known are entries that were compared: most workloads share theirs.
	known map[string]bool
}

func newSought(typed string) *sought {
	typed = strings.TrimSpace(typed)
	s := &sought{text: strings.ToLower(typed), known: map[string]bool{}}
	s.ports, _ = traffic.ParsePorts(strings.ToUpper(typed)) // what is none finds by its text alone
	if address, err := traffic.ParsePrefix(typed); err == nil {
		s.addresses = traffic.NewPrefixes(address)
	}
	return s
}

// isIn reports whether it is in a workload's texts, or in what is in force for it.
func (s *sought) isIn(w *report.Workload, texts string) bool {
	if strings.Contains(texts, s.text) {
		return true
	}
	for _, f := range w.Fields {
		if slices.ContainsFunc(f.Effective, s.finds) {
			return true
		}
	}
	return slices.ContainsFunc(w.Others, func(o fn.ExplainedOther) bool {
		if s.isPartOf(o.Name) || s.isPartOf(o.Value) {
			return true
		}
		for _, entries := range o.Lets {
			if slices.ContainsFunc(entries, s.isHeldBy) {
				return true
			}
		}
		return false
	})
}

func (s *sought) isPartOf(text string) bool { return strings.Contains(strings.ToLower(text), s.text) }

func (s *sought) finds(entry string) bool { return s.isPartOf(entry) || s.isHeldBy(entry) }

// isHeldBy reports whether an entry in canonical form holds a port or an address of it.
func (s *sought) isHeldBy(entry string) bool {
	if s.ports.IsEmpty() && s.addresses.IsEmpty() {
		return false
	}
	holds, known := s.known[entry]
	if !known {
		address, port, isPair := strings.Cut(entry, "@")
		if !isPair {
			port = entry
		}
		// An entry without ports is no port, and one without addresses no address.
		ports, _ := traffic.ParsePorts(port)
		prefix, err := traffic.ParsePrefix(address)
		holds = !s.ports.Intersect(ports).IsEmpty() || err == nil && s.addresses.Overlaps(prefix)
		s.known[entry] = holds
	}
	return holds
}
