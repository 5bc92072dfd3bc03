package lint_test

import "strings"

// leftOver are the objects for a bypass of port 9090, beside STRICT. Texts in them are
// replaced.
func leftOver(replaced ...string) []string {
	r := strings.NewReplacer(replaced...)
	return []string{
		r.Replace(serviceOf("orders", "{selector: {app: orders}, ports: [{name: m, port: 90, targetPort: metrics}]}")),
		r.Replace(istioObject("networking", "DestinationRule", "orders-bypass", "{host: orders, trafficPolicy: {portLevelSettings: [{port: {number: 90}, tls: {mode: DISABLE}}]}}")),
		r.Replace(peerAuthentication("shop", "default", "{mtls: {mode: STRICT}}")),
	}
}

// plainTextCases are those of objects that stay when their bypass goes.
func plainTextCases() []checkCase {
	const metrics = "excludeInboundPorts=9090"
	return []checkCase{
		{"plain-text", "the bypass is gone", "", leftOver(), []string{"DestinationRule orders-bypass: spec.trafficPolicy.portLevelSettings[0].tls: nothing bypasses the sidecar of Deployment shop/orders at port 90 (m) of Service shop/orders, and the sidecar refuses the plain text …because PeerAuthentication shop/default is STRICT there: delete this object"}},
		{"plain-text", "another port bypasses", "excludeInboundPorts=8080", leftOver(), []string{"DestinationRule orders-bypass: "}},
		{"plain-text", "the port bypasses still", metrics, leftOver(), nil},
		{"plain-text", "all ports do", "includeInboundPorts=", leftOver(), nil},
		{"plain-text", "for the whole host", "", leftOver("portLevelSettings: [{port: {number: 90}, tls: {mode: DISABLE}}]", "tls: {mode: DISABLE}"), []string{"DestinationRule orders-bypass: spec.trafficPolicy.tls: "}},
		{"plain-text", "by the full name, in another namespace", "", leftOver("host: orders,", "host: orders.shop.svc.cluster.local,", "name: orders-bypass, namespace: shop", "name: mine, namespace: web"), []string{"DestinationRule mine: "}},
		{"plain-text", "without STRICT, as it was proposed", "", leftOver("STRICT", "PERMISSIVE"), []string{"DestinationRule orders-bypass: …which the sidecar refuses where mTLS is STRICT"}},
		{"plain-text", "without STRICT, behind a namePrefix", "", leftOver("STRICT", "PERMISSIVE", "orders-bypass", "prd-orders-bypass"), []string{"DestinationRule prd-orders-bypass: "}},
		{"plain-text", "without STRICT, for another", "", leftOver("STRICT", "PERMISSIVE", "orders-bypass", "reorders-bypass"), nil},
		{"plain-text", "without STRICT, somebody's own", "", leftOver("STRICT", "PERMISSIVE", "orders-bypass", "orders"), nil},
		{"plain-text", "plain text is meant", "", leftOver("STRICT", "DISABLE"), nil},
		{"plain-text", "another mode", "", leftOver("{mode: DISABLE}", "{mode: SIMPLE}"), nil},
		{"plain-text", "another port", "", leftOver("number: 90}", "number: 91}"), nil},
		{"plain-text", "a host outside the mesh", "", leftOver("host: orders,", "host: db.example.com,"), nil},
		{"plain-text", "a host with a wildcard", "", leftOver("host: orders,", `host: "*.shop.svc.cluster.local",`), nil},
		{"plain-text", "subsets with policies of their own", "", leftOver("host: orders,", "host: orders, subsets: [{name: v1, trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}}],"), nil},
		{"plain-text", "subsets without", "", leftOver("host: orders,", "host: orders, subsets: [{name: v1, labels: {a: b}}],"), []string{"DestinationRule orders-bypass: "}},
		{"plain-text", "another rule says otherwise", "", append(leftOver(), istioObject("networking", "DestinationRule", "other", "{host: orders, trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}}")), nil},
		{"plain-text", "a Service without pods here", "", leftOver("selector: {app: orders}", "selector: {app: elsewhere}"), nil},
		{"plain-text", "a Service by another name", "", leftOver("targetPort: metrics", "targetPort: nowhere"), nil},
		{"plain-text", "pods without a sidecar", "", append(leftOver(), "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {istio-injection: disabled}}\n"), nil},
		{"plain-text", "a PeerAuthentication that was proposed", "", []string{peerAuthentication("shop", "orders-bypass", `{selector: {matchLabels: {app: orders}}, portLevelMtls: {"9090": {mode: DISABLE}}}`)}, []string{"PeerAuthentication orders-bypass: spec.portLevelMtls.9090: nothing bypasses the sidecar of Deployment shop/orders at port 9090, and by this object it takes plain text from anyone: delete"}},
		{"plain-text", "one for a port that bypasses", metrics, []string{peerAuthentication("shop", "orders-bypass", `{selector: {matchLabels: {app: orders}}, portLevelMtls: {"9090": {mode: DISABLE}}}`)}, nil},
		{"plain-text", "somebody's own", "", []string{peerAuthentication("shop", "metrics", `{selector: {matchLabels: {app: orders}}, portLevelMtls: {"9090": {mode: DISABLE}}}`)}, nil},
	}
}
