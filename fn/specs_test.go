package fn_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/node"
)

const (
	ofIstio = `apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata: {name: istio}
spec:
  enrolment: {namespaces: [shop, idle]}
  namespaces: [{match: {names: [shop]}, excludeOutboundPorts: [3306]}]
  enforcement: {image: "example.com/init:1"}
`
	ofLinkerd = `apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata: {name: linkerd}
spec:
  mesh: Linkerd
  enrolment: {namespaces: [pay, idle]}
  namespaces: [{match: {names: [pay]}, excludeOutboundPorts: [5432]}]
  enforcement: {image: "example.com/init:1"}
`
)

// inNamespaces is a workload in each namespace.
func inNamespaces(namespaces ...string) fn.Manifest {
	var all strings.Builder
	for _, n := range namespaces {
		all.WriteString("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: " + n + "}\nspec:\n  selector: {}\n  template:\n    spec: {containers: [{name: app, image: app}]}\n---\n")
	}
	return manifest("web.yaml", all.String())
}

// oneAfterTheOther applies specs in their order.
func oneAfterTheOther(file fn.Manifest, specs ...string) (fn.Manifest, fn.Results, error) {
	var all fn.Results
	for _, spec := range specs {
		files, results, err := fn.Manifests(fn.SpecIn(manifest("bypass.yaml", spec)), []fn.Manifest{file}, fn.Options{})
		all = append(all, results...)
		if err != nil {
			return file, all, err
		}
		file = files[0]
	}
	return file, all, nil
}

// Whatever their order, two specs make the same of manifests, and each takes them
// for as they should be.
func TestTwoSpecsSideBySide(t *testing.T) {
	in := inNamespaces("shop", "pay", "idle", "other")
	one, said, err := oneAfterTheOther(in, ofIstio, ofLinkerd)
	require.NoError(t, err)
	assert.Empty(t, said.Report())
	other, said, err := oneAfterTheOther(in, ofLinkerd, ofIstio, ofLinkerd, ofIstio)
	require.NoError(t, err)
	assert.Empty(t, said.Report())
	assert.Equal(t, string(one.Text), string(other.Text))
	assert.Equal(t, 1, strings.Count(string(one.Text), `sidecar.istio.io/excludeOutboundPorts: "3306"`))
	assert.Equal(t, 1, strings.Count(string(one.Text), `config.linkerd.io/skip-outbound-ports: "4567-4568,5432"`))

	for spec, left := range map[string]string{ofIstio: "linkerd", ofLinkerd: "istio"} {
		checked, err := fn.Check(fn.SpecIn(manifest("bypass.yaml", spec)), []fn.Manifest{one}, fn.Options{}, fn.Expiry{})
		require.NoError(t, err)
		assert.True(t, checked.Passed(), "%+v", checked)
		var others []string
		for _, o := range checked.Objects {
			if o.Other != "" {
				others = append(others, o.Other)
			}
		}
		assert.Equal(t, []string{left}, others)
		assert.Empty(t, checked.Results.Report())

		x, err := fn.Explain(fn.SpecIn(manifest("bypass.yaml", spec)), []fn.Manifest{one}, fn.Options{}, "")
		require.NoError(t, err)
		var reasons []string
		for _, w := range x.Workloads {
			if strings.HasPrefix(w.Reason, "ClusterBypass ") {
				reasons = append(reasons, string(w.Outcome)+": "+w.Reason)
			}
		}
		assert.Equal(t, []string{"left alone: ClusterBypass " + left + " wrote what is here"}, reasons)

		// Where there should be no other, it is a finding.
		strict := fn.SpecIn(manifest("bypass.yaml", spec+"  lint: {other-spec: Error}\n"))
		checked, err = fn.Check(strict, []fn.Manifest{one}, fn.Options{}, fn.Expiry{})
		require.NoError(t, err)
		assert.False(t, checked.Passed())
		assert.Contains(t, checked.Results.Report(), "ClusterBypass "+left+" wrote what is here. If "+left+" is an earlier name of this one, list it in spec.formerNames. If "+left+" is gone, krm-bypass render --remove "+left+" takes away what it wrote [other-spec]")
	}
}

