// Package sbom writes the software bill of materials of a container image that
// holds a Go program, as an SPDX 2.3 document in JSON. What is in the program it
// reads from the program itself, where the go command has put it.
//
// The document says the same bytes for the same image. It knows no licences
// and looks into no base image: it names that by its digest.
package sbom
