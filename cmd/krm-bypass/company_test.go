package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// deploymentIn is a workload in a namespace.
func deploymentIn(namespace string) string {
	return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: " + namespace + "}\nspec:\n  selector: {}\n  template:\n    spec: {containers: [{name: app, image: app}]}\n---\n"
}

// specOf is a ClusterBypass with annotations alone.
func specOf(name, says string) string {
	return "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata:\n  name: " + name + "\n  annotations: {config.kubernetes.io/local-config: \"true\", config.kubernetes.io/function: \"exec: {path: krm-bypass}\"}\nspec:\n  enforcement: {mode: AnnotationsOnly}\n" + says
}

// given is a folder to work in, with the flags for some specs in their order, and in the
// other one.
func given(t *testing.T, manifests string, specs ...string) [][]string {
	t.Helper()
	files := map[string]string{"web.yaml": manifests}
	orders := make([][]string, 2)
	for i, text := range specs {
		name := fmt.Sprintf("spec%d.yaml", i)
		files[name] = text
		orders[0] = append(orders[0], "--spec", name)
		orders[1] = append([]string{"--spec", name}, orders[1]...)
	}
	t.Chdir(folder(t, files))
	return orders
}

// TestSpecsThatClashAreToldBeforeOneIsRendered has every command say what render says,
// and tells of no value that only one of the two would write.
func TestSpecsThatClashAreToldBeforeOneIsRendered(t *testing.T) {
	one := specOf("one", "  enrolment: {namespaces: [shop]}\n  global: {excludeOutboundPorts: [3306]}\n")
	two := specOf("two", "  enrolment: {namespaces: [shop, pay]}\n  global: {excludeOutboundPorts: [8583]}\n")
	for _, specs := range given(t, deploymentIn("pay")+deploymentIn("shop"), one, two) {
		_, _, said := krmBypass("", append([]string{"render", "web.yaml"}, specs...)...)
		_, message, found := strings.Cut(strings.TrimSpace(said), `last-applied"]: `)
		require.True(t, found, said)
		for _, command := range []string{"check", "lint", "explain"} {
			code, out, errOut := krmBypass("", append([]string{command, "web.yaml"}, specs...)...)
			assert.Equal(t, 1, code, command)
			assert.Equal(t, 1, strings.Count(out+errOut, "Deployment shop/web: error: metadata.annotations[\"krm-bypass.dev/last-applied\"]: "+message)+
				strings.Count(errOut, message), command+out+errOut)
			switch command {
			case "check":
				assert.Contains(t, out, "1 of 2 objects differs from what krm-bypass writes, 1 object is refused, 0 left alone, 1 error")
				assert.Equal(t, 1, strings.Count(out, "expected "), "the one in pay is missing: %s", out)
			case "explain":
				assert.Contains(t, out, "2 workloads: 1 written, 1 refused\n2 of 2 bypass something")
			}
		}
	}
	apart := specOf("two", "  enrolment: {namespaces: [pay]}\n  global: {excludeOutboundPorts: [8583]}\n")
	for _, specs := range given(t, deploymentIn("pay")+deploymentIn("shop"), one, apart) {
		code, out, errOut := krmBypass("", append([]string{"lint", "web.yaml"}, specs...)...)
		assert.Zero(t, code)
		assert.Equal(t, "no findings\n", out+errOut)
		_, out, _ = krmBypass("", append([]string{"explain", "web.yaml"}, specs...)...)
		assert.Contains(t, out, "2 workloads: 2 written\n")
	}
}

