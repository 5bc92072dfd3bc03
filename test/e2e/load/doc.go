// Package load makes many new connections through our rules and counts what the
// kernel keeps of them, with our rules and without.
//
// Both ends are in one kernel, so that the rate is below what a network would
// take, and the kernel's work for the other end is in it too. The ordinary run
// is short; make soak has 20,000 connections a second for a minute.
package load
