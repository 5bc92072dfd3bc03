package lint

import (
	"sync"

	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
)

// Check is one thing that is looked for.
type Check struct {
	*finding.Kind
	// about are the kinds of objects without any of which it has nothing to say,
	// beside those that it also reads.
	about, reads []*kind
	// only is the data plane of the pods that it is about, "" for any.
	only mesh.DataPlane
	// anyService says that it reads Services that lead to none of the workloads.
	anyService bool
	// concerns reports whether a workload makes the check matter; nil for all.
	concerns func(*Workload) bool
	// ofIntact says that it is about workloads of which no rule speaks, too.
	ofIntact bool
	// says is the message of its findings, with places for what they are about.
	says string
	// judge looks at all workloads and objects together, examine at one pod
	// as it was planned. A check has one of the two.
	judge   func(*judgement)
	examine func(*examination)
	// ofLimits says that the check has something to say of every pod with a sidecar
	// where the policy has limits, also if no rule speaks of it.
	ofLimits bool
}

// configurations hold Istio's own configuration.
var configurations = []*kind{configMaps, istioOperators, istios}

// istio is the domain of Istio's objects and annotations.
const istio = "istio.io"

// What to do about a port, and about an object that nothing asks.
const (
	closeOff   = "remove the port from the ClusterBypass, or protect it in another way, such as with a NetworkPolicy"
	outOfForce = "remove it from the ClusterBypass, or delete this object"
	fewer      = "use fewer or wider ranges"
)

