package flux

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/kustomize"
	"github.com/fluxcd/pkg/oci"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"github.com/google/go-containerregistry/pkg/crane"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/krm-bypass/krm-bypass/test/built"
	"github.com/krm-bypass/krm-bypass/test/ways"
)

// bin is a folder with krm-bypass, built from today's source, and flux.
var bin string

// TestMain is two programs, told apart by the name that they are called by: these tests,
// and the flux command line, as far as docs/flux.md uses it.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "flux" {
		if err := flux(context.Background(), os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	built.Main(m, func(folder string) error {
		bin = folder
		self, err := os.Executable()
		if err != nil {
			return err
		}
		return os.Symlink(self, filepath.Join(bin, "flux"))
	})
}

// registryKey names the environment variable with the address that stands for the
// registry of the example.
const registryKey = "FLUX_TEST_REGISTRY"

// flux does what the command line does (fluxcd/flux2 : cmd/flux/push_artifact.go and
// tag_artifact.go), with the same package of Flux's.
func flux(ctx context.Context, args []string) error {
	if len(args) < 3 || args[1] != "artifact" {
		return fmt.Errorf("no such command: flux %s", strings.Join(args, " "))
	}
	flags := flag.NewFlagSet("flux", flag.ContinueOnError)
	path, source, revision, tag := flags.String("path", "", ""), flags.String("source", "", ""), flags.String("revision", "", ""), flags.String("tag", "", "")
	if err := flags.Parse(args[3:]); err != nil {
		return err
	}
	url, err := oci.ParseArtifactURL(args[2])
	if err != nil {
		return err
	}
	url = strings.Replace(url, "registry.example.com", os.Getenv(registryKey), 1)
	client := oci.NewClient(oci.DefaultOptions())
	switch args[0] {
	case "push":
		_, err = client.Push(ctx, url, *path, oci.WithPushMetadata(oci.Metadata{Source: *source, Revision: *revision}))
	case "tag":
		_, err = client.Tag(ctx, url, *tag)
	default:
		err = fmt.Errorf("no such command: flux %s", strings.Join(args, " "))
	}
	return err
}

// page gives the commands of docs/flux.md: pushing, rewriting, checking.
func page(t *testing.T) (push, rewrite, check string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(ways.Repository(), "docs/flux.md"))
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	require.Len(t, blocks, 3)
	return blocks[0][1], blocks[1][1], blocks[2][1]
}

// run runs commands of the page in a clone.
func run(t *testing.T, clone, commands string, env ...string) (said string, err error) {
	t.Helper()
	shell := exec.Command("sh", "-ec", commands)
	shell.Dir = clone
	shell.Env = append(os.Environ(), append(env, "PATH="+bin+":"+os.Getenv("PATH"), "TMPDIR="+t.TempDir())...)
	out, err := shell.CombinedOutput()
	return string(out), err
}

// cloned makes a repository of files, and gives its folder and its only commit.
func cloned(t *testing.T, files map[string]string) (clone, commit string) {
	t.Helper()
	clone = t.TempDir()
	for to, from := range files {
		copied(t, filepath.Join(clone, to), filepath.Join(ways.Repository(), ways.Example, from))
	}
	said, err := run(t, clone, "git init -q -b main .; git config user.name t; git config user.email t@example.com; git remote add origin https://git.example.com/shop.git; git add .; git commit -q -m first")
	require.NoError(t, err, said)
	commit, err = run(t, clone, "git rev-parse HEAD")
	require.NoError(t, err, commit)
	return clone, strings.TrimSpace(commit)
}

// copied copies a file or a folder.
func copied(t *testing.T, to, from string) {
	t.Helper()
	info, err := os.Stat(from)
	require.NoError(t, err)
	if info.IsDir() {
		require.NoError(t, os.CopyFS(to, os.DirFS(from)))
		return
	}
	text, err := os.ReadFile(from)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(to, text, 0o644))
}

// objects reads the two objects of an example: the source, and the Kustomization that
// names it.
func objects[Source any](t *testing.T, file string) (source Source, apply kustomizev1.Kustomization) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(ways.Repository(), "examples/flux", file))
	require.NoError(t, err)
	documents := strings.Split(string(text), "\n---\n")
	require.Len(t, documents, 2)
	require.NoError(t, yaml.UnmarshalStrict([]byte(documents[0]), &source))
	require.NoError(t, yaml.UnmarshalStrict([]byte(documents[1]), &apply))
	assert.Equal(t, kustomizev1.GroupVersion.String(), apply.APIVersion)
	assert.Equal(t, kustomizev1.KustomizationKind, apply.Kind)
	return source, apply
}

// reconciled is what kustomize-controller makes of a folder that source-controller left
// (fluxcd/kustomize-controller : internal/controller/kustomization_controller.go,
// generate and build).
func reconciled(t *testing.T, apply *kustomizev1.Kustomization, folder string) ([]byte, error) {
	t.Helper()
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(apply)
	require.NoError(t, err)
	path := filepath.Join(folder, apply.Spec.Path)
	if _, err := kustomize.NewGenerator(folder, unstructured.Unstructured{Object: object}).WriteFile(path); err != nil {
		return nil, err
	}
	made, err := kustomize.SecureBuild(folder, path, false)
	if err != nil {
		return nil, err
	}
	return made.AsYaml()
}

