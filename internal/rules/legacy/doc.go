// Package legacy makes the kernel do what traffic settings say by
// iptables-legacy, in chains of its own, for kernels that have no nf_tables to
// take the rules.
//
// The idea: in such a kernel the mesh has no other way either, so it redirects in
// the nat table of the same iptables. A packet that one of our chains accepts
// leaves that table, and the mesh's rules are never asked. The first rules of
// PREROUTING and OUTPUT lead to our chains; meshes append theirs (istio/istio
// tools/istio-iptables/pkg/capture/run.go), except that Istio puts its rules for
// the interfaces of virtual machines first. An accept means nothing to a mesh
// that redirects by nftables or by iptables-nft: those are other hooks.
//
// One call of iptables-restore replaces all our rules of an address family at
// once, and one call of iptables lists them. No series of single calls could: others
// may come in between. Kernels that imitate Linux may have few matches. Of those
// that we use, one may be missing, addrtype, and there is a form of the rules
// without it.
//
// None of our rules needs the kernel to know of connections, since kernels that imitate
// Linux may lack the match. So it follows them from where a rule of the mesh does (linux
// net/netfilter/nf_conntrack_proto.c, nf_ct_netns_get). A connection that bypasses and is
// there when a mesh comes into a running pod may end, as all others may: the first of it
// that the kernel sees may be an answer, which the mesh takes for a new connection.
//
// Compiling is pure. kernel.go alone executes anything. The tests here judge the
// pure part; test/kernel judges the rest, with the real programs and kernel.
package legacy
