package lint_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/guardrail"
	"github.com/krm-bypass/krm-bypass/internal/lint"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// bypassing is a policy that says one layer of every workload, given as
// "excludeInboundPorts=9090,9091 excludeOutboundPorts=3306", in Ambient behind "Ambient".
func bypassing(t testing.TB, fields string) *transform.Policy {
	t.Helper()
	istio, _ := mesh.ByName("Istio")
	var layer traffic.Layer
	fields, ambient := strings.CutPrefix(fields, "Ambient ")
	plane := map[bool]mesh.DataPlane{true: mesh.Ambient}[ambient]
	for field := range strings.FieldsSeq(fields) {
		name, entries, _ := strings.Cut(field, "=")
		require.NoError(t, layer.Set(traffic.Field(name), traffic.SplitList(entries)))
	}
	return &transform.Policy{
		Mesh: istio, Mode: transform.InitContainer,
		Enforcement: transform.Enforcement{Image: "registry.example.com/init:v1"},
		Scopes:      []transform.Scope{{Path: "spec.global", Layer: layer, Plane: plane}},
		Lint:        map[string]string{},
	}
}

// only silences every check but those.
func only(p *transform.Policy, names ...string) *transform.Policy {
	for _, c := range lint.Checks() {
		if !slices.Contains(names, c.ID) {
			p.Lint[c.ID] = string(finding.Ignore)
		}
	}
	return p
}

// found gives what the linter finds in documents, in order.
func found(t testing.TB, policy *transform.Policy, documents ...string) []lint.Finding {
	t.Helper()
	var commons []*transform.Common
	for i, text := range documents {
		transform.Objects(object.Part{}, parsed(t, text), func(object.Type) bool { return true }, func(seen *transform.Object, o object.Object) {
			if c := policy.Common(seen, o); c != nil {
				c.Item, commons = i, append(commons, c)
			}
		})
	}
	l := lint.New(policy, commons, func(is func(object.Type) bool) bool {
		return slices.ContainsFunc(documents, func(text string) bool { return is(object.TypeOf(node.Of(parsed(t, text)))) })
	})
	var workloads []*lint.Workload
	var all []lint.Finding
	nodes := make([]*yaml.Node, len(documents))
	for i, text := range documents {
		nodes[i] = &yaml.Node{}
		require.NoError(t, yaml.Unmarshal([]byte(text), nodes[i]), text)
		views, problems := policy.Workloads(transform.Document{Nodes: nodes[i], Source: func(path edit.Path) (string, error) {
			return edit.NodeSource(node.Of(nodes[i]).At(path...).Node()), nil
		}})
		require.Empty(t, problems)
		var plans []*transform.Plan
		for _, w := range views {
			plan := policy.Plan(w)
			require.False(t, plan.Failed(), plan.Findings)
			require.NoError(t, edit.Nodes(nodes[i], plan.Edits))
			plans = append(plans, plan)
		}
		seen, findings := l.Look(plans, node.Of(nodes[i]), i)
		workloads, all = append(workloads, seen...), append(all, findings...)
	}
	wanted := l.Wants(workloads, func(is func(object.Type) bool) bool {
		return slices.ContainsFunc(nodes, func(n *yaml.Node) bool { return is(object.TypeOf(node.Of(n))) })
	})
	var items lint.Items
	for i, document := range nodes {
		head := object.HeadOf(document)
		is, named := wanted.Type(head.Type)
		if named {
			is = wanted.Name(head.Type, head.Name)
		}
		if is && wanted.Text(head.Type, []byte(documents[i])) {
			items = append(items, wanted.Read(object.Part{}, node.Of(document), i)...)
		}
	}
	all = append(all, l.Judge(workloads, wanted, items)...)
	slices.SortFunc(all, func(a, b lint.Finding) int { return cmp.Compare(line(a), line(b)) })
	return all
}

func line(f lint.Finding) string {
	return fmt.Sprintf("%s: %s: %s: %s", f.Kind.ID, f.Object.Kind+" "+f.Object.Name, f.Path, f.Message)
}

