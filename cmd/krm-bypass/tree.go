package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/cmd/internal/function"
	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/page"
	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
)

// tree reads manifests for the page.
type tree struct {
	in     inputs
	paths  []string
	today  v1alpha1.Date
	before string
	// spec is the file of the specification that the page changes, "" if there is none;
	// then none says why. target is that file for Save.
	spec, none string
	target     specTarget

	mu sync.Mutex
	// known are what was seen last, the latest first.
	known []*sight
	// ahead has what is seen rendered before anybody asks for that, at a time of its own,
	// unless it is nil.
	ahead func(render func())
	// turn is taken by who evaluates: one at a time keeps memory bounded.
	turn sync.Mutex
	watched
	// earlier is what the state that before names was, when the files were in state
	// earlierAt.
	earlier   report.Explanation
	earlierAt string
	then      earlierCommit
}

// sight is a tree with one text of the specification, when it was looked at.
type sight struct {
	// text is that of the specification, if there is any.
	text  string
	given bool
	// commit is that of the state that before names, moved whether it was another one when
	// that was read.
	commit string
	moved  bool
	// waiting counts those who wait for it: what nobody waits for any more is not
	// begun.
	waiting int
	done    chan struct{}

	files stamps
	seen  *page.Seen
}

// mostSights is how many states are kept: of a large tree each takes some 100 MB.
const mostSights = 4

func (t *tree) Spec() (page.SpecFile, error) {
	if t.spec == "" {
		return page.SpecFile{Locked: t.none}, nil
	}
	spec := page.SpecFile{Path: t.spec}
	var err error
	if spec.Text, err = specAgain(spec.Path); err != nil {
		spec.Locked = err.Error() // it may come back
		return spec, nil          //nolint:nilerr // the page says it
	}
	spec.Locked = t.target.locked()
	return spec, nil
}

// specAgain reads a specification that may have become something else since.
func specAgain(path string) ([]byte, error) {
	if err := readableAgain(path); err != nil {
		return nil, fmt.Errorf("reading the spec: %w", err)
	}
	return specFile(path)
}

// See explains the manifests, unless it knows already. Of those who ask for the same,
// one looks, and the others wait for it.
func (t *tree) See(ctx context.Context, text []byte) (*page.Seen, error) {
	if text == nil && t.spec != "" {
		text, _ = specAgain(t.spec) // looking at it says why
	}
	one := t.sight(string(text), text != nil)
	defer func() {
		t.mu.Lock()
		one.waiting--
		t.mu.Unlock()
	}()
	select {
	case <-one.done:
		return one.seen, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("reading the manifests: %w", ctx.Err())
	}
}

// sight finds what is known, or begins to look.
func (t *tree) sight(text string, given bool) *sight {
	commit := t.commit(time.Second)
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.IndexFunc(t.known, func(s *sight) bool { return s.text == text && s.given == given && s.commit == commit }); i >= 0 {
		one := t.known[i]
		t.known = slices.Delete(t.known, i, i+1)
		if one.stands() {
			t.known = slices.Insert(t.known, 0, one)
			one.waiting++
			return one
		}
	}
	one := &sight{text: text, given: given, commit: commit, waiting: 1, done: make(chan struct{})}
	t.known = slices.Insert(t.known, 0, one)
	if len(t.known) > mostSights {
		t.known = t.known[:mostSights]
	}
	go t.look(one)
	return one
}

// stands reports whether the files are still those that were looked at.
func (s *sight) stands() bool {
	select {
	case <-s.done:
		return !s.moved && s.files.hold()
	default:
		return true // it is being looked at
	}
}

func (t *tree) look(one *sight) {
	t.turn.Lock()
	defer t.turn.Unlock()
	t.mu.Lock()
	if one.waiting == 0 {
		t.known = slices.DeleteFunc(t.known, func(s *sight) bool { return s == one })
		t.mu.Unlock()
		return
	}
	t.mu.Unlock()
	one.files = stamps{}
	one.seen = t.evaluate(one)
	t.watch(one.files)
	defer close(one.done)
	if render := one.seen.Rendering; t.ahead != nil && render != nil {
		t.ahead(func() {
			t.mu.Lock()
			known := slices.Contains(t.known, one)
			t.mu.Unlock()
			if known {
				render()
			}
		})
	}
}

// afterwards has something done when what was asked for first is answered, and the browser
// has shown it: whoever opens a workload then need not wait.
func afterwards(do func()) { time.AfterFunc(500*time.Millisecond, do) }

