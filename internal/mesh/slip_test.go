package mesh_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
)

func TestSlips(t *testing.T) {
	const istio, linkerd, consul, kuma = "traffic.sidecar.istio.io/", "config.linkerd.io/", "consul.hashicorp.com/", "traffic.kuma.io/"
	tests := []struct {
		name, mesh, annotation string
		meant                  string // those that are meant, "-" if the mesh only does not know it, "" if it is no slip
	}{
		{"a letter is missing", "Istio", istio + "excludeOutbondPorts", istio + "excludeOutboundPorts"},
		{"the singular", "Istio", istio + "excludeOutboundIPRange", istio + "excludeOutboundIPRanges"},
		{"another case", "Istio", istio + "ExcludeOutboundIpRanges", istio + "excludeOutboundIPRanges"},
		{"capital letters", "Istio", "TRAFFIC.sidecar.istio.io/EXCLUDEINBOUNDPORTS", istio + "excludeInboundPorts"},
		{"another style", "Istio", istio + "exclude-inbound-ports", istio + "excludeInboundPorts"},
		{"a letter that looks alike", "Istio", istio + "ехcludeInboundPorts", istio + "excludeInboundPorts"},
		{"another of its prefixes", "Istio", "sidecar.istio.io/includeInboundPorts", istio + "includeInboundPorts"},
		{"its domain alone", "Istio", "istio.io/includeOutboundPorts", istio + "includeOutboundPorts"},
		{"a prefix with a slip", "Istio", "trafic.sidecar.istio.io/excludeInboundPorts", istio + "excludeInboundPorts"},
		{"a domain with a slip", "Istio", "traffic.sidecar.istio.oi/excludeInboundPorts", istio + "excludeInboundPorts"},
		{"a prefix that Istio had in mind once", "Istio", "traffic.istio.io/excludeOutboundPorts", istio + "excludeOutboundPorts"},
		{"no prefix at all", "Istio", "excludeInboundPorts", istio + "excludeInboundPorts"},
		{"IPs for ranges", "Istio", istio + "excludeOutboundIPs", istio + "excludeOutboundIPRanges"},
		{"traffic for ports", "Istio", istio + "excludeInboundTraffic", istio + "excludeInboundPorts"},
		{"skip for exclude", "Istio", istio + "skipOutboundPorts", istio + "excludeOutboundPorts"},
		{"a list without its end", "OSM", "openservicemesh.io/outbound-port-exclusion", "openservicemesh.io/outbound-port-exclusion-list"},
		{"the same in FSM", "FSM", "flomesh.io/outbound-port-exclusion", "flomesh.io/outbound-port-exclusion-list"},
		{"a beginning is missing", "Consul", consul + "exclude-inbound-ports", consul + "transparent-proxy-exclude-inbound-ports"},
		{"ignore for skip", "Linkerd", linkerd + "ignore-outbound-ports", linkerd + "skip-outbound-ports"},
		{"no direction", "Linkerd", "linkerd.io/skip-ports", linkerd + "skip-inbound-ports " + linkerd + "skip-outbound-ports"},
		{"CIDRs for IPs", "Kuma", kuma + "exclude-outbound-cidrs", kuma + "exclude-outbound-ips"},
		{"what is not about traffic", "Istio", "sidecar.istio.io/proxyCpu", "sidecar.istio.io/proxyCPU"},
		{"the same under another prefix", "Linkerd", "linkerd.io/proxy-cpu-limit", linkerd + "proxy-cpu-limit"},
		{"an opt-out", "Istio", "sidecar.istio.io/injct", "sidecar.istio.io/inject"},
		{"an opt-out under another prefix", "Linkerd", linkerd + "inject", "linkerd.io/inject"},
		{"what no key is like", "Istio", istio + "excludeHosts", "-"},
		{"what would mean something else", "Istio", istio + "excludeInboundIPRanges", "-"},
		{"a word that no key has", "Linkerd", linkerd + "skip-outbound-hostnames", "-"},
		{"one of its keys", "Istio", istio + "excludeInboundPorts", ""},
		{"the proxy's configuration", "Istio", "proxy.istio.io/config", ""},
		{"what the mesh's operator writes", "Istio", "install.operator.istio.io/owning-resource", ""},
		{"a key with an end of one's own", "Consul", consul + "service-meta-team", ""},
		{"a subdomain that it does not use", "Istio", "kiali.istio.io/dashboard", ""},
		{"another domain", "Istio", "example.com/excludeInboundPorts", ""},
		{"a domain that only ends alike", "Istio", "traffic.notistio.io/excludeInboundPorts", ""},
		{"no prefix and something else", "Istio", "excludePorts", ""},
		{"another mesh's inject", "Istio", "linkerd.io/inject", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m, _ := mesh.ByName(test.mesh)
			slips := m.Slips(map[string]string{test.annotation: "1"})
			if test.meant == "" {
				assert.Empty(t, slips)
				return
			}
			require.Len(t, slips, 1)
			assert.Equal(t, test.annotation, slips[0].Key)
			assert.Equal(t, strings.Trim(test.meant, "-"), strings.Join(slips[0].Meant, " "))
			assert.Nil(t, slips[0].Reader)
			if slips[0].Field != "" {
				key, _ := m.Key(slips[0].Field)
				assert.Equal(t, test.meant, key.Annotation)
			}
		})
	}
}

