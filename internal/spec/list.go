package spec

import (
	"reflect"
	"strings"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// list is a traffic field that is a list of single entries.
type list struct {
	field traffic.Field
	// ports says that the entries are ports; otherwise they are IP ranges. named says that
	// they may be names.
	ports, named bool
	// get gives the entries, nil where the field is not given.
	get func(*v1alpha1.Traffic) []string
	set func(*v1alpha1.Traffic, []string)
}

// lists are the traffic fields but excludeOutbound, whose entries are pairs.
var lists = []list{
	listOf(traffic.ExcludeInboundPorts, true, func(t *v1alpha1.Traffic) *v1alpha1.InboundPortList { return &t.ExcludeInboundPorts }),
	listOf(traffic.IncludeInboundPorts, true, func(t *v1alpha1.Traffic) *v1alpha1.InboundPortSelection { return &t.IncludeInboundPorts }),
	listOf(traffic.ExcludeOutboundPorts, true, func(t *v1alpha1.Traffic) *v1alpha1.PortList { return &t.ExcludeOutboundPorts }),
	listOf(traffic.IncludeOutboundPorts, true, func(t *v1alpha1.Traffic) *v1alpha1.PortList { return &t.IncludeOutboundPorts }),
	listOf(traffic.ExcludeOutboundIPRanges, false, func(t *v1alpha1.Traffic) *v1alpha1.IPRangeList { return &t.ExcludeOutboundIPRanges }),
	listOf(traffic.IncludeOutboundIPRanges, false, func(t *v1alpha1.Traffic) *v1alpha1.IPRangeSelection { return &t.IncludeOutboundIPRanges }),
}

func listOf[S ~[]E, E ~string](field traffic.Field, ports bool, at func(*v1alpha1.Traffic) *S) list {
	return list{
		field: field, ports: ports, named: reflect.TypeFor[E]() == inboundPortType,
		get: func(t *v1alpha1.Traffic) []string { return texts(*at(t)) },
		set: func(t *v1alpha1.Traffic, entries []string) { *at(t) = typed[S](entries) },
	}
}

// texts gives a list's entries, nil for no list.
func texts[S ~[]E, E ~string](list S) []string { return typed[[]string](list) }

func typed[To ~[]T, T, F ~string, From ~[]F](list From) To {
	if list == nil {
		return nil
	}
	entries := make(To, len(list))
	for i, e := range list {
		entries[i] = T(e)
	}
	return entries
}

// Entry is an entry of a traffic field as it is written, and as the settings read
// it: a pair of lists is many pairs. What a Name is to them, only the workload says.
type Entry struct {
	Text    string
	Entries []string
	Name    bool
}

// Entries gives the entries of a traffic field.
func Entries(t *v1alpha1.Traffic, f traffic.Field) []Entry {
	var all []Entry
	for _, l := range lists {
		if l.field == f {
			for _, text := range l.get(t) {
				all = append(all, Entry{Text: text, Entries: []string{text}, Name: l.named && isPortName(text)})
			}
			return all
		}
	}
	for _, d := range t.ExcludeOutbound {
		ranges, ports := texts(d.IPRanges), texts(d.Ports)
		pair := Entry{Text: strings.Join(ranges, ",") + "@" + strings.Join(ports, ",")}
		for _, r := range ranges {
			for _, p := range ports {
				pair.Entries = append(pair.Entries, r+"@"+p)
			}
		}
		all = append(all, pair)
	}
	return all
}
