// Consul's rules by its sdk 0.19, which writes nftables.
//
// Run in the pod's network namespace with what consul-k8s hands to the init container
// in the variable CONSUL_REDIRECT_TRAFFIC_CONFIG, it is what that container does there
// (hashicorp/consul-k8s control-plane/subcommand/connect-init/command.go,
// applyTrafficRedirectionRules).
//
// The sdk asks for a newer Go than the project does, of which its folder nftables uses
// nothing: the lab compiles that folder's files by themselves (lab.Borrowed).
package main
