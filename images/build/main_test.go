package main

import (
	"archive/tar"
	"bytes"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/images/build/image"
	"github.com/krm-bypass/krm-bypass/images/build/pack"
)

const testVersion = "v9.8.7"

var (
	amd64     = v1.Platform{OS: "linux", Architecture: "amd64"}
	arm64     = v1.Platform{OS: "linux", Architecture: "arm64"}
	platforms = []v1.Platform{amd64, arm64}
)

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "krm-bypass-images-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	scratch = folder
	code := m.Run()
	_ = os.RemoveAll(folder)
	os.Exit(code)
}

// scratch is a folder that goes with the tests.
var scratch string

// clone is a copy of this source tree in which make images ran.
var clone = sync.OnceValues(func() (string, error) { return makeImages(filepath.Join(scratch, "clone")) })

// makeImages copies the source tree and makes its images.
func makeImages(folder string) (string, error) {
	if err := copySource(folder); err != nil {
		return "", err
	}
	_, err := execute(folder, nil, "make", "images", "VERSION="+testVersion)
	return folder, err
}

// copySource copies what is in version control, and a little more.
func copySource(to string) error {
	root, err := filepath.Abs("../..")
	if err != nil {
		return err
	}
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, relative)
		switch {
		case relative == ".git" || relative == ".cache" || relative == "bin":
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir():
			return os.MkdirAll(target, 0o755)
		case !entry.Type().IsRegular():
			return nil // links and the like in testdata: no build needs them
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, text, info.Mode().Perm())
	})
}

// execute runs a command in a folder; what it says on stdout is returned, and all
// of it is in the error of one that fails.
func execute(folder string, env []string, command ...string) (string, error) {
	run := exec.Command(command[0], command[1:]...)
	run.Dir = folder
	// Not what a make that runs these tests, or its user, has set.
	run.Env = append(os.Environ(), "MAKEFLAGS=", "MAKELEVEL=", "SOURCE_DATE_EPOCH=")
	run.Env = append(run.Env, env...)
	var out, errOut bytes.Buffer
	run.Stdout, run.Stderr = &out, &errOut
	if err := run.Run(); err != nil {
		return out.String(), fmt.Errorf("running %q: %w: %s%s", command, err, out.String(), errOut.String())
	}
	return out.String(), nil
}

// images gives the folder of the images that were made.
func images(t *testing.T) string {
	t.Helper()
	folder, err := clone()
	require.NoError(t, err)
	return filepath.Join(folder, "bin/images")
}

// builder is the program of this package. We build it because a test does not know
// which modules it is made of.
var builder = sync.OnceValues(func() (string, error) {
	path := filepath.Join(scratch, "builder")
	_, err := execute(".", nil, "go", "build", "-buildvcs=false", "-o", path, ".")
	return path, err
})

// build runs the builder on the programs that make images made.
func build(t *testing.T, env []string, more ...string) (output, said string, err error) {
	t.Helper()
	program, err := builder()
	require.NoError(t, err)
	folder, err := clone()
	require.NoError(t, err)
	output = filepath.Join(t.TempDir(), "images")
	arguments := []string{program, "make", "--programs", filepath.Join(folder, ".cache/images"), "--output", output, "--version", testVersion}
	said, err = execute(folder, env, append(arguments, more...)...)
	return output, said, err
}

// indexOf reads the index of an image and its description in the layout.
func indexOf(t *testing.T, folder string) (v1.ImageIndex, *v1.IndexManifest) {
	t.Helper()
	whole, err := layout.ImageIndexFromPath(folder)
	require.NoError(t, err)
	manifest, err := whole.IndexManifest()
	require.NoError(t, err)
	index, err := whole.ImageIndex(manifest.Manifests[0].Digest)
	require.NoError(t, err)
	return index, manifest
}