// TestArtifact has CI do what the page says; then source-controller pulls, and
// kustomize-controller builds.
func TestArtifact(t *testing.T) {
	source, apply := objects[sourcev1.OCIRepository](t, "artifact.yaml")
	assert.Equal(t, sourcev1.GroupVersion.String(), source.APIVersion)
	assert.Equal(t, sourcev1.OCIRepositoryKind, source.Kind)
	assert.Equal(t, source.Name, apply.Spec.SourceRef.Name)
	assert.Equal(t, source.Kind, apply.Spec.SourceRef.Kind)

	push, _, _ := page(t)
	require.Contains(t, push, "artifact="+source.Spec.URL+"\n", "the page and the example name one repository")
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	at := strings.Replace(strings.TrimPrefix(source.Spec.URL, oci.OCIRepositoryPrefix), "registry.example.com", address, 1) + ":" + source.Spec.Reference.Tag
	clone, commit := cloned(t, map[string]string{".": "."})
	said, err := run(t, clone, push, registryKey+"="+address)
	require.NoError(t, err, said)

	image, err := crane.Pull(at)
	require.NoError(t, err)
	manifest, err := image.Manifest()
	require.NoError(t, err)
	assert.EqualValues(t, "application/vnd.cncf.flux.config.v1+json", manifest.Config.MediaType)
	require.Len(t, manifest.Layers, 1)
	assert.EqualValues(t, "application/vnd.cncf.flux.content.v1.tar+gzip", manifest.Layers[0].MediaType)

	pulled := t.TempDir()
	of, err := oci.NewClient(oci.DefaultOptions()).Pull(t.Context(), at, pulled)
	require.NoError(t, err)
	assert.Equal(t, "main@sha1:"+commit, of.Revision)
	assert.Equal(t, "https://git.example.com/shop.git", of.Source)
	rendered, err := run(t, clone, "krm-bypass render .")
	require.NoError(t, err, rendered)
	came, err := os.ReadFile(filepath.Join(pulled, "manifests.yaml"))
	require.NoError(t, err)
	assert.Equal(t, rendered, string(came), "Flux gets the bytes that were rendered")

	applied, err := reconciled(t, &apply, pulled)
	require.NoError(t, err)
	ways.Compare(t, applied)

	// A spec with a mistake: the tag stays where it is.
	said, err = run(t, clone, "sed -i 's/excludeOutboundPorts: .*/excludeOutboundPorts: [70000]/' bypass.yaml; git commit -q -a -m second; "+push, registryKey+"="+address)
	require.Error(t, err)
	assert.Contains(t, said, "70000")
	stays, err := crane.Digest(at)
	require.NoError(t, err)
	first, err := image.Digest()
	require.NoError(t, err)
	assert.Equal(t, first.String(), stays)
}

// TestBranch has the files in Git rewritten, and then one of them changed by hand.
func TestBranch(t *testing.T) {
	source, apply := objects[sourcev1.GitRepository](t, "branch.yaml")
	assert.Equal(t, sourcev1.GroupVersion.String(), source.APIVersion)
	assert.Equal(t, sourcev1.GitRepositoryKind, source.Kind)
	assert.Equal(t, source.Name, apply.Spec.SourceRef.Name)
	assert.Equal(t, source.Kind, apply.Spec.SourceRef.Kind)

	_, rewrite, check := page(t)
	clone, before := cloned(t, map[string]string{apply.Spec.Path: "templates", "bypass.yaml": "bypass.yaml"})
	said, err := run(t, clone, check)
	require.Error(t, err, "it is not rendered yet")
	assert.Contains(t, said, "missing")
	said, err = run(t, clone, rewrite+check+"git diff --exit-code HEAD; git rev-parse HEAD")
	require.NoError(t, err, said)
	assert.NotContains(t, said, before, "it is committed")

	checkedOut := t.TempDir() // source-controller's, in which the builder writes
	copied(t, filepath.Join(checkedOut, "artifact"), clone)
	applied, err := reconciled(t, &apply, filepath.Join(checkedOut, "artifact"))
	require.NoError(t, err)
	ways.Compare(t, applied)

	said, err = run(t, clone, `sed -i 's/excludeOutboundPorts: "3306"/excludeOutboundPorts: "3306,443"/' manifests/web.yaml; git diff --stat; `+check)
	require.Error(t, err)
	assert.Contains(t, said, "1 file changed")
	assert.Contains(t, said, "excludeOutboundPorts")
}

// TestControllersRunNoFunction is why there are these two ways: what works for the
// kustomize command line, kustomize-controller refuses. It does not skip it in silence.
func TestControllersRunNoFunction(t *testing.T) {
	_, apply := objects[sourcev1.GitRepository](t, "branch.yaml")
	executed := filepath.Join(t.TempDir(), "executed")
	script := filepath.Join(t.TempDir(), "function")
	require.NoError(t, os.WriteFile(script, []byte("#!/bin/sh\ntouch "+executed+"\ncat\n"), 0o700))
	for name, call := range map[string]string{
		"a program":   "exec:\n        path: " + script,
		"a container": "container:\n        image: registry.example.com/krm-bypass:v0.1.0",
	} {
		t.Run(name, func(t *testing.T) {
			clone, _ := cloned(t, map[string]string{apply.Spec.Path: "."})
			bypass := filepath.Join(clone, apply.Spec.Path, "bypass.yaml")
			text, err := os.ReadFile(bypass)
			require.NoError(t, err)
			changed := strings.Replace(string(text), "exec:\n        path: krm-bypass", call, 1)
			require.NotEqual(t, string(text), changed)
			require.NoError(t, os.WriteFile(bypass, []byte(changed), 0o600))
			_, err = reconciled(t, &apply, clone)
			require.ErrorContains(t, err, "external plugins disabled")
			assert.ErrorContains(t, err, "ClusterBypass")
			assert.NoFileExists(t, executed)
		})
	}
}
