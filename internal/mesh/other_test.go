package mesh_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
)

func TestOther(t *testing.T) {
	const inbound, outbound = "excludeInboundPorts=1-65535", "excludeOutbound=0.0.0.0/0@1-65535,::/0@1-65535"
	tests := []struct{ name, mesh, annotation, value, want string }{
		{"interfaces", "Istio", "traffic.sidecar.istio.io/excludeInterfaces", "eth0", inbound + " " + outbound},
		{"no interfaces", "Istio", "traffic.sidecar.istio.io/excludeInterfaces", "", ""},
		{"interfaces of a virtual machine", "Istio", "istio.io/reroute-virtual-interfaces", "net1", inbound},
		{"no interception", "Istio", "sidecar.istio.io/interceptionMode", "NONE", inbound + " " + outbound},
		{"another interception", "Istio", "sidecar.istio.io/interceptionMode", "TPROXY", ""},
		{"the status port", "Istio", "status.sidecar.istio.io/port", "8080", "excludeInboundPorts=8080"},
		{"a status port that is no port", "Istio", "status.sidecar.istio.io/port", "0x1f90", inbound},
		{"no status port", "Istio", "status.sidecar.istio.io/port", "0", ""},
		{"a key of tomorrow", "Istio", "traffic.sidecar.istio.io/excludeEverything", "true", inbound + " " + outbound},
		{"a key of Keys", "Istio", "traffic.sidecar.istio.io/excludeOutboundPorts", "443", "none"},
		{"a key about something else", "Istio", "sidecar.istio.io/proxyCPU", "1", "none"},
		{"callers", "Linkerd", "config.linkerd.io/skip-subnets", "10.0.0.0/8", inbound},
		{"the admin port", "Linkerd", "config.linkerd.io/admin-port", "8443", "excludeInboundPorts=8443"},
		{"the outbound port as it is", "Linkerd", "config.linkerd.io/outbound-port", "4140", ""},
		{"the proxy's user", "Linkerd", "config.linkerd.io/proxy-uid", "1000", outbound},
		{"opaque ports", "Linkerd", "config.linkerd.io/opaque-ports", "443", "none"},
		{"users", "Consul", "consul.hashicorp.com/transparent-proxy-exclude-uids", "1000", outbound},
		{"the port for metrics", "Consul", "consul.hashicorp.com/prometheus-scrape-port", "8443", "excludeInboundPorts=8443"},
		{"ports of a user", "Kuma", "traffic.kuma.io/exclude-outbound-ports-for-uids", "tcp:443,8000-8010:1000;9090:2000", "excludeOutboundPorts=443,8000-8010,9090"},
		{"every port of a user", "Kuma", "traffic.kuma.io/exclude-outbound-ports-for-uids", "1000", outbound},
		{"the older key", "Kuma", "traffic.kuma.io/exclude-outbound-tcp-ports-for-uids", "443:1000", "excludeOutboundPorts=443"},
		{"a ConfigMap", "Kuma", "traffic.kuma.io/transparent-proxy-configmap-name", "mine", inbound + " " + outbound},
		{"logs", "Kuma", "traffic.kuma.io/iptables-logs", "true", "none"},
	}
	for _, test := range tests {
		t.Run(test.mesh+" "+test.name, func(t *testing.T) {
			m, found := mesh.ByName(test.mesh)
			require.True(t, found)
			other, bypasses := m.Other(test.annotation)
			if !bypasses {
				assert.Equal(t, test.want, "none")
				return
			}
			lets, _ := other.Lets(test.value)
			assert.Equal(t, test.want, strings.TrimSpace(strings.ReplaceAll(lets.String(), "\n", " ")))
		})
	}
}

func TestOthersAreWhatTheySay(t *testing.T) {
	for _, m := range mesh.All() {
		for _, o := range m.Others {
			assert.True(t, o.Opens == 0 || o.Source != "", "%s has no source", o.Annotation)
			for _, value := range append(o.Harmless, "", " ") {
				lets, exact := o.Lets(value)
				assert.True(t, lets.IsZero() && exact, "%s: %q", o.Annotation, value)
			}
		}
		for _, prefix := range m.Prefixes {
			assert.Regexp(t, `/$|/[a-z-]+-$`, prefix)
		}
	}
}
