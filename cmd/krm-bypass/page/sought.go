package page

import (
	"fmt"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// sought is what was typed to find something. It finds itself as a part of a text. A port,
// an address or both also find the entries that hold them: 9005 is no part of "9000-9010".
type sought struct {
	text      string // in lower case
	ports     traffic.Ports
	addresses traffic.Prefixes
	// destination says that it is an address and a port, so that a pair has to hold both.
	destination bool
	// known are entries that were compared: most workloads share theirs.
	known map[fieldEntry]bool
}

type fieldEntry struct{ field, entry string }

func newSought(typed string) *sought {
	typed = strings.TrimSpace(typed)
	s := &sought{text: strings.ToLower(typed), known: map[fieldEntry]bool{}}
	s.ports, _ = traffic.ParsePorts(strings.ToUpper(typed)) // what is none finds by its text alone
	if address, err := traffic.ParsePrefix(typed); err == nil {
		s.addresses = traffic.NewPrefixes(address)
	}
	if to, err := traffic.ParseOutbound(strings.ToUpper(typed)); err == nil {
		s.destination = true
		s.ports, _ = traffic.ParsePorts(fmt.Sprintf("%d/%s", to.Port, to.Protocol))
		address, _ := traffic.ParsePrefix(to.Address.String())
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
		if slices.ContainsFunc(f.Effective, func(entry string) bool { return s.finds(f.Field, entry) }) {
			return true
		}
	}
	return slices.ContainsFunc(w.Others, func(o fn.ExplainedOther) bool {
		if s.isPartOf(o.Name) || s.isPartOf(o.Value) {
			return true
		}
		for field, entries := range o.Lets {
			if slices.ContainsFunc(entries, func(entry string) bool { return s.isHeldBy(field, entry) }) {
				return true
			}
		}
		return false
	})
}

func (s *sought) isPartOf(text string) bool { return strings.Contains(strings.ToLower(text), s.text) }

// finds reports whether it is in an entry of a field.
func (s *sought) finds(field, entry string) bool {
	at := fieldEntry{field, entry}
	found, known := s.known[at]
	if !known {
		found = s.isPartOf(entry) || s.isHeldBy(field, entry)
		s.known[at] = found
	}
	return found
}

// isHeldBy reports whether an entry of a field holds a port or an address of it.
func (s *sought) isHeldBy(field, entry string) bool {
	if s.ports.IsEmpty() && s.addresses.IsEmpty() || s.destination && sideOf(field) == "inbound" {
		return false
	}
	address, port, isPair := strings.Cut(entry, "@")
	if !isPair {
		port = entry
	}
	// An entry without ports is no port, and one without addresses no address.
	holdsPort := slices.ContainsFunc(strings.Split(port, ","), func(one string) bool {
		ports, err := traffic.ParsePorts(one)
		return err == nil && !s.ports.Intersect(ports).IsEmpty()
	})
	holdsAddress := slices.ContainsFunc(strings.Split(address, ","), func(one string) bool {
		prefix, err := traffic.ParsePrefix(one)
		return err == nil && s.addresses.Overlaps(prefix)
	})
	if isPair && s.destination {
		return holdsPort && holdsAddress
	}
	return holdsPort || holdsAddress
}
