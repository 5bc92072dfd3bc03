package transform

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/node"
)

const (
	// InitName is the name of the init container.
	InitName = "krm-bypass-init"
	// PolicyAnnotation, on the template, holds a digest of the effective
	// traffic settings, so that a reader sees that they were enforced.
	PolicyAnnotation = "krm-bypass.dev/policy"
	// RecordAnnotation, on the workload, holds the record of what was
	// written and what stood there before. It is not on the template, where
	// each change of it would restart pods.
	RecordAnnotation = "krm-bypass.dev/last-applied"
)

// recordVersion is the form of the record; another form is not understood.
const recordVersion = 1

// InitEntry stands for the init container among the things written.
const InitEntry = "initContainer"

// RecordHead is a regular expression (RE2) for the beginning of a record, which
// names what was written, or found written: "KEY":"DIGEST" for each of them, and
// nothing else of that form. A reader that cannot parse JSON has it from there.
const RecordHead = `^\{"v":1,("kept":\{[^{}]*\},)?"wrote":\{[^{}]*\}`

// record is what the function left behind on a workload, so that on the next
// run it knows its own values from the user's and can take them away again.
type record struct {
	Version int `json:"v"`
	// Kept holds a digest of each value that the user had written already
	// just as it was to be written. It stays the user's; a reader of the
	// record sees that it is as the policy wants it.
	Kept map[string]string `json:"kept,omitempty"`
	// Wrote holds a digest of each value written, by annotation key or
	// InitEntry. What does not match its digest any more is the user's.
	Wrote map[string]string `json:"wrote"`
	// Replaced holds the source text of the user's values under those
	// written.
	Replaced map[string]string `json:"replaced,omitempty"`
	// Added holds the entries added to lists of the user's, by the list's
	// path.
	Added map[string][]string `json:"added,omitempty"`
	// Created lists the parents that were not there before.
	Created []string `json:"created,omitempty"`
	// Nulls holds the source text of parents that stood there as a key
	// without a value.
	Nulls map[string]string `json:"nulls,omitempty"`
	// Sum is over all of the above.
	Sum string `json:"sum"`
}

func newRecord() *record {
	return &record{
		Version: recordVersion,
		Kept:    map[string]string{},
		Wrote:   map[string]string{}, Replaced: map[string]string{}, Added: map[string][]string{}, Nulls: map[string]string{},
	}
}

func (r *record) marshal() string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // the text is for people too
	// A struct of strings, maps of strings and ints always encodes.
	_ = enc.Encode(r)
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

// text gives the record as it is written.
func (r *record) text() string {
	slices.Sort(r.Created)
	r.Sum = r.sum()
	return r.marshal()
}

func (r *record) sum() string {
	unsummed := *r
	unsummed.Sum = ""
	return node.Digest(RecordAnnotation, unsummed.marshal())
}

var errUnknownRecord = errors.New("the record cannot be read")

// parseRecord reads a record. A record that is not exactly as it was written is
// an error: following one that somebody edited could take the user's own values
// away.
func parseRecord(text string) (*record, error) {
	// The version comes first: another one may have other fields.
	var form struct {
		Version int `json:"v"`
	}
	r := newRecord()
	if err := json.Unmarshal([]byte(text), &form); err != nil {
		return nil, fmt.Errorf("this is not a record as krm-bypass writes it (%w)", err)
	}
	if form.Version != recordVersion {
		return nil, fmt.Errorf("%w: it has version %d, and this krm-bypass knows none after %d", errUnknownRecord, form.Version, recordVersion)
	}
	if err := json.Unmarshal([]byte(text), r); err != nil {
		return nil, fmt.Errorf("this is not a record as krm-bypass writes it (%w)", err)
	}
	// What was written reads back as the same text; with an unknown field, or
	// with a key that appears twice, it does not.
	if r.Sum != r.sum() || r.marshal() != text {
		return nil, errors.New("the record was changed after it was written")
	}
	return r, nil
}

// isEmpty says that nothing was written.
func (r *record) isEmpty() bool { return len(r.Wrote) == 0 && len(r.Added) == 0 }

// fits gives an error for a record that fits nothing of what is there: it was
// copied from elsewhere, or its workload was rewritten by hand.
func (r *record) fits(w *Workload) error {
	for key := range maps.Keys(r.Wrote) {
		if r.wroteAnnotation(w, key) || key == InitEntry && r.wroteContainer(w) >= 0 {
			return nil
		}
	}
	if len(w.pullSecrets.ours(r)) > 0 {
		return nil
	}
	return errors.New("the record fits nothing here, as if it were copied from another workload")
}

// wroteAnnotation reports whether the template's annotation is still as it was
// written.
func (r *record) wroteAnnotation(w *Workload, key string) bool {
	digest, wrote := r.Wrote[key]
	value, stands := w.TemplateAnnotations[key]
	return wrote && stands && key != InitEntry && digest == node.Digest(key, value)
}

// wroteContainer gives the place of the init container that is still as it was
// written, -1 where there is none.
func (r *record) wroteContainer(w *Workload) int {
	digest, wrote := r.Wrote[InitEntry]
	if !wrote {
		return -1
	}
	return slices.IndexFunc(w.initContainers, func(c container) bool {
		return c.name == InitName && c.digest == digest
	})
}
