package fn

import (
	"errors"
	"strings"
)

// ErrFailed means that a result is an error, so nothing was changed. An error that
// matches it is a *FailedError.
var ErrFailed = errors.New("the input has errors, so nothing was changed")

// FailedError carries the results that kept a call from changing anything. It
// matches ErrFailed.
type FailedError struct{ Results Results }

// Error gives one line for every result that is an error.
func (e *FailedError) Error() string {
	lines := []string{ErrFailed.Error()}
	for _, r := range e.Results {
		if r.Severity == Error {
			lines = append(lines, r.String())
		}
	}
	return strings.Join(lines, "\n")
}

// Is reports whether the error is ErrFailed.
func (e *FailedError) Is(target error) bool { return target == ErrFailed }
