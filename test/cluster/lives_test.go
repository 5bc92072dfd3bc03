package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/internal/admission"
	"github.com/krm-bypass/krm-bypass/internal/transform"
	"github.com/krm-bypass/krm-bypass/test/cluster/controlplane"
)

// change asks for a change of a Deployment, as a dry run, and gives why the policy
// refuses it.
func change(t *testing.T, name string, patch controlplane.Object) string {
	t.Helper()
	_, err := server.Request(t.Context(), http.MethodPatch, "/apis/apps/v1/namespaces/default/deployments/"+name+"?dryRun=All", patch)
	return ofPolicy(t, err)
}

func onTemplate(annotations map[string]any) controlplane.Object {
	return controlplane.Object{"spec": map[string]any{"template": map[string]any{"metadata": map[string]any{"annotations": annotations}}}}
}

// replicaSets gives those that the Deployment controller made of a Deployment.
func replicaSets(t *testing.T, deployment string) []controlplane.Object {
	t.Helper()
	var owned []controlplane.Object
	for _, set := range manifestsOf(t, kubectl(t, "", "get", "replicasets", "-o", "yaml")) {
		owners, _ := set.Field("metadata", "ownerReferences").([]any)
		if len(owners) == 1 && owners[0].(map[string]any)["name"] == deployment {
			owned = append(owned, set)
		}
	}
	return owned
}

func renderedLives(t *testing.T) {
	manifest := func(spec string) string {
		object := workload("apps/v1", kinds["apps/v1 Deployment"], nil)
		below(object, "metadata")["name"] = "lives"
		text, err := json.Marshal(object)
		require.NoError(t, err)
		return rendered(t, spec, string(text))
	}
	kubectl(t, manifest(oneField), "apply", "--server-side", "-f", "-")
	defer kubectl(t, "", "delete", "deployment/lives")
	await(t, "the Deployment has a ReplicaSet", func() bool { return len(replicaSets(t, "lives")) == 1 })
	kubectl(t, manifest(oneField), "apply", "--server-side", "-f", "-")
	set := replicaSets(t, "lives")[0]
	assert.Equal(t, "7001", annotationsOf(set)[inboundPorts])
	assert.NotNil(t, recordOf(set)[recordAnnotation], "a ReplicaSet gets its Deployment's annotations, the record among them")

	kubectl(t, "", "scale", "deployment/lives", "--replicas=2")
	await(t, "the ReplicaSet is scaled", func() bool { return replicaSets(t, "lives")[0].Field("spec", "replicas") == 2 })
	kubectl(t, "", "scale", "replicaset/"+set.Text("metadata", "name"), "--replicas=1")
	kubectl(t, "", "set", "image", "deployment/lives", "case=golden:2")
	kubectl(t, "", "rollout", "restart", "deployment/lives")
	kubectl(t, manifest(twoFields), "apply", "--server-side", "--force-conflicts", "-f", "-")
	await(t, "there is a ReplicaSet for each template", func() bool { return len(replicaSets(t, "lives")) >= 2 })
	kubectl(t, "", "rollout", "undo", "deployment/lives", "--to-revision=1")
	undone := manifestsOf(t, kubectl(t, "", "get", "deployment/lives", "-o", "yaml"))[0]
	assert.Nil(t, annotationsOf(undone)[outboundPorts])
	assert.Equal(t, recordOf(set)[recordAnnotation], recordOf(undone)[recordAnnotation], "the record of then comes back too")

	assert.Contains(t, change(t, "lives", onTemplate(map[string]any{outboundPorts: "443"})),
		"carries "+outboundPorts+", which krm-bypass did not write")
	assert.Equal(t, "the pod template carries "+inboundPorts+" with another value than krm-bypass wrote: say it in the ClusterBypass and run krm-bypass on the manifest; if you did, somebody edited the object in the cluster: label the namespace "+
		admission.Exemption+"=ignore while you apply the manifest, or delete the object", change(t, "lives", onTemplate(map[string]any{inboundPorts: "443"})))
	assert.Contains(t, change(t, "lives", onTemplate(map[string]any{markerAnnotation: "v1:0123456789abcdef"})),
		"carries "+markerAnnotation+" with another value than krm-bypass wrote")
	assert.Contains(t, change(t, "lives", onTemplate(map[string]any{markerAnnotation: nil})),
		"carries "+inboundPorts+", which krm-bypass did not write")
	assert.Empty(t, change(t, "lives", onTemplate(map[string]any{inboundPorts: nil, markerAnnotation: nil})), "no bypass any more")
	assert.Empty(t, change(t, "lives", onTemplate(map[string]any{"prometheus.io/scrape": "true"})))

	// A run of a CronJob by hand.
	nightly := workload("batch/v1", kinds["batch/v1 CronJob"], nil)
	below(nightly, "metadata")["name"] = "nightly"
	text, err := json.Marshal(nightly)
	require.NoError(t, err)
	kubectl(t, rendered(t, oneField, string(text)), "apply", "-f", "-")
	defer kubectl(t, "", "delete", "cronjob/nightly")
	kubectl(t, "", "create", "job", "by-hand", "--from=cronjob/nightly")
	kubectl(t, "", "delete", "job/by-hand")
}

