// Package kpt holds no code: its tests render the packages of examples/kpt-* as
// kpt fn render and kpt fn eval do, in place and with the function executed, and
// judge what changed against the packages' own .expected/diff.patch, in the form of kpt's
// end-to-end runner (kptdev/kpt pkg/test/runner).
//
// kpt is not served as a Go module, so what stands in for it here is a small
// renderer on the parts of kyaml that kpt itself is made of: reader, writer and
// function filter. It feeds the function what kpt feeds it, writes into the
// Kptfile what kpt writes there, and knows no more of kpt than the packages use;
// a Kptfile that asks for more is refused. A container's image is not run: in
// its place the renderer executes the command that the image holds.
package kpt
