// Package image assembles container images without a container engine: files in
// one layer, on an empty base or on another image, for one platform or, as an
// index, for several. It writes them as OCI layouts, with what is attached to
// them, and as archives that docker load and podman load take. It pushes a layout
// to a registry byte for byte.
//
// The same input gives the same bytes: every field of a file's header is fixed,
// and the only time in an image is the one it is given.
//
// It does not know what is in the project's own images.
package image
