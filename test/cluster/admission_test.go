package cluster

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/internal/admission"
	known "github.com/krm-bypass/krm-bypass/internal/kinds"
	"github.com/krm-bypass/krm-bypass/internal/transform"
	"github.com/krm-bypass/krm-bypass/test/cluster/controlplane"
)

const (
	markerAnnotation = "krm-bypass.dev/policy"
	inboundPorts     = "traffic.sidecar.istio.io/excludeInboundPorts"
	outboundPorts    = "traffic.sidecar.istio.io/excludeOutboundPorts"
)

// TestAdmissionPolicy puts the policy into the cluster, with Kubernetes' own
// controllers at work beside it.
func TestAdmissionPolicy(t *testing.T) {
	stop, err := server.StartControllers(t.Context(), controllerManager,
		"validatingadmissionpolicy-status-controller", "deployment-controller", "replicaset-controller", "statefulset-controller",
		"daemonset-controller", "cronjob-controller", "job-controller", "garbage-collector-controller")
	require.NoError(t, err)
	defer stop()
	// Types are checked against those kinds that are there.
	for name, kind := range kinds {
		apiVersion, _, _ := strings.Cut(name, " ")
		prepare(t, []controlplane.Object{workload(apiVersion, kind, nil)})
	}
	policy := krmBypass(t, "schema", "--admission-policy")
	kubectl(t, policy, "apply", "--server-side", "-f", "-")
	defer func() {
		kubectl(t, policy, "delete", "-f", "-")
		await(t, "the policy is gone", func() bool { return refusal(t, annotated("Deployment")) == "" })
	}()
	await(t, "the policy is in force", func() bool { return refusal(t, annotated("Deployment")) != "" })

	t.Run("its types fit", typesFit)
	t.Run("examples pass", examplesPass)
	t.Run("goldens", goldensAsModelled)
	t.Run("every annotation by hand on every kind is refused", handWritten)
	t.Run("the same onto what is there", handWrittenUpdates)
	t.Run("templates where the kind has none", decoys)
	t.Run("what it leaves alone", leftAlone)
	t.Run("namespaces, as render has them", namespaces)
	t.Run("null where annotations were", nullAnnotations)
	t.Run("records", records)
	t.Run("large annotations pass", largeAnnotations)
	t.Run("a rendered workload lives on", renderedLives)
	t.Run("init containers by hand", containersByHand)
	t.Run("what controllers make lives on", controlledLives)
	t.Run("what was there before lives on", legacyLives)
	t.Run("an earlier revision comes back", undone)
	t.Run("several templates", severalTemplates)
	t.Run("several templates as rendered", renderedPlaces)
	t.Run("annotations over which those of templates are laid", laidOver)
	t.Run("what operators keep", operators)
	t.Run("objects with templates in many places", drawnObjects)
	t.Run("kinds that a specification adds", kindsOfSpec)
	t.Run("places that a specification adds", placesOfSpec)
	t.Run("namespaces that a specification enrols", enrolledOfSpec)
	t.Run("opting out, as the limits of a specification have it", optOutsOfSpec)
	t.Run("several specifications", severalSpecs)
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	require.Eventually(t, done, time.Minute, 50*time.Millisecond, what)
}

// refusal asks for the object to be created, as a dry run, and gives why the
// policy refuses it, "" if it does not.
func refusal(t *testing.T, object controlplane.Object) string {
	t.Helper()
	_, err := try(t, object)
	return ofPolicy(t, err)
}

// refusalOfAny gives why the server refuses the object, be it by the policy.
func refusalOfAny(t *testing.T, object controlplane.Object) string {
	t.Helper()
	if _, err := try(t, object); err != nil {
		return err.Error()
	}
	return ""
}

// ofPolicy gives the policy's words in an error, which must not be another's.
func ofPolicy(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var refused *controlplane.Refusal
	require.ErrorAs(t, err, &refused)
	_, said, denied := strings.Cut(refused.Message, "ValidatingAdmissionPolicy '"+admission.Name+"' with binding '"+admission.Name+"' denied request: ")
	require.True(t, denied, "%v", err)
	return said
}

