package mesh_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// named finds a mesh that is there.
func named(t *testing.T, name string) *mesh.Mesh {
	t.Helper()
	m, known := mesh.ByName(name)
	require.True(t, known, name)
	return m
}

// keyOf gives the annotation of a field.
func keyOf(t *testing.T, m *mesh.Mesh, f traffic.Field) string {
	t.Helper()
	key, annotated := m.Key(f)
	require.True(t, annotated, "%s has no annotation for %s", m.Name, f)
	return key.Annotation
}

func TestNames(t *testing.T) {
	assert.Equal(t, []string{"Istio", "FSM", "OSM", "Linkerd", "Consul", "Kuma"}, mesh.Names())
	assert.Len(t, mesh.All(), len(mesh.Names()))
	_, known := mesh.ByName("istio")
	assert.False(t, known)
}

const fifteen = "1001,1003,1005,1007,1009,1011,1013,1015,1017,1019,1021,1023,1025,1027,1029"

func TestExpress(t *testing.T) {
	tests := []struct {
		mesh, name     string
		settings, wide string
		// want is what stands under the fields' keys, "field=value".
		want string
		// gaps are the fields that are left, with "!" where pods would not
		// start.
		gaps string
	}{
		{"FSM", "ports are listed one by one", "excludeInboundPorts=7001 excludeOutboundPorts=3306,9000-9002", "", "excludeInboundPorts=7001 excludeOutboundPorts=3306,9000,9001,9002", ""},
		{"FSM", "fifteen ports", "excludeOutboundPorts=" + fifteen, "", "excludeOutboundPorts=" + fifteen, ""},
		{"FSM", "sixteen ports", "excludeOutboundPorts=80," + fifteen, "", "", "excludeOutboundPorts!"},
		{"FSM", "sixteen ports with the mesh's own", "excludeInboundPorts=" + fifteen, "excludeInboundPorts=80", "", "excludeInboundPorts!"},
		{"FSM", "fifteen ports, of which the mesh has some", "excludeInboundPorts=" + fifteen, "excludeInboundPorts=1001,1003", "excludeInboundPorts=" + fifteen, ""},
		{"FSM", "DNS is a port like any other", "excludeOutboundPorts=53", "", "excludeOutboundPorts=53", ""},
		{"FSM", "DNS over TCP alone", "excludeOutboundPorts=53/TCP", "", "excludeOutboundPorts=53", ""},
		{"FSM", "a port of UDP alone", "excludeOutboundPorts=443,9999/UDP", "", "excludeOutboundPorts=443", "excludeOutboundPorts"},
		{"FSM", "excluded ranges", "excludeOutboundIPRanges=10.1.2.3/8,192.0.2.1", "", "excludeOutboundIPRanges=10.0.0.0/8,192.0.2.1/32", ""},
		{"FSM", "an IPv6 range", "excludeOutboundIPRanges=10.0.0.0/8,fd00::/8", "", "excludeOutboundIPRanges=10.0.0.0/8", "excludeOutboundIPRanges!"},
		{"FSM", "included ranges", "includeOutboundIPRanges=10.0.0.0/8", "", "includeOutboundIPRanges=10.0.0.0/8", ""},
		{"FSM", "no included range", "includeOutboundIPRanges=", "", "", "includeOutboundIPRanges"},
		{"FSM", "included ranges beside the mesh's own", "includeOutboundIPRanges=10.0.0.0/8", "includeOutboundIPRanges=172.16.0.0/12", "includeOutboundIPRanges=10.0.0.0/8", "includeOutboundIPRanges"},
		{"FSM", "included ports", "includeOutboundPorts=7001", "", "", ""},
		{"FSM", "included ports beside ranges", "includeOutboundPorts=7001 excludeOutboundIPRanges=192.0.2.0/24 includeOutboundIPRanges=10.0.0.0/8", "", "", "excludeOutboundIPRanges includeOutboundIPRanges"},
		{"FSM", "included ports that are excluded too", "includeOutboundPorts=7001 excludeOutboundPorts=7001 excludeOutboundIPRanges=192.0.2.0/24", "", "excludeOutboundPorts=7001 excludeOutboundIPRanges=192.0.2.0/24", ""},
		{"FSM", "included inbound ports", "includeInboundPorts=8080 excludeInboundPorts=9090", "", "excludeInboundPorts=9090", "includeInboundPorts"},
		{"FSM", "pairs", "excludeOutbound=10.0.0.0/8@5432", "", "", "excludeOutbound"},

		{"OSM", "ports and ranges", "excludeOutboundPorts=9000-9001 excludeOutboundIPRanges=fd00::/8,10.0.0.0/8", "", "excludeOutboundPorts=9000,9001 excludeOutboundIPRanges=10.0.0.0/8", "excludeOutboundIPRanges!"},

		{"Linkerd", "ranges of ports stay", "excludeInboundPorts=7001 excludeOutboundPorts=3306,8000-9000", "", "excludeInboundPorts=7001 excludeOutboundPorts=3306,8000-9000", ""},
		{"Linkerd", "every port", "excludeOutboundPorts=1-65535", "", "excludeOutboundPorts=1-65535", ""},
		{"Linkerd", "a port of TCP alone", "excludeOutboundPorts=53/TCP", "", "excludeOutboundPorts=53", ""},
		{"Linkerd", "a port of UDP alone", "excludeInboundPorts=514/UDP", "", "", "excludeInboundPorts"},
		{"Linkerd", "excluded ranges", "excludeOutboundIPRanges=10.0.0.0/8", "", "", "excludeOutboundIPRanges"},
		{"Linkerd", "included ranges", "includeOutboundIPRanges=10.0.0.0/8", "", "", "includeOutboundIPRanges"},
		{"Linkerd", "included ports", "includeOutboundPorts=7001", "", "", ""},
		{"Linkerd", "included inbound ports", "includeInboundPorts=8080", "", "", "includeInboundPorts"},
		{"Linkerd", "pairs", "excludeOutbound=10.0.0.0/8@5432", "", "", "excludeOutbound"},

		{"Consul", "ranges of ports as iptables has them", "excludeInboundPorts=8080 excludeOutboundPorts=3306,8000-9000", "", "excludeInboundPorts=8080 excludeOutboundPorts=3306,8000:9000", ""},
		{"Consul", "DNS", "excludeOutboundPorts=50-60", "", "excludeOutboundPorts=50:52,54:60", "excludeOutboundPorts"},
		{"Consul", "an inbound port 53", "excludeInboundPorts=53", "", "excludeInboundPorts=53", ""},
		{"Consul", "excluded ranges", "excludeOutboundIPRanges=10.0.0.0/8,fd00::/8", "", "excludeOutboundIPRanges=10.0.0.0/8", "excludeOutboundIPRanges!"},
		{"Consul", "included ranges", "includeOutboundIPRanges=10.0.0.0/8", "", "", "includeOutboundIPRanges"},
		{"Consul", "included ports beside ranges", "includeOutboundPorts=7001 excludeOutboundIPRanges=192.0.2.0/24", "", "", "excludeOutboundIPRanges"},
		{"Consul", "included inbound ports", "includeInboundPorts=8080", "", "", "includeInboundPorts"},

		{"Kuma", "ports are listed one by one", "excludeInboundPorts=7001 excludeOutboundPorts=9000-9002", "", "excludeInboundPorts=7001 excludeOutboundPorts=9000,9001,9002", ""},
		{"Kuma", "more ports than fit", "excludeInboundPorts=20000-32000 excludeOutboundPorts=20000-32000", "", "", "excludeInboundPorts excludeOutboundPorts"},
		{"Kuma", "DNS", "excludeOutboundPorts=53", "", "excludeOutboundPorts=53", "excludeOutboundPorts"},
		{"Kuma", "DNS over TCP alone", "excludeOutboundPorts=53/TCP", "", "excludeOutboundPorts=53", ""},
		{"Kuma", "DNS over UDP alone", "excludeOutboundPorts=53/UDP", "", "", "excludeOutboundPorts"},
		{"Kuma", "excluded ranges, which would take DNS along", "excludeOutboundIPRanges=10.0.0.0/8", "", "", "excludeOutboundIPRanges"},
		{"Kuma", "included ranges", "includeOutboundIPRanges=10.0.0.0/8", "", "", "includeOutboundIPRanges"},
		{"Kuma", "included inbound ports", "includeInboundPorts=8080", "", "", "includeInboundPorts"},
	}
	for _, test := range tests {
		t.Run(test.mesh+" "+test.name, func(t *testing.T) {
			m := named(t, test.mesh)
			sayable, gaps := m.Express(layer(t, test.settings).Settings(), layer(t, test.wide))
			want := map[string]string{}
			for part := range strings.FieldsSeq(test.want) {
				field, value, _ := strings.Cut(part, "=")
				want[keyOf(t, m, traffic.Field(field))] = value
			}
			assert.Equal(t, want, m.Annotations(sayable))
			var left []string
			for _, g := range gaps {
				assert.NotEmpty(t, g.Reason)
				field := string(g.Field)
				if g.Fatal {
					field += "!"
				}
				left = append(left, field)
			}
			assert.Equal(t, test.gaps, strings.Join(left, " "))
		})
	}
}

