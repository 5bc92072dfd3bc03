// Package transform turns a bypass policy into a plan for each workload. It views
// the workload, finds and merges the scopes that speak of it, decides what to
// write into its pod template, and keeps a record by which a later run recognises
// what was written and takes it away again. It does the same for the object that
// configures a mesh, and compares the two.
//
// Its core is pure: a view of a workload and a policy go in, planned edits and
// findings come out. It has no I/O, no log and no clock. The plan for a workload
// depends on that workload and the policy alone.
//
// It does not parse or write YAML text (see internal/edit). It knows neither a
// mesh's annotations (see internal/mesh) nor the meaning of a setting (see
// internal/traffic).
package transform
