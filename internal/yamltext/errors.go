package yamltext

import (
	"errors"
	"fmt"
	"strings"
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

// Located tells the line that a parser names from what it has to say; the line
// is 0 where it names none.
func Located(err error) (line int, problem string) {
	if syntax := (*Error)(nil); errors.As(err, &syntax) {
		return syntax.Line, fmt.Sprintf("%v: %s", syntax.Kind, syntax.Problem)
	}
	// yaml/v3 has no type for it (go.yaml.in/yaml/v3 yaml.go, fail).
	if _, scanErr := fmt.Sscanf(err.Error(), "yaml: line %d:", &line); scanErr == nil {
		_, problem, _ = strings.Cut(err.Error(), ": ")
		_, problem, _ = strings.Cut(problem, ": ")
		return line, ErrSyntax.Error() + ": " + problem
	}
	return 0, err.Error()
}
