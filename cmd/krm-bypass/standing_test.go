package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestExplainComparesWhatStandsInFiles has files in Git that somebody renders there, so
// that what stands in them is what is applied.
func TestExplainComparesWhatStandsInFiles(t *testing.T) {
	const (
		added     = "  + excludeOutboundPorts  5432  [1]\n"
		taken     = "  - excludeOutboundPorts  5432  [1]\n"
		restarts  = "1 of 1 workloads changed, and the pods of 1 restart\n"
		unchanged = "0 of 1 workloads changed, and the pods of 0 restart\n"
		stands    = " from what the ClusterBypass writes: what is compared is what stands in their files, since that is applied"
		was       = "warning: --before main: 1 workload differs there" + stands + "\n"
		is        = "warning: 1 workload differs here" + stands + "; krm-bypass check says where\n"
		unwritten = "warning: 1 workload differs here from what the ClusterBypass writes: what is shown is what krm-bypass render --in-place would write, and is not applied before; krm-bypass check says where\n"
		left      = "warning: what ClusterBypass cluster wrote stays in 1 workload, and lets bypass what it did: to take it away, run krm-bypass render --remove cluster --in-place k8s\n"
		gone      = "warning: --before main: bypass.yaml is in that revision, and not here any more, so none of its rules counts now: if it has another name now, give that with --spec\n"
	)
	run := func(args string) func(t *testing.T) {
		return func(t *testing.T) {
			t.Helper()
			code, _, errOut := krmBypass("", strings.Fields(args)...)
			require.Zero(t, code, errOut)
		}
	}
	replace := func(path, old, new string) func(t *testing.T) {
		return func(t *testing.T) {
			t.Helper()
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Contains(t, string(text), old)
			require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(text), old, new, 1)), 0o600))
		}
	}
	render, unrender := run("render --in-place k8s --spec bypass.yaml"), run("render --remove cluster --in-place k8s")
	ports, image := replace("bypass.yaml", "5432", "6379"), replace("k8s/web.yaml", "web:1", "web:2")
	remove := func(t *testing.T) { t.Helper(); require.NoError(t, os.Remove("bypass.yaml")) }
	type steps []func(t *testing.T)
	for name, test := range map[string]struct {
		before, after steps
		out           string
		says          string
	}{
		"rendered since":                    {nil, steps{render}, restarts + "Deployment shop/web (k8s/web.yaml:2): pods restart (settings)\n" + added, was},
		"taken away since":                  {steps{render}, steps{unrender}, restarts + "Deployment shop/web (k8s/web.yaml:2): pods restart (settings)\n" + taken, is},
		"the rule changed and rendered":     {steps{render}, steps{ports, render}, restarts + "Deployment shop/web (k8s/web.yaml:2): pods restart (settings)\n  + excludeOutboundPorts  6379  [1]\n", ""},
		"the rule changed alone":            {steps{render}, steps{ports}, "  + excludeOutboundPorts  6379  [1]\n", unwritten},
		"what was late is rendered":         {steps{render, ports}, steps{render}, restarts, was},
		"the image alone":                   {steps{render}, steps{image}, restarts + "Deployment shop/web (k8s/web.yaml:2): pods restart (template)\n", ""},
		"the image, and never rendered":     {nil, steps{image}, restarts + "Deployment shop/web (k8s/web.yaml:2): pods restart (template)\n", ""},
		"nothing, and it is rendered":       {steps{render}, nil, unchanged, ""},
		"nothing, and it is never rendered": {nil, nil, unchanged, ""},
		"the specification alone":           {steps{render}, steps{remove}, "1 of 1 workloads changed, and the pods of 0 restart\nDeployment shop/web (k8s/web.yaml:2): no pods restart; now left alone, since ClusterBypass cluster wrote what is\n    here; before: written\n", gone + left},
		"the specification and all of it":   {steps{render}, steps{unrender, remove}, restarts + "Deployment shop/web (k8s/web.yaml:2): pods restart (settings)\n" + taken, gone},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(folder(t, map[string]string{"k8s/web.yaml": webDeployment, "bypass.yaml": bypassSpec}))
			for _, step := range test.before {
				step(t)
			}
			committed(t, ".")
			for _, step := range test.after {
				step(t)
			}
			explain := []string{"explain", "k8s", "--spec", "bypass.yaml", "--before", "main"}
			code, out, errOut := krmBypass("", explain...)
			assert.Zero(t, code)
			assert.Contains(t, out, test.out)
			assert.Equal(t, test.says, errOut[max(strings.Index(errOut, "warning: --before"), 0):])
			for _, format := range explanationFormats.List() {
				code, out, _ := krmBypass("", append(explain, "-o", format)...)
				assert.Zero(t, code, format)
				assert.NotContains(t, out, "krm-bypass-1", format)
				if format == onePage && strings.Contains(test.out, "pods restart") && !strings.Contains(test.out, "no pods") {
					assert.Contains(t, out, "@@ Deployment shop/web, k8s/web.yaml", "its lines of YAML")
				}
			}
		})
	}
}

