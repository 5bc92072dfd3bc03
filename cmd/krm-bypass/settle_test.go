package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestExplainComparesWhatComesAfterASpec has the root of a kustomization change something,
// wherever the spec is listed.
func TestExplainComparesWhatComesAfterASpec(t *testing.T) {
	const (
		unchanged = "0 of 1 workloads changed, and the pods of 0 restart\n"
		restarts  = "1 of 1 workloads changed, and the pods of 1 restart\nDeployment shop/web (base/web.yaml:2): pods restart "
		component = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\ntransformers: [bypass.yaml]\n"
		ofWeb     = "patches: [{target: {kind: Deployment}, patch: '[{%s}]'}]\n"
	)
	places := map[string]map[string]string{
		"a base":        {"root/kustomization.yaml": "resources: [../base]\n", "base/kustomization.yaml": "resources: [web.yaml]\ntransformers: [bypass.yaml]\n", "base/bypass.yaml": bypassSpec},
		"a component":   {"root/kustomization.yaml": "resources: [../base]\ncomponents: [../bypass]\n", "base/kustomization.yaml": "resources: [web.yaml]\n", "bypass/kustomization.yaml": component, "bypass/bypass.yaml": bypassSpec},
		"an overlay":    {"root/kustomization.yaml": "resources: [../prod]\n", "prod/kustomization.yaml": "resources: [../base]\ntransformers: [bypass.yaml]\n", "prod/bypass.yaml": bypassSpec, "base/kustomization.yaml": "resources: [web.yaml]\n"},
		"the root last": {"root/kustomization.yaml": "resources: [../base]\ntransformers: [bypass.yaml]\n", "root/bypass.yaml": bypassSpec, "base/kustomization.yaml": "resources: [web.yaml]\n"},
	}
	for name, test := range map[string]struct{ root, out, page string }{
		"an image":                    {"images: [{name: web, newTag: '2'}]\n", restarts + "(template)\n", "image: web:2"},
		"labels of templates":         {"labels: [{pairs: {tier: front}, includeTemplates: true}]\n", restarts + "(template)\n", "tier"},
		"labels of the objects alone": {"labels: [{pairs: {tier: front}}]\n", unchanged, ""},
		"annotations":                 {"commonAnnotations: {team: a}\n", restarts + "(template)\n", "team"},
		"a patch of the template":     {strings.Replace(ofWeb, "%s", `"op": "add", "path": "/spec/template/spec/hostname", "value": "w"`, 1), restarts + "(template)\n", "hostname"},
		"a patch of something else":   {strings.Replace(ofWeb, "%s", `"op": "add", "path": "/spec/replicas", "value": 3`, 1), unchanged, ""},
		"nothing":                     {"", unchanged, ""},
	} {
		for place, files := range places {
			t.Run(name+" behind a spec in "+place, func(t *testing.T) {
				dir := folder(t, files)
				require.NoError(t, os.WriteFile(dir+"/base/web.yaml", []byte(webDeployment), 0o600))
				committed(t, dir)
				t.Chdir(dir)
				require.NoError(t, os.WriteFile("root/kustomization.yaml", []byte(files["root/kustomization.yaml"]+test.root), 0o600))
				code, out, errOut := krmBypass("", "explain", "root", "--before", "main")
				assert.Zero(t, code)
				assert.Empty(t, errOut)
				assert.Equal(t, test.out, out)
				_, out, _ = krmBypass("", "explain", "root", "--before", "main", "-o", onePage)
				_, lines, differs := strings.Cut(out, "@@ Deployment shop/web")
				assert.Equal(t, test.page != "", differs, "the page shows what differs")
				assert.Contains(t, lines, test.page)
				seen, err := (&tree{paths: []string{"root"}, today: "2026-11-28", before: "main"}).See(t.Context(), nil)
				require.NoError(t, err)
				assert.Equal(t, strings.HasPrefix(test.out, "1"), seen.Explanation.Comparison.Restarted == 1, "the page in the browser says the same")
			})
		}
	}
}

// TestExplainComparesWhatIsInForceInTheEnd has the overlay of a base that lists the spec
// change what the spec wrote.
func TestExplainComparesWhatIsInForceInTheEnd(t *testing.T) {
	const patch = "patches: [{target: {kind: Deployment}, patch: '{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {template: {metadata: {annotations: {" + ports + `: "9"}}}}}'}]` + "\n"
	for name, test := range map[string]struct {
		was, is string
		rule    string
		says    []string
	}{
		"a value":                        {"", patch, "5432", []string{"pods restart (settings)", "+ excludeOutboundPorts  9 ", "- excludeOutboundPorts  5432 "}},
		"no longer":                      {patch, "", "5432", []string{"pods restart (settings)", "- excludeOutboundPorts  9 ", "+ excludeOutboundPorts  5432 "}},
		"the same, behind another rule":  {patch, patch, "6379", []string{"pods restart (template)"}}, // of which the digest of the rule is a part
		"the rule, behind another image": {"images: [{name: web, newTag: '2'}]\n", "images: [{name: web, newTag: '2'}]\n", "6379", []string{"pods restart (settings)", "+ excludeOutboundPorts  6379 "}},
		"the rule and the image":         {"", "images: [{name: web, newTag: '2'}]\n", "6379", []string{"pods restart (settings, template)", "+ excludeOutboundPorts  6379 "}},
	} {
		t.Run(name, func(t *testing.T) {
			const root = "resources: [../base]\n"
			dir := folder(t, map[string]string{
				"root/kustomization.yaml": root + test.was, "base/kustomization.yaml": "resources: [web.yaml]\ntransformers: [bypass.yaml]\n", "base/bypass.yaml": bypassSpec, "base/web.yaml": webDeployment,
			})
			committed(t, dir)
			t.Chdir(dir)
			require.NoError(t, os.WriteFile("root/kustomization.yaml", []byte(root+test.is), 0o600))
			require.NoError(t, os.WriteFile("base/bypass.yaml", []byte(strings.Replace(bypassSpec, "5432", test.rule, 1)), 0o600))
			code, out, errOut := krmBypass("", "explain", "root", "--before", "main")
			assert.Zero(t, code, errOut)
			for _, says := range test.says {
				assert.Contains(t, out, says)
			}
		})
	}
}

// TestExplainKeepsWorkloadsOfOneNameApart has two kustomizations that make an object of one
// name, of which one changes what the spec wrote.
func TestExplainKeepsWorkloadsOfOneNameApart(t *testing.T) {
	t.Chdir(folder(t, map[string]string{
		"base/kustomization.yaml": "resources: [web.yaml]\ntransformers: [bypass.yaml]\n", "base/bypass.yaml": bypassSpec, "base/web.yaml": webDeployment,
		"a/kustomization.yaml": "resources: [../base]\n",
		"b/kustomization.yaml": "resources: [../base]\ncommonAnnotations: {" + ports + `: "9"}` + "\n",
	}))
	code, out, _ := krmBypass("", "explain", "a", "b")
	assert.Zero(t, code)
	assert.Contains(t, out, "2 workloads: 1 written, 1 changed after krm-bypass wrote it\n")
}
