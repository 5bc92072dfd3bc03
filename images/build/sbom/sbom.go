package sbom

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"fmt"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx/v2/common"
	spdx "github.com/spdx/tools-golang/spdx/v2/v2_3"
)

// MediaType is that of the document (spdx/spdx-spec, "Media type").
const MediaType = "application/spdx+json"

// Image is what a document is about.
type Image struct {
	// Repository is where the image is published, as in
	// "ghcr.io/krm-bypass/init".
	Repository, Version string
	// Digest is the image manifest's, as "sha256:…".
	Digest  string
	Created time.Time
	// Program is the Go program in it.
	Program Program
	// Data are Go modules whose data the image holds beside the program.
	Data []Module
	// Base is the digest of the image that it is built on, "" for none, and
	// BaseName where that is published, "" where it is not known.
	Base, BaseName string
}

// Archive is what a release offers for download, of Go programs.
type Archive struct {
	// Name is the archive's, and URL where it is.
	Name, URL, Version string
	// Digest is its SHA-256, in hexadecimal digits.
	Digest   string
	Created  time.Time
	Programs []Program
}

// Program is a Go program, by its name.
type Program struct {
	Name    string
	Content []byte
}

// Module is a Go module.
type Module struct{ Path, Version string }

// Document gives the document of an image.
func Document(image Image) ([]byte, error) {
	d := newDocument(image.Repository+":"+image.Version, "https://"+image.Repository+"/"+strings.ReplaceAll(image.Digest, ":", "-"), image.Created)
	whole := d.add("DOCUMENT", common.TypeRelationshipDescribe,
		pkg{name: image.Repository, version: image.Version, purpose: "CONTAINER", purl: container(image.Repository, image.Digest), sha256: strings.TrimPrefix(image.Digest, "sha256:")})
	if err := d.addProgram(whole, image.Program, image.Version); err != nil {
		return nil, err
	}
	for _, m := range image.Data {
		d.add(whole, common.TypeRelationshipContains, pkg{name: m.Path, version: m.Version, purpose: "OTHER", purl: module(m.Path, m.Version)})
	}
	if image.Base != "" {
		name := cmp.Or(image.BaseName, unnamed)
		d.add(whole, common.TypeRelationshipDescendantOf,
			pkg{name: name, version: image.Base, purpose: "CONTAINER", purl: container(name, image.Base), sha256: strings.TrimPrefix(image.Base, "sha256:")})
	}
	return d.text()
}

// DocumentOfArchive gives the document of an archive.
func DocumentOfArchive(archive Archive) ([]byte, error) {
	d := newDocument(archive.Name, archive.URL+"/sha256-"+archive.Digest, archive.Created)
	whole := d.add("DOCUMENT", common.TypeRelationshipDescribe,
		pkg{name: archive.Name, version: archive.Version, purpose: "ARCHIVE", purl: download(archive), sha256: archive.Digest})
	for _, program := range archive.Programs {
		if err := d.addProgram(whole, program, archive.Version); err != nil {
			return nil, err
		}
	}
	return d.text()
}

func newDocument(name, namespace string, created time.Time) *document {
	return &document{&spdx.Document{
		SPDXVersion:       spdx.Version,
		DataLicense:       spdx.DataLicense,
		SPDXIdentifier:    "DOCUMENT",
		DocumentName:      name,
		DocumentNamespace: namespace,
		CreationInfo: &spdx.CreationInfo{
			Creators: []common.Creator{{CreatorType: "Tool", Creator: "krm-bypass-images"}},
			Created:  created.UTC().Format("2006-01-02T15:04:05Z"),
		},
	}}
}

