package yamltext

import (
	"errors"
	"fmt"
)

var (
	// ErrSyntax marks a text that is not YAML.
	ErrSyntax = errors.New("not valid YAML")
	// ErrUnsupported marks YAML whose spans this package does not claim to know.
	ErrUnsupported = errors.New("unsupported YAML")
)

// An Error says what is wrong with a text and where.
type Error struct {
	Line    int    // counted from 1, in the text that was handed in
	Problem string // what was found there
	Kind    error  // ErrSyntax or ErrUnsupported
}

func (e *Error) Error() string {
	return fmt.Sprintf("line %d: %v: %s", e.Line, e.Kind, e.Problem)
}

func (e *Error) Unwrap() error { return e.Kind }
