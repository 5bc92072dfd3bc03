// Package program runs krm-bypass-init as a container would run it, in network
// namespaces of its own, and judges what it says, what it returns and what it
// leaves in the kernel: by either backend, without rights, beside others, killed,
// and on hosts that look like nodes.
//
// Command lines that need no kernel are tested in images/init; what the rules do
// to traffic is tested in test/e2e.
package program
