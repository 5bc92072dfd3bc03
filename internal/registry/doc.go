// Package registry asks container registries for the digest behind a tag, with the
// credentials that the user gave docker login or podman login.
//
// It is for commands that a person runs. A render never asks a registry.
package registry
