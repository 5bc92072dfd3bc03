package dist

import (
	"bytes"
	"embed"
	"fmt"
	"strings"
	"text/template"
)

// What package managers show of the project.
const (
	name        = "krm-bypass"
	description = "Says in Git which traffic bypasses the mesh's sidecar" // Homebrew takes 80 characters, krew advises 50
)

//go:embed krm-bypass.rb.tmpl krm-bypass.yaml.tmpl
var texts embed.FS

var templates = template.Must(template.ParseFS(texts, "*.tmpl"))

// manifests are texts by the names of their files.
type manifests map[string][]byte

// offered is an archive as a package manager fetches it.
type offered struct {
	Platform
	URL, Digest string
	// Folder is the one folder in it, and Exe what names of programs end in.
	Folder, Exe string
}

// manifests gives the formula and krew's manifest.
func (r Release) manifests(archives []archive) (manifests, error) {
	about := struct {
		Name, Description, Home, Version string
		Archives                         []offered
	}{name, description, Home, r.Version, nil}
	for _, a := range archives {
		about.Archives = append(about.Archives, offered{a.Platform, a.url(r.Version), a.Digest, a.folder(r.Version), a.exe()})
	}
	made := manifests{}
	for _, t := range templates.Templates() {
		var text bytes.Buffer
		if err := t.Execute(&text, about); err != nil {
			return nil, fmt.Errorf("writing %s: %w", t.Name(), err)
		}
		made[strings.TrimSuffix(t.Name(), ".tmpl")] = text.Bytes()
	}
	return made, nil
}

func (m manifests) write(folder string) error {
	for file, text := range m {
		if err := write(folder, file, text); err != nil {
			return err
		}
	}
	return nil
}