// TestASpecWithNothingToWriteBesideOneThatWrites has the same come of both orders, and
// pass its own check.
func TestASpecWithNothingToWriteBesideOneThatWrites(t *testing.T) {
	writes := specOf("writes", "  enrolment: {namespaces: [shop]}\n  global: {excludeOutboundPorts: [3306]}\n")
	for name, says := range map[string]string{
		"everywhere": "  global: {excludeOutboundPorts: []}\n",
		"by a rule":  "  workloads: [{match: {names: [web]}, excludeOutboundPorts: []}]\n",
	} {
		t.Run(name, func(t *testing.T) {
			orders := given(t, deploymentIn("shop")+deploymentIn("other"), writes, specOf("nothing", says))
			var outs []string
			for _, specs := range orders {
				code, out, errOut := krmBypass("", append([]string{"render", "web.yaml"}, specs...)...)
				assert.Zero(t, code)
				assert.Equal(t, 1, strings.Count(errOut, "Deployment shop/web: metadata.annotations[\"krm-bypass.dev/last-applied\"]: ClusterBypass nothing speaks of this workload, to which ClusterBypass writes wrote, and what it says has no effect"), errOut)
				assert.Equal(t, 1, strings.Count(errOut, "\n"), errOut)
				outs = append(outs, out)
				for _, command := range []string{"check", "lint"} {
					_, before, _ := krmBypass("", append([]string{command, "web.yaml"}, specs...)...)
					assert.Equal(t, 1, strings.Count(before, "warning: two-specs"), before)
					code, after, _ := krmBypass(out, append([]string{command, "-"}, specs...)...)
					assert.Zero(t, code, after)
					assert.Equal(t, 1, strings.Count(after, "warning: two-specs"), after)
				}
			}
			assert.Equal(t, outs[0], outs[1])
		})
	}
	for _, specs := range given(t, deploymentIn("pay"), writes, specOf("nothing", "  global: {excludeOutboundPorts: []}\n")) {
		_, _, errOut := krmBypass("", append([]string{"render", "web.yaml"}, specs...)...)
		assert.Empty(t, errOut)
	}
}

// TestOneMeshForSpecsOfSeveral has --mesh refused where it would turn one mesh's spec
// into another's.
func TestOneMeshForSpecsOfSeveral(t *testing.T) {
	istio := specOf("istio", "  enrolment: {namespaces: [shop]}\n  global: {excludeOutboundPorts: [3306]}\n")
	linkerd := specOf("linkerd", "  mesh: Linkerd\n  enrolment: {namespaces: [pay]}\n  global: {excludeOutboundPorts: [8583]}\n")
	manifests := deploymentIn("pay") + deploymentIn("shop")
	for _, specs := range given(t, manifests, istio, linkerd) {
		for _, command := range []string{"render", "check", "lint", "explain"} {
			code, out, errOut := krmBypass("", append([]string{command, "web.yaml", "--mesh", "Istio"}, specs...)...)
			assert.NotZero(t, code, command)
			assert.Empty(t, out, command)
			assert.Contains(t, errOut, "--mesh Istio would apply to both ", command)
		}
	}
	listed := folder(t, map[string]string{"kustomization.yaml": "resources: [web.yaml]\ntransformers: [a.yaml, b.yaml]\n", "web.yaml": manifests, "a.yaml": istio, "b.yaml": linkerd})
	code, _, errOut := krmBypass("", "render", listed, "--mesh", "Linkerd")
	assert.NotZero(t, code)
	assert.Contains(t, errOut, "/b.yaml, which is for Linkerd: remove it")

	same := strings.Replace(istio, "name: istio", "name: other", 1)
	for _, specs := range given(t, manifests, istio, strings.Replace(same, "[shop]", "[pay]", 1)) {
		code, out, errOut := krmBypass("", append([]string{"render", "web.yaml", "--mesh", "Linkerd"}, specs...)...)
		assert.Zero(t, code, errOut)
		assert.Equal(t, 2, strings.Count(out, "skip-outbound-ports: "))
	}
}

// TestASpecThatIsGivenIsNoOther has other-spec find the records of specs alone that are
// not among those given.
func TestASpecThatIsGivenIsNoOther(t *testing.T) {
	one := specOf("one", "  lint: {other-spec: Error}\n  enrolment: {namespaces: [shop]}\n  global: {excludeOutboundPorts: [3306]}\n")
	two := specOf("two", "  enrolment: {namespaces: [pay]}\n  global: {excludeOutboundPorts: [8583]}\n")
	for _, specs := range given(t, deploymentIn("pay")+deploymentIn("shop"), one, two) {
		_, out, _ := krmBypass("", append([]string{"render", "web.yaml"}, specs...)...)
		code, said, _ := krmBypass(out, append([]string{"check", "-"}, specs...)...)
		assert.Zero(t, code, said)
		assert.Equal(t, "2 objects match what krm-bypass writes, 0 left alone\n", said)
		code, said, _ = krmBypass(out, "check", "-", "--spec", "spec0.yaml")
		assert.Equal(t, 1, code)
		assert.Contains(t, said, "other-spec: ")
	}
}

