package mesh

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// grammar is how a mesh writes a set as a list, and reads such a list.
type grammar interface {
	// entries writes what the settings say of a field.
	entries(traffic.Settings, traffic.Field) []string
	// read gives the entries of an annotation's value in the form that package
	// traffic reads, nil where the mesh ignores the value. The error says why
	// the mesh refuses it.
	read(value string) ([]string, error)
}

// portList is a mesh's grammar for a list of ports. Blanks around an entry do no
// harm.
type portList struct {
	// refuser is who refuses a value that breaks the grammar.
	refuser string
	// separator stands between the two ends of a range; "" for a mesh that
	// refuses ranges although its rules would take them.
	separator string
	// all is the value that selects everything, "" if there is none.
	all string
	// skipsEmpty says that the mesh ignores empty entries, and a value that has
	// no others.
	skipsEmpty bool
	// nonempty says that the mesh refuses even the empty value.
	nonempty bool
}

func (l portList) entries(s traffic.Settings, f traffic.Field) []string {
	selected := s.Ports(f)
	if selected.All() {
		return everything(l.all)
	}
	var texts []string
	if l.separator == "" {
		for port := range selected.Set().Numbers(traffic.TCP) {
			texts = append(texts, strconv.Itoa(int(port)))
		}
		return texts
	}
	for _, r := range selected.Set().Ranges(traffic.TCP) {
		texts = append(texts, strings.ReplaceAll(r.String(), "-", l.separator))
	}
	return texts
}

func (l portList) read(value string) ([]string, error) {
	if l.all != "" && value == l.all {
		return []string{traffic.Everything}, nil
	}
	items, err := splitItems(value, l.refuser, l.skipsEmpty, l.nonempty)
	if err != nil {
		return nil, err
	}
	for i, item := range items {
		refused := func(problem, remedy string) ([]string, error) {
			return nil, &traffic.EntryError{Index: i, Value: item, Problem: problem + ", which " + l.refuser + " refuses", Remedy: remedy}
		}
		if _, suffix, narrowed := strings.Cut(item, "/"); narrowed {
			return refused("narrowed to a protocol ("+suffix+")", "write only the port, or put it into a ClusterBypass")
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
	// blanks says that blanks around an entry do no harm.
	blanks bool
	// masked says that an address needs its mask.
	masked bool
	// all, skipsEmpty and nonempty are as in portList.
	all                  string
	skipsEmpty, nonempty bool
}

func (l rangeList) entries(s traffic.Settings, f traffic.Field) []string {
	selected := s.Prefixes(f)
	if selected.All() {
		return everything(l.all)
	}
	return selected.Set().Entries()
}

// everything is the one entry that stands for all; a mesh in which the empty list
// means all has none.
func everything(all string) []string {
	if all == "" {
		return nil
	}
	return []string{all}
}

func (l rangeList) read(value string) ([]string, error) {
	if l.all != "" && value == l.all {
		return []string{traffic.Everything}, nil
	}
	items := traffic.SplitList(value)
	if l.blanks {
		var err error
		if items, err = splitItems(value, l.refuser, l.skipsEmpty, l.nonempty); err != nil {
			return nil, err
		}
	}
	for i, item := range items {
		if problem, remedy := l.refuses(item, len(items) == 1); problem != "" {
			return nil, &traffic.EntryError{Index: i, Value: item, Problem: problem + ", which " + l.refuser + " refuses", Remedy: remedy}
		}
	}
	return items, nil
}

// refuses says why the mesh refuses an entry that package traffic would take; ""
// where it does not.
func (l rangeList) refuses(item string, alone bool) (problem, remedy string) {
	address, err := netip.ParseAddr(item)
	switch {
	case item == traffic.Everything && alone:
		return "no range", "list ranges, or remove the annotation"
	case strings.TrimSpace(item) != item:
		return "a range with whitespace beside it", "remove the whitespace"
	case l.masked && err == nil:
		return "an address without a mask", "write " + strconv.Quote(fmt.Sprintf("%s/%d", item, address.BitLen()))
	}
	return "", ""
}

// splitItems cuts a list at its commas and trims the blanks around each item. It
// gives nil for a value that the mesh ignores.
func splitItems(value, refuser string, skipsEmpty, nonempty bool) ([]string, error) {
	var items []string
	for i, item := range strings.Split(value, ",") {
		item = strings.TrimSpace(item)
		switch {
		case item != "":
			items = append(items, item)
		case skipsEmpty:
		case value == "" && !nonempty:
			return []string{}, nil
		case value == "":
			return nil, fmt.Errorf("an empty value, which %s refuses: remove the annotation", refuser)
		default:
			return nil, &traffic.EntryError{Index: i, Value: item, Problem: "an empty entry, which " + refuser + " refuses", Remedy: "remove the comma"}
		}
	}
	return items, nil
}
