// Package inventory finds the bypass settings in manifests, wherever a mesh lets
// people put them, and makes a ClusterBypass that says the same. What the mesh's
// own configuration says becomes the mesh's defaults, what all workloads say
// becomes the global scope, what those of a namespace say becomes a rule for it,
// and the rest becomes rules for single workloads.
//
// Files go in as text. The spec, and the files without what it took over, come
// out as text. There is no I/O. The package knows where each mesh keeps settings
// beside the annotations of a pod, how these levels meet, and which rules say the
// same as many annotations. Before it hands out a spec it plans every workload by
// it, and compares what the workload had with what it would get.
//
// It does not know what an annotation's value means (internal/mesh) or how a rule
// becomes a pod template (internal/transform).
package inventory
