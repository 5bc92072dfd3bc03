package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/inplace"
	"github.com/krm-bypass/krm-bypass/internal/bounded"
	"github.com/krm-bypass/krm-bypass/internal/kustomization"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/setup"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

const initHelp = `init writes a first specification into a folder, bypass.yaml, with comments that say
what goes where. It finds out which tool renders the folder, and prints as a diff what
has to be added to that tool's file. With --write it adds that.

  a kustomization            the specification is listed under transformers
  a kpt package              the function is listed in the Kptfile
  a Helm chart               nothing: what Helm prints goes through krm-bypass
  Argo CD's Applications     the plugin is named in spec.source
  several kustomizations     the folder bypass is listed under transformers of each that
                             no other includes; the specification goes into that folder
  a folder of manifests      nothing

The mesh is the one of which the files speak. Without --image, and where this build was
published with none, the annotations of the mesh carry the rules.

init writes over nothing: where bypass.yaml is there already it stays as it is. It writes
no second specification where a kustomization of the folder lists one from elsewhere, or
one stands beside the folder. At last it prints the commands to run next.`

func initCommand() *cobra.Command {
	var choice setup.Choice
	var write bool
	cmd := &cobra.Command{
		Use:   "init [DIR]",
		Short: "Write a first specification into a folder, and say how to render it",
		Long:  initHelp,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return errors.New("init looks at one folder: name it, as in krm-bypass init shop/, or name none for this one")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return begin(cmd, filepath.Clean(cmp.Or(strings.Join(args, ""), ".")), choice, write)
		},
	}
	cmd.Flags().StringVar(&choice.Way, "for", "", "what the folder is, where it is several things: "+strings.Join(setup.Ways(), ", "))
	cmd.Flags().StringVar(&choice.Mesh, "mesh", "", "mesh that is used, where the files speak of none or of several")
	completes(cmd, "for", setup.Ways())
	completes(cmd, "mesh", mesh.Names())
	cmd.Flags().StringVar(&choice.Image, "image", publishedImage, "image of the init container")
	cmd.Flags().BoolVar(&write, "write", false, "write what has to be added to other files, too")
	return cmd
}

func begin(cmd *cobra.Command, dir string, choice setup.Choice, write bool) error {
	// From reading on: another one that sees half of what this one writes would list a
	// specification that is taken back.
	hold := inplace.HoldFolder(dir)
	defer hold.Release()
	folder, err := folderAt(dir)
	if err != nil {
		return err
	}
	folder.Outside = specsOutside(folder)
	plan, err := setup.Of(folder, choice)
	if err != nil {
		return err
	}
	spec := filepath.Join(dir, filepath.FromSlash(plan.File))
	if plan.Spec != nil {
		if _, err := os.Lstat(spec); err == nil {
			return fmt.Errorf("%s is there already and is no file: rename it, init writes over nothing", spec)
		}
		if _, err := compiled(spec, plan.Spec); err != nil {
			return fmt.Errorf("reading the new specification back: %w", err)
		}
	}
	if plan.Done() && !write {
		return fmt.Errorf("%s is there already, and there is nothing to add to other files: init writes over nothing", spec)
	}
	if err := carryOut(cmd, hold, dir, plan, write); err != nil {
		return err
	}
	say := func(format string, args ...any) { tell(cmd, "info", fmt.Sprintf(format, args...)) }
	say("%s is %s", dir, plan.Title)
	if plan.Spec == nil {
		say("%s is there already, and stays as it is", spec)
	} else {
		say("%s is written: uncomment the rules that you need", spec)
	}
	if plan.Lists.Path != "" {
		say("%s is written: it lists the specification", filepath.Join(dir, filepath.FromSlash(plan.Lists.Path)))
	}
	for _, left := range plan.Left {
		say("%s", left)
	}
	if len(plan.Changes) > 0 && write {
		for _, c := range plan.Changes {
			say("%s is changed", filepath.Join(dir, c.Path))
		}
	}
	if isBlank(spec, append(plan.Spec, plan.There...)) {
		say("%s has no rule yet, so nothing bypasses by it", spec)
	}
	next := "next"
	if len(plan.Changes) > 0 && !write {
		say("next, to add what the diff on standard output shows: krm-bypass init --write %s", shellWord(dir))
		next = "then"
	}
	say("%s, to have rules proposed: %s", next, plan.Suggest)
	for _, command := range plan.Commands {
		say("%s, to render: %s", next, command)
	}
	if plan.More != "" {
		say("%s", plan.More)
	}
	return nil
}

