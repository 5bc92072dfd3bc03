// Package v1alpha1 holds the types of the ClusterBypass API, version v1alpha1.
//
// A Go program builds a ClusterBypass of them and hands it to package fn, which
// fills in the defaults, validates it and applies it. The comments on the types
// are the descriptions in the JSON Schema, which krm-bypass schema prints.
//
// In a list, nil says nothing and the empty list says that there is none. Both
// survive JSON.
package v1alpha1
