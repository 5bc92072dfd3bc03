// Package probe finds out whether an answer came through a sidecar. It asks an
// address and looks for what sidecars leave in answers (see internal/mesh). It
// sees only what comes over the network, as a reader of the meshes' documents
// would who follows them by hand.
//
// A mark shows that a proxy of the kind was somewhere between the two ends. The
// lack of one proves nothing. The package authenticates nobody: it looks at
// certificates that no public authority signed.
//
// It knows neither the settings that say what should bypass (see
// internal/traffic) nor how a verdict is shown (see cmd/krm-bypass).
package probe