// kind is one whose objects have one whole pod template.
type kind struct {
	Kind     string
	Template []string
	Fixed    bool
}

func kindAt(name, path string) kind { return kind{Kind: name, Template: strings.Split(path, ".")} }

// kinds are those of Kubernetes and of what stands in for a Deployment, with an API
// version in which their pod template stands where the function knows it. The others are
// in drawnObjects.
var kinds = func() map[string]kind {
	all := map[string]kind{}
	for version, names := range map[string]string{
		"v1": "ReplicationController PodTemplate Pod", "apps/v1": "Deployment StatefulSet DaemonSet ReplicaSet", "batch/v1": "Job CronJob",
		"argoproj.io/v1alpha1": "Rollout", "apps.kruise.io/v1alpha1": "CloneSet StatefulSet DaemonSet", "serving.knative.dev/v1": "Service Configuration",
	} {
		for name := range strings.FieldsSeq(names) {
			group, _, grouped := strings.Cut(version, "/")
			if !grouped {
				group = ""
			}
			k, _ := known.Find(group, name)
			one := kind{Kind: name, Fixed: k.Fixed}
			for _, step := range k.Templates[0].Path {
				one.Template = append(one.Template, step.Key)
			}
			all[version+" "+name] = one
		}
	}
	return all
}()

// workload gives the least object of a kind that has annotations on its template.
func workload(apiVersion string, kind kind, annotations map[string]any) controlplane.Object {
	object := controlplane.Object{
		"apiVersion": apiVersion, "kind": kind.Kind,
		"metadata": map[string]any{"name": "web", "namespace": "default"},
	}
	complete(object)
	maps.Copy(below(object, append(slices.Clone(kind.Template), "metadata", "annotations")...), annotations)
	return object
}

// annotated is a workload of apps/v1 that excludes an inbound port by hand.
func annotated(kind string) controlplane.Object {
	return workload("apps/v1", kinds["apps/v1 "+kind], map[string]any{inboundPorts: "443"})
}

func typesFit(t *testing.T) {
	path := "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/" + admission.Name
	var policy controlplane.Object
	await(t, "the types are checked", func() bool {
		answer, err := server.Request(t.Context(), http.MethodGet, path, nil)
		require.NoError(t, err)
		policy = answer.Object
		return policy.Field("status", "typeChecking") != nil
	})
	assert.Equal(t, policy.Field("metadata", "generation"), policy.Field("status", "observedGeneration"))
	assert.Empty(t, policy.Field("status", "typeChecking", "expressionWarnings"))
}

func examplesPass(t *testing.T) {
	for _, r := range renderings {
		t.Run(r.name, func(t *testing.T) {
			objects := manifestsOf(t, r.manifests(t, filepath.Join(repository, "examples", r.example)))
			prepare(t, objects)
			for _, object := range objects {
				if object.Text("kind") != "Namespace" {
					makeNamespace(t, cmp.Or(object.Text("metadata", "namespace"), "default"))
					assert.Empty(t, refusal(t, object), "%s %s", object.Text("kind"), object.Text("metadata", "name"))
				}
			}
		})
	}
}

// goldensAsModelled compares the policy with a model of it that parses the
// record as what it is.
func goldensAsModelled(t *testing.T) {
	folders, err := filepath.Glob(filepath.Join(repository, "testdata/golden/*/*"))
	require.NoError(t, err)
	prepare(t, allOfGoldens(t))
	var agreed, refused int
	for _, folder := range folders {
		for _, name := range []string{"input.yaml", "expected.yaml"} {
			objects, err := readManifests(filepath.Join(folder, name))
			if err != nil {
				continue // what the function refuses, or one that it gives nothing for
			}
			for _, object := range objects {
				complete(object)
				_, err := try(t, object)
				if err != nil && !strings.Contains(err.Error(), admission.Name) {
					continue // TestGoldens lists these
				}
				said := ofPolicy(t, err)
				asModelled(t, modelled(object, nil), said, "%s/%s: %s %s", folder, name, object.Text("kind"), object.Text("metadata", "name"))
				agreed++
				if said != "" {
					refused++
				}
			}
		}
	}
	t.Logf("the server takes %d workloads and other objects of the goldens as the model of the policy does, and refuses %d of them", agreed-refused, refused)
	assert.Greater(t, agreed-refused, refused)
	assert.Positive(t, refused)
}

