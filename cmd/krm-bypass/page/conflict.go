package page

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/krm-bypass/krm-bypass/internal/revise"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// conflictView says what to do about a file that changed since a draft began from it.
type conflictView struct {
	// Own says that the change was saved by this page.
	Own bool
	// Theirs is what changed.
	Theirs []diffLine
	// Again says that the draft's changes can be made in what the file holds now. Notes are
	// what becomes of what others wrote then, Wrong is why they cannot.
	Again bool
	Notes []string
	Wrong string
}

// saved are the texts that this page has written into the file.
type saved struct {
	mu    sync.Mutex
	texts map[[sha256.Size]byte]bool
	// last is the draft that was written last.
	last string
}

func (s *saved) add(d *draft) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.texts == nil {
		s.texts = map[[sha256.Size]byte]bool{}
	}
	s.texts[sha256.Sum256(d.text)], s.last = true, d.id
}

// is reports whether a draft is what was written last, whatever became of the file since.
func (s *saved) is(d *draft) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return d.id == s.last
}

func (s *saved) has(text []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.texts[sha256.Sum256(text)]
}

// isOutdated reports whether the file holds neither what the draft began from nor the
// draft.
func (r *request) isOutdated() bool {
	return r.draft != nil && !r.isGone() && !bytes.Equal(r.draft.base, r.spec.Text) && !bytes.Equal(r.draft.text, r.spec.Text)
}

// isGone reports whether the file cannot be read.
func (r *request) isGone() bool { return r.spec.Locked != "" && len(r.spec.Text) == 0 }

// wasSaved reports whether the file held the draft, since this page saved it, and was changed
// after that.
func (s *Site) wasSaved(r *request) bool { return r.isOutdated() && s.saved.is(r.draft) }

// conflict says what changed in the file, and what making the draft's changes there does.
func (s *Site) conflict(r *request) *conflictView {
	v := &conflictView{Own: s.saved.has(r.spec.Text), Theirs: specDiff(r.spec.Path, r.draft.base, r.spec.Text)}
	if len(r.draft.changes) == 0 {
		return v
	}
	next, err := s.again(r)
	if err != nil {
		v.Wrong = err.Error()
		return v
	}
	v.Again, v.Notes = true, next.draft.allNotes()
	return v
}

// carriesOver makes the changes of an outdated draft in what the file holds now, if nobody
// has to be asked: this page saved that, and nothing of it goes. Else it gives nil.
func (s *Site) carriesOver(r *request) *request {
	if len(r.draft.changes) == 0 || !s.saved.has(r.spec.Text) {
		return nil
	}
	next, err := s.again(r)
	if err != nil || next.draft.allNotes() != nil {
		return nil
	}
	return next
}

// makeAgain shows the draft's changes in what the file holds now.
func (s *Site) makeAgain(r *request) error {
	next, err := s.again(r)
	if err != nil {
		return s.showSave(r, http.StatusConflict, err.Error())
	}
	http.Redirect(r.w, r.Request, next.link("/save"), http.StatusSeeOther)
	return nil
}

// again makes the draft's changes in what the file holds now.
func (s *Site) again(r *request) (*request, error) {
	first := r.draft
	for first.parent != nil {
		first = first.parent
	}
	next := *r
	next.draft = s.drafts.add(draft{base: r.spec.Text, text: r.spec.Text, carried: true})
	was := yamltext.File{Path: r.spec.Path, Text: first.text}
	for _, change := range r.draft.changes {
		moved, notes, err := replayed(change, was, next.file())
		if err != nil {
			return nil, err
		}
		text, err := s.applied(next.file(), moved)
		if err != nil {
			return nil, err
		}
		if was.Text, err = revise.Apply(was, change); err != nil {
			return nil, err //nolint:wrapcheck // it says which change
		}
		if !bytes.Equal(text, next.draft.text) || notes != nil {
			next.draft = s.drafts.add(next.draft.changed(text, moved, next.says(moved), notes))
		}
	}
	return &next, nil
}

// applied gives the text with a change, nil for none.
func (s *Site) applied(file yamltext.File, change revise.Change) ([]byte, error) {
	if change == nil {
		return file.Text, nil
	}
	text, err := revise.Apply(file, change)
	if err != nil {
		return nil, err //nolint:wrapcheck // it says which change
	}
	file.Text = text
	if wrong := s.problems(file); len(wrong) > 0 {
		return nil, wrong
	}
	return text, nil
}

