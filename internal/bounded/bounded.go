package bounded

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Most is how many bytes of a file are read: what kubectl get prints of some ten thousand
// workloads.
const Most = 256 << 20

// Refuse gives an error for a file of more bytes than are read, nil for another.
func Refuse(name string, size, most int64) error {
	if size <= most {
		return nil
	}
	return fmt.Errorf("%s has %d MiB, and more than %d MiB are refused: cut it into smaller files, or move it away if it holds no manifests", name, (size+1<<20-1)>>20, most>>20)
}

// File reads a file.
func File(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err //nolint:wrapcheck // it names the file
	}
	defer file.Close() //nolint:errcheck // it is only read
	return Read(path, file)
}

// In reads a file in a folder. path is what the user calls it.
func In(root *os.Root, inside, path string) ([]byte, error) {
	file, err := root.Open(inside)
	if err != nil {
		return nil, err //nolint:wrapcheck // it names the file
	}
	defer file.Close() //nolint:errcheck // it is only read
	return Read(path, file)
}

// Read reads what stands behind a name. A regular file is asked for its size first; what
// has none is read up to the bound.
func Read(name string, from io.Reader) ([]byte, error) {
	var text bytes.Buffer
	if file, is := from.(fs.File); is {
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
			if err := Refuse(name, info.Size(), Most); err != nil {
				return nil, err
			}
			text.Grow(int(info.Size()) + bytes.MinRead)
		}
	}
	if _, err := text.ReadFrom(io.LimitReader(from, Most+1)); err != nil {
		return nil, err //nolint:wrapcheck // it names the file
	}
	if err := Refuse(name, int64(text.Len()), Most); err != nil {
		return nil, err
	}
	return text.Bytes(), nil
}
