package lint

import (
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// kind is a kind of object that checks read.
type kind struct {
	group, name string
	// of is the domain of the mesh to which it belongs, "" where it is
	// Kubernetes' own.
	of string
	// called says by an object's name whether it may be meant, for a kind of
	// which most objects say nothing here; nil for all.
	called func(name string) bool
	// view gives what is read of an object, nil for nothing. opening are the
	// workloads to which a Service has to lead, nil where that does not matter.
	view func(o resource, opening *index) view
	// changed says that a finding may propose to change one.
	changed bool
}

func (k *kind) is(t object.Type) bool {
	return k.name == t.Kind && k.group == object.Group(t.APIVersion)
}

// resource is an object among the items. The view of its kind embeds it.
type resource struct {
	*transform.Object
	// node is kept only of what a finding may propose to change.
	node node.Value
}

func (o *resource) hold(other resource) { *o = other }

// view is what is read of an object. It embeds a resource.
type view interface{ hold(resource) }

// decoded views an object as a T. What does not fit is left at its zero value: the
// mesh and the API server complain about it.
func decoded[T any, P interface {
	*T
	view
}](o resource, _ *index) view {
	v := P(new(T))
	_ = o.node.Decode(v)
	v.hold(o)
	return v
}

// common is the view of what a transform.Common says alone.
func common(resource, *index) view { return nil }

// Items are what the checks see of the objects beside the workloads.
type Items []view

// viewed gives the items that are viewed as a T, in their order.
func viewed[T any](items Items) []*T {
	var found []*T
	for _, v := range items {
		if view, is := any(v).(*T); is {
			found = append(found, view)
		}
	}
	return found
}

// The kinds that checks read. Istio's are as in istio/api at the paths beside
// their fields below.
var (
	services               = &kind{name: "Service", view: leading}
	namespaces             = &kind{name: "Namespace", view: labelled}
	peerAuthentications    = &kind{group: "security.istio.io", name: "PeerAuthentication", of: istio, view: decoded[peerAuthentication], changed: true}
	authorizationPolicies  = &kind{group: "security.istio.io", name: "AuthorizationPolicy", of: istio, view: decoded[authorizationPolicy]}
	requestAuthentications = &kind{group: "security.istio.io", name: "RequestAuthentication", of: istio, view: decoded[requestAuthenticationObject]}
	destinationRules       = &kind{group: "networking.istio.io", name: "DestinationRule", of: istio, view: decoded[destinationRule], changed: true}
	serviceEntries         = &kind{group: "networking.istio.io", name: "ServiceEntry", of: istio, view: decoded[serviceEntryObject]}
	virtualServices        = &kind{group: "networking.istio.io", name: "VirtualService", of: istio, view: decoded[virtualServiceObject]}
	sidecars               = &kind{group: "networking.istio.io", name: "Sidecar", of: istio, view: decoded[sidecar]}
	proxyConfigs           = &kind{group: "networking.istio.io", name: "ProxyConfig", of: istio, view: common}

	// configMaps hold the MeshConfig of an installation by Helm or istioctl, one for each
	// revision (istio/istio
	// manifests/charts/istio-control/istio-discovery/templates/configmap.yaml), or what
	// Cilium's agents are told.
	configMaps = &kind{name: "ConfigMap", view: configured, called: func(name string) bool {
		return name == "istio" || strings.HasPrefix(name, "istio-") || name == ciliumConfig
	}}
	helmReleases = &kind{group: "helm.toolkit.fluxcd.io", name: "HelmRelease", view: ciliumRelease}
	// istioOperators and istios hold it among an operator's settings (istio/istio
	// operator/pkg/apis/types.go; istio-ecosystem/sail-operator
	// api/v1/istio_types.go).
	istioOperators = &kind{group: "install.istio.io", name: "IstioOperator", of: istio, view: meshConfigAt("spec", "meshConfig")}
	istios         = &kind{group: "sailoperator.io", name: "Istio", of: istio, view: meshConfigAt("spec", "values", "meshConfig")}
)
