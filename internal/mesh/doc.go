// Package mesh describes each service mesh: the annotations that let a pod bypass
// the sidecar and their grammar, what these annotations can express, what an empty
// one does, the ports and namespaces that belong to the mesh, how a pod opts out,
// where the mesh's own configuration is found, and what its sidecars leave in the
// answers that pass through them.
//
// One file describes one mesh, as data for a mechanism that all meshes share.
// Nothing outside this package asks which mesh it deals with.
//
// The package does not know where a pod template is in a manifest, nor which
// scopes a setting came from (see internal/transform).
package mesh
