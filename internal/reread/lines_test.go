package reread

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Eight bytes of plain text are taken at once, and no others.
func TestPlainWord(t *testing.T) {
	for c := range 256 {
		for at := range 8 {
			for _, text := range []string{"abcdefgh", "\n\n\n\n\n\n\n\n", "~~~~~~~~", "        "} {
				word := []byte(text)
				word[at] = byte(c)
				assert.Equal(t, c == '\n' || c >= ' ' && c < 0x7f, plainWord(binary.LittleEndian.Uint64(word)), "%q", word)
			}
		}
	}
}

// Every byte counts, wherever it stands among others.
func TestPlainBytes(t *testing.T) {
	for c := range 256 {
		for at := range 17 {
			text := bytes.Repeat([]byte("a\n"), 9)[:17]
			text[at] = byte(c)
			assert.Equal(t, c == '\n' || c >= ' ' && c < 0x7f, plainBytes(text), "%#x at %d", c, at)
		}
	}
	for text, plain := range map[string]bool{
		"a: ä é 日本 🙂 and on\n": true, "\u0085 and on": false, "and on \u2028": false, "\ufeffand on": false, "\xff\xfeand": false, "and on \xc3": false, "\u00a0 is no blank": true,
	} {
		assert.Equal(t, plain, plainBytes([]byte(text)), "%q", text)
	}
}
