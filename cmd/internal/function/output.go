package function

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// ErrClosed says that a program was started without a standard output.
var ErrClosed = errors.New("it is closed: send it into a file, as in > out.yaml")

// Output gives where a program writes to. Without a standard output Go's runtime opens
// the null device in its place, so that everything would be lost without an error.
func Output(out io.Writer) io.Writer {
	if isClosed(out) {
		return closed{}
	}
	return out
}

// IsClosed reports whether that takes nothing.
func IsClosed(out io.Writer) bool {
	_, is := out.(closed)
	return is
}

// IsNowhere reports whether whatever is written is thrown away, as by > /dev/null.
func IsNowhere(out io.Writer) bool {
	file, is := out.(*os.File)
	if !is {
		return false
	}
	opened, err := file.Stat()
	return err == nil && isNull(opened)
}

// Print writes a text to the standard output. Of an empty one nothing can be lost.
func Print(out io.Writer, text []byte) error {
	if len(text) == 0 {
		return nil
	}
	if _, err := out.Write(text); err != nil {
		return fmt.Errorf("writing standard output: %w", err)
	}
	return nil
}

// closed takes nothing.
type closed struct{}

func (closed) Write(text []byte) (int, error) {
	if len(text) == 0 {
		return 0, nil
	}
	return 0, ErrClosed
}

// isClosed reports whether the null device is open for reading too, as the runtime opens
// it (golang/go src/runtime/fds_unix.go, checkfds). A shell's > /dev/null is for writing
// alone.
func isClosed(out io.Writer) bool {
	file, is := out.(*os.File)
	if !is {
		return false
	}
	opened, err := file.Stat()
	if err != nil {
		return true
	}
	if !isNull(opened) {
		return false
	}
	_, err = file.Read(make([]byte, 1))
	return errors.Is(err, io.EOF)
}
