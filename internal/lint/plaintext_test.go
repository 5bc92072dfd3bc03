package lint_test

import "strings"

// proposedPeer is a PeerAuthentication as it is proposed for port 9090.
var proposedPeer = peerAuthentication("shop", "orders-bypass", `{selector: {matchLabels: {app: orders}}, portLevelMtls: {"9090": {mode: DISABLE}}}`)

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
	const (
		whole = "{host: orders, trafficPolicy: {tls: {mode: DISABLE}}}"
		two   = "{selector: {app: orders}, ports: [{name: m, port: 90, targetPort: metrics}, {name: h, port: 80, targetPort: http}]}"
	)
	// own leads to a port of Istio's own, for which an object says DISABLE.
	own := func(port, number string) []string {
		return []string{
			serviceOf("orders", "{selector: {app: orders}, ports: ["+port+"]}"),
			istioObject("networking", "DestinationRule", "orders-bypass", "{host: orders, trafficPolicy: {portLevelSettings: [{port: {number: "+number+"}, tls: {mode: DISABLE}}]}}"),
			peerAuthentication("shop", "default", "{mtls: {mode: STRICT}}"),
		}
	}
	// beside puts another workload behind the Service, with a part of its template replaced.
	beside := func(old, replaced string) []string {
		second := strings.Replace(workload("orders"), "Deployment", "StatefulSet", 1)
		return append(leftOver(), strings.Replace(second, old, replaced, 1), proposedPeer)
	}
	return []checkCase{
		{"plain-text", "the bypass is gone", "", leftOver(), []string{"DestinationRule orders-bypass: spec.trafficPolicy.portLevelSettings[0].tls: nothing bypasses the sidecar of Deployment shop/orders at port 9090, by port 90 (m) of Service shop/orders, and the sidecar refuses the plain text …because PeerAuthentication shop/default is STRICT there: delete this object"}},
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
		{"plain-text", "a PeerAuthentication that was proposed", "", []string{proposedPeer}, []string{"PeerAuthentication orders-bypass: spec.portLevelMtls.9090: nothing bypasses the sidecar of Deployment shop/orders at port 9090, and by this object it takes plain text from anyone: delete"}},
		{"plain-text", "one for a port that bypasses", metrics, []string{proposedPeer}, nil},
		{"plain-text", "a port that Istio never intercepts", "", own("{port: 15020}", "15020"), nil},
		{"plain-text", "behind another port", "", own("{port: 8080, targetPort: 15090}", "8080"), nil},
		{"plain-text", "a PeerAuthentication for a port that Istio never intercepts", "", []string{strings.Replace(proposedPeer, "9090", "15021", 1)}, nil},
		{"plain-text", "for the whole host, which another port needs", "excludeInboundPorts=8080", []string{serviceOf("orders", two), istioObject("networking", "DestinationRule", "orders-bypass", whole), peerAuthentication("shop", "default", "{mtls: {mode: STRICT}}")}, nil},
		{"plain-text", "for the whole host, where another port needs it no more", "excludeInboundPorts=8081", []string{serviceOf("orders", two), istioObject("networking", "DestinationRule", "orders-bypass", whole), peerAuthentication("shop", "default", "{mtls: {mode: STRICT}}")}, []string{
			"DestinationRule orders-bypass: spec.trafficPolicy.tls: nothing bypasses the sidecar of Deployment shop/orders at port 8080, by port 80 (h)", "DestinationRule orders-bypass: spec.trafficPolicy.tls: …at port 9090, by port 90 (m)"}},
		{"plain-text", "an object that another port needs", "excludeInboundPorts=8080", []string{
			serviceOf("orders", two), strings.Replace(proposedPeer, `{"9090"`, `{"8080": {mode: DISABLE}, "9090"`, 1),
			istioObject("networking", "DestinationRule", "orders-bypass", "{host: orders, trafficPolicy: {portLevelSettings: [{port: {number: 80}, tls: {mode: DISABLE}}, {port: {number: 90}, tls: {mode: DISABLE}}]}}"),
			peerAuthentication("shop", "default", "{mtls: {mode: STRICT}}"),
		}, []string{
			"DestinationRule orders-bypass: spec.trafficPolicy.portLevelSettings[1].tls: …is STRICT there: take the port out of this object, which other ports need, before PeerAuthentication",
			"PeerAuthentication orders-bypass: spec.portLevelMtls.9090: …from anyone: take the port out of this object, which other ports need, after DestinationRule",
		}},
		{"plain-text", "a pod of which nothing is intercepted", "", beside("metadata:\n      labels", `metadata:
      annotations: {sidecar.istio.io/interceptionMode: NONE}
      labels`), nil},
		{"plain-text", "nothing by its configuration", "", beside("metadata:\n      labels", `metadata:
      annotations: {proxy.istio.io/config: "interceptionMode: NONE"}
      labels`), nil},
		{"plain-text", "nothing by the mesh's configuration", "", append(leftOver(), "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nmetadata: {name: mesh, namespace: istio-system}\nspec: {meshConfig: {defaultConfig: {interceptionMode: NONE}}}\n"), nil},
		{"plain-text", "another pod in the mesh", "", beside("", ""), []string{
			"DestinationRule orders-bypass: …of Deployment shop/orders, StatefulSet shop/orders at port 9090, by port 90 (m)", "PeerAuthentication orders-bypass: "}},
		{"plain-text", "a pod without a sidecar by a label", "", beside("labels: {app: orders}", `labels: {app: orders, sidecar.istio.io/inject: "false"}`), nil},
		{"plain-text", "a pod without a sidecar by an annotation", "", beside("metadata:\n      labels", `metadata:
      annotations: {sidecar.istio.io/inject: "false"}
      labels`), nil},
		{"plain-text", "a pod in the host's network", "", beside("      containers:", "      hostNetwork: true\n      containers:"), nil},
		{"plain-text", "a bare Pod without a sidecar", "", append(leftOver(), `apiVersion: v1
kind: Pod
metadata: {name: debug, namespace: shop, labels: {app: orders, sidecar.istio.io/inject: "false"}}
spec: {containers: [{name: app, image: a}]}
`), nil},
		{"plain-text", "such a pod where rules speak of it", "excludeInboundPorts=8080", beside("labels: {app: orders}", `labels: {app: orders, sidecar.istio.io/inject: "false"}`), nil},
		{"plain-text", "both that were proposed", "", append(leftOver(), proposedPeer), []string{
			"DestinationRule orders-bypass: spec.trafficPolicy.portLevelSettings[0].tls: nothing bypasses the sidecar of Deployment shop/orders at port 9090, by port 90 (m) of Service shop/orders, and without PeerAuthentication shop/orders-bypass the sidecar refuses the plain text …because PeerAuthentication shop/default is STRICT there: delete this object …take the port out of it, before PeerAuthentication shop/orders-bypass",
			"PeerAuthentication orders-bypass: spec.portLevelMtls.9090: …take the port out of it, after DestinationRule shop/orders-bypass",
		}},
		{"plain-text", "a PeerAuthentication beside somebody's own rule", "", append(leftOver("name: orders-bypass,", "name: mine,"), proposedPeer), []string{
			"DestinationRule mine: …before PeerAuthentication shop/orders-bypass", "PeerAuthentication orders-bypass: …after DestinationRule shop/mine",
		}},
		{"plain-text", "beside a rule for another port", "", append(leftOver("number: 90}", "number: 91}"), proposedPeer), []string{"PeerAuthentication orders-bypass: …take the port out of it"}},
		{"plain-text", "somebody's own, beside STRICT", "", []string{peerAuthentication("shop", "metrics", `{selector: {matchLabels: {app: orders}}, mtls: {mode: STRICT}, portLevelMtls: {"9090": {mode: DISABLE}}}`)}, nil},
		{"plain-text", "somebody's own", "", []string{peerAuthentication("shop", "metrics", `{selector: {matchLabels: {app: orders}}, portLevelMtls: {"9090": {mode: DISABLE}}}`)}, nil},
	}
}
