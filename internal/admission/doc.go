// Package admission owns the policy by which a cluster itself refuses workloads
// whose pod templates carry bypass annotations that krm-bypass did not write: a
// ValidatingAdmissionPolicy of Kubernetes and its binding, in CEL, which the API
// server evaluates by itself.
//
// It generates the policy from the tables of meshes and of kinds (internal/mesh,
// internal/transform), and reads no specification: what a workload may bypass is
// for the specification to say, and for krm-bypass to write.
package admission
