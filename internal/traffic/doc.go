// Package traffic owns the settings that say which traffic bypasses a sidecar:
// sets of ports, of addresses and of pairs of both, how one scope's settings
// are merged with a broader scope's, and the one decision that everything else
// hangs on: is this connection bypassed?
//
// Everything here is pure and uses the standard library alone, so that the
// function which writes manifests and the binary which programs the kernel
// cannot disagree about what a setting means.
//
// It does not know any mesh's annotations (see internal/mesh), nor YAML, nor
// the kernel.
package traffic