func handWritten(t *testing.T) {
	require.NotEmpty(t, bypasses)
	refused := 0
	for name, kind := range kinds {
		apiVersion, _, _ := strings.Cut(name, " ")
		if len(kind.Template) == 0 {
			continue
		}
		plain := workload(apiVersion, kind, map[string]any{"prometheus.io/scrape": "true"})
		assert.Empty(t, refusal(t, plain), "%s without a bypass", name)
		// As YAML has it of a key without a value.
		for _, key := range [][]string{{"metadata", "annotations"}, {"metadata"}, {"spec", "initContainers"}} {
			null := workload(apiVersion, kind, map[string]any{inboundPorts: "443", markerAnnotation: "v1:0123456789abcdef"})
			recordOf(null)[recordAnnotation] = `{"v":1,"wrote":{"` + inboundPorts + `":"0","` + markerAnnotation + `":"0"},"sum":"0"}`
			below(null, append(slices.Clone(kind.Template), key[:len(key)-1]...)...)[key[len(key)-1]] = nil
			assert.NotContains(t, refusalOfAny(t, null), admission.Name, "%s with %v: null", name, key)
		}
		for _, by := range bypasses {
			said := refusal(t, workload(apiVersion, kind, map[string]any{by.key: by.value}))
			assert.Contains(t, said, "the pod template carries "+by.key+", which krm-bypass did not write", "%s with %v", name, by)
			refused++
		}
		for _, by := range passes {
			assert.Empty(t, refusal(t, workload(apiVersion, kind, map[string]any{by.key: by.value})), "%s with %v", name, by)
		}
	}
	t.Logf("the server refuses %d workloads with one annotation by hand", refused)
}

func leftAlone(t *testing.T) {
	controlled := func(by any) map[string]any {
		return map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "0c5c3f4e-0000-4000-8000-000000000000", "controller": by}
	}
	owned, unowned := annotated("ReplicaSet"), annotated("ReplicaSet")
	below(owned, "metadata")["ownerReferences"] = []any{controlled(true)}
	below(unowned, "metadata")["ownerReferences"] = []any{controlled(false)}
	assert.Empty(t, refusal(t, owned), "a ReplicaSet of a Deployment")
	assert.NotEmpty(t, refusal(t, unowned), "an owner that does not control it")

	// istio/istio cni/pkg/install and pkg/kube/inject write these onto pods.
	pod := workload("v1", kinds["v1 Pod"], map[string]any{
		inboundPorts: "15020", "traffic.sidecar.istio.io/includeInboundPorts": "*", "sidecar.istio.io/status": "{}",
	})
	assert.Empty(t, refusal(t, pod), "a pod, on which a mesh writes")
}

// nullAnnotations are no bypass, also where a custom resource had annotations
// before.
func nullAnnotations(t *testing.T) {
	const rollouts = "/apis/argoproj.io/v1alpha1/namespaces/default/rollouts"
	rollout := workload("argoproj.io/v1alpha1", kinds["argoproj.io/v1alpha1 Rollout"], map[string]any{markerAnnotation: "v1:0123456789abcdef"})
	made, err := server.Request(t.Context(), http.MethodPost, rollouts, rollout)
	require.NoError(t, err)
	defer func() {
		_, err := server.Request(t.Context(), http.MethodDelete, rollouts+"/web", nil)
		require.NoError(t, err)
	}()
	below(made.Object, "spec", "template", "metadata")["annotations"] = nil
	_, err = server.Request(t.Context(), http.MethodPut, rollouts+"/web?dryRun=All", made.Object)
	require.NoError(t, err)
}

