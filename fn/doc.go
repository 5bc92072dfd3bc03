// Package fn is krm-bypass for Go programs. It writes into pod templates which
// traffic bypasses the sidecar of a service mesh, as one ClusterBypass says for a
// whole cluster (package v1alpha1 has its types).
//
//   - [Process] is the KRM function: a ResourceList in, a ResourceList out.
//   - [Manifests] does the same to files, [Nodes] to yaml.Nodes in memory, and
//     package kiofilter to those of kyaml, as a kio.Filter.
//   - [Check] says where files differ from what Manifests makes of them.
//   - [Explain] says what bypasses the sidecar of which workload, and why.
//
// A [Spec] comes from a file ([SpecIn]) or from a Go value ([SpecOf]), and goes the
// same way in every call: unknown fields and values are refused, defaults filled
// in, and all mistakes told at once.
//
// Every call returns [Results], which are for people and for tools: warnings that
// changed nothing, and errors. With an error among them nothing is changed, and
// the call returns a [FailedError], which carries the results.
//
// The text that comes back differs only where the spec asks for it. Comments,
// quotes, the order of keys and line ends stay, and a run over its own output
// changes no byte. Nothing here reads a clock, a network or a file.
package fn
