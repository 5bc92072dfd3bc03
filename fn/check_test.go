package fn_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/fn"
)

const checkedSpec = `# what bypasses
apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata: {name: cluster}
spec:
  global:
    excludeOutboundPorts: [3306]
    reason: the databases are outside the mesh
    expires: 2026-12-31
  workloads:
  - match: {names: [api]}
    owner: team-a
    expires: 2026-10-31
    excludeInboundPorts: [9090]
  enforcement: {image: ghcr.io/krm-bypass/init:v0.1.0}
`

const unchecked = `# the front door
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  template:
    metadata:
      annotations:
        note: here
    spec:
      containers: []
`

func renderedBy(t *testing.T, spec string) string { return renderedOf(t, spec, unchecked) }

func renderedOf(t *testing.T, spec, text string) string {
	t.Helper()
	files, _, err := fn.Manifests(fn.SpecIn(fn.Manifest{Path: "spec.yaml", Text: []byte(spec)}), []fn.Manifest{{Path: "web.yaml", Text: []byte(text)}}, fn.Options{})
	require.NoError(t, err)
	return string(files[0].Text)
}

func check(t *testing.T, text string) *fn.Checked {
	t.Helper()
	checked, err := fn.Check(fn.SpecIn(fn.Manifest{Path: "spec.yaml", Text: []byte(checkedSpec)}), []fn.Manifest{{Path: "web.yaml", Text: []byte(text)}}, fn.Options{}, fn.Expiry{})
	require.NoError(t, err)
	return checked
}

func TestCheckSaysWhatDiffers(t *testing.T) {
	const (
		exclude   = `spec.template.metadata.annotations["traffic.sidecar.istio.io/excludeOutboundPorts"]`
		inbound   = `spec.template.metadata.annotations["traffic.sidecar.istio.io/excludeInboundPorts"]`
		policy    = `spec.template.metadata.annotations["krm-bypass.dev/policy"]`
		container = "spec.template.spec.initContainers[0]"
	)
	olderSpec := strings.Replace(checkedSpec, "[3306]", "[3306, 5432]", 1)
	older := renderedBy(t, olderSpec)
	annotated := strings.Replace(unchecked, "note: here", `traffic.sidecar.istio.io/excludeInboundPorts: "22"`, 1)
	nothing := renderedBy(t, "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nspec: {}\n")
	right := renderedBy(t, checkedSpec)
	tests := []struct {
		name, text string
		want       []string
		remedy     string
	}{
		{"as it shall be", right, nil, ""},
		{"as it shall be, formatted otherwise", strings.ReplaceAll(strings.ReplaceAll(right, "\n", "\r\n"), "# the front door", "# x"), nil, ""},
		{"the function was skipped", nothing, []string{
			"missing :11 " + exclude, "missing :11 " + policy, "missing :13 " + container,
		}, "in kustomize, build with --enable-alpha-plugins and --enable-exec"},
		{"the function was skipped, and there is an annotation", strings.Replace(unchecked, "note: here", `traffic.sidecar.istio.io/excludeOutboundPorts: "3306,3306"`, 1), []string{
			"missing :11 " + exclude, "missing :11 " + policy, "missing :13 " + container,
		}, "kustomize skips the function"},
		{"written for another spec", older, []string{
			"stale :14 " + exclude, "stale :15 " + policy, "stale :19 " + container,
		}, "render it again with krm-bypass"},
		{"a value changed by hand", strings.Replace(right, `"3306"`, `"3306,5432"`, 1), []string{
			"foreign :14 " + exclude, "stale :15 " + policy, "stale :19 " + container,
		}, "take the change back"},
		{"a value taken away by hand", strings.Replace(right, "        traffic.sidecar.istio.io/excludeOutboundPorts: \"3306\"\n", "", 1), []string{
			"missing :13 " + exclude,
		}, "in kustomize"},
		{"an annotation added by hand", strings.Replace(right, "        krm-bypass.dev/policy", "        traffic.sidecar.istio.io/excludeInboundPorts: \"22\"\n        krm-bypass.dev/policy", 1), []string{
			"foreign :15 " + inbound, "stale :16 " + policy, "stale :20 " + container,
		}, "say it in the ClusterBypass and remove the annotation, or take the change back"},
		{"two of them", strings.Replace(right, "        krm-bypass.dev/policy", "        traffic.sidecar.istio.io/excludeInboundPorts: \"22\"\n        traffic.sidecar.istio.io/includeOutboundIPRanges: \"10.0.0.0/8\"\n        krm-bypass.dev/policy", 1), []string{
			"foreign :15 " + inbound, "foreign :16 " + strings.Replace(exclude, "excludeOutboundPorts", "includeOutboundIPRanges", 1), "stale :17 " + policy, "stale :21 " + container,
		}, "say it in the ClusterBypass and remove the annotation, or take the change back"},
		{"an annotation from before", renderedOf(t, olderSpec, annotated), []string{
			"stale :14 " + exclude, "stale :15 " + policy, "stale :19 " + container,
		}, "render it again with krm-bypass"},
		{"one from before, and one added by hand", strings.Replace(renderedOf(t, checkedSpec, annotated), "        krm-bypass.dev/policy", "        traffic.sidecar.istio.io/includeOutboundIPRanges: \"10.0.0.0/8\"\n        krm-bypass.dev/policy", 1), []string{
			"foreign :15 " + strings.Replace(exclude, "excludeOutboundPorts", "includeOutboundIPRanges", 1), "stale :16 " + policy, "stale :20 " + container,
		}, "say it in the ClusterBypass and remove the annotation, or take the change back"},
		{"left over", strings.Replace(right, "namespace: shop", "namespace: kube-system", 1), []string{
			"stale :14 " + exclude, "stale :15 " + policy, "stale :19 spec.template.spec.initContainers",
		}, "render it again"},
		{"forged", strings.Replace(strings.Replace(unchecked, "namespace: shop", "namespace: kube-system", 1), "note: here", "krm-bypass.dev/policy: v1:0123", 1), []string{
			"foreign :11 " + policy,
		}, "remove it"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			checked := check(t, test.text)
			require.Len(t, checked.Objects, 1)
			o := checked.Objects[0]
			assert.Equal(t, "web.yaml", o.File)
			assert.Equal(t, fn.ResourceRef{APIVersion: "apps/v1", Kind: "Deployment", Name: "web", Namespace: o.Namespace}, o.ResourceRef)
			var got []string
			for _, d := range o.Differences {
				got = append(got, fmt.Sprintf("%s :%d %s", d.Kind, d.Line, d.Path))
				assert.NotEmpty(t, d.Message)
			}
			assert.Equal(t, test.want, got)
			assert.Contains(t, o.Remedy, test.remedy)
			assert.Equal(t, test.remedy == "", o.Remedy == "")
			assert.Equal(t, test.want == nil, checked.Passed())
		})
	}
}

