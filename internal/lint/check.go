package lint

import (
	"slices"
)

// Severity says what becomes of what a check finds.
type Severity string

const (
	// Error makes the run fail, with nothing written.
	Error Severity = "Error"
	// Warning tells the user.
	Warning Severity = "Warning"
	// Ignore does not run the check.
	Ignore Severity = "Ignore"
)

// Severities lists every Severity.
var Severities = []Severity{Error, Warning, Ignore}

// Check is one thing that is looked for.
type Check struct {
	// Name is the check's in spec.lint.
	Name string
	// Severity is what its findings are where the spec does not say.
	Severity Severity
	// Domain is that of the mesh whose behaviour or objects it is about; "" for
	// all of them.
	Domain string
	// about are the kinds of objects without any of which it has nothing to say,
	// beside those that it also reads.
	about, reads []*kind
	// concerns says whether a workload makes the check matter; nil for all.
	concerns func(*Workload) bool
	// judge looks at all workloads and objects together, examine at one pod
	// as it was planned. A check has one of the two.
	judge   func(*judgement)
	examine func(*examination)
}

// configurations hold Istio's own configuration.
var configurations = []*kind{meshConfigMaps, istioOperators, istios}

// istio is the domain of Istio's objects and annotations.
const istio = "istio.io"

// table lists the checks in the order of their documentation: what comes in,
// what goes out, the pod, the cluster.
var table = []*Check{
	{Name: "strict-mtls", Severity: Warning, Domain: istio, about: []*kind{peerAuthentications}, reads: configurations, concerns: (*Workload).opensInbound, judge: strictMTLS},
	{Name: "authorization-policy", Severity: Warning, Domain: istio, about: []*kind{authorizationPolicies}, reads: configurations, concerns: (*Workload).opensInbound, judge: authorization},
	{Name: "request-authentication", Severity: Warning, Domain: istio, about: []*kind{requestAuthentications}, reads: configurations, concerns: (*Workload).opensInbound, judge: requestAuthentication},
	{Name: "service-port", Severity: Warning, about: []*kind{services}, reads: append(configurations, peerAuthentications, destinationRules), concerns: (*Workload).opensInbound, judge: servicePort},
	{Name: "auto-mtls", Severity: Warning, Domain: istio, about: []*kind{services}, reads: append(configurations, peerAuthentications, destinationRules), concerns: (*Workload).opensInbound, judge: autoMTLS},
	{Name: "service-entry", Severity: Warning, Domain: istio, about: []*kind{serviceEntries}, concerns: (*Workload).opensOutbound, judge: serviceEntry},
	{Name: "virtual-service", Severity: Warning, Domain: istio, about: []*kind{virtualServices}, reads: []*kind{services, serviceEntries}, concerns: (*Workload).opensOutbound, judge: virtualService},
	{Name: "sidecar-egress", Severity: Warning, Domain: istio, about: []*kind{sidecars}, reads: configurations, concerns: (*Workload).opensOutbound, judge: sidecarEgress},
	{Name: "registry-only", Severity: Warning, Domain: istio, about: append(configurations, sidecars), concerns: (*Workload).opensOutbound, judge: registryOnly},
	{Name: "dns-capture", Severity: Warning, Domain: istio, reads: append(configurations, serviceEntries, proxyConfigs), concerns: (*Workload).opensOutbound, judge: dnsCapture},
	{Name: "other-proxy", Severity: Warning, examine: otherProxy},
	{Name: "annotation-size", Severity: Warning, examine: annotationSize},
	{Name: "argument-size", Severity: Warning, examine: argumentSize},
	{Name: "object-size", Severity: Warning, examine: objectSize},
	{Name: "port-expansion", Severity: Warning, examine: portExpansion},
	{Name: "pod-security", Severity: Warning, about: []*kind{namespaces}, concerns: func(w *Workload) bool { return w.contained }, judge: podSecurity},
	{Name: "unmeshed-namespace", Severity: Warning, about: []*kind{namespaces}, judge: unmeshedNamespace},
}

// Checks lists every check. The caller must not change the slice.
func Checks() []*Check { return table }

// Kinds names the kinds of objects that the check reads beside workloads, with
// their groups.
func (c *Check) Kinds() []string {
	var names []string
	for _, k := range slices.Concat(c.about, c.reads) {
		names = append(names, k.String())
	}
	slices.Sort(names)
	return names
}
