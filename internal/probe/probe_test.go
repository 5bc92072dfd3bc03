package probe

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// patience bounds what is not meant to take any time.
const patience = 10 * time.Second

func ask(t *testing.T, address string) Answer {
	t.Helper()
	return askWithin(t, patience, address)
}

func askWithin(t *testing.T, timeout time.Duration, address string) Answer {
	t.Helper()
	target, err := Target(address)
	require.NoError(t, err)
	return Prober{Timeout: timeout}.Ask(t.Context(), target)
}

// certificate gives one that nobody but its holder signed.
func certificate(t *testing.T, of x509.Certificate) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	of.SerialNumber = big.NewInt(1)
	of.NotAfter = time.Now().Add(time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, &of, &of, key.Public(), key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func spiffe(id string) x509.Certificate {
	u, err := url.Parse(id)
	if err != nil {
		panic(err)
	}
	return x509.Certificate{URIs: []*url.URL{u}}
}

// issuedBy gives a certificate as FSM and OSM issue it: it says by whose software.
func issuedBy(name string) x509.Certificate {
	return x509.Certificate{DNSNames: []string{"web.shop.cluster.local"}, Subject: pkix.Name{ExtraNames: []pkix.AttributeTypeAndValue{
		{Type: asn1.ObjectIdentifier{2, 5, 4, 10}, Value: name}, // O
		{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: "web.shop.cluster.local"},
	}}}
}

// plain answers over HTTP with a header.
func plain(t *testing.T, header map[string]string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(answering(header))
	t.Cleanup(server.Close)
	return server
}

func answering(header map[string]string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for name, value := range header {
			w.Header().Set(name, value)
		}
		fmt.Fprint(w, "hello")
	}
}

// secured answers over HTTPS with such settings.
func secured(t *testing.T, settings *tls.Config, header map[string]string) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(answering(header))
	server.TLS = settings
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of the handshakes that are broken off
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

func TestEveryMarkIsSeen(t *testing.T) {
	for _, mark := range Marks {
		name := strings.ReplaceAll(mark.Header, "*", "some")
		value := mark.Value
		if value == "" {
			value = "anything"
		}
		t.Run(mark.By+" "+mark.Header+" "+mark.Value, func(t *testing.T) {
			assert.Regexp(t, `^[a-z0-9-]+/[a-z0-9-]+ [^ ]+`, mark.Source, "a repository and a path in it")
			answer := ask(t, plain(t, map[string]string{name: value, "content-type": "text/plain"}).URL)
			assert.Equal(t, Intercepted, answer.Verdict)
			assert.Equal(t, http.StatusOK, answer.Status)
			assert.Equal(t, []Sign{{mark.By, name + ": " + value}}, answer.Signs)
		})
	}
}

func TestWhatIsNoMark(t *testing.T) {
	for name, header := range map[string]map[string]string{
		"nothing":                        {},
		"the application's own server":   {"Server": "gunicorn/19.9.0"},
		"a server that speaks of envoys": {"Server": "envoy-control-plane"},
		"a header that another begins":   {"X-Envoy": "1", "L5d": "1"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := ask(t, plain(t, header).URL)
			assert.Equal(t, Unmarked, answer.Verdict)
			assert.Empty(t, answer.Signs)
			assert.Empty(t, answer.Reason)
		})
	}
}

func TestSeveralMarks(t *testing.T) {
	server := plain(t, map[string]string{"Server": "Istio-Envoy", "X-Envoy-Upstream-Service-Time": "3"})
	answer := ask(t, server.URL)
	assert.Equal(t, Answer{
		URL: server.URL, Address: server.Listener.Addr().String(), Verdict: Intercepted, Status: http.StatusOK,
		Signs: []Sign{{"Istio", "server: Istio-Envoy"}, {"Envoy, as in Istio, OSM, Consul and Kuma", "x-envoy-upstream-service-time: 3"}},
	}, answer)
}

