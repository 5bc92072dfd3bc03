// Package cluster holds no code: its tests hand what krm-bypass makes to a real
// kube-apiserver, which they start over a real etcd on this machine
// (test/cluster/controlplane), by the real kubectl where that is what a user
// does.
//
// It judges whether a cluster takes the manifests and sees no change where
// there is none. What they say is for test/kustomize and testdata/golden, and
// what the kernel makes of it for test/e2e: no pod runs here.
package cluster