func TestRead(t *testing.T) {
	const (
		in      = traffic.ExcludeInboundPorts
		out     = traffic.ExcludeOutboundPorts
		exclude = traffic.ExcludeOutboundIPRanges
		include = traffic.IncludeOutboundIPRanges
	)
	tests := []struct {
		mesh    string
		field   traffic.Field
		value   string
		want    string // the entries; "-" if the value says nothing
		refused string // a part of the error
		loses   string // a part of the warning
	}{
		{"FSM", out, " 3306 , 9000", "3306,9000", "", ""},
		{"FSM", out, "", "", "remove the annotation", ""},
		{"FSM", out, "3306,", "", "an empty entry", ""},
		{"FSM", out, "8000-8100", "", "a port range, which FSM's injector refuses", ""},
		{"FSM", out, "8000:8100", "", "a port range, which FSM's injector refuses", ""},
		{"FSM", out, "3306/TCP", "", "narrowed to a protocol", ""},
		{"FSM", out, "*", "", "valid only by itself", ""},
		{"FSM", out, "http", "", "not a port", ""},
		{"FSM", out, "70000", "", "outside 1-65535", ""}, // the injector lets it pass, iptables does not
		{"FSM", exclude, " 10.0.0.0/8 , fd00::/8", "10.0.0.0/8,fd00::/8", "", ""},
		{"FSM", exclude, "10.1.2.3", "", `write "10.1.2.3/32"`, ""},
		{"FSM", exclude, "", "", "remove the annotation", ""},
		{"FSM", include, "10.0.0.0/8", "10.0.0.0/8", "", ""},
		{"FSM", include, "*", "", "no range", ""},
		{"OSM", in, "80", "80", "", ""},
		{"OSM", in, "80-90", "", "a port range, which OSM's injector refuses", ""},

		{"Linkerd", out, "3306,8000-8100", "3306,8000-8100", "", ""},
		{"Linkerd", out, "", "", "", ""},
		{"Linkerd", out, "443, 8080", "443", "", `drops " 8080"`},
		{"Linkerd", out, " 443", "", "no entry of it is a port", `drops " 443"`},
		{"Linkerd", in, " 443", "", "", `drops " 443"`}, // the sidecar's own ports come before these
		{"Linkerd", out, "443,http,9-8,1-2-3,70000,8000:8100,", "443", "", `drops "http" and "9-8" and "1-2-3" and "70000" and "8000:8100" and ""`},
		{"Linkerd", out, "0,0-10", "1-10", "", ""},
		{"Linkerd", out, "0", "", "", ""},

		{"Consul", out, "3306,8000:8100", "3306,8000-8100", "", ""},
		{"Consul", out, "443, 8080", "443,8080", "", ""},
		{"Consul", out, "443 ,8080", "443,8080", "", "in consul/sdk before 0.19 the init container fails with whitespace behind"},
		{"Consul", out, "8000-8100", "", `refuses in consul/sdk before 0.19: write "8000:8100"`, ""},
		{"Consul", out, "8000:8100 ", "8000-8100", "", "whitespace behind it"},
		{"Consul", out, "8000: 8100", "", "not a port", ""},
		{"Consul", out, "65000:", "65000-65535", "", ""},
		{"Consul", out, ":40", "1-40", "", ""},
		{"Consul", out, "", "", "remove the annotation", ""},
		{"Consul", out, "443,,8080", "", "an empty entry", ""},
		{"Consul", out, "ssh", "", "a name, whose port only /etc/services", ""},
		{"Consul", out, "http-alt", "", "write the port's number", ""},
		{"Consul", out, "*", "", "not an entry of a list", ""},
		{"Consul", out, "70000", "", "outside 1-65535", ""},
		{"Consul", out, "9:8", "", "9-8", ""},
		{"Consul", exclude, "10.0.0.0/8, 192.0.2.1", "10.0.0.0/8,192.0.2.1/32", "", ""},
		{"Consul", exclude, "10.0.0.0/8 ,192.0.2.1", "10.0.0.0/8,192.0.2.1/32", "", "whitespace behind it"},
		{"Consul", exclude, "example.com", "", "not an IP address", ""},
		{"Consul", exclude, "", "", "remove the annotation", ""},
		{"Consul", out, "53,80", "53/TCP,80", "", ""}, // it may be DNS by a Service, which comes first, but need not

		{"Kuma", out, " 3306 ,,9000,", "3306,9000", "", ""},
		{"Kuma", out, "", "-", "", "ignores an empty value"},
		{"Kuma", in, " , ", "-", "", "ignores an empty value"},
		{"Kuma", out, "8000-8100", "", "a port range, which Kuma's injector refuses", ""},
		{"Kuma", out, "0", "", "outside 1-65535", ""},
		{"Kuma", out, "53", "53/TCP", "", ""},
		{"Kuma", exclude, "10.1.2.3,fd00::/8", "10.1.2.3/32,fd00::/8", "", ""},
		{"Kuma", exclude, "", "-", "", "ignores an empty value"},
		{"Kuma", exclude, "10.0.0.0/40", "", "not a CIDR", ""},
	}
	for _, test := range tests {
		t.Run(test.mesh+" "+string(test.field)+" "+test.value, func(t *testing.T) {
			m := named(t, test.mesh)
			key := keyOf(t, m, test.field)
			annotations := map[string]string{key: test.value, "other": "x"}
			l, problems := m.Read(annotations)
			if test.refused != "" {
				require.Len(t, problems, 1)
				assert.ErrorContains(t, problems[0], test.refused)
				var bad *mesh.AnnotationError
				require.ErrorAs(t, problems[0], &bad)
				assert.Equal(t, key, bad.Annotation)
				assert.True(t, l.IsZero())
			} else {
				require.Empty(t, problems)
				entries, said := l.Entries(test.field)
				assert.Equal(t, test.want != "-", said)
				if said {
					assert.Equal(t, test.want, strings.Join(entries, ","))
				}
				assert.True(t, l.Without(test.field).IsZero(), "nothing else is said")
			}
			misleading := m.Misleads(annotations)
			if test.loses == "" {
				assert.Empty(t, misleading)
				return
			}
			require.Len(t, misleading, 1)
			assert.Equal(t, test.field, misleading[0].Field)
			assert.Contains(t, misleading[0].Reason, test.loses)
		})
	}
}

