package mesh

// Signs are what the sidecars of a mesh leave in the answers that pass through
// them.
type Signs struct {
	// Envoy says that the mesh's sidecar is Envoy, which leaves EnvoyMarks.
	Envoy bool
	// SPIFFE says that its certificates have SPIFFE IDs of no form of its own.
	SPIFFE bool
	// Marks are those in the header of an HTTP answer, Identities those in the
	// certificate of a server.
	Marks      []Mark
	Identities []Identity
	// Protocols are those that a client's sidecar offers in the TLS handshake
	// (ALPN), by which a server's sidecar answers the handshake itself.
	Protocols []string
}

// Mark is something in the header of an HTTP answer by which a sidecar is known.
type Mark struct {
	// Header is the header's name in lower case; with a "*" at its end, every
	// name that begins so.
	Header string
	// Value is the header's whole value in lower case; "" for any.
	Value string
	// Source is where the proxy or its mesh says so.
	Source string
}

// Identity is something in the certificate of a server by which a sidecar is
// known.
type Identity struct {
	// In says which of the certificate's names to look at.
	In NameKind
	// Prefix and Infix are what such a name begins with and contains; "" for
	// anything.
	Prefix, Infix string
	// Source is where the mesh says so.
	Source string
}

// NameKind is a kind of name in a certificate.
type NameKind string

// The kinds of names in a certificate.
const (
	URI     NameKind = "URI"
	DNSName NameKind = "DNS name"
	Subject NameKind = "subject"
)

// EnvoyMarks are those that Envoy leaves in every mesh.
var EnvoyMarks = []Mark{
	{"server", "envoy", "envoyproxy/envoy api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto, server_name"},
	{"x-envoy-*", "", "envoyproxy/envoy docs/root/configuration/http/http_filters/router_filter.rst"},
}

// SPIFFE is the identity of every mesh that follows the standard.
var SPIFFE = Identity{In: URI, Prefix: "spiffe://", Source: "spiffe/spiffe standards/X509-SVID.md"}
