// Package legacy makes traffic settings true where the kernel has no nf_tables
// that could take them: by iptables-legacy, in chains of our own.
//
// The idea: the mesh, which in such a kernel has no other way either, redirects
// in the nat table of the same iptables. A packet that one of our chains accepts
// has left that table, so the mesh's rules are not asked. Our chains are reached
// from the first position of PREROUTING and OUTPUT; meshes append their own jumps
// there (istio/istio tools/istio-iptables/pkg/capture/run.go). An accept binds
// nobody who redirects by nftables or by iptables-nft: those are other hooks.
//
// One call of iptables-restore replaces the table of an address family as a
// whole, which no sequence of single calls does and go-iptables has no call for;
// the reading is go-iptables'. Only matches that every kernel with iptables has
// are used, and none of them inverted, so that little is asked of kernels that
// imitate Linux's.
//
// The compilation is pure; kernel.go alone executes something. What the settings
// mean is owned by internal/traffic, the choice between this and nftables by
// internal/rules.
package legacy