var identities = []struct {
	name string
	of   x509.Certificate
	want []Sign
}{
	{"Istio", spiffe("spiffe://cluster.local/ns/shop/sa/web"), []Sign{{"Istio", "certificate of spiffe://cluster.local/ns/shop/sa/web"}}},
	{"Consul", spiffe("spiffe://11111111-2222-3333-4444-555555555555.consul/ns/default/dc/dc1/svc/web"), []Sign{{"Consul", "certificate of spiffe://11111111-2222-3333-4444-555555555555.consul/ns/default/dc/dc1/svc/web"}}},
	{"Kuma", spiffe("spiffe://default/web_shop_svc_80"), []Sign{{"SPIFFE, as in Kuma", "certificate of spiffe://default/web_shop_svc_80"}}},
	{"Linkerd", x509.Certificate{DNSNames: []string{"web.shop.serviceaccount.identity.linkerd.cluster.local"}}, []Sign{{"Linkerd", "certificate of web.shop.serviceaccount.identity.linkerd.cluster.local"}}},
	{"FSM", issuedBy("Flomesh Service Mesh"), []Sign{{"FSM", "certificate of CN=web.shop.cluster.local,O=Flomesh Service Mesh"}}},
	{"OSM", issuedBy("Open Service Mesh"), []Sign{{"OSM", "certificate of CN=web.shop.cluster.local,O=Open Service Mesh"}}},
	{"a web server", issuedBy("Example Service Mesh Ltd"), nil},
	{"another URI", spiffe("https://example.com/sa/web"), nil},
}

func TestIdentityInACertificate(t *testing.T) {
	for _, identity := range identities {
		for _, scheme := range []string{"https", "tcp"} {
			t.Run(identity.name+" over "+scheme, func(t *testing.T) {
				server := secured(t, &tls.Config{Certificates: []tls.Certificate{certificate(t, identity.of)}}, nil)
				answer := ask(t, strings.Replace(server.URL, "https", scheme, 1))
				want := Unmarked
				if identity.want != nil {
					want = Intercepted
				}
				assert.Equal(t, want, answer.Verdict, answer.Reason)
				assert.Equal(t, identity.want, answer.Signs)
				assert.Equal(t, server.Listener.Addr().String(), answer.Address)
			})
		}
	}
}

// TestStrictSidecar has a server that wants a certificate of the client, as a
// sidecar under STRICT does. It shows its own first.
func TestStrictSidecar(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, scheme := range []string{"https", "tcp"} {
			t.Run(tls.VersionName(version)+" over "+scheme, func(t *testing.T) {
				server := secured(t, &tls.Config{
					Certificates: []tls.Certificate{certificate(t, spiffe("spiffe://cluster.local/ns/shop/sa/web"))},
					ClientAuth:   tls.RequireAnyClientCert, MinVersion: version, MaxVersion: version,
				}, nil)
				answer := ask(t, strings.Replace(server.URL, "https", scheme, 1))
				assert.Equal(t, Intercepted, answer.Verdict, answer.Reason)
				assert.Zero(t, answer.Status, "it did not answer")
			})
		}
	}
}

// TestPermissiveSidecar has a server that shows the mesh's certificate to who
// offers the mesh's protocol, and passes others on to an application with a
// certificate of its own, as a sidecar under PERMISSIVE does.
func TestPermissiveSidecar(t *testing.T) {
	application := &tls.Config{Certificates: []tls.Certificate{certificate(t, x509.Certificate{DNSNames: []string{"example.com"}})}}
	mesh := &tls.Config{Certificates: []tls.Certificate{certificate(t, spiffe("spiffe://cluster.local/ns/shop/sa/web"))}, NextProtos: []string{"istio"}}
	permissive := &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if slices.Contains(hello.SupportedProtos, "istio") {
			return mesh, nil
		}
		return application, nil
	}}
	for _, scheme := range []string{"https", "tcp"} {
		t.Run(scheme, func(t *testing.T) {
			server := secured(t, permissive, nil)
			answer := ask(t, strings.Replace(server.URL, "https", scheme, 1))
			assert.Equal(t, Intercepted, answer.Verdict, answer.Reason)
			assert.Equal(t, []Sign{{"Istio", "certificate of spiffe://cluster.local/ns/shop/sa/web"}}, answer.Signs)
		})
	}
}

// TestServerThatRefusesTheMeshsProtocol must not be taken for one that cannot be
// asked.
func TestServerThatRefusesTheMeshsProtocol(t *testing.T) {
	server := secured(t, &tls.Config{
		Certificates: []tls.Certificate{certificate(t, x509.Certificate{DNSNames: []string{"example.com"}})},
		NextProtos:   []string{"http/1.1"},
	}, nil)
	answer := ask(t, server.URL)
	assert.Equal(t, Unmarked, answer.Verdict, answer.Reason)
	assert.Equal(t, http.StatusOK, answer.Status)
}

func TestHeaderOverTLS(t *testing.T) {
	server := secured(t, &tls.Config{Certificates: []tls.Certificate{certificate(t, x509.Certificate{})}}, map[string]string{"Server": "istio-envoy"})
	answer := ask(t, server.URL)
	assert.Equal(t, []Sign{{"Istio", "server: istio-envoy"}}, answer.Signs)
}

