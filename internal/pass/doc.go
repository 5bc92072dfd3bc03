// Package pass applies a policy to the documents of an input. It finds the
// workloads in them, plans each once, writes the plan into the document, and
// collects what there is to tell the user.
//
// Callers can see each document twice: with its plans before anything changes, and
// after it is written. So render, check and explain share one plan of one pass, and
// none of them has to keep a document.
//
// Package transform makes the plans, package edit changes texts, and package lint
// finds what is wrong beside the plans. The tests of package fn judge this one, by
// goldens and drawn inputs.
package pass
