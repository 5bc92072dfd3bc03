package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/krm-bypass/krm-bypass/internal/finding"
)

func TestLintListsTheKindsOfFindings(t *testing.T) {
	code, out, errOut := krmBypass("", "lint")
	assert.Zero(t, code, errOut)
	assert.Equal(t, len(finding.All()), strings.Count(out, "\n"))
	assert.Regexp(t, `(?m)^strict-mtls +warning +ports that bypass the sidecar`, out)

	code, out, errOut = krmBypass("", "lint", "--explain", "strict-mtls")
	assert.Zero(t, code, errOut)
	assert.Contains(t, out, "What to do: ")

	code, out, errOut = krmBypass("", "lint", "--explain", "strict-mtl")
	assert.Equal(t, couldNotTell, code)
	assert.Empty(t, out)
	assert.Equal(t, "error: --explain: there is no finding of kind \"strict-mtl\": did you mean strict-mtls? krm-bypass lint lists them\n", errOut)

	code, _, errOut = krmBypass("", "lint", "--explain", "strict-mtls", "web.yaml")
	assert.Equal(t, couldNotTell, code)
	assert.Contains(t, errOut, "leave out one of the two")
}

func TestLintPrintsFindingsAlone(t *testing.T) {
	spec := before(boundSpec, "spec:") + "spec:\n  enforcement: {image: \"example.com/init:1\"}\n  global: {excludeOutboundPorts: [3306]}\n"
	misspelt := strings.Replace(webDeployment, "metadata: {labels: {app: web}}", `metadata: {annotations: {traffic.sidecar.istio.io/excludeOutbondPorts: "1"}}`, 1)
	for name, test := range map[string]struct {
		spec, manifest string
		code           int
		says           []string
	}{
		"nothing":                    {spec, webDeployment, 0, []string{"no findings\n"}},
		"a warning":                  {spec, misspelt, 0, []string{"web.yaml:7: Deployment shop/web: warning: unknown-annotation: spec.template.metadata.annotations", "1 warning\n"}},
		"a warning that is ignored":  {spec + "  lint: {unknown-annotation: Ignore}\n", misspelt, 0, []string{"no findings\n"}},
		"a warning that is an error": {spec + "  lint: {unknown-annotation: Error}\n", misspelt, 1, []string{"unknown-annotation: ", "1 error\n"}},
		"what is refused":            {strings.Replace(spec, "3306", "99999", 1), webDeployment, couldNotTell, []string{"99999", "1 error\n"}},
		"a rule that has expired":    {strings.Replace(spec, "{excludeOutboundPorts: [3306]}", "{excludeOutboundPorts: [3306], expires: 2026-01-01}", 1), webDeployment, 1, []string{": expired: ", "1 error\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, map[string]string{"bypass.yaml": test.spec, "web.yaml": test.manifest})
			code, out, errOut := krmBypass("", "lint", dir, "--now", "2026-11-27")
			assert.Equal(t, test.code, code, errOut)
			lines := strings.SplitAfter(strings.TrimSuffix(out, "\n")+"\n", "\n")
			assert.Len(t, lines[:len(lines)-1], max(len(test.says), 1), out)
			for _, said := range test.says {
				assert.Contains(t, out, said)
			}
		})
	}
}

// What is wrong with a spec that several kustomizations list is told once.
func TestAnExpiredRuleIsToldOnce(t *testing.T) {
	kustomization := "resources: [web.yaml]\ntransformers: [../spec/bypass.yaml]\n"
	root := folder(t, map[string]string{
		"spec/bypass.yaml": strings.Replace(boundSpec, "global: {", "global: {expires: 2026-01-01, ", 1), "spec/kustomization.yaml": "resources: [bypass.yaml]\n",
		"a/web.yaml": webDeployment, "a/kustomization.yaml": strings.Replace(kustomization, "../spec/bypass.yaml", "../spec", 1),
		"b/web.yaml": webDeployment, "b/kustomization.yaml": strings.Replace(kustomization, "../spec/bypass.yaml", "../spec", 1),
	})
	for _, command := range []string{"check", "lint"} {
		_, out, errOut := krmBypass("", command, filepath.Join(root, "a"), filepath.Join(root, "b"), "--now", "2026-11-27")
		assert.Equal(t, 1, strings.Count(out, "expired on 2026-01-01"), out+errOut)
	}
}
