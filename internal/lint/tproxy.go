package lint

import (
	"fmt"

	"github.com/krm-bypass/krm-bypass/internal/edit"
)

// interceptionAnnotation goes before what a ProxyConfig says (istio/istio
// manifests/charts/istio-control/istio-discovery/files/injection-template.yaml).
const interceptionAnnotation = "sidecar.istio.io/interceptionMode"

// interception is how inbound connections are intercepted, and the key that says so.
type interception struct{ mode, key string }

// byTPROXY reports whether TPROXY is the mode (istio/api mesh/v1alpha1/proxy.proto,
// InboundInterceptionMode, which a configuration may also give as its number).
func (i interception) byTPROXY() bool { return i.mode == "TPROXY" || i.mode == "1" }

func (e *examination) interception() interception {
	if mode := e.annotation(interceptionAnnotation); mode != "" {
		return interception{mode, interceptionAnnotation}
	}
	return interception{proxySettingsIn(e.annotation(proxyAnnotation)).interception().mode, proxyAnnotation}
}

func (s proxySettings) interception() interception {
	for _, key := range []string{"interceptionMode", "interception_mode"} {
		if mode, said := s.Rest[key]; said {
			return interception{fmt.Sprint(mode), key}
		}
	}
	return interception{}
}

// tproxyByIptables finds workloads whose inbound connections are intercepted before any
// rule of the backend iptables is asked.
func tproxyByIptables(j *judgement) {
	configs := inOrder(viewed[meshConfig](j.items))
	for _, w := range j.workloads {
		if !w.opensByIptables() {
			continue
		}
		about, said := w.Object, w.interception
		at := w.annotation(said.key)
		for _, m := range configs {
			if said.mode == "" {
				about, said = m.Object, m.DefaultConfig.interception()
				at = m.path("defaultConfig", said.key)
			}
		}
		if said.byTPROXY() {
			j.note(about, append(edit.Path{}, at...), said.mode).add(portsOf(w.inbound), w)
		}
	}
}