// TestValue is about what is written where a mesh's own configuration says
// something, or the user does.
func TestValue(t *testing.T) {
	tests := []struct {
		mesh, name string
		field      traffic.Field
		said, wide string // entries
		present    bool
		want       string // "-" if nothing is written
	}{
		{"Istio", "nothing to say", traffic.ExcludeOutboundPorts, "", "", false, "-"},
		{"Istio", "an empty value clears", traffic.ExcludeOutboundPorts, "", "80", false, ""},
		{"Istio", "the mesh does it by itself", traffic.ExcludeOutboundPorts, "80", "80", false, "-"},
		{"Istio", "the user's is rewritten", traffic.ExcludeOutboundPorts, "80", "80", true, "80"},
		{"Linkerd", "an empty value clears", traffic.ExcludeOutboundPorts, "", "4567-4568", false, ""},
		{"Linkerd", "the defaults are restated", traffic.ExcludeOutboundPorts, "80,4567-4568", "4567-4568", false, "80,4567-4568"},
		{"FSM", "the mesh does it by itself", traffic.ExcludeOutboundPorts, "80", "80", false, "-"},
		{"FSM", "what the mesh adds may stand there too", traffic.ExcludeOutboundPorts, "80,90", "80", false, "80,90"},
		{"FSM", "what is left to the init container", traffic.ExcludeOutboundPorts, "", "80", false, "-"},
		{"FSM", "the user's says what the mesh says", traffic.ExcludeOutboundPorts, "", "80", true, "80"},
		{"FSM", "the user's outbound ports say nothing", traffic.ExcludeOutboundPorts, "", "", true, "15001"},
		{"FSM", "the user's inbound ports say nothing", traffic.ExcludeInboundPorts, "", "", true, "15901"},
		{"FSM", "the user's ranges say nothing", traffic.ExcludeOutboundIPRanges, "", "", true, "127.0.0.1/32"},
		{"FSM", "the user's included ranges are all", traffic.IncludeOutboundIPRanges, "*", "*", true, "0.0.0.0/0"},
		{"FSM", "every range is included", traffic.IncludeOutboundIPRanges, "*", "*", false, "-"},
		{"Consul", "nothing to say", traffic.ExcludeOutboundPorts, "", "", false, "-"},
		{"Consul", "the user's ports say nothing", traffic.ExcludeOutboundPorts, "", "", true, "0"},
		{"Consul", "the user's ranges say nothing", traffic.ExcludeOutboundIPRanges, "", "", true, "127.0.0.1/32"},
		{"Kuma", "the mesh's own stays", traffic.ExcludeOutboundPorts, "", "80", false, "-"},
		{"Kuma", "the user's says nothing", traffic.ExcludeOutboundPorts, "", "80", true, ""},
		{"Kuma", "the mesh's own is restated", traffic.ExcludeOutboundPorts, "80,90", "80", false, "80,90"},
	}
	for _, test := range tests {
		t.Run(test.mesh+" "+test.name, func(t *testing.T) {
			m := named(t, test.mesh)
			key, annotated := m.Key(test.field)
			require.True(t, annotated)
			value, needed := m.Value(key, layer(t, string(test.field)+"="+test.said), layer(t, string(test.field)+"="+test.wide), test.present)
			assert.Equal(t, test.want != "-", needed)
			if needed {
				assert.Equal(t, test.want, value)
			}
		})
	}
}

