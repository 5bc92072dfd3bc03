package page

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
)

// A Rewriter is a Tree that can write what the specification in its file makes of the
// manifests into their files.
type Rewriter interface {
	// InPlace gives what would be written. It does not look at any draft.
	InPlace() Rendering
	// Rewrite writes it, unless the files are not what they were. It gives what there is
	// to say of that.
	Rewrite(Rendering) ([]string, error)
}

// inPlaceView is what would be written into the manifests.
type inPlaceView struct {
	Locked string
	// Unsaved is where the draft is saved, "" if there is nothing to save.
	Unsaved string
	// Wrong is what went wrong, Said what else there is to say, Done that it is written.
	Wrong, Said []string
	Done        bool
	Files       []string
	Lines       []diffLine
	// Digest is that of what is shown: no more than that is written.
	Digest, Action string
}

// errNotInPlace says that manifests cannot be written.
var errNotInPlace = errors.New("these manifests cannot be rewritten here")

// inPlaceForm shows what would be written into the manifests.
func (s *Site) inPlaceForm(r *request) error {
	v, _, err := s.inPlace(r)
	if err != nil {
		return err
	}
	return s.show(r, "inplace", "Write the manifests", v)
}

func (s *Site) inPlace(r *request) (*inPlaceView, Rendering, error) {
	rewriter, is := s.tree.(Rewriter)
	if !is {
		return nil, Rendering{}, &failure{http.StatusNotFound, errNotInPlace}
	}
	v := &inPlaceView{Locked: s.locked(r), Action: r.link("/manifests")}
	if r.draft.isChange() && !bytes.Equal(r.draft.text, r.spec.Text) {
		v.Unsaved = r.link("/save")
		return v, Rendering{}, nil
	}
	rendering := rewriter.InPlace()
	v.Wrong, v.Digest = rendering.Problems, rendering.digest()
	for i, f := range rendering.Is {
		if !bytes.Equal(rendering.Was[i].Text, f.Text) {
			v.Files = append(v.Files, f.Path)
		}
	}
	v.Lines = diffLines(rendering.All(mostChanged))
	return v, rendering, nil
}

// writeInPlace writes what was shown into the manifests.
func (s *Site) writeInPlace(r *request) error {
	if why := s.locked(r); why != "" {
		return &failure{http.StatusForbidden, errors.New(why)}
	}
	v, rendering, err := s.inPlace(r)
	if err != nil {
		return err
	}
	switch {
	case v.Unsaved != "" || len(v.Wrong) > 0:
	case r.PostFormValue("digest") != v.Digest:
		v.Wrong = []string{"the files changed since this was shown, and nothing was written: look at it again"}
	default:
		v.Said, err = s.tree.(Rewriter).Rewrite(rendering)
		if v.Done = err == nil; !v.Done {
			v.Wrong = []string{err.Error()}
		}
	}
	if !v.Done {
		r.answer(http.StatusConflict)
	}
	return s.show(r, "inplace", "Write the manifests", v)
}

// digest tells renderings apart.
func (r Rendering) digest() string {
	sum := sha256.New()
	for i, f := range r.Is {
		for _, part := range [][]byte{[]byte(f.Path), r.Was[i].Text, f.Text} {
			one := sha256.Sum256(part)
			sum.Write(one[:])
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}
