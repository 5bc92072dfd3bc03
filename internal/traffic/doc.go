// Package traffic holds the settings that say which traffic bypasses a sidecar.
// It defines sets of ports, of addresses and of pairs of both, merges what a
// narrow scope says with what a broader one says, and decides whether a
// connection bypasses the sidecar. Everything else follows that decision.
//
// The package is pure and uses only the standard library. The function that
// writes manifests and the binary that programs the kernel therefore agree on
// what a setting means.
//
// It knows nothing of a mesh's annotations (see internal/mesh), of YAML, or of
// the kernel.
package traffic
