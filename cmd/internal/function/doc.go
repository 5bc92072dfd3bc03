// Package function owns the KRM function as a program runs it, and how any
// command of this repository ends: what it says of an error, and its exit code.
//
// It is all that krm-bypass-fn is made of, and what krm-bypass is without a
// command. What is linked into it costs every kustomize build its start-up, so
// that only package fn is, and no library for command lines.
package function
