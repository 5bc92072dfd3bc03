package lint

import (
	"cmp"

	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// interceptionAnnotation goes before what a ProxyConfig says (istio/istio
// manifests/charts/istio-control/istio-discovery/files/injection-template.yaml).
const interceptionAnnotation = "sidecar.istio.io/interceptionMode"

// interception gives how inbound connections of a plan's pods are intercepted, nil where
// nothing says it.
func (e *examination) interception(plan *transform.Plan) *transform.Setting {
	if mode := e.annotation(interceptionAnnotation); mode != "" {
		return &transform.Setting{Path: e.workload.annotation(interceptionAnnotation), Value: mode}
	}
	return e.linter.policy.Setting(plan, e.linter.commons, proxyAnnotation, "interceptionMode", "interception_mode")
}

// byTPROXY reports whether TPROXY is the mode (istio/api mesh/v1alpha1/proxy.proto,
// InboundInterceptionMode, which a configuration may also give as its number).
func (w *Workload) byTPROXY() bool {
	return w.interception != nil && (w.interception.Value == "TPROXY" || w.interception.Value == "1")
}

// tproxyByIptables finds workloads whose inbound connections are intercepted before any
// rule of the backend iptables is asked.
func tproxyByIptables(j *judgement) {
	for _, w := range j.workloads {
		if said := w.interception; w.opensByIptables() && w.byTPROXY() {
			j.note(cmp.Or(said.By, w.Object), said.Path, said.Value).add(portsOf(w.inbound), w)
		}
	}
}
