package fn_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/fn"
)

const linkerdSpec = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n  mesh: Linkerd\n  enforcement: {image: example.com/init:v1}\n"

// inShop is a Namespace with metadata beside its name, and a workload there.
func inShop(metadata, annotations string) []fn.Manifest {
	return []fn.Manifest{{Path: "in.yaml", Text: []byte("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n" + metadata + `---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop}
spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}, annotations: {` + annotations + `}}, spec: {containers: [{name: a, image: b}]}}}
`)}}
}

// TestANamespaceThatToolsReadDifferently: what kubectl makes of it is not what others
// read, so that no limit can be kept.
func TestANamespaceThatToolsReadDifferently(t *testing.T) {
	const key = "config.linkerd.io/skip-outbound-ports"
	for name, test := range map[string]struct{ metadata, at, says string }{
		"a key twice":         {"  annotations:\n    " + key + ": \"1\"\n    " + key + ": \"8181\"\n", fmt.Sprintf("metadata.annotations[%q]", key), "appears twice, on lines 6 and 7"},
		"annotations twice":   {"  annotations: {" + key + ": \"1\"}\n  annotations: {" + key + ": \"8181\"}\n", "metadata.annotations", "appears twice"},
		"a merge key behind":  {"  annotations:\n    " + key + ": \"1\"\n    <<: {" + key + ": \"8181\"}\n", fmt.Sprintf("metadata.annotations[%q]", key), "is also merged in"},
		"binary":              {"  annotations: {" + key + ": !!binary ODE4MQ==}\n", fmt.Sprintf("metadata.annotations[%q]", key), "expected a string"},
		"a number":            {"  annotations: {" + key + ": 8181}\n", fmt.Sprintf("metadata.annotations[%q]", key), "put it into quotes"},
		"a list":              {"  annotations: {" + key + ": [1]}\n", fmt.Sprintf("metadata.annotations[%q]", key), "write one string in quotes"},
		"no mapping":          {"  annotations: [a]\n", "metadata.annotations", "expected a mapping"},
		"another key twice":   {"  annotations: {a: \"1\", a: \"2\"}\n", "", ""},
		"another number":      {"  annotations: {a: 1}\n", "", ""},
		"a merge key alone":   {"  annotations: {<<: {" + key + ": \"1\"}}\n", "", ""},
		"a label twice":       {"  labels: {a: b, a: c}\n", "", ""},
		"a merge key before":  {"  annotations:\n    <<: {" + key + ": \"8181\"}\n    " + key + ": \"1\"\n", "", ""},
		"all as it should be": {"  annotations: {" + key + ": \"1\"}\n", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, limits := range []string{"", "  limits: {forbiddenOutboundPorts: [8181]}\n", "  limits: {podAnnotations: {namespaces: [shop]}}\n"} {
				spec := fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte(linkerdSpec + limits)})
				_, results, err := fn.Manifests(spec, inShop(test.metadata, ""), fn.Options{})
				if test.at == "" {
					require.NoError(t, err, results.Report())
					assert.Empty(t, results)
					continue
				}
				require.Len(t, results, 1)
				assert.Equal(t, test.at, results[0].Field.Path)
				assert.Contains(t, results[0].Message, test.says)
				assert.ErrorIs(t, err, fn.ErrFailed)
			}
		})
	}
}

// TestExplainSaysWhatTheContainerLetsBypassInANamespace: the init container lets bypass
// what the mesh would by itself, also where a Namespace replaces that.
func TestExplainSaysWhatTheContainerLetsBypassInANamespace(t *testing.T) {
	const skip = "  annotations: {config.linkerd.io/skip-inbound-ports: \"9000\"}\n"
	for name, test := range map[string]struct {
		rule, namespace string
		want            []string
		carried         map[string][]string
	}{
		"a container": {"  global: {excludeOutbound: [{ipRanges: [10.0.0.0/8], ports: [5432]}]}\n", skip, []string{"4567-4568", "9000"},
			map[string][]string{"4567-4568": {fn.ByInitContainer}, "9000": {fn.ByAnnotation}}},
		"no container":              {"  global: {excludeOutboundPorts: [5000]}\n  enforcement: {mode: AnnotationsOnly}\n", skip, []string{"9000"}, map[string][]string{"9000": {fn.ByAnnotation}}},
		"a container, no Namespace": {"  global: {excludeOutbound: [{ipRanges: [10.0.0.0/8], ports: [5432]}]}\n", "", []string{"4567-4568"}, map[string][]string{"4567-4568": {fn.ByMesh, fn.ByInitContainer}}},
	} {
		t.Run(name, func(t *testing.T) {
			head := "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n  mesh: Linkerd\n"
			if name != "no container" {
				head = linkerdSpec
			}
			explained, err := fn.Explain(fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte(head + test.rule)}), inShop(test.namespace, ""), fn.Options{}, "")
			require.NoError(t, err, explained.Results.Report())
			for _, f := range explained.Workloads[0].Fields {
				if f.Field != "excludeInboundPorts" {
					continue
				}
				assert.Equal(t, test.want, f.Effective)
				carried := map[string][]string{}
				for _, e := range f.Entries {
					if e.InForce {
						carried[e.Entry] = e.CarriedBy
					}
				}
				assert.Equal(t, test.carried, carried)
			}
		})
	}
}

