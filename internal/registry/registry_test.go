package registry

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// serve gives the address of a registry in memory behind a handler.
func serve(t *testing.T, wrap func(http.Handler) http.Handler) string {
	t.Helper()
	server := httptest.NewServer(wrap(registry.New(registry.Logger(log.New(io.Discard, "", 0)))))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func open(h http.Handler) http.Handler { return h }

// push pushes an index of random images and gives its digest.
func push(t *testing.T, reference string) string {
	t.Helper()
	index, err := random.Index(64, 1, 2)
	require.NoError(t, err)
	ref, err := name.ParseReference(reference)
	require.NoError(t, err)
	require.NoError(t, remote.WriteIndex(ref, index))
	return digestOf(t, index)
}

func digestOf(t *testing.T, index v1.ImageIndex) string {
	t.Helper()
	d, err := index.Digest()
	require.NoError(t, err)
	return d.String()
}

// alone has nobody's credentials in reach.
func alone(t *testing.T) {
	t.Helper()
	empty := t.TempDir()
	for _, variable := range []string{"HOME", "DOCKER_CONFIG", "XDG_RUNTIME_DIR"} {
		t.Setenv(variable, empty)
	}
	t.Setenv("REGISTRY_AUTH_FILE", filepath.Join(empty, "absent.json"))
}

func TestPin(t *testing.T) {
	alone(t)
	host := serve(t, open)
	v1, latest := push(t, host+"/mesh/init:v1"), push(t, host+"/mesh/init:latest")
	other := "sha256:" + strings.Repeat("0", 64)
	for _, test := range []struct{ image, want string }{
		{host + "/mesh/init:v1", host + "/mesh/init:v1@" + v1},
		{host + "/mesh/init:v1@" + v1, host + "/mesh/init:v1@" + v1},
		{host + "/mesh/init:v1@" + other, host + "/mesh/init:v1@" + v1},
		{host + "/mesh/init@" + other, host + "/mesh/init@" + other},
		{host + "/mesh/init", host + "/mesh/init:latest@" + latest},
		{host + "/mesh/init:latest", host + "/mesh/init:latest@" + latest},
	} {
		got, err := Pin(t.Context(), test.image)
		require.NoError(t, err, test.image)
		assert.Equal(t, test.want, got)
	}
}

const (
	ociIndex       = "application/vnd.oci.image.index.v1+json"
	ociManifest    = "application/vnd.oci.image.manifest.v1+json"
	ociConfig      = "application/vnd.oci.image.config.v1+json"
	dockerIndex    = "application/vnd.docker.distribution.manifest.list.v2+json"
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"

	indexText = `{"schemaVersion": 2, "mediaType": "` + ociIndex + `", "manifests": [{"mediaType": "` + ociManifest + `", "size": 1}]}`
)

// manifestOf is a manifest that says what it is, unless that is "", and has a config.
func manifestOf(is, config string) string {
	if is != "" {
		is = `"mediaType": "` + is + `", `
	}
	return `{"schemaVersion": 2, ` + is + `"config": {"mediaType": "` + config + `", "size": 1}, "layers": []}`
}

// sent is an answer; a body that is a path redirects there.
type sent struct{ contentType, body string }

func (s *sent) write(w http.ResponseWriter) {
	if strings.HasPrefix(s.body, "/") {
		w.Header().Set("Location", s.body)
		w.WriteHeader(http.StatusTemporaryRedirect)
		return
	}
	w.Header()["Content-Type"] = []string{s.contentType}
	_, _ = io.WriteString(w, s.body) // the client says what is missing
}

// TestARegistryThatLies has a registry that says of its manifests, in the header of
// an answer, what they are not, or nothing, or that sends what is no manifest of an
// image.
func TestARegistryThatLies(t *testing.T) {
	alone(t)
	other := "sha256:" + strings.Repeat("0", 64)
	for name, test := range map[string]struct {
		method, header string
		refused        string
		// sends replaces the manifest.
		sends *sent
	}{
		"a HEAD that names another manifest": {method: http.MethodHead, header: other},
		"a HEAD by sha512":                   {method: http.MethodHead, header: "sha512:" + strings.Repeat("0", 128)},
		"no header":                          {method: http.MethodGet},
		"a GET that names another manifest":  {method: http.MethodGet, header: other, refused: "is " + other + ", and sends one that is sha256:"},
		"a GET by sha512":                    {method: http.MethodGet, header: "sha512:" + strings.Repeat("0", 128), refused: "as sha512:" + strings.Repeat("0", 128) + ": pin writes sha256 alone"},
		"no digest at all":                   {method: http.MethodGet, header: "latest", refused: "as latest: pin writes sha256 alone"},

		"a login page":                     {refused: `it sends "text/html": only an OCI`, sends: &sent{"text/html", "<html>login</html>"}},
		"a page that says it is an index":  {refused: "reading the " + ociIndex, sends: &sent{ociIndex, "<html>login</html>"}},
		"no content type":                  {refused: `it sends "": only`, sends: &sent{"", indexText}},
		"JSON":                             {refused: `it sends "application/json": only`, sends: &sent{"application/json", "{}"}},
		"an empty mapping as an index":     {refused: "whose fields are not those of one", sends: &sent{ociIndex, "{}"}},
		"an empty mapping as a manifest":   {refused: "whose fields are not those of one", sends: &sent{ociManifest, "{}"}},
		"nothing":                          {refused: "unexpected end of JSON input", sends: &sent{ociIndex, ""}},
		"an index that is cut off":         {refused: "unexpected end of JSON input", sends: &sent{ociIndex, indexText[:len(indexText)-1]}},
		"the config of an image":           {refused: `it sends "` + ociConfig + `": only`, sends: &sent{ociConfig, `{"mediaType": "` + ociConfig + `"}`}},
		"a manifest of schema 1":           {refused: "prettyjws", sends: &sent{"application/vnd.docker.distribution.manifest.v1+prettyjws", `{"schemaVersion": 1, "fsLayers": []}`}},
		"schema 1 as a manifest":           {refused: "whose fields are not those of one", sends: &sent{ociManifest, `{"fsLayers": [], "config": {"mediaType": "` + ociConfig + `"}}`}},
		"a Helm chart":                     {refused: `no image: its config is "application/vnd.cncf.helm.config.v1+json"`, sends: &sent{ociManifest, manifestOf("", "application/vnd.cncf.helm.config.v1+json")}},
		"an index as a manifest":           {refused: "whose fields are not those of one", sends: &sent{ociManifest, `{"manifests": []}`}},
		"a manifest as an index":           {refused: "whose fields are not those of one", sends: &sent{ociIndex, manifestOf("", ociConfig)}},
		"an index that says it is another": {refused: "that says it is a " + dockerIndex, sends: &sent{ociIndex, strings.ReplaceAll(indexText, ociIndex, dockerIndex)}},
		"redirects to itself":              {refused: "stopped after 10 redirects", sends: &sent{body: "/v2/init/manifests/v1"}},

		"an OCI index":                   {sends: &sent{ociIndex, indexText}},
		"an OCI index without a type":    {sends: &sent{ociIndex, `{"schemaVersion": 2, "manifests": []}`}},
		"an index with an encoding":      {sends: &sent{ociIndex + "; charset=utf-8", indexText}},
		"a Docker index":                 {sends: &sent{dockerIndex, strings.ReplaceAll(indexText, ociIndex, dockerIndex)}},
		"an OCI manifest":                {sends: &sent{ociManifest, manifestOf(ociManifest, ociConfig)}},
		"an OCI manifest without a type": {sends: &sent{ociManifest, manifestOf("", ociConfig)}},
		"a Docker manifest":              {sends: &sent{dockerManifest, manifestOf(dockerManifest, "application/vnd.docker.container.image.v1+json")}},
	} {
		t.Run(name, func(t *testing.T) {
			host := serve(t, func(h http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if test.sends != nil && r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/manifests/") {
						test.sends.write(w)
						return
					}
					if r.Method != test.method || !strings.Contains(r.URL.Path, "/manifests/") {
						h.ServeHTTP(w, r)
						return
					}
					answer := httptest.NewRecorder()
					h.ServeHTTP(answer, r)
					for key, values := range answer.Header() {
						w.Header()[key] = values
					}
					w.Header()["Docker-Content-Digest"] = nil
					if test.header != "" {
						w.Header().Set("Docker-Content-Digest", test.header)
					}
					w.WriteHeader(answer.Code)
					_, _ = answer.Body.WriteTo(w) // the client says what is missing
				})
			})
			digest := push(t, host+"/init:v1")
			got, err := Pin(t.Context(), host+"/init:v1")
			if test.refused != "" {
				require.ErrorContains(t, err, test.refused)
				return
			}
			require.NoError(t, err)
			if test.sends != nil {
				digest = fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(test.sends.body)))
			}
			assert.Equal(t, host+"/init:v1@"+digest, got, "the manifest's own, by its bytes")
		})
	}
}

