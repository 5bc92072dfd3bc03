// Package fn is krm-bypass for Go programs. It writes into pod templates which
// traffic bypasses the sidecar of a service mesh, as one ClusterBypass says for a
// whole cluster (package v1alpha1 has its types).
//
//   - [Process] is the KRM function: a ResourceList in, a ResourceList out.
//   - [Manifests] does the same to files, [Nodes] to yaml.Nodes in memory, and
//     package kiofilter to those of kyaml, as a kio.Filter.
//   - [Check] says where files differ from what Manifests makes of them.
//   - [Explain] says what bypasses the sidecar of which workload, and why.
//   - [Judge] holds finished manifests to a spec's limits, and says what others
//     changed since.
//
// A [Spec] comes from a file ([SpecIn]) or from a Go value ([SpecOf]). Every call
// reads it the same way: it refuses unknown fields and values, fills in the
// defaults, and reports all mistakes at once.
//
// Every call returns [Results], for people and for tools. A warning stops nothing.
// If one of them is an error, nothing is changed, and the call returns a
// [FailedError], which carries the results.
//
// The text that comes back differs only where the spec asks for it. Comments,
// quotes, the order of keys and line ends stay, and another run over the output
// changes no byte. Nothing in this package reads a clock, a network or a file.
package fn
