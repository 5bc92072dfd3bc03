// Krm-bypass-init makes the kernel do what traffic settings say, in the network
// namespace of a pod. It runs there as the first init container and takes the
// settings as arguments. It is a static binary on an empty base: it reads no
// configuration file, executes nothing and needs only the capability NET_ADMIN.
// With the backend iptables it executes iptables-legacy, and needs NET_RAW too.
//
// This package is the commands, flags, exit codes and messages, and the refusal to
// work in a node's network namespace. internal/traffic knows what settings mean,
// and internal/rules how to program the kernel. test/kernel/program tests all of it
// on the kernel.
//
// Exit codes: 0 for success, 1 if the work failed or verify found a difference, 2
// if the command line is wrong.
package main
