package fn

import (
	"errors"
	"strings"
)

// ErrFailed says that a result is an error, so that nothing was changed. The
// errors that match it are a *FailedError.
var ErrFailed = errors.New("the input has errors, so nothing was changed")

// FailedError is an error that carries the results because of which nothing was
// changed. It matches ErrFailed.
type FailedError struct{ Results Results }

// Error gives every result that is an error, a line each.
func (e *FailedError) Error() string {
	lines := []string{ErrFailed.Error()}
	for _, r := range e.Results {
		if r.Severity == Error {
			lines = append(lines, r.String())
		}
	}
	return strings.Join(lines, "\n")
}

// Is says whether the error is ErrFailed.
func (e *FailedError) Is(target error) bool { return target == ErrFailed }
