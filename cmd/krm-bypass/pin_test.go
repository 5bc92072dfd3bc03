package main

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// imageRegistry is a registry in memory without credentials.
func imageRegistry(t *testing.T) (host string) {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	for _, variable := range []string{"HOME", "DOCKER_CONFIG", "XDG_RUNTIME_DIR"} {
		t.Setenv(variable, t.TempDir())
	}
	return strings.TrimPrefix(server.URL, "http://")
}

// pushed pushes an image and gives its digest.
func pushed(t *testing.T, image string) string {
	t.Helper()
	index, err := random.Index(64, 1, 2)
	require.NoError(t, err)
	ref, err := name.ParseReference(image)
	require.NoError(t, err)
	require.NoError(t, remote.WriteIndex(ref, index))
	digest, err := index.Digest()
	require.NoError(t, err)
	return digest.String()
}

func specWith(image string) string {
	return "# ours\napiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nspec:\n  global: {excludeOutboundPorts: [3306]}\n" +
		"  enforcement:\n    requireDigest: true\n    image: '" + image + "' # the mirror's\n"
}

func TestPin(t *testing.T) {
	host := imageRegistry(t)
	digest := pushed(t, host+"/init:v1")
	folder := t.TempDir()
	spec := filepath.Join(folder, "bypass.yaml")
	require.NoError(t, os.WriteFile(spec, []byte(specWith(host+"/init:v1")), 0o640))
	link := filepath.Join(folder, "link.yaml")
	require.NoError(t, os.Symlink("bypass.yaml", link))

	code, out, errOut := krmBypass("", "pin", "--check", spec)
	assert.Equal(t, 1, code)
	assert.Empty(t, out)
	assert.Equal(t, "error: "+spec+`:8: spec.enforcement.image: "`+host+`/init:v1" has no digest, and the registry has `+digest+": krm-bypass pin "+spec+" writes it\n", errOut)
	assertFile(t, spec, specWith(host+"/init:v1"))

	code, out, errOut = krmBypass("", "pin", link)
	require.Zero(t, code, errOut)
	assert.Equal(t, link+":8: "+host+"/init:v1@"+digest+"\n", out)
	assert.Empty(t, errOut)
	assertFile(t, spec, specWith(host+"/init:v1@"+digest))
	info, err := os.Lstat(spec)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o640), info.Mode())
	info, err = os.Lstat(link)
	require.NoError(t, err)
	assert.NotZero(t, info.Mode()&os.ModeSymlink, "the link stays one")

	code, out, errOut = krmBypass("", "pin", "--check", spec)
	assert.Zero(t, code)
	assert.Empty(t, out+errOut)

	moved := pushed(t, host+"/init:v1")
	code, _, errOut = krmBypass("", "pin", "--check", spec)
	assert.Equal(t, 1, code)
	assert.Contains(t, errOut, "has the digest "+digest+", and the registry has "+moved)
	code, _, _ = krmBypass("", "pin", spec)
	assert.Zero(t, code)
	assertFile(t, spec, specWith(host+"/init:v1@"+moved))
}

func assertFile(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, want, string(got))
	entries, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".*"))
	require.NoError(t, err)
	assert.Empty(t, entries, "no temporary file stays")
}

func TestPinSeveralFilesOrNone(t *testing.T) {
	host := imageRegistry(t)
	digest := pushed(t, host+"/init:v1")
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	first, second := write("first.yaml", specWith(host+"/init:v1")), write("second.yaml", specWith(host+"/init:v2"))
	code, out, errOut := krmBypass("", "pin", first, second)
	assert.Equal(t, 1, code)
	assert.Empty(t, out)
	assert.True(t, strings.HasPrefix(errOut, "error: "+second+":8: spec.enforcement.image: resolving "+host+"/init:v2: asking "+host+": "), errOut)
	assertFile(t, first, specWith(host+"/init:v1"))

	write("second.yaml", specWith(host+"/init:v1"))
	code, out, errOut = krmBypass("", "pin", first, second)
	require.Zero(t, code, errOut)
	assert.Equal(t, first+":8: "+host+"/init:v1@"+digest+"\n"+second+":8: "+host+"/init:v1@"+digest+"\n", out)
	assertFile(t, first, specWith(host+"/init:v1@"+digest))
	assertFile(t, second, specWith(host+"/init:v1@"+digest))
}

// TestAnImageIsAskedForOnce has two files with one image get one answer.
func TestAnImageIsAskedForOnce(t *testing.T) {
	calls := 0
	resolve := once(func(image string) (string, error) {
		calls++
		return image, io.ErrUnexpectedEOF
	})
	for range 2 {
		image, err := resolve("a")
		assert.Equal(t, "a", image)
		assert.Equal(t, io.ErrUnexpectedEOF, err)
	}
	assert.Equal(t, 1, calls)
}

