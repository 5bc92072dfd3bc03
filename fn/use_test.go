package fn_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/fn"
)

// A patch beside its base in a package that an orchestrator sends.
func TestAPatchInAResourceList(t *testing.T) {
	const (
		config = "functionConfig:\n  apiVersion: krm-bypass.dev/v1alpha1\n  kind: ClusterBypass\n  metadata: {name: c}\n  spec: {enforcement: {mode: AnnotationsOnly}, global: {excludeOutboundPorts: [3306]}}\n"
		kpt    = "internal.config.kubernetes.io/path: FILE"
		sent   = "kustomize.config.k8s.io/id: 'group: apps'"
		legacy = "config.kubernetes.io/path: FILE"
	)
	item := func(annotations, file, container string) string {
		return "- apiVersion: apps/v1\n  kind: Deployment\n  metadata: {name: web, annotations: {" + strings.ReplaceAll(annotations, "FILE", file) + "}}\n  spec: {template: {spec: {containers: [{name: web" + container + "}]}}}\n"
	}
	kustomization := func(text string) string {
		return "- apiVersion: kustomize.config.k8s.io/v1beta1\n  kind: Kustomization\n  metadata: {name: k, annotations: {internal.config.kubernetes.io/path: prod/kustomization.yaml}}\n  " + text + "\n"
	}
	component := func(text string) string {
		return strings.NewReplacer("v1beta1", "v1alpha1", "kind: Kustomization", "kind: Component").Replace(kustomization(text))
	}
	image := ", image: a"
	for name, test := range map[string]struct {
		items, alone string // the reason, "" where it is written
		warns        string
	}{
		"named":                 {kustomization("patches: [{path: p.yaml}]") + item(kpt, "prod/p.yaml", image), "its file is a patch, by prod/kustomization.yaml: patches[0].path", ""},
		"named, by a component": {component("patches: [{path: ./p.yaml}]") + item(kpt, "prod/p.yaml", image), "its file is a patch, by prod/kustomization.yaml: patches[0].path", ""},
		"named above":           {kustomization("patchesStrategicMerge: [a.yaml, ../p.yaml]") + item(kpt, "p.yaml", image), "its file is a patch, by prod/kustomization.yaml: patchesStrategicMerge[1]", ""},
		"named, before it":      {item(legacy, "prod/p.yaml", image) + kustomization("patchesJson6902: [{path: p.yaml}]"), "its file is a patch, by prod/kustomization.yaml: patchesJson6902[0].path", ""},
		"named by a plugin": {kustomization("transformers: [t.yaml]") + "- {apiVersion: builtin, kind: PatchTransformer, metadata: {name: t, annotations: {internal.config.kubernetes.io/path: prod/t.yaml}}, path: p.yaml}\n" + item(kpt, "prod/p.yaml", image),
			"its file is a patch, by prod/kustomization.yaml: transformers[0]", ""},
		"named by another's plugin": {kustomization("transformers: [t.yaml]") + "- {apiVersion: builtin, kind: PatchTransformer, metadata: {name: t, annotations: {internal.config.kubernetes.io/path: other/t.yaml}}, path: p.yaml}\n" + item(kpt, "prod/p.yaml", image),
			"", "[no-selector]"},
		"named, and a resource":     {kustomization("resources: [p.yaml]\n  patches: [{path: p.yaml}]") + item(kpt, "prod/p.yaml", image), "", "[patch-and-resource]"},
		"a resource":                {kustomization("resources: [p.yaml]") + item(kpt, "prod/p.yaml", image), "", ""},
		"a resource, no image":      {kustomization("resources: [p.yaml]") + item(kpt, "prod/p.yaml", ""), "", ""},
		"not named":                 {kustomization("resources: [q.yaml]") + item(kpt, "prod/p.yaml", image), "", "[no-selector]"},
		"no image":                  {item(kpt, "prod/p.yaml", ""), "none of its containers has an image, as in a patch; no cluster takes a Deployment like that", ""},
		"no image, from nowhere":    {item("", "", ""), "none of its containers has an image, as in a patch; no cluster takes a Deployment like that", ""},
		"no kustomization":          {item(kpt, "p.yaml", image), "", "[no-selector]"},
		"from nowhere":              {item("", "", image), "", ""},
		"sent by kustomize":         {item(sent, "", image), "", ""},
		"sent by kustomize, bare":   {item(sent, "", ""), "", ""},
		"no kustomization at all":   {"- {apiVersion: v1, kind: Kustomization, metadata: {name: k, annotations: {config.kubernetes.io/path: a}}, patches: [{path: p.yaml}]}\n" + item(kpt, "p.yaml", image), "", "[no-selector]"},
		"named in another package":  {kustomization("patches: [{path: p.yaml}]") + item(kpt, "other/p.yaml", image), "", "[no-selector]"},
		"named with another's name": {kustomization("patches: [{path: pp.yaml}]") + item(kpt, "prod/p.yaml", image), "", "[no-selector]"},
	} {
		t.Run(name, func(t *testing.T) {
			input := "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n" + test.items + config
			output, results, err := fn.Process([]byte(input), fn.Options{})
			require.NoError(t, err, results.Report())
			says, writes := results.Report(), strings.Contains(string(output), "excludeOutboundPorts: \"3306\"")
			if test.warns == "" {
				assert.Empty(t, says)
			} else {
				assert.Contains(t, says, test.warns)
			}
			if assert.Equal(t, test.alone == "", writes, "%s", output); writes {
				return
			}
			require.Len(t, results, 1)
			assert.Equal(t, fn.Info, results[0].Severity)
			assert.Equal(t, "left alone: "+test.alone, results[0].Message)
		})
	}
}
