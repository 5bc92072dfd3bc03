package bystander_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/bystander"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
)

func TestWhatToRenderInstead(t *testing.T) {
	const (
		release     = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: a, namespace: b}\nspec: "
		application = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a, namespace: argocd}\nspec: {destination: {namespace: b}, source: "
		chart       = "{spec: {chart: c, version: '6.5.*', sourceRef: {kind: HelmRepository, name: r, namespace: flux}}}"
	)
	for name, test := range map[string]struct{ object, command, where string }{
		"a chart of a repository that another object names": {
			release + "{chart: " + chart + "}", "helm template a c --repo URL --version '6.5.*' --namespace b",
			", where URL is that of HelmRepository flux/r (if it begins with oci:, write URL/c and no --repo)",
		},
		"a release of another name in another namespace, with values": {
			release + "{releaseName: d, targetNamespace: e, values: {f: g}, chartRef: {kind: OCIRepository, name: r}}", "helm template d URL --version VERSION --namespace e --values VALUES",
			", where URL and VERSION are those of OCIRepository b/r and VALUES is a file with its values",
		},
		"a release in another namespace, which is in its name": {
			release + "{targetNamespace: e, chartRef: {kind: HelmChart, name: r}}", "helm template e-a CHART --repo URL --version VERSION --namespace e",
			", where CHART and VERSION are those of HelmChart b/r, and URL is that of its source",
		},
		"a chart in a checkout":            {release + "{chart: {spec: {chart: ./charts/c, version: '1', sourceRef: {kind: GitRepository, name: r}}}}", "helm template a ./charts/c --namespace b", ""},
		"a chart of which nothing is said": {release + "{chart: {spec: {chart: c}}}", "helm template a c --namespace b", ""},
		"a chart of K3s":                   {"apiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: {name: a, namespace: kube-system}\nspec: {chart: c, repo: 'https://d', targetNamespace: b}", "helm template a c --repo https://d --namespace b", ""},
		"a chart of Crossplane":            {"apiVersion: helm.crossplane.io/v1beta1\nkind: Release\nmetadata: {name: a}\nspec: {forProvider: {namespace: b, chart: {name: c, repository: 'https://d', version: 1.2.3}}}", "helm template a c --repo https://d --version 1.2.3 --namespace b", ""},
		"Argo CD's, of another name":       {application + "{chart: c, repoURL: 'https://d', targetRevision: 1.16.1, helm: {releaseName: e}}}", "helm template e c --repo https://d --version 1.16.1 --namespace b", ""},
		"Argo CD's, of a registry":         {application + "{chart: c, repoURL: ghcr.io/d, targetRevision: 1.16.1}}", "helm template a oci://ghcr.io/d/c --version 1.16.1 --namespace b", ""},
		"Argo CD's, in a checkout":         {application + "{path: charts/c, repoURL: 'https://d', targetRevision: HEAD, helm: {valuesObject: {}}}}", "helm template a ./charts/c --namespace b --values VALUES", ", where VALUES is a file with its values"},
		"what a shell would read otherwise": {
			application + "{chart: c, repoURL: 'https://d', targetRevision: '1$(reboot)', helm: {releaseName: \"'; reboot\"}}}", "helm template NAME c --repo https://d --version VERSION --namespace b", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			instead := insteadOf(t, test.object)
			assert.Contains(t, instead, "("+test.command+" | krm-bypass render - --spec FILE --namespace ")
			assert.Equal(t, test.where, instead[len(instead)-len(test.where):])
			if test.where == "" {
				assert.Equal(t, ")", instead[len(instead)-1:])
			}
		})
	}
	for name, test := range map[string]struct{ object, command string }{
		"a folder of Flux":           {"apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: a}\nspec: {path: ./apps/b, sourceRef: {kind: GitRepository, name: r}}", "krm-bypass render apps/b --spec FILE)"},
		"all of a repository":        {"apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: a}\nspec: {sourceRef: {kind: GitRepository, name: r}}", "krm-bypass render . --spec FILE)"},
		"a folder of Argo CD":        {application + "{path: guestbook, repoURL: 'https://d'}}", "krm-bypass render guestbook --spec FILE --namespace b), or have Argo CD run krm-bypass (docs/argocd.md)"},
		"a folder that is filled in": {application + "{path: 'sets/{{cluster}}', repoURL: 'https://d'}}", "krm-bypass render FOLDER --spec FILE --namespace b), or have Argo CD run krm-bypass (docs/argocd.md)"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, "render that folder in a checkout of it ("+test.command, insteadOf(t, test.object))
		})
	}
}

func insteadOf(t *testing.T, text string) string {
	t.Helper()
	var document yaml.Node
	require.NoError(t, yaml.Unmarshal([]byte(text), &document))
	o := node.Of(document.Content[0])
	later := bystander.RenderedLater(object.Type{APIVersion: o.Entry("apiVersion").Text(), Kind: o.Entry("kind").Text()}, o)
	require.NotNil(t, later)
	return later.Instead
}
