// Package node looks at values in YAML documents, and builds values to be
// written into them.
//
// A [Value] is what the readers of this project see of a document: whether it
// is a mapping, a list or text, its entries, its items, its text, its line. It
// follows aliases and merge keys, and no caller needs to ask whether a value is
// there at all. What lies behind it can change without them.
//
// A key or a text that is written as !!binary means what it decodes to, and a
// key that is an alias means what the alias stands for, as kubectl has it
// (go.yaml.in/yaml/v2 decode.go, scalar and alias).
//
// The package does not say what a Kubernetes object is; that is package object.
package node
