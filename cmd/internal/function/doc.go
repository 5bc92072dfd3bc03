// Package function owns the KRM function as a command, and how any command of
// this repository is run: its streams, its errors and its exit code.
//
// It is all that krm-bypass-fn is made of, and the root of krm-bypass. What is
// linked into it costs every kustomize build its start-up, so that only package
// fn is.
package function
