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
	"kyverno.io", "policies.kyverno.io", ".gatekeeper.sh", "policies.kubewarden.io",
	"gateway.networking.k8s.io", // whose pods are gateways, which rules leave alone
	"kustomize.config.k8s.io", "config.kubernetes.io", "kpt.dev", "krm-bypass.dev",
}

// later is a kind of which somebody renders a chart in the cluster.
type later struct {
	group, kind string
	// by is who does so.
	by string
	// charts reports whether an object names a chart; nil where all do.
	charts func(node.Value) bool
}

var rendered = []later{
	{"helm.toolkit.fluxcd.io", "HelmRelease", "Flux", nil},
	{"helm.fluxcd.io", "HelmRelease", "Flux", nil},
	{"helm.cattle.io", "HelmChart", "K3s", nil},
	{"argoproj.io", "Application", "Argo CD", func(o node.Value) bool { return charted(o.Entry("spec")) }},
	{"argoproj.io", "ApplicationSet", "Argo CD", func(o node.Value) bool { return charted(o.Below("spec", "template", "spec")) }},
	{"helm.crossplane.io", "Release", "Crossplane", nil},
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

// RenderedBy says who renders a chart that an object names, "" where it names none.
func RenderedBy(t object.Type, o node.Value) string {
	for _, l := range rendered {
		if l.is(t) && (l.charts == nil || l.charts(o)) {
			return l.by
		}
	}
	return ""
}
