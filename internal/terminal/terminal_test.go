package terminal

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestPrintable(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"nothing":             {"", ""},
		"lines":               {"a  \nb\n", "a\nb\n"},
		"a colour":            {"\x1b[31mred", `\x1b[31mred`},
		"a C1 control":        {"a\u009b2Jb", `a\u009b2Jb`},
		"a return":            {"good\rbad", `good\rbad`},
		"another direction":   {"a\u202eb", `a\u202eb`},
		"another script":      {"déjà 数据库", "déjà 数据库"},
		"bytes that are none": {"a\xffb", "a\ufffdb"},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, test.want, string(Printable([]byte(test.text)))) })
	}
}

func TestLines(t *testing.T) {
	for text, want := range map[string]string{
		"a\n\tb\n": "a\n\tb\n", "a\rb\x1b[2J\u2066c": `a\rb\x1b[2J\u2066c`, "数据库\u0000": `数据库\x00`, "a\xff\xfe\xfdb": "a\ufffdb",
	} {
		assert.Equal(t, want, Lines(text), "%q", text)
	}
}
