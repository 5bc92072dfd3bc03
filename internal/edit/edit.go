package edit

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Op is what an edit does.
type Op uint8

const (
	// Set gives the mapping entry at Path the Value. An entry that is there
	// keeps its place; one that is not comes last. Parents that are missing
	// or null become mappings. An item of a sequence can be set where
	// it is a single value, to another one.
	Set Op = iota
	// Insert makes Value a new item of the sequence at Path[:len-1], before
	// the item that now has the index Path[len-1], or after the last one. A
	// sequence that is missing or null is created.
	Insert
	// Remove takes away the mapping entry or item at Path, with its line. It
	// does nothing if there is no such entry. An entry that is there by a
	// merge key only is not there.
	Remove
	// Restore puts the text Source in the place of the value at Path: what
	// [Source] gave before Set replaced it. If Source is no value, Value is set
	// instead, if there is one; if the style around it cannot hold Source as it
	// is, what Source says is written in that style.
	Restore
)

func (o Op) String() string {
	return [...]string{"setting", "inserting", "removing", "restoring"}[o]
}

// An Edit is one change of one document.
type Edit struct {
	Path  Path
	Op    Op
	Value *yaml.Node
	// Shared is what edits of several documents have in common that have the same Value;
	// nil for others.
	Shared *Shared
	// Styled says that Value is written in the styles that it has, where its place can
	// hold them: collections on one line, quotes, and addresses and ranges without quotes.
	Styled bool
	// Source of the value, "" for null that is not written at all.
	Source string
}

// An Error says why an edit cannot be made.
type Error struct {
	Op      Op
	Path    Path
	Problem string
	// Remedy is what the owner of the document can do, if there is something.
	Remedy string
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v %v: %s", e.Op, e.Path, e.Problem)
	if e.Remedy != "" {
		b.WriteString("; " + e.Remedy)
	}
	return b.String()
}

// refused says why the edit cannot be made, and what its owner can do.
func (e Edit) refused(remedy, problem string, args ...any) error {
	return &Error{Op: e.Op, Path: e.Path, Problem: fmt.Sprintf(problem, args...), Remedy: remedy}
}
