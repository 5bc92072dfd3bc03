// Package page is the page of krm-bypass ui: it shows what bypasses the sidecars of
// the workloads in a working tree and why, answers what becomes of a connection, and
// changes the specification.
//
// A [Tree] reads and explains the manifests; the page only shows what it says. Every
// state is a URL. A change of the specification makes a draft: a text that nobody
// changes any more, whose name stands in the URL, so that back, forward and two tabs
// work. Saving compares the file with the text that the draft began from, and writes
// that one file.
//
// The server renders everything, and nothing is decided in the browser: the script
// swaps in fragments that the server rendered, and all works without it.
//
// [WriteFile] writes what there is to see as one file, without a server.
package page
