// Package seen tells which pod templates the product sees in a stream of
// documents, so that tests can compare it with what other readers see.
package seen
