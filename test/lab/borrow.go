package lab

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
)

// Borrowed are files of a package of another module: data, or source that is compiled
// into a program by itself, where the module as a whole asks for what these files do
// not need, such as a newer Go.
type Borrowed struct {
	Module, Version string
	Sum             string // of the module, as go.sum has it
	// Package is their folder in the module. In the program they make the package of
	// that folder's name below the main package, together with what it has there.
	Package string
	Files   []string
}

// overlay gives the flags by which go build finds the files where they are unpacked to.
// The program's own files that need them have the build tag "borrowed".
func (b Borrowed) overlay(program, unpacked string) ([]string, error) {
	contents, err := b.Contents(program)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(unpacked, 0o755); err != nil {
		return nil, err
	}
	replace := map[string]string{}
	for file, content := range contents {
		to := filepath.Join(unpacked, file)
		if err := os.WriteFile(to, content, 0o644); err != nil {
			return nil, err
		}
		replace[filepath.Join(program, path.Base(b.Package), file)] = to
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return nil, err
	}
	to := filepath.Join(unpacked, "overlay.json")
	return []string{"-tags=borrowed", "-overlay=" + to}, os.WriteFile(to, overlay, 0o644)
}

// Contents gives what the files say, by their names. The go command runs in a folder
// of some module.
func (b Borrowed) Contents(folder string) (map[string][]byte, error) {
	archive, err := b.download(folder)
	if err != nil {
		return nil, err
	}
	reader, err := zip.OpenReader(archive)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	contents := map[string][]byte{}
	for _, file := range b.Files {
		if contents[file], err = fs.ReadFile(reader, path.Join(b.Module+"@"+b.Version, b.Package, file)); err != nil {
			return nil, err
		}
	}
	return contents, nil
}

// download returns the path of the module's archive. Go has it, and has verified it,
// also where it says that it is too old for the module.
func (b Borrowed) download(folder string) (string, error) {
	command := exec.Command("go", "mod", "download", "-json", b.Module+"@"+b.Version)
	command.Dir = folder
	// What it must be is said here, also of what the public database of sums lacks.
	command.Env = append(os.Environ(), "GONOSUMDB="+b.Module)
	output, failed := command.Output()
	var module struct{ Zip, Sum, Error string }
	if err := json.Unmarshal(output, &module); err != nil {
		return "", fmt.Errorf("downloading %s %s: %w", b.Module, b.Version, failed)
	}
	switch {
	case module.Zip == "":
		return "", fmt.Errorf("downloading %s %s: %s", b.Module, b.Version, module.Error)
	case module.Sum != b.Sum:
		return "", fmt.Errorf("downloading %s %s: its sum is %s, not %s", b.Module, b.Version, module.Sum, b.Sum)
	}
	return module.Zip, nil
}
