package mesh

import (
	"cmp"
	"fmt"
	"math"
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
	// doubts says what of such a value the mesh reads otherwise than it looks, ""
	// for nothing.
	doubts(value string) string
}

// portList is a mesh's grammar for a list of ports. Blanks around an entry do no
// harm.
type portList struct {
	// refuser is who refuses a value that breaks the grammar.
	refuser string
	// number reads a port as the mesh does.
	number func(text string) (uint64, error)
	// separator stands between the two ends of a range; "" for a mesh that
	// refuses ranges although its rules would take them.
	separator string
	// refuses is a fact by which some versions refuse the other separator.
	refuses Fact
	// digits is a fact by which some versions refuse a port that number takes.
	digits Fact
	// open says that a range may lack an end, and named that an entry may be a name
	// of the init container's /etc/services.
	open, named bool
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
		if by == "" {
			first, last = item, item
		} else if l.open && by == l.separator {
			first, last = cmp.Or(first, "1"), cmp.Or(last, "65535")
		}
		switch {
		case item == traffic.Everything: // traffic says where that is one
		case l.named && strings.ContainsAny(strings.ToLower(item[:1]), "abcdefghijklmnopqrstuvwxyz"):
			return nil, &traffic.EntryError{Index: i, Value: item, Problem: "a name, whose port only /etc/services of " + l.refuser + " says", Remedy: "write the port's number"}
		case !traffic.AllDigits(l.plain(first)) || !traffic.AllDigits(l.plain(last)):
			return refused("not a port", l.remedy())
		case by == "":
			items[i] = l.plain(item)
		case l.separator == "":
			return refused("a port range", "list the ports "+first+" to "+last+" one by one, or put the range into a ClusterBypass")
		case by != l.separator:
			problem := "a port range with " + strconv.Quote(by)
			return nil, &traffic.EntryError{Index: i, Value: item, Problem: problem + ", which " + l.refuser + " refuses in " + l.refuses.Versions(), Remedy: "write " + strconv.Quote(first+l.separator+last)}
		default:
			items[i] = l.plain(first) + "-" + l.plain(last)
		}
	}
	return items, nil
}

// remedy says what an entry looks like.
func (l portList) remedy() string {
	if l.separator == "" {
		return "write a port from 1 to 65535"
	}
	return fmt.Sprintf("write a port from 1 to 65535, or a range such as 8000%s8010", l.separator)
}

// plain gives the text of a port as traffic reads it, where the mesh can read it.
func (l portList) plain(text string) string {
	if port, err := l.number(text); err == nil && port <= math.MaxUint16 {
		return strconv.FormatUint(port, 10)
	}
	return text
}

func (l portList) doubts(value string) string {
	var odd []string
	fails := ""
	for entry := range strings.FieldsFuncSeq(value, func(r rune) bool { return r == ',' || l.separator != "" && string(r) == l.separator }) {
		entry = strings.TrimSpace(entry)
		if plain := l.plain(entry); plain != entry {
			odd = append(odd, fmt.Sprintf("%q is port %s to it", entry, plain))
			if l.digits.Of != "" && !traffic.AllDigits(entry) {
				fails = "; " + l.digits.String()
			}
		}
	}
	if len(odd) == 0 {
		return ""
	}
	return strings.TrimSuffix(l.refuser, "'s injector") + " reads numbers in its own way, and " + strings.Join(odd, " and ") + fails + ": write plain numbers"
}

// cNumber reads a number as C's strtoul does with base 0, and with it iptables
// (libxtables/xtables.c, xtables_strtoul) and nft.
func cNumber(text string) (uint64, error) {
	digits := strings.TrimPrefix(text, "+")
	switch hex := strings.TrimPrefix(strings.ToLower(digits), "0x"); {
	case len(hex) < len(digits):
		return strconv.ParseUint(hex, 16, 16)
	case strings.HasPrefix(digits, "0"):
		return strconv.ParseUint(digits, 8, 16)
	}
	return strconv.ParseUint(digits, 10, 16)
}

// signed and unsigned read decimal numbers as Go's strconv does.
func signed(text string) (uint64, error) {
	n, err := strconv.Atoi(text)
	if err == nil && n < 0 {
		err = strconv.ErrRange
	}
	return uint64(max(n, 0)), err
}

func unsigned(text string) (uint64, error) { return strconv.ParseUint(text, 10, 16) }

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

func (rangeList) doubts(string) string { return "" }

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
