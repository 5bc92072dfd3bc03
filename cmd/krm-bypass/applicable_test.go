package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/object"
)

func TestApplicable(t *testing.T) {
	local := strings.Replace(webService, "namespace: shop}", "namespace: shop, annotations: {config.kubernetes.io/local-config: 'true'}}", 1)
	const (
		json      = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}` + "\n"
		localJSON = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","annotations":{"config.kubernetes.io/local-config":"true"}}}` + "\n"
	)
	for name, test := range map[string]struct{ text, kept string }{
		"nothing":                          {"", ""},
		"all":                              {webService + "---\n" + webDeployment, webService + "---\n" + webDeployment},
		"no local one":                     {webService + "---\n" + local + "---\n" + webDeployment, webService + "---\n" + webDeployment},
		"no spec":                          {webService + "---\n" + bypassSpec, webService},
		"no spec at the front":             {bypassSpec + "---\n" + webService, "---\n" + webService},
		"one marked as applied":            {strings.Replace(local, "'true'", "'false'", 1), strings.Replace(local, "'true'", "'false'", 1)},
		"no configuration of the function": {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {config.kubernetes.io/function: 'container: {image: registry.example.com/mesh/krm-bypass:v1}'}}\n---\n" + webService, "---\n" + webService},
		"JSON that ends":                   {json + "...\n---\n" + json + " # a\n... # b\n" + webService, "---\n" + json + "...\n---\n" + json + " # a\n... # b\n---\n" + webService},
		"JSON that ends at the end":        {webService + "---\n" + json + "\n# a\n...\n# b\n", webService + "---\n" + json + "\n# a\n...\n# b\n"},
		"no local JSON that ends":          {localJSON + "...\n---\n" + json, "---\n" + json},
		"comments":                         {"# a\n---\n# b\n", "# a\n---\n# b\n"},
	} {
		t.Run(name, func(t *testing.T) {
			kept, problems := applicable(fn.Manifest{Path: "a.yaml", Text: []byte(test.text)})
			assert.Empty(t, problems)
			assert.Equal(t, test.kept, string(object.Join(kept...)))
		})
	}
	_, problems := applicable(fn.Manifest{Path: "a.yaml", Text: []byte(webService + "---\n\nreplicas: 2\n")})
	assert.Equal(t, "error: a.yaml:7: the document is not a Kubernetes object: it has no apiVersion or kind: mend or remove it, or name only the files to render\n", problems.Report())
	_, problems = applicable(fn.Manifest{Path: "overlays/prod/kustomization.yaml", Text: []byte("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n")})
	assert.Equal(t, "error: overlays/prod/kustomization.yaml:1: a Kustomization is for kustomize and not for a cluster: name its folder to have it built, or only the files to render\n", problems.Report())
}