// written gives a Deployment as krm-bypass writes it from a specification, and
// from what the user has annotated.
func written(t *testing.T, spec string, annotations map[string]any) controlplane.Object {
	t.Helper()
	manifest, err := json.Marshal(workload("apps/v1", kinds["apps/v1 Deployment"], annotations))
	require.NoError(t, err)
	return manifestsOf(t, rendered(t, spec, string(manifest)))[0]
}

// rendered is what krm-bypass render makes of a manifest.
func rendered(t *testing.T, spec, manifest string) string {
	t.Helper()
	folder := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
	write("bypass.yaml", "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: "+spec+"\n")
	write("web.yaml", manifest)
	return krmBypass(t, "render", "--spec", filepath.Join(folder, "bypass.yaml"), filepath.Join(folder, "web.yaml"), "--image", "ghcr.io/krm-bypass/init:v0.1.0")
}

func annotationsOf(object controlplane.Object) map[string]any {
	return below(object, "spec", "template", "metadata", "annotations")
}

func recordOf(object controlplane.Object) map[string]any {
	return below(object, "metadata", "annotations")
}

const (
	oneField  = "{global: {excludeInboundPorts: [7001]}}"
	twoFields = "{global: {excludeInboundPorts: [7001], excludeOutboundPorts: [3306]}}"
	forInit   = "{global: {excludeInboundPorts: [7001], forInitContainers: {excludeOutboundPorts: [443]}}}"
	noInit    = "{global: {excludeInboundPorts: [7001]}, enforcement: {mode: AnnotationsOnly}}"

	twoFieldsWithoutInit = "{global: {excludeInboundPorts: [7001], excludeOutboundPorts: [3306]}, enforcement: {mode: AnnotationsOnly}}"
	forOtherInit         = "{global: {excludeInboundPorts: [7002], forInitContainers: {excludeOutboundPorts: [444]}}}"
)

var migrate = map[string]any{"name": "migrate", "image": "migrate:1"}

func setInits(o controlplane.Object, change func([]any) []any) {
	spec := below(o, "spec", "template", "spec")
	spec["initContainers"] = change(spec["initContainers"].([]any))
}

func setLast(field string, value any) func(controlplane.Object) {
	return func(o controlplane.Object) {
		setInits(o, func(i []any) []any {
			i[len(i)-1].(map[string]any)[field] = value
			return i
		})
	}
}

// adopt writes the record of annotations that were taken over.
func adopt(o controlplane.Object, keys ...string) {
	below(o, "metadata")["annotations"] = map[string]any{recordAnnotation: `{"v":2,"spec":"cluster","wrote":{},"adopted":{"` + strings.Join(keys, `":"0123456789abcdef","`) + `":"0123456789abcdef"},"sum":"0"}`}
}

