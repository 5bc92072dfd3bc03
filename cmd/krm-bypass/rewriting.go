package main

import (
	"bytes"
	"context"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/page"
)

// InPlace gives what render --in-place makes of the files.
func (t *tree) InPlace() page.Rendering {
	in := t.in
	in.inPlace = true
	return t.rendering(in)
}

// Rewrite writes it, as render --in-place does.
func (t *tree) Rewrite(r page.Rendering) (said []string, err error) {
	var warned bytes.Buffer
	err = rewrite(aside(context.Background(), &warned), rewritings(r.Was, r.Is), nil)
	return lines(warned.String()), err
}
