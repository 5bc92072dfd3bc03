package fn_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/finding"
)

// Each key of a mesh on a workload is read by the mesh there, or somebody is told,
// whether a rule speaks of the workload or not.
func TestKeysThatAMeshDoesNotRead(t *testing.T) {
	const template, above, cron = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {}
  template:
    metadata: {%s}
    spec: {containers: [{name: app, image: app}]}
`, `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, %s}
spec:
  selector: {}
  template:
    spec: {containers: [{name: app, image: app}]}
`, `apiVersion: batch/v1
kind: CronJob
metadata: {name: web, namespace: shop}
spec:
  jobTemplate:
    metadata: {%s}
    spec:
      template:
        spec: {containers: [{name: app, image: app}]}
`
	const unknown = " does not know this annotation, so it has no effect: "
	tests := []struct{ mesh, item, metadata, told string }{
		{"Istio", template, `annotations: {traffic.sidecar.istio.io/excludeOutboundIPs: 10.0.0.1/32}`, "Istio" + unknown + "did you mean traffic.sidecar.istio.io/excludeOutboundIPRanges? [unknown-annotation]"},
		{"Istio", template, `annotations: {traffic.sidecar.istio.io/skipOutboundPorts: "1"}`, "did you mean traffic.sidecar.istio.io/excludeOutboundPorts?"},
		{"Istio", template, `annotations: {traffic.sidecar.istio.io/excludeHosts: a}`, "Istio" + unknown + "remove it, or look up its name; what should bypass can stand in a rule of the ClusterBypass [unknown-annotation]"},
		{"OSM", template, `annotations: {openservicemesh.io/outbound-port-exclusion: "1"}`, "did you mean openservicemesh.io/outbound-port-exclusion-list?"},
		{"FSM", template, `annotations: {flomesh.io/outbound-port-exclusion: "1"}`, "did you mean flomesh.io/outbound-port-exclusion-list?"},
		{"Consul", template, `annotations: {consul.hashicorp.com/exclude-inbound-ports: "1"}`, "did you mean consul.hashicorp.com/transparent-proxy-exclude-inbound-ports?"},
		{"Linkerd", template, `annotations: {config.linkerd.io/ignore-outbound-ports: "1"}`, "did you mean config.linkerd.io/skip-outbound-ports?"},
		{"Linkerd", template, `annotations: {linkerd.io/skip-ports: "1"}`, "did you mean config.linkerd.io/skip-inbound-ports or config.linkerd.io/skip-outbound-ports?"},
		{"Kuma", template, `annotations: {traffic.kuma.io/exclude-outbound-cidrs: 10.0.0.1/32}`, "did you mean traffic.kuma.io/exclude-outbound-ips?"},

		{"Istio", template, `labels: {traffic.sidecar.istio.io/excludeOutboundPorts: "1"}`, "Istio reads this only as an annotation, so it has no effect here: move it to spec.template.metadata.annotations [misplaced-annotation]"},
		{"Istio", template, `labels: {sidecar.istio.io/Inject: "false"}`, "Istio does not know this label, so it has no effect: did you mean sidecar.istio.io/inject? [unknown-annotation]"},
		{"Istio", template, `annotations: {istio.io/dataplane-mode: none}`, "Istio reads this only as a label, so it has no effect here: move it to spec.template.metadata.labels [misplaced-annotation]"},
		{"Linkerd", template, `labels: {linkerd.io/inject: disabled}`, "Linkerd reads this only as an annotation, so it has no effect here: move it to spec.template.metadata.annotations"},
		{"Linkerd", template, `labels: {linkerd.io/inject: disabled}, annotations: {linkerd.io/inject: enabled}`, `remove it, since spec.template.metadata.annotations has "enabled"`},
		{"Consul", template, `labels: {consul.hashicorp.com/connect-inject: "false"}`, "Consul reads this only as an annotation"},
		{"FSM", template, `labels: {flomesh.io/sidecar-injection: disabled}`, "FSM reads this only as an annotation"},
		{"OSM", template, `labels: {openservicemesh.io/sidecar-injection: disabled}`, "OSM reads this only as an annotation"},

		{"Istio", above, `labels: {sidecar.istio.io/inject: "false"}`, "Istio reads this label only in the pod template, so it has no effect here: move it to spec.template.metadata.labels [misplaced-annotation]"},
		{"Istio", above, `annotations: {sidecar.istio.io/inject: "false"}`, "Istio reads this annotation only in the pod template, so it has no effect here: move it to spec.template.metadata.annotations [misplaced-annotation]"},
		{"Istio", above, `annotations: {traffic.sidecar.istio.io/excludeOutboundIPs: 10.0.0.1/32}`, "move it to spec.template.metadata.annotations and spell it traffic.sidecar.istio.io/excludeOutboundIPRanges"},
		{"Linkerd", above, `annotations: {linkerd.io/skip-ports: "1"}`, "did you mean config.linkerd.io/skip-inbound-ports or"},
		{"Linkerd", above, `annotations: {linkerd.io/inject: disabled}`, "Linkerd reads this annotation only in the pod template"},
		{"Kuma", above, `labels: {kuma.io/sidecar-injection: disabled}`, "Kuma reads this label only in the pod template"},
		{"Consul", above, `annotations: {consul.hashicorp.com/transparent-proxy: "false"}`, "Consul reads this annotation only in the pod template"},
		{"FSM", cron, `annotations: {flomesh.io/sidecar-injection: disabled}`, "FSM reads this annotation only in the pod template, so it has no effect here: move it to spec.jobTemplate.spec.template.metadata.annotations"},

		{"Istio", template, `annotations: {traffic.sidecar.istio.io/excludeOutboundPorts: "1", sidecar.istio.io/proxyCPU: 100m, proxy.istio.io/config: "concurrency: 2"}`, ""},
		{"Istio", template, `annotations: {linkerd.io/inject: disabled, kuma.io/mesh: default}, labels: {istio.io/rev: canary, istio.io/team: shop}`, ""},
		{"Istio", template, `labels: {sidecar.istio.io/inject: "true"}, annotations: {sidecar.istio.io/inject: "true"}`, ""},
		{"Istio", template, `annotations: {krm-bypass.dev/skip: "true"}`, "krm-bypass reads nothing under krm-bypass.dev/, so it has no effect"},
		{"Istio", above, `labels: {krm-bypass.dev/skip: "true"}`, "krm-bypass reads nothing under krm-bypass.dev/, so it has no effect"},
		{"Istio", template, `annotations: {sidecar.istiо.io/inject: "false"}`, "did you mean sidecar.istio.io/inject? (\"о\" in it is U+043E, no plain letter)"},
		{"Istio", template, `annotations: {excludeOutboundPorts: "3306"}`, "did you mean traffic.sidecar.istio.io/excludeOutboundPorts?"},

		{"Istio", above, `annotations: {istio.io/rev: canary, install.operator.istio.io/owning-resource: a}, labels: {operator.istio.io/component: Pilot}`, ""},
		{"Istio", cron, `annotations: {galley.istio.io/analyze-suppress: IST0103}`, ""},
		{"Linkerd", template, `annotations: {config.linkerd.io/opaque-ports: "1", linkerd.io/created-by: helm}, labels: {linkerd.io/control-plane-ns: linkerd}`, ""},
		{"Linkerd", template, `labels: {linkerd.io/inject: enabled}, annotations: {linkerd.io/inject: enabled}`, ""},
		{"Consul", template, `annotations: {consul.hashicorp.com/service-meta-team: shop, consul.hashicorp.com/connect-inject: "true"}`, ""},
		{"Kuma", template, `annotations: {kuma.io/init-first: "true"}, labels: {kuma.io/sidecar-injection: enabled}`, ""},
		{"OSM", template, `annotations: {openservicemesh.io/metrics: enabled}`, "OSM reads this on a Namespace alone, so it has no effect here: write it there [misplaced-annotation]"},
		{"FSM", template, `annotations: {flomesh.io/sidecar-resource-limits-cpu: "1"}`, ""},
	}
	for _, test := range tests {
		for _, rule := range []string{"", ", global: {excludeOutboundPorts: [3306]}, enforcement: {mode: AnnotationsOnly}"} {
			spec := "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {mesh: " + test.mesh + rule + "}\n"
			file := manifest("web.yaml", fmt.Sprintf(test.item, test.metadata))
			_, results, err := rendered(t, spec, file)
			assert.NoError(t, err, test.metadata)
			report := results.Report()
			if test.told == "" {
				assert.Empty(t, report, test.metadata)
				continue
			}
			assert.Contains(t, report, test.told, test.metadata)
			assert.Len(t, strings.Split(strings.TrimSpace(report), "\n"), 1, report)
			agree(t, spec, file, report)
		}
	}
}

// agree holds that check and explain say what render says.
func agree(t *testing.T, spec string, file fn.Manifest, report string) {
	t.Helper()
	checked, err := fn.Check(fn.SpecIn(manifest("bypass.yaml", spec)), []fn.Manifest{file}, fn.Options{}, fn.Expiry{})
	require.NoError(t, err)
	fails := report
	if strings.Contains(report, "["+finding.HandEdited.ID+"]") {
		fails = strings.Replace(report, "warning: ", "error: ", 1)
	}
	assert.Equal(t, fails, checked.Results.Report(), "check says the same")
	explained, err := fn.Explain(fn.SpecIn(manifest("bypass.yaml", spec)), []fn.Manifest{file}, fn.Options{}, "")
	if !checked.Results.Failed() {
		require.NoError(t, err)
	}
	assert.Equal(t, report, explained.Results.Report(), "explain says the same")
}

// What the mesh refuses, or reads otherwise than it looks, is told of a workload that no
// rule changes too.
func TestValuesThatAMeshDoesNotTake(t *testing.T) {
	const item = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {}
  template:
    metadata: {%s}
    spec: {containers: [{name: app, image: app}]}
`
	const istio, unreadable, misleading = "traffic.sidecar.istio.io/", " [unreadable-annotation]", " [misleading-annotation]"
	annotated := func(key, value string) string { return fmt.Sprintf("annotations: {%s: %q}", key, value) }
	tests := []struct{ mesh, metadata, told, kind string }{
		{"Istio", annotated(istio+"excludeOutboundIPRanges", "10.0.0.1, 10.1.0.0/16"), `"10.0.0.1" is an address without a mask, which Istio's injector refuses: write "10.0.0.1/32"`, unreadable},
		{"Istio", annotated(istio+"excludeOutboundPorts", "*"), `"*" is not an entry of a list`, unreadable},
		{"Istio", annotated(istio+"excludeOutboundPorts", "9300,"), `"" is an empty entry, which Istio's injector refuses: remove the comma`, unreadable},
		{"Istio", annotated(istio+"excludeOutboundPorts", "9300-9400"), `"9300-9400" is a port range, which Istio's injector refuses`, unreadable},
		{"Istio", annotated(istio+"excludeInboundPorts", "http"), `"http" is not a port`, unreadable},
		{"Istio", annotated(istio+"excludeOutboundPorts", "70000"), `"70000" is a port outside 1-65535`, unreadable},
		{"Istio", annotated(istio+"excludeOutboundPorts", "0673"), `"0673" is port 443 to it`, misleading},
		{"Istio", "annotations: {" + istio + `excludeInboundPorts: "22", ` + istio + `includeInboundPorts: "80"}`, "Istio ignores excludeInboundPorts beside", misleading},
		{"Istio", "annotations: {" + istio + `excludeOutboundPorts: "22,443", ` + istio + `includeOutboundPorts: "443", ` + istio + `includeOutboundIPRanges: ""}`, "excludes ports that the annotation for includeOutboundPorts includes (443)", misleading},
		{"OSM", annotated("openservicemesh.io/outbound-port-exclusion-list", "440-450"), "which OSM's injector refuses", unreadable},
		{"FSM", annotated("flomesh.io/outbound-port-exclusion-list", ""), "an empty value, which FSM's injector refuses: remove the annotation", unreadable},
		{"FSM", annotated("flomesh.io/outbound-port-exclusion-list", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16"), "takes at most 15 ports", unreadable},
		{"Linkerd", annotated("config.linkerd.io/skip-outbound-ports", "http"), "no entry of it is a port to Linkerd", unreadable},
		{"Linkerd", annotated("config.linkerd.io/skip-inbound-ports", "80, 443"), `Linkerd drops " 443"`, misleading},
		{"Linkerd", annotated("config.linkerd.io/skip-outbound-ports", `"443"`), "it has quotes, backslashes or line breaks, which Linkerd", unreadable},
		{"Linkerd", annotated("config.linkerd.io/skip-inbound-ports", `80,\x34\x34\x33`), "it has quotes, backslashes or line breaks, which Linkerd", unreadable},
		{"Kuma", annotated("traffic.kuma.io/exclude-outbound-ips", "*"), "which Kuma's init container", unreadable},
		{"Consul", annotated("consul.hashicorp.com/transparent-proxy-exclude-outbound-ports", "9300-9400"), `write "9300:9400"`, unreadable},
		{"Consul", annotated("consul.hashicorp.com/transparent-proxy-exclude-outbound-cidrs", "fd00::/8"), "would fail with IPv6", unreadable},
		{"Consul", `annotations: {consul.hashicorp.com/dual-stack: "true", consul.hashicorp.com/transparent-proxy-exclude-outbound-cidrs: 10.0.0.0/8}`, "would fail with IPv4", unreadable},
		{"Consul", annotated("consul.hashicorp.com/transparent-proxy-exclude-outbound-ports", "0x1bb,+443"), `"0x1bb" is port 443 to it and "+443" is port 443 to it; in consul/sdk since 0.19 the init container fails with a port that is not written in digits alone: write plain numbers`, misleading},
		{"Consul", annotated("consul.hashicorp.com/transparent-proxy-exclude-outbound-ports", "0443"), `"0443" is port 291 to it: write plain numbers`, misleading},
		{"Kuma", annotated("traffic.kuma.io/exclude-outbound-ports", "9300-9400"), "which Kuma's injector refuses", unreadable},
		{"Kuma", annotated("traffic.kuma.io/exclude-outbound-ports", ""), "Kuma ignores an empty value", misleading},

		// By these a pod gets a sidecar or none.
		{"Istio", `labels: {sidecar.istio.io/inject: "no"}`, `Istio takes only "true" and "false" here`, unreadable},
		{"Istio", `annotations: {sidecar.istio.io/inject: "False"}`, `Istio takes only "true" and "false" here`, unreadable},
		{"Istio", `annotations: {sidecar.istio.io/interceptionMode: none}`, "Istio's injector does not take this value and refuses the pod: write REDIRECT, TPROXY or NONE", unreadable},
		{"Istio", `annotations: {status.sidecar.istio.io/port: http}`, "refuses the pod: write one port", unreadable},
		{"Linkerd", `annotations: {linkerd.io/inject: "true"}`, "Linkerd does not know this value and gives the pod no sidecar: write enabled, ingress or disabled", unreadable},
		{"Consul", `annotations: {consul.hashicorp.com/connect-inject: "no"}`, "Consul's webhook does not take this value and refuses the pod", unreadable},
		{"Consul", `annotations: {consul.hashicorp.com/transparent-proxy: disabled}`, "Consul's webhook does not take this value", unreadable},
		{"FSM", `annotations: {flomesh.io/sidecar-injection: "off"}`, "FSM's injector does not take this value and refuses the pod: write enabled or disabled", unreadable},
		{"OSM", `annotations: {openservicemesh.io/sidecar-injection: "off"}`, "OSM's injector does not take this value", unreadable},
		{"Kuma", `labels: {kuma.io/sidecar-injection: "off"}`, "Kuma's injector does not take this value", unreadable},

		{"Istio", `labels: {sidecar.istio.io/inject: "true"}, annotations: {sidecar.istio.io/inject: "false"}`, "Istio goes by the label of this name, which says something else: remove this annotation", misleading},

		{"Istio", annotated(istio+"excludeOutboundPorts", "3306, 5432"), "", ""},
		{"Istio", annotated(istio+"excludeOutboundPorts", ""), "", ""},
		{"Istio", annotated(istio+"includeOutboundIPRanges", "*"), "", ""},
		{"Istio", `labels: {sidecar.istio.io/inject: "false"}, annotations: {` + istio + `excludeOutboundPorts: http, sidecar.istio.io/inject: "false"}`, "", ""},
		{"Linkerd", annotated("config.linkerd.io/skip-outbound-ports", "80-90"), "", ""},
		{"Linkerd", `annotations: {linkerd.io/inject: ingress}`, "", ""},
		{"Consul", annotated("consul.hashicorp.com/transparent-proxy-exclude-outbound-ports", "9300:9400"), "", ""},
		{"Consul", `annotations: {consul.hashicorp.com/connect-inject: "t"}`, "", ""},
		{"FSM", `annotations: {flomesh.io/sidecar-injection: "Yes"}`, "", ""},
		{"Kuma", `labels: {kuma.io/sidecar-injection: "true"}`, "", ""},
	}
	for _, test := range tests {
		spec := "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {mesh: " + test.mesh + "}\n"
		file := manifest("web.yaml", fmt.Sprintf(item, test.metadata))
		written, results, err := rendered(t, spec, file)
		require.NoError(t, err)
		assert.Equal(t, file.Text, written[0].Text)
		report := results.Report()
		if test.told == "" {
			assert.Empty(t, report, test.metadata)
			continue
		}
		assert.Contains(t, report, test.told, test.metadata)
		assert.True(t, strings.HasSuffix(report, test.kind+"\n") && strings.HasPrefix(report, "warning: web.yaml:7: "), "%s: %s", test.metadata, report)
		assert.Equal(t, 1, strings.Count(report, "\n"), report)
		agree(t, spec, file, report)

		// Beside a rule it is told too.
		_, results, _ = rendered(t, strings.Replace(spec, "}\n", ", global: {excludeInboundPorts: [7001]}, enforcement: {image: init:1}}\n", 1), file)
		if !strings.Contains(test.told, "at most") && !strings.Contains(test.told, "IPv6") { // which the init container takes over there
			assert.Contains(t, results.Report(), test.told)
		}
	}
}

// What is included of what goes out has an effect only beside what bypasses.
func TestIncludedPortsWithoutEffect(t *testing.T) {
	const idle, byHand = "[include-without-effect]", `traffic.sidecar.istio.io/includeOutboundPorts: "8443"`
	tests := []struct{ name, spec, annotations, told string }{
		{"a rule alone", "global: {includeOutboundPorts: [8443]}", "", "spec.global.includeOutboundPorts: no rule lets anything bypass"},
		{"a rule for a workload", "workloads: [{match: {names: [web]}, includeOutboundPorts: [8443]}]", "", "spec.workloads[0].includeOutboundPorts: no rule"},
		{"a rule that no workload meets", "workloads: [{match: {names: [other]}, includeOutboundPorts: [8443]}]", "", "spec.workloads[0].includeOutboundPorts: no rule"},
		{"beside other ports", "global: {excludeOutboundPorts: [3306]}, workloads: [{match: {names: [web]}, includeOutboundPorts: [8443]}]", "", "spec.workloads[0].includeOutboundPorts: no rule"},
		{"by hand", "", byHand, `write traffic.sidecar.istio.io/includeOutboundIPRanges: "" beside it`},
		{"by hand, beside a rule", "global: {excludeOutboundPorts: [3306]}", byHand, `write traffic.sidecar.istio.io/includeOutboundIPRanges: "" beside it`},
		{"by hand, every range", "", byHand + `, traffic.sidecar.istio.io/includeOutboundIPRanges: "*"`, `write traffic.sidecar.istio.io/includeOutboundIPRanges: "" beside it`},

		{"as it was meant", "global: {includeOutboundPorts: [8443], includeOutboundIPRanges: []}", "", ""},
		{"as it was meant, by hand", "", byHand + `, traffic.sidecar.istio.io/includeOutboundIPRanges: ""`, ""},
		{"taken from a range", "global: {excludeOutboundIPRanges: [192.0.2.0/24]}, workloads: [{match: {names: [web]}, includeOutboundPorts: [8443]}]", "", ""},
		{"taken from ports", "global: {excludeOutboundPorts: [8443]}, workloads: [{match: {names: [web]}, includeOutboundPorts: [8443]}]", "", ""},
		{"taken from a pair", "global: {excludeOutbound: [{ipRanges: [192.0.2.0/24], ports: [8443]}]}, workloads: [{match: {names: [web]}, includeOutboundPorts: [8443]}]", "", ""},
		{"taken from the mesh's own", "meshDefaults: {includeOutboundIPRanges: [10.0.0.0/8]}, global: {includeOutboundPorts: [8443]}", "", ""},
		{"by hand, taken from the mesh's own", "meshDefaults: {excludeOutboundIPRanges: [192.0.2.0/24]}", byHand, ""},
		{"by hand, taken from a rule", "global: {excludeOutboundPorts: [8443]}", byHand, ""},
		{"taken from an annotation", "merge: Union, workloads: [{match: {names: [web]}, includeOutboundPorts: [8443]}]", "traffic.sidecar.istio.io/excludeOutboundIPRanges: 192.0.2.0/24", ""},
		{"by hand, taken from a range while init containers run", "global: {forInitContainers: {excludeOutboundIPRanges: [10.0.0.0/8]}}", byHand, ""},
		{"by hand, beside other ports while init containers run", "global: {forInitContainers: {excludeOutboundPorts: [3306]}}", byHand, `write traffic.sidecar.istio.io/includeOutboundIPRanges: "" beside it`},
		{"beside what comes in, as ASM has it", "global: {excludeInboundPorts: [7001], includeOutboundPorts: [7001]}", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			spec := "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {enforcement: {image: init:1}, " + test.spec + "}\n"
			file := manifest("web.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {selector: {}, template: {metadata: {annotations: {"+test.annotations+"}}, spec: {containers: [{name: app, image: app}]}}}\n")
			_, results, err := rendered(t, spec, file)
			require.NoError(t, err)
			report := results.Report()
			assert.Equal(t, test.told != "", strings.Contains(report, idle), report)
			assert.Contains(t, report, test.told)
			agree(t, spec, file, report)
		})
	}
}

