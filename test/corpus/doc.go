// Package corpus holds the function to what it promises about files, over the
// manifests of testdata/corpus, which stand there as people and their tools
// write them: a folder for each style.
//
// It owns the properties and the judges of them. What a manifest says is read
// by go.yaml.in/yaml/v3 and encoding/json, and which lines may change is found
// from the positions that yaml/v3 gives, never by the scanner or the splicer.
package corpus
