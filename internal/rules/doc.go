// Package rules makes traffic settings true in a network namespace: it compiles
// them to a ruleset, loads that into the kernel in one transaction, reads it
// back and says in words where the kernel differs from what was asked.
//
// The idea: every mesh redirects in NAT chains at priority -100. A connection
// that already has a NAT mapping skips the NAT chains that follow in the same
// hook, so an identity DNAT ("to its own destination") one step earlier leaves
// the destination as it is and the mesh's chains unasked. An accept verdict
// would end only the base chain that gives it (nft(8), "VERDICT STATEMENTS"),
// and an accept by iptables does not bind the other iptables backend.
//
// The compilation is pure; everything that touches the kernel is in kernel.go
// and readback.go. What the settings mean is owned by internal/traffic; flags,
// logs, exit codes and the refusal to work in a node's namespace are owned by
// images/init.
package rules
