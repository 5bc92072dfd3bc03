package image

import (
	"archive/tar"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/images/build/pack"
)

var (
	amd64 = v1.Platform{OS: "linux", Architecture: "amd64"}
	arm64 = v1.Platform{OS: "linux", Architecture: "arm64"}
)

func contents() Contents {
	return Contents{
		Files: []pack.File{
			{Path: "/usr/bin/program", Mode: 0o555, Content: []byte("a program")},
			pack.Folder("/tmp", pack.EveryonesFolder),
			{Path: "/etc/passwd", Mode: 0o444, Content: []byte("root:x:0:0::/:\n")},
		},
		Entrypoint:  []string{"/usr/bin/program"},
		Env:         []string{"PATH=" + Path},
		User:        "65534:65534",
		Annotations: map[string]string{"org.opencontainers.image.version": "v1"},
		Created:     time.Unix(1700000000, 0).UTC(),
	}
}

func build(t *testing.T, c Contents, base Base, platform v1.Platform) v1.Image {
	t.Helper()
	image, err := c.On(base, platform)
	require.NoError(t, err)
	return image
}

func digest(t *testing.T, of interface{ Digest() (v1.Hash, error) }) string {
	t.Helper()
	d, err := of.Digest()
	require.NoError(t, err)
	return d.String()
}

func TestTheSameContentsGiveTheSameDigest(t *testing.T) {
	first := contents()
	second := contents()
	second.Files = []pack.File{second.Files[2], second.Files[0], second.Files[1]}
	assert.Equal(t, digest(t, build(t, first, Base{}, amd64)), digest(t, build(t, second, Base{}, amd64)))
	assert.NotEqual(t, digest(t, build(t, first, Base{}, amd64)), digest(t, build(t, first, Base{}, arm64)))
	for name, change := range map[string]func(*Contents){
		"a file's content": func(c *Contents) { c.Files[0].Content = []byte("another") },
		"a file's mode":    func(c *Contents) { c.Files[0].Mode = 0o500 },
		"the time":         func(c *Contents) { c.Created = c.Created.Add(time.Second) },
		"an annotation":    func(c *Contents) { c.Annotations["org.opencontainers.image.version"] = "v2" },
		"the user":         func(c *Contents) { c.User = "0:0" },
	} {
		changed := contents()
		change(&changed)
		assert.NotEqual(t, digest(t, build(t, first, Base{}, amd64)), digest(t, build(t, changed, Base{}, amd64)), name)
	}
}

func TestWhatAnImageSays(t *testing.T) {
	image := build(t, contents(), Base{}, arm64)
	config, err := image.ConfigFile()
	require.NoError(t, err)
	assert.Equal(t, "linux/arm64", config.Platform().String())
	assert.Equal(t, contents().Created, config.Created.Time)
	assert.Equal(t, []string{"/usr/bin/program"}, config.Config.Entrypoint)
	assert.Equal(t, "65534:65534", config.Config.User)
	assert.Equal(t, map[string]string{"org.opencontainers.image.version": "v1"}, config.Config.Labels)
	manifest, err := image.Manifest()
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"org.opencontainers.image.version": "v1"}, manifest.Annotations)
	assert.Equal(t, types.OCIManifestSchema1, manifest.MediaType)
	assert.Equal(t, types.OCIConfigJSON, manifest.Config.MediaType)
	require.Len(t, manifest.Layers, 1)
	assert.Equal(t, types.OCILayer, manifest.Layers[0].MediaType)

	headers := map[string]*tar.Header{}
	var order []string
	files := mutate.Extract(image)
	defer func() { assert.NoError(t, files.Close()) }()
	for archive := tar.NewReader(files); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		order = append(order, header.Name)
		headers[header.Name] = header
		assert.Equal(t, contents().Created.Unix(), header.ModTime.Unix(), header.Name)
		assert.Zero(t, header.Uid+header.Gid, header.Name)
		assert.Empty(t, header.Uname+header.Gname, header.Name)
	}
	assert.Equal(t, []string{"etc", "etc/passwd", "tmp", "usr", "usr/bin", "usr/bin/program"}, order)
	assert.Equal(t, int64(0o1777), headers["tmp"].Mode)
	assert.Equal(t, int64(0o755), headers["usr"].Mode)
	assert.Equal(t, int64(0o555), headers["usr/bin/program"].Mode)
}

func TestAnArchiveHoldsTheImage(t *testing.T) {
	image := build(t, contents(), Base{}, amd64)
	tag := name.MustParseReference("registry.example/team/program:v1").(name.Tag)
	path := filepath.Join(t.TempDir(), "program.tar")
	require.NoError(t, WriteArchive(path, tag, image))
	first, err := os.ReadFile(path)
	require.NoError(t, err)

	loaded, err := tarball.ImageFromPath(path, &tag)
	require.NoError(t, err)
	require.NoError(t, validate.Image(loaded))
	want, err := image.ConfigName()
	require.NoError(t, err)
	got, err := loaded.ConfigName()
	require.NoError(t, err)
	assert.Equal(t, want, got)

	require.NoError(t, WriteArchive(path, tag, build(t, contents(), Base{}, amd64)))
	second, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, first, second)
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	assert.Len(t, entries, 1, "no temporary file stays")
}