func imageOf(t *testing.T, folder string, platform v1.Platform) v1.Image {
	t.Helper()
	base, err := image.FindBase(t.Context(), folder)
	require.NoError(t, err)
	found, err := base.On(platform)
	require.NoError(t, err)
	return found
}

// TestTwoBuildsAreTheSame builds in two folders, from compiled programs to the
// last archive. The two share the go command's cache, so that a compiler which
// is not deterministic goes unseen; the linker and the images are made twice.
func TestTwoBuildsAreTheSame(t *testing.T) {
	first := images(t)
	other, err := makeImages(filepath.Join(scratch, "a", "place", "much", "further", "down"))
	require.NoError(t, err)
	second := filepath.Join(other, "bin/images")
	one, two := read(t, first), read(t, second)
	assert.Greater(t, len(one), 20, "programs, archives, layouts")
	for path, content := range one {
		assert.True(t, bytes.Equal(content, two[path]), path)
	}
	assert.Len(t, two, len(one))
	for _, p := range products[:2] {
		one, _ := indexOf(t, filepath.Join(first, p.name))
		two, _ := indexOf(t, filepath.Join(second, p.name))
		assert.Equal(t, digest(t, one), digest(t, two))
	}
}

func read(t *testing.T, folder string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	require.NoError(t, fs.WalkDir(os.DirFS(folder), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files[path], err = os.ReadFile(filepath.Join(folder, path))
		return err
	}))
	return files
}

func digest(t *testing.T, of interface{ Digest() (v1.Hash, error) }) string {
	t.Helper()
	d, err := of.Digest()
	require.NoError(t, err)
	return d.String()
}

func TestTheImages(t *testing.T) {
	for _, test := range []struct {
		folder, reference, entrypoint, user string
		most                                float64 // MiB compressed
		files                               []string
	}{
		{
			"krm-bypass", "ghcr.io/krm-bypass/krm-bypass:" + testVersion, "/usr/local/bin/krm-bypass", "65534:65534", 32,
			[]string{"etc", "etc/group", "etc/passwd", "etc/ssl", "etc/ssl/certs", "etc/ssl/certs/ca-certificates.crt", "tmp", "usr", "usr/local", "usr/local/bin", "usr/local/bin/krm-bypass"},
		},
		{
			"krm-bypass-init", "ghcr.io/krm-bypass/init:" + testVersion, "/krm-bypass-init", "0:0", 4,
			[]string{"krm-bypass-init"},
		},
	} {
		t.Run(test.folder, func(t *testing.T) {
			folder := filepath.Join(images(t), test.folder)
			index, inLayout := indexOf(t, folder)
			require.NoError(t, validate.Index(index))
			assert.Equal(t, test.reference, inLayout.Manifests[0].Annotations["io.containerd.image.name"])
			assert.Len(t, inLayout.Manifests, 1+len(platforms))
			manifest, err := index.IndexManifest()
			require.NoError(t, err)
			assert.Equal(t, testVersion, manifest.Annotations["org.opencontainers.image.version"])
			assert.Equal(t, "1970-01-01T00:00:00Z", manifest.Annotations["org.opencontainers.image.created"])
			assert.NotContains(t, manifest.Annotations, "org.opencontainers.image.revision")
			for i, platform := range platforms {
				built := imageOf(t, folder, platform)
				config, err := built.ConfigFile()
				require.NoError(t, err)
				assert.Equal(t, platform.String(), config.Platform().String())
				assert.Equal(t, []string{test.entrypoint}, config.Config.Entrypoint)
				assert.Equal(t, test.user, config.Config.User)
				assert.Equal(t, testVersion, config.Config.Labels["org.opencontainers.image.version"])
				size, err := compressed(built)
				require.NoError(t, err)
				assert.Less(t, float64(size)/(1<<20), test.most, platform.String())
				files := filesOf(t, built)
				var names []string
				for _, f := range files {
					names = append(names, f.name)
				}
				assert.Equal(t, test.files, names)

				attached, err := layout.ImageIndexFromPath(folder)
				require.NoError(t, err)
				bill, err := attached.Image(inLayout.Manifests[1+i].Digest)
				require.NoError(t, err)
				said, err := bill.Manifest()
				require.NoError(t, err)
				assert.Equal(t, "application/spdx+json", said.ArtifactType)
				assert.Equal(t, digest(t, built), said.Subject.Digest.String())
				assert.Subset(t, packagesOf(t, bill), []string{test.folder, "stdlib"})

				loaded, err := tarball.ImageFromPath(filepath.Join(images(t), test.folder+"-"+folderOf(platform)+".tar"), nil)
				require.NoError(t, err)
				require.NoError(t, validate.Image(loaded))
				want, err := built.ConfigName()
				require.NoError(t, err)
				got, err := loaded.ConfigName()
				require.NoError(t, err)
				assert.Equal(t, want, got)
			}
		})
	}
}