// TestExplainCountsWhatElseANamespaceSays: Linkerd reads every one of its annotations
// there, for pods that have none of their own.
func TestExplainCountsWhatElseANamespaceSays(t *testing.T) {
	for _, rule := range []string{"", "  global: {excludeOutboundPorts: [5000]}\n"} {
		for annotation, want := range map[string][]string{
			`config.linkerd.io/proxy-uid: "1000"`:          {"config.linkerd.io/proxy-uid"},
			`config.linkerd.io/skip-subnets: "10.0.0.0/8"`: {"config.linkerd.io/skip-subnets"},
			`config.linkerd.io/outbound-port: "5432"`:      {"config.linkerd.io/outbound-port"},
			`config.linkerd.io/outbound-port: "4140"`:      nil,
			`config.linkerd.io/skip-tomorrow: "1"`:         nil,
			`config.linkerd.io/proxy-log-level: "debug"`:   nil,
		} {
			for _, own := range []string{"", annotation} {
				files := inShop("  annotations: {"+annotation+"}\n", own)
				explained, err := fn.Explain(fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte(linkerdSpec + rule)}), files, fn.Options{}, "")
				require.NoError(t, err, explained.Results.Report())
				var names []string
				for _, o := range explained.Workloads[0].Others {
					names = append(names, o.Name)
					assert.Equal(t, own == "", o.From.Scope == fn.FromNamespace)
					if own == "" {
						assert.Equal(t, 5, o.From.Line)
					}
				}
				assert.Equal(t, want, names, annotation+own)
			}
		}
	}
}

// TestNobodyIsToldToKeepWhatALimitForbids: a rule for it would be refused as well.
func TestNobodyIsToldToKeepWhatALimitForbids(t *testing.T) {
	for limits, want := range map[string]string{
		"": "to keep it, add this rule",
		"  limits: {forbiddenOutboundPorts: [443]}\n":  "to keep it, add this rule",
		"  limits: {forbiddenOutboundPorts: [8181]}\n": "8181 must not bypass the sidecar",
	} {
		spec := fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte(linkerdSpec + "  global: {excludeOutboundPorts: [3306]}\n" + limits)})
		_, results, _ := fn.Manifests(spec, inShop("  annotations: {config.linkerd.io/skip-outbound-ports: \"8181\"}\n", ""), fn.Options{})
		require.Len(t, results, 1, limits)
		assert.Contains(t, results[0].Message, want)
	}
}

// TestPortsThatANamespaceMoves: what a Namespace makes the mesh's own, a rule that names it
// would let bypass.
func TestPortsThatANamespaceMoves(t *testing.T) {
	const moves = "  annotations: {config.linkerd.io/inbound-port: \"7143\"}\n"
	for name, test := range map[string]struct{ rule, namespace, pod, says string }{
		"a rule names it": {"excludeInboundPorts: [7143]", moves, "", "metadata.annotations[\"config.linkerd.io/inbound-port\"]: this makes 7143 a port of Linkerd's inbound proxy in Deployment shop/api, which the mesh handles itself, but spec.global.excludeInboundPorts would let it bypass: write another port here, or take it out there [namespace-annotation]"},
		"within a range":  {"excludeOutboundPorts: [7000-7200]", moves, "", "but spec.global.excludeOutboundPorts would let it bypass"},
		"another port":    {"excludeInboundPorts: [7144]", moves, "", ""},
		"where it is":     {"excludeInboundPorts: [7143]", "  annotations: {config.linkerd.io/inbound-port: \"4143\"}\n", "", ""},
		"another on the pod, which stands instead": {"excludeInboundPorts: [7143]", moves, "config.linkerd.io/inbound-port: \"7144\"", ""},
		"no rule": {"", moves, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			spec := fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte(linkerdSpec + "  global: {" + test.rule + "}\n")})
			_, results, err := fn.Manifests(spec, inShop(test.namespace, test.pod), fn.Options{})
			require.NoError(t, err, results.Report())
			if test.says == "" {
				assert.NotContains(t, results.Report(), "[namespace-annotation]")
				return
			}
			assert.Contains(t, results.Report(), test.says)
		})
	}
}
