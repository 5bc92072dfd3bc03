package kustomize

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRenderMakesASpecAsKustomizeDoes lists folders under transformers that change the
// specs which they list.
func TestRenderMakesASpecAsKustomizeDoes(t *testing.T) {
	const port = "patches:\n- target: {kind: ClusterBypass}\n  patch: '[{\"op\": \"add\", \"path\": \"/spec/global/excludeOutboundPorts/-\", \"value\": 9443}]'\n"
	const merged = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: NAME}\nspec: {global: {excludeOutboundPorts: [9443]}, enforcement: {mode: AnnotationsOnly, image: null}, workloads: null}\n"
	for name, test := range map[string]struct {
		files map[string]string
		port  string
	}{
		"a patch of another folder's spec": {port: "3306,9443", files: map[string]string{
			"specs/base": "resources: [spec.yaml]\n", "specs/eu": "resources: [../base]\n" + port,
		}},
		"a file to merge": {port: `"9443"`, files: map[string]string{
			"specs/base": "resources: [spec.yaml]\n", "specs/eu": "resources: [../base]\npatches: [{path: eu.yaml}]\n", "specs/eu/eu.yaml": merged,
		}},
		"a patch in the same folder": {port: "3306,9443", files: map[string]string{
			"specs/base": "", "specs/eu": "resources: [../base/spec.yaml]\n" + port,
		}},
		"a component for each team": {port: "3306,9443", files: map[string]string{
			"specs/base": "resources: [spec.yaml]\n", "specs/eu": "resources: [../base]\ncomponents: [../team]\n", "specs/team": "kind: Component\n" + port,
		}},
		"another name": {port: `"3306"`, files: map[string]string{
			"specs/base": "resources: [spec.yaml]\n", "specs/eu": "resources: [../base]\nnamePrefix: eu-\nnameSuffix: -a\n",
		}},
		"a namespace, labels and annotations": {port: `"3306"`, files: map[string]string{
			"specs/base": "resources: [spec.yaml]\n", "specs/eu": "resources: [../base]\nnamespace: mesh\ncommonAnnotations: {a: b}\nlabels: [{pairs: {c: d}}]\n",
		}},
		"an image by replacement": {port: `"3306"`, files: map[string]string{
			"specs/base": "resources: [spec.yaml]\n", "specs/eu": "resources: [../base]\nimages: [{name: ghcr.io/krm-bypass/init, newTag: v9}]\n",
		}},
		"another folder as it is, in a folder": {port: `"3306"`, files: map[string]string{
			"specs/base": "resources: [spec.yaml]\n", "specs/eu": "resources: [../base]\n",
		}},
		"not marked as local": {port: "3306,9443", files: map[string]string{
			"specs/base": "resources: [spec.yaml]\n", "specs/eu": "resources: [../base]\ncommonAnnotations: {config.kubernetes.io/local-config: 'false'}\n" + port,
		}},
	} {
		for where, tree := range map[string]map[string]string{
			"last":        {"kustomization.yaml": "resources: [web.yaml]\ntransformers: [specs/eu]\n"},
			"in a base":   {"kustomization.yaml": "resources: [app]\nnamePrefix: eu-\n", "app/web.yaml": web, "app": "resources: [web.yaml]\ntransformers: [../specs/eu]\n"},
			"a component": {"kustomization.yaml": "resources: [web.yaml]\ncomponents: [c]\n", "c": "kind: Component\ntransformers: [../specs/eu]\n"},
		} {
			t.Run(name+", "+where, func(t *testing.T) {
				files := map[string]string{"web.yaml": web, "specs/base/spec.yaml": spec}
				for _, some := range []map[string]string{tree, test.files} {
					for path, text := range some {
						files[path] = text
					}
				}
				if files["specs/base"] == "" {
					delete(files, "specs/base")
					files["specs/eu/spec.yaml"], files["specs/eu"] = spec, strings.Replace(files["specs/eu"], "../base/", "", 1)
				}
				folder := treeOf(t, files)
				built := build(t, folder, withFunction...)
				assert.False(t, built.failed, built.stderr)
				assert.Contains(t, built.stdout, "excludeOutboundPorts: "+test.port)
				assert.Equal(t, built, inProcess(t, folder))
				if where == "last" {
					for _, spec := range []string{"specs/eu", "specs/eu/kustomization.yaml"} {
						code, out, errOut := command(t, built.stdout, "check", "-", "--spec", folder+"/"+spec)
						assert.Zero(t, code, out+errOut)
					}
				}
			})
		}
	}
}

// TestASpecForThePipelineMayBeAFolder names what is no folder of a spec, too.
func TestASpecForThePipelineMayBeAFolder(t *testing.T) {
	folder := treeOf(t, map[string]string{
		"app": "resources: [web.yaml]\ntransformers: [../specs]\n", "app/web.yaml": web, "empty/web.yaml": web,
		"specs": "resources: [spec.yaml]\nnamePrefix: eu-\n", "specs/spec.yaml": strings.Replace(spec, "3306", "99999", 1),
	})
	for named, says := range map[string]string{
		"specs": "specs/kustomization.yaml: ClusterBypass eu-NAME: spec.global.excludeOutboundPorts[0]: \"99999\" is a port outside 1-65535",
		"app":   "app/kustomization.yaml lists no ClusterBypass under resources: name the file that has it",
		"empty": "empty is a folder: name the file in it that holds the ClusterBypass",
	} {
		code, out, errOut := command(t, web, "render", "-", "--spec", folder+"/"+named)
		assert.Equal(t, 1, code)
		assert.Empty(t, out)
		assert.Contains(t, errOut, says)
	}
}

// TestATeamStaysWithinWhatThePlatformAllows has a team of examples/teams write more into
// its file than rules for its workloads.
func TestATeamStaysWithinWhatThePlatformAllows(t *testing.T) {
	rendered := func(file string) rendering {
		folder := layOut(t, ".", nil)
		require.NoError(t, os.CopyFS(filepath.Join(clone, folder), os.DirFS(filepath.Join(clone, "examples", "teams"))))
		require.NoError(t, os.WriteFile(filepath.Join(clone, folder, "bypass/teams/shop/bypass.yaml"), []byte(file), 0o644))
		built, here := build(t, folder+"/apps", withFunction...), inProcess(t, folder+"/apps")
		assert.Equal(t, built.stdout, here.stdout)
		return here
	}
	team := exampleFile(t, "teams/bypass/teams/shop/bypass.yaml")
	usual := rendering{stdout: render(t, "examples/teams/apps")}
	assert.Equal(t, usual, rendered(team))
	more := strings.NewReplacer("  name: shop\n", "  name: shop\n  annotations: {config.kubernetes.io/function: \"exec: {path: ./steal.sh}\"}\n",
		"spec:\n", "spec:\n  enrolment: {namespaces: ['*']}\n  limits: {}\n  global: {excludeOutboundPorts: [443]}\n  meshDefaults: {excludeOutboundPorts: [443]}\n",
		"  workloads:\n", "  workloads:\n  - {match: {names: [cards]}, reason: curious, excludeOutboundPorts: [8443]}\n").Replace(team)
	assert.Equal(t, usual, rendered(more))
	beyond := rendered(strings.Replace(team, "6379", "443", 1))
	assert.Empty(t, beyond.stdout)
	assert.Contains(t, beyond.stderr, "bypass/teams/shop/kustomization.yaml: ClusterBypass shop: spec.workloads[0].excludeOutboundPorts[0]: \"443\" holds ports that must not bypass the sidecar")
}