type fileOf struct {
	name    string
	mode    int64
	content []byte
}

func filesOf(t *testing.T, of v1.Image) []fileOf {
	t.Helper()
	stream := mutate.Extract(of)
	defer func() { assert.NoError(t, stream.Close()) }()
	var files []fileOf
	for archive := tar.NewReader(stream); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		require.NoError(t, err)
		content, err := io.ReadAll(archive)
		require.NoError(t, err)
		files = append(files, fileOf{header.Name, header.Mode, content})
	}
}

// packagesOf gives the names of the packages in a bill of materials.
func packagesOf(t *testing.T, bill v1.Image) []string {
	t.Helper()
	layers, err := bill.Layers()
	require.NoError(t, err)
	stream, err := layers[0].Compressed()
	require.NoError(t, err)
	var document struct{ Packages []struct{ Name string } }
	require.NoError(t, json.NewDecoder(stream).Decode(&document))
	var names []string
	for _, p := range document.Packages {
		names = append(names, p.Name)
	}
	return names
}

func TestTheProgramsSayTheirVersion(t *testing.T) {
	images(t)
	folder, err := clone()
	require.NoError(t, err)
	for _, p := range products[:2] {
		said, err := execute(folder, nil, filepath.Join(folder, ".cache/images", "linux-"+goarch(t), p.name), "--version")
		require.NoError(t, err)
		assert.Contains(t, said, testVersion)
	}
}

func goarch(t *testing.T) string {
	t.Helper()
	said, err := execute(".", nil, "go", "env", "GOARCH")
	require.NoError(t, err)
	return strings.TrimSpace(said)
}

// TestTheAuthoritiesAreWhole reads them as a client does.
func TestTheAuthoritiesAreWhole(t *testing.T) {
	for _, f := range filesOf(t, imageOf(t, filepath.Join(images(t), "krm-bypass"), amd64)) {
		if f.name == "etc/ssl/certs/ca-certificates.crt" {
			assert.True(t, x509.NewCertPool().AppendCertsFromPEM(f.content))
			assert.Greater(t, strings.Count(string(f.content), "BEGIN CERTIFICATE"), 100)
			return
		}
	}
	assert.Fail(t, "there are none")
}

// operatingSystem writes a base with the programs given, as an OCI layout.
func operatingSystem(t *testing.T, programs ...string) string {
	t.Helper()
	var files []pack.File
	for _, p := range programs {
		files = append(files, pack.File{Path: "/usr/sbin/" + p, Mode: executable, Content: []byte(p)})
	}
	var variants []image.Variant
	for _, p := range platforms {
		built, err := image.Contents{Files: files, Entrypoint: []string{"/bin/sh"}, Created: time.Unix(0, 0)}.On(image.Base{}, p)
		require.NoError(t, err)
		variants = append(variants, image.Variant{Platform: p, Image: built})
	}
	folder := filepath.Join(t.TempDir(), "os")
	tag, err := name.NewTag("registry.example/os:1")
	require.NoError(t, err)
	require.NoError(t, image.WriteLayout(folder, tag, image.Index(nil, variants...), nil))
	return folder
}