// addProgram says that a program is in the whole, and of what the Go command says it is
// made.
func (d *document) addProgram(whole common.ElementID, program Program, version string) error {
	build, err := buildinfo.Read(bytes.NewReader(program.Content))
	if err != nil {
		return fmt.Errorf("reading what is in %s: %w", program.Name, err)
	}
	sum := sha256.Sum256(program.Content)
	id := d.add(whole, common.TypeRelationshipContains,
		pkg{name: program.Name, version: version, purpose: "APPLICATION", purl: module(build.Main.Path, version), sha256: hex.EncodeToString(sum[:])})
	d.add(id, common.TypeRelationshipDependsOn,
		pkg{name: "stdlib", version: build.GoVersion, purpose: "LIBRARY", purl: module("stdlib", strings.TrimPrefix(build.GoVersion, "go"))})
	for _, dependency := range build.Deps {
		d.add(id, common.TypeRelationshipDependsOn, ofModule(dependency))
	}
	return nil
}

func (d *document) text() ([]byte, error) {
	var text bytes.Buffer
	if err := json.Write(d.Document, &text, json.Indent("  "), json.EscapeHTML(false)); err != nil {
		return nil, fmt.Errorf("writing an SPDX document: %w", err)
	}
	return text.Bytes(), nil
}

// ofModule gives the module that was really built.
func ofModule(m *debug.Module) pkg {
	if m.Replace != nil {
		m = m.Replace
	}
	p := pkg{name: m.Path, version: m.Version, purpose: "LIBRARY", purl: module(m.Path, m.Version)}
	if m.Sum != "" {
		// A digest of the module's files as go.sum has it, not one of a file.
		p.source = "go.sum " + m.Sum
	}
	return p
}

// module, container and download give package URLs (package-url/purl-spec, types golang,
// oci and generic).
func module(path, version string) string {
	return "pkg:golang/" + path + "@" + url.QueryEscape(version)
}

func container(repository, digest string) string {
	located := "pkg:oci/" + repository[strings.LastIndex(repository, "/")+1:] + "@" + url.QueryEscape(digest)
	if repository != unnamed {
		located += "?repository_url=" + url.QueryEscape(repository)
	}
	return located
}

func download(of Archive) string {
	return "pkg:generic/" + of.Name + "@" + url.QueryEscape(of.Version) + "?checksum=sha256:" + of.Digest + "&download_url=" + url.QueryEscape(of.URL)
}

// unnamed stands for the name of a base that has none.
const unnamed = "base"

type document struct{ *spdx.Document }

// pkg is a package in as much as this document says of one.
type pkg struct{ name, version, purpose, purl, sha256, source string }

const unknown = "NOASSERTION"

// add says how a package is related to one that is there already, adds it unless it is
// there too, and gives its identifier.
func (d *document) add(from common.ElementID, relationship string, p pkg) common.ElementID {
	id := identifier(p.name + "@" + p.version)
	d.Relationships = append(d.Relationships, &spdx.Relationship{
		RefA: common.DocElementID{ElementRefID: from}, Relationship: relationship, RefB: common.DocElementID{ElementRefID: id},
	})
	if slices.ContainsFunc(d.Packages, func(q *spdx.Package) bool { return q.PackageSPDXIdentifier == id }) {
		return id
	}
	one := &spdx.Package{
		PackageName:             p.name,
		PackageSPDXIdentifier:   id,
		PackageVersion:          p.version,
		PackageDownloadLocation: unknown,
		PackageSourceInfo:       p.source,
		PackageLicenseConcluded: unknown,
		PackageLicenseDeclared:  unknown,
		PackageCopyrightText:    unknown,
		PrimaryPackagePurpose:   p.purpose,
		PackageExternalReferences: []*spdx.PackageExternalReference{
			{Category: common.CategoryPackageManager, RefType: common.TypePackageManagerPURL, Locator: p.purl},
		},
	}
	if p.sha256 != "" {
		one.PackageChecksums = []common.Checksum{{Algorithm: common.SHA256, Value: p.sha256}}
	}
	d.Packages = append(d.Packages, one)
	return id
}

// identifier turns a name into what SPDX takes for one, letters, digits, "." and
// "-", so that different names stay different.
func identifier(name string) common.ElementID {
	var b strings.Builder
	b.WriteString("Package-")
	for _, c := range []byte(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "-%02X", c)
		}
	}
	return common.ElementID(b.String())
}
