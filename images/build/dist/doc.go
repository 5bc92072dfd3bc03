// Package dist makes what a release offers for download: an archive of the programs for
// each platform and its bill of materials, their checksums, a formula for Homebrew and a
// manifest for krew. It compiles nothing: make dist does, and package pack writes the
// archives.
package dist
