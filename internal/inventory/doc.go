// Package inventory finds the bypass settings that manifests already have,
// wherever a mesh lets them be, and makes a ClusterBypass that says the same. The
// mesh's own configuration becomes the mesh's defaults, what all workloads say
// becomes the global scope, what all of a namespace say becomes a rule for it, and
// the rest becomes rules for single workloads.
//
// Files go in as text. The spec, and the files without what it took over, come out
// as text. There is no I/O. The package decides how the levels of a mesh meet, and
// which few rules say what many annotations say. Before it returns a spec, it
// plans every workload by it and compares the result with what the workload had.
//
// It does not know what the value of an annotation means, nor where a mesh keeps
// its own configuration (see internal/mesh), nor how a rule becomes a pod template
// (see internal/transform).
package inventory
