// Build makes the project's container images without a container engine, and
// pushes them. It says what is in which image. Package image assembles, writes and
// pushes images; package sbom writes their bills of materials.
//
// It does not compile: make images does, and hands it the programs.
//
// It is a module of its own, so that the product's go.mod holds nothing of what
// only the making of images needs.
package main
