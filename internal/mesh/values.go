package mesh

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// list is a value of comma separated entries without blanks, which every mesh
// reads.
func list(entries []string) string { return strings.Join(entries, ",") }

// eachRange gives the ranges of TCP in entries in canonical form, which always
// parse. Everything is written as it is.
func eachRange(entries []string, write func(traffic.PortRange) []string) string {
	var texts []string
	for _, entry := range entries {
		if entry == traffic.Everything {
			return traffic.Everything
		}
		ports, _ := traffic.ParsePorts(entry)
		for _, r := range ports.Ranges(traffic.TCP) {
			texts = append(texts, write(r)...)
		}
	}
	return list(texts)
}

// expandedPorts writes each TCP port by itself, for meshes that refuse ranges
// although their rules would take them.
func expandedPorts(entries []string) string {
	return eachRange(entries, func(r traffic.PortRange) []string {
		var texts []string
		for port := int(r.First); port <= int(r.Last); port++ {
			texts = append(texts, strconv.Itoa(port))
		}
		return texts
	})
}

// portRanges writes ports and ranges, with a separator between a range's ends.
func portRanges(separator string) func([]string) string {
	return func(entries []string) string {
		return eachRange(entries, func(r traffic.PortRange) []string {
			return []string{strings.ReplaceAll(r.String(), "-", separator)}
		})
	}
}

// portList is a mesh's grammar for a list of ports.
type portList struct {
	// refuser is who refuses a value that does not follow the grammar.
	refuser string
	// separator is what stands between the ends of a range, "" where there
	// are no ranges.
	separator string
	// empties says that empty items are passed over, and with nothing else
	// the whole value.
	empties bool
	// nonempty says that even the empty value is refused.
	nonempty bool
}

// read gives the entries of a value; blanks around them are fine.
func (l portList) read(value string) ([]string, error) {
	items, err := splitItems(value, l.refuser, l.empties, l.nonempty)
	if err != nil {
		return nil, err
	}
	for i, item := range items {
		refused := func(problem, remedy string) ([]string, error) {
			return nil, &traffic.EntryError{Index: i, Value: item, Problem: problem + ", which " + l.refuser + " refuses", Remedy: remedy}
		}
		if _, suffix, narrowed := strings.Cut(item, "/"); narrowed {
			return refused("narrowed to a protocol ("+suffix+")", "write the port alone, or put it into a ClusterBypass")
		}
		first, last, by := cutRange(item)
		switch {
		case by == "":
		case l.separator == "":
			return refused("a port range", "list the ports "+first+" to "+last+" one by one, or put the range into a ClusterBypass")
		case by != l.separator:
			return refused("a port range with "+strconv.Quote(by), "write "+strconv.Quote(first+l.separator+last))
		default:
			items[i] = first + "-" + last
		}
	}
	return items, nil
}

func cutRange(entry string) (first, last, separator string) {
	for _, separator := range []string{"-", ":"} {
		if first, last, isRange := strings.Cut(entry, separator); isRange {
			return first, last, separator
		}
	}
	return "", "", ""
}

// rangeList is a mesh's grammar for a list of IP ranges.
type rangeList struct {
	refuser string
	// blanks says that blanks around an entry are fine.
	blanks bool
	// masked says that an address needs its mask.
	masked            bool
	empties, nonempty bool
}

func (l rangeList) read(value string) ([]string, error) {
	items := traffic.SplitList(value)
	if l.blanks {
		var err error
		if items, err = splitItems(value, l.refuser, l.empties, l.nonempty); err != nil {
			return nil, err
		}
	}
	for i, item := range items {
		_, err := netip.ParseAddr(item)
		bare := err == nil
		switch {
		case item == traffic.Everything && len(items) == 1:
			return nil, &traffic.EntryError{
				Index: i, Value: item, Problem: "no range, which " + l.refuser + " refuses",
				Remedy: "list ranges, or take the annotation away",
			}
		case strings.TrimSpace(item) != item:
			return nil, &traffic.EntryError{
				Index: i, Value: item, Problem: "a range with a blank beside it, which " + l.refuser + " refuses",
				Remedy: "take the blank away",
			}
		case bare && l.masked:
			mask := "/32"
			if strings.Contains(item, ":") {
				mask = "/128"
			}
			return nil, &traffic.EntryError{
				Index: i, Value: item, Problem: "an address without a mask, which " + l.refuser + " refuses",
				Remedy: "write " + strconv.Quote(item+mask),
			}
		}
	}
	return items, nil
}

// splitItems cuts a list at its commas and takes the blanks around its items
// away. nil stands for a value that is passed over.
func splitItems(value, refuser string, empties, nonempty bool) ([]string, error) {
	var items []string
	for i, item := range strings.Split(value, ",") {
		item = strings.TrimSpace(item)
		switch {
		case item != "":
			items = append(items, item)
		case empties:
		case value == "" && !nonempty:
			return []string{}, nil
		case value == "":
			return nil, fmt.Errorf("an empty value, which %s refuses: take the annotation away", refuser)
		default:
			return nil, &traffic.EntryError{Index: i, Value: item, Problem: "an empty entry, which " + refuser + " refuses", Remedy: "take the comma away"}
		}
	}
	return items, nil
}

// readSelected lets "*" stand for everything, which Istio takes only when it is
// the whole value.
func readSelected(read func(string) ([]string, error)) func(string) ([]string, error) {
	return func(value string) ([]string, error) {
		if value == traffic.Everything {
			return []string{traffic.Everything}, nil
		}
		return read(value)
	}
}
