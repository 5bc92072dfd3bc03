package fn_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/kinds"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
)

const bystandersSpec = `apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata: {name: cluster}
spec:
  mesh: %s
  global: {excludeOutboundPorts: [3306]}
  enforcement: {mode: AnnotationsOnly}
`

// TestEveryMeshReadsItsAnnotationsWhereItSays: on a Namespace Linkerd alone reads them,
// and on a Service no mesh does.
func TestEveryMeshReadsItsAnnotationsWhereItSays(t *testing.T) {
	for _, m := range mesh.All() {
		for _, k := range m.Keys {
			for _, kind := range []string{"Namespace", "Service", "ConfigMap", "PodDisruptionBudget"} {
				t.Run(m.Name+" "+string(k.Field)+" "+kind, func(t *testing.T) {
					version := "v1"
					if kind == "PodDisruptionBudget" {
						version = "policy/v1"
					}
					value := k.Nothing
					if value == "" {
						value = "8080"
					}
					input := fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata:\n  name: shop\n  annotations:\n    %s: %q\n", version, kind, k.Annotation, value)
					results := told(t, fmt.Sprintf(bystandersSpec, m.Name), input)
					if kind == "Namespace" && m.Name == "Linkerd" {
						assert.Empty(t, results)
						return
					}
					require.Len(t, results, 1)
					assert.Equal(t, "misplaced-annotation", results[0].Tags[fn.CheckTag])
					assert.Contains(t, results[0].Message, m.Name+" reads this annotation only in pod templates")
					assert.Equal(t, fmt.Sprintf("metadata.annotations[%q]", k.Annotation), results[0].Field.Path)
				})
			}
		}
	}
}

// TestKumaReadsItsGatewayKeyOnAService: no MeshService is made of such a Service.
func TestKumaReadsItsGatewayKeyOnAService(t *testing.T) {
	for input, misplaced := range map[string]bool{
		"{apiVersion: v1, kind: Service, metadata: {name: a, annotations: {kuma.io/gateway: enabled}}}":                          false,
		"{apiVersion: v1, kind: Service, metadata: {name: a, labels: {kuma.io/gateway: enabled}}}":                               true,
		"{apiVersion: serving.knative.dev/v1, kind: Service, metadata: {name: a, annotations: {kuma.io/gateway: enabled}}}":      true,
		"{apiVersion: v1, kind: ConfigMap, metadata: {name: a, annotations: {kuma.io/gateway: enabled}}}":                        true,
		"{apiVersion: v1, kind: Service, metadata: {name: a, annotations: {kuma.io/transparent-proxying-ip-family-mode: ipv4}}}": true,
	} {
		t.Run(input, func(t *testing.T) {
			results := told(t, fmt.Sprintf(bystandersSpec, "Kuma"), input)
			assert.Equal(t, misplaced, slices.ContainsFunc(results, func(r fn.Result) bool { return r.Tags[fn.CheckTag] == "misplaced-annotation" }))
		})
	}
}

// told gives what the function says of manifests, which as nodes is the same.
func told(t *testing.T, spec, input string) fn.Results {
	t.Helper()
	given := fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte(spec)})
	_, results, err := fn.Manifests(given, []fn.Manifest{{Path: "in.yaml", Text: []byte(input)}}, fn.Options{})
	require.NoError(t, err, results.Report())
	var nodes []*yaml.Node
	decoder := yaml.NewDecoder(strings.NewReader(input))
	for n := new(yaml.Node); decoder.Decode(n) == nil; n = new(yaml.Node) {
		nodes = append(nodes, n)
	}
	ofNodes, err := fn.Nodes(given, nodes, fn.Options{})
	require.NoError(t, err, ofNodes.Report())
	require.Len(t, ofNodes, len(results))
	for i := range results {
		assert.Equal(t, results[i].Message, ofNodes[i].Message)
	}
	return results
}

var proposed = regexp.MustCompile(`add (\{.*\}) to spec\.podTemplates`)

