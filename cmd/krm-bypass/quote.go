package main

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/krm-bypass/krm-bypass/internal/each"
)

// shellWord writes a path as a word of a command for a shell.
func shellWord(path string) string {
	if !strings.ContainsFunc(path, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("/._-+@:=", r)
	}) {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

// shellWords writes paths as words of a command.
func shellWords(paths []string) string {
	return strings.Join(each.As(paths, shellWord), " ")
}

// difference gives that of a file for git apply and patch -p1. Behind a name with a space
// stands a tab, as git writes it: patch takes a space for the name's end (git/git diff.c,
// emit_rewrite_diff).
func difference(path string, was, is []byte) []byte {
	named := func(side string) string {
		name := quoted(side + path)
		if strings.Contains(name, " ") {
			name += "\t"
		}
		return name
	}
	return diff.Diff(named("a/"), was, named("b/"), is)
}

// quoted writes a path as git does in a patch: in quotes if it holds characters that
// would end the line or the name (git/git quote.c, quote_c_style).
func quoted(path string) string {
	if !strings.ContainsFunc(path, func(r rune) bool { return unicode.IsControl(r) || r == '"' || r == '\\' }) {
		return path
	}
	var b strings.Builder
	for _, c := range []byte(path) {
		switch i := strings.IndexByte("\a\b\t\n\v\f\r\"\\", c); {
		case i >= 0:
			b.WriteString(`\` + string(`abtnvfr"\`[i]))
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, `\%03o`, c)
		default:
			b.WriteByte(c)
		}
	}
	return `"` + b.String() + `"`
}
