package spec

import (
	"regexp"
	"sync"
)

// grammar is a regular expression that is compiled when it is first used. One
// run needs few of them, and each costs its start as much as a small object.
type grammar struct{ compiled func() *regexp.Regexp }

func newGrammar(expression string) *grammar {
	return &grammar{sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })}
}

func (g *grammar) matches(text string) bool { return g.compiled().MatchString(text) }
