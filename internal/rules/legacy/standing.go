package legacy

import (
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// Standing gives what our chains that stand say, as the flags of the fields say it; nil
// if there are none.
func Standing() (values map[traffic.Field][]string, err error) {
	tables, err := standing()
	for _, t := range tables {
		for _, c := range t.there.chains {
			if values == nil {
				values = map[traffic.Field][]string{}
			}
			for _, r := range c.Rules {
				said(values, c.Name == inputChain, strings.Fields(r.Spelled))
			}
		}
	}
	return values, err
}

// said adds what a rule says. The same for both families is said twice.
func said(values map[traffic.Field][]string, inbound bool, words []string) {
	option := map[string]string{}
	for i := 0; i+1 < len(words); i += 2 {
		if words[i] == "!" || words[i] == "-i" || words[i] == "-o" {
			return // what it leaves alone
		}
		option[words[i]] = words[i+1]
	}
	to, protocol, leaves := option["-d"], strings.ToUpper(option["-p"]), option["-j"] == string(leave)
	ports := each.As(traffic.SplitList(option["--dport"], option["--dports"]), func(p string) string { return strings.ReplaceAll(p, ":", "-") + "/" + protocol })
	add := func(f traffic.Field, entries ...string) { values[f] = append(values[f], entries...) }
	switch {
	case inbound && leaves:
		add(traffic.IncludeInboundPorts, ports...)
	case inbound:
		add(traffic.ExcludeInboundPorts, ports...)
	case to != "" && len(ports) > 0:
		for _, p := range ports {
			add(traffic.ExcludeOutbound, to+"@"+p)
		}
	case to != "" && leaves:
		add(traffic.IncludeOutboundIPRanges, to)
	case to != "":
		add(traffic.ExcludeOutboundIPRanges, to)
	case leaves:
		add(traffic.IncludeOutboundPorts, ports...)
	default:
		add(traffic.ExcludeOutboundPorts, ports...)
	}
}
