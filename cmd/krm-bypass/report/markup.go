package report

import (
	"fmt"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/terminal"
)

// What manifests and specs say is text, wherever a comment shows it. Code spans are safe
// as they are. Elsewhere a character that Markdown or HTML gives a meaning is a reference
// to it. That is no help against what GitHub makes of the finished text
// (docs.github.com, "Basic writing and formatting syntax" and "Autolinked references and
// URLs"): mentions, issues, emoji, addresses and commits. A zero-width space keeps it from
// that.

const zeroWidth = "&#8203;"

// leastOfCommit is how many hexadecimal digits GitHub takes for a commit.
const leastOfCommit = 7

// marked are characters that Markdown or HTML gives a meaning.
const marked = "\\`*_[]<>&|~$#@"

// prose gives a text for a line of Markdown, a cell of a table or a line of HTML.
func prose(text string) string {
	text = cut(terminal.Line(text), mostProse)
	var b strings.Builder
	digits := 0
	for i, r := range text {
		if digits++; !strings.ContainsRune("0123456789abcdefABCDEF", r) {
			digits = 0
		}
		if digits == leastOfCommit {
			b.WriteString(zeroWidth)
			digits = 1
		}
		if strings.ContainsRune(marked, r) {
			fmt.Fprintf(&b, "&#%d;", r)
		} else {
			b.WriteRune(r)
		}
		if begins(text[:i], r) && !strings.HasPrefix(text[i+1:], " ") {
			b.WriteString(zeroWidth)
		}
	}
	return b.String()
}

// begins reports whether a character begins a mention, an issue, an emoji or an address,
// by what stands before it.
func begins(before string, r rune) bool {
	ends := func(word string) bool {
		return len(before) >= len(word) && strings.EqualFold(before[len(before)-len(word):], word)
	}
	return strings.ContainsRune("@#:", r) || r == '.' && ends("www") || r == '-' && ends("GH")
}

// code gives a value for a line of Markdown or a cell of a table, "" of nothing.
func code(value string) string {
	value = cut(terminal.Line(value), mostCode)
	switch {
	case value == "":
		return ""
	case strings.ContainsAny(value, "`|") || strings.TrimSpace(value) != value: // a code span has no other way to say these in a table
		return "<code>" + prose(value) + "</code>"
	}
	return "`" + value + "`"
}

// mostProse and mostCode are how much of a text and of a value is shown, in bytes.
const mostProse, mostCode = 600, 200

// cut leaves out the middle of a long text, since the end of a message says what to do.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	half := most / 2
	return strings.ToValidUTF8(text[:half], "") + fmt.Sprintf(" (%d bytes left out) ", len(text)-2*half) + strings.ToValidUTF8(text[len(text)-half:], "")
}

// fenced gives a text as a block of code, which no line of the text ends.
func fenced(language, text string) string {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence + language + "\n" + strings.TrimRight(string(terminal.Printable([]byte(text))), "\n") + "\n" + fence + "\n"
}