// release writes an index of two platforms with a document attached to each.
func release(t *testing.T, folder string) (index v1.ImageIndex, documents []v1.Image) {
	t.Helper()
	var variants []Variant
	for _, p := range []v1.Platform{amd64, arm64} {
		image := build(t, contents(), Base{}, p)
		variants = append(variants, Variant{p, image})
		document, err := Attach(image, "application/spdx+json", []byte(`{"for": "`+p.String()+`"}`), map[string]string{"of": p.String()})
		require.NoError(t, err)
		documents = append(documents, document)
	}
	index = Index(map[string]string{"org.opencontainers.image.version": "v1"}, variants...)
	require.NoError(t, WriteLayout(folder, name.MustParseReference("registry.example/team/program:v1").(name.Tag), index, documents))
	return index, documents
}

func TestALayoutHoldsTheIndexAndWhatIsAttached(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "program")
	index, documents := release(t, folder)
	release(t, folder) // again, over the first
	whole, err := layout.ImageIndexFromPath(folder)
	require.NoError(t, err)
	manifest, err := whole.IndexManifest()
	require.NoError(t, err)
	require.Len(t, manifest.Manifests, 3)
	assert.Equal(t, digest(t, index), manifest.Manifests[0].Digest.String())
	written, err := whole.ImageIndex(manifest.Manifests[0].Digest)
	require.NoError(t, err)
	require.NoError(t, validate.Index(written))
	assert.Equal(t, map[string]string{
		"org.opencontainers.image.ref.name": "v1",
		"io.containerd.image.name":          "registry.example/team/program:v1",
	}, manifest.Manifests[0].Annotations)
	for i, d := range documents {
		assert.Equal(t, digest(t, d), manifest.Manifests[i+1].Digest.String())
		assert.Equal(t, "application/spdx+json", manifest.Manifests[i+1].ArtifactType)
	}
	info, err := os.Stat(folder)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o755), info.Mode().Perm())
}

func TestALayoutReplacesNothingElse(t *testing.T) {
	folder := t.TempDir()
	kept := filepath.Join(folder, "thesis.txt")
	require.NoError(t, os.WriteFile(kept, []byte("years of work"), 0o600))
	err := WriteLayout(folder, name.MustParseReference("a/b:c").(name.Tag), empty.Index, nil)
	require.ErrorContains(t, err, "something else is there")
	assert.FileExists(t, kept)
}

// serve gives the address of a registry in memory.
func serve(t *testing.T, options ...registry.Option) string {
	t.Helper()
	server := httptest.NewServer(registry.New(append(options, registry.Logger(log.New(io.Discard, "", 0)))...))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func TestPushAndPull(t *testing.T) {
	for name, options := range map[string][]registry.Option{
		"a registry that lists referrers":     {registry.WithReferrersSupport(true)},
		"an older one, with a tag in its way": nil,
	} {
		t.Run(name, func(t *testing.T) {
			host := serve(t, options...)
			folder := filepath.Join(t.TempDir(), "program")
			index, documents := release(t, folder)
			pushed, err := Push(t.Context(), folder, host+"/deep/path")
			require.NoError(t, err)
			assert.Equal(t, host+"/deep/path/program:v1@"+digest(t, index), pushed)
			again, err := Push(t.Context(), folder, host+"/deep/path")
			require.NoError(t, err)
			assert.Equal(t, pushed, again)

			pulled := pull(t, host+"/deep/path/program:v1")
			require.NoError(t, validate.Index(pulled))
			assert.Equal(t, digest(t, index), digest(t, pulled))
			manifest, err := pulled.IndexManifest()
			require.NoError(t, err)
			require.Len(t, manifest.Manifests, 2)
			for i, m := range manifest.Manifests {
				assert.Equal(t, []string{"linux/amd64", "linux/arm64"}[i], m.Platform.String())
				attached(t, host+"/deep/path/program@"+m.Digest.String(), digest(t, documents[i]), `{"for": "`+m.Platform.String()+`"}`)
			}
		})
	}
}

func pull(t *testing.T, from string) v1.ImageIndex {
	t.Helper()
	index, err := remote.Index(reference(t, from))
	require.NoError(t, err)
	return index
}

// attached asserts that a registry lists one document for an image.
func attached(t *testing.T, to, digest, content string) {
	t.Helper()
	ref, err := name.NewDigest(to)
	require.NoError(t, err)
	listed, err := remote.Referrers(ref)
	require.NoError(t, err)
	manifest, err := listed.IndexManifest()
	require.NoError(t, err)
	require.Len(t, manifest.Manifests, 1)
	assert.Equal(t, digest, manifest.Manifests[0].Digest.String())
	document, err := remote.Image(ref.Digest(digest))
	require.NoError(t, err)
	said, err := document.Manifest()
	require.NoError(t, err)
	assert.Equal(t, "application/spdx+json", said.ArtifactType)
	assert.Equal(t, ref.DigestStr(), said.Subject.Digest.String())
	layers, err := document.Layers()
	require.NoError(t, err)
	require.Len(t, layers, 1)
	text, err := layers[0].Compressed()
	require.NoError(t, err)
	got, err := io.ReadAll(text)
	require.NoError(t, err)
	assert.Equal(t, content, string(got))
}

func TestPushSaysWhatIsWrong(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "program")
	release(t, folder)
	closed := httptest.NewServer(nil)
	host := strings.TrimPrefix(closed.URL, "http://")
	closed.Close()
	_, err := Push(t.Context(), folder, host)
	require.ErrorContains(t, err, "pushing "+folder+" to "+host+": ")
	_, err = Push(t.Context(), folder, "no registry")
	require.ErrorContains(t, err, "no registry")
	_, err = Push(t.Context(), t.TempDir(), host)
	require.ErrorContains(t, err, "index.json")
}

func reference(t *testing.T, text string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(text)
	require.NoError(t, err)
	return ref
}
