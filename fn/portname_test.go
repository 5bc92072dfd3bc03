package fn_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/fn"
)

// listening is a workload whose container has ports, each as name:number.
func listening(name string, ports ...string) string {
	for i, port := range ports {
		called, number, _ := strings.Cut(port, ":")
		ports[i] = fmt.Sprintf("{name: %s, containerPort: %s}", called, number)
	}
	return strings.Replace(workloadIn("shop", name, "", "app: "+name), "image: b}", "image: b, ports: ["+strings.Join(ports, ", ")+"]}", 1)
}

func rendering(t *testing.T, spec *fn.Spec, text string) string {
	files, said, err := fn.Manifests(spec, filesOf(text), fn.Options{})
	require.NoError(t, err)
	assert.Empty(t, said)
	return string(files[0].Text)
}

func TestARenamedPortRestartsNothing(t *testing.T) {
	by := func(name string) *fn.Spec { return bypassOf("global: {excludeInboundPorts: [" + name + ", 7001]}") }
	was := listening("web", "http-metrics:9090")
	written := rendering(t, by("http-metrics"), was)
	assert.Contains(t, written, `excludeInboundPorts: "7001,9090"`)
	assert.Equal(t, written, rendering(t, by("9090"), written), "a number instead of its name")

	renamed := strings.ReplaceAll(written, "name: http-metrics", "name: metrics")
	assert.Equal(t, renamed, rendering(t, by("metrics"), renamed), "another name for it")

	moved := rendering(t, by("http-metrics"), strings.ReplaceAll(written, "containerPort: 9090", "containerPort: 9091"))
	assert.Contains(t, moved, `excludeInboundPorts: "7001,9091"`)
	assert.Equal(t, moved, rendering(t, by("http-metrics"), strings.ReplaceAll(was, "containerPort: 9090", "containerPort: 9091")), "as if it had always been there")
	policy := func(text string) string {
		_, after, _ := strings.Cut(text, "krm-bypass.dev/policy: ")
		return after[:20]
	}
	assert.NotEqual(t, policy(written), policy(moved))

	checked, err := fn.Check(by("http-metrics"), filesOf(strings.ReplaceAll(written, "containerPort: 9090", "containerPort: 9091")), fn.Options{}, fn.Expiry{})
	require.NoError(t, err)
	assert.NotEmpty(t, checked.Objects[0].Differences, "check tells that another port bypasses now")
	assert.Equal(t, was, rendering(t, bypassOf("global: {}"), written), "taken back to the byte")
}

// TestNamesThatNobodyHas has rules that name ports, and what is said of names without one.
func TestNamesThatNobodyHas(t *testing.T) {
	web, api := listening("web", "http-metrics:9090", "http:8080"), listening("api", "http:8080")
	for name, test := range map[string]struct {
		spec string
		// slip is what render says too, complete what check says of a whole cluster.
		slip, complete string
	}{
		"somebody has it":         {"global: {excludeInboundPorts: [http-metrics]}", "", ""},
		"one of two":              {"global: {excludeInboundPorts: [http-metrics, admin]}", "", "spec.global.excludeInboundPorts[1]: it reaches no container port: correct it or remove it, since all workloads are here"},
		"to be included":          {"global: {includeInboundPorts: [8080, admin]}", "", "spec.global.includeInboundPorts[1]: it reaches no container port: correct it or remove it, since all workloads are here"},
		"nobody of the rule's":    {"lint: {missing-port: Ignore}, workloads: [{match: {names: [api]}, excludeInboundPorts: [http-metrics]}]", "", "spec.workloads[0].excludeInboundPorts[0]: it reaches no container port: correct it or remove it, since all workloads are here"},
		"a slip":                  {"global: {excludeInboundPorts: [http-metrcis]}", "spec.global.excludeInboundPorts[0]: it reaches no container port here, and Deployment shop/web has a port named http-metrics: did you mean that?", ""},
		"a slip beside the right": {"global: {excludeInboundPorts: [http-metrics, http-metrcis]}", "spec.global.excludeInboundPorts[1]: it reaches no container port here, and Deployment shop/web has a port named http-metrics: did you mean that?", ""},
		"a letter more":           {"global: {excludeInboundPorts: [http-metric]}", "spec.global.excludeInboundPorts[0]: it reaches no container port here, and Deployment shop/web has a port named http-metrics: did you mean that?", ""},
		"a letter less":           {"global: {excludeInboundPorts: [http-metricss]}", "spec.global.excludeInboundPorts[0]: it reaches no container port here, and Deployment shop/web has a port named http-metrics: did you mean that?", ""},
		"a letter more, as both":  {"global: {excludeInboundPorts: [http-metrics, http-metric]}", "", "spec.global.excludeInboundPorts[1]: it reaches no container port: correct it or remove it, since all workloads are here"},
		"a rule for nobody":       {"workloads: [{match: {names: [ledger]}, excludeInboundPorts: [admin]}]", "", "spec.workloads[0]: it reaches no workload: correct it or remove it, since all workloads are here"},
		"accepted":                {"workloads: [{name: later, match: {names: [web, api]}, excludeInboundPorts: [http, admin]}], lint: {accept: [{check: unreached-rule, rule: later, reason: comes with the next release}]}", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			told := func(complete bool) []string {
				checked, err := fn.Check(bypassOf(test.spec), filesOf(web, api), fn.Options{Complete: complete}, fn.Expiry{})
				require.NoError(t, err)
				var all []string
				for _, one := range of("unreached-rule", checked.Results) {
					if !strings.HasPrefix(one, "info: ") {
						all = append(all, one)
					}
				}
				return all
			}
			_, said, err := fn.Manifests(bypassOf(test.spec), filesOf(web, api), fn.Options{})
			require.NoError(t, err)
			switch {
			case test.slip != "":
				assert.Equal(t, []string{"warning: " + test.slip}, of("unreached-rule", said))
				assert.Equal(t, []string{"warning: " + test.slip}, told(false))
				assert.Equal(t, []string{"error: " + test.slip}, told(true))
			case test.complete != "":
				assert.Empty(t, of("unreached-rule", said))
				assert.Empty(t, told(false))
				assert.Equal(t, []string{"error: " + test.complete}, told(true))
			default:
				assert.Empty(t, append(of("unreached-rule", said), told(true)...))
			}
		})
	}
}

