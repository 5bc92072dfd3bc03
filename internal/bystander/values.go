package bystander

import (
	"cmp"
	"slices"
	"sync"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
)

// Form is how an object holds values of a Helm chart.
type Form uint8

const (
	// AsFields is as a mapping.
	AsFields Form = iota
	// AsText is as a text.
	AsText
	// AsWords is in the words of helm --set.
	AsWords
)

// Values are values of a Helm chart in an object.
type Values struct {
	// Path leads to them from the object.
	Path edit.Path
	Form Form
	// Void says why nobody reads them, "" where somebody does.
	Void string
	node.Value
}

// holder is a kind of objects that hold values.
type holder struct {
	group, kind string
	places      []place
}

type place struct {
	form Form
	// at leads to the values; eachItem is a step to all items of a list.
	at []string
}

const eachItem = "*"

// holders have the sources of rendered, whose kinds most are; for a kustomization
// kubernetes-sigs/kustomize api/types/helmchartargs.go, for K3s' HelmChartConfig the file
// of HelmChart. Flux reads a ConfigMap's values.yaml where valuesFrom names no other key.
var holders = sync.OnceValue(func() []holder {
	return []holder{
		{"helm.toolkit.fluxcd.io", "HelmRelease", []place{{AsFields, []string{"spec", "values"}}}},
		{"helm.fluxcd.io", "HelmRelease", []place{{AsFields, []string{"spec", "values"}}}},
		{"", "ConfigMap", []place{{AsText, []string{"data", "values.yaml"}}}},
		{"argoproj.io", "Application", argo("spec")},
		{"argoproj.io", "ApplicationSet", argo("spec", "template", "spec")},
		{"helm.cattle.io", "HelmChart", []place{{AsText, []string{"spec", "valuesContent"}}, {AsWords, []string{"spec", "set"}}}},
		{"helm.cattle.io", "HelmChartConfig", []place{{AsText, []string{"spec", "valuesContent"}}}},
		{"helm.crossplane.io", "Release", []place{{AsFields, []string{"spec", "forProvider", "values"}}, {AsWords, []string{"spec", "forProvider", "set"}}}},
		{"kustomize.config.k8s.io", "Kustomization", []place{{AsFields, []string{"helmCharts", "*", "valuesInline"}}}},
		{"kustomize.config.k8s.io", "Component", []place{{AsFields, []string{"helmCharts", "*", "valuesInline"}}}},
		{"", "HelmChartInflationGenerator", []place{{AsFields, []string{"valuesInline"}}}},
	}
})

func argo(spec ...string) (places []place) {
	for _, source := range [][]string{{"source"}, {"sources", eachItem}} {
		in := func(field string) []string { return slices.Concat(spec, source, []string{"helm", field}) }
		places = append(places, place{AsFields, in("valuesObject")}, place{AsText, in("values")}, place{AsWords, in("parameters")})
	}
	return places
}

// Holders lists the kinds of objects that hold values, each once.
func Holders() (names []string) {
	for _, h := range holders() {
		if !slices.Contains(names, h.kind) {
			names = append(names, h.kind)
		}
	}
	return names
}

// ValuesIn gives the values of Helm charts that an object holds.
func ValuesIn(t object.Type, o node.Value) (all []Values) {
	for _, h := range holders() {
		if h.kind != t.Kind || h.group != object.Group(t.APIVersion) && t.APIVersion != "builtin" {
			continue
		}
		for _, p := range h.places {
			all = append(all, p.in(o, nil)...)
		}
	}
	// argoproj/argo-cd pkg/apis/application/v1alpha1, ApplicationSourceHelm.ValuesYAML
	for i, v := range all {
		if beside := v.Path[:len(v.Path)-1]; v.Form == AsText && o.At(beside...).Entry("valuesObject").IsMapping() {
			all[i].Void = "Argo CD reads valuesObject instead"
		}
	}
	return all
}

// Reference is from where a HelmRelease of Flux takes values beside its own.
type Reference struct {
	Kind, Name string
	// Key is the one that is not values.yaml, or of which a single field is made; ""
	// for values.yaml as a whole.
	Key string
}

// References are those of a HelmRelease. What it says itself counts instead
// (fluxcd.io/flux/components/helm/helmreleases, "Values overrides").
func References(release object.Type, spec node.Value) (all []Reference) {
	if release.Kind != "HelmRelease" {
		return nil
	}
	for _, from := range spec.Entry("valuesFrom").Items() {
		key := cmp.Or(from.Entry("valuesKey").Text(), valuesKey)
		if key == valuesKey && from.Entry("targetPath").Text() == "" {
			key = ""
		}
		all = append(all, Reference{from.Entry("kind").Text(), from.Entry("name").Text(), key})
	}
	return all
}

// valuesKey is what Flux reads where a reference names no other key.
const valuesKey = "values.yaml"

// ReadsValuesOf reports whether a HelmRelease of Flux reads a ConfigMap's values.yaml.
func ReadsValuesOf(release object.Type, spec node.Value, configMap string) bool {
	return slices.Contains(References(release, spec), Reference{Kind: "ConfigMap", Name: configMap})
}

func (p place) in(v node.Value, path edit.Path) (all []Values) {
	for len(path) < len(p.at) {
		step := p.at[len(path)]
		if step == eachItem {
			for n, item := range v.Items() {
				all = append(all, p.in(item, append(slices.Clone(path), n))...)
			}
			return all
		}
		v, path = v.Entry(step), append(slices.Clone(path), step)
	}
	if v.Exists() {
		all = append(all, Values{Path: path, Form: p.form, Value: v})
	}
	return all
}
