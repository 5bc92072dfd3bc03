// Package spec reads a ClusterBypass: it decodes it strictly, fills in the
// defaults, validates it, and compiles it into a policy of package transform.
//
// A spec comes as a ClusterBypass in YAML, as the flat ConfigMap that kpt's
// command line writes, or as a Go value. All three go the same way, so that one
// mistake gets one message. Everything wrong with a spec is reported at once,
// each with its file, line, field and value.
//
// What a spec means for a connection is decided in package traffic, what it does
// to a workload in package transform.
package spec