// TestNamesTogether has a name that a workload of one of two sets of manifests has.
func TestNamesTogether(t *testing.T) {
	spec := bypassOf("global: {excludeInboundPorts: [http-metrics, admin]}")
	checked := func(text string) *fn.Checked {
		c, err := fn.Check(spec, filesOf(text), fn.Options{Complete: true}, fn.Expiry{})
		require.NoError(t, err)
		return c
	}
	all := []*fn.Checked{checked(listening("api", "http:8080")), checked(listening("web", "http-metrics:9090"))}
	fn.Together(all...)
	assert.Equal(t, []string{"error: spec.global.excludeInboundPorts[1]: it reaches no container port: correct it or remove it, since all workloads are here"}, of("unreached-rule", append(all[0].Results, all[1].Results...)))
}

func TestExplainSaysWhatNamesMean(t *testing.T) {
	explained, err := fn.Explain(bypassOf("global: {excludeInboundPorts: [8080]}, namespaces: [{match: {names: [shop]}, excludeInboundPorts: [http-metrics, 7001]}]"),
		filesOf(listening("web", "http-metrics:9090", "http-metrics:9091"), listening("api")), fn.Options{}, "")
	require.NoError(t, err)
	said := func(w fn.Explanation) (all []string) {
		for _, f := range w.Fields {
			for _, e := range f.Entries {
				all = append(all, fmt.Sprintf("%s %#v %v", e.Entry, e.Means, e.Holds))
			}
		}
		return all
	}
	assert.Equal(t, []string{`8080 []string(nil) []`, `http-metrics []string{"9090-9091"} [9090-9091]`, `7001 []string(nil) [7001]`}, said(explained.Workloads[0]))
	assert.Equal(t, []string{`8080 []string(nil) []`, `http-metrics []string{} []`, `7001 []string(nil) [7001]`}, said(explained.Workloads[1]))
}

// TestAnIncludedPortThatIsMissingOpensNothing has lists of ports to include in a rule, none
// of which a workload has, behind what a broader rule says.
func TestAnIncludedPortThatIsMissingOpensNothing(t *testing.T) {
	for broader, want := range map[string]string{
		"":                            "",
		"includeInboundPorts: [web]":  "",
		"includeInboundPorts: [8443]": "8443 by 8443",
		"includeInboundPorts: []":     " by []",
		`includeInboundPorts: ["*"]`:  "* by *",
		"excludeInboundPorts: [9090]": "* by ",
	} {
		spec, files := bypassOf("global: {"+broader+"}, workloads: [{match: {names: [api]}, includeInboundPorts: [http, grpc]}]"), filesOf(listening("api", "admin:8081"))
		explained, err := fn.Explain(spec, files, fn.Options{}, "")
		require.NoError(t, err)
		is := ""
		for _, f := range explained.Workloads[0].Fields {
			if f.Field == "includeInboundPorts" {
				is = strings.Join(f.Effective, ",") + " by "
				assert.Equal(t, []string{"http", "grpc"}, []string{f.Entries[len(f.Entries)-2].Entry, f.Entries[len(f.Entries)-1].Entry}, broader)
				for _, e := range f.Entries {
					assert.Empty(t, e.Lost, broader)
					if e.InForce {
						is += e.Entry
					}
				}
			}
		}
		assert.Equal(t, want, is, broader)
		_, said, err := fn.Manifests(spec, files, fn.Options{})
		require.NoError(t, err)
		var missing []string
		for _, one := range of("missing-port", said) {
			if strings.Contains(one, "no container has a port named http or grpc, so that spec.workloads[0].includeInboundPorts counts as not said here, and what is intercepted stays") {
				missing = append(missing, one)
			}
		}
		assert.Len(t, missing, 1, broader)
	}
}

func TestAMissingPortIsAcceptedOrRefused(t *testing.T) {
	const rule = "workloads: [{name: metrics, match: {names: [api]}, %s: [http-metrics]}]"
	exclude, include := fmt.Sprintf(rule, "excludeInboundPorts"), fmt.Sprintf(rule, "includeInboundPorts")
	const global = "global: {excludeInboundPorts: [8080]}, "
	for lint, want := range map[string]string{
		"": "warning", "lint: {missing-port: Error}, ": "error", "lint: {missing-port: Ignore}, ": "",
		"lint: {accept: [{check: missing-port, rule: metrics, reason: it comes}]}, ": "info",
	} {
		for _, rules := range []string{global + exclude, global + include, include} {
			_, said, _ := fn.Manifests(bypassOf(lint+rules), filesOf(listening("api", "http:8080")), fn.Options{})
			severities := []string{}
			for _, one := range said {
				severities = append(severities, string(one.Severity))
			}
			assert.Equal(t, strings.Fields(want), severities, lint+rules)
		}
	}
}