func TestARedirectIsAnAnswerOfItsOwn(t *testing.T) {
	marked := plain(t, map[string]string{"Server": "istio-envoy"})
	redirecting := httptest.NewServer(http.RedirectHandler(marked.URL, http.StatusFound))
	t.Cleanup(redirecting.Close)
	answer := ask(t, redirecting.URL)
	assert.Equal(t, Unmarked, answer.Verdict)
	assert.Equal(t, http.StatusFound, answer.Status)
}

func TestNoProxyOfTheEnvironmentIsUsed(t *testing.T) {
	proxy := plain(t, map[string]string{"Server": "istio-envoy"})
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "ALL_PROXY"} {
		t.Setenv(name, proxy.URL)
	}
	t.Setenv("NO_PROXY", "")
	answer := ask(t, "http://probe.invalid/")
	assert.Equal(t, Unknown, answer.Verdict, "the proxy would have answered")
	assert.Empty(t, answer.Address)
}

func TestWhatCannotBeAsked(t *testing.T) {
	closed := plain(t, nil)
	closed.Close()
	silence, err := net.Listen("tcp", "127.0.0.1:0") // it takes connections and says nothing
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, silence.Close()) })
	hasty := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		connection, _, err := w.(http.Hijacker).Hijack()
		if assert.NoError(t, err) {
			assert.NoError(t, connection.Close())
		}
	}))
	t.Cleanup(hasty.Close)
	clear := plain(t, nil)
	over := func(scheme, address string) string { return scheme + "://" + strings.TrimPrefix(address, "http://") }
	tests := []struct {
		name, url string
		timeout   time.Duration
		says      string
	}{
		{"nobody listens", closed.URL, patience, "connection refused"},
		{"nobody listens to a handshake", over("tcp", closed.URL), patience, "connection refused"},
		{"no answer to a request", over("http", silence.Addr().String()), 50 * time.Millisecond, "no answer in time"},
		{"no answer to a handshake", over("tcp", silence.Addr().String()), 50 * time.Millisecond, "no answer in time"},
		{"no answer over TLS", over("https", silence.Addr().String()), 50 * time.Millisecond, "no answer in time"},
		{"the connection ends", hasty.URL, patience, "EOF"},
		{"plain text where TLS is asked for", over("https", clear.URL), patience, "ask over http"},
		{"plain text where a handshake is asked for", over("tcp", clear.URL), patience, "the server speaks no TLS"},
		{"TLS where plain text is asked for", over("http", secured(t, nil, nil).Listener.Addr().String()), patience, ""},
		{"no such host", "http://probe.invalid/", patience, "probe.invalid"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			answer := askWithin(t, test.timeout, test.url)
			if test.says == "" { // Go's own server answers in plain text that this is wrong
				assert.Equal(t, http.StatusBadRequest, answer.Status)
				return
			}
			assert.Equal(t, Unknown, answer.Verdict)
			assert.Contains(t, answer.Reason, test.says)
			assert.Empty(t, answer.Signs)
		})
	}
}

func TestTarget(t *testing.T) {
	for text, says := range map[string]string{
		"http://10.0.0.1":               "",
		"https://[fd00::1]:8443/a?b=c":  "",
		"HTTP://example.com/":           "",
		"tcp://10.0.0.1:5432":           "",
		"":                              "probe can ask: begin it with http://",
		"10.0.0.1":                      "probe can ask: begin it with http://",
		"10.0.0.1:80":                   "is not a URL: write one such as",
		"ftp://10.0.0.1":                "probe can ask: begin it with http://",
		"http://":                       "probe can ask: begin it with http://",
		"http://:80/":                   "probe can ask: begin it with http://",
		"http://a b/":                   "is not a URL: write one such as",
		"http://10.0.0.1:http/":         "is not a URL: write one such as",
		"https://me:secret@example.com": `"https://me:xxxxx@example.com" contains a user name: remove it`,
		"tcp://10.0.0.1":                "has no port: add one",
		"tcp://10.0.0.1:5432/db":        "has a path",
	} {
		t.Run(text, func(t *testing.T) {
			target, err := Target(text)
			if says == "" {
				require.NoError(t, err)
				assert.NotEmpty(t, target.Hostname())
				return
			}
			assert.ErrorContains(t, err, says)
			assert.NotContains(t, err.Error(), "secret")
		})
	}
}

func FuzzTarget(f *testing.F) {
	for _, seed := range []string{"http://10.0.0.1:80/", "tcp://[::1]:5432", "https://a:b@c/", "http://%zz/", "tcp://h:1?q"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		target, err := Target(text)
		if err != nil {
			return
		}
		again, err := Target(target.String())
		if err != nil || again.String() != target.String() || target.Hostname() == "" {
			t.Fatalf("%q is taken as %q: %v", text, target, err)
		}
	})
}
