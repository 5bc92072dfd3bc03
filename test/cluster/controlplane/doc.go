// Package controlplane runs a throwaway Kubernetes control plane for tests:
// etcd and the real kube-apiserver, as processes of this machine on loopback
// ports, and whatever else of Kubernetes the caller asks for beside them.
//
// It owns their start, their logs and their end: they end with Stop, and also
// when the program that started them ends in whatever way. There is no node, so
// no pod ever runs.
//
// It knows nothing of krm-bypass: what is applied and what must come of it is
// its caller's affair.
package controlplane
