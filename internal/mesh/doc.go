// Package mesh owns what differs from one service mesh to another: the
// annotations by which a pod bypasses the sidecar and their grammar, what such
// annotations can say at all, what an empty one does, the ports and namespaces
// that belong to the mesh itself, how a pod opts out of it, and the object that
// configures it for all pods.
//
// One file describes one mesh, as data for a mechanism that all of them share.
// Nothing outside this package asks which mesh it is dealing with.
//
// It does not know where a pod template stands in a manifest, nor which scopes
// the settings came from (see internal/transform).
package mesh