// Two that both write are refused in either order, with both names and nothing
// written.
func TestTwoSpecsForOneWorkload(t *testing.T) {
	both := strings.ReplaceAll(ofLinkerd, "[pay", "[shop, pay")
	for name, specs := range map[string][]string{
		"Istio first": {ofIstio, both}, "Linkerd first": {both, ofIstio},
		"of one mesh":              {ofIstio, strings.NewReplacer("mesh: Linkerd", "mesh: Istio").Replace(both)},
		"with the same settings":   {ofIstio, strings.Replace(ofIstio, "name: istio", "name: linkerd", 1)},
		"by annotations alone":     {strings.Replace(ofIstio, "{image", "{mode: AnnotationsOnly, image", 1), strings.Replace(both, "{image", "{mode: AnnotationsOnly, image", 1)},
		"where it breaks a limit":  {ofIstio, strings.Replace(both, "mesh: Linkerd", "limits: {forbiddenOutboundPorts: [3306]}", 1)},
		"one of which is nameless": {ofIstio, strings.Replace(both, "metadata: {name: linkerd}\n", "", 1)},
	} {
		t.Run(name, func(t *testing.T) {
			in := inNamespaces("shop", "pay")
			first, _, err := oneAfterTheOther(in, specs[0])
			require.NoError(t, err)
			after, said, err := oneAfterTheOther(first, specs[1])
			require.Error(t, err)
			assert.Equal(t, string(first.Text), string(after.Text))
			assert.Contains(t, said.Report(), "Deployment shop/web: metadata.annotations")
			assert.Contains(t, said.Report(), "speaks of this workload, to which ClusterBypass ")
			for _, spec := range specs {
				if strings.Contains(spec, "name: linkerd") {
					assert.Contains(t, said.Report(), "ClusterBypass linkerd")
				}
			}
			assert.Contains(t, said.Report(), "ClusterBypass istio")
			checked, err := fn.Check(fn.SpecIn(manifest("bypass.yaml", specs[1])), []fn.Manifest{first}, fn.Options{}, fn.Expiry{})
			require.NoError(t, err)
			assert.False(t, checked.Passed())
		})
	}
}

