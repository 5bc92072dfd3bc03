// Package shrink makes a text that shows a fault small enough to read.
package shrink

import "bytes"

// Text takes lines and then characters away from a text for as long as it stays
// faulty, and gives what is left.
func Text(text []byte, faulty func([]byte) bool) []byte {
	for {
		before := len(text)
		text = by(bytes.SplitAfter(text, []byte("\n")), faulty)
		if len(text) == before {
			break
		}
	}
	if len(text) > 2000 {
		return text
	}
	for {
		before := len(text)
		text = by(bytes.Split(text, nil), faulty)
		if len(text) == before {
			return text
		}
	}
}

// by takes away runs of parts, long ones first.
func by(parts [][]byte, faulty func([]byte) bool) []byte {
	for size := len(parts) / 2; size > 0; size /= 2 {
		for i := 0; i+size <= len(parts); {
			rest := append(append([][]byte{}, parts[:i]...), parts[i+size:]...)
			if faulty(bytes.Join(rest, nil)) {
				parts = rest
			} else {
				i += size
			}
		}
	}
	return bytes.Join(parts, nil)
}
