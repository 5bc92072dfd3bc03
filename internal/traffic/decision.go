package traffic

// Verdict is what becomes of a connection.
type Verdict uint8

// The verdicts. LeftToMesh leaves the connection to whatever the mesh does on
// its own.
const (
	LeftToMesh Verdict = iota
	Intercepted
	Bypassed
)

// String gives the verdict in words.
func (v Verdict) String() string {
	return [...]string{"left to the mesh", "intercepted", "bypassed"}[v]
}

// Decision is a verdict, and what it comes from.
type Decision struct {
	Verdict Verdict
	// By is the field, "" where no field speaks of the connection.
	By Field
	// Line counts from 1 in the Lines of the direction.
	Line int
}

// Line is a line of a decision: what becomes of the connections that it fits.
type Line struct {
	// Says completes "a connection that", names of fields between backquotes.
	Says    string
	Verdict Verdict
	By      Field
	fits    func(Settings, Connection) bool
}

// Lines are those of each direction. The first that fits a connection decides, and the
// last fits any. Everything that enforces or explains settings follows them.
var Lines = [...][]Line{
	Outbound: {
		{"stays in the pod: 127.0.0.1, ::1, the pod's own address", LeftToMesh, "", staysInPod},
		{"goes to a port in `excludeOutboundPorts`", Bypassed, ExcludeOutboundPorts, func(s Settings, c Connection) bool {
			return s.ExcludeOutboundPorts.Contains(c.Protocol, c.Port)
		}},
		{"goes to an address and a port of one entry of `excludeOutbound`", Bypassed, ExcludeOutbound, func(s Settings, c Connection) bool {
			return s.ExcludeOutbound.Contains(c.Protocol, c.Address, c.Port)
		}},
		{"goes to a port in `includeOutboundPorts`", Intercepted, IncludeOutboundPorts, func(s Settings, c Connection) bool {
			return s.IncludeOutboundPorts.Contains(c.Protocol, c.Port)
		}},
		{"is TCP, not to port 53, to an address in `excludeOutboundIPRanges`", Bypassed, ExcludeOutboundIPRanges, func(s Settings, c Connection) bool {
			return c.ranged() && s.ExcludeOutboundIPRanges.Contains(c.Address)
		}},
		{"is TCP, not to port 53, to an address that is missing from `includeOutboundIPRanges`", Bypassed, IncludeOutboundIPRanges, func(s Settings, c Connection) bool {
			return c.ranged() && !s.IncludeOutboundIPRanges.All() && !s.IncludeOutboundIPRanges.Set().Contains(c.Address)
		}},
		{"is any other", LeftToMesh, "", anyOther},
	},
	Inbound: {
		{"stays in the pod", LeftToMesh, "", staysInPod},
		{"comes to a port in `excludeInboundPorts`", Bypassed, ExcludeInboundPorts, func(s Settings, c Connection) bool {
			return s.ExcludeInboundPorts.Contains(c.Protocol, c.Port)
		}},
		{"is TCP, to a port that is missing from `includeInboundPorts`", Bypassed, IncludeInboundPorts, func(s Settings, c Connection) bool {
			return c.Protocol == TCP && !s.IncludeInboundPorts.All() && !s.IncludeInboundPorts.Set().Contains(TCP, c.Port)
		}},
		{"is any other", LeftToMesh, "", anyOther},
	},
}

func staysInPod(_ Settings, c Connection) bool { return c.Loopback }

func anyOther(Settings, Connection) bool { return true }

// ranged reports whether ranges of addresses speak of the connection: they leave DNS and
// UDP to the mesh.
func (c Connection) ranged() bool { return c.Protocol == TCP && c.Port != DNSPort }

// Decide says what becomes of a connection.
func (s Settings) Decide(c Connection) Decision {
	lines, i := Lines[c.Direction], 0
	for !lines[i].fits(s, c) {
		i++
	}
	return Decision{lines[i].Verdict, lines[i].By, i + 1}
}
