package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// slipped is a workload with a misspelt annotation on line 8, and a right one on line 9.
const slipped = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    metadata:\n      annotations:\n" +
	"        traffic.sidecar.istio.io/excludeOutboundPort: \"1\"\n        traffic.sidecar.istio.io/excludeOutboundPorts: \"443\"\n    spec: {containers: [{name: web, image: \"web:1\"}]}\n"

// overlaid has it below an overlay, behind another document.
func overlaid(t *testing.T, overlay string) string {
	t.Helper()
	return folder(t, map[string]string{
		"prod/kustomization.yaml": "resources: [../base]\ntransformers: [bypass.yaml]\n" + overlay, "prod/bypass.yaml": bypassSpec,
		"base/kustomization.yaml": "resources: [web.yaml]\n", "base/web.yaml": webService + "---\n" + slipped,
	})
}

// TestPlacesOfAKustomizationAreInItsFiles has every command name the user's own file
// and line, and no line of what is built.
func TestPlacesOfAKustomizationAreInItsFiles(t *testing.T) {
	for name, test := range map[string]struct{ overlay, web string }{
		"as it is":                {"", "base/web.yaml:13"},
		"renamed":                 {"namePrefix: eu-\nnameSuffix: '-1'\nnamespace: shop\n", "base/web.yaml:13"},
		"noted":                   {"buildMetadata: [originAnnotations]\n", "base/web.yaml:13"},
		"renamed by a patch":      {"patches: [{target: {kind: Deployment}, patch: '[{\"op\":\"replace\",\"path\":\"/metadata/name\",\"value\":\"other\"}]', options: {allowNameChange: true}}]\n", "base/web.yaml"},
		"without its annotations": {"patches: [{target: {kind: Deployment}, patch: '[{\"op\":\"add\",\"path\":\"/metadata/annotations\",\"value\":{\"a\":\"b\"}}]'}]\n", "prod/kustomization.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := overlaid(t, test.overlay)
			prod, web := filepath.Join(dir, "prod"), filepath.Join(dir, test.web)
			for _, command := range []string{"render", "explain", "check", "lint"} {
				_, out, errOut := krmBypass("", command, prod)
				assert.Contains(t, out+errOut, web+": Deployment ", command)
				assert.NotRegexp(t, prod+`:\d`, out+errOut, command)
			}
			_, out, errOut := krmBypass("", "explain", prod, "-o", "csv")
			assert.Contains(t, out, "443", errOut)
			assert.Equal(t, strings.HasSuffix(test.web, ":13"), strings.Contains(out, filepath.Join(dir, "base/web.yaml")+",14,"), out)
			_, out, _ = krmBypass("", "check", prod, "-o", "sarif")
			uri, _, _ := strings.Cut(web, ":")
			assert.Contains(t, out, `"uri": "file://`+uri+`"`)
			// What is built is the same, whoever asks for places.
			_, rendered, _ := krmBypass("", "render", prod)
			assert.Equal(t, strings.Contains(test.overlay, "originAnnotations"), strings.Contains(rendered, "config.kubernetes.io/origin"))
		})
	}
}

// TestARuleForANameBeforeKustomize has a rule for the name that a workload has in its file,
// and kustomize gives it another before the rule looks.
func TestARuleForANameBeforeKustomize(t *testing.T) {
	const warns = "it reaches no workload here, and there is Deployment shop/"
	for name, test := range map[string]struct{ overlay, rule, name, says string }{
		"a prefix":       {"namePrefix: prod-\n", "{names: [web]}", "prod-web", warns},
		"a suffix":       {"nameSuffix: -v2\n", "{names: [web]}", "web-v2", warns},
		"both":           {"namePrefix: prod-\nnameSuffix: -v2\n", "{names: [web], namespaces: [shop]}", "prod-web-v2", warns},
		"nothing":        {"", "{names: [web]}", "web", ""},
		"another prefix": {"namePrefix: my-web-\n", "{names: [my]}", "my-web-web", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, map[string]string{
				"prod/kustomization.yaml": "resources: [../base]\ntransformers: [bypass.yaml]\n" + test.overlay,
				"prod/bypass.yaml":        bypassSpec + "  workloads:\n  - match: " + test.rule + "\n    excludeInboundPorts: [9090]\n",
				"base/kustomization.yaml": "resources: [web.yaml]\n", "base/web.yaml": webDeployment,
			})
			for _, command := range []string{"render", "check", "lint", "explain"} {
				_, out, errOut := krmBypass("", command, filepath.Join(dir, "prod"))
				if test.says == "" {
					assert.NotContains(t, out+errOut, warns, command)
					continue
				}
				assert.Contains(t, out+errOut, test.says+test.name+": did you mean "+test.name+"?", command)
				assert.Contains(t, out+errOut, "warning", command)
			}
		})
	}
}

