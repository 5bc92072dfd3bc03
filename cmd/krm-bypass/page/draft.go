package page

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/krm-bypass/krm-bypass/internal/revise"
)

// A draft is a text of the specification that is not saved. Nobody changes it: a change
// makes another.
type draft struct {
	id string
	// base is the text of the file that the first of its line began from.
	base []byte
	text []byte
	// parent is the draft that was changed, nil for the first; did says how.
	parent *draft
	did    string
	// changes are all those that were made since base, so that they can be made again in
	// another text.
	changes []revise.Change
	// takesBack says that it is what the file held before a draft was saved.
	takesBack bool
	// carried says that the changes were made anew in this base. Notes are what became then
	// of what others wrote there.
	carried bool
	notes   []string
}

// changed gives the draft that a change makes of this one.
func (d *draft) changed(text []byte, change revise.Change, did string, notes []string) draft {
	return draft{
		base: d.base, text: text, parent: d, did: did, changes: append(slices.Clone(d.changes), change), carried: d.carried, notes: notes,
	}
}

// allNotes are those of all changes, in their order.
func (d *draft) allNotes() []string {
	if d == nil {
		return nil
	}
	return append(d.parent.allNotes(), d.notes...)
}

// mostDrafts and mostOfDrafts are how many drafts are kept, and how many bytes of text in
// them. The one that was not looked at for longest goes first.
const (
	mostDrafts   = 1000
	mostOfDrafts = 256 << 20
)

// errNoDraft says that a draft is not there.
var errNoDraft = errors.New("this draft is gone: the program was started anew, or too many came after it. Begin again from the file")

// drafts are those of this run of the program, by name.
type drafts struct {
	mu    sync.Mutex
	byID  map[string]*draft
	order []string // the one that was looked at last is last
	size  int      // of all texts
}

// add keeps a draft. The same change of the same draft has the same name.
func (d *drafts) add(one draft) *draft {
	sum := sha256.New()
	parent := ""
	if one.parent != nil {
		parent = one.parent.id
	}
	for _, part := range [][]byte{one.base, one.text, []byte(parent), fmt.Append(nil, one.carried, one.notes)} {
		digest := sha256.Sum256(part)
		sum.Write(digest[:])
	}
	one.id = hex.EncodeToString(sum.Sum(nil))[:20]
	d.mu.Lock()
	defer d.mu.Unlock()
	if known := d.used(one.id); known != nil {
		return known
	}
	if d.byID == nil {
		d.byID = map[string]*draft{}
	}
	d.byID[one.id], d.order = &one, append(d.order, one.id)
	for d.size += len(one.text); len(d.order) > 1 && (len(d.order) > mostDrafts || d.size > mostOfDrafts); d.order = d.order[1:] {
		d.size -= len(d.byID[d.order[0]].text)
		delete(d.byID, d.order[0])
	}
	return &one
}

// used gives the draft of a name, which was looked at last then; nil if there is none.
func (d *drafts) used(id string) *draft {
	one := d.byID[id]
	if one != nil {
		at := slices.Index(d.order, id)
		d.order = append(slices.Delete(d.order, at, at+1), id)
	}
	return one
}

// find gives the draft of a name.
func (d *drafts) find(id string) (*draft, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if one := d.used(id); one != nil {
		return one, nil
	}
	return nil, errNoDraft
}

// isChange reports whether a draft says something else than the file that it began from.
func (d *draft) isChange() bool { return d != nil && !bytes.Equal(d.base, d.text) }
