package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const ambientSpec = `apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata:
  name: cluster
spec:
  enforcement: {image: init:1}
  global:
    excludeInboundPorts: [9090]
  namespaces:
  - match: {names: [shop]}
    dataPlane: Ambient
`

func ambientFolder(t *testing.T, spec string) string {
	t.Helper()
	workload := func(name, labels string) string {
		return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: " + name + ", namespace: shop}\nspec:\n  selector: {matchLabels: {app: " + name + "}}\n" +
			"  template:\n    metadata: {labels: {app: " + name + labels + "}}\n    spec: {containers: [{name: app, image: app}]}\n"
	}
	return folder(t, map[string]string{"bypass.yaml": spec, "web.yaml": workload("web", ""), "legacy.yaml": workload("legacy", ", sidecar.istio.io/inject: 'true'")})
}

// Every format says in which data plane each workload is, and by what.
func TestExplainSaysTheDataPlane(t *testing.T) {
	dir := ambientFolder(t, ambientSpec)
	at := dir + "/bypass.yaml:11"
	const legacy = `; in Sidecar by its template's label sidecar.istio.io/inject: "true"`
	for form, wants := range map[string][]string{
		"table": {"; in Ambient by [2]", "[2] " + at + " spec.namespaces[0].dataPlane", legacy[1:]},
		"wide":  {"; in Ambient by spec.namespaces[0].dataPlane " + at + "\n", legacy + "\n"},
		"csv":   {",expired,dataPlane,dataPlaneFrom\n", ",Ambient,spec.namespaces[0].dataPlane\n", `,Sidecar,"label sidecar.istio.io/inject: ""true"""` + "\n"},
		"yaml":  {"dataPlane: Ambient", "path: spec.namespaces[0].dataPlane", "dataPlane: Sidecar", `dataPlaneSign: 'label sidecar.istio.io/inject: "true"'`},
	} {
		code, out, errOut := krmBypass("", "explain", dir, "-o", form)
		require.Zero(t, code, errOut)
		if form == "table" { // which is wrapped
			out = strings.Join(strings.Fields(out), " ")
		}
		for _, want := range wants {
			assert.Contains(t, out, want, form)
		}
	}
	_, out, _ := krmBypass("", "explain", dir, "-o", "json")
	var read struct {
		Workloads []struct {
			Name, DataPlane string
			DataPlaneFrom   struct{ Scope, Path string }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(out), &read))
	require.Len(t, read.Workloads, 2)
	assert.Equal(t, "pod template spec.template.metadata", read.Workloads[0].DataPlaneFrom.Scope+" "+read.Workloads[0].DataPlaneFrom.Path)
	assert.Equal(t, "Ambient spec.namespaces[0]", read.Workloads[1].DataPlane+" "+read.Workloads[1].DataPlaneFrom.Scope)

	_, out, _ = krmBypass("", "explain", dir, "web", "--from-port", "9090")
	assert.Contains(t, out, "inbound port 9090 bypassed by excludeInboundPorts: callers in the mesh come by HBONE")
	_, out, _ = krmBypass("", "explain", dir, "legacy", "--from-port", "9090")
	assert.NotContains(t, out, "HBONE")
	_, out, _ = krmBypass("", "explain", dir, "web", "--from-port", "15008")
	assert.Contains(t, out, "left to the mesh: it is a port of ztunnel in the pod")
	_, out, _ = krmBypass("", "explain", dir, "web", "--from-port", "15090")
	assert.Contains(t, out, "intercepted", "no sidecar listens there")
	_, out, _ = krmBypass("", "explain", ambientFolder(t, strings.Replace(ambientSpec, "    dataPlane: Ambient\n", "    reason: x\n", 1)), "web", "-o", "csv")
	assert.NotContains(t, out, "dataPlane", "nobody says any")
}

