package main

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// connection gives what check is asked about.
func (c call) connection() (traffic.Connection, error) {
	switch {
	case (c.to == "") == (c.from == ""):
		return traffic.Connection{}, errNothingToCheck
	case c.to != "":
		return outbound(c.to)
	}
	return inbound(c.from)
}

// outbound reads IP:PORT, behind it "/TCP", which is the default, or "/UDP".
func outbound(text string) (traffic.Connection, error) {
	body, protocol, err := cutProtocol(text)
	if err != nil {
		return traffic.Connection{}, fmt.Errorf("--to: %w", err)
	}
	to, err := netip.ParseAddrPort(body)
	if err != nil || to.Port() == 0 {
		return traffic.Connection{}, fmt.Errorf(`--to: %q is not an address and a port, write it as "10.1.2.3:5432", "[fd00::1]:5432" or "10.96.0.10:53/UDP"`, text)
	}
	address := to.Addr().Unmap()
	return traffic.Connection{
		Direction: traffic.Outbound, Protocol: protocol, Address: address, Port: to.Port(), Loopback: address.IsLoopback(),
	}, nil
}

// inbound reads PORT, behind it "/TCP", which is the default, or "/UDP".
func inbound(text string) (traffic.Connection, error) {
	body, protocol, err := cutProtocol(text)
	if err != nil {
		return traffic.Connection{}, fmt.Errorf("--from-port: %w", err)
	}
	ports, err := traffic.ParsePorts(body)
	ranges := ports.Ranges(protocol)
	if err != nil || len(ranges) != 1 || ranges[0].First != ranges[0].Last {
		return traffic.Connection{}, fmt.Errorf(`--from-port: %q is not a port, write it as "8080" or "53/UDP"`, text)
	}
	return traffic.Connection{Direction: traffic.Inbound, Protocol: protocol, Port: ranges[0].First}, nil
}

func cutProtocol(text string) (string, traffic.Protocol, error) {
	body, suffix, found := strings.Cut(text, "/")
	if !found {
		return body, traffic.TCP, nil
	}
	for _, p := range traffic.Protocols {
		if p.String() == suffix {
			return body, p, nil
		}
	}
	return "", 0, fmt.Errorf("%q names a protocol that is neither TCP nor UDP", text)
}
