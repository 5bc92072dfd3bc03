package legacy

import (
	"fmt"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/rules/filter"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// String gives the rule's options as iptables lists them.
func (r Rule) String() string {
	var words []string
	if r.To.IsValid() && r.To.Bits() > 0 {
		words = append(words, "-d", r.To.String())
	}
	words = append(words, r.Interface...)
	if r.Protocol != 0 {
		words = append(words, "-p", filter.ProtocolName(r.Protocol))
	}
	if r.Forwarded {
		words = append(words, "-m", "addrtype", "!", "--dst-type", "LOCAL")
	}
	switch len(r.Ports) {
	case 0:
	case 1:
		words = append(words, "-m", filter.ProtocolName(r.Protocol), "--dport", portsWord(r.Ports))
	default:
		words = append(words, "-m", "multiport", "--dports", portsWord(r.Ports))
	}
	return strings.Join(append(words, "-j", string(r.Target)), " ")
}

func portsWord(ranges []traffic.PortRange) string {
	return strings.Join(each.As(ranges, func(r traffic.PortRange) string { return strings.ReplaceAll(r.String(), "-", ":") }), ",")
}

// preamble says what to do with the text. Thanks to the options -4 and -6 both
// commands can load the same text (iptables(8), "--ipv4").
const preamble = `# For a pod that has none of these chains yet. Both commands load it:
#   iptables-legacy-restore --noflush FILE
#   ip6tables-legacy-restore --noflush FILE
`

// Text gives the ruleset as iptables-restore and ip6tables-restore load it.
func (r Ruleset) Text() string {
	var b strings.Builder
	b.WriteString(preamble + "*nat\n")
	for _, c := range r {
		fmt.Fprintf(&b, ":%s - [0:0]\n", c.Name)
	}
	for _, c := range r {
		for _, rule := range c.Rules {
			fmt.Fprintf(&b, "%s-A %s %s\n", rule.only(), c.Name, rule)
		}
	}
	for _, c := range r {
		fmt.Fprintf(&b, "-I %s 1 -j %s\n", c.Hook, c.Name)
	}
	b.WriteString("COMMIT\n")
	return b.String()
}

// only gives the option that limits a rule to its family, if it has one.
func (r Rule) only() string {
	for _, f := range families {
		if r.To.IsValid() && f.has(r.To.Addr()) {
			return f.option + " "
		}
	}
	return ""
}