// An annotation of ours that somebody edits is told of where it can be: by the next run,
// and by check for as long as nobody rendered it.
func TestEditedByHand(t *testing.T) {
	const spec = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {global: {excludeOutboundPorts: [5432, 6379]}, enforcement: {image: init:1}}\n"
	const told = "edited by hand since krm-bypass wrote it: say it in the ClusterBypass and remove the annotation, or take the change back; then run krm-bypass render again."
	for kind, item := range map[string]string{
		"Deployment":  "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {selector: {}, template: {spec: {containers: [{name: app, image: app}]}}}\n",
		"CronJob":     "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: web, namespace: shop}\nspec: {jobTemplate: {spec: {template: {spec: {containers: [{name: app, image: app}]}}}}}\n",
		"PodTemplate": "apiVersion: v1\nkind: PodTemplate\nmetadata: {name: web, namespace: shop}\ntemplate: {spec: {containers: [{name: app, image: app}]}}\n",
	} {
		t.Run(kind, func(t *testing.T) {
			written, _, err := rendered(t, spec, manifest("web.yaml", item))
			require.NoError(t, err)
			edited := manifest("web.yaml", strings.Replace(string(written[0].Text), `"5432,6379"`, `"443,5432,6379"`, 1))
			require.NotEqual(t, written[0].Text, edited.Text)

			checked, err := fn.Check(fn.SpecIn(manifest("bypass.yaml", spec)), []fn.Manifest{edited}, fn.Options{}, fn.Expiry{})
			require.NoError(t, err)
			assert.False(t, checked.Passed())
			assert.Contains(t, checked.Objects[0].Differences[0].Message, "edited by hand since krm-bypass wrote it")
			assert.NotContains(t, checked.Objects[0].Differences[0].Message, "expected", "what is planned takes the edit for the user's own")
			assert.Contains(t, checked.Objects[0].Remedy, "say it in the ClusterBypass")

			adopted, results, err := rendered(t, spec, edited)
			require.NoError(t, err)
			assert.Contains(t, results.Report(), told)
			assert.Equal(t, 1, strings.Count(results.Report(), "\n"))
			_, results, err = rendered(t, spec, adopted[0])
			require.NoError(t, err)
			assert.Empty(t, results.Report(), "nobody can tell any more")

			back, results, err := rendered(t, spec, written[0])
			require.NoError(t, err)
			assert.Empty(t, results.Report())
			assert.Equal(t, written[0].Text, back[0].Text)
		})
	}
}

