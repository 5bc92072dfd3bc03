package mesh

import (
	"cmp"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// DataPlane says where a mesh takes the traffic of a pod.
type DataPlane string

const (
	// Sidecar takes it in the pod.
	Sidecar DataPlane = "Sidecar"
	// Ambient takes it to a proxy of the node, by rules in the pod's network namespace.
	Ambient DataPlane = "Ambient"
)

// DataPlanes lists every DataPlane.
var DataPlanes = []DataPlane{Sidecar, Ambient}

// On gives the mesh as the pods of a data plane have it, nil where it has no such. Of
// what is another in Ambient the row says so; the rest is that of the mesh.
func (m *Mesh) On(plane DataPlane) *Mesh {
	if plane == Ambient {
		return m.ambient
	}
	return m
}

// Plane gives the data plane of the row.
func (m *Mesh) Plane() DataPlane { return cmp.Or(m.plane, Sidecar) }

// Proxy says what passes on the traffic that does not bypass it.
func (m *Mesh) Proxy() string { return cmp.Or(m.proxy, "the sidecar") }

// Certain gives the data plane in which a template with these labels and annotations
// is, whatever anybody says elsewhere, and what of it says so; "" where it does not.
func (m *Mesh) Certain(labels, annotations map[string]string) (plane DataPlane, by string) {
	if m.certain == nil {
		return "", ""
	}
	return m.certain(labels, annotations)
}

// PlaneLabel is a label of a template that has it in Ambient, unless it is injected.
type PlaneLabel struct {
	Key, Value string
	// Instead is what makes sure of the sidecar.
	Instead string
	// Injects gives that of a template's labels by which its pods get one where their
	// Namespace says nothing of it, "" for none.
	Injects func(labels map[string]string) string
}

// PlaneLabel gives that of the mesh; it has no key where there is no Ambient.
func (m *Mesh) PlaneLabel() PlaneLabel {
	if m.ambient == nil {
		return PlaneLabel{}
	}
	return m.ambient.planeLabel
}

const (
	injectKey = "sidecar.istio.io/inject"
	revKey    = "istio.io/rev"
	statusKey = "sidecar.istio.io/status"

	istioProxyName = "istio-proxy"

	// cni/pkg/util/enablement_selector.go, manifests/charts/istio-cni/values.yaml.
	planeValues    = `^(ambient|none)$`
	planeOtherwise = "takes only ambient and none here, so this has no effect: write one of them"
	// injectionKey is a label of a Namespace.
	injectionKey = "istio-injection"
	planeKey     = "istio.io/dataplane-mode"
	// planeAmbient and NoPlane are its values.
	planeAmbient = "ambient"
	// NoPlane keeps pods out of Ambient.
	NoPlane = "none"
)

// istioCertain: the injector's webhook selects pods by labels alone, so that an annotation
// brings no sidecar where none would come; but it keeps one away, and the agent of the node
// takes no pod that was injected (istio/istio
// manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml,
// pkg/kube/inject/inject.go, injectRequired; cni/pkg/util/podutil.go, podHasSidecar).
func istioCertain(labels, annotations map[string]string) (plane DataPlane, by string) {
	value, labelled := labels[injectKey]
	kind := "label"
	if !labelled {
		value, kind = annotations[injectKey], "annotation"
	}
	says := kind + " " + injectKey + `: "` + value + `"`
	switch {
	case value == "true" && labelled:
		return Sidecar, says
	case value != "false" && strings.Contains(annotations[statusKey], istioProxyName):
		return Sidecar, "annotation " + statusKey // as istioctl kube-inject leaves it
	case value == "false" && labels[planeKey] == planeAmbient:
		return Ambient, says + " and label " + planeKey + ": " + planeAmbient
	}
	return "", ""
}

// istioAmbient is what of Istio is another for pods without a sidecar, whose traffic the
// agent of the node redirects to ztunnel. Facts are from istio/istio cni/pkg/nodeagent
// and manifests/charts/istio-cni/values.yaml, enablementSelectors.
func istioAmbient() *Mesh {
	return &Mesh{
		Name:              "Istio",
		plane:             Ambient,
		proxy:             "ztunnel",
		Early:             Early{Always: "ztunnel is there before any container of the pods"}, // architecture/ambient/ztunnel-cni-lifecycle.md, Pod Startup
		Levels:            PodAlone,
		Unmeshed:          ambientUnmeshed,
		intercepts:        ambientIntercepts,
		OwnPorts:          ztunnelPorts,
		OptOuts:           []OptOut{{Label: true, Key: planeKey, Value: `^none$`, Unless: injectKey, Is: `^true$`}, {Key: statusKey, Value: `^`}},
		UnmeshedNamespace: ambientUnmeshedNamespace,
		planeLabel:        PlaneLabel{planeKey, planeAmbient, "the label " + injectKey + `: "true"`, istioRevised},
		Unreached:         "callers in the mesh come by HBONE, at port 15008, so they bypass only where a rule for them excludes the port outbound",
		BypassInbound:     "ambient.istio.io/bypass-inbound-capture",
		limits:            []limit{ambientKeyless, noPairs},
	}
}

// ambientKeyless: istio/istio#49829 asks for such an annotation.
func ambientKeyless(e *expression) {
	e.leaveWithoutKey(func(traffic.Field) string {
		return "an ambient pod reads no annotation that lets ports or addresses bypass"
	})
}

// ztunnelPorts are those on which ztunnel listens in a pod (istio/ztunnel
// ARCHITECTURE.md; 15053 is for DNS).
var ztunnelPorts = []OwnPorts{
	{traffic.PortRange{First: 15001, Last: 15001}, "ztunnel in the pod"},
	{traffic.PortRange{First: 15006, Last: 15006}, "ztunnel in the pod"},
	{traffic.PortRange{First: 15008, Last: 15008}, "ztunnel in the pod"},
	{traffic.PortRange{First: 15020, Last: 15020}, "ztunnel in the pod"},
	{traffic.PortRange{First: 15021, Last: 15021}, "ztunnel in the pod"},
	{traffic.PortRange{First: 15053, Last: 15053}, "ztunnel in the pod"},
}

// ambientUnmeshed: a waypoint's own pods have the label, too (istio/istio
// manifests/charts/istio-control/istio-discovery/files/waypoint.yaml).
func ambientUnmeshed(labels, annotations map[string]string) string {
	return cmp.Or(ambientDeclined(labels, annotations), istioGateway(annotations))
}

// ambientDeclined: the agent takes the annotation alone for a sidecar, whatever its value
// (istio/istio cni/pkg/util/podutil.go, podHasSidecar).
func ambientDeclined(labels, annotations map[string]string) string {
	if labels[planeKey] == NoPlane {
		return "its template's label " + planeKey + ": " + NoPlane + " opts out of the ambient mesh"
	}
	if _, marked := annotations[statusKey]; marked {
		return "its template's annotation " + statusKey + " says that there is a sidecar, so ztunnel leaves the pods alone"
	}
	return ""
}

// ambientIntercepts: nothing keeps ztunnel from the pods of a gateway that is injected
// nowhere.
func ambientIntercepts(labels, annotations map[string]string) Opening {
	if ambientDeclined(labels, annotations) != "" {
		return 0
	}
	return OpensAll
}

// ambientUnmeshedNamespace: the webhook injects whatever the other label says.
func ambientUnmeshedNamespace(labels, _ map[string]string) string {
	if by := istioInjected(labels); by != "" {
		return "has the label " + by + ", so its pods get a sidecar and ztunnel leaves them alone"
	}
	if mode, said := labels[planeKey]; said && mode != planeAmbient {
		return "has the label " + planeKey + ": " + mode + ", which keeps ztunnel from its pods"
	}
	return ""
}

// istioInjected gives the label by which a webhook selects a Namespace, "" for none. That
// of a revision counts only where the other is absent (istio/istio
// manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml).
func istioInjected(labels map[string]string) string {
	injection, said := labels[injectionKey]
	switch rev := labels[revKey]; {
	case injection == "enabled":
		return injectionKey + ": enabled"
	case !said && rev != "":
		return revKey + ": " + rev
	}
	return ""
}

// istioRevised: rev.object of the same file.
func istioRevised(labels map[string]string) string {
	if labels[injectKey] == "false" || labels[revKey] == "" {
		return ""
	}
	return revKey
}

// ReadOn reports whether pods of a data plane read the annotation.
func (o Other) ReadOn(plane DataPlane) bool {
	if o.planes == nil {
		return plane == Sidecar
	}
	return slices.Contains(o.planes, plane)
}

// istioGateway says why a template is a gateway's, "" where it is none.
func istioGateway(annotations map[string]string) string {
	named := istioNamed(annotations)
	if strings.TrimSpace(annotations[istioTemplates]) == "" || slices.Contains(named, "sidecar") || !slices.Contains(named, "gateway") {
		return ""
	}
	return "its template's annotation inject.istio.io/templates: gateway makes it a gateway"
}
