// Krm-bypass-init makes traffic settings true in the network namespace of a
// pod. It runs there as the first init container, with the settings as its
// arguments, as a static binary on an empty base: it reads no configuration file,
// needs the capability NET_ADMIN alone, and executes nothing, unless it is to
// program iptables, for which it needs NET_RAW too.
//
// This package owns the commands, flags, exit codes and messages, and the
// refusal to work in the network namespace of a node. What settings mean is
// owned by internal/traffic, how the kernel is programmed by internal/rules.
//
// Exit codes: 0 for success, 1 where the work failed or verify found a
// difference, 2 where the command line is wrong.
package main
