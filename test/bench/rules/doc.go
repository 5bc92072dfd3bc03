// Command rules measures what a bypass costs in a pod: loading it, beside
// istio-iptables with the same list of excluded ranges, and a new connection
// under it, beside the mesh's own rules and none. It prints ratios and whether
// the goals are met, and judges nothing by its exit code.
//
// It runs where the end-to-end tests do, in network namespaces of its own: as
// root, or as a user with subordinate ids (test/lab).
package main
