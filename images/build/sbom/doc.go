// Package sbom writes the software bill of materials of a container image that
// holds a Go program, as an SPDX 2.3 document in JSON. It reads what is in the
// program from the program itself, where the go command has put it.
//
// The same image gives the same bytes. The document says nothing of licences, and
// names a base image by its digest without looking inside.
package sbom
