// Package pattern holds regular expressions that are compiled when they are first used.
// One run needs few of them, and each costs its start as much as a small object.
package pattern

import (
	"regexp"
	"sync"
)

// Pattern is a regular expression.
type Pattern struct{ compiled func() *regexp.Regexp }

// Of gives the pattern of an expression.
func Of(expression string) *Pattern {
	return &Pattern{sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })}
}

// Matches reports whether a text has the pattern.
func (p *Pattern) Matches(text string) bool { return p.compiled().MatchString(text) }

// Regexp gives the expression itself.
func (p *Pattern) Regexp() *regexp.Regexp { return p.compiled() }