// TestAProposedPodTemplateIsTaken adds what is proposed for unknown kinds to the spec:
// it is taken, the kind is written, and nothing more is proposed.
func TestAProposedPodTemplateIsTaken(t *testing.T) {
	spec := fmt.Sprintf(bystandersSpec, "Istio")
	for name, kind := range map[string]string{
		"a template":               "apiVersion: apps.example.com/v1\nkind: DeploymentConfig\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: web, image: web:1}]}}}\n",
		"beside others in a list":  "apiVersion: ray.example.com/v1\nkind: RayCluster\nmetadata: {name: ray}\nspec:\n  headGroupSpec: {template: {spec: {containers: [{name: a, image: b}]}}}\n  workerGroupSpecs: [{template: {spec: {containers: [{name: a, image: b}]}}}]\n",
		"deep, without an image":   "apiVersion: keda.example.com/v1alpha1\nkind: ScaledJob\nmetadata: {name: a}\nspec: {jobTargetRef: {template: {spec: {containers: [{name: a}]}}}}\n",
		"capitals in a map's key":  "apiVersion: kubeflow.example.com/v1\nkind: PyTorchJob\nmetadata: {name: a}\nspec: {pytorchReplicaSpecs: {Master: {template: {spec: {containers: [{name: a, image: b}]}}}}}\n",
		"of a group without a dot": "apiVersion: extensions/v1beta1\nkind: Deployment\nmetadata: {name: a}\nspec: {template: {spec: {containers: [{name: a, image: b}]}}}\n",
	} {
		t.Run(name, func(t *testing.T) {
			results := told(t, spec, kind)
			require.Len(t, results, 1)
			entry := proposed.FindStringSubmatch(results[0].Message)
			require.NotNil(t, entry, results[0].Message)
			added := fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte(spec + "  podTemplates: [" + strings.ReplaceAll(entry[1], "} and {", "}, {") + "]\n")})
			files, results, err := fn.Manifests(added, []fn.Manifest{{Path: "in.yaml", Text: []byte(kind)}}, fn.Options{})
			require.NoError(t, err, results.Report())
			assert.Contains(t, string(files[0].Text), `excludeOutboundPorts: "3306"`)
			for _, r := range results {
				assert.NotContains(t, r.Message, "add {")
			}
		})
	}
}

// TestAKnownKindWithAnotherTemplate: an entry of spec.podTemplates names one.
func TestAKnownKindWithAnotherTemplate(t *testing.T) {
	const job = "apiVersion: kubeflow.example.com/v1\nkind: OldJob\nmetadata: {name: a}\nspec: {replicas: {Master: {template: {spec: {containers: [{name: a, image: b}]}}}, Worker: {template: {spec: {containers: [{name: a, image: b}]}}}}}\n"
	spec := func(path string) string {
		return fmt.Sprintf(bystandersSpec, "Istio") + "  podTemplates: [{apiVersion: kubeflow.example.com/v1, kind: OldJob, path: " + path + "}]\n"
	}
	results := told(t, spec("spec.replicas.Master.template"), job)
	require.Len(t, results, 1)
	assert.Equal(t, "spec.replicas.Worker.template", results[0].Field.Path)
	assert.Equal(t, "spec.podTemplates names spec.replicas.Master.template for this kind, so no rule reaches these pods: add {apiVersion: kubeflow.example.com/v1, kind: OldJob, path: spec.replicas.Worker.template} to spec.podTemplates", results[0].Message)

	results = told(t, spec("spec.replica.Master.template"), job)
	require.NotEmpty(t, results)
	assert.Contains(t, results[0].Message, "spec.podTemplates names spec.replica.Master.template for this kind, so no rule reaches these pods: add {apiVersion: kubeflow.example.com/v1, kind: OldJob, path: spec.replicas.*.template} to spec.podTemplates")
}

// TestAPathThatMissesTheTemplate: what looks like a template is told of unless an entry
// leads to it, and not around it or into it; and who looks is told of the path that was
// meant.
func TestAPathThatMissesTheTemplate(t *testing.T) {
	const foo = "apiVersion: x.io/v1\nkind: Foo\nmetadata: {name: a}\nspec: {sets: [{name: a, template: {spec: {containers: [{name: a, image: b}]}}}]}\n"
	const right = `{apiVersion: x.io/v1, kind: Foo, path: "spec.sets[*].template"}`
	for path, says := range map[string]string{
		"spec": "write " + right + " in place of spec.podTemplates[0]", "spec.sets[*]": "write " + right + " in place of spec.podTemplates[0]",
		"spec.sets[*].template.spec": "write " + right + " in place of spec.podTemplates[0]", "spec.sets[*].template.metadata": "write " + right + " in place of spec.podTemplates[0]",
		"spec.sets[*].other": "add " + right + " to spec.podTemplates", "spec.sets[*].template": "",
	} {
		t.Run(path, func(t *testing.T) {
			spec := fmt.Sprintf(bystandersSpec, "Istio") + "  podTemplates: [{apiVersion: x.io/v1, kind: Foo, path: '" + path + "'}]\n"
			results := told(t, spec, foo)
			if says == "" {
				assert.Empty(t, results)
				return
			}
			require.Len(t, results, 2)
			assert.Equal(t, "spec.podTemplates names "+path+" for this kind, so no rule reaches these pods: "+says, results[0].Message)
			assert.Equal(t, strings.HasPrefix(says, "write"), results[1].Message == "left alone: there is no pod template at the path in spec.podTemplates[0]; one is at spec.sets[*].template", results[1].Message)
		})
	}
}

