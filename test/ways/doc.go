// Package ways has one tree, examples/every-way, rendered in every way that
// docs/running.md lists, and holds the workloads that come out to be the same.
//
// Its tests make that page's table, and run its commands. Ways that need a server, a
// container or another tool are run by the tests beside that tool, which ask
// [Compare] for the verdict.
package ways
