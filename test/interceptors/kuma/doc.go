// Kuma's init container of 2.7.20, by its own code.
//
// Run in the pod's network namespace with the pod's annotations as JSON, it makes of them
// the arguments that the injector makes, and runs kumactl install transparent-proxy with
// them.
//
// All of kumactl would compile 1,000 packages along, of Envoy's control plane and of
// Kubernetes's clients: the lab compiles the file of that one command by itself
// (lab.Borrowed).
package main
