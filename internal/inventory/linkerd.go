package inventory

import "github.com/krm-bypass/krm-bypass/internal/traffic"

// linkerdProxyInit are values of linkerd/linkerd2
// charts/linkerd-control-plane/values.yaml.
var linkerdProxyInit = []setting{
	{"ignoreInboundPorts", traffic.ExcludeInboundPorts},
	{"ignoreOutboundPorts", traffic.ExcludeOutboundPorts},
}

var linkerd = dialect{
	configurations: []configuration{
		{at: path("proxyInit"), settings: linkerdProxyInit},
		// The values that the control plane was installed with.
		{kind: "ConfigMap", name: "linkerd-config", document: path("data.values"), at: path("proxyInit"), settings: linkerdProxyInit},
	},
	// The proxy's control and admin ports (linkerd/linkerd2
	// charts/partials/templates/_proxy-init.tpl).
	always: tcpPorts(4190, 4191),
}
