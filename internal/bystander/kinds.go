package bystander

import (
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
)

// silent are the groups whose objects hold schemas, patterns or patches of others, or
// are never applied: what looks like a pod template in them makes no pod. One that
// begins with a dot stands for all that end in it.
var silent = []string{
	"apiextensions.k8s.io", "admissionregistration.k8s.io",
	"kyverno.io", "policies.kyverno.io", "chainsaw.kyverno.io", ".gatekeeper.sh", "policies.kubewarden.io",
	"gateway.networking.k8s.io", // whose pods are gateways, which rules leave alone
	"kustomize.config.k8s.io", "config.kubernetes.io", "kpt.dev", "krm-bypass.dev",
}

// Later says that an object becomes others in the cluster, where nobody sees them.
type Later struct {
	// Does is what becomes of it, and by whom; Instead what to do before.
	Does, Instead string
}

// later is a kind of which somebody makes other objects in the cluster.
type later struct {
	group, kind string
	Later
	// names reports whether those may have pods; nil where they always may.
	names func(node.Value) bool
}

func chartBy(who string) Later {
	return Later{who + " renders a chart of it in the cluster", "render the chart (helm template)"}
}

var rendered = []later{
	{"helm.toolkit.fluxcd.io", "HelmRelease", chartBy("Flux"), nil},
	{"helm.fluxcd.io", "HelmRelease", chartBy("Flux"), nil},
	{"helm.cattle.io", "HelmChart", chartBy("K3s"), nil},
	{"argoproj.io", "Application", chartBy("Argo CD"), func(o node.Value) bool { return charted(o.Entry("spec")) }},
	{"argoproj.io", "ApplicationSet", chartBy("Argo CD"), func(o node.Value) bool { return charted(o.Below("spec", "template", "spec")) }},
	{"helm.crossplane.io", "Release", chartBy("Crossplane"), nil},
	// openshift/api template/v1/types.go, Template: objects are created once the
	// parameters are filled in
	{"template.openshift.io", "Template", Later{"OpenShift makes objects of it in the cluster", "fill it in (oc process)"}, func(o node.Value) bool {
		pods, _ := In(o, func(string) bool { return false })
		return len(pods) > 0
	}},
}

// charted reports whether a source of an Application is a chart (argoproj/argo-cd
// pkg/apis/application/v1alpha1/types.go, ApplicationSource).
func charted(spec node.Value) bool {
	for _, source := range append(spec.Entry("sources").Items(), spec.Entry("source")) {
		if source.Entry("chart").Exists() || source.Entry("helm").Exists() {
			return true
		}
	}
	return false
}

// IsSilent reports whether nothing in objects of a type makes pods.
func IsSilent(t object.Type) bool {
	group := object.Group(t.APIVersion)
	return t.APIVersion == "builtin" || // kustomize's own transformers
		group == "apps" && t.Kind == "ControllerRevision" || // what there was
		group == "apps.kruise.io" && t.Kind == "SidecarSet" || // its containers join the pods of others
		slices.ContainsFunc(silent, func(g string) bool {
			return g == group || strings.HasPrefix(g, ".") && strings.HasSuffix(group, g)
		})
}

// IsRenderedLater reports whether objects of a type name what is rendered in the cluster.
func IsRenderedLater(t object.Type) bool {
	return slices.ContainsFunc(rendered, func(l later) bool { return l.is(t) })
}

func (l later) is(t object.Type) bool {
	return l.kind == t.Kind && l.group == object.Group(t.APIVersion)
}

// RenderedLater says what becomes of an object in the cluster; nil where it is nothing.
func RenderedLater(t object.Type, o node.Value) *Later {
	for _, l := range rendered {
		if l.is(t) && (l.names == nil || l.names(o)) {
			return &l.Later
		}
	}
	return nil
}
