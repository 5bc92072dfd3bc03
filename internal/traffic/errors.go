package traffic

import (
	"errors"
	"fmt"
)

// EntryError says what is wrong with one entry of a list and what would be
// right.
type EntryError struct {
	// Index is the entry's place in its list, counted from 0.
	Index int
	// Value is the entry as it was given.
	Value string
	// Problem says what the value is that it must not be.
	Problem string
	// Remedy says what to do.
	Remedy string
}

func (e *EntryError) Error() string {
	return fmt.Sprintf("%q is %s: %s", e.Value, e.Problem, e.Remedy)
}

func wrong(entry, problem, remedy string) *EntryError {
	return &EntryError{Value: entry, Problem: problem, Remedy: remedy}
}

// within lets an error about a part of an entry speak of the whole entry.
func within(entry string, err error) error {
	part, is := errors.AsType[*EntryError](err)
	if !is {
		return err
	}
	return wrong(entry, fmt.Sprintf("a pair with %q, %s", part.Value, part.Problem), part.Remedy)
}

// Separate gives the errors that errors.Join made one of.
func Separate(err error) []error {
	if err == nil {
		return nil
	}
	var several interface{ Unwrap() []error }
	if errors.As(err, &several) {
		return several.Unwrap()
	}
	return []error{err}
}
