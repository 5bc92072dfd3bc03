// Package yamltext finds the bytes of each value in a YAML text.
//
// Its scanner says which bytes are a document, an entry, an item, a key or a
// value, in block style, flow style and JSON. It follows go.yaml.in/yaml/v3 in
// what counts as a line break, an indentation or a key, because Kubernetes tools
// read with that parser; where the two could disagree it refuses the text with
// [ErrUnsupported].
//
//	documents.go  a stream, and where its documents begin
//	fragment.go   a document, or an item of a list that is read by itself
//	scan.go       the scanner: what a document holds
//	block.go      mappings and sequences by indentation
//	skip.go       lines of which nothing is kept
//	ahead.go      a long list, scanned by several processors
//	common.go     keys and values of letters and digits
//	flow.go       mappings and sequences in brackets, JSON among them
//	scalar.go     plain, quoted and block scalars
//	property.go   anchors and tags
//	decode.go     what a plain or quoted scalar says
//
// The package does not know what a text means: it resolves no tags and follows
// no aliases. Nor does it validate: a text that yaml/v3 refuses may pass here.
// Package edit answers for what a change of the text means.
package yamltext
