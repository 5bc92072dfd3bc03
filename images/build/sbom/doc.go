// Package sbom writes the software bill of materials of a container image, or of an
// archive, that holds Go programs, as an SPDX 2.3 document in JSON. It reads what is in
// a program from the program itself, where the go command has put it.
//
// The same input gives the same bytes. The document says nothing of licences, and
// names a base image by its digest without looking inside.
package sbom
