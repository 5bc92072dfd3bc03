// Package kustomization builds a kustomization in process: the resources that
// the kustomize CLI would print, in the same order and format. Where a
// ClusterBypass is listed under transformers, it is applied there, as kustomize
// would have run the function.
//
// Nothing that a repository holds is executed: kustomize's builtin plugins run
// and no others, no exec function, no container, no Helm. Nothing is fetched.
// Two lines keep that, each by itself:
//
//   - Each kustomization is decoded once, by kustomize's own type, and judged by
//     what that gives. Every entry has to name a regular file or a folder, and
//     is written as "./" and its clean path, which kustomize takes for no URL
//     (read, entries, normal). kustomize builds from that normal form, and
//     from the texts that were judged, in a file system that holds them (files).
//   - While a build lasts, kustomize has no git in PATH and no HTTP (confine).
//
// How often kustomize reads what, and how large it grows, is bounded before it
// begins (cost, errIfExpands).
//
// The package does not know what a ClusterBypass means; the caller applies it.
package kustomization
