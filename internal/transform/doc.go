// Package transform decides what a bypass policy makes of a workload. It views
// the workload, finds the scopes of the policy that speak of it, merges what they
// say, and plans what to write into the pod template. It keeps a record by which
// it recognises what it wrote and takes it away again. It does the same for the
// object that configures a mesh, and compares the two.
//
// Its core is pure: a view of a workload and a policy go in, planned edits and
// findings come out. It has no I/O, no log and no clock. What it plans for a
// workload depends on that workload and the policy alone.
//
// It does not say what an object is (internal/object), read or write YAML text
// (internal/edit), know a mesh's annotations (internal/mesh), or say what a
// setting means (internal/traffic).
package transform