func TestIrrevocable(t *testing.T) {
	tests := []struct {
		mesh, settings, wide string
		want                 string // fields
	}{
		{"FSM", "excludeOutboundPorts=80", "excludeOutboundPorts=80", ""},
		{"FSM", "excludeOutboundPorts=80", "excludeOutboundPorts=80,90", "excludeOutboundPorts"},
		{"FSM", "", "excludeInboundPorts=80 excludeOutboundIPRanges=10.0.0.0/8", "excludeInboundPorts excludeOutboundIPRanges"},
		{"FSM", "includeInboundPorts=90", "excludeInboundPorts=80", ""},
		{"FSM", "includeInboundPorts=80", "excludeInboundPorts=80", "excludeInboundPorts"},
		{"FSM", "excludeOutboundIPRanges=10.0.0.0/8", "excludeOutboundIPRanges=10.1.0.0/16", ""},
		{"FSM", "excludeOutboundIPRanges=10.0.0.0/8 includeOutboundPorts=7001", "excludeOutboundIPRanges=10.1.0.0/16", "excludeOutboundIPRanges"},
		{"FSM", "", "includeOutboundIPRanges=10.0.0.0/8", "includeOutboundIPRanges"},
		{"FSM", "includeOutboundIPRanges=192.0.2.0/24", "includeOutboundIPRanges=10.0.0.0/8", ""},
		{"FSM", "includeOutboundIPRanges=", "includeOutboundIPRanges=10.0.0.0/8", ""},
		{"FSM", "includeOutboundIPRanges=10.0.0.0/8 includeOutboundPorts=7001", "includeOutboundIPRanges=10.0.0.0/8", "includeOutboundIPRanges"},
		{"Kuma", "excludeOutboundPorts=80", "excludeOutboundPorts=80,90", ""}, // a value replaces
		{"Kuma", "", "excludeOutboundPorts=80", "excludeOutboundPorts"},
		{"Kuma", "excludeOutboundIPRanges=10.0.0.0/8", "excludeOutboundIPRanges=10.0.0.0/8", ""},
		{"Kuma", "excludeOutboundIPRanges=192.0.2.0/24", "excludeOutboundIPRanges=10.0.0.0/8", "excludeOutboundIPRanges"},
		{"Istio", "", "excludeOutboundPorts=80", ""},
		{"Linkerd", "", "excludeOutboundPorts=80", ""},
	}
	for _, test := range tests {
		t.Run(test.mesh+" "+test.settings+" on "+test.wide, func(t *testing.T) {
			m, settings, wide := named(t, test.mesh), layer(t, test.settings).Settings(), layer(t, test.wide)
			said, _ := m.Express(settings, wide)
			var fields []string
			for _, g := range m.Irrevocable(settings, said, wide) {
				fields = append(fields, string(g.Field))
				assert.NotEmpty(t, g.Reason)
			}
			assert.Equal(t, test.want, strings.Join(fields, " "))
		})
	}
}

