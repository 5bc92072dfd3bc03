// Package pattern holds regular expressions that are compiled when they are first used.
// One run needs few of them, and each costs its start as much as a small object.
package pattern

import (
	"regexp"
	"strings"
	"sync"
)

// Pattern is a regular expression.
type Pattern struct {
	expression string
	plain      string
	once       sync.Once
	compiled   *regexp.Regexp
}

// Of gives the pattern of an expression. It is so little that a variable of a package
// needs no code at the program's start.
func Of(expression string) *Pattern { return &Pattern{expression: expression} }

// Plain gives one that a text has, too, where it is of some characters alone and not
// empty, so that nothing is compiled for nearly all texts. The expression must say the same.
func Plain(characters, expression string) *Pattern {
	return &Pattern{expression: expression, plain: characters}
}

// Matches reports whether a text has the pattern.
func (p *Pattern) Matches(text string) bool {
	return text != "" && strings.Trim(text, p.plain) == "" || p.Regexp().MatchString(text)
}

// Regexp gives the expression itself.
func (p *Pattern) Regexp() *regexp.Regexp {
	p.once.Do(func() { p.compiled = regexp.MustCompile(p.expression) })
	return p.compiled
}
