// Package edit changes single values of a YAML document and nothing else in it.
//
// An [Edit] names a path and what happens there. [Document.Apply] makes edits on
// the bytes, [Nodes] makes the same edits on a tree of yaml.Node, and [Source]
// reads the text of a value, with which a change is taken back byte for byte.
//
// Apply works in three steps. The edits change the nodes, and a handle remembers
// for each value that they touch which bytes it was read from. Then every change
// becomes a cut: a span of the source and the text that replaces it. Cuts have
// an order of their own (offset, depth, sequence), and two that overlap are an
// error. A reader that shares no code with our scanner reads the source, before anything
// else, and at last the result: package reread, or go.yaml.in/yaml/v3 where that does
// not know everything in it. Unless it says exactly what the nodes say, Apply returns an
// error. Nothing is tried twice.
//
// Comments have their owner by one rule. A comment behind an entry is about that
// entry and goes with it. Comment lines stay where they are, since nobody can
// tell what they are about, and a new item goes above the comment lines that
// stand right above the item after it.
//
// The package does not decide what to change: the plan does. It does not find
// out where a value stands in the bytes: package yamltext does.
package edit