func records(t *testing.T) {
	one, two, without := written(t, oneField, nil), written(t, twoFields, nil), written(t, noInit, nil)
	tests := []struct {
		name   string
		spec   string
		by     map[string]any // what the user has annotated
		change func(controlplane.Object)
		says   string // what the policy does, "" where it lets it past
	}{
		{name: "as written", spec: oneField},
		{name: "without the init container", spec: noInit},
		{name: "the user's annotation replaced", spec: "{merge: Union, global: {excludeInboundPorts: [7001]}}", by: map[string]any{inboundPorts: "80"}},
		{name: "the user's annotation kept", spec: oneField, by: map[string]any{inboundPorts: "80"}},
		{name: "the user's annotation replaced by the same in canonical form", spec: oneField, by: map[string]any{inboundPorts: "80, 80"}},
		{name: "adopted as it stands", spec: "{}", by: map[string]any{inboundPorts: "80, 443"}, change: func(o controlplane.Object) { adopt(o, inboundPorts) }},
		{
			name: "adopted, and another by hand", spec: "{}", by: map[string]any{inboundPorts: "80", outboundPorts: "443"},
			change: func(o controlplane.Object) { adopt(o, inboundPorts) },
			says:   "carries " + outboundPorts + ", which krm-bypass did not write",
		},
		{
			name: "adopted, and a marker by hand", spec: "{}", by: map[string]any{inboundPorts: "80", markerAnnotation: "v1:b6585f4e72c44747"},
			change: func(o controlplane.Object) { adopt(o, inboundPorts) },
			says:   "carries " + inboundPorts + ", which krm-bypass did not write",
		},
		{
			name: "adopted, and taken away by hand", spec: "{}", by: map[string]any{outboundPorts: "443"},
			change: func(o controlplane.Object) { adopt(o, inboundPorts, outboundPorts) },
			says:   inboundPorts,
		},
		{
			name: "the user's text looks like a record", spec: oneField,
			by:     map[string]any{inboundPorts: "80,80", `example.com/note`: `"` + outboundPorts + `":"0123456789abcdef"`},
			change: func(o controlplane.Object) { annotationsOf(o)[outboundPorts] = "443" },
			says:   "carries " + outboundPorts + ", which krm-bypass did not write",
		},
		{
			name: "a key added by hand", spec: oneField,
			change: func(o controlplane.Object) { annotationsOf(o)[outboundPorts] = "443" },
			says:   "carries " + outboundPorts + ", which krm-bypass did not write",
		},
		{
			name: "a marker by hand and no record", spec: "{}", by: map[string]any{inboundPorts: "443", markerAnnotation: "v1:b6585f4e72c44747"},
			says: "carries " + inboundPorts + ", which krm-bypass did not write",
		},
		{
			name: "the marker taken away", spec: oneField,
			change: func(o controlplane.Object) { delete(annotationsOf(o), markerAnnotation) },
			says:   "carries " + inboundPorts + ", which krm-bypass did not write",
		},
		{
			name: "the record taken away", spec: oneField,
			change: func(o controlplane.Object) { delete(recordOf(o), recordAnnotation) },
			says:   "carries " + inboundPorts + ", which krm-bypass did not write",
		},
		{
			name: "the record on the template", spec: oneField,
			change: func(o controlplane.Object) {
				annotationsOf(o)[recordAnnotation] = recordOf(o)[recordAnnotation]
				delete(recordOf(o), recordAnnotation)
			},
			says: "carries " + inboundPorts + ", which krm-bypass did not write",
		},
		{
			name: "the record of a workload with less", spec: twoFields,
			change: func(o controlplane.Object) { recordOf(o)[recordAnnotation] = recordOf(one)[recordAnnotation] },
			says:   "carries " + outboundPorts + ", which krm-bypass did not write",
		},
		{
			name: "the record of a workload with more", spec: oneField,
			change: func(o controlplane.Object) { recordOf(o)[recordAnnotation] = recordOf(two)[recordAnnotation] },
			says:   "says that krm-bypass wrote " + outboundPorts + ", which the pod template does not carry",
		},
		{
			name: "the record of a workload without the init container", spec: oneField,
			change: func(o controlplane.Object) { recordOf(o)[recordAnnotation] = recordOf(without)[recordAnnotation] },
			says:   "disagree about the init container krm-bypass-init",
		},
		{
			name: "the record of a workload with the init container", spec: noInit,
			change: func(o controlplane.Object) { recordOf(o)[recordAnnotation] = recordOf(one)[recordAnnotation] },
			says:   "disagree about the init container krm-bypass-init",
		},
		{
			name: "the init container taken away", spec: oneField,
			change: func(o controlplane.Object) { delete(below(o, "spec", "template", "spec"), "initContainers") },
			says:   "disagree about the init container krm-bypass-init",
		},
		{
			name: "an annotation of another mesh", spec: oneField,
			change: func(o controlplane.Object) { annotationsOf(o)["config.linkerd.io/skip-inbound-ports"] = "443" },
			says:   "carries config.linkerd.io/skip-inbound-ports, which krm-bypass did not write",
		},
		{
			name: "a record of version 1", spec: oneField,
			change: func(o controlplane.Object) { recordOf(o)[recordAnnotation] = formerly(o) },
		},
		{
			name: "a record of version 1, and the init container taken away", spec: oneField,
			change: func(o controlplane.Object) {
				recordOf(o)[recordAnnotation] = formerly(o)
				delete(below(o, "spec", "template", "spec"), "initContainers")
			},
			says: "disagree about the init container krm-bypass-init",
		},
		{
			name: "a record of version 1, and a key added by hand", spec: oneField,
			change: func(o controlplane.Object) {
				recordOf(o)[recordAnnotation] = formerly(o)
				annotationsOf(o)[outboundPorts] = "443"
			},
			says: "carries " + outboundPorts + ", which krm-bypass did not write",
		},
		{
			name: "a record of a spec with a name like a record", spec: oneField,
			change: func(o controlplane.Object) {
				name, _ := json.Marshal(`{"wrote":{"` + outboundPorts + `":"0"}}`)
				recordOf(o)[recordAnnotation] = regexp.MustCompile(`"spec":"[^"]*"`).ReplaceAllLiteralString(recordOf(o)[recordAnnotation].(string), `"spec":`+string(name))
				annotationsOf(o)[outboundPorts] = "443"
			},
			says: "carries " + outboundPorts + ", which krm-bypass did not write",
		},
		{
			name: "a record of a form that there is not yet", spec: oneField,
			change: func(o controlplane.Object) {
				recordOf(o)[recordAnnotation] = strings.Replace(recordOf(o)[recordAnnotation].(string), `"v":2`, `"v":3`, 1)
			},
			says: "which krm-bypass did not write",
		},
		{
			name: "a record that does not name the marker", spec: oneField,
			change: func(o controlplane.Object) {
				text := recordOf(o)[recordAnnotation].(string)
				recordOf(o)[recordAnnotation] = regexp.MustCompile(`"`+markerAnnotation+`":"[^"]*",`).ReplaceAllString(text, "")
			},
			says: "carries " + inboundPorts + ", which krm-bypass did not write",
		},
		{name: "more for init containers", spec: forInit},
		{
			name: "an init container in between", spec: forInit,
			change: func(o controlplane.Object) {
				setInits(o, func(i []any) []any { return slices.Insert(i, 1, any(migrate)) })
			},
		},
		{
			name: "the last taken away", spec: forInit, says: "lets its application bypass",
			change: func(o controlplane.Object) { setInits(o, func(i []any) []any { return i[:1] }) },
		},
		{
			name: "one behind the last", spec: forInit, says: "lets its application bypass",
			change: func(o controlplane.Object) { setInits(o, func(i []any) []any { return append(i, migrate) }) },
		},
		{
			name: "the last in front of the first", spec: forInit, says: "lets its application bypass",
			change: func(o controlplane.Object) { setInits(o, func(i []any) []any { slices.Reverse(i); return i }) },
		},
		{name: "the last may fail", spec: forInit, says: "lets its application bypass", change: setLast("args", []any{"apply", "--on-failure", "continue"})},
		{name: "the last only shows", spec: forInit, says: "lets its application bypass", change: setLast("args", []any{"show"})},
		{name: "the last runs another program", spec: forInit, says: "lets its application bypass", change: setLast("command", []any{"/bin/true"})},
		{name: "nobody waits for the last", spec: forInit, says: "lets its application bypass", change: setLast("restartPolicy", "Always")},
		{
			name: "the last taken away where no annotation is", spec: "{global: {forInitContainers: {excludeOutboundPorts: [443]}}}", says: "lets its application bypass",
			change: func(o controlplane.Object) { setInits(o, func(i []any) []any { return i[:1] }) },
		},
		{
			name: "all taken away but the record", spec: oneField,
			change: func(o controlplane.Object) { delete(below(o, "spec", "template", "metadata"), "annotations") },
		},
		{
			name: "all taken away but the init container", spec: oneField, says: "has the init container krm-bypass-init, which krm-bypass did not write",
			change: func(o controlplane.Object) {
				delete(below(o, "spec", "template", "metadata"), "annotations")
				delete(recordOf(o), recordAnnotation)
			},
		},
		{
			name: "all taken away but the last", spec: forInit, says: "has the init container krm-bypass-close, which krm-bypass did not write",
			change: func(o controlplane.Object) {
				delete(below(o, "spec", "template", "metadata"), "annotations")
				delete(recordOf(o), recordAnnotation)
				setInits(o, func(i []any) []any { return i[1:] })
			},
		},
		{
			name: "all taken away but the init container, and a record of annotations alone", spec: oneField, says: "has the init container krm-bypass-init, which krm-bypass did not write",
			change: func(o controlplane.Object) {
				delete(below(o, "spec", "template", "metadata"), "annotations")
				recordOf(o)[recordAnnotation] = recordOf(without)[recordAnnotation]
			},
		},
		{
			name: "other args, of which nothing here has a digest", spec: oneField,
			change: setLast("args", []any{"apply", "--exclude-outbound-ip-ranges=0.0.0.0/0"}),
		},
		{
			name: "another value, of which nothing here has a digest", spec: oneField,
			change: func(o controlplane.Object) { annotationsOf(o)[inboundPorts] = "22" },
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			object := written(t, test.spec, test.by)
			if test.change != nil {
				test.change(object)
			}
			said := refusal(t, object)
			if test.says == "" {
				assert.Empty(t, said)
				return
			}
			assert.Contains(t, said, test.says)
		})
	}
}

