// Package mutants breaks the scanner (internal/yamltext) and the splicer (internal/edit)
// on purpose, in one place at a time, and holds the second reader (internal/reread) to
// finding it: whatever a broken one writes that says something else than it should is
// refused.
//
// A mutant is a replacement of text, which go build takes as an overlay: no switch
// stands in what is shipped, and a mutant whose text is gone fails. In the same overlay
// the fallback to go.yaml.in/yaml/v3 becomes a refusal. The program in cases makes every
// kind of edit at every place of documents in every style that the second reader knows,
// once built as it is and once with each mutant.
package mutants
