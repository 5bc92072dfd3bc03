// Package kustomize holds no code: its tests build the folders of examples/ with
// the real kustomize CLI, which executes the function, and judge the output
// against expected files and, independently of these, against what each example
// says that it shows.
//
// It does not test what the function makes of other input (testdata/golden does),
// nor what the kernel makes of the arguments that the examples render (test/e2e
// does).
package kustomize
