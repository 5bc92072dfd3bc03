package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/spec"
)

// ruling are the fields of a specification by which something bypasses, or must not.
var ruling = []string{"global", "namespaces", "workloads", "meshDefaults", "limits"}

// isBlank reports whether a specification has no rule and no limit yet, as init writes it.
func isBlank(path string, text []byte) bool {
	source, err := spec.In(fn.Manifest{Path: path, Text: text})
	if err != nil || !spec.Is(object.HeadOf(source.Node).Type) {
		return false
	}
	says := node.Of(source.Node).Entry("spec")
	return !slices.ContainsFunc(ruling, func(field string) bool { return says.Entry(field).Len() > 0 })
}

// blank are the files of specifications that are blank, where none of a group is not.
func (g group) blank() (files []string) {
	see := func(path string, text []byte) bool {
		files = append(files, path)
		return isBlank(path, text)
	}
	for _, one := range g.together {
		if !see(one.path, []byte(one.text)) {
			return nil
		}
	}
	if len(g.together) > 0 {
		return files
	}
	for _, f := range g.files {
		if namesSpec(f.Text) && !see(f.Path, f.Text) {
			return nil
		}
	}
	return files
}

// tellBlank says once that nothing bypasses because nobody has written a rule.
func (in inputs) tellBlank(cmd *cobra.Command, blank, paths []string) {
	slices.Sort(blank)
	if blank = slices.Compact(blank); len(blank) == 0 || in.earlier {
		return
	}
	named := shellWords(paths)
	if len(in.specs) == 1 {
		named += " --spec " + shellWord(in.specs[0])
	}
	tell(cmd, "info", fmt.Sprintf("%s has no rule yet, so nothing bypasses by it: write one, or have some proposed by krm-bypass suggest %s", strings.Join(blank, " and "), named))
}