func legacyLives(t *testing.T) {
	object := annotated("Deployment")
	annotationsOf(object)[outboundPorts] = "3306"
	below(object, "metadata")["name"] = "legacy"
	text, err := json.Marshal(object)
	require.NoError(t, err)
	// Another has a record that does not fit it.
	copied := written(t, oneField, nil)
	below(copied, "metadata")["name"] = "copied"
	recordOf(copied)[recordAnnotation] = recordOf(written(t, twoFields, nil))[recordAnnotation]
	require.NotEmpty(t, refusal(t, copied))
	other, err := json.Marshal(copied)
	require.NoError(t, err)
	kubectl(t, "", "label", "namespace/default", admission.Exemption+"=ignore")
	await(t, "the namespace is exempt", func() bool { return refusal(t, object) == "" })
	kubectl(t, string(text)+"\n---\n"+string(other), "apply", "-f", "-")
	kubectl(t, "", "label", "namespace/default", admission.Exemption+"-")
	await(t, "the namespace is not exempt any more", func() bool { return refusal(t, annotated("Deployment")) != "" })

	await(t, "the Deployment has a ReplicaSet", func() bool { return len(replicaSets(t, "legacy")) == 1 })
	kubectl(t, "", "scale", "deployment/legacy", "--replicas=3")
	kubectl(t, "", "set", "image", "deployment/legacy", "case=golden:2")
	kubectl(t, "", "rollout", "restart", "deployment/legacy")
	kubectl(t, "", "annotate", "deployment/legacy", "team=storefront")
	kubectl(t, "", "set", "image", "deployment/copied", "case=golden:2")
	kubectl(t, "", "delete", "deployment/copied")
	kubectl(t, "", "patch", "deployment/legacy", "--subresource=status", "--type=merge", `--patch={"status":{"observedGeneration":1}}`)

	assert.Contains(t, change(t, "legacy", onTemplate(map[string]any{inboundPorts: "443,444"})),
		"carries "+inboundPorts+", which krm-bypass did not write")
	assert.Contains(t, change(t, "legacy", onTemplate(map[string]any{"flomesh.io/inbound-port-exclusion-list": "443"})),
		"carries flomesh.io/inbound-port-exclusion-list, which krm-bypass did not write")
	assert.Empty(t, change(t, "legacy", onTemplate(map[string]any{inboundPorts: nil})), "one less by hand")
	kubectl(t, rendered(t, twoFields, string(text)), "apply", "-f", "-")

	// In the foreground the garbage collector takes off the finalizer, which is
	// an update of the object itself.
	kubectl(t, "", "delete", "deployment/legacy", "--cascade=foreground", "--timeout=60s")
	_, err = server.Request(t.Context(), http.MethodGet, "/apis/apps/v1/namespaces/default/deployments/legacy", nil)
	var gone *controlplane.Refusal
	require.True(t, errors.As(err, &gone) && gone.Code == http.StatusNotFound, "%v", err)
}