// TestWhatAnotherSpecWroteIsNotSaidToStand after somebody changed or removed it.
func TestWhatAnotherSpecWroteIsNotSaidToStand(t *testing.T) {
	orders := given(t, deploymentIn("pay"), specOf("ghost", "  global: {excludeOutboundPorts: [3306]}\n"), specOf("main", "  enrolment: {namespaces: [shop]}\n  global: {excludeOutboundPorts: [443]}\n"))
	_, out, _ := krmBypass("", "render", "web.yaml", orders[0][0], orders[0][1])
	for was, is := range map[string]string{`excludeOutboundPorts: "3306"`: `excludeOutboundPorts: "3306,22"`, `traffic.sidecar.istio.io/excludeOutboundPorts: "3306"`: "a: b", "image: app": "image: other"} {
		for _, command := range []string{"check", "explain"} {
			_, said, _ := krmBypass(strings.Replace(out, was, is, 1), command, "-", "--spec", "spec1.yaml")
			changed := strings.Contains(said, "what ClusterBypass ghost wrote was changed since")
			assert.Equal(t, was != "image: app", changed, said)
			assert.Equal(t, was == "image: app", strings.Contains(said, "as ClusterBypass ghost wrote it") || strings.Contains(said, "ghost wrote what is here"), said)
		}
	}
}

// TestCheckNamesPipelinesThatCanPass leaves out the spec from which another takes over,
// and compares with a build where names change behind the spec.
func TestCheckNamesPipelinesThatCanPass(t *testing.T) {
	const to = "to compare what a pipeline applies: kustomize build --enable-alpha-plugins --enable-exec "
	old := specOf("old", "  global: {excludeOutboundPorts: [3306]}\n")
	for name, test := range map[string]struct{ overlay, later, want string }{
		"a later one takes over":     {"resources: [base]\ntransformers: [new.yaml]\n", "  formerNames: [old]\n  global: {excludeOutboundPorts: [5432]}\n", to + ". | krm-bypass check - --spec new.yaml\n"},
		"two side by side":           {"resources: [base]\ntransformers: [new.yaml]\n", "  enrolment: {namespaces: [other]}\n  global: {excludeOutboundPorts: [5432]}\n", to + ". | krm-bypass check - --spec base/old.yaml\n" + to + ". | krm-bypass check - --spec new.yaml\n"},
		"a prefix":                   {"resources: [base]\nnamePrefix: prod-\n", "", to + ". | diff - <(krm-bypass render .)\n"},
		"a prefix of no consequence": {"resources: [base]\nnamePrefix: prod-\n", "all", to + ". | krm-bypass check - --spec base/old.yaml\n"},
		"nothing comes behind":       {"resources: [base]\n", "", to + ". | krm-bypass check - --spec base/old.yaml\n"},
		"a value changes behind":     {"resources: [base]\nnamePrefix: prod-\npatches: [{patch: '[{\"op\": \"remove\", \"path\": \"/spec/template/metadata/annotations\"}]', target: {kind: Deployment}}]\n", "all", to + ". | krm-bypass check - --spec base/old.yaml\n"},
	} {
		t.Run(name, func(t *testing.T) {
			first := old
			if test.later == "" {
				first = specOf("old", "  workloads: [{match: {names: [web]}, excludeOutboundPorts: [3306]}]\n")
			}
			t.Chdir(folder(t, map[string]string{
				"base/kustomization.yaml": "resources: [web.yaml]\ntransformers: [old.yaml]\n", "base/web.yaml": deploymentIn("shop"), "base/old.yaml": first,
				"kustomization.yaml": test.overlay, "new.yaml": specOf("new", strings.TrimPrefix(test.later, "all")),
			}))
			_, out, errOut := krmBypass("", "check", ".")
			assert.Empty(t, errOut)
			_, commands, _ := strings.Cut(out, "left alone")
			_, commands, _ = strings.Cut(commands, "\n")
			assert.Equal(t, test.want, commands, out)
		})
	}
}