// evaluate reads and explains the manifests with a text in the place of that in the
// specification's file.
func (t *tree) evaluate(one *sight) (seen *page.Seen) {
	seen = &page.Seen{}
	defer func() {
		if p := recover(); p != nil {
			seen = &page.Seen{Problems: []string{fmt.Sprintf("reading the manifests: krm-bypass gave up: %v", p)}}
		}
	}()
	in := t.in
	spec := ""
	if t.spec != "" {
		if real, err := realPath(t.spec); err == nil {
			spec = real
		}
	}
	if one.given {
		in.reading.instead = map[string][]byte{spec: []byte(one.text)}
	}
	in.reading.saw = func(path string) {
		if real, err := realPath(path); err != nil || real != spec {
			one.files.add(path)
		}
	}
	var said bytes.Buffer
	cmd := aside(context.Background(), &said)
	in.standing = t.before != ""
	found, results, err := explained(cmd, in, t.paths, t.today)
	said.WriteString(results.Report())
	if err != nil {
		if !errors.Is(err, function.ErrReported) {
			said.WriteString(err.Error())
		}
		seen.Problems = lines(said.String())
		return seen
	}
	if t.before != "" {
		earlier, err := t.explainedEarlier(found.Mesh)
		if err != nil {
			fmt.Fprintf(&said, "error: %v\n", err)
		} else {
			if misread := in.misread(found.Unbuilt.With(earlier.Unbuilt), t.paths, t.before); misread != nil {
				earlier.Uncompared = misread.Error()
			}
			found.Compare(earlier)
			seen.Since = t.before
			if commit := t.commit(0); commit != "" {
				one.moved, seen.Since = commit != one.commit, t.before+" ("+short(commit)+")"
			}
			tell(cmd, "warning", found.NotCompared()...)
		}
	}
	said.WriteString(report.PassedOver(found.PassedOver))
	seen.Explanation, seen.Said = found, lines(said.String())
	seen.Rendering = sync.OnceValue(func() page.Rendering { return t.rendering(in) })
	seen.Findings = found.Findings()
	return seen
}

// State tells states of the files apart, and what commit the revision is with which they
// are compared.
func (t *tree) State() string {
	return strings.TrimSuffix(t.watched.State()+"-"+short(t.commit(time.Second)), "-")
}

// commit gives the commit of the state that before names, "" where that is no revision.
func (t *tree) commit(holds time.Duration) string { return t.then.of(t.paths[0], t.before, holds) }

// explainedEarlier explains what before names. A folder or a file is looked at when the
// others change.
func (t *tree) explainedEarlier(mesh string) (report.Explanation, error) {
	state := t.commit(0) + " " + t.State() + " " + mesh
	if t.earlierAt == state {
		return t.earlier, nil
	}
	in := t.in
	in.otherwise, in.standing = nothing(mesh), true
	earlier, err := explainedBefore(aside(context.Background(), io.Discard), in, t.paths, t.before, t.today)
	if err == nil {
		t.earlier, t.earlierAt = earlier, state
	}
	return earlier, err
}

// rendering is what render --diff would compare.
func (t *tree) rendering(in inputs) (r page.Rendering) {
	defer func() {
		if p := recover(); p != nil {
			r = page.Rendering{Problems: []string{fmt.Sprintf("rendering the manifests: krm-bypass gave up: %v", p)}}
		}
	}()
	in.comparing, in.reading.rewriting, in.reading.saw = true, true, nil
	var said bytes.Buffer
	was, is, err := rendered(aside(context.Background(), &said), in, t.paths)
	if err != nil {
		if !errors.Is(err, function.ErrReported) {
			said.WriteString(err.Error())
		}
		return page.Rendering{Problems: lines(said.String())}
	}
	return page.Rendering{Was: was, Is: is}
}

// aside gives a command that prints to somewhere else.
func aside(ctx context.Context, errOut io.Writer) *cobra.Command {
	cmd := &cobra.Command{}
	cmd.SetContext(ctx)
	cmd.SetIn(strings.NewReader(""))
	cmd.SetOut(io.Discard)
	cmd.SetErr(errOut)
	return cmd
}

// lines gives the lines of what a command said.
func lines(said string) []string {
	if said = strings.TrimSpace(said); said == "" {
		return nil
	}
	return strings.Split(said, "\n")
}

// mostRendered is in how many objects changes are shown.
const mostRendered = 100

func (t *tree) Changes(ctx context.Context, was, is []byte) (*page.Changes, error) {
	before, err := t.See(ctx, was)
	if err != nil {
		return nil, err
	}
	after, err := t.See(ctx, is)
	if err != nil {
		return nil, err
	}
	if len(after.Problems) > 0 {
		return &page.Changes{Problems: after.Problems}, nil
	}
	changes := &page.Changes{Explanation: after.Explanation.ComparedWith(before.Explanation)}
	changes.Appear, changes.Go = report.Beyond(after.Findings, before.Findings), report.Beyond(before.Findings, after.Findings)
	if before.Rendering != nil && after.Rendering != nil {
		changes.Manifests = before.Rendering().Since(after.Rendering()).All(mostRendered)
	}
	return changes, nil
}