// TestWhatNoPathLeadsTo: an entry to paste has to work.
func TestWhatNoPathLeadsTo(t *testing.T) {
	const pod = "containers: [{name: a, image: b}]"
	for name, test := range map[string]struct{ spec, says string }{
		"a key with a dot":     {"{my.key: {template: {spec: {" + pod + "}}}}", `spec.podTemplates cannot name spec["my.key"].template, so write the annotations of the mesh by hand, where the controller takes those of its pods from`},
		"such keys of a map":   {"{roles: {a.b: {template: {spec: {" + pod + "}}}, c: {template: {spec: {" + pod + "}}}}}", `add {apiVersion: x.io/v1, kind: Foo, path: spec.roles.*.template} to spec.podTemplates`},
		"annotations beside":   {"{annotations: {a: b}, " + pod + "}", `add {apiVersion: x.io/v1, kind: Foo, annotations: spec.annotations} to spec.podTemplates`},
		"all beside, in lists": {"{pods: [{annotations: {a: b}, initContainers: [], " + pod + "}]}", `add {apiVersion: x.io/v1, kind: Foo, annotations: "spec.pods[*].annotations", initContainers: "spec.pods[*].initContainers"} to spec.podTemplates`},
		"done by hand":         {"{annotations: {traffic.sidecar.istio.io/excludeOutboundPorts: '3306'}, " + pod + "}", ""},
		"a pod's spec alone":   {"{podSpec: {" + pod + "}}", "spec.podSpec is no whole pod template; if the kind has fields for the annotations of its pods, and for init containers, add {apiVersion: x.io/v1, kind: Foo, annotations: PATH, initContainers: PATH} to spec.podTemplates, with the paths to them; else write the annotations of the mesh by hand, where the controller takes those of its pods from"},
	} {
		t.Run(name, func(t *testing.T) {
			const head = "apiVersion: x.io/v1\nkind: Foo\nmetadata: {name: a}\nspec: "
			results := told(t, fmt.Sprintf(bystandersSpec, "Istio"), head+test.spec+"\n")
			if test.says == "" {
				assert.Empty(t, results)
				return
			}
			require.Len(t, results, 1)
			assert.Equal(t, "krm-bypass does not know this kind, so no rule reaches its pods: "+test.says, results[0].Message)
			entry := proposed.FindStringSubmatch(results[0].Message)
			if len(entry) < 2 || strings.Contains(entry[1], "PATH") {
				return
			}
			assert.Empty(t, told(t, fmt.Sprintf(bystandersSpec, "Istio")+"  podTemplates: ["+entry[1]+"]\n", head+test.spec+"\n"))
		})
	}
}

// TestAKindThatIsNearToAKnownOne: no cluster knows it.
func TestAKindThatIsNearToAKnownOne(t *testing.T) {
	for is, meant := range map[string]string{
		"apiVersion: apps/v1\nkind: deployment": "Deployment of the group apps", "apiVersion: v1\nkind: StatefulSet": "StatefulSet of the group apps",
		"apiVersion: batch/v1\nkind: Cronjob": "CronJob of the group batch", "apiVersion: v1\nkind: podTemplate": "PodTemplate",
	} {
		results := told(t, fmt.Sprintf(bystandersSpec, "Istio"), is+"\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: web, image: web:1}]}}}\n")
		require.Len(t, results, 1)
		assert.Equal(t, "krm-bypass does not know this kind, so no rule reaches its pods: did you mean "+meant+"?", results[0].Message)
	}
}

// TestCheckAndExplainTellOfBystanders: what a render passes over in silence is there
// for who asks.
func TestCheckAndExplainTellOfBystanders(t *testing.T) {
	spec := fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte(fmt.Sprintf(bystandersSpec, "Istio"))})
	files := []fn.Manifest{{Path: "in.yaml", Text: []byte(`apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: podinfo, namespace: shop}
spec: {chart: {}}
---
apiVersion: ray.example.com/v1
kind: RayCluster
metadata: {name: ray, namespace: kube-system}
spec: {headGroupSpec: {template: {spec: {containers: [{name: a, image: b}]}}}}
---
apiVersion: ray.example.com/v1
kind: RayCluster
metadata: {name: ray, namespace: shop}
spec: {headGroupSpec: {template: {spec: {hostNetwork: true, containers: [{name: a, image: b}]}}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: a, image: b}]}}}
`)}}
	_, results, err := fn.Manifests(spec, files, fn.Options{})
	require.NoError(t, err)
	assert.Empty(t, results.Report())

	checked, err := fn.Check(spec, files, fn.Options{}, fn.Expiry{})
	require.NoError(t, err)
	assert.Equal(t, "warning: in.yaml:1: HelmRelease shop/podinfo: Flux renders a chart of it in the cluster, and nothing that is said here reaches those pods: render the chart (helm template podinfo CHART --namespace shop | krm-bypass render - --spec FILE --namespace shop) [later-rendered]\n", checked.Results.Report())

	explained, err := fn.Explain(spec, files, fn.Options{}, "")
	require.NoError(t, err)
	outcomes := map[string]fn.Outcome{}
	for _, w := range explained.Workloads {
		outcomes[w.Kind+" "+w.Namespace] = w.Outcome
	}
	assert.Equal(t, map[string]fn.Outcome{"HelmRelease shop": fn.LaterOutcome, "RayCluster shop": fn.UnknownOutcome, "RayCluster kube-system": fn.UnknownOutcome, "Deployment shop": fn.Written}, outcomes)
}