func TestUnmeshed(t *testing.T) {
	tests := []struct {
		mesh, labels, annotations string // "key=value"
		unmeshed                  bool
	}{
		{"FSM", "", "", false},
		{"FSM", "", "flomesh.io/sidecar-injection=enabled", false},
		{"FSM", "", "flomesh.io/sidecar-injection=Disabled", true},
		{"FSM", "", "flomesh.io/sidecar-injection=no", true},
		{"FSM", "flomesh.io/sidecar-injection=disabled", "", false},
		{"OSM", "", "openservicemesh.io/sidecar-injection=false", true},
		{"OSM", "", "flomesh.io/sidecar-injection=false", false},
		{"Linkerd", "", "linkerd.io/inject=disabled", true},
		{"Linkerd", "", "linkerd.io/inject=ingress", false},
		{"Linkerd", "linkerd.io/inject=disabled", "", false},
		{"Linkerd", "linkerd.io/control-plane-component=destination", "", true},
		{"Consul", "", "consul.hashicorp.com/connect-inject=true", false},
		{"Consul", "", "consul.hashicorp.com/connect-inject=F", true},
		{"Consul", "", "consul.hashicorp.com/transparent-proxy=false", true},
		{"Consul", "", "consul.hashicorp.com/gateway-kind=mesh-gateway", false},
		{"Kuma", "kuma.io/sidecar-injection=disabled", "", true},
		{"Kuma", "kuma.io/sidecar-injection=enabled", "kuma.io/sidecar-injection=disabled", false},
		{"Kuma", "", "kuma.io/sidecar-injection=no", false},
		{"Kuma", "", "kuma.io/gateway=builtin", true},
		{"Kuma", "", "kuma.io/gateway=disabled", false},
		{"Kuma", "", "kuma.io/gateway=enabled", false}, // its outbound traffic is intercepted
	}
	for _, test := range tests {
		t.Run(test.mesh+" "+test.labels+" "+test.annotations, func(t *testing.T) {
			m := named(t, test.mesh)
			assert.Equal(t, test.unmeshed, m.Unmeshed(pairs(test.labels), pairs(test.annotations)) != "")
		})
	}
}

