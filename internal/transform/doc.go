// Package transform owns what a bypass policy makes of a workload: how a
// workload is seen, which scopes of the policy speak of it and how they are
// merged, what shall be written into its pod template, and the record by which
// what was written is recognised and taken away again. It does the same for the
// object by which a mesh is configured, and holds the two against each other.
//
// Its core is pure: a view of a workload and a policy go in, planned edits and
// findings come out. It has no I/O, no log and no clock, and what it plans for
// a workload depends on that workload and the policy alone.
//
// It does not parse or write YAML text (see internal/edit), nor know a mesh's
// annotations (see internal/mesh), nor what a setting means (see
// internal/traffic).
package transform
