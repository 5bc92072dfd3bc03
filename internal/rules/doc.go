// Package rules makes the kernel do what traffic settings say, in the network
// namespace of the calling thread: it compiles them into rules, loads those,
// reads them back, and says in words where the kernel holds something else.
//
// It chooses between two ways, which do the work: rules/nft, by nftables, and
// rules/legacy, by iptables-legacy where the kernel has no nf_tables. What the
// two have in common is in rules/filter. rules/tracked ends connections that rules
// before them let bypass. rules/host tells a pod's network
// namespace from a node's.
//
// What the settings mean is up to internal/traffic; flags, logs and exit codes
// are up to images/init.
//
// Nothing below this package is tested against a fake kernel: test/kernel loads
// rules into real network namespaces, for both backends with the same settings.
package rules
