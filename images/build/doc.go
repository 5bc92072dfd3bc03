// Build makes the project's container images without a container engine, pushes
// them, and makes the archives of a release. It says what is in which image. Package
// image assembles, writes and pushes images, package sbom writes their bills of
// materials, package dist makes the archives, and package pack writes their files. Package ready
// reads the texts before a release.
//
// It does not compile: make images and make dist do, and hand it the programs.
//
// It is a module of its own, so that the product's go.mod holds nothing of what
// only the making of images needs.
package main
