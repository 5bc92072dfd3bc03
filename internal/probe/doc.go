// Package probe owns the question whether an answer came through a sidecar: the
// marks by which a sidecar's answers are known, and the asking. It looks at what
// comes over the network and at nothing else, as the meshes' documents tell their
// readers to do by hand.
//
// A mark shows that a proxy of the kind was on the way, somewhere between the two
// ends; that there is none proves nothing. The package authenticates nobody: it
// looks at certificates that no public authority signed.
//
// It does not know the settings that say what ought to bypass (see
// internal/traffic), nor how a verdict is shown (see cmd/krm-bypass).
package probe
