package probe

import (
	"crypto/x509"
	"net/http"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
)

// Mark is something in an HTTP answer that gives a sidecar away.
type Mark struct {
	// By is who leaves it.
	By string
	mesh.Mark
}

// Identity is something in a server's certificate that gives a sidecar away.
type Identity struct {
	// By is who issues it.
	By string
	mesh.Identity
}

var leftMarks, leftIdentities = list()

// Marks lists first what each mesh's sidecars leave, then what those of several
// meshes do. The first that fits counts.
var Marks = leftMarks

// Identities lists what gives a sidecar away in a certificate, in the same order.
var Identities = leftIdentities

func list() (marks []Mark, identities []Identity) {
	for _, m := range mesh.All() {
		for _, mark := range m.Signs.Marks {
			marks = append(marks, Mark{m.Name, mark})
		}
		for _, identity := range m.Signs.Identities {
			identities = append(identities, Identity{m.Name, identity})
		}
	}
	by := shared("Envoy", func(s mesh.Signs) bool { return s.Envoy })
	for _, mark := range mesh.EnvoyMarks {
		marks = append(marks, Mark{by, mark})
	}
	by = shared("SPIFFE", func(s mesh.Signs) bool { return s.SPIFFE })
	return marks, append(identities, Identity{by, mesh.SPIFFE})
}

// shared names what several meshes have in common, and the meshes.
func shared(what string, by func(mesh.Signs) bool) string {
	names := mesh.NamesOf(func(m *mesh.Mesh) bool { return by(m.Signs) })
	last := len(names) - 1
	return what + ", as in " + strings.TrimPrefix(strings.Join(names[:last], ", ")+" and "+names[last], " and ")
}

// inMesh are the protocols that the sidecars of all meshes offer in a TLS
// handshake (ALPN).
func inMesh() []string {
	var all []string
	for _, m := range mesh.All() {
		all = append(all, m.Signs.Protocols...)
	}
	return all
}

// namesIn give the names of each kind in a certificate.
var namesIn = map[mesh.NameKind]func(*x509.Certificate) []string{
	mesh.URI: func(c *x509.Certificate) []string {
		all := make([]string, len(c.URIs))
		for i, u := range c.URIs {
			all[i] = u.String()
		}
		return all
	},
	mesh.DNSName: func(c *x509.Certificate) []string { return c.DNSNames },
	mesh.Subject: func(c *x509.Certificate) []string { return []string{c.Subject.String()} },
}

// Sign is a mark or an identity that probe saw.
type Sign struct {
	// By is who leaves it.
	By string `json:"by"`
	// Seen is what was seen, such as "server: istio-envoy".
	Seen string `json:"seen"`
}

// inHeader gives the signs in an answer's header, sorted by what was seen.
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
		for _, name := range namesIn[identity.In](c) {
			if !seen[name] && identity.fits(name) {
				seen[name] = true
				signs = append(signs, Sign{identity.By, "certificate of " + name})
			}
		}
	}
	return signs
}

func (i Identity) fits(name string) bool {
	return strings.HasPrefix(name, i.Prefix) && strings.Contains(name, i.Infix)
}
