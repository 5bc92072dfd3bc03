// Package probe finds out whether an answer came through a sidecar. It sends a
// request to an address and looks for what sidecars leave in answers (see
// internal/mesh). It sees only what comes over the network, like a reader who
// follows the meshes' documents by hand.
//
// A mark shows that such a proxy was somewhere between the two ends. The lack of
// one proves nothing. The package authenticates nobody: it accepts certificates
// that no public authority signed.
//
// It does not know which settings say what should bypass (see internal/traffic),
// nor how to show a verdict (see cmd/krm-bypass).
package probe
