package kustomization_test

import (
	"path"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/internal/kustomization"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/pass"
	"github.com/krm-bypass/krm-bypass/internal/transform"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// The function reads kustomizations among its items without kustomize, and finds the
// same in them.
func TestNamesAreThoseThatTheFunctionReads(t *testing.T) {
	const head = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
	for name, text := range map[string]string{
		"nothing":        "",
		"resources":      "resources: [a.yaml, ./b.yaml, ../c/d.yaml]\n",
		"bases":          "bases: [../base]\n",
		"components":     "components: [../c]\n",
		"patches":        "patches:\n- path: a.yaml\n- path: ../b.yaml\n  target: {kind: Deployment}\n- patch: '[]'\n",
		"old fields":     "patchesStrategicMerge: [a.yaml, b.yaml]\npatchesJson6902: [{path: c.yaml, target: {version: v1, kind: Deployment, name: a}}]\n",
		"what is none":   "replacements: [{path: r.yaml}]\nconfigurations: [c.yaml]\ncrds: [d.yaml]\nconfigMapGenerator: [{name: a, files: [a.yaml]}]\n",
		"a plugin":       "transformers:\n- |-\n  apiVersion: builtin\n  kind: PatchTransformer\n  metadata: {name: a}\n  path: a.yaml\n- |-\n  apiVersion: builtin\n  kind: PatchStrategicMergeTransformer\n  metadata: {name: a}\n  paths: [b.yaml, ../c.yaml]\n- |-\n  apiVersion: other\n  kind: PatchTransformer\n  metadata: {name: a}\n  path: d.yaml\n",
		"a file of them": "transformers: [t.yaml]\n",
		"by an alias":    "resources: [&a a.yaml]\npatches: [{path: *a}]\n",
		"by a merge key": "patches: [{<<: {path: a.yaml}, target: {kind: Deployment}}]\n",
	} {
		t.Run(name, func(t *testing.T) {
			names, err := kustomization.Names([]byte(head + text))
			require.NoError(t, err)
			want := map[string]transform.Use{}
			for _, n := range names {
				if n.IsPlugin {
					continue // which is not among the items
				}
				file := path.Join("prod", n.Path)
				want[file] = want[file].Named("prod/kustomization.yaml: "+n.Field, n.IsPatch)
			}
			item := pass.Item{Text: yamltext.Fragment{Text: []byte(head + text)}, Place: pass.Place{File: "prod/kustomization.yaml"}}
			is := object.Type{APIVersion: "kustomize.config.k8s.io/v1beta1", Kind: "Kustomization"}
			assert.Equal(t, want, pass.UsesAmong([]pass.Item{item}, []object.Type{is}).Files())
		})
	}
}

// TestChanges tells a kustomization that changes what it names from one that puts it together.
func TestChanges(t *testing.T) {
	for text, changes := range map[string]bool{
		"": false, "resources: [a.yaml]\nbases: [../b]\n": false,
		"apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nmetadata: {name: a}\nresources: [a.yaml]\nimages: [{name: a, newTag: b}]\nreplicas: [{name: a, count: 2}]\nconfigMapGenerator: [{name: a, literals: [b=c]}]\n": false,
		"resources: [a.yaml]\nnamePrefix: eu-\n": true, "resources: [a.yaml]\nnamespace: eu\n": true, "commonAnnotations: {a: b}\n": true,
		"labels: [{pairs: {a: b}, includeTemplates: true}]\n": true, "patches: [{path: a.yaml}]\n": true, "components: [../c]\n": true,
	} {
		is, err := kustomization.Changes([]byte(text))
		require.NoError(t, err, text)
		assert.Equal(t, changes, is, text)
	}
	_, err := kustomization.Changes([]byte("resources: 5\n"))
	require.Error(t, err)
}