// A record proves nothing: by the name of another spec it opens nothing that the
// limits forbid, and hides nothing that the spec would write.
func TestARecordThatClaimsToBeAnotherSpecs(t *testing.T) {
	const limits = "  limits: {forbiddenOutboundPorts: [443], forbiddenInboundPorts: [8443], podAnnotations: {namespaces: []}}\n"
	spec := strings.Replace(ofIstio, "names: [shop]", "names: [elsewhere]", 1) + limits
	wrote := func(key, value string) string {
		return strings.ReplaceAll(signed(`{"v":2,"spec":"nobody","wrote":{"`+key+`":"`+node.Digest(key, value)+`"}}`), "'", "''")
	}
	text := func(record, annotations, initContainers string) fn.Manifest {
		return manifest("web.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop, annotations: {"+recordAnnotation+": '"+record+
			"'}}\nspec:\n  selector: {}\n  template:\n    metadata: {annotations: {"+annotations+"}}\n    spec: {"+initContainers+"containers: [{name: app, image: app}]}\n")
	}
	forged := wrote(outbound, "443")
	container := func(args string) string {
		return `initContainers: [{name: krm-bypass-init, image: "example.com/init:1", args: [` + args + `]}], `
	}
	for name, test := range map[string]struct {
		in   fn.Manifest
		says string
	}{
		"a port":                       {text(forged, outbound+": '443'", ""), "outbound port 443 must not bypass the sidecar"},
		"an annotation":                {text(wrote(outbound, "3306"), outbound+": '3306'", ""), "may not carry the annotation"},
		"a port that it does not hold": {text(wrote(outbound, "3306"), outbound+": '443'", ""), "outbound port 443 must not bypass the sidecar"},
		"a container":                  {text(wrote("krm-bypass-init", "x"), "", container("--exclude-inbound-ports=8443")), "inbound port 8443 must not bypass the sidecar"},
		"a container in doubt":         {text(wrote("krm-bypass-init", "x"), "", container("--exclude-inbound-ports=$(P)")), "is in doubt"},
		"another way":                  {text(wrote(outbound, "3306"), "traffic.sidecar.istio.io/excludeInterfaces: eth0", ""), "but the annotation traffic.sidecar.istio.io/excludeInterfaces lets anything bypass it"},
		"what is not its mesh's":       {text(wrote("config.linkerd.io/skip-outbound-ports", "443"), outbound+": '443'", ""), "outbound port 443 must not bypass the sidecar"},
	} {
		t.Run(name, func(t *testing.T) {
			after, said, err := oneAfterTheOther(test.in, spec)
			require.Error(t, err)
			assert.Equal(t, string(test.in.Text), string(after.Text))
			assert.Contains(t, said.Report(), test.says)
			_, said, err = oneAfterTheOther(test.in, ofIstio)
			require.Error(t, err)
			assert.Contains(t, said.Report(), "ClusterBypass istio speaks of this workload, to which ClusterBypass nobody wrote")
		})
	}
	in := text(wrote("config.linkerd.io/skip-outbound-ports", "443"), "config.linkerd.io/skip-outbound-ports: '443'", "")
	after, said, err := oneAfterTheOther(in, spec)
	require.NoError(t, err)
	assert.Equal(t, string(in.Text), string(after.Text))
	assert.Empty(t, said.Report(), "what another spec wrote for another mesh is no slip")
}

// What a golden's spec wrote goes by its name alone, whatever its mesh was, and
// leaves the same as a spec that says nothing.
func TestRemove(t *testing.T) {
	nothing := "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: nothing}\nspec: {formerNames: [cluster, bypass], podTemplates: PODS}\n"
	folders, err := filepath.Glob(goldens + "/*/*")
	require.NoError(t, err)
	removed := 0
	for _, folder := range folders {
		if !exists(folder, "spec.yaml") {
			continue
		}
		spec := fn.SpecIn(manifest("bypass.yaml", string(read(t, folder, "spec.yaml"))))
		wrote, _, err := fn.Manifests(spec, []fn.Manifest{manifest("in.yaml", string(read(t, folder, "input.yaml")))}, fn.Options{})
		if err != nil {
			continue
		}
		t.Run(folder, func(t *testing.T) {
			after, found, err := fn.Remove("cluster", spec, wrote)
			require.NoError(t, err)
			again, none, err := fn.Remove("cluster", spec, after)
			require.NoError(t, err)
			assert.Equal(t, string(after[0].Text), string(again[0].Text))
			assert.Zero(t, none.Objects["cluster"])
			removed += found.Objects["cluster"]
			if strings.Contains(string(wrote[0].Text), `"spec":"`) && found.Objects["cluster"] > 0 && !strings.Contains(string(read(t, folder, "spec.yaml")), "podTemplates") {
				taken, _, err := fn.Manifests(fn.SpecIn(manifest("bypass.yaml", strings.Replace(nothing, ", podTemplates: PODS", "", 1))), wrote, fn.Options{})
				require.NoError(t, err)
				assert.Equal(t, string(taken[0].Text), string(after[0].Text))
			}
		})
	}
	assert.Greater(t, removed, 300)
}