// TestExplainCountsWhatANamespaceSays: where nothing is written it is in force, instead
// of the mesh's own configuration; where something is, that stands instead of it.
func TestExplainCountsWhatANamespaceSays(t *testing.T) {
	const manifests = `apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Namespace
  metadata:
    name: shop
    annotations:
      config.linkerd.io/skip-outbound-ports: "8181"
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: a, image: b}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: own, namespace: shop}
spec: {selector: {matchLabels: {app: own}}, template: {metadata: {labels: {app: own}, annotations: {config.linkerd.io/skip-outbound-ports: "9000"}}, spec: {containers: [{name: a, image: b}]}}}
`
	const head = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n  mesh: Linkerd\n  enforcement: {mode: AnnotationsOnly}\n"
	for rule, want := range map[string]map[string][]string{
		"": {"web": {"8181"}, "own": {"9000"}},
		"  global: {excludeInboundPorts: [9090]}\n":                                                      {"web": {"8181"}, "own": {"9000"}},
		"  global: {excludeOutboundPorts: [5000]}\n":                                                     {"web": {"4567-4568", "5000"}, "own": {"9000"}},
		"  namespaces: [{match: {names: [shop]}, merge: Union, excludeOutboundPorts: [8181]}]\n":         {"web": {"4567-4568", "8181"}, "own": {"9000"}},
		"  meshDefaults: {}\n  workloads: [{match: {names: [own]}, excludeOutboundPorts: [\"5000\"]}]\n": {"web": {"8181"}, "own": {"9000"}},
	} {
		t.Run(rule, func(t *testing.T) {
			spec := fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte(head + rule)})
			explained, err := fn.Explain(spec, []fn.Manifest{{Path: "in.yaml", Text: []byte(manifests)}}, fn.Options{}, "")
			require.NoError(t, err, explained.Results.Report())
			require.Len(t, explained.Workloads, 2)
			for _, w := range explained.Workloads {
				for _, f := range w.Fields {
					if f.Field != "excludeOutboundPorts" {
						continue
					}
					assert.Equal(t, want[w.Name], f.Effective, w.Name)
					of := 0
					for _, e := range f.Entries {
						if e.From.Scope != fn.FromNamespace {
							continue
						}
						of++
						assert.Equal(t, "8181", e.Entry)
						assert.Equal(t, fn.Source{Scope: fn.FromNamespace, Path: `items[0].metadata.annotations["config.linkerd.io/skip-outbound-ports"]`, File: "in.yaml", Line: 9}, e.From)
						assert.Equal(t, len(want[w.Name]) == 1 && want[w.Name][0] == "8181", e.InForce)
						assert.Equal(t, !e.InForce, len(e.Lost) > 0)
					}
					assert.Equal(t, 1, of, "it is counted once")
				}
			}
		})
	}
}

// TestWhatIsWrittenByHandForAnUnknownKind: it is judged and counted as in a template,
// and nobody is asked to write again what is there.
func TestWhatIsWrittenByHandForAnUnknownKind(t *testing.T) {
	const ray = "apiVersion: ray.example.com/v1\nkind: RayCluster\nmetadata: {name: a}\nspec:\n  headGroupSpec: {template: {metadata: {annotations: {%[1]s}}, spec: {containers: [{name: a, image: b}]}}}\n  workerGroupSpecs: [{template: {metadata: {annotations: {%[1]s}}, spec: {containers: [{name: a, image: b}]}}}]\n"
	const foo = "apiVersion: example.com/v1\nkind: Foo\nmetadata: {name: a}\nspec: {podAnnotations: {%s}}\n"
	for _, m := range mesh.All() {
		name := m.Name
		key, _ := m.Key("excludeOutboundPorts")
		for _, kind := range []string{ray, foo} {
			by := func(key, value string) []string {
				var kinds []string
				for _, r := range told(t, fmt.Sprintf(bystandersSpec, name), fmt.Sprintf(kind, fmt.Sprintf("%s: %q", key, value))) {
					kinds = append(kinds, r.Tags[fn.CheckTag])
				}
				return kinds
			}
			value := map[string]string{"Linkerd": "3306,4567-4568"}[name]
			if value == "" {
				value = "3306"
			}
			assert.Empty(t, by(key.Annotation, value), name+kind)
			assert.Empty(t, by(key.Annotation, "81"), "the user's own wins, as in a template")
			if kind != foo {
				assert.Equal(t, []string{"unknown-pod-template"}, by("example.com/a", value), name+kind)
			}
			assert.Contains(t, by(key.Annotation[:len(key.Annotation)-1], value), "unknown-annotation", name+kind)
		}
	}
	results := told(t, fmt.Sprintf(bystandersSpec, "Istio"), fmt.Sprintf(foo, `traffic.sidecar.istio.io/excludeOutboundPorts: "abc"`))
	require.Len(t, results, 1)
	assert.Equal(t, "unreadable-annotation", results[0].Tags[fn.CheckTag])
	assert.Equal(t, `spec.podAnnotations["traffic.sidecar.istio.io/excludeOutboundPorts"]`, results[0].Field.Path)

	spec := fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte(fmt.Sprintf(bystandersSpec, "Istio"))})
	explained, err := fn.Explain(spec, []fn.Manifest{{Path: "in.yaml", Text: []byte(fmt.Sprintf(ray, `traffic.sidecar.istio.io/excludeOutboundPorts: "3306"`))}}, fn.Options{}, "")
	require.NoError(t, err)
	require.Len(t, explained.Workloads, 1)
	assert.Equal(t, fn.UnknownOutcome, explained.Workloads[0].Outcome)
	require.Len(t, explained.Workloads[0].Fields, 1)
	assert.Equal(t, []string{"3306"}, explained.Workloads[0].Fields[0].Effective)
}

