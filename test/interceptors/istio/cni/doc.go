// The rules that Istio's CNI plugin puts into a pod with a sidecar, by its own code.
//
// Run in the pod's network namespace, with the pod's annotations as JSON on standard
// input, it is what the plugin does at the end of an ADD, and the agent for a running
// pod that it repairs (istio/istio cni/pkg/plugin/plugin.go, doAddRun, and
// cni/pkg/repair/repaircontroller.go, redirectRunningPod).
//
// All of the package plugin would compile 1,300 others along, of Envoy's control plane and
// of Kubernetes's clients: the lab compiles the files that make the rules by themselves
// (lab.Borrowed).
package main
