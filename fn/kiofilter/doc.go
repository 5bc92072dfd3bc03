// Package kiofilter offers the function as a kio.Filter, for Go programs that build
// on kyaml. It is separate from package fn because initialising kyaml takes time at
// every start, which programs without it should not pay.
package kiofilter
