package release

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"debug/buildinfo"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const version = "v9.8.7"

var scratch string

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "krm-bypass-release-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	scratch = folder
	code := m.Run()
	_ = exec.Command("chmod", "-R", "u+w", folder).Run() // a module cache is read-only
	_ = os.RemoveAll(folder)
	os.Exit(code)
}

// copySource copies what version control knows of this repository.
func copySource(to string) error {
	copying := exec.Command("bash", "-o", "pipefail", "-c", `mkdir -p "$0" && git ls-files -z --cached --others --exclude-standard |
		while IFS= read -r -d '' file; do if [[ -e $file ]]; then printf '%s\0' "$file"; fi; done |
		tar --create --null --files-from=- | tar --extract --directory="$0"`, to)
	copying.Dir = "../.."
	if said, err := copying.CombinedOutput(); err != nil {
		return fmt.Errorf("copying the source to %s: %w: %s", to, err, said)
	}
	return nil
}

// dist makes the archives in a copy of the source, under settings of which they must not
// depend.
func dist(folder, umask string, env ...string) (string, error) {
	if err := copySource(folder); err != nil {
		return "", err
	}
	command := exec.Command("sh", "-c", `umask "$0" && exec make --silent dist VERSION="$1"`, umask, version)
	command.Dir = folder
	// Not what a make that runs these tests has set.
	command.Env = append(append(os.Environ(), "MAKEFLAGS=", "MAKELEVEL=", "SOURCE_DATE_EPOCH="), env...)
	if said, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("making the archives: %w: %s", err, said)
	}
	return filepath.Join(folder, "bin/dist"), nil
}

var made = sync.OnceValues(func() (string, error) { return dist(filepath.Join(scratch, "one"), "022") })

// release gives the folder of a release.
func release(t *testing.T) string {
	t.Helper()
	folder, err := made()
	require.NoError(t, err)
	return folder
}

// TestTwoMakingsAreTheSame shares the go command's cache, as the test of the images does;
// hack/reproducible.sh compiles anew.
func TestTwoMakingsAreTheSame(t *testing.T) {
	one := release(t)
	two, err := dist(filepath.Join(scratch, "another", "place"), "077", "TZ=Pacific/Kiritimati", "LC_ALL=C", "USER=somebody", "LOGNAME=somebody", "ARGOCD_APP_NAMESPACE=shop")
	require.NoError(t, err)
	files, err := os.ReadDir(one)
	require.NoError(t, err)
	assert.Len(t, files, 2*len(platforms)+3)
	for _, f := range files {
		first, err := os.ReadFile(filepath.Join(one, f.Name()))
		require.NoError(t, err)
		second, err := os.ReadFile(filepath.Join(two, f.Name()))
		require.NoError(t, err)
		assert.True(t, bytes.Equal(first, second), f.Name())
	}
}

var platforms = []string{"darwin-amd64", "darwin-arm64", "linux-amd64", "linux-arm64", "windows-amd64", "windows-arm64"}

func archiveOf(platform string) (name, exe string) {
	name = "krm-bypass-" + version + "-" + platform
	if strings.HasPrefix(platform, "windows") {
		return name + ".zip", ".exe"
	}
	return name + ".tar.gz", ""
}

// unpacked gives the files of an archive below the one folder in it.
func unpacked(t *testing.T, platform string) map[string][]byte {
	t.Helper()
	name, exe := archiveOf(platform)
	text, err := os.ReadFile(filepath.Join(release(t), name))
	require.NoError(t, err)
	top := strings.TrimSuffix(strings.TrimSuffix(name, ".zip"), ".tar.gz") + "/"
	files := map[string][]byte{}
	take := func(name string, mode os.FileMode, content io.Reader) {
		within, is := strings.CutPrefix(name, top)
		require.True(t, is, name)
		if strings.HasSuffix(name, "/") || within == "" {
			assert.EqualValues(t, 0o755, mode.Perm(), name)
			return
		}
		want := os.FileMode(0o644)
		if within == "krm-bypass"+exe || within == "krm-bypass-fn"+exe {
			want = 0o755
		}
		assert.Equal(t, want, mode, name)
		files[within], err = io.ReadAll(content)
		require.NoError(t, err)
	}
	if exe != "" {
		archive, err := zip.NewReader(bytes.NewReader(text), int64(len(text)))
		require.NoError(t, err)
		for _, f := range archive.File {
			content, err := f.Open()
			require.NoError(t, err)
			take(f.Name, f.Mode(), content)
		}
		return files
	}
	stream, err := gzip.NewReader(bytes.NewReader(text))
	require.NoError(t, err)
	for archive := tar.NewReader(stream); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		require.NoError(t, err)
		take(header.Name, header.FileInfo().Mode(), archive)
	}
}

// headers tell for which machine a program is.
var headers = map[string]func(io.ReaderAt) (any, error){
	"darwin": func(r io.ReaderAt) (any, error) {
		f, err := macho.NewFile(r)
		if err != nil {
			return nil, err
		}
		return f.Cpu, nil
	},
	"linux": func(r io.ReaderAt) (any, error) {
		f, err := elf.NewFile(r)
		if err != nil {
			return nil, err
		}
		return f.Machine, nil
	},
	"windows": func(r io.ReaderAt) (any, error) {
		f, err := pe.NewFile(r)
		if err != nil {
			return nil, err
		}
		return int(f.Machine), nil
	},
}

