// Package nft makes the kernel do what traffic settings say by nftables, in a
// table of its own, over netlink. It executes nothing and needs no file.
//
// The idea: every mesh redirects in NAT chains at priority -100. Once a
// connection has a NAT mapping, the kernel skips the other NAT chains of that
// hook. So one step earlier we map the connection to its own destination, and
// the mesh's chains are never asked. A mere accept would end only the base chain
// it stands in (nft(8), "VERDICT STATEMENTS"), and an accept of one iptables
// backend means nothing to the other.
//
// Compiling is pure. kernel.go writes to the kernel; read.go and dump.go read
// what it holds. What the kernel makes of it is tested in test/kernel.
package nft
