// Package lint owns the warnings that no mesh gives: what a bypass does to what
// else is said of the same traffic. It holds the planned workloads against the
// policies, Services, ServiceEntries and Namespaces beside them, and each of
// them against what Kubernetes and the mesh's own init container can take.
//
// The checks are a table. A check says which kinds it reads and which workloads
// make it matter, so that whoever holds the objects need decode no others. What
// is about the objects of one mesh hangs on that mesh's domain.
//
// It is pure, and it only reports: what is written for a workload never depends
// on another object. It does not plan (see internal/transform) nor decide what
// a setting means (see internal/traffic).
package lint
