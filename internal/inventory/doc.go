// Package inventory finds the bypass settings that stand in manifests already,
// wherever a mesh lets one put them, and makes a ClusterBypass of them that says
// the same: what the mesh's own configuration says becomes the defaults of the
// mesh, what all workloads say the global scope, what those of a namespace say
// a rule for it, and the rest rules for single workloads.
//
// Files go in as text, the spec and the files without what it took over come
// out as text; there is no I/O. It owns where each mesh keeps settings beside
// the annotations of a pod, how such levels meet, and which rules say the same
// as many annotations. Before it hands out a spec it plans every workload by it
// and compares what the workload had with what it would get.
//
// It does not know what an annotation's value means (see internal/mesh), nor
// how a rule becomes a pod template (see internal/transform).
package inventory
