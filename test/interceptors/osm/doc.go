// What OSM's injector has its init container execute, by its own code.
//
// Given a pod's annotations and the specification of the MeshConfig, both in JSON, it
// prints what the container hands to /bin/sh -c.
//
// All of OSM's package injector would compile a client of Kubernetes, a certificate
// manager and Envoy's interfaces along: the lab compiles the files that make the rules
// by themselves (lab.Borrowed).
package main
