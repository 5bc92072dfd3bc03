// Package lint warns where no mesh does: it shows what a bypass does to other
// statements about the same traffic. It compares the planned workloads with the
// policies, Services, ServiceEntries and Namespaces beside them, and each workload
// with what Kubernetes and the mesh's own init container can take.
//
// The checks are a table. A check names the kinds that it reads, the workloads for
// which it matters, and its message, so that the caller decodes no other objects.
// A check of one mesh's objects carries that mesh's domain.
//
// The package is pure, and it only reports: what is written for a workload never
// depends on another object. It neither plans (see internal/transform) nor decides
// what a setting means (see internal/traffic).
package lint
