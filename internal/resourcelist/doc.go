// Package resourcelist reads a ResourceList, which is what a KRM function gets
// and gives (kubernetes-sigs/kustomize
// cmd/config/docs/api-conventions/functions-spec.md), and writes it again with
// other texts for some of its items and with results.
//
// The list stays text: its items are cut out of it, and what nobody changes
// keeps its bytes. What is in an item is for others to read.
package resourcelist
