package bystander

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/pattern"
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
	// fluxcd/helm-controller api/v2/helmrelease_types.go: HelmReleaseSpec, GetReleaseName,
	// GetReleaseNamespace, CrossNamespaceSourceReference
	{"helm.toolkit.fluxcd.io", "HelmRelease", "Flux", func(o node.Value) (of, instead string) {
		spec, chart := o.Entry("spec"), o.Below("spec", "chart", "spec")
		r := fluxRelease(o, spec.Entry("values"), spec.Entry("valuesFrom"))
		if ref := spec.Entry("chartRef"); ref.Exists() {
			r.source, r.described = source(o, ref), ref.Entry("kind").Text() == "HelmChart"
			return r.instead()
		}
		r.chart, r.version, r.source = chart.Entry("chart"), chart.Entry("version"), source(o, chart.Entry("sourceRef"))
		r.local = slices.Contains([]string{"GitRepository", "Bucket"}, chart.Below("sourceRef", "kind").Text())
		return r.instead()
	}},
	{"helm.fluxcd.io", "HelmRelease", "Flux", func(o node.Value) (of, instead string) {
		chart := o.Below("spec", "chart")
		r := fluxRelease(o, o.Below("spec", "values"), o.Below("spec", "valuesFrom"))
		r.chart, r.repository, r.version = chart.Entry("name"), chart.Entry("repository"), chart.Entry("version")
		if git := chart.Entry("git"); git.Exists() {
			r.chart, r.source, r.local = chart.Entry("path"), word(git, "its repository"), true
		}
		return r.instead()
	}},
	// fluxcd/kustomize-controller api/v1/kustomization_types.go, KustomizationSpec
	{"kustomize.toolkit.fluxcd.io", "Kustomization", "Flux", func(o node.Value) (of, instead string) {
		return folder(o.Below("spec", "path"), o.Below("spec", "targetNamespace"), source(o, o.Below("spec", "sourceRef")))
	}},
	// k3s-io/helm-controller pkg/apis/helm.cattle.io/v1/types.go, HelmChartSpec
	{"helm.cattle.io", "HelmChart", "K3s", func(o node.Value) (of, instead string) {
		spec := o.Entry("spec")
		return release{
			name: o.Below("metadata", "name"), namespace: first(spec.Entry("targetNamespace"), o.Below("metadata", "namespace")),
			chart: spec.Entry("chart"), repository: spec.Entry("repo"), version: spec.Entry("version"),
			values: first(spec.Entry("valuesContent"), spec.Entry("set"), spec.Entry("valuesSecrets")),
		}.instead()
	}},
	{"argoproj.io", "Application", "Argo CD", func(o node.Value) (of, instead string) {
		return sources(o.Below("metadata", "name"), o.Entry("spec"))
	}},
	{"argoproj.io", "ApplicationSet", "Argo CD", func(o node.Value) (of, instead string) {
		return sources(o.Below("spec", "template", "metadata", "name"), o.Below("spec", "template", "spec"))
	}},
	// crossplane-contrib/provider-helm apis/release/v1beta1/types.go, ReleaseParameters
	{"helm.crossplane.io", "Release", "Crossplane", func(o node.Value) (of, instead string) {
		given := o.Below("spec", "forProvider")
		chart := given.Entry("chart")
		return release{
			name: first(o.Below("metadata", "annotations", "crossplane.io/external-name"), o.Below("metadata", "name")), namespace: given.Entry("namespace"),
			chart: chart.Entry("name"), repository: chart.Entry("repository"), version: chart.Entry("version"),
			values: first(given.Entry("values"), given.Entry("valuesFrom"), given.Entry("set")),
		}.instead()
	}},
	// openshift/api template/v1/types.go, Template: objects are created once the
	// parameters are filled in
	{"template.openshift.io", "Template", "OpenShift", func(o node.Value) (of, instead string) {
		if pods, _ := In(o, func(string) bool { return false }); len(pods) == 0 {
			return "", ""
		}
		return "makes objects of it", "fill it in (oc process -f TEMPLATE -o yaml" + piped + ")"
	}},
}

// piped hands to krm-bypass what a command prints.
const piped = " | krm-bypass render - --spec FILE"

// first gives the first of the values that is there.
func first(values ...node.Value) node.Value {
	i := slices.IndexFunc(values, node.Value.Exists)
	return values[max(i, 0)]
}

// fluxRelease is what the HelmReleases of both generations of Flux have alike.
func fluxRelease(o node.Value, values ...node.Value) release {
	spec, metadata := o.Entry("spec"), o.Entry("metadata")
	r := release{name: first(spec.Entry("releaseName"), metadata.Entry("name")), namespace: first(spec.Entry("targetNamespace"), metadata.Entry("namespace")), values: first(values...)}
	if target := spec.Entry("targetNamespace"); target.Exists() && !spec.Entry("releaseName").Exists() {
		r.before = word(target, "NAMESPACE") + "-"
	}
	return r
}

// source names the object of Flux that a reference is to.
func source(o, ref node.Value) string {
	if !ref.Exists() {
		return ""
	}
	namespace := word(first(ref.Entry("namespace"), o.Below("metadata", "namespace")), "")
	return strings.TrimSpace(word(ref.Entry("kind"), "") + " " + strings.TrimPrefix(namespace+"/"+word(ref.Entry("name"), "of its source"), "/"))
}

