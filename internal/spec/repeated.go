package spec

import (
	"fmt"
	"strings"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// Repeated finds entries of traffic lists that stand in the same list before. They change
// nothing, but another one may have been meant.
func Repeated(c *v1alpha1.ClusterBypass) []Finding {
	var found []Finding
	in := func(at string, entries []string, same func(entry string) string) {
		first := map[string]int{}
		for i, entry := range entries {
			is := same(entry)
			before, repeated := first[is]
			if !repeated {
				first[is] = i
				continue
			}
			found = append(found, Finding{finding.RepeatedEntry, Problem{
				Path: fmt.Sprintf("%s[%d]", at, i), Value: entry,
				Message: fmt.Sprintf("%q is in this list already, at [%d]: remove one of the two, or correct it", entry, before),
			}})
		}
	}
	scope := func(at string, t v1alpha1.Traffic) {
		for _, l := range lists {
			same := samePorts
			if !l.ports {
				same = sameRange
			}
			in(at+"."+string(l.field), l.get(&t), same)
		}
		for i, d := range t.ExcludeOutbound {
			item := fmt.Sprintf("%s.excludeOutbound[%d]", at, i)
			in(item+".ipRanges", texts(d.IPRanges), sameRange)
			in(item+".ports", texts(d.Ports), samePorts)
		}
	}
	if d := c.Spec.MeshDefaults; d != nil {
		scope(transform.DefaultsPath, *d)
	}
	for _, rule := range Rules(c) {
		scope(rule.Path, rule.Traffic)
		if early := rule.ForInitContainers; early != nil {
			scope(transform.InitialPath(rule.Path), early.AsTraffic())
		}
	}
	return found
}

// samePorts is the same for entries that mean the same ports. A name is no number.
func samePorts(entry string) string {
	ports, err := traffic.ParsePorts(entry)
	if err != nil {
		return entry
	}
	return strings.Join(ports.Entries(), ",")
}

func sameRange(entry string) string {
	prefix, err := traffic.ParsePrefix(entry)
	if err != nil {
		return entry
	}
	return prefix.String()
}