// A key that a mesh reads only as a label is one of those that are no annotation, and
// the other way round.
func TestKeysInTheWrongPlace(t *testing.T) {
	tests := []struct {
		mesh, key      string
		asLabel, moved bool
		meant          string
	}{
		{"Kuma", "kuma.io/sidecar-injection", false, true, ""},
		{"Kuma", "kuma.io/sidecar-injection", true, false, ""},
		{"Istio", "istio.io/dataplane-mode", false, true, ""},
		{"Istio", "sidecar.istio.io/inject", false, false, ""},
		{"Istio", "sidecar.istio.io/inject", true, false, ""},
		{"Istio", "sidecar.istio.io/Inject", true, false, "sidecar.istio.io/inject"},
		{"Istio", "istio.io/dataplane_mode", true, false, "istio.io/dataplane-mode"},
		{"Istio", "traffic.sidecar.istio.io/excludeInboundPorts", true, true, ""},
		{"Istio", "traffic.sidecar.istio.io/excludeInboundPort", true, false, "traffic.sidecar.istio.io/excludeInboundPorts"},
		{"Istio", "istio.io/gateway-name", true, false, ""},
		{"Istio", "istio.io/team", true, false, ""},
		{"Istio", "app", true, false, ""},
		{"Linkerd", "linkerd.io/inject", true, true, ""},
		{"Linkerd", "linkerd.io/control-plane-ns", true, false, ""},
		{"Consul", "consul.hashicorp.com/connect-inject", true, true, ""},
		{"FSM", "flomesh.io/sidecar-injection", true, true, ""},
		{"OSM", "openservicemesh.io/sidecar-injection", true, true, ""},
	}
	for _, test := range tests {
		m, _ := mesh.ByName(test.mesh)
		find := m.Slips
		if test.asLabel {
			find = m.LabelSlips
		}
		slips := find(map[string]string{test.key: "1"})
		if !test.moved && test.meant == "" {
			assert.Empty(t, slips, "%+v", test)
			continue
		}
		require.Len(t, slips, 1, "%+v", test)
		assert.Equal(t, test.moved, slips[0].Moved, "%+v", test)
		assert.Equal(t, test.meant, strings.Join(slips[0].Meant, " "), "%+v", test)
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
				var meant []string
				if key, has := n.Key(k.Field); has {
					meant = []string{key.Annotation}
				}
				assert.Equal(t, mesh.Slip{Key: k.Annotation, Field: k.Field, Meant: meant, Reader: m}, slips[0])
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
		order = append(order, s.Key)
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
		"kuma.io/init-first", "traffic.kuma.io/exclude-inbound-ips", "traffic.kuma.io/exclude-outbound-ports-for-uids",
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
