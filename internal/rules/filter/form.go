package filter

import "net/netip"

// Form says what inbound rules do without, where a kernel lacks it. The zero value
// does without nothing.
type Form struct {
	// Own lists the pod's addresses, by which rules then tell what the pod receives
	// from what it only forwards, as a pod does for a virtual machine or for containers
	// inside it: inbound settings say nothing about that. nil asks the kernel's routing
	// table about each new connection, which is always right.
	Own []netip.Addr
	// Seen leaves new connections in the sight of a mesh that intercepts by TPROXY.
	Seen bool
}

// Nothing reports whether the pod has no address to list: no inbound rule would bypass
// anything.
func (f Form) Nothing() bool { return f.Own != nil && len(f.Own) == 0 }