// TestCheckSaysWhatTheFunctionRefuses has a container of our name without the
// record that tells that it is ours.
func TestCheckSaysWhatTheFunctionRefuses(t *testing.T) {
	checked := check(t, strings.Replace(renderedBy(t, checkedSpec), "krm-bypass.dev/last-applied", "elsewhere", 1))
	assert.False(t, checked.Passed())
	assert.Contains(t, checked.Results.Report(), "error: web.yaml:19: Deployment shop/web: spec.template.spec.initContainers[0]: there is a container named krm-bypass-init that krm-bypass did not write")
}

func TestCheckOfWhatCannotBeRead(t *testing.T) {
	for name, test := range map[string]struct{ spec, text, want string }{
		"the spec":                 {strings.Replace(checkedSpec, "3306", "99999", 1), unchecked, "error: spec.yaml:7: ClusterBypass cluster: spec.global.excludeOutboundPorts[0]: "},
		"a document of a workload": {checkedSpec, unchecked + "  broken: [\n", "error: web.yaml:14: reading the document: "},
		"a document":               {checkedSpec, unchecked + "---\na: [\n", "error: web.yaml:15: reading the document: "},
		"the workload":             {checkedSpec, strings.Replace(unchecked, "note: here", "note: 1", 1), "error: web.yaml:11: Deployment shop/web: spec.template.metadata.annotations.note: "},
	} {
		t.Run(name, func(t *testing.T) {
			checked, err := fn.Check(fn.SpecIn(fn.Manifest{Path: "spec.yaml", Text: []byte(test.spec)}), []fn.Manifest{{Path: "web.yaml", Text: []byte(test.text)}}, fn.Options{}, fn.Expiry{Today: "2026-11-25"})
			assert.False(t, checked.Passed())
			assert.Contains(t, checked.Results.Report(), test.want)
			if name != "the workload" {
				assert.ErrorIs(t, err, fn.ErrFailed)
			}
		})
	}
}

func TestCheckJudgesWhatHasExpired(t *testing.T) {
	for _, test := range []struct {
		today  v1alpha1.Date
		notice int
		want   string
	}{
		{"", 0, ""},
		{"2026-10-31", 0, "warning: spec.yaml:13: ClusterBypass cluster: spec.workloads[0].expires: expires on 2026-10-31 (owner team-a): remove the rule by then, or have its owner set a later day [expiring]\n"},
		{"2026-10-30", 0, ""},
		{"2026-11-01", 0, "error: spec.yaml:13: ClusterBypass cluster: spec.workloads[0].expires: expired on 2026-10-31 (owner team-a): remove the rule, or have its owner set a later day [expired]\n"},
		{"2026-12-17", 14, "error: spec.yaml:13: ClusterBypass cluster: spec.workloads[0].expires: expired on 2026-10-31 (owner team-a): remove the rule, or have its owner set a later day [expired]\n" +
			"warning: spec.yaml:9: ClusterBypass cluster: spec.global.expires: expires on 2026-12-31 (reason: the databases are outside the mesh): remove the rule by then, or have its owner set a later day [expiring]\n"},
	} {
		t.Run(string(test.today), func(t *testing.T) {
			spec := fn.SpecIn(fn.Manifest{Path: "spec.yaml", Text: []byte(checkedSpec)})
			checked, err := fn.Check(spec, []fn.Manifest{{Path: "web.yaml", Text: []byte(renderedBy(t, checkedSpec))}}, fn.Options{}, fn.Expiry{Today: test.today, Notice: test.notice})
			require.NoError(t, err)
			assert.Equal(t, test.want, checked.Results.Report())
			assert.Equal(t, !strings.Contains(test.want, "error"), checked.Passed())
		})
	}
}

// Without an image nothing can be written, which is no reason to call anything
// as it would be.
func TestCheckWithoutAnImage(t *testing.T) {
	spec := strings.Replace(checkedSpec, "{image: ghcr.io/krm-bypass/init:v0.1.0}", "{backend: nftables}", 1)
	checked, err := fn.Check(fn.SpecIn(fn.Manifest{Path: "spec.yaml", Text: []byte(spec)}), []fn.Manifest{{Path: "web.yaml", Text: []byte(unchecked)}}, fn.Options{}, fn.Expiry{})
	require.NoError(t, err)
	assert.Contains(t, checked.Results.Report(), "error: spec.yaml:15: ClusterBypass cluster: spec.enforcement: Deployment shop/web needs the init container")
	require.Len(t, checked.Objects, 1)
	assert.NotEmpty(t, checked.Objects[0].Differences)
}
