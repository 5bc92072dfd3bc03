// Package flux holds no code: its tests put the tree of examples/every-way through
// Flux's own code, in the two ways of docs/flux.md. What the flux command line pushes
// and source-controller pulls with (fluxcd/pkg : oci) speaks to a registry in memory;
// what kustomize-controller builds with (fluxcd/pkg : kustomize) builds what came.
//
// It is a module of its own, so that Flux's dependencies stay out of the project's.
package flux