// Where rules speak of data planes, what none speaks of is Sidecar by default, and what is
// left alone in none.
func TestExplainSaysTheDataPlaneOfTheOthers(t *testing.T) {
	dir := ambientFolder(t, strings.Replace(ambientSpec, "names: [shop]}", "names: [other]}", 1))
	for form, want := range map[string]string{"table": "in Sidecar by default", "wide": "; in Sidecar by default\n", "csv": ",Sidecar,default\n", "yaml": "dataPlane: Sidecar\n  dataPlaneFrom:\n    scope: default\n"} {
		_, out, _ := krmBypass("", "explain", dir, "web", "-o", form)
		assert.Contains(t, out, want, form)
	}
	_, out, _ := krmBypass("", "explain", ambientFolder(t, before(ambientSpec, "  namespaces")), "-o", "csv")
	assert.Contains(t, out, ",Sidecar,\n", "another one's template says it, and no rule")
	job := folder(t, map[string]string{"bypass.yaml": strings.Replace(ambientSpec, "Ambient", "Sidecar", 1), "web.yaml": strings.Replace(webDeployment, "labels: {", "labels: {sidecar.istio.io/inject: 'false', ", 1)})
	_, out, _ = krmBypass("", "explain", job, "-o", "wide")
	assert.Contains(t, out, "opts out of the mesh")
	assert.NotContains(t, out, "in Sidecar")
}

// A move to Ambient is told as one of enforcement, and check holds what stands to it.
func TestTheDataPlaneIsComparedAndChecked(t *testing.T) {
	before, after := ambientFolder(t, strings.Replace(ambientSpec, "Ambient", "Sidecar", 1)), ambientFolder(t, ambientSpec)
	code, out, errOut := krmBypass("", "explain", after, "--before", before)
	assert.Zero(t, code, errOut)
	assert.Contains(t, out, "web")
	assert.Contains(t, out, "pods restart (enforcement)")
	assert.Regexp(t, `\+ dataPlane +Ambient +\[1\]\n +- dataPlane +Sidecar +\[2\]`, out)
	_, csv, _ := krmBypass("", "explain", after, "--before", before, "-o", "csv")
	assert.Contains(t, csv, "added,apps/v1,Deployment,shop,web,true,dataPlane,Ambient,Ambient,spec.namespaces[0].dataPlane,")
	assert.Contains(t, csv, "removed,apps/v1,Deployment,shop,web,true,dataPlane,Sidecar,Sidecar,spec.namespaces[0].dataPlane,")
	_, same, _ := krmBypass("", "explain", before, "--before", ambientFolder(t, strings.Split(ambientSpec, "  namespaces")[0]))
	assert.Contains(t, same, "0 of 2 workloads changed", "a sidecar by default, and by a rule")
	assert.NotContains(t, out, "legacy", "which has a sidecar in both")

	code, _, errOut = krmBypass("", "render", "--in-place", before)
	require.Zero(t, code, errOut)
	code, out, _ = krmBypass("", "check", filepath.Join(before, "web.yaml"), filepath.Join(before, "legacy.yaml"), "--spec", filepath.Join(after, "bypass.yaml"))
	assert.Equal(t, 1, code)
	assert.Contains(t, out, "traffic.sidecar.istio.io/excludeInboundPorts")
	assert.Contains(t, out, "1 of 2 objects differs")
	code, out, _ = krmBypass("", "check", before)
	assert.Zero(t, code, out)
}

// Each field that no annotation says has a note of its own, and what says all of it
// shorter is told.
func TestExplainSaysWhatAmbientPodsCannotBeTold(t *testing.T) {
	dir := ambientFolder(t, strings.Replace(ambientSpec, "excludeInboundPorts: [9090]", "{excludeOutboundPorts: [3306], includeInboundPorts: []}", 1))
	_, out, _ := krmBypass("", "explain", dir, "web")
	out = strings.Join(strings.Fields(out), " ")
	for _, want := range []string{"no annotation says all of excludeOutboundPorts:", "no annotation says all of includeInboundPorts:", `which the annotation ambient.istio.io/bypass-inbound-capture: "true" in the template says too`} {
		assert.Contains(t, out, want)
	}
	_, out, _ = krmBypass("", "explain", dir, "web", "-o", "wide")
	assert.Contains(t, out, "bypass-inbound-capture")
	_, out, _ = krmBypass("", "explain", ambientFolder(t, ambientSpec), "web", "-o", "wide")
	assert.NotContains(t, out, "bypass-inbound-capture")
}
