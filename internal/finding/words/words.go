// Package words says what each kind of finding is, for docs/lint.md and for the
// command lint: a text for each, in Markdown. The function never imports it, because
// nobody reads there.
package words

import (
	"embed"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/finding"
)

//go:embed text
var texts embed.FS

// Text gives the text of a kind, "" if it has none. Its first paragraph says what it
// finds, those behind it why that matters and what to do.
func Text(k *finding.Kind) string {
	text, err := texts.ReadFile("text/" + k.ID + ".md")
	if err != nil {
		return ""
	}
	return string(text)
}

// Finds says in one sentence what a kind finds.
func Finds(k *finding.Kind) string {
	first, _, _ := strings.Cut(Text(k), "\n\n")
	return strings.Join(strings.Fields(first), " ")
}

// Group is a part of the kinds, in their order, under one heading.
type Group struct {
	Title string
	// Intro is what holds for all of them, "" for nothing.
	Intro string
	// First is the ID of the first of them.
	First *finding.Kind
}

// Groups lists the parts in their order.
var Groups = []Group{
	{"What comes in", "A port bypasses the sidecar on its way in if `excludeInboundPorts` lists it, or\n`includeInboundPorts` leaves it out. The mesh's own ports are not spoken of.", finding.StrictMTLS},
	{"What goes out", "", finding.ServiceEntry},
	{"The pod", "", finding.OtherProxy},
	{"What is a workload", "", finding.NoSelector},
	{"The annotations of the mesh", "A mesh says nothing of an annotation that it does not read.", finding.UnknownAnnotation},
	{"The cluster", "", finding.PodSecurity},
	{"The spec", "", finding.MisplacedSpec},
}