// containersByHand changes our init containers by hand, and mends what was changed.
func containersByHand(t *testing.T) {
	for _, of := range []struct {
		spec string
		at   int
		name string
	}{{twoFields, 0, transform.InitName}, {forInit, 0, transform.InitName}, {forInit, 1, transform.CloseName}} {
		object := written(t, of.spec, nil)
		below(object, "metadata")["name"] = "wired"
		text, err := json.Marshal(object)
		require.NoError(t, err)
		manifest := string(text)
		kubectl(t, manifest, "apply", "-f", "-")
		with := func(container map[string]any) string {
			inits := slices.Clone(object.Field("spec", "template", "spec", "initContainers").([]any))
			one := maps.Clone(inits[of.at].(map[string]any))
			require.Equal(t, of.name, one["name"])
			maps.Copy(one, container)
			inits[of.at] = one
			return change(t, "wired", controlplane.Object{"spec": map[string]any{"template": map[string]any{"spec": map[string]any{"initContainers": inits}}}})
		}
		other := map[string]any{"args": []any{"apply", "--exclude-outbound-ip-ranges=0.0.0.0/0"}}
		refused := "the pod template runs " + of.name + " with other args or another command than krm-bypass wrote: say it in the ClusterBypass"
		assert.Contains(t, with(other), refused)
		assert.Contains(t, with(map[string]any{"args": nil}), refused)
		assert.Contains(t, with(map[string]any{"command": []any{"/bin/true"}}), refused)
		assert.Empty(t, with(map[string]any{"image": "mirror.example.com/init:v0.1.0"}), "what sets images after krm-bypass")
		kubectl(t, "", "set", "image", "deployment/wired", of.name+"=mirror.example.com/init:v0.1.0")

		// By hand before there was the policy: what krm-bypass writes is refused, too, but
		// where the message says.
		kubectl(t, "", "label", "namespace/default", admission.Exemption+"=ignore")
		await(t, "the namespace is exempt", func() bool { return with(other) == "" })
		byHand, err := json.Marshal([]any{map[string]any{"op": "replace", "path": fmt.Sprintf("/spec/template/spec/initContainers/%d/args", of.at), "value": other["args"]}})
		require.NoError(t, err)
		kubectl(t, "", "patch", "deployment/wired", "--type=json", "--patch="+string(byHand))
		kubectl(t, "", "label", "namespace/default", admission.Exemption+"-")
		await(t, "the namespace is not exempt any more", func() bool { return refusal(t, annotated("Deployment")) != "" })
		apply := func() string {
			output, err := server.Kubectl(t.Context(), manifest, "apply", "--server-side", "--force-conflicts", "-f", "-")
			require.NoError(t, err)
			return output.Stderr
		}
		said := apply()
		assert.Contains(t, said, refused)
		assert.Contains(t, said, "if you did, somebody edited the object in the cluster: label the namespace "+admission.Exemption+"=ignore while you apply the manifest, or delete the object")
		kubectl(t, "", "label", "namespace/default", admission.Exemption+"=ignore")
		await(t, "it is mended", func() bool { return apply() == "" })
		kubectl(t, "", "label", "namespace/default", admission.Exemption+"-")
		await(t, "the namespace is not exempt any more", func() bool { return refusal(t, annotated("Deployment")) != "" })
		assert.Empty(t, apply())
		assert.Contains(t, with(other), refused)

		without := change(t, "wired", controlplane.Object{"spec": map[string]any{"template": map[string]any{"spec": map[string]any{"initContainers": nil}}}})
		assert.Equal(t, of.spec == forInit, without != "", "one bypass less: %s", without)
		next := written(t, forOtherInit, nil)
		below(next, "metadata")["name"] = "wired"
		text, err = json.Marshal(next)
		require.NoError(t, err)
		kubectl(t, string(text), "apply", "--server-side", "--force-conflicts", "-f", "-")
		kubectl(t, "", "delete", "deployment/wired")
	}
}