// TestTrafficKeysInOtherMappings: a label is no place for them and is told as such;
// mappings that are no annotations of pods say nothing of pods.
func TestTrafficKeysInOtherMappings(t *testing.T) {
	for _, m := range mesh.All() {
		for _, kind := range []string{"Namespace", "Service", "ConfigMap"} {
			for _, k := range m.Keys {
				results := told(t, fmt.Sprintf(bystandersSpec, m.Name), fmt.Sprintf("apiVersion: v1\nkind: %s\nmetadata: {name: shop, labels: {%s: \"8080\"}}\n", kind, k.Annotation))
				require.Len(t, results, 1)
				assert.Equal(t, "misplaced-annotation", results[0].Tags[fn.CheckTag])
				assert.Contains(t, results[0].Message, m.Name+" reads this only as an annotation, "+m.ReadsIn())
				assert.Equal(t, fmt.Sprintf("metadata.labels[%q]", k.Annotation), results[0].Field.Path)
			}
		}
	}
	const key = `traffic.sidecar.istio.io/excludeOutboundPorts: "81"`
	for _, neighbour := range []string{
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {" + key + "}\n",
		"apiVersion: v1\nkind: Service\nmetadata: {name: a, labels: {app: web, sidecar.istio.io/inject: \"false\"}}\n",
		"apiVersion: example.com/v1\nkind: Foo\nmetadata: {name: a}\nspec: {selector: {matchLabels: {" + key + "}}}\n",
		"apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: a}\nspec: {infrastructure: {annotations: {" + key + "}}}\n",
		"apiVersion: networking.istio.io/v1\nkind: WorkloadGroup\nmetadata: {name: a}\nspec: {metadata: {annotations: {" + key + "}}}\n",
	} {
		assert.Empty(t, told(t, fmt.Sprintf(bystandersSpec, "Istio"), neighbour), neighbour)
	}
}

// TestKindsOfWhichNothingIsWritten: the table says why, and so does who asks.
func TestKindsOfWhichNothingIsWritten(t *testing.T) {
	left := 0
	for _, k := range kinds.Known() {
		if k.Left == "" {
			continue
		}
		left++
		results := told(t, fmt.Sprintf(bystandersSpec, "Istio"), fmt.Sprintf("apiVersion: %s/v1\nkind: %s\nmetadata: {name: a}\nspec: {template: {metadata: {}}}\n", k.Group, k.Kind))
		require.Len(t, results, 1, k.FullName())
		assert.Equal(t, "left alone: "+k.Left, results[0].Message)
		assert.Equal(t, fn.Info, results[0].Severity)
	}
	assert.NotZero(t, left)
}

// TestWhatIsWrittenToCustomResources: where a template has no such part, it is made; what
// opts out is left alone.
func TestWhatIsWrittenToCustomResources(t *testing.T) {
	spec := fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte(fmt.Sprintf(bystandersSpec, "Istio"))})
	rendered := func(text string) (string, string) {
		files, results, err := fn.Manifests(spec, []fn.Manifest{{Path: "in.yaml", Text: []byte(text)}}, fn.Options{})
		require.NoError(t, err, results.Report())
		return string(files[0].Text), results.Report()
	}
	for _, optsOut := range []string{
		"apiVersion: argoproj.io/v1alpha1\nkind: WorkflowTemplate\nmetadata: {name: a}\nspec: {podMetadata: {labels: {sidecar.istio.io/inject: \"false\"}}, templates: [{name: a, container: {image: x}}]}\n",
		"apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nmetadata: {name: a}\nspec: {podMetadata: {labels: {sidecar.istio.io/inject: \"false\"}}}\n",
	} {
		text, _ := rendered(optsOut)
		assert.Equal(t, optsOut, text)
	}
	const cron = "apiVersion: argoproj.io/v1alpha1\nkind: CronWorkflow\nmetadata: {name: a}\nspec:\n  workflowSpec:\n    podMetadata: {annotations: {traffic.sidecar.istio.io/excludeOutboundPorts: '80'}}\n    templates:\n    - {name: main, steps: []}\n    - {name: b, metadata: {annotations: {a: b}}, container: {image: x}}\n    - {name: c, container: {image: x}}\n"
	text, report := rendered(cron)
	assert.Empty(t, report)
	assert.Contains(t, text, "    - {name: main, steps: []}\n", "no pods are made of steps")
	assert.Contains(t, text, "    - {name: c, container: {image: x}}\n", "those of all count there")
	assert.Contains(t, text, `"kept":{"spec.workflowSpec.podMetadata traffic.sidecar.istio.io/excludeOutboundPorts"`)
	assert.Contains(t, text, "    - {name: b, metadata: {annotations: {a: b}}, container: {image: x}}\n", "and where there are others")
	again, _ := rendered(text)
	assert.Equal(t, text, again)
}

