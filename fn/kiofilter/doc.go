// Package kiofilter owns the ClusterBypass as a kio.Filter, for Go programs that
// build on kyaml. It stands apart from package fn so that a program that wants
// the text function alone does not carry kyaml, whose initialisation costs every
// start.
package kiofilter
