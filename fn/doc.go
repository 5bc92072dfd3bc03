// Package fn is the public face of krm-bypass: the ClusterBypass spec with its
// defaults, validation and schema, and the KRM function that applies it, to the
// text of a ResourceList (Process) or to nodes that a Go program holds already
// (Nodes; as a kio.Filter in package kiofilter).
//
// What a spec means and what it does to a workload is decided in
// internal/traffic and internal/transform; fn compiles the one into the other
// and carries bytes in and out.
package fn