// TestTemplateDefaults: Argo lays the items of templates over templateDefaults, and these
// over podMetadata, so that what templateDefaults say counts in the pods.
func TestTemplateDefaults(t *testing.T) {
	const key = "traffic.sidecar.istio.io/excludeOutboundPorts"
	of := func(podMetadata, defaults, item string) string {
		return "apiVersion: argoproj.io/v1alpha1\nkind: WorkflowTemplate\nmetadata: {name: a, namespace: b}\nspec:\n  podMetadata: {" + podMetadata + "}\n  templateDefaults: {" + defaults + "}\n  templates:\n  - {name: a, " + item + "container: {image: x}}\n"
	}
	byHand := func(port string) string { return "metadata: {annotations: {" + key + ": '" + port + "'}}" }
	spec := fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte("apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n  mesh: Istio\n  global: {excludeOutboundPorts: [3306]}\n  merge: Union\n  enforcement: {mode: AnnotationsOnly}\n  limits: {forbiddenOutboundPorts: [443]}\n")})
	for _, row := range []struct {
		name, in string
		refused  bool
		has      []string
	}{
		{"none", of("", "retryStrategy: {limit: 2}", ""), false, []string{"templateDefaults: {retryStrategy: {limit: 2}}\n", "{name: a, container: {image: x}}\n", "spec.podMetadata " + key}},
		{"theirs", of("", byHand("80"), ""), false, []string{"spec.podMetadata " + key, "spec.templateDefaults.metadata " + key, "80,3306", "{name: a, container: {image: x}}\n"}},
		{"those of the item", of("", byHand("80"), byHand("81")+", "), false, []string{"spec.templates[a].metadata " + key, "81,3306"}},
		{"over those of all", of("annotations: {"+key+": '82'}", "metadata: {annotations: {c: d}}", ""), false, []string{"templateDefaults: {metadata: {annotations: {c: d}}}\n", "82,3306", "{name: a, container: {image: x}}\n"}},
		{"forbidden", of("", byHand("443"), ""), true, nil},
		{"forbidden for all", of("annotations: {"+key+": '443'}", "retryStrategy: {limit: 2}", ""), true, nil},
		{"labels of all", of("labels: {sidecar.istio.io/inject: 'false'}", "metadata: {labels: {c: d}}", ""), false, []string{of("labels: {sidecar.istio.io/inject: 'false'}", "metadata: {labels: {c: d}}", "")}},
	} {
		files, results, err := fn.Manifests(spec, []fn.Manifest{{Path: "in.yaml", Text: []byte(row.in)}}, fn.Options{})
		if row.refused {
			require.Error(t, err, row.name)
			assert.Contains(t, results.Report(), "443", row.name)
			continue
		}
		require.NoError(t, err, "%s: %s", row.name, results.Report())
		for _, has := range row.has {
			assert.Contains(t, string(files[0].Text), has, row.name)
		}
		again, _, err := fn.Manifests(spec, files, fn.Options{})
		require.NoError(t, err)
		assert.Equal(t, string(files[0].Text), string(again[0].Text), row.name)
	}
}