func TestPinSaysWhatIsMissing(t *testing.T) {
	code, _, errOut := krmBypass("", "pin")
	assert.Equal(t, 1, code)
	assert.Equal(t, "error: pin reads the files of specs: name some, as in krm-bypass pin bypass.yaml\n", errOut)
	code, _, errOut = krmBypass("", "pin", filepath.Join(t.TempDir(), "absent.yaml"))
	assert.Equal(t, 1, code)
	assert.Contains(t, errOut, "absent.yaml: there is no such file or folder: correct the path\n")
}

// TestOtherCommandsAskNoRegistry renders a spec whose image stands in a registry
// that counts its visitors.
func TestOtherCommandsAskNoRegistry(t *testing.T) {
	visits := make(chan string, 100)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { visits <- r.URL.Path }))
	t.Cleanup(server.Close)
	image := strings.TrimPrefix(server.URL, "http://") + "/init:v1@sha256:" + strings.Repeat("0", 64)
	spec := filepath.Join(t.TempDir(), "bypass.yaml")
	require.NoError(t, os.WriteFile(spec, []byte(specWith(image)), 0o600))
	const deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {template: {spec: {containers: [{name: app, image: 'app:1'}]}}}\n"
	code, out, errOut := krmBypass(deployment, "render", "--spec", spec, "-")
	require.Zero(t, code, errOut)
	assert.Contains(t, out, image)
	assert.Empty(t, visits)
}

// TestPinSaysWhatItWrote has a file change while the registry answers.
func TestPinSaysWhatItWrote(t *testing.T) {
	images := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	spec := filepath.Join(t.TempDir(), "bypass.yaml")
	changed := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if changed != "" {
			assert.NoError(t, os.WriteFile(spec, []byte(changed), 0o600))
		}
		images.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	image := strings.TrimPrefix(server.URL, "http://") + "/init:v1"
	pushed(t, image)
	require.NoError(t, os.WriteFile(spec, []byte(specWith(image)), 0o600))

	closed, err := os.OpenFile(os.DevNull, os.O_RDWR, 0) // as the runtime opens it
	require.NoError(t, err)
	var said strings.Builder
	assert.Equal(t, 1, run([]string{"pin", spec}, strings.NewReader(""), closed, &said))
	require.NoError(t, closed.Close())
	assert.Equal(t, "error: writing standard output: it is closed: send it into a file, as in > out.yaml\n", said.String())
	assertFile(t, spec, specWith(image))

	changed = specWith(image) + "# edited\n"
	code, out, errOut := krmBypass("", "pin", spec)
	assert.Equal(t, 1, code)
	assert.Empty(t, out)
	assert.Equal(t, "error: rewriting "+spec+": another program has changed it meanwhile: run again; nothing is changed\n", errOut)
	assertFile(t, spec, changed)
}

func TestPinTakesTheFolderOfASpec(t *testing.T) {
	host := imageRegistry(t)
	digest := pushed(t, host+"/init:v1")
	t.Chdir(folder(t, map[string]string{
		"bypass/kustomization.yaml":      "resources: [one.yaml, more]\n",
		"bypass/one.yaml":                specWith(host+"/init:v1") + "---\n" + strings.Replace(specWith(host+"/init:v1"), "spec:\n", "metadata: {name: other}\nspec:\n", 1),
		"bypass/more/kustomization.yaml": "resources: [two.yaml]\n",
		"bypass/more/two.yaml":           strings.Replace(specWith(host+"/init:v1"), "spec:\n", "metadata: {name: more}\nspec:\n", 1),
		"patched/kustomization.yaml":     "resources: [../bypass/more]\npatches: [{patch: '[{\"op\": \"remove\", \"path\": \"/spec/global\"}]', target: {kind: ClusterBypass}}]\n",
		"plain/bypass.yaml":              specWith(host + "/init:v1"),
	}))
	code, out, errOut := krmBypass("", "pin", "bypass", "plain/bypass.yaml")
	assert.Zero(t, code, errOut)
	is := host + "/init:v1@" + digest
	assert.Equal(t, "bypass/one.yaml:8: "+is+"\nbypass/one.yaml:18: "+is+"\nbypass/more/two.yaml:9: "+is+"\nplain/bypass.yaml:8: "+is+"\n", out)
	assert.Equal(t, 2, strings.Count(contents(t, "bypass")["one.yaml"], digest))

	code, _, errOut = krmBypass("", "pin", "patched")
	assert.Equal(t, 1, code)
	assert.Equal(t, "error: reading the spec: patched/kustomization.yaml changes it, so that its image may stand in several files: name the one to write it into\n", errOut)
}
