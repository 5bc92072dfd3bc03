package image

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/images/build/pack"
)

// operatingSystem is a base with a few programs, in Docker's media types as most
// of them still are.
func operatingSystem(t *testing.T, platform v1.Platform) v1.Image {
	t.Helper()
	image := build(t, Contents{
		Files: []pack.File{
			{Path: "/usr/sbin/iptables-legacy", Mode: 0o555, Content: []byte("for " + platform.Architecture)},
			{Path: "/opt/odd", Mode: 0o555, Content: []byte("odd")},
		},
		Entrypoint: []string{"/bin/sh"},
		Env:        []string{"PATH=/bin", "LANG=C"},
		User:       "7:7",

		Annotations: map[string]string{"org.opencontainers.image.title": "os"},
	}, Base{}, platform)
	return mutate.ConfigMediaType(mutate.MediaType(image, types.DockerManifestSchema2), types.DockerConfigJSON)
}

// The ways by which a base is found.
func bases(t *testing.T) map[string]string {
	t.Helper()
	folder := t.TempDir()
	tag := name.MustParseReference("registry.example/os:1").(name.Tag)
	index := Index(nil, Variant{amd64, operatingSystem(t, amd64)}, Variant{arm64, operatingSystem(t, arm64)})
	inLayout := filepath.Join(folder, "layout")
	document, err := Attach(operatingSystem(t, amd64), "application/example", []byte("x"), nil)
	require.NoError(t, err)
	require.NoError(t, WriteLayout(inLayout, tag, index, []v1.Image{document}))
	plain := filepath.Join(folder, "plain")
	to, err := layout.Write(plain, empty.Index)
	require.NoError(t, err)
	require.NoError(t, to.AppendImage(operatingSystem(t, amd64)))
	archive := filepath.Join(folder, "archive.tar")
	require.NoError(t, WriteArchive(archive, tag, operatingSystem(t, amd64)))
	host := serve(t)
	require.NoError(t, remote.WriteIndex(reference(t, host+"/os:1"), index))
	require.NoError(t, remote.Write(reference(t, host+"/os:amd64"), operatingSystem(t, amd64)))
	return map[string]string{
		"an index in a layout":    inLayout,
		"an image in a layout":    plain,
		"an archive":              archive,
		"an index in a registry":  host + "/os:1",
		"an image in a registry":  host + "/os:amd64",
		"a digest in a registry":  host + "/os@" + digest(t, index),
		"a tag with its digest":   host + "/os:1@" + digest(t, index),
		"a layout, relative path": relative(t, inLayout),
	}
}

func relative(t *testing.T, path string) string {
	t.Helper()
	t.Chdir(filepath.Dir(path))
	return "./" + filepath.Base(path)
}

func TestBases(t *testing.T) {
	for what, given := range bases(t) {
		t.Run(what, func(t *testing.T) {
			base, err := FindBase(t.Context(), given)
			require.NoError(t, err)
			under, err := base.On(amd64)
			require.NoError(t, err)
			image := build(t, contents(), base, amd64)
			manifest, err := image.Manifest()
			require.NoError(t, err)
			require.Len(t, manifest.Layers, 2)
			wantDigest, err := under.Digest()
			require.NoError(t, err)
			assert.Equal(t, wantDigest.String(), manifest.Annotations["org.opencontainers.image.base.digest"])
			config, err := image.ConfigFile()
			require.NoError(t, err)
			assert.Equal(t, []string{"PATH=" + Path, "LANG=C"}, config.Config.Env)
			assert.Equal(t, "65534:65534", config.Config.User)
			assert.Empty(t, config.Config.Cmd)
			missing, err := Missing(image, []string{"iptables-legacy", "program", "odd", "vi"})
			require.NoError(t, err)
			assert.Equal(t, []string{"odd", "vi"}, missing)
			assert.Equal(t, digest(t, image), digest(t, build(t, contents(), base, amd64)))
			if manifest.MediaType == types.DockerManifestSchema2 {
				assert.Equal(t, types.DockerLayer, manifest.Layers[1].MediaType)
			}
		})
	}
}

func TestABaseInARegistryIsNamed(t *testing.T) {
	host := serve(t)
	require.NoError(t, remote.Write(reference(t, host+"/os:1"), operatingSystem(t, amd64)))
	base, err := FindBase(t.Context(), host+"/os:1")
	require.NoError(t, err)
	assert.Equal(t, host+"/os", base.Repository())
	manifest, err := build(t, contents(), base, amd64).Manifest()
	require.NoError(t, err)
	assert.Equal(t, host+"/os:1", manifest.Annotations["org.opencontainers.image.base.name"])
}

func TestBasesThatAreNone(t *testing.T) {
	folder := t.TempDir()
	text := filepath.Join(folder, "text")
	require.NoError(t, os.WriteFile(text, []byte("no archive"), 0o600))
	host := serve(t)
	for given, says := range map[string]string{
		filepath.Join(folder, "absent"): "no such file",
		folder:                          "reading an OCI layout",
		text:                            "reading an archive of one image",
		"No Reference":                  "a path on disk begins with ./ or /",
		host + "/absent:1":              "NAME_UNKNOWN",
	} {
		_, err := FindBase(t.Context(), given)
		require.ErrorContains(t, err, "finding the base image "+given+": ")
		assert.ErrorContains(t, err, says)
	}
}

func TestABaseForAnotherPlatform(t *testing.T) {
	archive := filepath.Join(t.TempDir(), "os.tar")
	require.NoError(t, WriteArchive(archive, name.MustParseReference("os:1").(name.Tag), operatingSystem(t, amd64)))
	base, err := FindBase(t.Context(), archive)
	require.NoError(t, err)
	_, err = contents().On(base, arm64)
	assert.ErrorContains(t, err, "it is for linux/amd64, and not for linux/arm64")
}

func TestALayoutOfSeveralImages(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "several")
	to, err := layout.Write(folder, empty.Index)
	require.NoError(t, err)
	for _, content := range []string{"one", "another"} {
		c := contents()
		c.Files[0].Content = []byte(content)
		require.NoError(t, to.AppendImage(build(t, c, Base{}, amd64)))
	}
	base, err := FindBase(t.Context(), folder)
	require.NoError(t, err)
	_, err = base.On(amd64)
	assert.ErrorContains(t, err, "it holds 2 images for linux/amd64, and one is needed")
}

// BuildKit lists attestations among the images of an index, for a platform that
// there is not.
func TestAttestationsAreNoBase(t *testing.T) {
	image := operatingSystem(t, amd64)
	unknown := v1.Platform{OS: "unknown", Architecture: "unknown"}
	config, err := image.ConfigFile()
	require.NoError(t, err)
	config = config.DeepCopy()
	config.OS, config.Architecture = "unknown", "unknown"
	attestation, err := mutate.ConfigFile(image, config)
	require.NoError(t, err)
	host := serve(t)
	ref := reference(t, host+"/os:1")
	require.NoError(t, remote.WriteIndex(ref, Index(nil, Variant{amd64, image}, Variant{unknown, attestation})))
	base, err := FindBase(t.Context(), ref.String())
	require.NoError(t, err)
	found, err := base.On(amd64)
	require.NoError(t, err)
	want, err := partial.ConfigName(image)
	require.NoError(t, err)
	got, err := partial.ConfigName(found)
	require.NoError(t, err)
	assert.Equal(t, want, got)
	_, err = base.On(arm64)
	assert.ErrorContains(t, err, "it is for linux/amd64, and not for linux/arm64")
}