// carryOut writes what is planned: all of it, or nothing.
func carryOut(cmd *cobra.Command, hold *inplace.Hold, dir string, plan *setup.Plan, write bool) error {
	var files []inplace.File
	var shown []byte
	for _, c := range plan.Changes {
		path := filepath.Join(dir, filepath.FromSlash(c.Path))
		if write {
			files = append(files, inplace.File{Path: path, Was: c.Was, Is: c.Is})
		} else {
			name, top := nameInRepository(path)
			if top != "" {
				tell(cmd, "info", "the paths in the diff begin at "+top+": apply it there")
			}
			shown = append(shown, difference(name, c.Was, c.Is)...)
		}
	}
	var made []string
	err := hold.Rewrite(files, func(warnings []string) error {
		tell(cmd, "warning", warnings...)
		for _, file := range plan.New() {
			path := filepath.Join(dir, filepath.FromSlash(file.Path))
			if err := os.Mkdir(filepath.Dir(path), 0o755); err == nil { //nolint:gosec // everybody may read it, as any folder in Git
				made = append(made, filepath.Dir(path))
			} else if !errors.Is(err, fs.ErrExist) {
				return pathError(err)
			}
			if err := writeNew(path, file.Text); err != nil {
				return err
			}
			made = append(made, path)
		}
		return output(cmd, shown)
	})
	if err != nil {
		for _, path := range slices.Backward(made) {
			err = errors.Join(err, os.Remove(path))
		}
	}
	return err
}

// writeNew writes a file that must not be there.
func writeNew(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // everybody may read it, as any file in Git
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("writing %s: another program has written it meanwhile: run again", path)
	case err != nil:
		return pathError(err)
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// settledBy are the names of files that say which tool renders a folder.
var settledBy = append([]string{"Kptfile", "Chart.yaml"}, kustomization.FileNames()...)

// folderAt reads what init looks at, without leaving the folder by links.
func folderAt(dir string) (*setup.Folder, error) {
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return nil, pathError(err)
	case !info.IsDir():
		return nil, fmt.Errorf("%s is a file: name the folder that it is in, as in krm-bypass init %s", dir, shellWord(filepath.Dir(dir)))
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, pathError(err)
	}
	defer root.Close() //nolint:errcheck // it is only read
	folder := &setup.Folder{Path: dir, Shown: shellWord, Below: belowRepository(dir)}
	err = fs.WalkDir(root.FS(), ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && path != ".":
			return fs.SkipDir
		case entry.Type()&fs.ModeSymlink != 0 && slices.Contains(settledBy, path):
			if _, err := root.Stat(path); err != nil {
				return fmt.Errorf("%s is a link that leads to nothing in the folder: put a copy in its place", filepath.Join(dir, path))
			}
		case !entry.Type().IsRegular():
			return nil
		case !slices.Contains(settledBy, entry.Name()) && !slices.Contains(manifestExtensions, filepath.Ext(path)):
			return nil
		}
		text, err := bounded.In(root, path, filepath.Join(dir, path))
		folder.Files = append(folder.Files, yamltext.File{Path: path, Text: text})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", dir, err)
	}
	if len(folder.Files) == 0 {
		return nil, fmt.Errorf("%s: the folder holds no manifest, no kustomization and no chart: correct the path", dir)
	}
	return folder, nil
}

// belowRepository is the place of a folder in its repository, by slashes.
func belowRepository(dir string) string {
	real, err := realPath(dir)
	if err != nil {
		return "."
	}
	below, err := filepath.Rel(kustomization.Repository(real), real)
	if err != nil {
		return "."
	}
	return filepath.ToSlash(below)
}
