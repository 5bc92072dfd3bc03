package kustomization

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/provider"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"
)

// normal has an entry name a regular file or a folder by "./" and its clean
// path, which kustomize takes for no URL, whatever it looks like. It gives the
// text that the entry holds or names; what cannot be named so is an error.
func (b *builder) normal(l *layer, e *entry) ([]byte, error) {
	value, key := e.value, ""
	switch e.kind {
	case text, patch, plugin:
		documents, inline, err := inlined(e.kind, value)
		if err == nil && e.kind == plugin {
			err = errIfRemote(documents)
		}
		if err != nil || inline || e.kind == text {
			return []byte(value), err
		}
	case keyed:
		var has bool
		if key, value, has = strings.Cut(value, "="); !has {
			key, value = path.Base(key), key
		}
		key += "="
	}
	if err := b.locate(l, e, value); err != nil {
		return nil, fmt.Errorf("%s%w", quoted(value), err)
	}
	var content []byte
	named := e.path
	if !e.isFolder {
		var err error
		if content, named, err = b.files.hold(e.path, e.kind != data && e.kind != keyed); err != nil {
			return nil, fmt.Errorf("reading %s: %w", quoted(value), err)
		}
	}
	if e.kind == plugin && !e.isFolder {
		documents, _, err := inlined(e.kind, string(content)) // none, if they do not parse: kustomize says so
		if err == nil {
			err = errIfRemote(documents)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", quoted(value), err)
		}
	}
	relative, err := filepath.Rel(l.dir, named)
	if err != nil {
		return nil, err
	}
	e.set(key + "./" + relative)
	return content, nil
}

// locate finds the regular file or folder that an entry names.
func (b *builder) locate(l *layer, e *entry, value string) error {
	if value == "" {
		return errors.New(" names nothing: name a file or folder, or remove the entry")
	}
	e.path = filepath.Join(l.dir, value)
	if filepath.IsAbs(value) {
		e.path = filepath.Clean(value)
	}
	info, err := os.Stat(e.path)
	if err != nil || b.files.fence(e.path) != nil {
		switch {
		case !isRemote(value) && (&resource.Origin{}).Append(value).Repo == "":
			// Whether there is something outside of the root is not told.
			return errors.New(": no such file or folder: correct the path")
		case e.list == transformersField:
			// What else would be remote there is a function, and not built here either.
			return fmt.Errorf(" is remote, and what is remote is not fetched: put a copy of it beside the kustomization, or write kustomize build %s %s, which fetches it", execFlags, b.name(b.top))
		}
		return fmt.Errorf(" is remote, and what is remote is not fetched: put a copy of it beside the kustomization, or %s", b.pipe(""))
	}
	e.isFolder = info.IsDir()
	switch mayBeFolder := e.kind == fileOrFolder || e.kind == folder || e.kind == plugin; {
	case !info.IsDir() && !info.Mode().IsRegular():
		return errors.New(" is neither a regular file nor a folder: put a copy of what it holds beside the kustomization")
	case info.IsDir() && !mayBeFolder:
		return errors.New(" is a folder: name a file")
	case !info.IsDir() && e.kind == folder:
		return errors.New(" is a file: name the folder of a component")
	case info.IsDir() && filepath.IsAbs(value):
		return errors.New(" is absolute: write the path from the kustomization's folder to it")
	}
	return nil
}

// inlined gives the documents that an entry holds itself. kustomize takes one
// for a path, and in the end for a repository to clone, if it does not parse as
// objects, or as several that go by one name; a look at the text would not tell.
func inlined(kind kind, value string) (documents []*resource.Resource, inline bool, err error) {
	if err := errIfExpands([]byte(value)); err != nil {
		return nil, false, err
	}
	factory := resmap.NewFactory(provider.NewDefaultDepProvider().GetResourceFactory())
	if kind == patch {
		documents, err = factory.RF().SliceFromBytes([]byte(value))
		return documents, err == nil, nil
	}
	objects, err := factory.NewResMapFromBytes([]byte(value))
	if err != nil {
		return nil, false, nil //nolint:nilerr // it is no text of its own
	}
	return objects.Resources(), true, nil
}

// errIfRemote refuses the configuration of a builtin plugin that has kustomize
// fetch a file.
func errIfRemote(documents []*resource.Resource) error {
	for _, d := range documents {
		fields, err := d.Map()
		if err != nil {
			return err
		}
		for _, p := range pathsOf(fields, "path", "paths", "targetFilePath", "files", "env", "envs", "replacements") {
			if key, after, keyed := strings.Cut(p, "="); keyed && !isRemote(key) {
				p = after
			}
			if isRemote(p) {
				return fmt.Errorf("the %s %s names %s; what is remote is not fetched: put a copy of it beside the kustomization, and write ./ before its path", d.GetKind(), d.GetName(), quoted(p))
			}
		}
	}
	return nil
}

// isRemote reports whether kustomize fetches a file of this path, as its loader
// does (api/internal/loader/fileloader.go, IsRemoteFile).
func isRemote(path string) bool {
	u, err := url.Parse(path)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https")
}

// pathsOf gives the texts of fields, by their names in any case.
func pathsOf(fields map[string]any, names ...string) []string {
	var all []string
	for key, value := range fields {
		if !slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(key, name) }) {
			continue
		}
		items, several := value.([]any)
		if !several {
			items = []any{value}
		}
		for _, item := range items {
			switch item := item.(type) {
			case string:
				all = append(all, item)
			case map[string]any:
				all = append(all, pathsOf(item, "path")...)
			}
		}
	}
	return all
}

// quoted gives a value as a message has it.
func quoted(value string) string {
	const most = 200
	if len(value) > most {
		value = value[:most] + "…"
	}
	return fmt.Sprintf("%q", value)
}
