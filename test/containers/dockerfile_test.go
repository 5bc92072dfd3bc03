package containers

import (
	"archive/tar"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/images/build/image"
	"github.com/krm-bypass/krm-bypass/images/build/pack"
)

const goImage = "localhost/golang:test"

// TestTheDockerfilesMakeTheSame builds the Dockerfiles with podman, on this machine's
// Go and its caches, and holds what comes out to the images of make images: the same
// programs byte for byte, at the same paths, run in the same way.
func TestTheDockerfilesMakeTheSame(t *testing.T) {
	goInAnImage(t)
	for _, test := range []struct{ dockerfile, made, program string }{
		{"images/init/Dockerfile", "krm-bypass-init", "krm-bypass-init"},
		{"images/function/Dockerfile", "krm-bypass", "usr/local/bin/krm-bypass"},
	} {
		t.Run(test.made, func(t *testing.T) {
			tag := "localhost/" + test.made + ":dockerfile"
			mustPodman(t, "build", "--quiet", "--pull=never", "--network=none", "--build-arg=GO="+goImage,
				"--volume="+goEnv(t, "GOROOT")+":/usr/local/go:ro",
				"--volume="+goEnv(t, "GOMODCACHE")+":/modules", "--volume="+goEnv(t, "GOCACHE")+":/cache",
				"--tag="+tag, "--file="+filepath.Join(root, test.dockerfile), root)
			archive := filepath.Join(t.TempDir(), "image.tar")
			mustPodman(t, "save", "--quiet", "--output="+archive, tag)
			built := imageIn(t, archive)
			made := imageIn(t, filepath.Join(root, "bin/images", test.made+"-linux-"+platform.Architecture+".tar"))

			paths, program := filesOf(t, built, test.program)
			wantPaths, wantProgram := filesOf(t, made, test.program)
			assert.Equal(t, wantPaths, paths)
			require.NotEmpty(t, program)
			assert.True(t, slices.Equal(wantProgram, program), "the program is another")
			config, want := configOf(t, built), configOf(t, made)
			assert.Equal(t, want.Entrypoint, config.Entrypoint)
			assert.Equal(t, want.User, config.User)
		})
	}
}

// goInAnImage makes an image that stands for golang's: a shell and a few programs,
// with places to which Go and its caches are mounted, since there is no network.
func goInAnImage(t *testing.T) {
	t.Helper()
	busybox, err := exec.LookPath("busybox")
	require.NoError(t, err)
	files := []pack.File{
		pack.Folder("/tmp", pack.EveryonesFolder),
		{Path: "/etc/ssl/certs/ca-certificates.crt", Mode: 0o444, Content: []byte("authorities\n")},
	}
	for _, name := range []string{"sh", "mkdir", "cp"} {
		file, err := program(busybox, "/bin/"+name)
		require.NoError(t, err)
		files = append(files, file)
	}
	require.NoError(t, assemble(goImage, image.Contents{Files: files, Env: []string{
		"PATH=/usr/local/go/bin:/bin", "GOCACHE=/cache", "GOMODCACHE=/modules", "GOPROXY=off", "GOSUMDB=off",
	}}))
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	require.NoError(t, err)
	return strings.TrimSpace(string(out))
}

func imageIn(t *testing.T, archive string) v1.Image {
	t.Helper()
	found, err := image.FindBase(t.Context(), archive)
	require.NoError(t, err)
	one, err := found.On(platform)
	require.NoError(t, err)
	return one
}

func configOf(t *testing.T, of v1.Image) v1.Config {
	t.Helper()
	config, err := of.ConfigFile()
	require.NoError(t, err)
	return config.Config
}

// filesOf gives the paths in an image, and what is in one of its files.
func filesOf(t *testing.T, of v1.Image, wanted string) (paths []string, content []byte) {
	t.Helper()
	stream := mutate.Extract(of)
	defer stream.Close()
	for archive := tar.NewReader(stream); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			slices.Sort(paths)
			return paths, content
		}
		require.NoError(t, err)
		paths = append(paths, header.Name)
		if header.Name == wanted {
			content, err = io.ReadAll(archive)
			require.NoError(t, err)
		}
	}
}