// TestExplainComparesWhatIsFinished has a specification in a base or a component, and a
// kustomization that changes what it wrote.
func TestExplainComparesWhatIsFinished(t *testing.T) {
	const (
		title    = "Deployment bank/prd-web (base/web.yaml:2): "
		unwired  = "resources: [web.yaml]\n"
		wired    = unwired + "transformers: [bypass.yaml]\n"
		renamed  = "resources: [../base]\nnamePrefix: prd-\nnamespace: bank\n"
		restarts = "1 of 1 workloads changed, and the pods of 1 restart\n"
		taken    = restarts + title + "pods restart (settings)\n  - excludeOutboundPorts  3306  [1]\n"
		added    = restarts + title + "pods restart (settings)\n  + excludeOutboundPorts  3306  [1]\n"
		template = restarts + title + "pods restart (template)\n"
	)
	none := "warning: no ClusterBypass applies to prod any more, so no rule counts there now\n"
	unknown := "warning: base/web.yaml:4: Deployment web: metadata.namespace: the namespace of this workload is unknown, so what depends on it does not apply (spec.namespaces[0]): set metadata.namespace, or give the namespace with --namespace or spec.defaultNamespace [unknown-namespace]\n"
	for name, test := range map[string]struct {
		base, overlay       string
		baseNow, overlayNow string
		out, says           string
	}{
		"taken out of a base":      {wired, renamed, unwired, renamed, taken, none},
		"put into a base":          {unwired, renamed, wired, renamed, added, strings.Replace(unknown, "warning:", "warning, new:", 1)},
		"taken out of a component": {unwired, renamed + "components: [../bypass]\n", unwired, renamed, restarts + title + "pods restart (settings)\n", none},
		"from a component to the transformers": {unwired, renamed + "components: [../bypass]\n", unwired, renamed + "transformers: [bypass.yaml]\n",
			"0 of 1 workloads changed, and the pods of 0 restart\n", ""},
		"an image, over a base":     {wired, renamed, wired, renamed + "images: [{name: web, newTag: \"9\"}]\n", template, unknown},
		"a label, over a component": {unwired, renamed + "components: [../bypass]\n", unwired, renamed + "components: [../bypass]\nlabels: [{pairs: {a: b}, includeTemplates: true}]\n", template, unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(folder(t, map[string]string{
				"bypass/bypass.yaml": bypassSpec, "base/bypass.yaml": bypassSpec, "prod/bypass.yaml": bypassSpec, "bypass/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\ntransformers: [bypass.yaml]\n",
				"base/web.yaml": strings.Replace(webDeployment, ", namespace: shop", "", 1), "base/kustomization.yaml": test.base, "prod/kustomization.yaml": test.overlay,
			}))
			committed(t, ".")
			for path, text := range map[string]string{"base": test.baseNow, "prod": test.overlayNow} {
				require.NoError(t, os.WriteFile(path+"/kustomization.yaml", []byte(text), 0o600))
			}
			code, out, errOut := krmBypass("", "explain", "prod", "--before", "main")
			assert.Zero(t, code)
			assert.Contains(t, out, test.out)
			assert.Equal(t, test.says, errOut)
			_, out, _ = krmBypass("", "explain", "prod", "prd-web", "-o", "csv")
			assert.NotContains(t, out, ",web,")
		})
	}
}

// TestABrokenEarlierBaseIsTold has a specification that is applied while the kustomization
// is built, and is mended since the commit.
func TestABrokenEarlierBaseIsTold(t *testing.T) {
	t.Chdir(folder(t, map[string]string{
		"base/web.yaml": webDeployment, "base/kustomization.yaml": "resources: [web.yaml]\ntransformers: [bypass.yaml]\n",
		"base/bypass.yaml":        strings.Replace(bypassSpec, "AnnotationsOnly", "AnnotationOnly", 1),
		"prod/kustomization.yaml": "resources: [../base]\n",
	}))
	committed(t, ".")
	require.NoError(t, os.WriteFile("base/bypass.yaml", []byte(bypassSpec), 0o600))
	code, out, errOut := krmBypass("", "explain", "prod", "--before", "main")
	assert.Zero(t, code)
	assert.Contains(t, out, "1 workload: 1 written")
	assert.Contains(t, errOut, "warning: --before main: the earlier state cannot be read, so nothing is compared with it: ")
	assert.Contains(t, errOut, `main:base/bypass.yaml:9: ClusterBypass cluster: spec.enforcement.mode: "AnnotationOnly" is not valid: did you mean AnnotationsOnly?`)
	assert.Equal(t, 1, strings.Count(errOut, "\n"), errOut)
}
