package mesh_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
)

func TestIstioSlips(t *testing.T) {
	istio, _ := mesh.ByName("Istio")
	tests := []struct {
		name, annotation string
		meant            string // "" if it is no slip
	}{
		{"a letter is missing", "traffic.sidecar.istio.io/excludeOutbondPorts", "traffic.sidecar.istio.io/excludeOutboundPorts"},
		{"the singular", "traffic.sidecar.istio.io/excludeOutboundIPRange", "traffic.sidecar.istio.io/excludeOutboundIPRanges"},
		{"another case", "traffic.sidecar.istio.io/ExcludeOutboundIpRanges", "traffic.sidecar.istio.io/excludeOutboundIPRanges"},
		{"another style", "traffic.sidecar.istio.io/exclude-inbound-ports", "traffic.sidecar.istio.io/excludeInboundPorts"},
		{"another of its prefixes", "sidecar.istio.io/includeInboundPorts", "traffic.sidecar.istio.io/includeInboundPorts"},
		{"its domain alone", "istio.io/includeOutboundPorts", "traffic.sidecar.istio.io/includeOutboundPorts"},
		{"a prefix with a slip", "trafic.sidecar.istio.io/excludeInboundPorts", "traffic.sidecar.istio.io/excludeInboundPorts"},
		{"a domain with a slip", "traffic.sidecar.istio.oi/excludeInboundPorts", "traffic.sidecar.istio.io/excludeInboundPorts"},
		{"one of its keys", "traffic.sidecar.istio.io/excludeInboundPorts", ""},
		{"a key beside them", "traffic.sidecar.istio.io/kubevirtInterfaces", ""},
		{"interfaces", "traffic.sidecar.istio.io/excludeInterfaces", ""},
		{"the injector's key", "sidecar.istio.io/inject", ""},
		{"the proxy's configuration", "proxy.istio.io/config", ""},
		{"what no key is like", "traffic.sidecar.istio.io/excludeHosts", ""},
		{"what would mean something else", "traffic.sidecar.istio.io/excludeInboundIPRanges", ""},
		{"another domain", "example.com/excludeInboundPorts", ""},
		{"a domain that only ends alike", "traffic.notistio.io/excludeInboundPorts", ""},
		{"no prefix at all", "excludeInboundPorts", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			slips := istio.Slips(map[string]string{test.annotation: "1"})
			if test.meant == "" {
				assert.Empty(t, slips)
				return
			}
			require.Len(t, slips, 1)
			assert.Equal(t, test.annotation, slips[0].Annotation)
			assert.Equal(t, test.meant, slips[0].Meant)
			assert.Nil(t, slips[0].Reader)
			key, _ := istio.Key(slips[0].Field)
			assert.Equal(t, test.meant, key.Annotation)
		})
	}
}

// Whatever a mesh reads is no slip in it. Its bypass annotations are one in
// every other mesh, and the other mesh says what it reads instead.
func TestNoMeshTakesItsOwnAnnotationsForSlips(t *testing.T) {
	for _, name := range mesh.Names() {
		m, _ := mesh.ByName(name)
		for _, other := range m.Others {
			assert.Empty(t, m.Slips(map[string]string{other.Annotation: ""}), "%s in %s", other.Annotation, name)
		}
		for _, k := range m.Keys {
			prefix, _, _ := strings.Cut(k.Annotation, "/")
			assert.True(t, prefix == m.Domain || strings.HasSuffix(prefix, "."+m.Domain), "%s is of the domain of %s", k.Annotation, name)
			for _, elsewhere := range mesh.Names() {
				n, _ := mesh.ByName(elsewhere)
				slips := n.Slips(map[string]string{k.Annotation: ""})
				if n == m {
					assert.Empty(t, slips, "%s in %s", k.Annotation, name)
					continue
				}
				require.Len(t, slips, 1, "%s in %s", k.Annotation, elsewhere)
				meant, _ := n.Key(k.Field)
				assert.Equal(t, mesh.Slip{Annotation: k.Annotation, Field: k.Field, Meant: meant.Annotation, Reader: m}, slips[0])
			}
		}
	}
}

func TestSlipsAreInOrder(t *testing.T) {
	istio, _ := mesh.ByName("Istio")
	annotations := map[string]string{}
	for _, key := range []string{"c.istio.io/excludeInboundPorts", "b.istio.io/excludeInboundPorts", "a.istio.io/excludeInboundPorts"} {
		annotations[key] = ""
	}
	var order []string
	for _, s := range istio.Slips(annotations) {
		order = append(order, s.Annotation)
	}
	assert.IsNonDecreasing(t, order)
	assert.Len(t, order, 3)
}

// What the meshes read of a pod beside the keys that bypass: istio/api
// annotation/annotations.yaml, flomesh-io/fsm pkg/constants/constants.go,
// linkerd/linkerd2 pkg/k8s/labels.go, hashicorp/consul-k8s
// control-plane/connect-inject/constants/annotations_and_labels.go, kumahq/kuma
// pkg/plugins/runtime/k8s/metadata/annotations.go.
var readBeside = map[string][]string{
	"Istio": {
		"sidecar.istio.io/inject", "sidecar.istio.io/interceptionMode", "sidecar.istio.io/nativeSidecar", "sidecar.istio.io/status",
		"sidecar.istio.io/statsInclusionPrefixes", "sidecar.istio.io/extraStatTags", "sidecar.istio.io/proxyCPU",
		"proxy.istio.io/config", "proxy.istio.io/overrides", "inject.istio.io/templates", "istio.io/reroute-virtual-interfaces",
		"traffic.sidecar.istio.io/excludeInterfaces", "traffic.sidecar.istio.io/kubevirtInterfaces",
		"ambient.istio.io/bypass-inbound-capture",
	},
	"FSM": {"flomesh.io/sidecar-injection", "flomesh.io/metrics", "flomesh.io/service-exclusion-list"},
	"OSM": {"openservicemesh.io/sidecar-injection", "openservicemesh.io/metrics"},
	"Linkerd": {
		"linkerd.io/inject", "config.linkerd.io/skip-subnets", "config.linkerd.io/opaque-ports", "config.linkerd.io/inbound-port",
		"config.linkerd.io/outbound-port", "config.linkerd.io/pod-inbound-ports", "config.linkerd.io/proxy-uid",
		"config.linkerd.io/proxy-require-identity-inbound-ports", "config.linkerd.io/default-inbound-policy",
	},
	"Consul": {
		"consul.hashicorp.com/connect-inject", "consul.hashicorp.com/transparent-proxy", "consul.hashicorp.com/transparent-proxy-exclude-uids",
		"consul.hashicorp.com/transparent-proxy-overwrite-probes", "consul.hashicorp.com/connect-service-port", "consul.hashicorp.com/consul-dns",
	},
	"Kuma": {
		"kuma.io/sidecar-injection", "kuma.io/init-first", "traffic.kuma.io/exclude-inbound-ips", "traffic.kuma.io/exclude-outbound-ports-for-uids",
		"traffic.kuma.io/drop-invalid-packets", "traffic.kuma.io/iptables-logs", "traffic.kuma.io/transparent-proxy-configmap-name",
	},
}

func TestWhatAMeshReadsBesideIsNoSlip(t *testing.T) {
	for _, m := range mesh.All() {
		require.NotEmpty(t, readBeside[m.Name], m.Name)
		for _, key := range readBeside[m.Name] {
			assert.Empty(t, m.Slips(map[string]string{key: ""}), "%s in %s", key, m.Name)
		}
	}
}
