// Package licences holds docs/licences.md to the modules that are linked into
// the programs, and each of these to a licence that may be shipped with them.
//
// It is a module of its own: what tells licences apart is no dependency of the
// product. It asks nobody, it reads what the Go command has downloaded.
package licences
