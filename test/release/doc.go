// Package release makes a release as make dist does, in two folders, and tries what is in
// it as those who download it do: the programs, the completion of real shells, the man
// pages, krew's own types, and go install from a module proxy.
//
// It is a module of its own: what krew stands on is no dependency of the product.
package release