func TestTheVariantWithIptables(t *testing.T) {
	base := operatingSystem(t, initContainerWithIptables.needs...)
	output, said, err := build(t, nil, "--base", base)
	require.NoError(t, err)
	folder := filepath.Join(output, "krm-bypass-init-iptables")
	index, inLayout := indexOf(t, folder)
	require.NoError(t, validate.Index(index))
	reference := "ghcr.io/krm-bypass/init:" + testVersion + "-iptables"
	assert.Equal(t, reference, inLayout.Manifests[0].Annotations["io.containerd.image.name"])
	assert.Contains(t, said, folder+" "+reference+"@"+digest(t, index)+"\n")
	for i, platform := range platforms {
		built := imageOf(t, folder, platform)
		missing, err := image.Missing(built, initContainerWithIptables.needs)
		require.NoError(t, err)
		assert.Empty(t, missing)
		config, err := built.ConfigFile()
		require.NoError(t, err)
		assert.Equal(t, []string{initPath}, config.Config.Entrypoint)
		under := imageOf(t, base, platform)
		manifest, err := built.Manifest()
		require.NoError(t, err)
		assert.Equal(t, digest(t, under), manifest.Annotations["org.opencontainers.image.base.digest"])
		attached, err := layout.ImageIndexFromPath(folder)
		require.NoError(t, err)
		bill, err := attached.Image(inLayout.Manifests[1+i].Digest)
		require.NoError(t, err)
		assert.Contains(t, packagesOf(t, bill), "base")
	}
	assert.DirExists(t, filepath.Join(output, "krm-bypass-init"), "the one on nothing is made beside it")
}

func TestABaseWithoutIptablesIsRefused(t *testing.T) {
	_, _, err := build(t, nil, "--base", operatingSystem(t, "iptables-legacy", "ip6tables-legacy"))
	require.ErrorContains(t, err, "error: making the image krm-bypass-init-iptables: linux/amd64: the base image has no iptables-legacy-restore, ip6tables-legacy-restore: take one that has")
}

func TestTheTimeIsGiven(t *testing.T) {
	output, _, err := build(t, []string{"SOURCE_DATE_EPOCH=1700000000"}, "--platform", "linux/amd64", "--revision", "0123456789abcdef0123456789abcdef01234567")
	require.NoError(t, err)
	config, err := imageOf(t, filepath.Join(output, "krm-bypass"), amd64).ConfigFile()
	require.NoError(t, err)
	assert.Equal(t, "2023-11-14T22:13:20Z", config.Created.UTC().Format(time.RFC3339))
	assert.Equal(t, "2023-11-14T22:13:20Z", config.Config.Labels["org.opencontainers.image.created"])
	assert.Equal(t, "0123456789abcdef0123456789abcdef01234567", config.Config.Labels["org.opencontainers.image.revision"])
}

func TestPush(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.WithReferrersSupport(true), registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	var out, errOut bytes.Buffer
	code := run(t.Context(), []string{"push", "--from", images(t), host + "/mesh/"}, os.Getenv, &out, &errOut)
	require.Zero(t, code, errOut.String())
	var want strings.Builder
	for _, p := range products[:2] {
		index, _ := indexOf(t, filepath.Join(images(t), p.name))
		reference := host + "/mesh/" + p.repository + ":" + testVersion
		fmt.Fprintf(&want, "%s@%s\n", reference, digest(t, index))
		ref, err := name.ParseReference(reference)
		require.NoError(t, err)
		pulled, err := remote.Index(ref)
		require.NoError(t, err)
		require.NoError(t, validate.Index(pulled))
		assert.Equal(t, digest(t, index), digest(t, pulled))
		manifest, err := pulled.IndexManifest()
		require.NoError(t, err)
		for _, m := range manifest.Manifests {
			bills, err := remote.Referrers(ref.Context().Digest(m.Digest.String()))
			require.NoError(t, err)
			listed, err := bills.IndexManifest()
			require.NoError(t, err)
			assert.Len(t, listed.Manifests, 1)
		}
	}
	assert.Equal(t, want.String(), out.String())
	_, last, _ := strings.Cut(out.String(), "\n")
	assert.Equal(t, "Put this into the spec:\n\n"+"spec:\n  enforcement:\n    image: "+last+"\n", errOut.String())
}

