package traffic

import (
	"fmt"
	"net/netip"
	"strings"
)

// How the two kinds of connections are written.
const (
	outboundForms = `write it as "10.1.2.3:5432", "[fd00::1]:5432" or "10.96.0.10:53/UDP"`
	inboundForms  = `write it as "8080" or "53/UDP"`
)

// ParseOutbound reads the destination of an outbound connection: IP:PORT, behind
// it "/TCP", which is the default, or "/UDP".
func ParseOutbound(text string) (Connection, error) {
	body, protocol, err := cutProtocol(text, outboundForms)
	if err != nil {
		return Connection{}, err
	}
	to, err := netip.ParseAddrPort(body)
	switch {
	case err != nil || to.Port() == 0:
		return Connection{}, fmt.Errorf("%q is not an address and a port: %s", text, outboundForms)
	case body[strings.LastIndexByte(body, ':')+1] == '0':
		return Connection{}, fmt.Errorf("%q has a port with a leading zero: remove the zero", text)
	}
	address := to.Addr().Unmap()
	return Connection{Direction: Outbound, Protocol: protocol, Address: address, Port: to.Port(), Loopback: staysHere(address)}, nil
}

// staysHere reports whether the kernel connects to an address over loopback, wherever it
// is. It takes no address at all for this host's (linux net/ipv4/route.c,
// ip_route_output_key_hash_rcu; net/ipv6/tcp_ipv6.c, tcp_v6_connect).
func staysHere(a netip.Addr) bool { return a.IsLoopback() || a.IsUnspecified() }

// ParseInbound reads the port of the pod that is called: PORT, behind it "/TCP",
// which is the default, or "/UDP".
func ParseInbound(text string) (Connection, error) {
	body, protocol, err := cutProtocol(text, inboundForms)
	if err != nil {
		return Connection{}, err
	}
	ports, err := ParsePorts(body)
	ranges := ports.Ranges(protocol)
	if err != nil || len(ranges) != 1 || ranges[0].First != ranges[0].Last {
		return Connection{}, fmt.Errorf("%q is not a port: %s", text, inboundForms)
	}
	return Connection{Direction: Inbound, Protocol: protocol, Port: ranges[0].First}, nil
}

func cutProtocol(text, forms string) (string, Protocol, error) {
	body, suffix, found := strings.Cut(text, "/")
	switch {
	case !found:
		return body, TCP, nil
	case strings.Contains(text, "://"):
		return "", 0, fmt.Errorf("%q is a URL: %s", text, forms)
	case strings.HasPrefix(strings.TrimLeft(suffix, "0123456789"), ":"), AllDigits(suffix):
		return "", 0, fmt.Errorf("%q is a range: ask about one address of it, and %s", text, forms)
	}
	for _, p := range Protocols {
		if p.String() == suffix {
			return body, p, nil
		}
	}
	return "", 0, fmt.Errorf("%q names a protocol that is neither TCP nor UDP: write one of them, in capitals", text)
}
