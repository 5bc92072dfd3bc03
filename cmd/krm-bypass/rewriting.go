package main

import (
	"bytes"
	"context"
	"fmt"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/inplace"
	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/page"
	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
)

// InPlace gives what render --in-place makes of the files.
func (t *tree) InPlace() page.Rendering {
	in := t.in
	in.inPlace = true
	return t.rendering(in)
}

// Rewrite writes it, as render --in-place does, if all of it is below the working folder:
// whoever opens the page chooses nothing else.
func (t *tree) Rewrite(r page.Rendering) (said []string, err error) {
	files := rewritings(r.Was, r.Is)
	for _, f := range files {
		if _, err := belowHere(f.Path); err != nil {
			return nil, err
		}
	}
	var warned bytes.Buffer
	err = rewrite(aside(context.Background(), &warned), files, nil)
	return lines(warned.String()), err
}

// rewritten says how many of the files were written.
func rewritten(changed []inplace.File, all int) string {
	if len(changed) == 0 {
		return fmt.Sprintf("nothing changes in %s", report.Counted(all, "file", "files"))
	}
	return fmt.Sprintf("%d of %s written", len(changed), report.Counted(all, "file", "files"))
}
