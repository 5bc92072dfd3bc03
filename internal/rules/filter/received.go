package filter

import "net/netip"

// Received is how inbound rules tell what the pod receives from what it only
// forwards, as a pod does for a virtual machine or for containers inside it:
// inbound settings say nothing about that.
//
// The zero value asks the kernel's routing table about each new connection, which
// is always right. A list of the pod's own addresses is for kernels that cannot be
// asked.
type Received struct{ By []netip.Addr }

// Nothing reports whether the pod has no address to list: no inbound rule would bypass
// anything.
func (r Received) Nothing() bool { return r.By != nil && len(r.By) == 0 }