// TestWhatANamespaceSaysThatNobodyReads: keys of injection in a form that the mesh does
// not read there, keys of pods, and keys of krm-bypass; beside those that are read.
func TestWhatANamespaceSaysThatNobodyReads(t *testing.T) {
	for _, row := range []struct{ mesh, object, field, kind, says string }{
		{"Linkerd", "labels: {linkerd.io/inject: enabled}", `metadata.labels["linkerd.io/inject"]`, "misplaced-annotation", "only as an annotation, so it has no effect here: move it to metadata.annotations"},
		{"Linkerd", "annotations: {linkerd.io/injection: enabled}", `metadata.annotations["linkerd.io/injection"]`, "unknown-annotation", "did you mean linkerd.io/inject, in metadata.annotations?"},
		{"Istio", "annotations: {istio-injection: enabled}", "metadata.annotations.istio-injection", "misplaced-annotation", "move it to metadata.labels"},
		{"Istio", "labels: {istio-injecton: enabled}", "metadata.labels.istio-injecton", "unknown-annotation", "did you mean istio-injection, in metadata.labels?"},
		{"Istio", "labels: {istio-injection: \"true\"}", "metadata.labels.istio-injection", "unreadable-annotation", "these pods get no sidecar: write enabled or disabled"},
		{"Istio", "labels: {sidecar.istio.io/inject: \"false\"}", `metadata.labels["sidecar.istio.io/inject"]`, "misplaced-annotation", "Istio reads this only on pods"},
		{"Istio", "annotations: {sidecar.istio.io/interceptionMode: NONE}", `metadata.annotations["sidecar.istio.io/interceptionMode"]`, "misplaced-annotation", "Istio reads this annotation only in pod templates"},
		{"Kuma", "annotations: {kuma.io/sidecar-injection: enabled}", `metadata.annotations["kuma.io/sidecar-injection"]`, "misplaced-annotation", "move it to metadata.labels"},
		{"Kuma", "annotations: {kuma.io/application-probe-proxy-port: \"8080\"}", `metadata.annotations["kuma.io/application-probe-proxy-port"]`, "misplaced-annotation", "only in pod templates"},
		{"Consul", "annotations: {consul.hashicorp.com/connect-inject: \"true\"}", `metadata.annotations["consul.hashicorp.com/connect-inject"]`, "misplaced-annotation", "Consul reads this only on pods"},
		{"Consul", "annotations: {consul.hashicorp.com/transparent-proxy: \"false\"}", `metadata.annotations["consul.hashicorp.com/transparent-proxy"]`, "misplaced-annotation", "move it to metadata.labels"},
		{"OSM", "labels: {openservicemesh.io/sidecar-injection: enabled}", `metadata.labels["openservicemesh.io/sidecar-injection"]`, "misplaced-annotation", "move it to metadata.annotations"},
		{"FSM", "labels: {flomesh.io/sidecar-injection: enabled}", `metadata.labels["flomesh.io/sidecar-injection"]`, "misplaced-annotation", "move it to metadata.annotations"},
		{"Istio", "annotations: {krm-bypass.dev/skip: \"true\"}", `metadata.annotations["krm-bypass.dev/skip"]`, "unknown-annotation", "krm-bypass reads nothing under krm-bypass.dev/"},
		{"Istio", "labels: {istio-injection: enabled}", "", "", ""},
		{"Istio", "labels: {istio.io/rev: canary, istio.io/dataplane-mode: none}", "", "", ""},
		{"Istio", "labels: {istio-injection: enabled}, annotations: {istio-injection: enabled}", "", "", ""},
		{"Linkerd", "annotations: {linkerd.io/inject: ingress}, labels: {config.linkerd.io/admission-webhooks: disabled}", "", "", ""},
		{"Kuma", "labels: {kuma.io/sidecar-injection: enabled}, annotations: {kuma.io/mesh: default}", "", "", ""},
		{"Consul", "labels: {consul.hashicorp.com/transparent-proxy: \"false\"}", "", "", ""},
		{"OSM", "annotations: {openservicemesh.io/sidecar-injection: enabled}, labels: {openservicemesh.io/monitored-by: osm}", "", "", ""},
		{"FSM", "annotations: {flomesh.io/sidecar-injection: enabled}, labels: {flomesh.io/monitored-by: fsm}", "", "", ""},
	} {
		results := told(t, fmt.Sprintf(bystandersSpec, row.mesh), "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, "+row.object+"}\n")
		if row.kind == "" {
			assert.Empty(t, results, row.object)
			continue
		}
		require.Len(t, results, 1, row.object)
		assert.Equal(t, row.kind, results[0].Tags[fn.CheckTag], row.object)
		assert.Equal(t, row.field, results[0].Field.Path)
		assert.Contains(t, results[0].Message, row.says)
	}
}

