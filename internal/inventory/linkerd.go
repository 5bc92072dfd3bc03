package inventory

import "github.com/krm-bypass/krm-bypass/internal/traffic"

var linkerdProxyInit = []setting{
	{"ignoreInboundPorts", traffic.ExcludeInboundPorts},
	{"ignoreOutboundPorts", traffic.ExcludeOutboundPorts},
}

// linkerd has a level for namespaces: the injector copies the annotations of
// the Namespace to pods that have not got them (linkerd/linkerd2
// pkg/inject/inject.go).
var linkerd = dialect{
	namespaces: true,
	configurations: []configuration{
		{at: path("proxyInit"), settings: linkerdProxyInit},
		// The values that the control plane was installed with.
		{kind: "ConfigMap", name: "linkerd-config", document: path("data.values"), at: path("proxyInit"), settings: linkerdProxyInit},
	},
	// linkerd/linkerd2 charts/linkerd-control-plane/values.yaml.
	byItself: map[traffic.Field]string{
		traffic.ExcludeInboundPorts:  "4567,4568",
		traffic.ExcludeOutboundPorts: "4567,4568",
	},
	// The proxy's control and admin ports (linkerd/linkerd2
	// charts/partials/templates/_proxy-init.tpl).
	always: tcpPorts(4190, 4191),
}
