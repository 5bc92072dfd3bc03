package probe

import (
	"crypto/x509"
	"net/http"
	"slices"
	"strings"
)

// Mark is one thing by which a sidecar is known in an HTTP answer.
type Mark struct {
	// By is who leaves it.
	By string
	// Header is the header's name in lower case; with a "*" at its end, every
	// name that begins so.
	Header string
	// Value is the header's whole value in lower case; "" for any.
	Value string
	// Source is where the proxy or its mesh says so.
	Source string
}

const anEnvoy = "Envoy, as in Istio, OSM, Consul and Kuma"

// Marks lists the marks. Linkerd's proxy leaves one on the answers alone that it
// makes itself because something went wrong.
var Marks = []Mark{
	{"Istio", "server", "istio-envoy", "istio/istio pilot/pkg/networking/core/accesslog.go"},
	{anEnvoy, "server", "envoy", "envoyproxy/envoy api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto, server_name"},
	{anEnvoy, "x-envoy-*", "", "envoyproxy/envoy docs/root/configuration/http/http_filters/router_filter.rst"},
	{"FSM", "fsm-stats*", "", "flomesh-io/fsm pkg/sidecar/v1/providers/pipy/repo/codebase/modules/inbound-metrics-http.js"},
	{"FSM", "server", "pipy", "flomesh-io/osm-edge pkg/sidecar/providers/pipy/repo/codebase/outbound-mux-http.js"},
	{"FSM", "x-pipy-*", "", "flomesh-io/osm-edge pkg/sidecar/providers/pipy/repo/codebase/outbound-mux-http.js"},
	{"OSM", "osm-stats*", "", "flomesh-io/osm-edge pkg/sidecar/providers/pipy/repo/codebase/logging.js"},
	{"Linkerd", "l5d-*", "", "linkerd/linkerd2-proxy linkerd/app/core/src/errors/respond.rs"},
}

// Identity is one thing by which a sidecar is known in the certificate that a
// server shows.
type Identity struct {
	// By is who issues it.
	By string
	// in are the names of a certificate among which it stands.
	in nameKind
	// prefix and infix are what such a name begins with and holds; "" for
	// anything.
	prefix, infix string
	// Source is where the mesh says so.
	Source string
}

// Identities lists the identities; the first that fits a name counts.
var Identities = []Identity{
	{By: "Consul", in: uris, prefix: "spiffe://", infix: "/dc/", Source: "hashicorp/consul agent/connect/uri_service.go"},
	{By: "Istio", in: uris, prefix: "spiffe://", infix: "/sa/", Source: "istio/istio pkg/spiffe/spiffe.go"},
	{By: "SPIFFE, as in Kuma", in: uris, prefix: "spiffe://", Source: "spiffe/spiffe standards/X509-SVID.md"},
	{By: "Linkerd", in: dnsNames, infix: ".serviceaccount.identity.", Source: "linkerd/linkerd2 charts/partials/templates/_proxy.tpl"},
	{By: "FSM", in: subject, infix: "O=Flomesh Service Mesh", Source: "flomesh-io/fsm pkg/certificate/providers/config.go"},
	{By: "OSM", in: subject, infix: "O=Open Service Mesh", Source: "openservicemesh/osm pkg/certificate/providers/config.go"},
}

// inMesh are the protocols that a client's sidecar offers in the TLS handshake
// (ALPN). A server's sidecar that takes plain text too answers the handshake
// itself only where one of them is offered, and passes any other on (istio/istio
// pilot/pkg/networking/util/util.go).
var inMesh = []string{"istio-peer-exchange", "istio"}

// nameKind is a kind of names in a certificate.
type nameKind struct {
	name string
	of   func(*x509.Certificate) []string
}

var (
	uris = nameKind{"URI", func(c *x509.Certificate) []string {
		all := make([]string, len(c.URIs))
		for i, u := range c.URIs {
			all[i] = u.String()
		}
		return all
	}}
	dnsNames = nameKind{"DNS name", func(c *x509.Certificate) []string { return c.DNSNames }}
	subject  = nameKind{"subject", func(c *x509.Certificate) []string { return []string{c.Subject.String()} }}
)

// String gives what a name looks like, with "*" for anything.
func (i Identity) String() string {
	pattern := i.prefix + "*"
	if i.infix != "" {
		pattern += i.infix + "*"
	}
	return i.in.name + " " + pattern
}

// Sign is a mark or an identity that was seen.
type Sign struct {
	// By is who leaves it.
	By string `json:"by"`
	// Seen is what was seen, such as "server: istio-envoy".
	Seen string `json:"seen"`
}

// inHeader gives the signs in the header of an answer, sorted by what was seen.
func inHeader(header http.Header) []Sign {
	var signs []Sign
	for name, values := range header {
		name = strings.ToLower(name)
		for _, value := range values {
			i := slices.IndexFunc(Marks, func(m Mark) bool { return m.fits(name, value) })
			if i >= 0 {
				signs = append(signs, Sign{Marks[i].By, name + ": " + value})
			}
		}
	}
	slices.SortFunc(signs, func(a, b Sign) int { return strings.Compare(a.Seen, b.Seen) })
	return signs
}

func (m Mark) fits(name, value string) bool {
	prefix, open := strings.CutSuffix(m.Header, "*")
	named := name == m.Header || open && strings.HasPrefix(name, prefix)
	return named && (m.Value == "" || strings.EqualFold(strings.TrimSpace(value), m.Value))
}

// inCertificate gives the signs in a certificate.
func inCertificate(c *x509.Certificate) []Sign {
	var signs []Sign
	seen := map[string]bool{}
	for _, identity := range Identities {
		for _, name := range identity.in.of(c) {
			if !seen[name] && identity.fits(name) {
				seen[name] = true
				signs = append(signs, Sign{identity.By, "certificate of " + name})
			}
		}
	}
	return signs
}

func (i Identity) fits(name string) bool {
	return strings.HasPrefix(name, i.prefix) && strings.Contains(name, i.infix)
}
