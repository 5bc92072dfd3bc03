// Package setup finds out what a folder of manifests is, and what has to be added to
// it so that krm-bypass runs there: a spec, and an entry in the file of the tool that
// renders the folder.
//
// Files go in as text, and come out as text with the entry in them; no other byte
// changes. There is no I/O. What differs by tool is a row of the table of ways.
//
// It does not propose rules: package suggest does.
package setup
