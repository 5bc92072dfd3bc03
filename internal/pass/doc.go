// Package pass applies a policy to the documents of an input: it finds the
// workloads in them, plans each once, writes what is planned into the document,
// and collects what there is to tell.
//
// Whoever wants to see a document asks to be called for it, before it changes
// and afterwards. So render, check and explain see one plan of one pass, and
// none of them has to keep more of a document than it needs.
//
// What a plan is, package transform decides; how a text is changed, package edit;
// what the findings beside the plans are, package lint.
package pass