func TestRemoveTellsWhatStays(t *testing.T) {
	custom := "apiVersion: example.com/v1\nkind: Fleet\nmetadata: {name: web, namespace: shop}\nspec:\n  pods:\n    spec: {containers: [{name: app, image: app}]}\n"
	spec := ofIstio + "  podTemplates: [{apiVersion: example.com/v1, kind: Fleet, path: spec.pods}]\n"
	files, _, err := rendered(t, spec, manifest("fleet.yaml", custom), inNamespaces("shop", "pay"))
	require.NoError(t, err)
	files, _, err = fn.Manifests(fn.SpecIn(manifest("bypass.yaml", ofLinkerd)), files, fn.Options{})
	require.NoError(t, err)
	files[1].Text = []byte(strings.Replace(string(files[1].Text), `excludeOutboundPorts: "3306"`, `excludeOutboundPorts: "3306,443"`, 1))
	files = append(files, manifest("bypass.yaml", ofIstio))

	after, removed, err := fn.Remove("istio", nil, files)
	require.NoError(t, err)
	assert.Equal(t, map[string]int{"istio": 1, "linkerd": 1}, removed.Objects)
	assert.Equal(t, 1, removed.Stay, "the Fleet, and not the ClusterBypass")
	assert.Equal(t, `warning: bypass.yaml:1: ClusterBypass istio: this ClusterBypass is still here, and writes all of it again: remove it too
warning: fleet.yaml:1: Fleet shop/web: ClusterBypass istio wrote here, and it stays, because nothing says where the pod template of a Fleet is: give a ClusterBypass with an entry for it in spec.podTemplates with --spec
warning: web.yaml:10: Deployment shop/web: spec.template.metadata.annotations["traffic.sidecar.istio.io/excludeOutboundPorts"]: edited by hand since krm-bypass wrote it, so that it stays: remove it too, unless you mean it [hand-edited]
`, removed.Results.Report())
	assert.Equal(t, string(files[0].Text), string(after[0].Text))
	assert.Contains(t, string(after[1].Text), "3306,443")
	assert.NotContains(t, string(after[1].Text), `"spec":"istio"`)
	assert.Contains(t, string(after[1].Text), `"spec":"linkerd"`)

	after, removed, err = fn.Remove("istio", fn.SpecIn(manifest("old.yaml", spec)), files)
	require.NoError(t, err)
	assert.Equal(t, 2, removed.Objects["istio"])
	assert.Equal(t, custom, string(after[0].Text))

	_, removed, err = fn.Remove("istio", fn.SpecIn(manifest("old.yaml", "a: [")), files)
	require.ErrorIs(t, err, fn.ErrFailed)
	assert.Contains(t, removed.Results.Report(), "old.yaml")
}

func TestFormerNames(t *testing.T) {
	in, _, err := oneAfterTheOther(inNamespaces("shop"), ofIstio)
	require.NoError(t, err)
	renamed := strings.Replace(ofIstio, "name: istio", "name: mesh", 1)
	_, said, err := oneAfterTheOther(in, renamed)
	require.Error(t, err)
	assert.Contains(t, said.Report(), "If istio is an earlier name of this one, list it in spec.formerNames.")

	adopting := strings.Replace(renamed, "spec:\n", "spec:\n  formerNames: [cluster, istio]\n", 1)
	out, said, err := oneAfterTheOther(in, adopting)
	require.NoError(t, err)
	assert.Empty(t, said.Report())
	assert.Equal(t, strings.Count(string(in.Text), "3306"), strings.Count(string(out.Text), "3306"))
	assert.Contains(t, string(out.Text), `{"v":2,"spec":"mesh",`)
	again, _, err := oneAfterTheOther(out, adopting, renamed)
	require.NoError(t, err)
	assert.Equal(t, string(out.Text), string(again.Text))

	for entry, says := range map[string]string{`""`: `"" is not an earlier name`, "mesh": `"mesh" is not an earlier name`} {
		_, said, err = oneAfterTheOther(in, strings.Replace(adopting, "[cluster, istio]", "["+entry+"]", 1))
		require.Error(t, err)
		assert.Contains(t, said.Report(), "spec.formerNames[0]: "+says)
	}
}
