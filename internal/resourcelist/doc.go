// Package resourcelist reads a ResourceList, the input and output of a KRM function
// (kubernetes-sigs/kustomize
// cmd/config/docs/api-conventions/functions-spec.md), and writes it with new texts
// for some items and with results.
//
// A list stays text. The package cuts the items out of it, and whatever nobody
// changes keeps its bytes. It does not look into items. The tests of package fn
// judge it, by goldens and by a fuzz target.
package resourcelist
