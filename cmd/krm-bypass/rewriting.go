package main

import (
	"bytes"
	"context"
	"fmt"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/inplace"
	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/page"
	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
	"github.com/krm-bypass/krm-bypass/internal/object"
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

// rewritten says how many of the files were written, and what changed in them.
func rewritten(changed []inplace.File, all int) string {
	if len(changed) == 0 {
		return fmt.Sprintf("nothing changes in %s", report.Counted(all, "file", "files"))
	}
	count := 0
	for _, f := range changed {
		count += changedObjects(f.Was, f.Is)
	}
	return fmt.Sprintf("%d of %s written, %s changed", len(changed), report.Counted(all, "file", "files"), objects(count))
}

// changedObjects counts the objects that two texts do not have alike. Both have the same
// objects in the same order, in documents or in lists in them.
func changedObjects(was, is []byte) (count int) {
	before, after := object.Documents(was), object.Documents(is)
	for i := range min(len(before), len(after)) {
		if bytes.Equal(before[i].Text, after[i].Text) {
			continue
		}
		if text := after[i].Text; !bytes.Contains(text, []byte("List")) || !bytes.Contains(text, []byte("items")) { // decoding takes long
			count++
			continue
		}
		had, has := digests(before[i]), digests(after[i])
		for j := range min(len(had), len(has)) {
			if had[j] != has[j] {
				count++
			}
		}
	}
	return count
}

// digests are those of the objects in a document.
func digests(d object.Document) (all []string) {
	document, err := object.Decode(d.Fragment())
	if err != nil {
		return nil
	}
	object.Each(document, func(object.Type) bool { return false }, func(o object.Object) { all = append(all, o.Digest()) })
	return all
}
