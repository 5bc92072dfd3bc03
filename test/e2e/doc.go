// Package e2e replays, with real sockets in network namespaces, what three
// documents tell their readers to check: Alibaba Cloud ASM's on bypassing the
// sidecar by ports and IP ranges, DaoCloud DCE's on passthrough, and FSM's on
// outbound IP range exclusion. And it checks that what is not bypassed goes on
// as the mesh alone makes it.
//
// The init container's arguments come from the examples, rendered by the real
// kustomize; the mesh's rules come from the real istio-iptables, from the code of
// Istio's CNI plugin and, for ambient pods, of its CNI agent, from Consul's and OSM's, whose
// are FSM's too, or have the form of Linkerd's or Kuma's own. No mesh is given an
// annotation there, so what is bypassed is the init container's doing alone (see
// differential for both together).
//
// Beside these documents stand bypasses that a mesh's own annotations cannot
// say, with the annotations that the function writes then; values that somebody wrote by
// hand, as the mesh's own programs read them; trees of manifests before and after import;
// ambient pods, with a stand-in that forwards as ztunnel does; and what a mesh does to the
// rules of a pod that runs.
package e2e
