// Package corpus holds the function to what it promises about files, over the
// manifests of testdata/corpus, which stand there as people and their tools
// write them: a folder for each style; and over any tree of files, by the command and
// the kustomize CLI as well (docs/installing.md).
//
// It owns the properties and the judges of them. What a manifest says is read
// by go.yaml.in/yaml/v3 and encoding/json, and which lines may change is found
// from the positions that yaml/v3 gives, never by the scanner or the splicer. In a tree
// go.yaml.in/yaml/v2, which kubectl reads with, judges too. Where the pod templates of a
// kind stand, the table of internal/kinds says.
package corpus
