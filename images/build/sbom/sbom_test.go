package sbom

import (
	"bytes"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx"
	"github.com/spdx/tools-golang/spdxlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// program is a real one with dependencies. (The go command tells a test of none.)
var program = sync.OnceValues(func() ([]byte, error) {
	folder, err := os.MkdirTemp("", "")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	path := filepath.Join(folder, "program")
	if said, err := exec.Command("go", "build", "-C", "../../..", "-buildvcs=false", "-o", path, "./images/init").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, said)
	}
	return os.ReadFile(path)
})

func image(t *testing.T) Image {
	t.Helper()
	built, err := program()
	require.NoError(t, err)
	return Image{
		Repository: "ghcr.io/krm-bypass/init",
		Version:    "v0.1.0",
		Digest:     "sha256:" + "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		Created:    time.Unix(0, 0),
		Program:    Program{"krm-bypass-init", built},
		Data:       []Module{{"golang.org/x/crypto/x509roots/fallback", "v0.0.0"}},
		Base:       "sha256:" + "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210",
		BaseName:   "docker.io/library/debian",
	}
}

func written(t *testing.T, of Image) ([]byte, *spdx.Document) {
	t.Helper()
	text, err := Document(of)
	require.NoError(t, err)
	read, err := json.Read(bytes.NewReader(text))
	require.NoError(t, err)
	require.NoError(t, spdxlib.ValidateDocument(read))
	return text, read
}

// relations gives of each package, by its URL, what relates to it and how.
func relations(d *spdx.Document) map[string]string {
	names := map[string]string{"DOCUMENT": "document"}
	for _, p := range d.Packages {
		names[string(p.PackageSPDXIdentifier)] = p.PackageExternalReferences[0].Locator
	}
	found := map[string]string{}
	for _, r := range d.Relationships {
		found[names[string(r.RefB.ElementRefID)]] = names[string(r.RefA.ElementRefID)] + " " + r.Relationship
	}
	return found
}

func TestADocumentNamesEverythingThatIsInTheImage(t *testing.T) {
	of := image(t)
	_, read := written(t, of)
	found := relations(read)
	const (
		whole  = "pkg:oci/init@sha256%3A0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef?repository_url=ghcr.io%2Fkrm-bypass%2Finit"
		itself = "pkg:golang/github.com/krm-bypass/krm-bypass@v0.1.0"
	)
	build, err := buildinfo.Read(bytes.NewReader(of.Program.Content))
	require.NoError(t, err)
	require.NotEmpty(t, build.Deps)
	for _, d := range build.Deps {
		assert.Equal(t, itself+" DEPENDS_ON", found[module(d.Path, d.Version)], d.Path)
	}
	assert.Equal(t, "document DESCRIBES", found[whole])
	assert.Equal(t, whole+" CONTAINS", found[itself])
	assert.Equal(t, itself+" DEPENDS_ON", found["pkg:golang/stdlib@"+build.GoVersion[len("go"):]])
	assert.Equal(t, whole+" CONTAINS", found["pkg:golang/golang.org/x/crypto/x509roots/fallback@v0.0.0"])
	assert.Equal(t, whole+" DESCENDANT_OF", found["pkg:oci/debian@sha256%3Afedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210?repository_url=docker.io%2Flibrary%2Fdebian"])
	assert.Len(t, found, len(build.Deps)+5)
	assert.Equal(t, "1970-01-01T00:00:00Z", read.CreationInfo.Created)
	assert.Equal(t, "https://ghcr.io/krm-bypass/init/sha256-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", read.DocumentNamespace)
}

func TestTheSameImageGivesTheSameDocument(t *testing.T) {
	first, _ := written(t, image(t))
	second, _ := written(t, image(t))
	assert.Equal(t, string(first), string(second))
}

func TestAnArchive(t *testing.T) {
	built, err := program()
	require.NoError(t, err)
	of := Archive{
		Name: "archive.zip", URL: "https://example.com/v0.1.0/archive.zip", Version: "v0.1.0", Digest: strings.Repeat("0123456789abcdef", 4), Created: time.Unix(0, 0),
		Programs: []Program{{"one", built}, {"another", built}},
	}
	text, err := DocumentOfArchive(of)
	require.NoError(t, err)
	read, err := json.Read(bytes.NewReader(text))
	require.NoError(t, err)
	require.NoError(t, spdxlib.ValidateDocument(read))
	var names []string
	for _, p := range read.Packages {
		names = append(names, p.PackageName)
	}
	assert.Subset(t, names, []string{"archive.zip", "one", "another", "stdlib"})
	assert.Equal(t, "ARCHIVE", read.Packages[0].PrimaryPackagePurpose)
	assert.Equal(t, of.Digest, read.Packages[0].PackageChecksums[0].Value)

	of.Programs[1].Content = []byte("#!/bin/sh\n")
	_, err = DocumentOfArchive(of)
	assert.ErrorContains(t, err, "reading what is in another: ")
}

func TestAnImageOnNothing(t *testing.T) {
	of := image(t)
	of.Base, of.BaseName, of.Data = "", "", nil
	text, _ := written(t, of)
	assert.NotContains(t, string(text), "DESCENDANT_OF")
}

func TestABaseWithoutAName(t *testing.T) {
	of := image(t)
	of.BaseName = ""
	_, read := written(t, of)
	assert.Contains(t, relations(read), "pkg:oci/base@sha256%3Afedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210")
}

func TestAProgramThatIsNone(t *testing.T) {
	of := image(t)
	of.Program.Content = []byte("#!/bin/sh\n")
	_, err := Document(of)
	assert.ErrorContains(t, err, "reading what is in krm-bypass-init: ")
}

func TestIdentifiersStayDifferent(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{"a/b@v1", "a-b@v1", "a.b@v1", "a_b@v1", "a/b-v1", "a-2Fb@v1"} {
		id := string(identifier(name))
		assert.Regexp(t, `^[a-zA-Z0-9.-]+$`, id)
		assert.NotContains(t, seen, id, name)
		seen[id] = name
	}
}