// sources gives what Argo CD renders of an Application: of its first source, unless a
// plugin does that (argoproj/argo-cd pkg/apis/application/v1alpha1/types.go,
// ApplicationSource).
func sources(name, spec node.Value) (of, instead string) {
	for _, s := range append(spec.Entry("sources").Items(), spec.Entry("source")) {
		chart, helm := s.Entry("chart"), s.Entry("helm")
		switch {
		case s.Entry("plugin").Exists():
			return "", ""
		case chart.Exists() || helm.Exists():
			r := release{
				name: first(helm.Entry("releaseName"), name), namespace: first(helm.Entry("namespace"), spec.Below("destination", "namespace")),
				chart: chart, repository: s.Entry("repoURL"), version: s.Entry("targetRevision"),
				values: first(helm.Entry("values"), helm.Entry("valuesObject"), helm.Entry("valueFiles"), helm.Entry("parameters"), helm.Entry("fileParameters")),
			}
			if !chart.Exists() {
				r = release{name: r.name, namespace: r.namespace, values: r.values, chart: s.Entry("path"), source: word(s.Entry("repoURL"), "its repository"), local: true}
			}
			return r.instead()
		case s.Entry("path").Exists():
			of, instead = folder(s.Entry("path"), spec.Below("destination", "namespace"), word(s.Entry("repoURL"), "its repository"))
			return of, instead + ", or have Argo CD run krm-bypass (docs/argocd.md)"
		}
	}
	return "", ""
}

// release is what of an object says which chart is rendered, and how.
type release struct {
	name, namespace, chart, repository, version, values node.Value
	// before comes before the name.
	before string
	// source is what has the chart, where the object itself does not: for a chart that is
	// local, in a folder.
	source string
	local  bool
	// described says that the source says which chart it is, and has it from another.
	described bool
}

// instead gives the command that renders the chart, and where to look for what the
// object does not say itself.
func (r release) instead() (of, instead string) {
	chart, version, at := word(r.chart, "CHART"), "", ""
	if r.version.Text() != "" {
		version = " --version " + word(r.version, "VERSION")
	}
	var where []string
	repository, isURL := word(r.repository, "URL"), strings.Contains(r.repository.Text(), "://")
	switch {
	case r.local:
		chart, version, at = "./"+relative(chart), "", " in a checkout of "+r.source
	case r.described:
		chart, version, where = "CHART --repo URL", " --version VERSION", []string{"CHART and VERSION are those of " + r.source + ", and URL is that of its source"}
	case r.source != "" && !r.chart.Exists():
		chart, version, where = "URL", " --version VERSION", []string{"URL and VERSION are those of " + r.source}
	case r.source != "":
		where = []string{fmt.Sprintf("URL is that of %s (if it begins with oci:, write URL/%s and no --repo)", r.source, chart)}
		chart += " --repo URL"
	case r.repository.Text() == "":
	case strings.HasPrefix(repository, "oci:") || !isURL && repository != "URL":
		chart = "oci://" + strings.TrimPrefix(repository, "oci://") + "/" + chart // Argo CD wants it without oci://
	default:
		chart += " --repo " + repository
	}
	command := "helm template " + r.before + word(r.name, "NAME") + " " + chart + version + inNamespace(r.namespace)
	if r.values.Exists() {
		command += " --values VALUES"
		where = append(where, "VALUES is a file with its values")
	}
	instead = "render the chart" + at + " (" + command + piped + inNamespace(r.namespace) + ")"
	if len(where) > 0 {
		instead += ", where " + strings.Join(where, " and ")
	}
	return "renders a chart of it", instead
}

// inNamespace is the flag of helm and of krm-bypass that says where objects go which do
// not say it themselves.
func inNamespace(namespace node.Value) string {
	if namespace.Text() == "" {
		return ""
	}
	return " --namespace " + word(namespace, "NAMESPACE")
}

// folder says what is rendered of a folder of a repository, and the command that does.
func folder(path, namespace node.Value, repository string) (of, instead string) {
	at := word(path, "FOLDER")
	if path.Text() == "" {
		at = "."
	}
	at = relative(at)
	return "renders a folder of " + cmp.Or(repository, "its source"), "render that folder in a checkout of it (krm-bypass render " + at + " --spec FILE" + inNamespace(namespace) + ")"
}

// relative gives a path within a repository from its root.
func relative(path string) string {
	return cmp.Or(strings.TrimLeft(strings.TrimPrefix(path, "./"), "/"), ".")
}

// plain is what means nothing but itself to a shell and to a reader.
var plain = pattern.Of(`^[A-Za-z0-9][-A-Za-z0-9_.,:/@~+=]*$|^[./]+[-A-Za-z0-9_./]*$`)

// quotable is what does once it is in quotes, such as a range of versions.
var quotable = pattern.Of(`^[A-Za-z0-9^~<>=*][-A-Za-z0-9_.,/+=*^~<>|! ]*$`)

// word gives a text of an object for a command, or what stands for it.
func word(v node.Value, otherwise string) string {
	switch text := v.Text(); {
	case len(text) >= 200:
	case plain.Matches(text):
		return text
	case quotable.Matches(text):
		return "'" + text + "'"
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
