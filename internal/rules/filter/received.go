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
