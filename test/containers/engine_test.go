package containers

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/images/build/image"
	"github.com/krm-bypass/krm-bypass/images/build/pack"
	"github.com/krm-bypass/krm-bypass/test/lab"
	"github.com/krm-bypass/krm-bypass/test/lab/interceptor"
)

var standin = lab.Program{Name: "standin", Directory: "test/containers/standin"}

// The images of the tests.
const (
	standinImage = "localhost/standin:test"
	istioImage   = "localhost/istio-init:test"
	// The project's own, as make images names them.
	functionImage = "ghcr.io/krm-bypass/krm-bypass:v0.1.0"
	// exampleImage is how the examples name it, as in a registry of the reader's own.
	exampleImage = "registry.example.com/mesh/krm-bypass:v0.1.0"
	initImage    = "ghcr.io/krm-bypass/init:v0.1.0"
)

func TestMain(m *testing.M) {
	lab.Enter(standin, interceptor.IstioProgram)
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "containers:", err)
		code = 1
	}
	os.Exit(code)
}

var (
	// root is the repository's.
	root string
	// folder holds all that podman writes.
	folder string
)

func run(m *testing.M) (code int, err error) {
	if err := requireRoot(); err != nil {
		return 0, err
	}
	if root, err = lab.RepositoryRoot(); err != nil {
		return 0, err
	}
	if folder, err = os.MkdirTemp("", "krm-bypass-containers-"); err != nil {
		return 0, err
	}
	defer func() {
		_, removing := podman("pod", "rm", "--all", "--force", "--time", "0")
		_, more := podman("rm", "--all", "--force", "--time", "0")
		err = errors.Join(err, removing, more, os.RemoveAll(folder))
	}()
	if err := install(); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// requireRoot finds out early that control groups cannot be made, where the
// laboratory's user is root in a namespace of its own alone.
func requireRoot() error {
	mapped, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return err
	}
	if fields := strings.Fields(string(mapped)); len(fields) < 3 || fields[0] != "0" || fields[1] != "0" {
		return errors.New("podman makes control groups for what it plays, which needs root: run make test-containers as root")
	}
	return nil
}

// settings are podman's. Where the tests run in a container themselves, limits of
// its own would be above those that may be set. Locks in files are not shared with
// another podman of this machine, as those in memory would be.
const settings = `[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
log_driver = "k8s-file"
[network]
network_backend = "netavark"
network_config_dir = "%[1]s/networks"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
`

// install gives podman its settings and a network, and loads the images. The
// program is called docker too, since kustomize knows no other.
func install() error {
	for _, sub := range []string{"networks", "bin"} {
		if err := os.Mkdir(filepath.Join(folder, sub), 0o755); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "containers.conf"), fmt.Appendf(nil, settings, folder), 0o644); err != nil {
		return err
	}
	// Images are small, and this driver needs nothing of the file system.
	script := fmt.Sprintf("#!/bin/sh\nCONTAINERS_CONF=%[1]s/containers.conf exec podman --root %[1]s/storage --runroot %[1]s/run --tmpdir %[1]s/tmp --storage-driver vfs \"$@\"\n", folder)
	if err := os.WriteFile(filepath.Join(folder, "bin", "docker"), []byte(script), 0o755); err != nil {
		return err
	}
	if _, err := podman("network", "create", "--disable-dns", "--ipv6",
		"--subnet", "10.244.0.0/24", "--gateway", lab.OutsideAddress.IPv4.String(),
		"--subnet", "fd00:244::/64", "--gateway", lab.OutsideAddress.IPv6.String(), network); err != nil {
		return err
	}
	for _, name := range []string{"krm-bypass", "krm-bypass-init"} {
		if err := load(filepath.Join(root, "bin/images", name+"-linux-"+runtime.GOARCH+".tar")); err != nil {
			return fmt.Errorf("%w (make images makes it)", err)
		}
	}
	if _, err := podman("tag", functionImage, exampleImage); err != nil {
		return err
	}
	standin, err := program(lab.Binary(standin.Name), "/standin")
	if err != nil {
		return err
	}
	if err := assemble(standinImage, image.Contents{Files: []pack.File{standin}, Entrypoint: []string{"/standin"}}); err != nil {
		return err
	}
	istio, err := program(lab.Binary(interceptor.IstioProgram.Name), "/usr/local/bin/istio-iptables")
	if err != nil {
		return err
	}
	tables, err := iptables()
	if err != nil {
		return err
	}
	return assemble(istioImage, image.Contents{
		Files: append(tables, istio), Entrypoint: []string{istio.Path}, Env: []string{"PATH=" + image.Path},
	})
}

