package bystander

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
)

// Later says that an object becomes others in the cluster, where nobody sees them.
type Later struct {
	// Does is what becomes of it, and by whom; Instead what to do before.
	Does, Instead string
}

// later is a kind of such objects.
type later struct {
	group, kind, by string
	// of gives what they make of an object, "" for nothing, and what to do instead.
	of func(o node.Value) (of, instead string)
}

var rendered = []later{
	// fluxcd/helm-controller api/v2/helmrelease_types.go, HelmChartTemplateSpec
	{"helm.toolkit.fluxcd.io", "HelmRelease", "Flux", func(o node.Value) (of, instead string) {
		chart := o.Below("spec", "chart", "spec")
		return aChart, template(o, chart.Entry("chart"), node.Value{}, chart.Entry("version"))
	}},
	{"helm.fluxcd.io", "HelmRelease", "Flux", func(o node.Value) (of, instead string) {
		chart := o.Below("spec", "chart")
		return aChart, template(o, chart.Entry("name"), chart.Entry("repository"), chart.Entry("version"))
	}},
	// fluxcd/kustomize-controller api/v1/kustomization_types.go, KustomizationSpec
	{"kustomize.toolkit.fluxcd.io", "Kustomization", "Flux", func(o node.Value) (of, instead string) {
		return folder(o.Below("spec", "path"), o.Below("spec", "sourceRef", "name"))
	}},
	// k3s-io/helm-controller pkg/apis/helm.cattle.io/v1/types.go, HelmChartSpec
	{"helm.cattle.io", "HelmChart", "K3s", func(o node.Value) (of, instead string) {
		spec := o.Entry("spec")
		return aChart, template(o, spec.Entry("chart"), spec.Entry("repo"), spec.Entry("version"))
	}},
	{"argoproj.io", "Application", "Argo CD", func(o node.Value) (of, instead string) { return sources(o, o.Entry("spec")) }},
	{"argoproj.io", "ApplicationSet", "Argo CD", func(o node.Value) (of, instead string) { return sources(o, o.Below("spec", "template", "spec")) }},
	{"helm.crossplane.io", "Release", "Crossplane", func(o node.Value) (of, instead string) {
		chart := o.Below("spec", "forProvider", "chart")
		return aChart, template(o, chart.Entry("name"), chart.Entry("repository"), chart.Entry("version"))
	}},
	// openshift/api template/v1/types.go, Template: objects are created once the
	// parameters are filled in
	{"template.openshift.io", "Template", "OpenShift", func(o node.Value) (of, instead string) {
		if pods, _ := In(o, func(string) bool { return false }); len(pods) == 0 {
			return "", ""
		}
		return "makes objects of it", "fill it in (oc process)"
	}},
}

const aChart = "renders a chart of it"

// sources gives what Argo CD renders of an Application: of its first source, unless a
// plugin does that (argoproj/argo-cd pkg/apis/application/v1alpha1/types.go,
// ApplicationSource).
func sources(o, spec node.Value) (of, instead string) {
	for _, source := range append(spec.Entry("sources").Items(), spec.Entry("source")) {
		switch chart := source.Entry("chart"); {
		case source.Entry("plugin").Exists():
			return "", ""
		case chart.Exists() || source.Entry("helm").Exists():
			return aChart, template(o, chart, source.Entry("repoURL"), source.Entry("targetRevision"))
		case source.Entry("path").Exists():
			of, instead = folder(source.Entry("path"), source.Entry("repoURL"))
			return of, instead + ", or have Argo CD run krm-bypass (docs/argocd.md)"
		}
	}
	return "", ""
}

// template gives the command that renders a chart.
func template(o, chart, repository, version node.Value) string {
	command := "helm template " + word(o.Below("metadata", "name"), "NAME") + " " + word(chart, "CHART")
	if repository.Text() != "" && !strings.HasPrefix(repository.Text(), "oci:") {
		command += " --repo " + word(repository, "REPOSITORY")
	}
	if version.Text() != "" {
		command += " --version " + word(version, "VERSION")
	}
	return "render the chart (" + command + ", with its values)"
}

// folder says what is rendered of a folder of a repository, and the command that does.
func folder(path, repository node.Value) (of, instead string) {
	at := word(path, "the root")
	return "renders the folder " + at + " of " + word(repository, "its source"), "build that folder (kustomize build " + cmp.Or(strings.TrimPrefix(at, "the root"), ".") + ")"
}

// plain is what means nothing but itself to a shell and to a reader.
var plain = regexp.MustCompile(`^[A-Za-z0-9][-A-Za-z0-9_.,:/@~+=]*$|^[./]+[-A-Za-z0-9_./]*$`)

// word gives a text of an object for a command, or what stands for it.
func word(v node.Value, otherwise string) string {
	if text := v.Text(); len(text) < 200 && plain.MatchString(text) {
		return text
	}
	return otherwise
}

// IsRenderedLater reports whether objects of a type name what is rendered in the cluster.
func IsRenderedLater(t object.Type) bool {
	return slices.ContainsFunc(rendered, func(l later) bool { return l.is(t) })
}

func (l later) is(t object.Type) bool {
	return l.kind == t.Kind && l.group == object.Group(t.APIVersion)
}

// RenderedLater gives what is rendered of an object in the cluster; nil for nothing.
func RenderedLater(t object.Type, o node.Value) *Later {
	for _, l := range rendered {
		if !l.is(t) {
			continue
		}
		if of, instead := l.of(o); of != "" {
			return &Later{l.by + " " + of + " in the cluster", instead}
		}
	}
	return nil
}
