package filter

import (
	"errors"
	"slices"

	"golang.org/x/sys/unix"
)

// IsAny reports whether the error is one of several.
func IsAny(err error, of ...error) bool {
	return slices.ContainsFunc(of, func(e error) bool { return errors.Is(err, e) })
}

// LacksRights reports whether the kernel refused for want of a capability.
func LacksRights(err error) bool { return IsAny(err, unix.EPERM, unix.EACCES) }

// Unsupported marks an error as one that shows a packet filter cannot work here
// at all, so that another may be tried: it becomes an errors.ErrUnsupported.
func Unsupported(err error) error { return unsupportedError{err} }

type unsupportedError struct{ error }

func (e unsupportedError) Unwrap() error        { return e.error }
func (e unsupportedError) Is(target error) bool { return target == errors.ErrUnsupported }