const network = "pods"

// patience is how long podman may take for anything.
const patience = 2 * time.Minute

// podman runs podman; the error of a run that fails holds what it said.
func podman(arguments ...string) (string, error) {
	command := exec.Command(filepath.Join(folder, "bin", "docker"), arguments...)
	command.Dir = folder // where a container that ran out of memory leaves a file, "oom"
	var out, errOut bytes.Buffer
	command.Stdout, command.Stderr = &out, &errOut
	stop := time.AfterFunc(patience, func() { _ = command.Process.Kill() })
	defer stop.Stop()
	if err := command.Run(); err != nil {
		return out.String(), fmt.Errorf("running podman %s: %w: %s", strings.Join(arguments, " "), err, strings.TrimSpace(errOut.String()))
	}
	return out.String(), nil
}

func mustPodman(t *testing.T, arguments ...string) string {
	t.Helper()
	out, err := podman(arguments...)
	require.NoError(t, err)
	return out
}

func load(archive string) error {
	if _, err := os.Stat(archive); err != nil {
		return err
	}
	_, err := podman("load", "--quiet", "--input", archive)
	return err
}

// assemble makes an image for this machine and loads it.
func assemble(tag string, contents image.Contents) error {
	built, err := contents.On(image.Base{}, platform)
	if err != nil {
		return err
	}
	named, err := name.NewTag(tag)
	if err != nil {
		return err
	}
	archive := filepath.Join(folder, "image.tar")
	if err := image.WriteArchive(archive, named, built); err != nil {
		return err
	}
	return load(archive)
}

func tagOf(t *testing.T, text string) name.Tag {
	t.Helper()
	tag, err := name.NewTag(text)
	require.NoError(t, err)
	return tag
}

var platform = v1.Platform{OS: "linux", Architecture: runtime.GOARCH}

func program(path, within string) (pack.File, error) {
	content, err := os.ReadFile(path)
	return pack.File{Path: within, Mode: 0o555, Content: content}, err
}

// tools are the programs of this machine that the mesh's init container executes,
// and krm-bypass-init for --backend=iptables.
var tools = []string{
	"iptables", "iptables-save", "iptables-restore", "ip6tables", "ip6tables-save", "ip6tables-restore",
	"iptables-nft", "iptables-nft-save", "iptables-nft-restore", "ip6tables-nft", "ip6tables-nft-save", "ip6tables-nft-restore",
	"iptables-legacy", "iptables-legacy-save", "iptables-legacy-restore", "ip6tables-legacy", "ip6tables-legacy-save", "ip6tables-legacy-restore",
	"nft",
}

// iptables gives this machine's iptables and nft with all that they load.
func iptables() ([]pack.File, error) {
	files := map[string]pack.File{}
	add := func(path, within string) error {
		file, err := program(path, within)
		files[within] = file
		return err
	}
	for _, tool := range tools {
		path, err := exec.LookPath(tool)
		if err != nil {
			return nil, err
		}
		if err := add(path, "/usr/sbin/"+tool); err != nil {
			return nil, err
		}
		libraries, err := exec.Command("ldd", path).Output()
		if err != nil {
			return nil, fmt.Errorf("looking for the libraries of %s: %w", path, err)
		}
		for word := range strings.FieldsSeq(string(libraries)) {
			if filepath.IsAbs(word) {
				if err := add(word, word); err != nil {
					return nil, err
				}
			}
		}
	}
	extensions, err := filepath.Glob("/usr/lib/*/xtables/*.so")
	if err != nil {
		return nil, err
	}
	for _, path := range extensions {
		if err := add(path, path); err != nil {
			return nil, err
		}
	}
	list := make([]pack.File, 0, len(files))
	for _, file := range files {
		list = append(list, file)
	}
	return list, nil
}
