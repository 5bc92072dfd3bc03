// Package containers runs the images of make images with podman and runc: the
// function as kustomize calls it, and the init container in a pod that podman
// plays from a rendered Deployment, beside a stand-in sidecar, with the mesh's
// rules made by the real istio-iptables in another init container.
//
// Podman has a storage, a runtime folder and a network of its own here, within
// the laboratory's namespaces; nothing is pulled, and what is not an image of the
// project's is assembled from programs of this machine.
//
// What podman does unlike a kubelet is written down where a test has to make up
// for it (see play).
package containers