// replayed gives a change that was made in one text as it is in another: its rule may stand
// elsewhere there, and say something else. It is nil where nothing is left to be done. Notes
// are what becomes of what others wrote.
func replayed(change revise.Change, was, is yamltext.File) (moved revise.Change, notes []string, err error) {
	before, err := revise.Rows(was)
	if err != nil {
		return nil, nil, fmt.Errorf("%v: reading what it was made in: %w", change, err)
	}
	after, err := revise.Rows(is)
	if err != nil {
		return nil, nil, fmt.Errorf("%v: %w", change, err)
	}
	if moved, err = translated(change, before, after); err != nil {
		return nil, nil, fmt.Errorf("%v: %w", change, err)
	}
	switch c := change.(type) {
	case revise.Put:
		m := moved.(revise.Put)
		m.Rule, notes = merged(c.Rule, rowAt(before, c.Path), rowAt(after, m.Path))
		return m, notes, nil
	case revise.Remove:
		return moved, gone(rowAt(before, c.Path), rowAt(after, moved.(revise.Remove).Path)), nil
	case revise.Move:
		return moved, passed(neighbour(before, c), neighbour(after, moved.(revise.Move))), nil
	case revise.Add:
		added := func(row revise.Row) bool { return list(row.Path) == c.To && maps.EqualFunc(row.Rule, c.Rule, equal) }
		if slices.ContainsFunc(after, added) && !slices.ContainsFunc(before, added) {
			return nil, nil, nil // somebody else added the same
		}
	}
	return moved, nil, nil
}

func equal(a, b revise.Setting) bool { return a.State == b.State && slices.Equal(a.Entries, b.Entries) }

// rowAt gives the row of a path, one without settings where there is none.
func rowAt(rows []revise.Row, path string) revise.Row {
	if i := slices.IndexFunc(rows, func(row revise.Row) bool { return row.Path == path }); i >= 0 {
		return rows[i]
	}
	return revise.Row{Path: path}
}

// merged puts the settings that a change gives a rule onto what others made of it.
func merged(mine revise.Rule, was, theirs revise.Row) (rule revise.Rule, notes []string) {
	rule = revise.Rule{}
	for _, f := range revise.Fields(theirs.Path) {
		setting, changes := mine[f.Path]
		if !changes {
			continue
		}
		one, says := f.Merge(was.Rule[f.Path], setting, theirs.Rule[f.Path])
		if rule[f.Path] = one; says != "" {
			notes = append(notes, fmt.Sprintf("%s, %s: %s.", label(theirs), f.Path, says))
		}
	}
	return rule, notes
}

// gone says what others wrote into a rule that goes.
func gone(was, theirs revise.Row) (notes []string) {
	var fields []string
	for _, f := range revise.Fields(theirs.Path) {
		had, is := was.Rule[f.Path], theirs.Rule[f.Path]
		fresh := slices.DeleteFunc(slices.Clone(is.Entries), func(entry string) bool { return slices.Contains(had.Entries, entry) })
		switch {
		case len(fresh) > 0:
			fields = append(fields, f.Path+" "+strings.Join(fresh, ", "))
		case is.State == revise.None && had.State != revise.None:
			fields = append(fields, f.Path+" none")
		}
	}
	if fields == nil {
		return nil
	}
	return []string{fmt.Sprintf("%s: you remove it, and with it goes what is new in it: %s.", label(theirs), strings.Join(fields, "; "))}
}

// neighbour gives the rule that a move passes, "" for none.
func neighbour(rows []revise.Row, move revise.Move) string {
	return label(rowAt(rows, landing(move)))
}

// passed says that a rule moves past another than before.
func passed(was, is string) []string {
	if was == is {
		return nil
	}
	return []string{fmt.Sprintf("you moved a rule past %s: in the new text it moves past %s.", was, is)}
}

// translated gives a change with the path that its rule has among other rows.
func translated(change revise.Change, before, after []revise.Row) (revise.Change, error) {
	var err error
	switch c := change.(type) {
	case revise.Put:
		c.Path, err = sameRule(c.Path, before, after)
		return c, err
	case revise.Remove:
		c.Path, err = sameRule(c.Path, before, after)
		return c, err
	case revise.Move:
		c.Path, err = sameRule(c.Path, before, after)
		return c, err
	}
	return change, nil
}

// errGoneRule says that a change cannot be made again.
var errGoneRule = errors.New("this rule was changed in the file so that it cannot be told which it is: begin again from the file")

// sameRule finds a rule among other rows: by its name, else by whom it is for.
func sameRule(path string, before, after []revise.Row) (string, error) {
	if list(path) == path {
		return path, nil
	}
	i := slices.IndexFunc(before, func(row revise.Row) bool { return row.Path == path })
	if i < 0 {
		return "", errGoneRule
	}
	alike := func(row revise.Row) bool {
		if list(row.Path) != list(path) || row.Name != before[i].Name {
			return false
		}
		return row.Name != "" || label(row) == label(before[i])
	}
	nth, of := 0, 0
	for j, row := range before {
		if alike(row) {
			of++
			if j < i {
				nth++
			}
		}
	}
	found := slices.DeleteFunc(slices.Clone(after), func(row revise.Row) bool { return !alike(row) })
	if len(found) != of {
		return "", errGoneRule
	}
	return found[nth].Path, nil
}