// TestAnAnnotationOfAPatchIsNoneOfTheBase has the place named by the field alone where
// the value stands in no file that kustomize notes.
func TestAnAnnotationOfAPatchIsNoneOfTheBase(t *testing.T) {
	dir := overlaid(t, "patches: [{target: {kind: Deployment}, patch: '[{\"op\":\"replace\",\"path\":\"/spec/template/metadata/annotations/traffic.sidecar.istio.io~1excludeOutboundPorts\",\"value\":\"8443\"}]'}]\n")
	_, out, _ := krmBypass("", "explain", filepath.Join(dir, "prod"), "-o", "csv")
	assert.Regexp(t, `8443,8443,"spec.template.metadata.annotations\[""traffic.sidecar.istio.io/excludeOutboundPorts""\]",,,annotation`, out)
	assert.NotContains(t, out, "web.yaml,14")
}

// TestPlacesOfASpecBelowTheRoot has the findings of one that is applied while the
// kustomization is built.
func TestPlacesOfASpecBelowTheRoot(t *testing.T) {
	dir := folder(t, map[string]string{
		"prod/kustomization.yaml": "resources: [../base]\nnamePrefix: eu-\n",
		"base/kustomization.yaml": "resources: [web.yaml]\ntransformers: [bypass.yaml]\n", "base/bypass.yaml": bypassSpec, "base/web.yaml": slipped,
	})
	prod, web := filepath.Join(dir, "prod"), filepath.Join(dir, "base/web.yaml")
	for _, command := range []string{"render", "explain", "check"} {
		_, out, errOut := krmBypass("", command, prod)
		assert.Contains(t, out+errOut, web+":8: Deployment ", command)
		assert.NotRegexp(t, prod+`:\d`, out+errOut, command)
	}
}

// noted is the workload as kustomize prints it with its origin.
func noted(origin string) string {
	return strings.Replace(slipped, "{name: web}", "{name: eu-web, annotations: {config.kubernetes.io/origin: \""+origin+"\"}}", 1)
}

// TestPlacesOfAPipeAreInTheFilesThatKustomizeNotes reads its notes relative to the
// folder that was built.
func TestPlacesOfAPipeAreInTheFilesThatKustomizeNotes(t *testing.T) {
	t.Chdir(overlaid(t, ""))
	require.NoError(t, os.Mkdir(".git", 0o755))
	const spec = "prod/bypass.yaml"
	for _, test := range []struct{ origin, from, text, uri string }{
		{`path: ../base/web.yaml\n`, "prod", "base/web.yaml:13: Deployment eu-web: ", "base/web.yaml"},
		{`path: base/web.yaml\n`, "", "base/web.yaml:13: Deployment eu-web: ", "base/web.yaml"},
		{`path: web.yaml\n`, "", "standard input:8: Deployment eu-web: ", spec},
		{`path: ../base/web.yaml\nrepo: https://example.com/x\n`, "prod", "standard input:8: Deployment eu-web: ", spec},
		{`configuredIn: prod/kustomization.yaml\nconfiguredBy: {kind: ConfigMapGenerator}\n`, "", "prod/kustomization.yaml: Deployment eu-web: ", "prod/kustomization.yaml"},
		{`no mapping`, "", "standard input:8: Deployment eu-web: ", spec},
	} {
		args := []string{"check", "-", "--spec", spec}
		if test.from != "" {
			args = append(args, "--built-from", test.from)
		}
		_, out, errOut := krmBypass(noted(test.origin), args...)
		assert.Contains(t, out, test.text+"warning: unknown-annotation", "%s %s", test.origin, errOut)
		_, out, _ = krmBypass(noted(test.origin), append(args, "-o", "sarif")...)
		assert.Contains(t, out, `"uri": "`+test.uri+`"`, test.origin)
		assert.NotContains(t, out, "standard", test.origin)
	}
}

// TestANoteOfAnOriginOpensNothing has a stream that names files outside of the
// repository, by a path, by a link, and what is no regular file.
func TestANoteOfAnOriginOpensNothing(t *testing.T) {
	outside := filepath.Join(folder(t, map[string]string{"secret.yaml": "---\n\n\n" + slipped}), "secret.yaml")
	t.Chdir(folder(t, map[string]string{"bypass.yaml": bypassSpec, ".git/HEAD": ""}))
	require.NoError(t, os.Symlink(outside, "link.yaml"))
	require.NoError(t, os.Mkdir("folder.yaml", 0o755))
	here, err := os.Getwd()
	require.NoError(t, err)
	relative, err := filepath.Rel(here, outside)
	require.NoError(t, err)
	for _, path := range []string{outside, relative, "link.yaml", "folder.yaml", "/dev/zero", "../../../../../../../../dev/zero"} {
		_, out, errOut := krmBypass(noted("path: "+path+`\n`), "check", "-", "--spec", "bypass.yaml")
		assert.Contains(t, out, "standard input:8: Deployment eu-web: warning: unknown-annotation", "%s %s", path, errOut)
	}
	// kustomize notes the file itself over what stands in it.
	dir := folder(t, map[string]string{"kustomization.yaml": "resources: [web.yaml]\ntransformers: [bypass.yaml]\n", "web.yaml": noted("path: " + outside + `\n`), "bypass.yaml": bypassSpec})
	_, out, errOut := krmBypass("", "check", dir)
	assert.Contains(t, out, "/web.yaml:8: Deployment eu-web: warning: unknown-annotation", errOut)
	assert.NotContains(t, out, "secret")
}