// controlledLives has controllers at work on what they made, and hands on it.
func controlledLives(t *testing.T) {
	objectOf := func(apiVersion, kind, name string) string {
		object := workload(apiVersion, kinds[apiVersion+" "+kind], nil)
		below(object, "metadata")["name"] = name
		text, err := json.Marshal(object)
		require.NoError(t, err)
		return rendered(t, oneField, string(text))
	}
	kubectl(t, objectOf("apps/v1", "Deployment", "parent"), "apply", "-f", "-")
	await(t, "the Deployment has a ReplicaSet", func() bool { return len(replicaSets(t, "parent")) == 1 })
	set := replicaSets(t, "parent")[0].Text("metadata", "name")
	onSet := func(annotations map[string]any) string {
		_, err := server.Request(t.Context(), http.MethodPatch, "/apis/apps/v1/namespaces/default/replicasets/"+set+"?dryRun=All", onTemplate(annotations))
		return ofPolicy(t, err)
	}
	assert.Contains(t, onSet(map[string]any{inboundPorts: "443"}), "carries "+inboundPorts+" with another value than krm-bypass wrote")
	assert.Contains(t, onSet(map[string]any{outboundPorts: "443"}), "carries "+outboundPorts+", which krm-bypass did not write")
	assert.Empty(t, onSet(map[string]any{"prometheus.io/scrape": "true"}))
	kubectl(t, "", "annotate", "replicaset/"+set, "team=storefront")
	// The garbage collector takes the owner off.
	kubectl(t, "", "delete", "deployment/parent", "--cascade=orphan")
	owners := func() string {
		return kubectl(t, "", "get", "replicaset/"+set, "-o", "jsonpath={.metadata.ownerReferences}")
	}
	await(t, "the ReplicaSet is an orphan", func() bool { return owners() == "" })
	kubectl(t, "", "delete", "replicaset/"+set)

	// What is due already is run at once.
	kubectl(t, objectOf("batch/v1", "CronJob", "due"), "apply", "-f", "-")
	kubectl(t, "", "patch", "cronjob/due", "--type=merge", `--patch={"spec":{"schedule":"* * * * *"}}`)
	kubectl(t, "", "patch", "cronjob/due", "--subresource=status", "--type=merge",
		`--patch={"status":{"lastScheduleTime":"`+time.Now().Add(-10*time.Minute).UTC().Format(time.RFC3339)+`"}}`)
	pods := func() []controlplane.Object {
		return manifestsOf(t, kubectl(t, "", "get", "pods", "-l", "batch.kubernetes.io/job-name", "-o", "yaml"))
	}
	await(t, "the CronJob's Job has a Pod", func() bool { return len(pods()) > 0 })
	assert.Equal(t, "7001", pods()[0].Text("metadata", "annotations", inboundPorts))
	kubectl(t, "", "delete", "cronjob/due", "--cascade=foreground", "--timeout=60s")

	// Who makes up an owner is let past once; the garbage collector deletes what
	// names an owner that is not there.
	forged := annotated("ReplicaSet")
	below(forged, "metadata")["name"] = "forged"
	below(forged, "metadata")["ownerReferences"] = ownedBy(controlplane.Object{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "nobody", "uid": "0c5c3f4e-0000-4000-8000-000000000000"},
	})
	create(t, forged)
	await(t, "it is gone", func() bool {
		_, err := server.Request(t.Context(), http.MethodGet, "/apis/apps/v1/namespaces/default/replicasets/forged", nil)
		return refused(err, http.StatusNotFound)
	})
}

// undone goes back to revisions that keep the template alone.
func undone(t *testing.T) {
	for _, kind := range []string{"StatefulSet", "DaemonSet"} {
		name := strings.ToLower(kind) + "/back"
		object := workload("apps/v1", kinds["apps/v1 "+kind], nil)
		below(object, "metadata")["name"] = "back"
		text, err := json.Marshal(object)
		require.NoError(t, err)
		for i, spec := range []string{oneField, twoFields, twoFieldsWithoutInit} {
			kubectl(t, rendered(t, spec, string(text)), "apply", "--server-side", "--force-conflicts", "-f", "-")
			await(t, "there is a revision of it", func() bool {
				revisions := kubectl(t, "", "get", "controllerrevisions", "-o", `jsonpath={range .items[*]}{.metadata.ownerReferences[0].kind}{"\n"}{end}`)
				return strings.Count(revisions, kind) == i+1
			})
		}
		byHand := func(annotations map[string]any) string {
			_, err := server.Request(t.Context(), http.MethodPatch, "/apis/apps/v1/namespaces/default/"+strings.ToLower(kind)+"s/back?dryRun=All", onTemplate(annotations))
			return ofPolicy(t, err)
		}
		assert.Contains(t, byHand(map[string]any{inboundPorts: "443"}), "carries "+inboundPorts+" with another value than krm-bypass wrote")
		for _, revision := range []string{"1", "3", "2"} {
			kubectl(t, "", "rollout", "undo", name, "--to-revision="+revision)
			assert.Contains(t, byHand(map[string]any{inboundPorts: "443", markerAnnotation: nil}), "which krm-bypass did not write", "as it was before krm-bypass")
			back := manifestsOf(t, kubectl(t, "", "get", name, "-o", "yaml"))[0]
			assert.Equal(t, revision != "1", annotationsOf(back)[outboundPorts] != nil)
			assert.Equal(t, revision != "3", below(back, "spec", "template", "spec")["initContainers"] != nil)
			kubectl(t, "", "rollout", "restart", name)
			kubectl(t, "", "set", "image", name, "case=golden:"+revision)
			assert.Contains(t, byHand(map[string]any{inboundPorts: "443"}), "carries "+inboundPorts+" with another value than krm-bypass wrote")
		}
		// A revision that differs in args alone looks like an edit.
		kubectl(t, rendered(t, strings.TrimSuffix(twoFields, "}")+", enforcement: {backend: iptables}}", string(text)), "apply", "--server-side", "--force-conflicts", "-f", "-")
		await(t, "undoing it is refused", func() bool {
			output, err := server.Kubectl(t.Context(), "", "rollout", "undo", name)
			require.NoError(t, err)
			return strings.Contains(output.Stderr, "runs "+transform.InitName+" with other args or another command")
		})
		kubectl(t, "", "delete", name)
	}
}
