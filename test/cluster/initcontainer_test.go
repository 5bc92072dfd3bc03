package cluster

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/cluster/controlplane"
)

// TestClassOfService shows what the init container's resources do to the class
// that the server gives a pod, as docs/semantics.md says it.
func TestClassOfService(t *testing.T) {
	const unequal = ", enforcement: {resources: {limits: {cpu: 50m, memory: 32Mi}, requests: {cpu: 10m, memory: 32Mi}}}"
	guaranteed := map[string]any{
		"limits":   map[string]any{"cpu": "1", "memory": "1Gi"},
		"requests": map[string]any{"cpu": "1", "memory": "1Gi"},
	}
	for _, test := range []struct {
		name         string
		resources    map[string]any
		more         string // of the specification
		alone, class string
	}{
		{"no resources", nil, "", "BestEffort", "Burstable"},
		{"limits equal to requests", guaranteed, "", "Guaranteed", "Guaranteed"},
		{"limits equal to requests, but not the init container's", guaranteed, unequal, "Guaranteed", "Burstable"},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod := workload("v1", kinds["v1 Pod"], nil)
			pod["spec"].(map[string]any)["containers"].([]any)[0].(map[string]any)["resources"] = test.resources
			manifest, err := json.Marshal(pod)
			require.NoError(t, err)
			before, err := try(t, pod)
			require.NoError(t, err)
			assert.Equal(t, test.alone, before.Object.Text("status", "qosClass"))
			spec := "{workloads: [{match: {kinds: [Pod]}, excludeInboundPorts: [7001]}]" + test.more + "}"
			after, err := try(t, manifestsOf(t, rendered(t, spec, string(manifest)))[0])
			require.NoError(t, err)
			assert.Equal(t, test.class, after.Object.Text("status", "qosClass"))
		})
	}
}

// TestPodSecurity shows which mode passes which level of the Pod Security
// Standards, by the admission plugin that enforces them.
func TestPodSecurity(t *testing.T) {
	for _, test := range []struct {
		level, mode string
		refuses     bool
	}{
		{"privileged", "InitContainer", false},
		{"baseline", "InitContainer", true},
		{"baseline", "AnnotationsOnly", false},
		{"restricted", "InitContainer", true},
		{"restricted", "AnnotationsOnly", false},
		{"restricted", "WhereNeeded", false}, // Istio's annotations can say it
	} {
		t.Run(test.level+"/"+test.mode, func(t *testing.T) {
			namespace := "level-" + test.level
			makeNamespace(t, namespace)
			_, err := server.Request(t.Context(), http.MethodPatch, "/api/v1/namespaces/"+namespace,
				controlplane.Object{"metadata": map[string]any{"labels": map[string]any{"pod-security.kubernetes.io/enforce": test.level}}})
			require.NoError(t, err)
			pod := workload("v1", kinds["v1 Pod"], nil)
			below(pod, "metadata")["namespace"] = namespace
			container := pod["spec"].(map[string]any)["containers"].([]any)[0].(map[string]any)
			container["securityContext"] = map[string]any{
				"allowPrivilegeEscalation": false, "runAsNonRoot": true,
				"capabilities": map[string]any{"drop": []any{"ALL"}}, "seccompProfile": map[string]any{"type": "RuntimeDefault"},
			}
			_, err = try(t, pod)
			require.NoError(t, err, "it passes as it goes in")
			manifest, err := json.Marshal(pod)
			require.NoError(t, err)
			spec := "{workloads: [{match: {kinds: [Pod]}, excludeInboundPorts: [7001]}], enforcement: {mode: " + test.mode + "}}"
			_, err = try(t, manifestsOf(t, rendered(t, spec, string(manifest)))[0])
			if !test.refuses {
				assert.NoError(t, err)
				return
			}
			require.Error(t, err)
			assert.True(t, strings.Contains(err.Error(), "violates PodSecurity") && strings.Contains(err.Error(), "NET_ADMIN"), "%v", err)
		})
	}
}

// TestPodSecurityBesideAnnotations shows which level refuses what gets a pod past
// its sidecar without any annotation.
func TestPodSecurityBesideAnnotations(t *testing.T) {
	container := func(security map[string]any) []any {
		return []any{map[string]any{"name": "open", "image": "open:1", "securityContext": security}}
	}
	for _, test := range []struct {
		name, field string
		value       any
		refusedBy   []string
	}{
		{"the node's network", "hostNetwork", true, []string{"baseline", "restricted"}},
		{"a privileged init container", "initContainers", container(map[string]any{"privileged": true}), []string{"baseline", "restricted"}},
		{"an init container with NET_ADMIN", "initContainers", container(map[string]any{"capabilities": map[string]any{"add": []any{"NET_ADMIN"}}}), []string{"baseline", "restricted"}},
		{"the sidecar's user", "initContainers", container(map[string]any{
			"runAsUser": 1337, "allowPrivilegeEscalation": false, "runAsNonRoot": true,
			"capabilities": map[string]any{"drop": []any{"ALL"}}, "seccompProfile": map[string]any{"type": "RuntimeDefault"},
		}), nil},
	} {
		for _, level := range []string{"privileged", "baseline", "restricted"} {
			t.Run(test.name+"/"+level, func(t *testing.T) {
				makeNamespace(t, "open-"+level)
				_, err := server.Request(t.Context(), http.MethodPatch, "/api/v1/namespaces/open-"+level,
					controlplane.Object{"metadata": map[string]any{"labels": map[string]any{"pod-security.kubernetes.io/enforce": level}}})
				require.NoError(t, err)
				pod := workload("v1", kinds["v1 Pod"], nil)
				below(pod, "metadata")["namespace"] = "open-" + level
				below(pod, "spec")["securityContext"] = map[string]any{"runAsNonRoot": true, "seccompProfile": map[string]any{"type": "RuntimeDefault"}}
				below(pod, "spec")["containers"].([]any)[0].(map[string]any)["securityContext"] = map[string]any{
					"allowPrivilegeEscalation": false, "capabilities": map[string]any{"drop": []any{"ALL"}},
				}
				_, err = try(t, pod)
				require.NoError(t, err, "it passes without")
				below(pod, "spec")[test.field] = test.value
				_, err = try(t, pod)
				if !slices.Contains(test.refusedBy, level) {
					require.NoError(t, err)
					return
				}
				require.ErrorContains(t, err, "violates PodSecurity")
			})
		}
	}
}
