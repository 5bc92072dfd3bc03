package revise

import (
	"fmt"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/node"
)

// Merge puts a change of a field onto what somebody else made of it meanwhile: was is what
// both began from. Entries that came come, and those that went go. Where that may not be
// what is meant, says tells in a sentence what becomes of what the other wrote; else it
// is "".
func (f Field) Merge(was, mine, theirs Setting) (merged Setting, says string) {
	mine = f.asRead(mine)
	switch {
	case theirs.same(was, f), theirs.same(mine, f):
		return mine, ""
	case mine.same(was, f):
		return theirs, ""
	case !f.List:
		return mine, fmt.Sprintf("in the file it is %s now, and yours takes its place: %s", theirs.words(), mine.words())
	}
	came, went := without(theirs.Entries, was.Entries), without(was.Entries, theirs.Entries)
	added, removed := without(mine.Entries, was.Entries), without(was.Entries, mine.Entries)
	switch {
	case mine.State != Listed && len(came) > 0:
		return mine, fmt.Sprintf("the file has %s now, which goes: you chose %s", strings.Join(came, ", "), mine.words())
	case mine.State != Listed && theirs.State != Listed:
		return mine, fmt.Sprintf("in the file it is %s now, and yours takes its place: %s", theirs.words(), mine.words())
	case mine.State != Listed:
		return mine, ""
	case theirs.State != Listed && len(added) == 0:
		return theirs, ""
	case theirs.State != Listed:
		return Says(added...), fmt.Sprintf("in the file it is %s now, and what you added takes its place: %s", theirs.words(), strings.Join(added, ", "))
	}
	entries, other := mine.Entries, theirs.Entries
	if !inOrder(theirs.Entries, was.Entries) {
		entries, other = theirs.Entries, mine.Entries
		if !inOrder(mine.Entries, was.Entries) {
			says = "the order is that of the file, and not yours"
		}
	}
	entries = slices.DeleteFunc(slices.Clone(entries), func(e string) bool {
		return slices.Contains(removed, e) || slices.Contains(went, e)
	})
	for i, e := range other {
		if slices.Contains(entries, e) || slices.Contains(was.Entries, e) {
			continue
		}
		place := 0 // behind the nearest one before it that is there
		for _, before := range slices.Backward(other[:i]) {
			if at := slices.Index(entries, before); at >= 0 {
				place = at + 1
				break
			}
		}
		entries = slices.Insert(entries, place, e)
	}
	changed := shared(removed, went)
	switch lost := f.excluded(entries, came); {
	case len(lost) > 0:
		return Says(without(entries, lost)...), fmt.Sprintf("the file has %s now, which goes: it cannot stand beside what you have", strings.Join(lost, ", "))
	case len(entries) == 0:
		return Setting{State: None}, "nothing is left of the list: it is none now"
	case len(changed) > 0 && len(came) > 0 && len(added) > 0:
		says = fmt.Sprintf("in the place of %s the file has %s now, and you have %s: all of that stays", strings.Join(changed, ", "), strings.Join(came, ", "), strings.Join(added, ", "))
	}
	return Says(entries...), says
}

// excluded gives those of the entries that came which cannot stand beside the others: "*"
// stands alone, and a label has one value.
func (f Field) excluded(entries, came []string) (lost []string) {
	if f.form.all && len(entries) > 1 && slices.Contains(entries, "*") {
		return came
	}
	if !f.form.mapping {
		return nil
	}
	for _, e := range came {
		key, _, _ := strings.Cut(e, "=")
		if slices.ContainsFunc(entries, func(o string) bool { return o != e && strings.HasPrefix(o, key+"=") }) {
			lost = append(lost, e)
		}
	}
	return lost
}

// asRead gives a setting with its entries as they would be read.
func (f Field) asRead(s Setting) Setting {
	if s.State != Listed || !f.List || f.form.mapping {
		return s
	}
	read := make([]string, len(s.Entries))
	for i, e := range s.Entries {
		if read[i] = f.text(node.Of(f.form.item(e, 0))); f.form.refused != nil && f.form.refused(e) != "" {
			read[i] = e // Apply says what is wrong with it
		}
	}
	return Says(read...)
}

// words give a setting to a person.
func (s Setting) words() string {
	switch s.State {
	case Unset:
		return "not set"
	case None:
		return "none"
	}
	return fmt.Sprintf("%q", strings.Join(s.Entries, ", "))
}

func without(all, gone []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(e string) bool { return slices.Contains(gone, e) })
}

func shared(all, others []string) []string { return without(all, without(all, others)) }

// inOrder reports whether entries that both lists have stand in the same order.
func inOrder(a, b []string) bool { return slices.Equal(shared(a, b), shared(b, a)) }