func TestATagThatIsBeingMovedIsRefused(t *testing.T) {
	alone(t)
	var asked atomic.Int32
	var pushed atomic.Bool
	host := serve(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/manifests/v1") && pushed.Load() && asked.Add(1) > 1 {
				r.URL.Path = strings.TrimSuffix(r.URL.Path, "v1") + "v2"
			}
			h.ServeHTTP(w, r)
		})
	})
	one, other := push(t, host+"/init:v1"), push(t, host+"/init:v2")
	pushed.Store(true)
	_, err := Pin(t.Context(), host+"/init:v1")
	assert.EqualError(t, err, fmt.Sprintf("asked twice, %s said %s and then %s: somebody is moving the tag, try again later", host, one, other))
}

// guarded asks for a name and a password.
func guarded(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, ok := r.BasicAuth(); !ok || user != "team" || password != "secret" {
			w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		h.ServeHTTP(w, r)
	})
}

func TestCredentials(t *testing.T) {
	for _, test := range []struct {
		name  string
		place func(t *testing.T, config string)
	}{
		{"docker login", func(t *testing.T, config string) {
			t.Helper()
			folder := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(folder, "config.json"), []byte(config), 0o600))
			t.Setenv("DOCKER_CONFIG", folder)
		}},
		{"podman login", func(t *testing.T, config string) {
			t.Helper()
			folder := t.TempDir()
			require.NoError(t, os.Mkdir(filepath.Join(folder, "containers"), 0o700))
			require.NoError(t, os.WriteFile(filepath.Join(folder, "containers", "auth.json"), []byte(config), 0o600))
			t.Setenv("XDG_RUNTIME_DIR", folder)
			t.Setenv("REGISTRY_AUTH_FILE", "")
		}},
		{"podman login --authfile", func(t *testing.T, config string) {
			t.Helper()
			file := filepath.Join(t.TempDir(), "auth.json")
			require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
			t.Setenv("REGISTRY_AUTH_FILE", file)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			alone(t)
			host := serve(t, guarded)
			_, err := Pin(t.Context(), host+"/init:v1")
			require.ErrorContains(t, err, "asking "+host+": ")
			require.ErrorContains(t, err, "401")
			test.place(t, fmt.Sprintf(`{"auths": {%q: {"auth": %q}}}`, host, base64.StdEncoding.EncodeToString([]byte("team:secret"))))
			_, err = Pin(t.Context(), host+"/init:v1")
			require.ErrorContains(t, err, "NAME_UNKNOWN", "the registry lets us in, and has no such image")
		})
	}
}

func TestWhatCannotBePinned(t *testing.T) {
	alone(t)
	host := serve(t, open)
	push(t, host+"/init:v1")
	gone := httptest.NewServer(nil)
	nobody := strings.TrimPrefix(gone.URL, "http://")
	gone.Close()
	for _, test := range []struct{ image, says string }{
		{host + "/init:v2", "asking " + host + ": "},
		{host + "/other:v1", "asking " + host + ": "},
		{nobody + "/init:v1", "asking " + nobody + ": "},
		{"Init:v1", "repository can only contain"},
		{host + "/init:v1@sha256:0123", "sha256:0123"},
		{host + "/init:v1@", "digest"},
		{host + "/init:v1@md5:0123", "digest"},
	} {
		_, err := Pin(t.Context(), test.image)
		assert.ErrorContains(t, err, test.says, test.image)
	}
}
