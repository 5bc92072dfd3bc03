// Package reread reads a text for a second time, to confirm that it says what it
// should.
//
// It works by another method than package yamltext and shares no code with it: line
// by line, by the indentation and the first ": ". It knows what nearly every manifest
// is made of: block mappings and sequences; plain and quoted scalars, anchors and
// aliases that begin and end on one line; flow collections; literal blocks; comments. Of anything else it says nothing, and go.yaml.in/yaml/v3 has to read the
// text. Where it confirms, yaml/v3 reads the same nodes; a fuzz target holds it to that.
package reread
