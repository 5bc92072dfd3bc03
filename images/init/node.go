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