// Nothing reads the annotations of a template that is injected already.
func TestInjectedAlready(t *testing.T) {
	const item = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {selector: {}, template: {spec: {containers: [{name: app, image: app}], initContainers: [{name: %s, image: a}]}}}\n"
	for mesh, container := range map[string]string{"Istio": "istio-init", "Linkerd": "linkerd-init", "Consul": "consul-connect-inject-init", "Kuma": "kuma-init", "FSM": "fsm-init", "OSM": "osm-init"} {
		for mode, want := range map[string]string{"AnnotationsOnly": "error: ", "WhereNeeded": "warning: ", "InitContainer": ""} {
			spec := "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {mesh: " + mesh + ", global: {excludeOutboundPorts: [3306]}, enforcement: {mode: " + mode + ", image: init:1}}\n"
			_, results, err := rendered(t, spec, manifest("web.yaml", fmt.Sprintf(item, "setup")))
			require.NoError(t, err)
			assert.Empty(t, results.Report())
			file := manifest("web.yaml", fmt.Sprintf(item, container))
			_, results, err = rendered(t, spec, file)
			assert.Equal(t, mode == "AnnotationsOnly", err != nil)
			if want == "" {
				assert.Empty(t, results.Report(), "%s %s", mesh, mode)
				continue
			}
			report := results.Report()
			assert.Regexp(t, "^"+want+`web.yaml:4: Deployment shop/web: spec\.template\.spec\.initContainers\[0\]: the template is injected already, as its container `+container+` shows, .* \[injected-already\]\n$`, report)
			agree(t, spec, file, report)
		}
	}
}