// TestOverlaysOfTwoMeshes has the report say the same in both orders, and which mesh each
// workload is in.
func TestOverlaysOfTwoMeshes(t *testing.T) {
	t.Chdir(folder(t, map[string]string{
		"a/kustomization.yaml": "resources: [web.yaml]\ntransformers: [bypass.yaml]\n", "a/web.yaml": deploymentIn("shop"), "a/bypass.yaml": specOf("istio", "  global: {excludeOutboundPorts: [3306]}\n"),
		"b/kustomization.yaml": "resources: [web.yaml]\ntransformers: [bypass.yaml]\n", "b/web.yaml": deploymentIn("pay"), "b/bypass.yaml": specOf("linkerd", "  mesh: Linkerd\n  global: {excludeOutboundPorts: [8583]}\n"),
	}))
	type said struct {
		Mesh      string
		Workloads []struct{ Namespace, Mesh string }
	}
	explained := func(paths ...string) (r said, page string) {
		code, out, errOut := krmBypass("", append([]string{"explain", "-o", "json"}, paths...)...)
		require.Zero(t, code, errOut)
		require.NoError(t, json.Unmarshal([]byte(out), &r))
		code, page, errOut = krmBypass("", append([]string{"explain", "-o", "html"}, paths...)...)
		require.Zero(t, code, errOut)
		return r, page
	}
	for _, paths := range [][]string{{"a", "b"}, {"b", "a"}} {
		both, page := explained(paths...)
		assert.Empty(t, both.Mesh, "it is not that of all")
		meshes := map[string]string{}
		for _, w := range both.Workloads {
			meshes[w.Namespace] = w.Mesh
		}
		assert.Equal(t, map[string]string{"shop": "Istio", "pay": "Linkerd"}, meshes)
		assert.Contains(t, page, "<title>What bypasses Istio and Linkerd")
	}
	one, page := explained("b")
	assert.Equal(t, "Linkerd", one.Mesh)
	assert.Contains(t, page, "<title>What bypasses Linkerd")
}

// TestFindingsOfASpecComeByItsLines whichever of the manifests show them.
func TestFindingsOfASpecComeByItsLines(t *testing.T) {
	rule := "  - {match: {names: [%s]}, excludeOutboundPorts: [3306], expires: 2026-01-0%d}\n"
	spec := "  merge: Union\n  workloads:\n"
	for i, name := range []string{"two", "one", "none", "two", "one"} {
		spec += fmt.Sprintf(rule, name, i+1)
	}
	files := map[string]string{"bypass.yaml": specOf("one", spec)}
	for _, name := range []string{"one", "two"} {
		files[name+"/kustomization.yaml"] = "resources: [web.yaml]\n"
		files[name+"/web.yaml"] = strings.Replace(deploymentIn("shop"), "name: web", "name: "+name, 1)
	}
	t.Chdir(folder(t, files))
	for _, command := range []string{"lint", "check"} {
		var outs []string
		for _, paths := range [][]string{{"one", "two"}, {"two", "one"}} {
			_, out, _ := krmBypass("", append([]string{command, "--spec", "bypass.yaml", "--now", "2026-11-28"}, paths...)...)
			findings := regexp.MustCompile(`(?m)^bypass\.yaml:(\d+): .*`).FindAllStringSubmatch(out, -1)
			assert.Len(t, findings, 6, out)
			assert.True(t, slices.IsSortedFunc(findings, func(a, b []string) int { return strings.Compare(a[1], b[1]) }), out) // of two digits all
			outs = append(outs, fmt.Sprint(findings))
		}
		assert.Equal(t, outs[0], outs[1])
	}
}
