// Package kustomization owns building a kustomization in process: the resources
// that the kustomize CLI would print, in the same order and format, with a
// ClusterBypass that is listed under transformers applied where kustomize would
// have run the function.
//
// Nothing that a repository holds is executed: there are kustomize's builtin
// plugins and no others, no exec function, no container, no Helm, and the
// network is not touched.
//
// It does not know what a ClusterBypass means; the caller applies it.
package kustomization