var machines = map[string]any{
	"darwin-amd64": macho.CpuAmd64, "darwin-arm64": macho.CpuArm64,
	"linux-amd64": elf.EM_X86_64, "linux-arm64": elf.EM_AARCH64,
	"windows-amd64": pe.IMAGE_FILE_MACHINE_AMD64, "windows-arm64": pe.IMAGE_FILE_MACHINE_ARM64,
}

func TestArchives(t *testing.T) {
	commands, err := filepath.Glob("../../cmd/krm-bypass/*.go")
	require.NoError(t, err)
	require.NotEmpty(t, commands)
	var shared map[string][]byte
	for _, platform := range platforms {
		t.Run(platform, func(t *testing.T) {
			files := unpacked(t, platform)
			_, exe := archiveOf(platform)
			for _, name := range []string{"krm-bypass" + exe, "krm-bypass-fn" + exe} {
				program := files[name]
				require.NotEmpty(t, program, name)
				system, _, _ := strings.Cut(platform, "-")
				machine, err := headers[system](bytes.NewReader(program))
				require.NoError(t, err)
				assert.Equal(t, machines[platform], machine)
				build, err := buildinfo.Read(bytes.NewReader(program))
				require.NoError(t, err)
				for _, s := range build.Settings {
					assert.NotContains(t, s.Key, "vcs", name)
				}
				assert.NotContains(t, string(program), scratch, "the folder in which it was made")
				delete(files, name)
			}
			for _, name := range []string{"licences.md", "man/krm-bypass.1", "man/krm-bypass-check.1", "man/krm-bypass-fn.1", "man/krm-bypass-version.1", "completions/krm-bypass.bash", "completions/_krm-bypass", "completions/krm-bypass.fish", "completions/krm-bypass.ps1"} {
				assert.NotEmpty(t, files[name], name)
			}
			if shared == nil {
				shared = files
			}
			assert.Equal(t, shared, files, "but for the programs, all archives hold the same")
		})
	}
	licences, err := os.ReadFile("../../docs/licences.md")
	require.NoError(t, err)
	assert.Equal(t, string(licences), string(shared["licences.md"]))
}

func TestChecksums(t *testing.T) {
	verify := exec.Command("sha256sum", "--check", "--strict", "SHA256SUMS")
	verify.Dir = release(t)
	said, err := verify.CombinedOutput()
	require.NoError(t, err, "%s", said)
	assert.Equal(t, 2*len(platforms), strings.Count(string(said), ": OK\n"))
}

// installed unpacks the archive for this machine as its user does.
func installed(t *testing.T) string {
	t.Helper()
	name, _ := archiveOf("linux-" + runtime.GOARCH)
	folder := t.TempDir()
	said, err := exec.Command("tar", "--extract", "--file="+filepath.Join(release(t), name), "--directory="+folder).CombinedOutput()
	require.NoError(t, err, "%s", said)
	return filepath.Join(folder, strings.TrimSuffix(name, ".tar.gz"))
}

func output(t *testing.T, program string, args ...string) string {
	t.Helper()
	said, err := exec.Command(program, args...).CombinedOutput()
	require.NoError(t, err, "%s", said)
	return string(said)
}

func TestThePrograms(t *testing.T) {
	folder := installed(t)
	program := filepath.Join(folder, "krm-bypass")
	assert.Equal(t, version+"\n", output(t, program, "version"))
	assert.Equal(t, "krm-bypass version "+version+"\n", output(t, program, "--version"))
	assert.Equal(t, "krm-bypass-fn version "+version+"\n", output(t, program+"-fn", "--version"))
	for shell, file := range map[string]string{"bash": "krm-bypass.bash", "zsh": "_krm-bypass", "fish": "krm-bypass.fish", "powershell": "krm-bypass.ps1"} {
		script, err := os.ReadFile(filepath.Join(folder, "completions", file))
		require.NoError(t, err)
		assert.Equal(t, string(script), output(t, program, "completion", shell))
	}
}

// krew links a plugin so (kubernetes-sigs/krew internal/installation/util.go, pluginNameToBin).
func TestAsAPluginOfKubectl(t *testing.T) {
	folder := installed(t)
	link := filepath.Join(t.TempDir(), "kubectl-krm_bypass")
	require.NoError(t, os.Symlink(filepath.Join(folder, "krm-bypass"), link))
	assert.Contains(t, output(t, link, "check", "--help"), "Usage:\n  kubectl krm-bypass check PATH")
	assert.Equal(t, version+"\n", output(t, link, "version"))
}

func TestManPages(t *testing.T) {
	folder := filepath.Join(installed(t), "man")
	pages, err := os.ReadDir(folder)
	require.NoError(t, err)
	assert.Greater(t, len(pages), 10)
	for _, page := range pages {
		assert.Empty(t, output(t, "groff", "-man", "-t", "-ww", "-z", filepath.Join(folder, page.Name())), page.Name())
	}
	shown := output(t, "groff", "-man", "-t", "-Tascii", "-P-cbou", filepath.Join(folder, "krm-bypass-version.1"))
	assert.Contains(t, shown, "krm-bypass version [flags]")
	assert.Contains(t, shown, "krm-bypass "+version)
}
