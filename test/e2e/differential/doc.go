// Package differential compares, over random settings and connections, what is
// said of a connection with what becomes of it behind every interceptor that the
// tests know:
//
//   - with krm-bypass-init, before, after and between the mesh's init containers;
//   - with the annotations alone that the function writes for those settings;
//   - with both together, as a pod has them;
//   - with annotations that somebody may write by hand, as explain and test/model
//     take them.
//
// The judge of a pod is another one in which the mesh alone intercepts: what the
// decision, traffic.Settings.Decide, calls bypassed has to be answered by its
// destination, everything else as over there. So no model of a mesh is needed, and
// test/model is judged, too.
//
// docs/deviations.md tells users where a mesh alone differs and why; each such place
// is a named exception here. The matrix of docs/meshes.md is made from what
// TestMatrix measures.
package differential
