// Build makes the project's container images without a container engine, and
// pushes them. It owns what is in which image; how images are assembled, written
// and pushed is internal/image's, and what is in a bill of materials
// internal/sbom's.
//
// It does not compile: make images does, and hands it the programs.
package main
