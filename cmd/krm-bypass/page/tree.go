package page

import (
	"context"
	"sync"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
)

// Tree is a working tree: manifests, and the specification that applies to them.
type Tree interface {
	// Spec reads the specification's file as it is now.
	Spec() (SpecFile, error)
	// See reads and explains the manifests with a text in the place of the
	// specification's; nil for the one in its file. What is wrong with the manifests or
	// the text is a part of what is seen. The error is that of the context.
	See(ctx context.Context, text []byte) (*Seen, error)
	// Changes compares the tree with two texts of the specification.
	Changes(ctx context.Context, was, is []byte) (*Changes, error)
	// State tells states of the files apart that See reads, and of the specification's.
	// It is cheap.
	State() string
	// Save writes a text into the specification's file, unless that no longer holds what
	// it did: then the error is ErrChanged.
	Save(was, is []byte) error
}

// SpecFile is the file of the specification.
type SpecFile struct {
	// Path is what the user called it, "" if the tree has no such file.
	Path string
	Text []byte
	// Locked says why it cannot be written, "" if it can.
	Locked string
}

// Seen is a tree with one text of the specification.
type Seen struct {
	// Explanation says what bypasses what. It is empty where Problems say why.
	Explanation report.Explanation
	// Findings are what lint finds.
	Findings report.Check
	// Problems are what prevents an explanation, a line each, as the commands print it.
	Problems []string
	// Since names the state with which the tree was compared, "" for none.
	Since string
	// Said is what else explain says on standard error.
	Said []string
	// Rendering gives what the text makes of the manifests; nil where there is none.
	Rendering func() Rendering

	once    sync.Once
	indexed *index
}

// Changes say what another text of the specification changes in a tree.
type Changes struct {
	// Explanation is that of the second text, compared with the first.
	Explanation report.Explanation
	// Manifests is the difference in what is rendered, as the lines of a Rendering.
	Manifests string
	// Appear and Go are findings that only one of the texts has.
	Appear, Go []report.Subject
	// Problems are what prevents the comparison.
	Problems []string
}
