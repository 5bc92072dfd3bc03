package lint_test

// checkCase is what a check finds beside some items of what a workload bypasses.
type checkCase struct {
	check, name, bypass string
	items               []string
	want                []string
}

func namespaceOf(labels string) string {
	return "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {" + labels + "}}\n"
}

func cniConfig(capture string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio-cni-config, namespace: istio-system}\ndata: {AMBIENT_DNS_CAPTURE: '" + capture + "'}\n"
}

// ambientCases are those of ambient pods, and of Namespaces for them.
func ambientCases() []checkCase {
	const metrics = "excludeInboundPorts=9090"
	return []checkCase{
		{"unmeshed-namespace", "in another data plane", metrics, []string{"apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {istio.io/dataplane-mode: ambient}}\n"}, []string{"Namespace shop: metadata: it has the label istio.io/dataplane-mode: ambient, …write dataPlane: Ambient"}},
		{"unmeshed-namespace", "in Ambient as the rule says", "Ambient " + metrics, []string{"apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {istio.io/dataplane-mode: ambient}}\n"}, nil},
		{"unmeshed-namespace", "with a sidecar against the rule", "Ambient " + metrics, []string{"apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {istio.io/dataplane-mode: ambient, istio-injection: enabled}}\n"}, []string{"Namespace shop: …write dataPlane: Sidecar"}},
		{"unmeshed-namespace", "with a sidecar by a revision", "Ambient " + metrics, []string{namespaceOf("istio.io/dataplane-mode: ambient, istio.io/rev: x")}, []string{"Namespace shop: metadata: it has the label istio.io/rev: x, so its pods get a sidecar…write dataPlane: Sidecar"}},
		{"unmeshed-namespace", "with a sidecar by a revision, as the rule says", metrics, []string{namespaceOf("istio.io/dataplane-mode: ambient, istio.io/rev: x")}, nil},
		{"unmeshed-namespace", "that no revision selects", "Ambient " + metrics, []string{namespaceOf("istio.io/dataplane-mode: ambient, istio.io/rev: x, istio-injection: disabled")}, nil},
		{"unmeshed-namespace", "in Ambient where nothing injects", metrics, []string{namespaceOf("istio.io/dataplane-mode: ambient, istio-injection: disabled")}, []string{"Namespace shop: metadata: it has the labels istio-injection: disabled and istio.io/dataplane-mode: ambient, so its pods have no sidecar…Deployment shop/orders: write dataPlane: Ambient"}},
		{"unmeshed-namespace", "where nothing injects", metrics, []string{namespaceOf("istio-injection: disabled")}, []string{"Namespace shop: metadata: it has the label istio-injection: disabled, but…remove the namespace"}},
		{"unmeshed-namespace", "in Ambient where nothing injects a template that asks for it", metrics, []string{namespaceOf("istio.io/dataplane-mode: ambient, istio-injection: disabled"), workload("lt", "sidecar.istio.io/inject: 'true'")}, []string{"Namespace shop: …have no sidecar, but …Deployment shop/lt: remove the label sidecar.istio.io/inject: \"true\" from their templates, and write dataPlane: Ambient", "Namespace shop: …Deployment shop/orders: write dataPlane: Ambient"}},
		{"unmeshed-namespace", "in another data plane, a template that asks for a sidecar", metrics, []string{namespaceOf("istio.io/dataplane-mode: ambient"), workload("lt", "sidecar.istio.io/inject: 'true'")}, []string{"Namespace shop: …Deployment shop/orders: write dataPlane: Ambient"}},
		{"unmeshed-namespace", "before whose label goes that of a template", "Ambient " + metrics, []string{namespaceOf("istio.io/dataplane-mode: none"), workload("amb", "istio.io/dataplane-mode: ambient")}, []string{"Namespace shop: …keeps ztunnel…writes for Deployment shop/orders: remove the namespace"}},
		{"unmeshed-namespace", "with a sidecar whatever a template says", "Ambient " + metrics, []string{namespaceOf("istio-injection: enabled"), workload("amb", "istio.io/dataplane-mode: ambient")}, []string{"Namespace shop: …writes for Deployment shop/amb, Deployment shop/orders: write dataPlane: Sidecar"}},
		{"unmeshed-namespace", "where nothing injects, of a template that data-plane tells of", metrics, []string{namespaceOf("istio-injection: disabled"), workload("amb", "istio.io/dataplane-mode: ambient")}, []string{"Namespace shop: …writes for Deployment shop/orders: remove the namespace"}},
		{"unmeshed-namespace", "of which nothing is known", "Ambient " + metrics, []string{"apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"}, nil},

		{"ambient-inbound", "a port of a Service", "Ambient " + metrics, []string{serviceOf("web", "{selector: {app: orders}, ports: [{port: 80, targetPort: metrics}]}")}, []string{"Service web: spec.ports[0].targetPort: callers in the mesh come to port 80 by HBONE…port 9090 of Deployment shop/orders…excludeOutboundPorts: [80]"}},
		{"ambient-inbound", "with a sidecar", metrics, []string{serviceOf("web", "{selector: {app: orders}, ports: [{port: 80, targetPort: metrics}]}")}, nil},
		{"ambient-inbound", "another port", "Ambient " + metrics, []string{serviceOf("web", "{selector: {app: orders}, ports: [{port: 80, targetPort: http}]}")}, nil},
		{"ambient-inbound", "excluded by callers too", "Ambient " + metrics + " excludeOutboundPorts=80", []string{serviceOf("web", "{selector: {app: orders}, ports: [{port: 80, targetPort: metrics}]}")}, nil},
		{"ambient-inbound", "callers exclude another port", "Ambient " + metrics + " excludeOutboundPorts=9090", []string{serviceOf("web", "{selector: {app: orders}, ports: [{port: 80, targetPort: metrics}]}")}, []string{"Service web"}},
		{"ambient-inbound", "in no mesh", "Ambient " + metrics, []string{workload("out", "istio.io/dataplane-mode: none"), serviceOf("out", "{selector: {app: out}, ports: [{port: 80, targetPort: metrics}]}")}, nil},
		{"ambient-inbound", "excluded by callers at the Services' addresses", "Ambient " + metrics + " excludeOutbound=10.96.0.0/12@80", []string{serviceOf("web", "{selector: {app: orders}, ports: [{port: 80, targetPort: metrics}]}")}, nil},
		{"ambient-inbound", "in a range of callers", "Ambient " + metrics + " excludeOutboundIPRanges=10.96.0.0/12", []string{serviceOf("web", "{clusterIP: 10.96.7.1, selector: {app: orders}, ports: [{port: 80, targetPort: metrics}]}")}, nil},
		{"ambient-inbound", "outside a range of callers", "Ambient " + metrics + " excludeOutboundIPRanges=10.96.0.0/12", []string{serviceOf("web", "{clusterIP: 10.1.7.1, selector: {app: orders}, ports: [{port: 80, targetPort: metrics}]}")}, []string{"Service web"}},
		{"authorization-policy", "that audits", "Ambient " + metrics, []string{istioObject("security", "AuthorizationPolicy", "a", "{action: AUDIT, rules: [{}]}")}, nil},
		{"authorization-policy", "that denies", "Ambient " + metrics, []string{istioObject("security", "AuthorizationPolicy", "a", "{action: DENY, rules: [{}]}")}, []string{"AuthorizationPolicy a"}},
		{"dns-capture", "of ambient pods whose agent captures none", "Ambient excludeOutboundPorts=3306", []string{cniConfig("false"), istioObject("networking", "ServiceEntry", "db", "{hosts: [x], resolution: DNS, ports: [{number: 3306, name: tcp}]}")}, nil},
		{"dns-capture", "of ambient pods whose agent captures it", "Ambient excludeOutboundPorts=3306", []string{cniConfig("true"), istioObject("networking", "ServiceEntry", "db", "{hosts: [x], resolution: DNS, ports: [{number: 3306, name: tcp}]}")}, []string{"ServiceEntry db"}},
		{"service-port", "of ambient pods", "Ambient " + metrics, []string{serviceOf("web", "{selector: {app: orders}, ports: [{port: 80, targetPort: metrics}]}")}, nil},
		{"auto-mtls", "of ambient pods", "Ambient " + metrics, []string{serviceOf("web", "{selector: {app: orders}, ports: [{port: 80, targetPort: metrics}]}")}, nil},
		{"strict-mtls", "of ambient pods", "Ambient " + metrics, []string{peerAuthentication("shop", "default", "{mtls: {mode: STRICT}}")}, []string{"PeerAuthentication default: …mTLS is not enforced where connections bypass ztunnel"}},
		{"proxy-config", "of ambient pods", "Ambient " + metrics, []string{istioObject("networking", "ProxyConfig", "a", "{environmentVariables: {ISTIO_LOCAL_OUTBOUND_PORTS_EXCLUDE: '443'}}")}, nil},
		{"sidecar-egress", "of ambient pods", "Ambient excludeOutboundPorts=3306", []string{istioObject("networking", "Sidecar", "s", "{egress: [{port: {number: 3306}, hosts: ['./*']}]}")}, nil},
		{"service-entry", "of ambient pods", "Ambient excludeOutboundPorts=3306", []string{istioObject("networking", "ServiceEntry", "db", "{hosts: [x], ports: [{number: 3306, name: tcp}]}")}, []string{"ServiceEntry db: …bypass ztunnel"}},

		{"waypoint", "of a Service", "Ambient excludeOutboundPorts=80", []string{"apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: bank, labels: {istio.io/use-waypoint: wp}}\nspec: {selector: {app: x}, ports: [{port: 80}, {port: 81}]}\n"}, []string{"Service web: metadata.labels[\"istio.io/use-waypoint\"]: connections of Deployment shop/orders to port 80 of this Service bypass ztunnel…the waypoint wp"}},
		{"waypoint", "of a Service at its address", "Ambient excludeOutboundIPRanges=10.96.0.0/12", []string{"apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: bank, labels: {istio.io/use-waypoint: wp}}\nspec: {clusterIP: 10.96.7.1, selector: {app: x}, ports: [{port: 80}]}\n"}, []string{"Service web"}},
		{"waypoint", "of a Service whose address nobody knows", "Ambient excludeOutboundIPRanges=10.96.0.0/12", []string{"apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: bank, labels: {istio.io/use-waypoint: wp}}\nspec: {selector: {app: x}, ports: [{port: 80}]}\n"}, nil},
		{"waypoint", "of a Namespace", "Ambient excludeOutboundPorts=80", []string{
			"apiVersion: v1\nkind: Namespace\nmetadata: {name: bank, labels: {istio.io/use-waypoint: wp}}\n",
			"apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: bank}\nspec: {selector: {app: x}, ports: [{port: 80}]}\n",
			"apiVersion: v1\nkind: Service\nmetadata: {name: other, namespace: bank}\nspec: {selector: {app: x}, ports: [{port: 80}]}\n",
			"apiVersion: v1\nkind: Service\nmetadata: {name: udp, namespace: bank}\nspec: {selector: {app: x}, ports: [{port: 80, protocol: UDP}]}\n",
		}, []string{"Namespace bank: metadata.labels[\"istio.io/use-waypoint\"]: …port 80 of its Services"}},
		{"waypoint", "that a Service declines", "Ambient excludeOutboundPorts=80", []string{
			"apiVersion: v1\nkind: Namespace\nmetadata: {name: bank, labels: {istio.io/use-waypoint: wp}}\n",
			"apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: bank, labels: {istio.io/use-waypoint: none}}\nspec: {selector: {app: x}, ports: [{port: 80}]}\n",
		}, nil},
		{"waypoint", "at another port", "Ambient excludeOutboundPorts=443", []string{"apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: bank, labels: {istio.io/use-waypoint: wp}}\nspec: {selector: {app: x}, ports: [{port: 80}]}\n"}, nil},
		{"waypoint", "a headless Service", "Ambient excludeOutboundPorts=80", []string{"apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: bank, labels: {istio.io/use-waypoint: wp}}\nspec: {clusterIP: None, selector: {app: x}, ports: [{port: 80}]}\n"}, nil},
		{"waypoint", "with a sidecar", "excludeOutboundPorts=80", []string{"apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: bank, labels: {istio.io/use-waypoint: wp}}\nspec: {selector: {app: x}, ports: [{port: 80}]}\n"}, nil},

		{"dns-capture", "of ambient pods, a host that goes nowhere", "Ambient excludeOutboundPorts=3306", []string{istioObject("networking", "ServiceEntry", "db", "{hosts: [x], resolution: DNS, ports: [{number: 3306, name: tcp}]}")}, []string{"ServiceEntry db: spec.hosts: with DNS capture this host …where only ztunnel answers"}},
		{"dns-capture", "of ambient pods, without such a host", "Ambient excludeOutboundPorts=3306", nil, nil},
		{"dns-capture", "of ambient pods that ask another server", "Ambient excludeOutboundPorts=53", []string{istioObject("networking", "ServiceEntry", "db", "{hosts: [x], resolution: DNS, ports: [{number: 3306, name: tcp}]}")}, []string{"ServiceEntry db: spec.hosts: only ztunnel knows the address…port 53 of Deployment shop/orders"}},
		{"dns-capture", "of ambient pods that ask another server over TCP alone", "Ambient excludeOutboundPorts=53/TCP", []string{istioObject("networking", "ServiceEntry", "db", "{hosts: [x], resolution: DNS, ports: [{number: 3306, name: tcp}]}")}, nil},
		{"dns-capture", "of ambient pods that ask another server, a host with an address", "Ambient excludeOutboundPorts=53", []string{istioObject("networking", "ServiceEntry", "db", "{hosts: [x], addresses: [203.0.113.9], resolution: STATIC, ports: [{number: 3306, name: tcp}]}")}, nil},
	}
}