// What krm-bypass wrote and cannot know any more is told of.
func TestARecordThatIsGone(t *testing.T) {
	const spec = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {global: {excludeOutboundPorts: [5432]}, enforcement: {mode: AnnotationsOnly}}\n"
	const item, gone = `apiVersion: apps/v1
kind: %s
metadata:
  name: web
  namespace: shop
  annotations:
    team: shop
%sspec:
  selector: {}
  template:
    spec:
      containers:
      - name: app
        image: app
`, "the record of what krm-bypass wrote here is gone (metadata.annotations[\"krm-bypass.dev/last-applied\"])"
	without := regexp.MustCompile(`(?m)^.*last-applied.*\n`)
	written, _, err := rendered(t, spec, manifest("web.yaml", fmt.Sprintf(item, "Deployment", "")))
	require.NoError(t, err)
	file := manifest("web.yaml", without.ReplaceAllString(string(written[0].Text), ""))
	_, results, err := rendered(t, spec, file)
	require.NoError(t, err)
	assert.Contains(t, results.Report(), "web.yaml:18: Deployment shop/web: spec.template.metadata.annotations[\"krm-bypass.dev/policy\"]: "+gone)
	agree(t, spec, file, results.Report())

	// What a Deployment's controller copies has no record of its own.
	owned := "  ownerReferences:\n  - {apiVersion: apps/v1, kind: Deployment, name: web, controller: true}\n"
	replicas := strings.Replace(fmt.Sprintf(item, "ReplicaSet", owned), "    spec:\n", "    metadata:\n      annotations: {krm-bypass.dev/policy: v1:0}\n    spec:\n", 1)
	_, results, err = rendered(t, spec, manifest("web.yaml", replicas))
	require.NoError(t, err)
	assert.Empty(t, results.Report())

	// The digest is nobody's to edit.
	_, results, err = rendered(t, spec, manifest("web.yaml", regexp.MustCompile(`policy: "v1:\w+"`).ReplaceAllString(string(written[0].Text), `policy: "v1:0"`)))
	require.NoError(t, err)
	assert.Contains(t, results.Report(), "edited by hand since krm-bypass wrote it: it is a digest of what krm-bypass wrote, so take the change back")
}

// A patch may hold a placeholder that kustomize replaces. What has digits is no placeholder,
// and in a workload none is filled.
func TestAPlaceholderInAPatch(t *testing.T) {
	const deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {selector: {}, template: {metadata: {annotations: {traffic.sidecar.istio.io/excludeOutboundPorts: \"%s\"}}, spec: {containers: [{name: app%s}]}}}\n"
	for _, test := range []struct {
		value, image string
		told         int
	}{{"MYSQL_PORT_PLACEHOLDER", "", 0}, {"70000", "", 1}, {"MYSQL_PORT_PLACEHOLDER", ", image: app", 1}} {
		_, results, _ := rendered(t, nothingText, manifest("web.yaml", fmt.Sprintf(deployment, test.value, test.image)))
		assert.Equal(t, test.told, strings.Count(results.Report(), "\n"), results.Report())
	}
}