// TestKeysAboveTheTemplate: one that stands with the same value in the template is of a
// tool that annotates everything, and a label there is no annotation.
func TestKeysAboveTheTemplate(t *testing.T) {
	const deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, %s}\nspec:\n  selector: {matchLabels: {a: b}}\n  template:\n    metadata: {labels: {a: b}, annotations: {traffic.sidecar.istio.io/excludeOutboundPorts: \"81\"}}\n    spec: {containers: [{name: a, image: b}]}\n"
	for above, kind := range map[string]string{
		`annotations: {traffic.sidecar.istio.io/excludeOutboundPorts: "81"}`: "",
		`labels: {traffic.sidecar.istio.io/excludeOutboundPorts: "81"}`:      "",
		`annotations: {traffic.sidecar.istio.io/excludeOutboundPorts: "82"}`: "misplaced-annotation",
		`labels: {traffic.sidecar.istio.io/excludeInboundPorts: "82"}`:       "misplaced-annotation",
	} {
		results := told(t, fmt.Sprintf(bystandersSpec, "Istio"), fmt.Sprintf(deployment, above))
		var kinds string
		for _, r := range results {
			if r.Tags[fn.CheckTag] == "misplaced-annotation" {
				kinds += r.Tags[fn.CheckTag]
			}
		}
		assert.Equal(t, kind, kinds, above)
	}
}

// TestANamespaceThatReadersTakeForDifferentThings: what kubectl makes of it may be more
// than what a limit was judged by.
func TestANamespaceThatReadersTakeForDifferentThings(t *testing.T) {
	const key = "config.linkerd.io/skip-outbound-ports"
	for metadata, says := range map[string]string{
		"  annotations:\n    " + key + ": \"1\"\n    " + key + ": \"8181\"\n":           "appears twice, on lines 10 and 11",
		"  annotations: {" + key + ": \"1\"}\n  annotations: {" + key + ": \"8181\"}\n": "appears twice",
		"  annotations:\n    " + key + ": \"1\"\n    <<: {" + key + ": \"8181\"}\n":     "is also merged in",
		"  annotations: {" + key + ": !!binary ODE4MQ==}\n":                             "expected a string",
		"  annotations: {" + key + ": 8181}\n":                                          "expected a string, but found the number 8181: put it into quotes",
		"  labels: {a: 1, b: x, b: y}\n  annotations: {c: 1, d: x, d: y}\n":             "",
	} {
		given := fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte(fmt.Sprintf(bystandersSpec, "Linkerd"))})
		_, results, err := fn.Manifests(given, []fn.Manifest{{Path: "in.yaml", Text: []byte("apiVersion: v1\nkind: Namespace\nmetadata: {name: other}\n---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n" + metadata)}}, fn.Options{})
		if says == "" {
			assert.NoError(t, err)
			assert.Empty(t, results, metadata)
			continue
		}
		assert.Error(t, err, metadata)
		require.Len(t, results, 1, metadata)
		assert.Contains(t, results[0].Message, says)
	}
	results := told(t, fmt.Sprintf(bystandersSpec, "Linkerd"), "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, annotations: {"+key+": abc}}\n")
	require.Len(t, results, 1, "once")
	assert.Equal(t, "unreadable-annotation", results[0].Tags[fn.CheckTag])
}

// TestTemplatesOfNobody: what a controller wrote, and what there was, make no pods.
func TestTemplatesOfNobody(t *testing.T) {
	const template = "{template: {spec: {containers: [{name: a, image: b}]}}}"
	spec := fmt.Sprintf(bystandersSpec, "Istio")
	assert.Empty(t, told(t, spec, "apiVersion: example.com/v1\nkind: Foo\nmetadata: {name: a}\nstatus: "+template+"\n"))
	assert.Empty(t, told(t, spec, "apiVersion: apps/v1\nkind: ControllerRevision\nmetadata: {name: a}\ndata: {spec: "+template+"}\n"))
	assert.Len(t, told(t, spec, "apiVersion: example.com/v1\nkind: Foo\nmetadata: {name: a}\nspec: "+template+"\n"), 1)
}

// TestNoKeyIsMeantByItsOpposite: include and exclude are two letters apart.
func TestNoKeyIsMeantByItsOpposite(t *testing.T) {
	for key, name := range map[string]string{
		"traffic.kuma.io/include-outbound-ports": "Kuma", "openservicemesh.io/inbound-port-inclusion-lists": "OSM",
		"consul.hashicorp.com/transparent-proxy-include-outbound-ports": "Consul",
	} {
		results := told(t, fmt.Sprintf(bystandersSpec, name), fmt.Sprintf("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}, annotations: {%s: \"81\"}}, spec: {containers: [{name: a, image: b}]}}}\n", key))
		require.NotEmpty(t, results, key)
		for _, r := range results {
			assert.NotContains(t, r.Message, "did you mean", key)
		}
	}
}

// A rule that is printed is one that the spec takes.
func TestAPrintedNamespaceRuleIsTaken(t *testing.T) {
	for _, annotation := range []string{`excludeOutboundPorts: "8181,9000"`, `includeOutboundIPRanges: "*"`, `excludeOutboundIPRanges: 10.0.0.0/8`} {
		namespace := "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, annotations: {traffic.sidecar.istio.io/" + annotation + "}}\n"
		_, results, err := rendered(t, nothingText, manifest("a.yaml", namespace))
		require.NoError(t, err)
		require.Len(t, results, 1, results.Report())
		_, rule, printed := strings.Cut(results[0].Message, "ClusterBypass: {")
		require.True(t, printed, results[0].Message)
		_, _, err = rendered(t, "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n  namespaces: [{"+rule+"]\n", manifest("a.yaml", ""))
		assert.NoError(t, err, results[0].Message)
	}
}
