// Package rules loads rules into the real kernel, in network namespaces of its
// own, and lets programs that are not ours say what the kernel holds: nft and
// iptables-save.
//
// It judges internal/rules/nft and internal/rules/legacy. How traffic then flows
// is judged by test/e2e, what krm-bypass-init says and returns by
// test/kernel/program.
package rules
