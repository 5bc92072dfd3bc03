// Package edit changes single values of a YAML document and nothing else of it.
//
// It owns the [Edit], its two appliers, [Document.Apply] for the bytes and
// [Nodes] for a tree of yaml.Node, and the source text of a value, by which a
// change is taken back byte for byte. What the bytes become is read again with
// go.yaml.in/yaml/v3 and must be the tree that Nodes makes, or Apply returns
// an error.
//
// It does not own what to change, which is the plan's, nor where a value
// stands in the bytes, which is package yamltext's.
package edit
