// Package filter holds what our two ways into the kernel's packet filter have in
// common: the order in which rules ask their questions, the comparison of what
// the kernel holds with what was asked for, and trying again when somebody else
// got in between.
//
// It knows neither nftables nor iptables. How rules are written, loaded and read
// is up to rules/nft and rules/legacy; what the settings mean is up to
// internal/traffic.
package filter
