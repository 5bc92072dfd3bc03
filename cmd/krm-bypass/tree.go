package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/cmd/internal/function"
	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/page"
	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
	"github.com/krm-bypass/krm-bypass/fn"
)

// tree reads manifests for the page.
type tree struct {
	cmd   *cobra.Command
	in    inputs
	paths []string
	today v1alpha1.Date
}

func (t *tree) Spec() (page.SpecFile, error) {
	if len(t.in.specs) == 0 {
		return page.SpecFile{Locked: "no file is named with --spec"}, nil
	}
	text, err := os.ReadFile(t.in.specs[0])
	return page.SpecFile{Path: t.in.specs[0], Text: text}, err
}

// aside gives the command with somewhere else to print to.
func (t *tree) aside(ctx context.Context, out, errOut io.Writer) *cobra.Command {
	cmd := &cobra.Command{}
	cmd.SetContext(ctx)
	cmd.SetOut(out)
	cmd.SetErr(errOut)
	return cmd
}

func (t *tree) See(ctx context.Context, _ []byte) (*page.Seen, error) {
	var said bytes.Buffer
	seen := &page.Seen{}
	cmd := t.aside(ctx, io.Discard, &said)
	found, results, err := explained(cmd, t.in, t.paths, nil, t.today)
	if err != nil {
		if !errors.Is(err, function.ErrReported) {
			results += err.Error()
		}
		seen.Problems = strings.Split(strings.TrimSpace(results), "\n")
		return seen, nil //nolint:nilerr // it is shown
	}
	seen.Explanation, seen.Said = found, strings.Split(said.String(), "\n")
	var all []report.Checked
	in := t.in
	in.judging, in.reading.judging = true, true
	err = in.each(cmd, t.paths, "checking", func(g group, options fn.Options) error {
		checked, _, _ := g.checked(options, fn.Expiry{Today: t.today, Notice: fn.Notice})
		all = append(all, checked...)
		return nil
	})
	seen.Findings = report.NewLint(function.Version, all...)
	return seen, err
}

func (t *tree) Changes(context.Context, []byte, []byte) (*page.Changes, error) {
	return &page.Changes{}, nil
}

func (t *tree) Save([]byte, []byte) error { return errors.New("saving is not built yet") }
