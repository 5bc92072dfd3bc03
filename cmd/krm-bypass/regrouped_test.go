package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestExplainKnowsRegroupedFindings has one workload of several bypass another port, so that a
// finding speaks of the others alone.
func TestExplainKnowsRegroupedFindings(t *testing.T) {
	manifests := "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: default, namespace: crm}\nspec: {mtls: {mode: STRICT}}\n"
	for _, name := range []string{"api", "queue", "sync", "web", "worker"} {
		manifests += "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: " + name + ", namespace: crm}\nspec: {selector: {matchLabels: {app: " + name + "}}, template: {metadata: {labels: {app: " + name + "}}, spec: {containers: [{name: app, image: a}]}}}\n"
	}
	const spec = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n  namespaces: [{match: {names: [crm]}, excludeInboundPorts: [9102]}]\n  enforcement: {image: registry.example.com/mesh/init:v0.1.0}\n"
	t.Chdir(folder(t, map[string]string{"crm.yaml": manifests, "bypass.yaml": spec}))
	committed(t, ".")
	more := "  workloads: [{match: {names: [queue]}, merge: Union, excludeInboundPorts: [25672]}]\n"
	require.NoError(t, os.WriteFile("bypass.yaml", []byte(spec+more), 0o600))
	code, out, errOut := krmBypass("", "explain", "crm.yaml", "--spec", "bypass.yaml", "--before", "main", "-o", "markdown")
	require.Zero(t, code, errOut)
	var told []string
	for line := range strings.Lines(out) {
		if severity, says, found := strings.Cut(line, " [strict-mtls]"); found {
			_, at, _ := strings.Cut(says, "here at ")
			at, _, _ = strings.Cut(at, ": anyone")
			told = append(told, severity+" "+at)
		}
	}
	assert.Equal(t, []string{
		"- **warning** port 9102 of Deployment crm/api, Deployment crm/sync, Deployment crm/web and 1 more",
		"- **warning, new** ports 9102, 25672 of Deployment crm/queue",
	}, told)

	_, _, errOut = krmBypass("", "explain", "crm.yaml", "--spec", "bypass.yaml", "--before", "main")
	assert.Contains(t, errOut, "warning: crm.yaml:4: PeerAuthentication crm/default: spec.mtls.mode: mTLS is not enforced where connections bypass the sidecar, here at port 9102 of ")
	assert.Contains(t, errOut, "warning, new: crm.yaml:4: PeerAuthentication crm/default: spec.mtls.mode: mTLS is not enforced where connections bypass the sidecar, here at ports 9102, 25672 of ")
	_, _, errOut = krmBypass("", "explain", "crm.yaml", "--spec", "bypass.yaml")
	assert.NotContains(t, errOut, "warning, new: ", "nothing to compare with")
}
