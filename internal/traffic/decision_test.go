package traffic

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// lists reads entries as people do, by other means than the package.
type lists map[Field][]string

func (l lists) port(f Field, c Connection) bool {
	return slices.ContainsFunc(l[f], func(entry string) bool { return portIn(entry, c) })
}

func portIn(entry string, c Connection) bool {
	ports, protocol, narrowed := strings.Cut(entry, "/")
	low, high, ranged := strings.Cut(ports, "-")
	if !ranged {
		high = low
	}
	first, _ := strconv.Atoi(low)
	last, _ := strconv.Atoi(high)
	return entry == Everything || int(c.Port) >= first && int(c.Port) <= last && (!narrowed || protocol == c.Protocol.String())
}

func (l lists) address(f Field, c Connection) bool {
	return slices.ContainsFunc(l[f], func(entry string) bool { return addressIn(entry, c) })
}

func addressIn(entry string, c Connection) bool {
	return entry == Everything || netip.MustParsePrefix(entry).Contains(c.Address.Unmap())
}

func (l lists) pair(c Connection) bool {
	return slices.ContainsFunc(l[ExcludeOutbound], func(entry string) bool {
		address, ports, _ := strings.Cut(entry, "@")
		return addressIn(address, c) && portIn(ports, c)
	})
}

// wordsOf says of the words of each line whether they are so.
var wordsOf = map[string]func(l lists, c Connection) bool{
	"stays in the pod": func(_ lists, c Connection) bool { return c.Loopback },
	"stays in the pod: 127.0.0.1, ::1, the pod's own address":         func(_ lists, c Connection) bool { return c.Loopback },
	"goes to a port in `excludeOutboundPorts`":                        func(l lists, c Connection) bool { return l.port(ExcludeOutboundPorts, c) },
	"goes to an address and a port of one entry of `excludeOutbound`": lists.pair,
	"goes to a port in `includeOutboundPorts`":                        func(l lists, c Connection) bool { return l.port(IncludeOutboundPorts, c) },
	"is TCP, not to port 53, to an address in `excludeOutboundIPRanges`": func(l lists, c Connection) bool {
		return c.Protocol != UDP && c.Port != 53 && l.address(ExcludeOutboundIPRanges, c)
	},
	"is TCP, not to port 53, to an address that is missing from `includeOutboundIPRanges`": func(l lists, c Connection) bool {
		return c.Protocol != UDP && c.Port != 53 && !l.address(IncludeOutboundIPRanges, c)
	},
	"comes to a port in `excludeInboundPorts`":                     func(l lists, c Connection) bool { return l.port(ExcludeInboundPorts, c) },
	"is TCP, to a port that is missing from `includeInboundPorts`": func(l lists, c Connection) bool { return c.Protocol != UDP && !l.port(IncludeInboundPorts, c) },
	"is any other": func(lists, Connection) bool { return true },
}

// TestTheLineThatDecidesSaysWhatIsSo holds the words of a line to settings and
// connections as they are drawn: those of the line that decided are so, and those of the
// lines before it are not.
func TestTheLineThatDecidesSaysWhatIsSo(t *testing.T) {
	seen := map[Direction]map[int]bool{Outbound: {}, Inbound: {}}
	rapid.Check(t, func(t *rapid.T) {
		settings, read := drawnSettings.Draw(t, "settings"), lists{}
		for _, f := range Fields {
			read[f] = settings.Entries(f)
		}
		c := drawnConnection.Draw(t, "connection")
		for _, c.Port = range samplePorts {
			for _, c.Address = range sampleAddresses(nil) {
				d := settings.Decide(c)
				seen[c.Direction][d.Line] = true
				for i, line := range Lines[c.Direction][:d.Line] {
					is, known := wordsOf[line.Says]
					require.True(t, known, line.Says)
					require.Equal(t, i+1 == d.Line, is(read, c), "line %d, %s: %v %v", i+1, line.Says, settings, c)
				}
				line := Lines[c.Direction][d.Line-1]
				require.Equal(t, Decision{line.Verdict, line.By, d.Line}, d)
			}
		}
	})
	for direction, lines := range Lines {
		assert.Len(t, seen[Direction(direction)], len(lines), "of %s every line decided something", Direction(direction))
	}
}
