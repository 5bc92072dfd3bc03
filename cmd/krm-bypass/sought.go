package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/cmd/internal/function"
	"github.com/krm-bypass/krm-bypass/internal/kustomization"
	"github.com/krm-bypass/krm-bypass/internal/spec"
)

// soughtSpec finds the file of the one specification that applies to manifests, where
// none is named; why says that there is no such file. It does not apply it: one with a
// mistake is found too, to be mended.
func soughtSpec(in inputs, paths []string) (file, why string) {
	var found, files []string
	made := map[string]bool{}
	for _, path := range paths {
		if kustomization.File(path) == "" {
			files = append(files, path)
			continue
		}
		built, err := kustomization.Build(path, kustomization.Options{
			Ignore: true, IsSpec: spec.Configures, GiveUp: func(reason error) { os.Exit(function.Exit(reason, os.Stderr)) },
		})
		if err != nil {
			return "", notSought
		}
		for _, one := range slices.Concat(built.Ignored, built.Among) {
			found, made[one.Path] = append(found, one.Path), one.Made
		}
	}
	read, err := in.reading.manifests(files)
	if err != nil {
		return "", notSought
	}
	for _, f := range read.files {
		if namesSpec(f.Text) {
			found = append(found, f.Path)
		}
	}
	slices.Sort(found)
	switch found = slices.Compact(found); {
	case len(found) == 0:
		return "", "no manifest here is a specification: name its file with --spec, or make one with krm-bypass init, and start again"
	case len(found) > 1:
		return "", fmt.Sprintf("several specifications apply, and nothing says which one to change: %s: start with --spec for each, the one to change first", strings.Join(found, ", "))
	case made[found[0]]:
		return "", whyMade(found[0])
	case !isThere(found[0]):
		return "", fmt.Sprintf("the specification is no file by itself but stands in %s: put it into a file of its own to change it here", found[0])
	}
	return found[0], ""
}

// notSought says that nobody knows of a specification; the page shows the reason.
const notSought = "the manifests could not be read when krm-bypass ui started, so that no specification was found among them: mend them and start again, or name the specification with --spec"

// whyMade says why the specification that a kustomization makes is not changed.
func whyMade(path string) string {
	return fmt.Sprintf("the specification is put together by %s: change the files that it names in an editor", path)
}