// workload is a Deployment in shop with a label app of its name, and more labels.
func workload(name string, labels ...string) string {
	more := ""
	for _, l := range labels {
		more += ", " + l
	}
	return fmt.Sprintf(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s, namespace: shop}
spec:
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata:
      labels: {app: %[1]s%[2]s}
    spec:
      containers:
      - name: app
        image: app:1
        ports:
        - {name: http, containerPort: 8080}
        - {name: metrics, containerPort: 9090}
        - {name: dns, containerPort: 5353, protocol: UDP}
`, name, more)
}

func peerAuthentication(namespace, name, spec string) string {
	return fmt.Sprintf("apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: %s, namespace: %s}\nspec: %s\n", name, namespace, spec)
}

func serviceOf(name, spec string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: Service\nmetadata: {name: %s, namespace: shop}\nspec: %s\n", name, spec)
}

func istioObject(group, kind, name, spec string) string {
	return fmt.Sprintf("apiVersion: %s.istio.io/v1\nkind: %s\nmetadata: {name: %s, namespace: shop}\nspec: %s\n", group, kind, name, spec)
}

func ciliumMap(data string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cilium-config, namespace: kube-system}\ndata: {" + data + "}\n"
}

// TestChecks runs one check at a time. want are the beginnings of the findings'
// lines, with "…" for what is between two parts of one.
func TestChecks(t *testing.T) {
	const ordersPort = "{selector: {app: orders}, ports: [{name: m, port: 90, targetPort: metrics}]}"
	metrics := "excludeInboundPorts=9090"
	tests := []checkCase{
		// Precedence: a selector before the namespace before the mesh.
		{"strict-mtls", "the mesh's", metrics, []string{peerAuthentication("istio-system", "default", "{mtls: {mode: STRICT}}")},
			[]string{"PeerAuthentication default: spec.mtls.mode: mTLS is not enforced…port 9090 of Deployment shop/orders:"}},
		{"strict-mtls", "the namespace's before the mesh's", metrics, []string{
			peerAuthentication("istio-system", "default", "{mtls: {mode: STRICT}}"),
			peerAuthentication("shop", "default", "{mtls: {mode: PERMISSIVE}}"),
		}, nil},
		{"strict-mtls", "unset is the broader one's", metrics, []string{
			peerAuthentication("istio-system", "mesh", "{mtls: {mode: STRICT}}"),
			peerAuthentication("shop", "namespace", "{mtls: {mode: UNSET}}"),
			peerAuthentication("shop", "workload", "{selector: {matchLabels: {app: orders}}}"),
		}, []string{"PeerAuthentication mesh: spec.mtls.mode"}},
		{"strict-mtls", "the workload's before the namespace's", metrics, []string{
			peerAuthentication("shop", "default", "{mtls: {mode: PERMISSIVE}}"),
			peerAuthentication("shop", "orders", "{selector: {matchLabels: {app: orders}}, mtls: {mode: STRICT}}"),
		}, []string{"PeerAuthentication orders: spec.mtls.mode"}},
		{"strict-mtls", "a port before the rest", metrics, []string{
			peerAuthentication("shop", "orders", "{selector: {matchLabels: {app: orders}}, mtls: {mode: STRICT}, portLevelMtls: {9090: {mode: DISABLE}}}"),
		}, nil},
		{"strict-mtls", "a port alone", metrics, []string{
			peerAuthentication("shop", "orders", `{selector: {matchLabels: {app: orders}}, portLevelMtls: {"9090": {mode: STRICT}}}`),
		}, []string{"PeerAuthentication orders: spec.portLevelMtls.9090.mode"}},
		{"strict-mtls", "a selector of others", metrics, []string{peerAuthentication("shop", "x", "{selector: {matchLabels: {app: orders, tier: db}}, mtls: {mode: STRICT}}")}, nil},
		{"strict-mtls", "a selector in the root namespace selects nothing", metrics, []string{peerAuthentication("istio-system", "x", "{selector: {matchLabels: {app: orders}}, mtls: {mode: STRICT}}")}, nil},
		{"strict-mtls", "another namespace's", metrics, []string{peerAuthentication("bank", "default", "{mtls: {mode: STRICT}}")}, nil},
		{"strict-mtls", "another root namespace", metrics, []string{
			peerAuthentication("mesh-root", "default", "{mtls: {mode: STRICT}}"),
			"apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nmetadata: {name: mesh}\nspec: {meshConfig: {rootNamespace: mesh-root}}\n",
		}, []string{"PeerAuthentication default: spec.mtls.mode"}},
		{"strict-mtls", "one of two, and nobody knows which", metrics, []string{
			peerAuthentication("shop", "a", "{mtls: {mode: STRICT}}"),
			peerAuthentication("shop", "b", "{mtls: {mode: PERMISSIVE}}"),
		}, []string{"PeerAuthentication a: spec.mtls.mode: …if this one counts: only the oldest of PeerAuthentication shop/a, PeerAuthentication shop/b does"}},
		{"strict-mtls", "one that two overlays have", metrics, []string{
			peerAuthentication("shop", "a", "{mtls: {mode: STRICT}}"),
			peerAuthentication("shop", "a", "{mtls: {mode: STRICT}}"),
		}, []string{"PeerAuthentication a: spec.mtls.mode: …with a NetworkPolicy", "PeerAuthentication a: spec.mtls.mode: …with a NetworkPolicy"}},
		{"strict-mtls", "one of two, and the other is older", metrics, []string{
			strings.Replace(peerAuthentication("shop", "a", "{mtls: {mode: STRICT}}"), "name: a", "name: a, creationTimestamp: '2025-02-01T00:00:00Z'", 1),
			strings.Replace(peerAuthentication("shop", "b", "{mtls: {mode: PERMISSIVE}}"), "name: b", "name: b, creationTimestamp: '2024-02-01T00:00:00Z'", 1),
		}, nil},
		{"strict-mtls", "what is not included", "includeInboundPorts=8080", []string{peerAuthentication("shop", "default", "{mtls: {mode: STRICT}}")},
			[]string{"PeerAuthentication default: spec.mtls.mode: …ports 1-8079, 8081-14999, 15091-65535 of"}},
		{"strict-mtls", "UDP is no matter of mTLS", "excludeInboundPorts=9090/UDP", []string{peerAuthentication("shop", "default", "{mtls: {mode: STRICT}}")}, nil},
		{"strict-mtls", "another group's kind", metrics, []string{"apiVersion: example.com/v1\nkind: PeerAuthentication\nmetadata: {name: default, namespace: shop}\nspec: {mtls: {mode: STRICT}}\n"}, nil},
		{"strict-mtls", "within a List", metrics, []string{"apiVersion: v1\nkind: List\nitems:\n- {apiVersion: security.istio.io/v1beta1, kind: PeerAuthentication, metadata: {name: default, namespace: shop}, spec: {mtls: {mode: STRICT}}}\n"},
			[]string{"PeerAuthentication default: items[0].spec.mtls.mode"}},

		{"authorization-policy", "an ALLOW refuses what it does not name", metrics, []string{istioObject("security", "AuthorizationPolicy", "a", "{rules: [{to: [{operation: {ports: ['8080']}}]}]}")},
			[]string{"AuthorizationPolicy a: spec: nothing asks this ALLOW policy"}},
		{"authorization-policy", "an empty ALLOW refuses everything", metrics, []string{istioObject("security", "AuthorizationPolicy", "a", "{}")}, []string{"AuthorizationPolicy a: spec: nothing asks this ALLOW"}},
		{"authorization-policy", "a DENY of another port", metrics, []string{istioObject("security", "AuthorizationPolicy", "a", "{action: DENY, rules: [{to: [{operation: {ports: ['8080']}}]}]}")}, nil},
		{"authorization-policy", "a DENY of this port", metrics, []string{istioObject("security", "AuthorizationPolicy", "a", "{action: DENY, rules: [{to: [{operation: {ports: ['8080']}}, {operation: {ports: ['9090']}}]}]}")}, []string{"AuthorizationPolicy a: spec: nothing asks this DENY"}},
		{"authorization-policy", "a DENY of all but this port", metrics, []string{istioObject("security", "AuthorizationPolicy", "a", "{action: DENY, rules: [{to: [{operation: {notPorts: ['9090']}}]}]}")}, nil},
		{"authorization-policy", "a DENY of every port", metrics, []string{istioObject("security", "AuthorizationPolicy", "a", "{action: DENY, rules: [{from: [{source: {namespaces: [x]}}]}]}")}, []string{"AuthorizationPolicy a"}},
		{"authorization-policy", "a DENY by a condition on another port", metrics, []string{istioObject("security", "AuthorizationPolicy", "a", "{action: DENY, rules: [{when: [{key: destination.port, values: ['8080']}]}]}")}, nil},
		{"authorization-policy", "a DENY of nothing", metrics, []string{istioObject("security", "AuthorizationPolicy", "a", "{action: DENY}")}, nil},
		{"authorization-policy", "of a waypoint", metrics, []string{istioObject("security", "AuthorizationPolicy", "a", "{targetRef: {kind: Service, name: orders}}")}, nil},
		{"authorization-policy", "of the mesh, with a selector", metrics, []string{"apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: a, namespace: istio-system}\nspec: {selector: {matchLabels: {app: orders}}}\n"}, []string{"AuthorizationPolicy a"}},

		{"request-authentication", "of the namespace", metrics, []string{istioObject("security", "RequestAuthentication", "r", "{jwtRules: [{issuer: x}]}")}, []string{"RequestAuthentication r: spec.jwtRules: nobody checks the token"}},
		{"request-authentication", "without rules", metrics, []string{istioObject("security", "RequestAuthentication", "r", "{}")}, nil},
		{"request-authentication", "of others", metrics, []string{istioObject("security", "RequestAuthentication", "r", "{selector: {matchLabels: {app: x}}, jwtRules: [{issuer: x}]}")}, nil},

		{"service-port", "by name", metrics, []string{serviceOf("orders", ordersPort)}, []string{"Service orders: spec.ports[0].targetPort: port 90 (m) leads to port 9090 of Deployment shop/orders"}},
		{"service-port", "by its own number", metrics, []string{serviceOf("orders", "{selector: {app: orders}, ports: [{port: 8080}, {port: 9090}]}")}, []string{"Service orders: spec.ports[1].port: port 9090 leads"}},
		{"service-port", "by number", metrics, []string{serviceOf("orders", "{selector: {app: orders}, ports: [{port: 80, targetPort: 9090}]}")}, []string{"Service orders: spec.ports[0].targetPort"}},
		{"service-port", "by a number that YAML may write otherwise", metrics, []string{serviceOf("orders", "{selector: {app: orders}, ports: [{port: 80, targetPort: 0x2382}]}"), serviceOf("more", `{selector: {app: orders}, ports: [{port: 80, targetPort: "\x39090"}]}`)}, []string{"Service more: spec.ports[0].targetPort", "Service orders: spec.ports[0].targetPort"}},
		{"service-port", "to another port", metrics, []string{serviceOf("orders", "{selector: {app: orders}, ports: [{port: 9090, targetPort: http}]}")}, nil},
		{"service-port", "to which plain text is meant", metrics, []string{serviceOf("orders", ordersPort), peerAuthentication("shop", "o", "{selector: {matchLabels: {app: orders}}, portLevelMtls: {9090: {mode: DISABLE}}}")}, nil},
		{"service-port", "to which a rule has plain text spoken", metrics, []string{serviceOf("orders", ordersPort), istioObject("networking", "DestinationRule", "orders", "{host: orders, trafficPolicy: {tls: {mode: DISABLE}}}")}, nil},
		{"service-port", "over UDP", metrics, []string{serviceOf("orders", "{selector: {app: orders}, ports: [{port: 9090, protocol: UDP}]}")}, nil},
		{"service-port", "a name of a UDP port", "excludeInboundPorts=5353", []string{serviceOf("orders", "{selector: {app: orders}, ports: [{port: 53, targetPort: dns}]}")}, nil},
		{"service-port", "of other pods", metrics, []string{serviceOf("x", "{selector: {app: orders, tier: db}, ports: [{port: 9090}]}")}, nil},
		{"service-port", "without a selector", metrics, []string{serviceOf("x", "{ports: [{port: 9090}]}")}, nil},
		{"service-port", "a Service of Knative", metrics, []string{"apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: x, namespace: shop}\nspec: {selector: {app: orders}, ports: [{port: 9090}]}\n"}, nil},

		{"auto-mtls", "with nothing else said", metrics, []string{serviceOf("orders", ordersPort)}, []string{"Deployment orders: spec.template.metadata.annotations[\"traffic.sidecar.istio.io/excludeInboundPorts\"]: …port 9090, by port 90 (m) of Service shop/orders, …add PeerAuthentication shop/orders-bypass"}},
		{"auto-mtls", "by what is not included", "includeInboundPorts=8080", []string{serviceOf("orders", ordersPort)}, []string{"Deployment orders: spec.template.metadata.annotations[\"traffic.sidecar.istio.io/includeInboundPorts\"]"}},
		{"auto-mtls", "without a Service", metrics, nil, nil},
		{"auto-mtls", "switched off for the mesh", metrics, []string{serviceOf("orders", ordersPort), "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio-1-28, namespace: istio-system}\ndata: {mesh: 'enableAutoMtls: false'}\n"}, nil},
		{"auto-mtls", "switched off for the namespace", metrics, []string{serviceOf("orders", ordersPort), peerAuthentication("shop", "default", "{mtls: {mode: DISABLE}}")}, nil},
		{"auto-mtls", "headless, and a port says DISABLE in vain", metrics, []string{
			serviceOf("orders", "{clusterIP: None, selector: {app: orders}, ports: [{port: 9090}]}"),
			peerAuthentication("shop", "orders", "{selector: {matchLabels: {app: orders}}, portLevelMtls: {9090: {mode: DISABLE}}}"),
		}, []string{"Deployment orders: …add DestinationRule shop/orders-bypass"}},
		{"auto-mtls", "headless, and the namespace says DISABLE", metrics, []string{
			serviceOf("orders", "{clusterIP: None, selector: {app: orders}, ports: [{port: 9090}]}"),
			peerAuthentication("shop", "default", "{mtls: {mode: DISABLE}}"),
		}, nil},
		{"auto-mtls", "a rule for the port of the Service, not of the pod", metrics, []string{serviceOf("orders", ordersPort), istioObject("networking", "DestinationRule", "orders", "{host: orders, trafficPolicy: {portLevelSettings: [{port: {number: 90}, tls: {mode: DISABLE}}]}}")}, nil},
		{"auto-mtls", "a rule for another port", metrics, []string{serviceOf("orders", ordersPort), istioObject("networking", "DestinationRule", "orders", "{host: orders, trafficPolicy: {portLevelSettings: [{port: {number: 9090}, tls: {mode: DISABLE}}]}}")}, []string{"Deployment orders: …add PeerAuthentication"}},
		{"auto-mtls", "a rule by which the application's own TLS is spoken", metrics, []string{serviceOf("orders", ordersPort), istioObject("networking", "DestinationRule", "orders", "{host: orders.shop.svc.cluster.local, trafficPolicy: {tls: {mode: SIMPLE}}}")}, nil},
		{"auto-mtls", "a rule without a TLS mode says nothing", metrics, []string{serviceOf("orders", ordersPort), istioObject("networking", "DestinationRule", "orders", "{host: orders, trafficPolicy: {connectionPool: {tcp: {maxConnections: 1}}}}")}, []string{"Deployment orders: …add PeerAuthentication"}},
		{"auto-mtls", "a rule for callers of one's choice says nothing of the others", metrics, []string{serviceOf("orders", ordersPort), istioObject("networking", "DestinationRule", "orders", "{host: orders, workloadSelector: {matchLabels: {app: x}}, trafficPolicy: {tls: {mode: DISABLE}}}")}, []string{"Deployment orders"}},
		{"auto-mtls", "ISTIO_MUTUAL beats the PeerAuthentication", metrics, []string{
			serviceOf("orders", ordersPort), peerAuthentication("shop", "default", "{mtls: {mode: DISABLE}}"),
			istioObject("networking", "DestinationRule", "all", "{host: '*.shop.svc.cluster.local', trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}}"),
		}, []string{"Deployment orders: …change DestinationRule shop/all"}},
		{"auto-mtls", "two rules, of which one says ISTIO_MUTUAL", metrics, []string{
			serviceOf("orders", ordersPort),
			istioObject("networking", "DestinationRule", "a", "{host: orders, trafficPolicy: {tls: {mode: DISABLE}}}"),
			istioObject("networking", "DestinationRule", "b", "{host: orders, trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}}"),
		}, []string{"Deployment orders: …change DestinationRule shop/b"}},
		{"auto-mtls", "the longer wildcard counts", metrics, []string{
			serviceOf("orders", ordersPort),
			istioObject("networking", "DestinationRule", "all", "{host: '*', trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}}"),
			istioObject("networking", "DestinationRule", "mine", "{host: '*.shop.svc.cluster.local', trafficPolicy: {tls: {mode: DISABLE}}}"),
		}, nil},

		{"service-entry", "by port", "excludeOutboundPorts=3306", []string{istioObject("networking", "ServiceEntry", "db", "{hosts: [db.example.com], ports: [{number: 3306, name: tcp}, {number: 443, name: tls}], resolution: DNS}")}, []string{"ServiceEntry db: spec.hosts: connections of Deployment shop/orders to port 3306"}},
		{"service-entry", "by the range of an address", "excludeOutboundIPRanges=203.0.113.0/24", []string{istioObject("networking", "ServiceEntry", "db", "{hosts: [x], addresses: [203.0.113.9], ports: [{number: 443, name: tls}]}")}, []string{"ServiceEntry db: …port 443"}},
		{"service-entry", "by a part of a range", "excludeOutboundIPRanges=203.0.113.128/25", []string{istioObject("networking", "ServiceEntry", "db", "{hosts: [x], addresses: [203.0.113.0/24], ports: [{number: 443, name: tls}]}")}, []string{"ServiceEntry db"}},
		{"service-entry", "by the range of an endpoint, at its own port", "excludeOutbound=203.0.113.0/24@8443", []string{istioObject("networking", "ServiceEntry", "db", "{hosts: [x], ports: [{number: 443, name: tls}], resolution: STATIC, endpoints: [{address: 203.0.113.9, ports: {tls: 8443}}]}")}, []string{"ServiceEntry db: …port 443"}},
		{"service-entry", "the virtual address is what is called", "excludeOutboundIPRanges=203.0.113.0/24", []string{istioObject("networking", "ServiceEntry", "db", "{hosts: [x], addresses: [198.51.100.1], ports: [{number: 443, name: tls}], endpoints: [{address: 203.0.113.9}]}")}, nil},
		{"service-entry", "by what is not included", "includeOutboundIPRanges=10.0.0.0/8", []string{istioObject("networking", "ServiceEntry", "db", "{hosts: [x], addresses: [203.0.113.9], ports: [{number: 443, name: tls}]}")}, []string{"ServiceEntry db"}},
		{"service-entry", "an included port stays", "excludeOutboundIPRanges=203.0.113.0/24 includeOutboundPorts=443", []string{istioObject("networking", "ServiceEntry", "db", "{hosts: [x], addresses: [203.0.113.9], ports: [{number: 443, name: tls}]}")}, nil},
		{"service-entry", "exported to others", "excludeOutboundPorts=3306", []string{istioObject("networking", "ServiceEntry", "db", "{hosts: [x], exportTo: [bank], ports: [{number: 3306, name: tcp}]}")}, nil},

		{"virtual-service", "by the port of the Service", "excludeOutboundPorts=3306", []string{
			serviceOf("db", "{selector: {app: db}, ports: [{port: 3306}]}"),
			istioObject("networking", "VirtualService", "db", "{hosts: [db], tcp: [{route: [{destination: {host: db}}]}]}"),
		}, []string{"VirtualService db: spec.hosts[0]: …port 3306"}},
		{"virtual-service", "routes for another port of it", "excludeOutboundPorts=3306", []string{
			serviceOf("db", "{selector: {app: db}, ports: [{port: 3306}, {port: 33062}]}"),
			istioObject("networking", "VirtualService", "db", "{hosts: [db.shop.svc.cluster.local], tcp: [{match: [{port: 33062}]}]}"),
		}, nil},
		{"virtual-service", "by the address of the ServiceEntry", "excludeOutboundIPRanges=203.0.113.0/24", []string{
			istioObject("networking", "ServiceEntry", "db", "{hosts: [db.example.com], addresses: [203.0.113.9], ports: [{number: 443, name: tls}]}"),
			istioObject("networking", "VirtualService", "db", "{hosts: [db.example.com], tls: [{match: [{sniHosts: [db.example.com]}]}]}"),
		}, []string{"VirtualService db"}},
		{"virtual-service", "by a port that a route names", "excludeOutboundPorts=3306", []string{istioObject("networking", "VirtualService", "db", "{hosts: [x.example.com], tcp: [{match: [{port: 3306}]}]}")}, []string{"VirtualService db"}},
		{"virtual-service", "for a gateway alone", "excludeOutboundPorts=3306", []string{istioObject("networking", "VirtualService", "db", "{hosts: [x.example.com], gateways: [public], tcp: [{match: [{port: 3306}]}]}")}, nil},
		{"virtual-service", "for a gateway and the mesh", "excludeOutboundPorts=3306", []string{istioObject("networking", "VirtualService", "db", "{hosts: [x.example.com], gateways: [public, mesh], tcp: [{match: [{port: 3306}]}]}")}, []string{"VirtualService db"}},

		{"sidecar-egress", "of the namespace", "excludeOutboundPorts=3306", []string{istioObject("networking", "Sidecar", "s", "{egress: [{hosts: ['./*']}, {port: {number: 3306}, hosts: ['./*']}]}")}, []string{"Sidecar s: spec.egress[1].port.number"}},
		{"sidecar-egress", "that the pods' own one replaces", "excludeOutboundPorts=3306", []string{
			istioObject("networking", "Sidecar", "s", "{egress: [{port: {number: 3306}, hosts: ['./*']}]}"),
			istioObject("networking", "Sidecar", "mine", "{workloadSelector: {labels: {app: orders}}, egress: [{port: {number: 443}, hosts: ['./*']}]}"),
		}, nil},
		{"sidecar-egress", "by the address that it listens on", "excludeOutboundIPRanges=203.0.113.0/24", []string{istioObject("networking", "Sidecar", "s", "{egress: [{port: {number: 443}, bind: 203.0.113.9, hosts: ['./*']}]}")}, []string{"Sidecar s"}},

		{"sidecar-egress", "hosts without some", "excludeOutboundPorts=3306", []string{istioObject("networking", "Sidecar", "s", `{egress: [{port: {number: 3306}, hosts: ["*/*", "~prod/*", "~/db.example.com"]}]}`)},
			[]string{"Sidecar s: spec.egress[0].port.number: connections of Deployment shop/orders to port 3306"}},
		{"sidecar-egress", "no hosts at all", "excludeOutboundPorts=3306", []string{istioObject("networking", "Sidecar", "s", `{egress: [{port: {number: 3306}, hosts: ["~/*"]}]}`)}, nil},
		{"sidecar-egress", "hosts without any", "excludeOutboundPorts=3306", []string{istioObject("networking", "Sidecar", "s", `{egress: [{port: {number: 3306}, hosts: ["prod/*.example.com", "~prod/*"]}]}`)}, nil},
		{"sidecar-egress", "one host less", "excludeOutboundPorts=3306", []string{istioObject("networking", "Sidecar", "s", `{egress: [{port: {number: 3306}, hosts: ["prod/*", "~prod/db.example.com"]}]}`)},
			[]string{"Sidecar s: spec.egress[0].port.number"}},
		{"sidecar-egress", "the same host of another namespace", "excludeOutboundPorts=3306", []string{istioObject("networking", "Sidecar", "s", `{egress: [{port: {number: 3306}, hosts: ["prod/db.example.com", "~test/*"]}]}`)},
			[]string{"Sidecar s: spec.egress[0].port.number"}},

		{"socket-balance", "another target port", "excludeOutboundPorts=80,443", []string{ciliumMap("kube-proxy-replacement: 'true'"), serviceOf("web", "{ports: [{port: 80, targetPort: 8080}, {port: 443}]}")},
			[]string{"ConfigMap cilium-config: data.kube-proxy-replacement: Cilium balances at the socket in pods too…port 80 of Service shop/web, which is 8080 in its pods, matches nothing for Deployment shop/orders"}},
		{"socket-balance", "as older versions say it", "excludeOutboundPorts=80", []string{ciliumMap("kube-proxy-replacement: strict"), serviceOf("web", "{ports: [{port: 80, targetPort: 8080}]}")}, []string{"ConfigMap cilium-config: data.kube-proxy-replacement"}},
		{"socket-balance", "beside kube-proxy", "excludeOutboundPorts=80", []string{ciliumMap("bpf-lb-sock: 'true'"), serviceOf("web", "{ports: [{port: 80, targetPort: 8080}]}")}, []string{"ConfigMap cilium-config: data.bpf-lb-sock: "}},
		{"socket-balance", "a Service's address", "excludeOutboundIPRanges=10.96.0.0/12", []string{ciliumMap("kube-proxy-replacement: 'true'"), serviceOf("web", "{clusterIP: 10.96.0.7, ports: [{port: 80}]}")},
			[]string{"ConfigMap cilium-config: data.kube-proxy-replacement: …10.96.0.0/12, where Service shop/web is, matches nothing"}},
		{"socket-balance", "a Service's address and port", "excludeOutbound=10.96.0.7@80", []string{ciliumMap("kube-proxy-replacement: 'true'"), serviceOf("web", "{clusterIP: 10.96.0.7, clusterIPs: [10.96.0.7, 'fd00::7'], ports: [{port: 80}]}")},
			[]string{"ConfigMap cilium-config: data.kube-proxy-replacement: …10.96.0.7/32, where Service shop/web is"}},
		{"socket-balance", "by Flux", "excludeOutboundPorts=80", []string{"apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: cilium, namespace: kube-system}\nspec: {chart: {spec: {chart: cilium}}, values: {kubeProxyReplacement: true, socketLB: {enabled: true}}}\n", serviceOf("web", "{ports: [{port: 80, targetPort: 8080}]}")},
			[]string{"HelmRelease cilium: spec.values.kubeProxyReplacement: Cilium balances"}},
		{"socket-balance", "of another chart", "excludeOutboundPorts=80", []string{"apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: x}\nspec: {chart: {spec: {chart: x}}, values: {kubeProxyReplacement: true}}\n", serviceOf("web", "{ports: [{port: 80, targetPort: 8080}]}")}, nil},
		{"socket-balance", "on hosts only", "excludeOutboundPorts=80", []string{ciliumMap("kube-proxy-replacement: 'true', bpf-lb-sock-hostns-only: 'true'"), serviceOf("web", "{ports: [{port: 80, targetPort: 8080}]}")}, nil},
		{"socket-balance", "not at all", "excludeOutboundPorts=80", []string{ciliumMap("kube-proxy-replacement: 'false', bpf-lb-sock: 'false'"), serviceOf("web", "{ports: [{port: 80, targetPort: 8080}]}")}, nil},
		{"socket-balance", "without Cilium", "excludeOutboundPorts=80", []string{serviceOf("web", "{ports: [{port: 80, targetPort: 8080}]}")}, nil},
		{"socket-balance", "another ConfigMap", "excludeOutboundPorts=80", []string{"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {kube-proxy-replacement: 'true'}\n", serviceOf("web", "{ports: [{port: 80, targetPort: 8080}]}")}, nil},
		{"socket-balance", "the same port", "excludeOutboundPorts=80", []string{ciliumMap("kube-proxy-replacement: 'true'"), serviceOf("web", "{ports: [{port: 80, targetPort: 80}, {port: 81, targetPort: http}]}")}, nil},
		{"socket-balance", "another port by name", "excludeOutboundPorts=80", []string{ciliumMap("kube-proxy-replacement: 'true'"), serviceOf("web", "{selector: {app: orders}, ports: [{port: 80, targetPort: http}]}")},
			[]string{"ConfigMap cilium-config: data.kube-proxy-replacement: …port 80 of Service shop/web, which is 8080 in its pods, matches nothing for Deployment shop/orders"}},
		{"socket-balance", "the same port by name", "excludeOutboundPorts=8080", []string{ciliumMap("kube-proxy-replacement: 'true'"), serviceOf("web", "{selector: {app: orders}, ports: [{port: 8080, targetPort: http}]}")}, nil},
		{"socket-balance", "both ports, one by name", "excludeOutboundPorts=80,8080", []string{ciliumMap("kube-proxy-replacement: 'true'"), serviceOf("web", "{selector: {app: orders}, ports: [{port: 80, targetPort: http}]}")}, nil},
		{"socket-balance", "a name of another protocol", "excludeOutboundPorts=53", []string{ciliumMap("kube-proxy-replacement: 'true'"), serviceOf("web", "{selector: {app: orders}, ports: [{port: 53, targetPort: dns}]}")}, nil},
		{"socket-balance", "a name that the pods lack", "excludeOutboundPorts=80", []string{ciliumMap("kube-proxy-replacement: 'true'"), serviceOf("web", "{selector: {app: orders}, ports: [{port: 80, targetPort: grpc}]}")}, nil},
		{"socket-balance", "pods that are not among the items", "excludeOutboundPorts=80", []string{ciliumMap("kube-proxy-replacement: 'true'"), serviceOf("web", "{selector: {app: other}, ports: [{port: 80, targetPort: http}]}")}, nil},
		{"socket-balance", "both ports", "excludeOutboundPorts=80,8080", []string{ciliumMap("kube-proxy-replacement: 'true'"), serviceOf("web", "{ports: [{port: 80, targetPort: 8080}]}")}, nil},
		{"socket-balance", "another port", "excludeOutboundPorts=3306", []string{ciliumMap("kube-proxy-replacement: 'true'"), serviceOf("web", "{ports: [{port: 80, targetPort: 8080}]}")}, nil},
		{"socket-balance", "a headless Service", "excludeOutboundPorts=80", []string{ciliumMap("kube-proxy-replacement: 'true'"), serviceOf("web", "{clusterIP: None, ports: [{port: 80, targetPort: 8080}]}")}, nil},
		{"socket-balance", "a range that the pods are in too", "excludeOutboundIPRanges=10.0.0.0/8", []string{ciliumMap("kube-proxy-replacement: 'true'"), serviceOf("web", "{clusterIP: 10.96.0.7, ports: [{port: 80}]}")}, nil},
		{"socket-balance", "an outside address", "excludeOutboundIPRanges=192.0.2.0/24", []string{ciliumMap("kube-proxy-replacement: 'true'"), serviceOf("web", "{clusterIP: 10.96.0.7, ports: [{port: 80}]}")}, nil},
		{"socket-balance", "only what comes in", "excludeInboundPorts=80", []string{ciliumMap("kube-proxy-replacement: 'true'"), serviceOf("web", "{ports: [{port: 80, targetPort: 8080}]}")}, nil},

		{"registry-only", "a region", "excludeOutboundIPRanges=10.0.0.0/8", []string{istioObject("networking", "Sidecar", "s", "{outboundTrafficPolicy: {mode: REGISTRY_ONLY}}")}, []string{"Sidecar s: spec.outboundTrafficPolicy.mode: …10.0.0.0/8"}},
		{"registry-only", "a place", "excludeOutboundIPRanges=10.1.2.0/24", []string{istioObject("networking", "Sidecar", "s", "{outboundTrafficPolicy: {mode: REGISTRY_ONLY}}")}, nil},
		{"registry-only", "a port everywhere", "excludeOutboundPorts=443", []string{istioObject("networking", "Sidecar", "s", "{outboundTrafficPolicy: {}}")}, []string{"Sidecar s: …port 443 at every address"}},
		{"registry-only", "a port in a region", "excludeOutbound=10.0.0.0/8@443", []string{istioObject("networking", "Sidecar", "s", "{outboundTrafficPolicy: {}}")}, []string{"Sidecar s: …port 443 at 10.0.0.0/8"}},
		{"registry-only", "all but a range", "includeOutboundIPRanges=10.0.0.0/8", []string{istioObject("networking", "Sidecar", "s", "{outboundTrafficPolicy: {}}")}, []string{"Sidecar s: …every address but 10.0.0.0/8"}},
		{"registry-only", "a mesh by the operator of Sail", "excludeOutboundIPRanges=fd00::/8", []string{"apiVersion: sailoperator.io/v1\nkind: Istio\nmetadata: {name: default}\nspec: {values: {meshConfig: {outboundTrafficPolicy: {mode: REGISTRY_ONLY}}}}\n"}, []string{"Istio default: spec.values.meshConfig.outboundTrafficPolicy.mode"}},
		{"registry-only", "a Sidecar that opens the namespace", "excludeOutboundIPRanges=10.0.0.0/8", []string{
			"apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nmetadata: {name: x}\nspec: {meshConfig: {outboundTrafficPolicy: {mode: REGISTRY_ONLY}}}\n",
			istioObject("networking", "Sidecar", "s", "{outboundTrafficPolicy: {mode: ALLOW_ANY}}"),
		}, nil},

		{"dns-capture", "for the mesh", "excludeOutboundPorts=3306", []string{"apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nmetadata: {name: x}\nspec: {meshConfig: {defaultConfig: {proxyMetadata: {ISTIO_META_DNS_CAPTURE: 'true'}}}}\n"}, []string{"IstioOperator x: spec.meshConfig.defaultConfig.proxyMetadata.ISTIO_META_DNS_CAPTURE"}},
		{"dns-capture", "for the pods, and not for the namespace", "excludeOutboundPorts=3306", []string{
			istioObject("networking", "ProxyConfig", "a", "{environmentVariables: {ISTIO_META_DNS_CAPTURE: 'true'}}"),
			istioObject("networking", "ProxyConfig", "b", "{selector: {matchLabels: {app: orders}}, environmentVariables: {ISTIO_META_DNS_CAPTURE: 'false'}}"),
		}, nil},
		{"dns-capture", "a host that has its own address", "excludeOutboundPorts=3306", []string{
			istioObject("networking", "ProxyConfig", "a", "{environmentVariables: {ISTIO_META_DNS_CAPTURE: 'true'}}"),
			istioObject("networking", "ServiceEntry", "db", "{hosts: [x], addresses: [203.0.113.9], resolution: STATIC, ports: [{number: 3306, name: tcp}]}"),
		}, []string{"ProxyConfig a"}},
		{"dns-capture", "a host that goes nowhere", "excludeOutboundPorts=3306", []string{
			istioObject("networking", "ProxyConfig", "a", "{environmentVariables: {ISTIO_META_DNS_CAPTURE: 'true'}}"),
			istioObject("networking", "ServiceEntry", "db", "{hosts: [x], resolution: DNS, ports: [{number: 3306, name: tcp}]}"),
		}, []string{"ServiceEntry db: spec.hosts: with DNS capture"}},
		{"dns-capture", "a host by ranges that leave the made-up ones out", "includeOutboundIPRanges=10.0.0.0/8", []string{
			istioObject("networking", "ProxyConfig", "a", "{environmentVariables: {ISTIO_META_DNS_CAPTURE: 'true'}}"),
			istioObject("networking", "ServiceEntry", "db", "{hosts: [x], resolution: DNS, ports: [{number: 443, name: tls}]}"),
		}, []string{"ServiceEntry db: spec.hosts"}},
		{"dns-capture", "the made-up ranges are included", "includeOutboundIPRanges=10.0.0.0/8,240.240.0.0/16", []string{istioObject("networking", "ProxyConfig", "a", "{environmentVariables: {ISTIO_META_DNS_CAPTURE: 'true'}}")}, nil},
		{"dns-capture", "a range elsewhere", "excludeOutboundIPRanges=10.0.0.0/8", []string{istioObject("networking", "ProxyConfig", "a", "{environmentVariables: {ISTIO_META_DNS_CAPTURE: 'true'}}")}, nil},
		{"dns-capture", "a port in a range that holds the made-up ones", "excludeOutbound=240.0.0.0/4@3306", []string{istioObject("networking", "ProxyConfig", "a", "{environmentVariables: {ISTIO_META_DNS_CAPTURE: 'true'}}")}, []string{"ProxyConfig a: …their connections to port 3306 bypass it"}},
		{"dns-capture", "another object's ConfigMap", "excludeOutboundPorts=3306", []string{"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: app, namespace: shop}\ndata: {mesh: 'defaultConfig: {proxyMetadata: {ISTIO_META_DNS_CAPTURE: \"true\"}}'}\n"}, nil},
		{"dns-capture", "no capture", "excludeOutboundPorts=3306", []string{istioObject("networking", "ServiceEntry", "db", "{hosts: [x], resolution: DNS, ports: [{number: 3306, name: tcp}]}")}, nil},

		{"tproxy-by-iptables", "by nftables", metrics, []string{tproxyMesh}, nil},

		{"pod-security", "enforced", metrics, []string{"apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: baseline}}\n"}, []string{"Namespace shop: metadata.labels[\"pod-security.kubernetes.io/enforce\"]: …AnnotationsOnly"}},
		{"pod-security", "audited", metrics, []string{"apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {pod-security.kubernetes.io/audit: restricted}}\n"}, []string{"Namespace shop: metadata.labels[\"pod-security.kubernetes.io/audit\"]"}},
		{"pod-security", "privileged", metrics, []string{"apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: privileged}}\n"}, nil},
		{"pod-security", "what only the init container can do", "excludeInboundPorts=514/UDP", []string{"apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: baseline}}\n"}, []string{"Namespace shop: …remove what only the init container can do (excludeInboundPorts)"}},
		{"proxy-config", "without limits", metrics, []string{istioObject("networking", "ProxyConfig", "a", "{environmentVariables: {ISTIO_LOCAL_OUTBOUND_PORTS_EXCLUDE: '443'}}")}, nil},
		{"unmeshed-namespace", "opted out", metrics, []string{"apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {istio-injection: disabled}}\n"}, []string{"Namespace shop: metadata: it has the label istio-injection: disabled"}},
		{"unmeshed-namespace", "opted in", metrics, []string{"apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {istio-injection: enabled}}\n"}, nil},

		{"port-expansion", "a thousand and one", "excludeOutboundPorts=20000-21000", nil, []string{"Deployment orders: spec.template.metadata.annotations[\"traffic.sidecar.istio.io/excludeOutboundPorts\"]: …1001 single ports"}},
		{"port-expansion", "a thousand", "excludeOutboundPorts=20000-20999", nil, nil},
	}
	seen := map[string]bool{}
	for _, test := range append(tests, append(ambientCases(), plainTextCases()...)...) {
		t.Run(test.check+"/"+test.name, func(t *testing.T) {
			seen[test.check] = true
			items := append([]string{workload("orders")}, test.items...)
			findings := found(t, only(bypassing(t, test.bypass), test.check), items...)
			matched(t, test.check, test.want, findings)
			slices.Reverse(items)
			assert.Equal(t, lines(findings), lines(found(t, only(bypassing(t, test.bypass), test.check), items...)), "the order of the items does not matter")
		})
	}
	for _, c := range lint.Checks() {
		if len(c.Kinds()) > 0 {
			assert.True(t, seen[c.ID], "%s has a case", c.ID)
		}
	}
}

func lines(findings []lint.Finding) []string {
	texts := make([]string, len(findings))
	for i, f := range findings {
		texts[i] = line(f) + "\n" + f.Proposed
	}
	return texts
}

func matched(t *testing.T, check string, want []string, findings []lint.Finding) {
	t.Helper()
	require.Len(t, findings, len(want), "%v", lines(findings))
	for i, w := range want {
		got := line(findings[i])
		rest, begins := got, true
		for k, part := range strings.Split(w, "…") {
			if k == 0 {
				rest, begins = strings.CutPrefix(got, check+": "+part)
				continue
			}
			_, after, there := strings.Cut(rest, part)
			rest, begins = after, begins && there
		}
		assert.True(t, begins, "got  %s\nwant %s: %s", got, check, w)
		assert.Equal(t, transform.Warning, findings[i].Severity)
	}
}

// Names of workloads are not repeated for each of them, and each is looked up by
// its labels.
func TestManyWorkloads(t *testing.T) {
	items := []string{peerAuthentication("istio-system", "default", "{mtls: {mode: STRICT}}")}
	for i := range 5 {
		items = append(items, workload(fmt.Sprintf("app-%d", i)))
	}
	findings := found(t, only(bypassing(t, "excludeInboundPorts=9090"), "strict-mtls"), items...)
	require.Len(t, findings, 1)
	assert.Contains(t, findings[0].Message, "port 9090 of Deployment shop/app-0, Deployment shop/app-1, Deployment shop/app-2 and 2 more:")
	assert.Equal(t, []string{"Deployment shop/app-0", "Deployment shop/app-1", "Deployment shop/app-2", "Deployment shop/app-3", "Deployment shop/app-4"}, findings[0].Workloads)
	for i := range 100 {
		items = append(items, workload(fmt.Sprintf("more-%d", i)))
	}
	findings = found(t, only(bypassing(t, "excludeInboundPorts=9090"), "strict-mtls"), items...)
	require.Len(t, findings, 1)
	assert.Contains(t, findings[0].Message, "app-2 and 102 more:")
	assert.Nil(t, findings[0].Workloads, "too many")
}

// Sizes are held against what is written, not against what was there.
func TestSizes(t *testing.T) {
	ranges := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf("10.%d.%d.%d/32", i>>15, i>>7&255, i&127*2))
		}
		return "excludeOutboundIPRanges=" + strings.Join(list, ",")
	}
	annotated := func(size int) string {
		return strings.Replace(workload("orders"), "namespace: shop}", "namespace: shop, annotations: {notes: "+strings.Repeat("x", size)+"}}", 1)
	}
	tests := []struct {
		check, name, bypass, item string
		want                      []string
	}{
		{"annotation-size", "few", ranges(10), workload("orders"), nil},
		{"annotation-size", "of the template", ranges(20000), workload("orders"), []string{"Deployment orders: spec.template.metadata.annotations: the annotations have"}},
		{"annotation-size", "of the object", ranges(1), annotated(256 << 10), []string{"Deployment orders: metadata.annotations: the annotations have 256 KiB"}},
		{"argument-size", "just", ranges(9000), workload("orders"), nil},
		{"argument-size", "too many ranges", ranges(11000), workload("orders"), []string{"Deployment orders: spec.template.metadata.annotations[\"traffic.sidecar.istio.io/excludeOutboundIPRanges\"]: the value has"}},
		{"object-size", "just", ranges(7000), workload("orders"), nil},
		{"object-size", "the annotation and the init container together", ranges(10500), workload("orders"), []string{"Deployment orders: the document: the object has"}},
		{"object-size", "with other annotations beside", ranges(4000), annotated(80 << 10), []string{"Deployment orders: the document: the object has"}},
	}
	for _, test := range tests {
		t.Run(test.check+"/"+test.name, func(t *testing.T) {
			matched(t, test.check, test.want, found(t, only(bypassing(t, test.bypass), test.check), test.item))
		})
	}
}

// Other translations of addresses are lost where the init container is there, and
// only there.
func TestOtherProxy(t *testing.T) {
	const azure = "azure.workload.identity/inject-proxy-sidecar: \"true\""
	pod := func(annotations, containers string) string {
		return fmt.Sprintf("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: orders, namespace: shop}\nspec:\n  template:\n    metadata: {annotations: {%s}}\n    spec: {%s}\n", annotations, containers)
	}
	tests := []struct {
		name, bypass, item string
		mode               transform.Mode
		want               []string
	}{
		{"injected", "excludeOutboundIPRanges=169.254.169.254", pod(azure, "containers: [{name: app, image: app}]"), transform.InitContainer, []string{"Deployment orders: spec.template.metadata.annotations[\"azure.workload.identity/inject-proxy-sidecar\"]: …excludeOutboundIPRanges"}},
		{"by annotation alone", "excludeOutboundIPRanges=169.254.169.254", pod(azure, "containers: [{name: app, image: app}]"), transform.AnnotationsOnly, nil},
		{"written into the pod", "excludeOutboundPorts=80", pod("", "initContainers: [{name: azwi-proxy-init}], containers: [{name: app, image: app}]"), transform.InitContainer, []string{"Deployment orders: spec.template.spec.initContainers[1].name: …excludeOutboundPorts"}},
		{"another port of it", "excludeOutbound=169.254.169.254@443", pod(azure, "containers: [{name: app, image: app}]"), transform.InitContainer, nil},
		{"Docker in the pod", "excludeInboundPorts=8080", pod("", "containers: [{name: app, image: app}, {name: d, image: 'docker.io/library/docker:28-dind@sha256:0', securityContext: {privileged: true}}]"), transform.InitContainer, []string{"Deployment orders: spec.template.spec.containers[1].securityContext.privileged: …port 8080"}},
		{"Docker's command line alone", "excludeInboundPorts=8080", pod("", "containers: [{name: d, image: 'docker:28-cli', securityContext: {privileged: true}}]"), transform.InitContainer, nil},
		{"Docker without privilege", "excludeInboundPorts=8080", pod("", "containers: [{name: d, image: 'docker:28-dind'}]"), transform.InitContainer, nil},
		{"Docker publishes nothing that goes out", "excludeOutboundPorts=8080", pod("", "containers: [{name: d, image: 'docker:28-dind', securityContext: {privileged: true}}]"), transform.InitContainer, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			policy := only(bypassing(t, test.bypass), "other-proxy")
			policy.Mode = test.mode
			matched(t, "other-proxy", test.want, found(t, policy, test.item))
		})
	}
}

// A container that can change the rules is told of where limits are meant to hold,
// whether or not a rule speaks of the workload.
func TestPodPrivilege(t *testing.T) {
	const privileged = "{name: app, image: app, securityContext: {privileged: true}}"
	adding := func(capability string) string {
		return "containers: [{name: app, image: app, securityContext: {capabilities: {add: [NET_RAW, " + capability + "]}}}]"
	}
	at := func(path, what string) []string {
		return []string{"Deployment orders: spec.template.spec." + path + ": …" + what + " lets this container change"}
	}
	limits := transform.Limits{Limits: guardrail.Limits{OutboundPorts: traffic.SinglePorts(traffic.TCP, 443)}}
	for name, test := range map[string]struct {
		limits       transform.Limits
		bypass, spec string
		template     string
		want         []string
	}{
		"privileged":                   {limits: limits, bypass: "excludeInboundPorts=8080", spec: "containers: [" + privileged + "]", want: at("containers[0].securityContext.privileged", "privileged: true")},
		"an init container":            {limits: limits, bypass: "excludeInboundPorts=8080", spec: "initContainers: [" + privileged + "], containers: [{name: b, image: b}]", want: at("initContainers[1].securityContext.privileged", "privileged: true")},
		"no rule speaks of it":         {limits: limits, spec: "containers: [" + privileged + "]", want: at("containers[0].securityContext.privileged", "privileged: true")},
		"NET_ADMIN":                    {limits: limits, spec: adding("NET_ADMIN"), want: at("containers[0].securityContext.capabilities.add", "NET_ADMIN")},
		"as a runtime reads it":        {limits: limits, spec: adding("cap_net_admin"), want: at("containers[0].securityContext.capabilities.add", "NET_ADMIN")},
		"all capabilities":             {limits: limits, spec: adding("ALL"), want: at("containers[0].securityContext.capabilities.add", "NET_ADMIN")},
		"in forbidden namespaces":      {limits: transform.Limits{ForbiddenNamespaces: []string{"pci"}}, spec: adding("ALL"), want: at("containers[0].securityContext.capabilities.add", "NET_ADMIN")},
		"another capability":           {limits: limits, spec: adding("SYS_PTRACE")},
		"not privileged":               {limits: limits, spec: "containers: [{name: app, image: app, securityContext: {privileged: false}}]"},
		"our own":                      {limits: limits, bypass: "excludeInboundPorts=8080", spec: "containers: [{name: app, image: app}]"},
		"without limits":               {bypass: "excludeInboundPorts=8080", spec: "containers: [" + privileged + "]"},
		"without a sidecar":            {limits: limits, template: "labels: {sidecar.istio.io/inject: 'false'}", spec: "containers: [" + privileged + "]"},
		"in the network of the host":   {limits: limits, spec: "hostNetwork: true, containers: [" + privileged + "]"},
		"of a workload left untouched": {limits: limits, bypass: "excludeInboundPorts=8080", spec: "hostNetwork: true, containers: [" + privileged + "]"},
	} {
		t.Run(name, func(t *testing.T) {
			policy := only(bypassing(t, test.bypass), "pod-privilege")
			policy.Limits = test.limits
			item := fmt.Sprintf("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: orders, namespace: shop}\nspec:\n  template:\n    metadata: {%s}\n    spec: {%s}\n", test.template, test.spec)
			matched(t, "pod-privilege", test.want, found(t, policy, item))
		})
	}
}

// TestWhatSaysDNSCapture has the order of Istio (pilot/pkg/model/proxy_config.go,
// EffectiveProxyConfig): a ProxyConfig that selects the pods, their annotation, a
// ProxyConfig of their namespace, one of the root namespace, and the MeshConfig.
func TestWhatSaysDNSCapture(t *testing.T) {
	variable := func(value string) string { return "{ISTIO_META_DNS_CAPTURE: '" + value + "'}" }
	proxyConfig := func(name, namespace, selector, value string) string {
		return strings.Replace(istioObject("networking", "ProxyConfig", name, "{"+selector+"environmentVariables: "+variable(value)+"}"), "namespace: shop", "namespace: "+namespace, 1)
	}
	sources := []struct{ says, on, off string }{
		{"ProxyConfig pods: spec.environmentVariables", proxyConfig("pods", "shop", "selector: {matchLabels: {app: orders}}, ", "true"), proxyConfig("pods", "shop", "selector: {matchLabels: {app: orders}}, ", "false")},
		{"Deployment orders: spec.template.metadata.annotations", variable("true"), variable("false")},
		{"ProxyConfig shop: spec.environmentVariables", proxyConfig("shop", "shop", "", "true"), proxyConfig("shop", "shop", "", "false")},
		{"ProxyConfig root: spec.environmentVariables", proxyConfig("root", "istio-system", "", "true"), proxyConfig("root", "istio-system", "", "false")},
		{"IstioOperator x: spec.meshConfig.defaultConfig.proxyMetadata.ISTIO_META_DNS_CAPTURE", meshSaying(variable("true")), meshSaying(variable("false"))},
	}
	for i, narrow := range sources {
		for k, broad := range sources[i+1:] {
			for said, want := range map[[2]string][]string{{narrow.on, broad.off}: {narrow.says}, {narrow.off, broad.on}: nil} {
				pod, items := workload("orders"), []string{said[0], said[1]}
				if at := slices.Index([]int{i, i + 1 + k}, 1); at >= 0 { // the pod's own annotation
					pod = strings.Replace(pod, "template:\n    metadata:\n", "template:\n    metadata:\n      annotations: {proxy.istio.io/config: \"proxyMetadata: "+items[at]+"\"}\n", 1)
					items = slices.Delete(items, at, at+1)
				}
				matched(t, "dns-capture", want, found(t, only(bypassing(t, "excludeOutboundPorts=3306"), "dns-capture"), append(items, pod)...))
			}
		}
	}
}

// TestWhatSwitchesDNSCaptureOn: Istio reads the value as Go does, and the field by either
// of protobuf's two names.
func TestWhatSwitchesDNSCaptureOn(t *testing.T) {
	for said, on := range map[string]bool{
		"proxyMetadata: {ISTIO_META_DNS_CAPTURE: '1'}": true, "proxyMetadata: {ISTIO_META_DNS_CAPTURE: 'TRUE'}": true, "proxyMetadata: {ISTIO_META_DNS_CAPTURE: 't'}": true,
		"proxy_metadata: {ISTIO_META_DNS_CAPTURE: 'true'}": true, "proxyMetadata: {ISTIO_META_DNS_CAPTURE: 'yes'}": false, "proxyMetadata: {ISTIO_META_DNS_CAPTURE: ''}": false,
	} {
		t.Run(said, func(t *testing.T) {
			pod := strings.Replace(workload("orders"), "template:\n    metadata:\n", "template:\n    metadata:\n      annotations: {proxy.istio.io/config: \""+said+"\"}\n", 1)
			var want []string
			if on {
				want = []string{"Deployment orders: spec.template.metadata.annotations"}
			}
			matched(t, "dns-capture", want, found(t, only(bypassing(t, "excludeOutboundPorts=3306"), "dns-capture"), pod))
		})
	}
}

func meshSaying(metadata string) string {
	return "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nmetadata: {name: x}\nspec: {meshConfig: {defaultConfig: {proxyMetadata: " + metadata + "}}}\n"
}

// What a container sends as the sidecar's user or group bypasses the sidecar.
// What no template may say in its annotation is told of where it is said for many pods,
// whether a rule speaks of any workload or not.
func TestProxyConfig(t *testing.T) {
	in := func(config string) string {
		return "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nmetadata: {name: x}\nspec: {meshConfig: {defaultConfig: " + config + "}}\n"
	}
	object := func(variables string) string {
		return istioObject("networking", "ProxyConfig", "a", "{selector: {matchLabels: {app: orders}}, environmentVariables: "+variables+"}")
	}
	for name, test := range map[string]struct {
		item string
		want []string
	}{
		"a port":                   {object("{A: b, ISTIO_LOCAL_OUTBOUND_PORTS_EXCLUDE: '443'}"), []string{"ProxyConfig a: spec.environmentVariables.ISTIO_LOCAL_OUTBOUND_PORTS_EXCLUDE: …can change what the sidecar intercepts"}},
		"two":                      {object("{DRY_RUN: 'true', SKIP_RULE_APPLY: 'true'}"), []string{"ProxyConfig a: spec.environmentVariables.DRY_RUN", "ProxyConfig a: spec.environmentVariables.SKIP_RULE_APPLY"}},
		"by YAML in a value":       {object(`{A: "x\"\n    - name: DRY_RUN\n      value: \"true"}`), []string{"ProxyConfig a: spec.environmentVariables.A"}},
		"the mesh's own field":     {in("{interceptionMode: NONE}"), []string{"IstioOperator x: spec.meshConfig.defaultConfig.interceptionMode"}},
		"the mesh's own variable":  {in("{proxyMetadata: {DRY_RUN: 'true'}}"), []string{"IstioOperator x: spec.meshConfig.defaultConfig.proxyMetadata.DRY_RUN"}},
		"a ConfigMap":              {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio}\ndata: {mesh: 'defaultConfig: {interceptionMode: NONE}'}\n", []string{"ConfigMap istio: data.mesh: …interceptionMode can change"}},
		"a pod's own dual stack":   {object("{ISTIO_DUAL_STACK: 'false'}"), []string{"ProxyConfig a: spec.environmentVariables.ISTIO_DUAL_STACK"}},
		"the mesh's, no boolean":   {in("{proxyMetadata: {ISTIO_DUAL_STACK: 'no'}}"), []string{"IstioOperator x: spec.meshConfig.defaultConfig.proxyMetadata.ISTIO_DUAL_STACK"}},
		"what the mesh does alone": {in("{proxyMetadata: {ISTIO_DUAL_STACK: 'false'}}"), nil},
		"other variables":          {object("{ISTIO_META_DNS_CAPTURE: 'true', DRY_RUN: 'false', A: 'b: c'}"), nil},
		"other fields":             {in("{interceptionMode: REDIRECT, concurrency: 2, tracing: {sampling: 1, customTags: {x: {literal: {value: '\"'}}}}, proxyMetadata: {ISTIO_DUAL_STACK: 'true'}}"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			for _, bypass := range []string{"", "excludeInboundPorts=8080"} {
				policy := only(bypassing(t, bypass), "proxy-config")
				policy.Limits = transform.Limits{Limits: guardrail.Limits{OutboundPorts: traffic.SinglePorts(traffic.TCP, 443)}}
				matched(t, "proxy-config", test.want, found(t, policy, workload("orders"), test.item))
			}
		})
	}
}

func TestProxyUser(t *testing.T) {
	at := func(places ...string) []string {
		var all []string
		for _, place := range places {
			all = append(all, "Deployment orders: spec.template.spec."+place+" is the sidecar's own")
		}
		return all
	}
	for name, test := range map[string]struct {
		mesh, spec string
		want       []string
	}{
		"Istio's user":                     {spec: "containers: [{name: a, image: a, securityContext: {runAsUser: 1337}}]", want: at("containers[0].securityContext.runAsUser: …runAsUser 1337")},
		"as YAML may write it":             {spec: "containers: [{name: a, image: a, securityContext: {runAsUser: 0x539}}]", want: at("containers[0].securityContext.runAsUser: …runAsUser 1337")},
		"Istio's group":                    {spec: "containers: [{name: a, image: a, securityContext: {runAsGroup: 1337}}]", want: at("containers[0].securityContext.runAsGroup: …runAsGroup 1337")},
		"an init container":                {spec: "initContainers: [{name: a, image: a, securityContext: {runAsUser: 1337}}], containers: [{name: b, image: b}]", want: at("initContainers[1].securityContext.runAsUser: …runAsUser 1337")},
		"the pod's":                        {spec: "securityContext: {runAsUser: 1337}, containers: [{name: a, image: a}, {name: b}]", want: at("securityContext.runAsUser: …runAsUser 1337")},
		"Linkerd's":                        {mesh: "Linkerd", spec: "containers: [{name: a, image: a, securityContext: {runAsUser: 2102}}]", want: at("containers[0].securityContext.runAsUser: …runAsUser 2102")},
		"the pod's, which nobody inherits": {spec: "securityContext: {runAsUser: 1337}, containers: [{name: a, image: a, securityContext: {runAsUser: 1000}}]"},
		"another mesh's":                   {mesh: "Linkerd", spec: "containers: [{name: a, image: a, securityContext: {runAsUser: 1337}}]"},
		"the sidecar, adjusted":            {spec: "containers: [{name: a, image: a}, {name: istio-proxy, securityContext: {runAsUser: 1337}}]"},
		"another user":                     {spec: "securityContext: {runAsUser: 1000, fsGroup: 1337}, containers: [{name: a, image: a}]"},
		"no number":                        {spec: "containers: [{name: a, image: a, securityContext: {runAsUser: istio}}]"},
	} {
		t.Run(name, func(t *testing.T) {
			policy := only(bypassing(t, "excludeInboundPorts=8080"), "proxy-user")
			if test.mesh != "" {
				policy.Mesh, _ = mesh.ByName(test.mesh)
			}
			item := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: orders, namespace: shop}\nspec: {template: {spec: {" + test.spec + "}}}\n"
			matched(t, "proxy-user", test.want, found(t, policy, item))
		})
	}
}