// A tree in which something is wrong fails, and one in which nothing is does not.
func TestReady(t *testing.T) {
	folder := t.TempDir()
	for text, code := range map[string]int{"fine\n": 0, "\nghcr.io/krm-bypass/init:v0.1.0\n": 1} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, "README.md"), []byte(text), 0o600))
		var out, errOut bytes.Buffer
		assert.Equal(t, code, run(t.Context(), []string{"ready", "--root", folder, "--version", "v0.1.0"}, os.Getenv, &out, &errOut))
		assert.Equal(t, code == 1, strings.HasPrefix(out.String(), "README.md:2: "), out.String())
		assert.Equal(t, code == 1, errOut.String() == "error: 1 places would be wrong at the release v0.1.0\n", errOut.String())
	}
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	empty := t.TempDir()
	for _, test := range []struct {
		args []string
		env  string
		says string
	}{
		{[]string{"make"}, "", `required flag(s) "output", "programs", "version" not set`},
		{[]string{"make", "--programs", empty, "--output", empty, "--version", "v1", "--platform", "amd64"}, "", `reading --platform: "amd64" is not a platform, write it as linux/amd64`},
		{[]string{"make", "--programs", empty, "--output", empty, "--version", "v1"}, "yesterday", `reading SOURCE_DATE_EPOCH: "yesterday" is not a number of seconds since 1970`},
		{[]string{"make", "--programs", empty, "--output", empty, "--version", "v1"}, "", "making the image krm-bypass: linux/amd64: reading the program: open " + empty + "/linux-amd64/krm-bypass: no such file or directory"},
		{[]string{"make", "--programs", empty, "--output", empty, "--version", "v 1"}, "", "making the image krm-bypass: "},
		{[]string{"make", "--programs", empty, "--output", empty, "--version", "v1", "--base", empty}, "", "finding the base image " + empty + ": reading an OCI layout"},
		{[]string{"dist", "--programs", empty, "--shipped", empty, "--licences", empty, "--output", empty, "--version", "0.1"}, "", `reading the version: "0.1" is none: write it as v0.1.0`},
		{[]string{"dist", "--programs", empty, "--shipped", empty, "--licences", empty + "/absent", "--output", empty, "--version", "v0.1.0"}, "", "reading what goes into every archive: open " + empty + "/absent"},
		{[]string{"dist", "--programs", empty, "--shipped", empty, "--licences", "doc.go", "--output", ".", "--version", "v0.1.0"}, "", "writing the release .: something else is there: remove it, or give another folder"},
		{[]string{"dist", "--programs", empty, "--shipped", empty, "--licences", "doc.go", "--output", empty, "--version", "v0.1.0"}, "", "reading a program: open " + empty + "/"},
		{[]string{"ready", "--version", "1"}, "", `reading the version: "1" is none: write it as v0.1.0`},
		{[]string{"push", "--from", empty, "registry.example"}, "", "there is no OCI layout in " + empty + ": make images makes some"},
		{[]string{"push", "--from", empty}, "", "accepts 1 arg(s), received 0"},
	} {
		var out, errOut bytes.Buffer
		code := run(t.Context(), test.args, func(string) string { return test.env }, &out, &errOut)
		assert.Equal(t, 1, code, test.args)
		assert.Empty(t, out.String(), test.args)
		assert.True(t, strings.HasPrefix(errOut.String(), "error: "), errOut.String())
		assert.Contains(t, errOut.String(), test.says)
	}
}