func TestUnmeshedNamespace(t *testing.T) {
	tests := []struct {
		mesh, labels, annotations string
		unmeshed                  bool
	}{
		{"Istio", "istio-injection=disabled", "", true},
		{"Istio", "istio-injection=enabled", "", false},
		{"FSM", "flomesh.io/monitored-by=fsm", "flomesh.io/sidecar-injection=enabled", false},
		{"FSM", "", "flomesh.io/sidecar-injection=disabled", true},
		{"FSM", "flomesh.io/ignore=true", "", true},
		{"OSM", "openservicemesh.io/ignore=", "", true},
		{"Linkerd", "", "linkerd.io/inject=enabled", false},
		{"Linkerd", "", "linkerd.io/inject=disabled", true},
		{"Linkerd", "config.linkerd.io/admission-webhooks=disabled", "", true},
		{"Consul", "consul.hashicorp.com/transparent-proxy=false", "", true},
		{"Consul", "consul.hashicorp.com/transparent-proxy=true", "", false},
		{"Kuma", "kuma.io/sidecar-injection=enabled", "", false},
		{"Kuma", "kuma.io/sidecar-injection=disabled", "", true},
	}
	for _, test := range tests {
		t.Run(test.mesh+" "+test.labels+" "+test.annotations, func(t *testing.T) {
			m := named(t, test.mesh)
			assert.Equal(t, test.unmeshed, m.UnmeshedNamespace(pairs(test.labels), pairs(test.annotations)) != "")
		})
	}
}

func pairs(text string) map[string]string {
	values := map[string]string{}
	for part := range strings.FieldsSeq(text) {
		key, value, _ := strings.Cut(part, "=")
		values[key] = value
	}
	return values
}

// TestOwned: no port of the mesh itself is the user's, and a mesh's values that
// say nothing name only such ports.
func TestOwned(t *testing.T) {
	tests := []struct {
		mesh, port string
		owned      bool
	}{
		{"FSM", "15003", true}, {"FSM", "15004-15009", false}, {"FSM", "15900-15910", true},
		{"Linkerd", "4143", true}, {"Linkerd", "4567", false}, {"Linkerd", "4000-5000", true},
		{"Consul", "20000", true}, {"Consul", "20001", false},
		{"Kuma", "15006", true}, {"Kuma", "15000", false},
	}
	for _, test := range tests {
		t.Run(test.mesh+" "+test.port, func(t *testing.T) {
			ports, err := traffic.ParsePorts(test.port)
			require.NoError(t, err)
			assert.Equal(t, test.owned, len(named(t, test.mesh).Owned(ports)) > 0)
		})
	}
}
