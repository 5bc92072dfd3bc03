package main

import (
	"fmt"

	"github.com/krm-bypass/krm-bypass/internal/rules/host"
)

// The variables that hold the pod's and the node's address, from the downward
// API (status.podIP and status.hostIP).
const (
	podIPVariable  = "KRM_BYPASS_POD_IP"
	hostIPVariable = "KRM_BYPASS_HOST_IP"
)

// refuseOutside is an error where no kubelet has started the program: whoever starts
// it by hand on some machine rarely means that machine's network.
func (s session) refuseOutside() error {
	if s.here || s.env(podIPVariable) != "" || s.env(hostIPVariable) != "" {
		return nil
	}
	return fmt.Errorf("not running in a pod: neither %s nor %s is set, which krm-bypass sets by the downward API; "+
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
