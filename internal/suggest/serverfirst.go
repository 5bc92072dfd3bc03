package suggest

import (
	"slices"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// speaksFirst are ports on which the server may speak first, or which is hard to tell
// from HTTP: a mesh that waits for the client's first bytes to know the protocol delays
// or breaks them.
var speaksFirst = map[uint16]string{
	21: "FTP", 25: "SMTP", 110: "POP3", 143: "IMAP", 587: "SMTP", 3306: "MySQL", 4222: "NATS", 5432: "PostgreSQL", 27017: "MongoDB",
}

// serverFirst are Services of such ports: they stay in the mesh.
var serverFirst = source{look: func(t *tree) {
	opaque := t.Policy.Mesh.Opaque
	if opaque == nil {
		return
	}
	for _, s := range t.services {
		if t.alsoBehind(s) {
			continue
		}
		var open []string
		for _, p := range s.ports {
			protocol := speaksFirst[p.number]
			said := p.app != "" || slices.ContainsFunc([]string{"tcp", "tls", "mysql", "mongo", "redis"}, func(name string) bool {
				return p.name == name || strings.HasPrefix(p.name, name+"-")
			})
			if protocol != "" && p.protocol == "TCP" && !said && !opaque.Ports.Contains(traffic.TCP, p.number) {
				open = append(open, strconv.Itoa(int(p.number))+" ("+protocol+")")
			}
		}
		if len(open) > 0 && len(t.leads(s)) > 0 {
			t.note("%s: %s guesses by the client's first bytes what is spoken on port %s, where the server may speak first: %s, and keep it in the mesh (%s)", s.at("spec", "ports"), t.Policy.Mesh.Name, strings.Join(open, ", "), opaque.Remedy, opaque.Source)
		}
	}
}}

// alsoBehind reports whether a Service with an address leads to all that a headless one
// does.
func (t *tree) alsoBehind(s *service) bool {
	return s.headless() && slices.ContainsFunc(t.services, func(other *service) bool {
		return !other.headless() && other.namespace == s.namespace && len(other.selector) > 0 && have(s.selector, other.selector)
	})
}
