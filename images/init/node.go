package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/rules/host"
)

// The variables that hold the pod's and the node's address, from the downward
// API (status.podIP and status.hostIP).
const (
	podIPVariable  = "KRM_BYPASS_POD_IP"
	hostIPVariable = "KRM_BYPASS_HOST_IP"
	// podIPsVariable may hold all of the pod's (status.podIPs), between commas.
	podIPsVariable = "KRM_BYPASS_POD_IPS"
)

// own gives the pod's addresses: those in the variables and, where these are the ones
// of this network namespace, all others that it has.
func (s session) own() ([]netip.Addr, error) {
	var own []netip.Addr
	for _, variable := range []string{podIPVariable, podIPsVariable} {
		for text := range strings.SplitSeq(s.env(variable), ",") {
			if text = strings.TrimSpace(text); text == "" {
				continue
			}
			a, err := netip.ParseAddr(text)
			if err != nil || variable == podIPVariable && strings.Contains(s.env(variable), ",") {
				return nil, fmt.Errorf("reading %s: %q is not an address: give the pod's, or several in %s", variable, s.env(variable), podIPsVariable)
			}
			own = append(own, a.Unmap().WithZone(""))
		}
	}
	here := host.Addresses()
	if slices.ContainsFunc(own, func(a netip.Addr) bool { return slices.Contains(here, a) }) {
		own = append(own, here...)
	}
	return own, nil
}

// address gives the one that a variable holds, an invalid one if it holds none.
func (s session) address(variable string) netip.Addr {
	a, _ := netip.ParseAddr(s.env(variable))
	return a.Unmap()
}

// refuseOutside is an error where no kubelet has started the program: whoever starts
// it by hand on some machine rarely means that machine's network.
func (s session) refuseOutside() error {
	if s.here || s.address(podIPVariable).IsValid() || s.address(hostIPVariable).IsValid() {
		return nil
	}
	return fmt.Errorf("not running in a pod: neither %s nor %s holds an address, which krm-bypass sets by the downward API; "+
		"to apply the rules to this network namespace, add --here", podIPVariable, hostIPVariable)
}

// refuseNode is an error in the network namespace of a node.
func (s session) refuseNode() error {
	if s.allowHostNetwork {
		return nil
	}
	mark := host.Mark(s.env(podIPVariable), s.env(hostIPVariable))
	if mark == "" {
		return nil
	}
	return fmt.Errorf("this is the network namespace of a node, not of a pod: %s; "+
		"remove hostNetwork from the pod, or give --allow-host-network if you mean it", mark)
}