// table lists the checks in the order of their documentation: what comes in,
// what goes out, the pod, the cluster. In a message of a judge, [1] is what is
// said of the workloads [2].
var table = sync.OnceValue(func() []*Check {
	return []*Check{
		{
			Kind:  finding.StrictMTLS,
			about: []*kind{peerAuthentications}, reads: configurations, concerns: (*Workload).opensInbound, judge: strictMTLS,
			says: "mTLS is not enforced where connections bypass the sidecar, here at %[1]s of %[2]s%[3]s: anyone who can reach the pods gets in there, in plain text and unauthenticated; " + closeOff,
		},
		{
			Kind:  finding.AuthorizationPolicy,
			about: []*kind{authorizationPolicies}, reads: configurations, concerns: (*Workload).opensInbound, judge: authorization,
			says: "nothing asks this %[3]s policy where connections bypass the sidecar, here at %[1]s of %[2]s: anyone who can reach the pods gets in there; " + closeOff,
		},
		{
			Kind: finding.RequestAuthentication, only: mesh.Sidecar,
			about: []*kind{requestAuthentications}, reads: configurations, concerns: (*Workload).opensInbound, judge: requestAuthentication,
			says: "nobody checks the token where requests bypass the sidecar, here at %[1]s of %[2]s: anyone who can reach the pods gets in there, with a forged token or none; " + closeOff,
		},
		{
			Kind: finding.ServicePort, only: mesh.Sidecar,
			about: []*kind{services}, reads: append(configurations, peerAuthentications, destinationRules), concerns: (*Workload).opensInbound, judge: servicePort,
			says: "%[3]s leads to port %[1]s of %[2]s, which bypasses the sidecar: neither the mesh's authentication nor its authorisation applies to its callers; " + closeOff,
		},
		{
			Kind: finding.AutoMTLS, only: mesh.Sidecar,
			about: []*kind{services}, reads: append(configurations, peerAuthentications, destinationRules), concerns: (*Workload).opensInbound, judge: autoMTLS,
			says: "the sidecars of its callers speak mTLS to %s, by %s, but %s the sidecar that would answer, so these connections break: %s",
		},
		{
			Kind: finding.PlainText, only: mesh.Sidecar, anyService: true, ofIntact: true,
			about: []*kind{destinationRules, peerAuthentications}, reads: append(configurations, services, namespaces), judge: plainText,
			says: "nothing bypasses the sidecar of %[2]s at %[1]s, and %[3]s: %[4]s",
		},
		{
			Kind: finding.AmbientInbound, only: mesh.Ambient,
			about: []*kind{services}, concerns: (*Workload).opensInbound, judge: ambientInbound,
			says: "callers in the mesh come to %[3]s by HBONE, at port 15008, which no inbound setting reaches: ztunnel delivers their connections to port %[1]s of %[2]s, and only callers in plain text bypass it; let the callers in the mesh bypass it too, by excludeOutboundPorts: [%[4]d] in a rule for them, or accept this where others are meant",
		},
		{
			Kind: finding.TPROXYByIptables, only: mesh.Sidecar,
			reads: configurations, concerns: (*Workload).opensByIptables, judge: tproxyByIptables,
			says: "connections to %[1]s of %[2]s are intercepted by TPROXY, which asks before any rule that the backend iptables can write: only the mesh's annotation lets them bypass, and what it cannot say goes to the sidecar; set spec.enforcement.backend to auto or nftables, which reach them, or the interception mode to REDIRECT",
		},
		{
			Kind:  finding.ServiceEntry,
			about: []*kind{serviceEntries}, concerns: (*Workload).opensOutbound, judge: serviceEntry,
			says: "connections of %[2]s to %[1]s of this host bypass the sidecar, so this ServiceEntry, and what depends on it, such as TLS origination or an egress gateway, does not apply to them; " + outOfForce,
		},
		{
			Kind: finding.VirtualService, only: mesh.Sidecar, anyService: true,
			about: []*kind{virtualServices}, reads: []*kind{services, serviceEntries}, concerns: (*Workload).opensOutbound, judge: virtualService,
			says: "connections of %[2]s to %[1]s of this host bypass the sidecar, and only the sidecar follows these routes; " + outOfForce,
		},
		{
			Kind: finding.SidecarEgress, only: mesh.Sidecar,
			about: []*kind{sidecars}, reads: configurations, concerns: (*Workload).opensOutbound, judge: sidecarEgress,
			says: "connections of %[2]s to port %[3]d bypass the sidecar, so none reaches this listener, and what it exposes limits nobody; " + outOfForce,
		},
		{
			Kind: finding.RegistryOnly, only: mesh.Sidecar,
			about: append(configurations, sidecars), concerns: (*Workload).opensOutbound, judge: registryOnly,
			says: registryOnlyMode + " lets out only what the mesh knows, but connections of %[2]s bypass the sidecar to %[1]s: take narrower ranges, or a port and its ranges together in excludeOutbound",
		},
		{
			Kind:  finding.DNSCapture,
			reads: append(configurations, serviceEntries, proxyConfigs), concerns: (*Workload).opensOutbound, judge: dnsCapture,
			says: "with DNS capture this host is an address of %[3]s to %[2]s, where only the sidecar answers, but their connections to %[1]s bypass it and go nowhere: give the ServiceEntry its real spec.addresses or the label %[4]s: \"false\", or remove the port from the ClusterBypass",
		},
		{
			Kind: finding.Waypoint, only: mesh.Ambient, anyService: true,
			about: []*kind{services}, reads: []*kind{namespaces}, concerns: (*Workload).opensOutbound, judge: waypoint,
			says: "connections of %[2]s to %[1]s of %[3]s bypass ztunnel, which would send them through the waypoint %[4]s, so none of its policies and routes applies to them; remove the port from the ClusterBypass for these callers, or this label",
		},
		{
			Kind:  finding.SocketBalance,
			about: ciliums, reads: []*kind{services}, concerns: (*Workload).opensOutbound, judge: socketBalance,
			says: "Cilium balances at the socket in pods too, so what is sent to a Service has the address and port of a pod before any rule sees it: %[1]s matches nothing for %[2]s; set socketLB.hostNamespaceOnly (bpf-lb-sock-hostns-only: \"true\"), or exclude the pods' ports and ranges",
		},
		{Kind: finding.OtherProxy, examine: otherProxy, says: "%s"},
		{
			Kind: finding.ProxyUser, only: mesh.Sidecar, examine: proxyUser, ofLimits: true,
			says: "%s %s is the sidecar's own, whose connections the mesh lets out: all that is sent with it bypasses the sidecar, whatever the spec says; use another",
		},
		{
			Kind: finding.ProxyConfig, only: mesh.Sidecar,
			about: append(configurations, proxyConfigs), ofLimits: true, judge: proxyConfigured,
			says: "%s can change what the sidecar intercepts in every pod that this speaks of, and spec.limits does not reach that: remove it, or accept that these workloads can bypass everything",
		},
		{
			Kind: finding.PodPrivilege, examine: podPrivilege, ofLimits: true,
			says: "%s lets this container change the rules in the pod's network, so that spec.limits cannot hold it: remove that, or accept that this workload can bypass everything",
		},
		{
			Kind: finding.AnnotationSize, examine: annotationSize,
			says: "the annotations have %d KiB, and the API server takes %d KiB for all of them together: " + fewer,
		},
		{
			Kind: finding.ArgumentSize, examine: argumentSize,
			says: "the value has %d KiB, and the mesh's own init container gets it as one argument, for which the kernel takes %d KiB: no pod would start; " + fewer,
		},
		{
			Kind: finding.ObjectSize, examine: objectSize,
			says: "the object has %d KiB, and kubectl apply without --server-side keeps a copy of it in an annotation; together, annotations may have %d KiB: apply it on the server's side (kubectl apply --server-side; in Argo CD the sync option ServerSideApply=true), or " + fewer,
		},
		{
			Kind: finding.PortExpansion, examine: portExpansion,
			says: "%s has no port ranges, so these are %d single ports, with a rule or two for each, and every new connection is compared with them: take a narrower range%s",
		},
		{
			Kind:  finding.PodSecurity,
			about: []*kind{namespaces}, concerns: func(w *Workload) bool { return w.contained }, judge: podSecurity,
			says: "Pod Security's %s forbids NET_ADMIN, which the init container %s of %s needs, %s: %s",
		},
		{
			Kind:  finding.UnmeshedNamespace,
			about: []*kind{namespaces}, judge: unmeshedNamespace,
			says: "it %s, but the policy writes for %s: %s, or correct that",
		},
	}
})
