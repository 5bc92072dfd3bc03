// Package admission generates the policy with which a cluster itself refuses
// workloads whose pod templates carry bypass annotations that krm-bypass did not
// write: a ValidatingAdmissionPolicy of Kubernetes and its binding. The API server
// evaluates their CEL on its own.
//
// The policy comes from the tables of meshes and of kinds (internal/mesh,
// internal/kinds). It knows no specification: that says what a workload may
// bypass, and krm-bypass writes it.
package admission