// formerly gives the record of an object as version 1 has it, but for the sum.
func formerly(o controlplane.Object) string {
	text := regexp.MustCompile(`^\{"v":2,("spec":"[^"]*",)?`).ReplaceAllString(recordOf(o)[recordAnnotation].(string), `{"v":1,`)
	return strings.Replace(text, `"`+transform.InitName+`":`, `"`+transform.FormerInitEntry+`":`, 1)
}

// largeAnnotations hold what the API server grants an expression, in units of
// cost, against an object whose annotations are as large as it takes them.
func largeAnnotations(t *testing.T) {
	var ranges []string
	for i := range 7000 {
		ranges = append(ranges, fmt.Sprintf("10.%d.%d.0/25", i/250, i%250))
	}
	list := strings.Join(ranges, ",")
	object := written(t, "{merge: Union, global: {excludeOutboundIPRanges: [192.0.2.0/24]}, enforcement: {mode: AnnotationsOnly}}",
		map[string]any{"traffic.sidecar.istio.io/excludeOutboundIPRanges": list})
	record := recordOf(object)[recordAnnotation].(string)
	assert.Greater(t, len(record), 90_000, "the record holds what the user wrote")
	assert.Empty(t, refusal(t, object))

	recordOf(object)["example.com/filler"] = strings.Repeat("x", 256<<10-len(record)-200)
	assert.Empty(t, refusal(t, object), "as much as there may be")
	annotationsOf(object)[outboundPorts] = "443"
	assert.Contains(t, refusal(t, object), outboundPorts)

	many := workload("apps/v1", kinds["apps/v1 Deployment"], nil)
	for i := range 20_000 {
		annotationsOf(many)[fmt.Sprintf("x%d", i)] = ""
	}
	assert.Empty(t, refusal(t, many))
	annotationsOf(many)["traffic.kuma.io/of-tomorrow"] = ""
	assert.Contains(t, refusal(t, many), "traffic.kuma.io/of-tomorrow")

	config := workload("apps/v1", kinds["apps/v1 Deployment"], map[string]any{"proxy.istio.io/config": "# " + strings.Repeat("x", 32<<10)})
	assert.Empty(t, refusal(t, config))
	annotationsOf(config)["proxy.istio.io/config"] = "# " + strings.Repeat("x", 32<<10) + "\nproxyMetadata: {DRY_RUN: 'true'}"
	assert.Contains(t, refusal(t, config), "proxy.istio.io/config")
}
