package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/krm-bypass/krm-bypass/internal/finding"
)

const (
	boundSpec = `apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata:
  name: cluster
  annotations:
    config.kubernetes.io/local-config: "true"
    config.kubernetes.io/function: "exec: {path: krm-bypass}"
spec:
  enforcement: {image: "example.com/init:1"}
  global: {excludeOutboundPorts: [3306]}
  namespaces: [{match: {names: [eu]}, excludeInboundPorts: [9102]}]
  limits: {forbiddenOutboundPorts: [443], forbiddenNamespaces: [closed], podAnnotations: {namespaces: []}}
`
	// patched is a patch of the template's annotations, and of another thing.
	patched = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {template: {metadata: {annotations: {%s}}}}\n"
	ports   = `traffic.sidecar.istio.io/excludeOutboundPorts`
)

// inOneOf is a spec of one namespace, named after it.
func inOneOf(namespace, plane string) string {
	return strings.NewReplacer("name: cluster", "name: "+namespace, "global: {", "enrolment: {namespaces: ["+namespace+"]}\n  global: {dataPlane: "+plane+", ").Replace(before(boundSpec, "  namespaces"))
}

func patchOf(annotation string) string { return strings.Replace(patched, "%s", annotation, 1) }

// Each case is built over a base that lists the spec; what is said of the object
// that comes out stands beside it.
func TestWhatAKustomizationMakesOfWhatWasWritten(t *testing.T) {
	jsonPatch := func(op string) string {
		return "resources: [../base]\npatches: [{target: {kind: Deployment}, patch: '[" + op + "]'}]\n"
	}
	in := "/spec/template/metadata/annotations/traffic.sidecar.istio.io~1excludeOutboundPorts"
	byName := strings.Replace(before(boundSpec, "  namespaces"), "excludeOutboundPorts: [3306]", "excludeInboundPorts: [metrics]", 1)
	withPort := strings.Replace(webDeployment, `"web:1"`, `"web:1", ports: [{name: metrics, containerPort: 9090}]`, 1)
	for name, test := range map[string]struct {
		files map[string]string
		fails bool
		says  []string // in this order; nothing else is said
	}{
		"a patch in an overlay": {map[string]string{"kustomization.yaml": "resources: [../base]\npatches: [{path: p.yaml}]\n", "p.yaml": patchOf(ports + `: "443"`)}, true,
			[]string{"outbound port 443 must not bypass the sidecar (spec.limits.forbiddenOutboundPorts)", "may not carry the annotation", `it wrote "3306", and here is "443"`}},
		"a PatchTransformer behind the spec": {map[string]string{"kustomization.yaml": "resources: [web.yaml]\ntransformers: [bypass.yaml, pt.yaml]\n", "bypass.yaml": boundSpec, "web.yaml": webDeployment,
			"pt.yaml": "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: pt}\npatch: '" + strings.ReplaceAll(strings.TrimSpace(patchOf(ports+`: "443"`)), "\n", "\n\n  ") + "'\n"}, true,
			[]string{"outbound port 443 must not", "may not carry", `it wrote "3306", and here is "443"`}},
		"a JSON patch": {map[string]string{"kustomization.yaml": jsonPatch(`{"op": "replace", "path": "` + in + `", "value": "443"}`)}, true,
			[]string{"outbound port 443 must not", "may not carry", `it wrote "3306", and here is "443"`}},
		"a JSON patch of the record too": {map[string]string{"kustomization.yaml": jsonPatch(`{"op": "replace", "path": "` + in + `", "value": "443"}, {"op": "remove", "path": "/metadata/annotations"}`)}, true,
			[]string{"outbound port 443 must not", "may not carry", "it wrote the record of what it wrote, and here is nothing", `it wrote "3306", and here is "443"`}},
		"commonAnnotations": {map[string]string{"kustomization.yaml": "resources: [../base]\ncommonAnnotations: {" + ports + `: "8443"}` + "\n"}, true,
			[]string{"may not carry", `it wrote "3306", and here is "8443"`}},
		"replacements": {map[string]string{"kustomization.yaml": "resources: [../base, cm.yaml]\nreplacements:\n- source: {kind: ConfigMap, name: cm, fieldPath: data.p}\n  targets: [{select: {kind: Deployment}, fieldPaths: ['spec.template.metadata.annotations.[" + ports + "]']}]\n",
			"cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm, namespace: shop}\ndata: {p: \"443\"}\n"}, true,
			[]string{"outbound port 443 must not", "may not carry", `it wrote "3306", and here is "443"`}},
		"a component": {map[string]string{"kustomization.yaml": "resources: [../base]\ncomponents: [c]\n", "c/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches: [{path: p.yaml}]\n", "c/p.yaml": patchOf(ports + `: "443"`)}, true,
			[]string{"outbound port 443 must not", "may not carry", `it wrote "3306", and here is "443"`}},
		"an argument of the init container": {map[string]string{"kustomization.yaml": jsonPatch(`{"op": "add", "path": "/spec/template/spec/initContainers/0/args/-", "value": "--exclude-outbound-ports=443"}`)}, true,
			[]string{"outbound port 443 must not bypass the sidecar (spec.limits.forbiddenOutboundPorts), but would by the arguments of the container krm-bypass-init: remove it where it is set, behind the ClusterBypass", `it wrote ["--exclude-outbound-ports=3306"], and here is ["--exclude-outbound-ports=3306", "--exclude-outbound-ports=443"]`}},
		"an object that the spec did not see": {map[string]string{"kustomization.yaml": "resources: [../base, api.yaml]\n", "api.yaml": strings.NewReplacer("name: web,", "name: api,", "labels:", "annotations: {"+ports+`: "443"}, labels:`).Replace(webDeployment)}, true,
			[]string{"Deployment shop/api: spec.template.metadata.annotations[\"traffic.sidecar.istio.io/excludeOutboundPorts\"]: outbound port 443 must not", "may not carry"}},
		"a namespace in which nothing may bypass": {map[string]string{"kustomization.yaml": "namespace: closed\nresources: [../base]\n"}, true,
			[]string{"nothing may bypass the sidecar in namespace closed", "nothing may bypass the sidecar in namespace closed"}},
		"ranges that are too wide together": {map[string]string{"kustomization.yaml": "resources: [../base]\npatches: [{path: p.yaml}]\n", "p.yaml": patchOf("traffic.sidecar.istio.io/excludeOutboundIPRanges: 10.1.0.0/16"),
			"../base/bypass.yaml": strings.NewReplacer("excludeOutboundPorts: [3306]", "excludeOutbound: [{ipRanges: [10.0.0.0/16], ports: [5432]}]", "forbiddenOutboundPorts: [443], ", "", "podAnnotations: {namespaces: []}", "widestPrefix: {ipv4: 16}").Replace(boundSpec)}, true,
			[]string{"10.0.0.0/15 must not bypass the sidecar (spec.limits.widestPrefix.ipv4), but would by the init container krm-bypass-init.excludeOutbound and the annotation traffic.sidecar.istio.io/excludeOutboundIPRanges", "added after"}},
		"ranges that are not too wide together": {map[string]string{"kustomization.yaml": "resources: [../base]\npatches: [{path: p.yaml}]\n", "p.yaml": patchOf("traffic.sidecar.istio.io/excludeOutboundIPRanges: 10.2.0.0/16"),
			"../base/bypass.yaml": strings.NewReplacer("excludeOutboundPorts: [3306]", "excludeOutbound: [{ipRanges: [10.0.0.0/16], ports: [5432]}]", "forbiddenOutboundPorts: [443], ", "", "podAnnotations: {namespaces: []}", "widestPrefix: {ipv4: 16}").Replace(boundSpec)}, false, []string{"added after"}},
		"a variable in an argument": {map[string]string{"kustomization.yaml": jsonPatch(`{"op": "add", "path": "/spec/template/spec/initContainers/0/args/-", "value": "--exclude-outbound-ports=$(P)"}`)}, true,
			[]string{"what the container krm-bypass-init lets bypass is in doubt, since it has a variable in its arguments", "and here is"}},
		"a command": {map[string]string{"kustomization.yaml": jsonPatch(`{"op": "add", "path": "/spec/template/spec/initContainers/0/command", "value": ["/krm-bypass-init"]}`)}, true,
			[]string{"what the container krm-bypass-init lets bypass is in doubt, since it has a command", "it wrote nothing"}},
		"what to do about a patch": {map[string]string{"kustomization.yaml": "resources: [../base]\npatches: [{path: p.yaml}]\n", "p.yaml": patchOf(ports + `: "443"`), "../base/bypass.yaml": strings.Replace(boundSpec, ", podAnnotations: {namespaces: []}", "", 1)}, true,
			[]string{"but would by the annotation traffic.sidecar.istio.io/excludeOutboundPorts: remove it where it is set, behind the ClusterBypass, as in a patch", "and here is"}},
		"another name and another argument": {map[string]string{"kustomization.yaml": jsonPatch(`{"op": "replace", "path": "/spec/template/spec/initContainers/0/name", "value": "x"}, {"op": "add", "path": "/spec/template/spec/initContainers/0/args/-", "value": "--exclude-outbound-ports=443"}`)}, true,
			[]string{"outbound port 443 must not bypass the sidecar (spec.limits.forbiddenOutboundPorts), but would by the arguments of the container x", "it wrote the container krm-bypass-init, and here is nothing"}},
		"a privileged container": {map[string]string{"kustomization.yaml": jsonPatch(`{"op": "add", "path": "/spec/template/spec/containers/0/securityContext", "value": {"privileged": true}}`)}, false,
			[]string{"spec.template.spec.containers[0].securityContext.privileged: privileged: true lets this container change the rules"}},
		"a privileged init container": {map[string]string{"kustomization.yaml": jsonPatch(`{"op": "replace", "path": "/spec/template/spec/initContainers/0/securityContext/privileged", "value": true}`)}, false,
			[]string{"it wrote the boolean false, and here is the boolean true", "privileged: true lets this container change the rules"}},
		"a privileged container, refused": {map[string]string{"kustomization.yaml": jsonPatch(`{"op": "add", "path": "/spec/template/spec/containers/0/securityContext", "value": {"privileged": true}}`),
			"../base/bypass.yaml": boundSpec + "  lint: {pod-privilege: Error}\n"}, true, []string{"Deployment shop/web: spec.template.spec.containers[0].securityContext.privileged"}},
		"the host's network": {map[string]string{"kustomization.yaml": jsonPatch(`{"op": "add", "path": "/spec/template/spec/hostNetwork", "value": true}`)}, false,
			[]string{"the init container krm-bypass-init fails in the host's network, so that no pod starts"}},
		"its image, without the digest": {map[string]string{"kustomization.yaml": "resources: [../base]\nimages: [{name: example.com/init, newName: other, newTag: \"2\"}]\n",
			"../base/bypass.yaml": strings.Replace(boundSpec, `{image: "example.com/init:1"}`, `{image: "example.com/init@sha256:`+strings.Repeat("0", 64)+`", requireDigest: true}`, 1)}, true,
			[]string{`"other:2" has no digest, but spec.enforcement.requireDigest is true`, `and here is "other:2"`}},
		"its image, with a digest": {map[string]string{"kustomization.yaml": "resources: [../base]\nimages: [{name: example.com/init, newName: other, digest: sha256:" + strings.Repeat("1", 64) + "}]\n",
			"../base/bypass.yaml": strings.Replace(boundSpec, `{image: "example.com/init:1"}`, `{image: "example.com/init@sha256:`+strings.Repeat("0", 64)+`", requireDigest: true}`, 1)}, false,
			[]string{"and here is \"other@sha256:1111"}},
		"a privileged container that has been told of": {map[string]string{"kustomization.yaml": "resources: [../base]\nlabels: [{pairs: {team: a}}]\n", "../base/web.yaml": strings.Replace(webDeployment, `"web:1"`, `"web:1", securityContext: {privileged: true}`, 1)}, false,
			[]string{"privileged: true lets this container"}},
		"a container of our name that the spec did not see": {map[string]string{"kustomization.yaml": "resources: [../base, api.yaml]\n", "api.yaml": strings.NewReplacer("metadata: {name: web,", "metadata: {name: api,", "[{name: web,", "[{name: krm-bypass-init,").Replace(webDeployment)}, false,
			[]string{"Deployment shop/api: spec.template.spec.containers[0]: there is a container named krm-bypass-init that krm-bypass did not write: remove it or rename it; set its image and resources in spec.enforcement [foreign-container]"}},
		"no init container": {map[string]string{"kustomization.yaml": jsonPatch(`{"op": "remove", "path": "/spec/template/spec/initContainers"}`)}, false,
			[]string{"it wrote the container krm-bypass-init, and here is nothing"}},
		"no NET_ADMIN": {map[string]string{"kustomization.yaml": jsonPatch(`{"op": "remove", "path": "/spec/template/spec/initContainers/0/securityContext/capabilities/add"}`)}, false,
			[]string{`initContainers[0].securityContext.capabilities.add: changed after krm-bypass wrote it: it wrote ["NET_ADMIN"], and here is nothing`}},
		"what an API server fills in": {map[string]string{"kustomization.yaml": jsonPatch(`{"op": "add", "path": "/spec/template/spec/initContainers/0/terminationMessagePolicy", "value": "File"}, {"op": "replace", "path": "/spec/template/spec/initContainers/0/resources/limits/cpu", "value": "0.05"}`)}, false, nil},
		"another value there": {map[string]string{"kustomization.yaml": jsonPatch(`{"op": "add", "path": "/spec/template/spec/initContainers/0/terminationMessagePolicy", "value": "FallbackToLogsOnError"}`)}, false,
			[]string{`initContainers[0].terminationMessagePolicy: changed after krm-bypass wrote it: it wrote nothing, and here is "FallbackToLogsOnError"`}},
		"another in front of it": {map[string]string{"kustomization.yaml": jsonPatch(`{"op": "add", "path": "/spec/template/spec/initContainers/0", "value": {"name": "first", "image": "first:1"}}`)}, false,
			[]string{"it wrote the container krm-bypass-init, and here is the container first"}},
		"its image": {map[string]string{"kustomization.yaml": "resources: [../base]\nimages: [{name: example.com/init, newTag: \"2\"}]\n"}, false,
			[]string{`it wrote "example.com/init:1", and here is "example.com/init:2"`}},
		"everything that was written": {map[string]string{"kustomization.yaml": jsonPatch(`{"op": "remove", "path": "/metadata/annotations"}, {"op": "remove", "path": "/spec/template/metadata/annotations"}, {"op": "remove", "path": "/spec/template/spec/initContainers"}`)}, false,
			[]string{"it wrote the record of what it wrote, and here is nothing", "krm-bypass.dev/policy", `it wrote "3306", and here is nothing`, "it wrote the container krm-bypass-init, and here is nothing"}},
		"everything that was written to one of two": {map[string]string{"kustomization.yaml": strings.Replace(jsonPatch(`{"op": "remove", "path": "/metadata/annotations"}, {"op": "remove", "path": "/spec/template/metadata/annotations"}, {"op": "remove", "path": "/spec/template/spec/initContainers"}`), "{kind: Deployment}", "{name: web}", 1),
			"../base/api.yaml": strings.Replace(webDeployment, "name: web,", "name: api,", 1), "../base/kustomization.yaml": "resources: [web.yaml, api.yaml]\ntransformers: [bypass.yaml]\n"}, false,
			[]string{"shop/web: metadata.annotations[\"krm-bypass.dev/last-applied\"]: changed", "krm-bypass.dev/policy", `it wrote "3306", and here is nothing`, "it wrote the container krm-bypass-init, and here is nothing"}},
		"an annotation that is gone": {map[string]string{"kustomization.yaml": jsonPatch(`{"op": "remove", "path": "` + in + `"}`)}, false,
			[]string{`it wrote "3306", and here is nothing`}},

		"the port of a name": {map[string]string{"kustomization.yaml": jsonPatch(`{"op": "replace", "path": "/spec/template/spec/containers/0/ports/0/containerPort", "value": 9999}`), "../base/bypass.yaml": byName, "../base/web.yaml": withPort}, false,
			[]string{`Deployment shop/web: spec.template.spec.containers: changed after krm-bypass wrote to this workload: the container port named metrics (spec.global.excludeInboundPorts[0]) was 9090 then, and is 9999 now: list the ClusterBypass behind`}},
		"the name of a port": {map[string]string{"kustomization.yaml": jsonPatch(`{"op": "replace", "path": "/spec/template/spec/containers/0/ports/0/name", "value": "other"}`), "../base/bypass.yaml": byName, "../base/web.yaml": withPort}, false,
			[]string{"was 9090 then, and is none now"}},
		"a port of the name in a sidecar, beside what another rule wrote": {map[string]string{"kustomization.yaml": jsonPatch(`{"op": "add", "path": "/spec/template/spec/containers/-", "value": {"name": "m", "image": "m", "ports": [{"name": "metrics", "containerPort": 9090}]}}`),
			"../base/bypass.yaml": strings.Replace(byName, "global: {", "global: {excludeOutboundPorts: [3306], ", 1)}, false,
			[]string{"was none then, and is 9090 now"}},
		"a port of another name": {map[string]string{"kustomization.yaml": jsonPatch(`{"op": "add", "path": "/spec/template/spec/containers/0/ports/-", "value": {"name": "other", "containerPort": 9999}}`), "../base/bypass.yaml": byName, "../base/web.yaml": withPort}, false, nil},
		"the port of a name that a rule for the workload clears": {map[string]string{"kustomization.yaml": jsonPatch(`{"op": "replace", "path": "/spec/template/spec/containers/0/ports/0/containerPort", "value": 9999}`),
			"../base/bypass.yaml": byName + "  workloads: [{match: {names: [web]}, excludeInboundPorts: [7001]}]\n", "../base/web.yaml": withPort}, false, nil},
		"another traffic annotation": {map[string]string{"kustomization.yaml": "resources: [../base]\npatches: [{path: p.yaml}]\n", "p.yaml": patchOf(`traffic.sidecar.istio.io/excludeInboundPorts: "9"`), "../base/bypass.yaml": before(boundSpec, "  limits")}, false,
			[]string{`annotations["traffic.sidecar.istio.io/excludeInboundPorts"]: added after krm-bypass wrote to this workload`}},
		"an opt-out": {map[string]string{"kustomization.yaml": "resources: [../base]\npatches: [{path: p.yaml}]\n", "p.yaml": patchOf(`sidecar.istio.io/inject: "false"`)}, false,
			[]string{`spec.template.metadata: changed after krm-bypass wrote to this workload, which it would leave alone now: its template's annotation sidecar.istio.io/inject: "false" opts out of the mesh`}},
		"an opt-out that it had": {map[string]string{"kustomization.yaml": "resources: [../base]\nlabels: [{pairs: {team: a}}]\n", "../base/web.yaml": strings.Replace(webDeployment, "labels:", `annotations: {sidecar.istio.io/inject: "false"}, labels:`, 1)}, false, nil},
		"other changes": {map[string]string{"kustomization.yaml": "resources: [../base]\nnamePrefix: my-\nnameSuffix: -v2\nlabels: [{pairs: {team: a}, includeTemplates: true}]\ncommonAnnotations: {note: x}\nimages: [{name: web, newTag: \"2\"}]\nreplicas: [{name: web, count: 3}]\npatches: [{path: p.yaml}]\n",
			"p.yaml": patchOf(`other: "443"`)}, false, nil},
		"a new object by the name that another had": {map[string]string{"kustomization.yaml": "resources: [../pre, web.yaml]\n", "web.yaml": webDeployment,
			"../pre/kustomization.yaml": "namePrefix: x-\nresources: [../base]\n"}, false, nil},
		"a new object by the name that another had in its namespace": {map[string]string{"kustomization.yaml": "resources: [../pre, web.yaml]\n", "web.yaml": webDeployment,
			"../pre/kustomization.yaml": "namespace: eu\nresources: [../base]\n"}, false, nil},
		"another namespace":              {map[string]string{"kustomization.yaml": "namespace: eu\nresources: [../base]\n"}, false, nil},
		"the spec once more, at the end": {map[string]string{"kustomization.yaml": "namespace: eu\nresources: [../base]\ntransformers: [bypass.yaml]\n", "bypass.yaml": boundSpec}, false, nil},
		"the spec once more, where it takes it away": {map[string]string{"kustomization.yaml": "namespace: eu\nresources: [../base]\ntransformers: [bypass.yaml]\n",
			"bypass.yaml": boundSpec + "  enrolment: {namespaces: [shop]}\n", "../base/bypass.yaml": boundSpec + "  enrolment: {namespaces: [shop]}\n"}, false, nil},
		"a base of another mesh": {map[string]string{"kustomization.yaml": "resources: [../base, other]\n", "other/kustomization.yaml": "resources: [web.yaml]\ntransformers: [bypass.yaml]\n", "other/web.yaml": strings.Replace(webDeployment, "shop", "linked", 1),
			"other/bypass.yaml": strings.NewReplacer("name: cluster", "name: other", "spec:\n", "spec:\n  mesh: Linkerd\n  enrolment: {namespaces: [linked]}\n").Replace(boundSpec)}, false, nil},
		"a base of another spec with the same settings": {map[string]string{"kustomization.yaml": "resources: [../base, other]\n", "../base/bypass.yaml": inOneOf("shop", "Ambient"), "other/bypass.yaml": inOneOf("linked", "Sidecar"),
			"other/kustomization.yaml": "resources: [web.yaml]\ntransformers: [bypass.yaml]\n", "other/web.yaml": strings.Replace(webDeployment, "shop", "linked", 1)}, false, nil},
		"two specs with the same settings over the same files": {map[string]string{"kustomization.yaml": "resources: [web.yaml, api.yaml]\ntransformers: [shop.yaml, linked.yaml]\nnamePrefix: x-\n",
			"shop.yaml": inOneOf("shop", "Ambient"), "linked.yaml": inOneOf("linked", "Sidecar"), "web.yaml": webDeployment, "api.yaml": strings.NewReplacer("name: web,", "name: api,", "shop", "linked").Replace(webDeployment)}, false, nil},
		"everything that one of two specs with the same settings wrote": {map[string]string{"kustomization.yaml": strings.Replace(jsonPatch(`{"op": "remove", "path": "/metadata/annotations"}, {"op": "remove", "path": "/spec/template/metadata/annotations"}, {"op": "remove", "path": "/spec/template/spec/initContainers"}`), "{kind: Deployment}", "{name: api}", 1),
			"../base/kustomization.yaml": "resources: [web.yaml, api.yaml]\ntransformers: [shop.yaml, linked.yaml]\n", "../base/api.yaml": strings.NewReplacer("name: web,", "name: api,", "shop", "linked").Replace(webDeployment),
			"../base/shop.yaml": inOneOf("shop", "Ambient"), "../base/linked.yaml": inOneOf("linked", "Sidecar")}, false,
			[]string{"linked/api: metadata.annotations[\"krm-bypass.dev/last-applied\"]: changed", "krm-bypass.dev/policy", `it wrote "3306", and here is nothing`, "it wrote the container krm-bypass-init, and here is nothing"}},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"base/web.yaml": webDeployment, "base/bypass.yaml": boundSpec, "base/kustomization.yaml": "resources: [web.yaml]\ntransformers: [bypass.yaml]\n"}
			for path, text := range test.files {
				files[filepath.Join("top", path)] = text
			}
			code, out, errOut := krmBypass("", "render", filepath.Join(folder(t, files), "top"))
			assert.Equal(t, test.fails, code != 0, errOut)
			assert.Equal(t, test.fails, out == "", "nothing is printed where a limit is broken")
			lines := slices.Collect(strings.Lines(errOut))
			if assert.Len(t, lines, len(test.says), errOut) {
				for i, said := range test.says {
					assert.Contains(t, lines[i], said)
				}
			}
		})
	}
}

func TestExplainSaysWhatIsInForceInTheFinishedManifests(t *testing.T) {
	dir := folder(t, map[string]string{
		"base/web.yaml": webDeployment, "base/api.yaml": strings.Replace(webDeployment, "name: web,", "name: api,", 1),
		"base/bypass.yaml":        strings.Replace(boundSpec, ", podAnnotations: {namespaces: []}", "", 1),
		"base/kustomization.yaml": "resources: [web.yaml, api.yaml]\ntransformers: [bypass.yaml]\n",
		"top/kustomization.yaml":  "resources: [../base]\npatches: [{path: p.yaml}]\n", "top/p.yaml": patchOf(ports + `: "8443"`),
	})
	code, out, errOut := krmBypass("", "explain", filepath.Join(dir, "top"), "-o", "wide")
	assert.Zero(t, code)
	assert.Equal(t, 1, strings.Count(errOut, "[changed-after]"), errOut)
	assert.Regexp(t, `(?m)^Deployment shop/api \(\S+\): written`, out)
	assert.Regexp(t, `(?m)^Deployment shop/web \(\S+\): changed after krm-bypass wrote it$`, out)
	assert.Regexp(t, `(?m)^  excludeOutboundPorts +8443 +8443 +annotation +annotation`, out)
	assert.Regexp(t, `(?m)^ +3306 +3306 +init container +init container`, out)
	assert.Equal(t, 2, strings.Count(out, "Deployment shop/"), "each once")
}

// TestAWorkloadThatComesInTooLateIsTold builds overlays that bring one beside a base that
// lists the spec.
func TestAWorkloadThatComesInTooLateIsTold(t *testing.T) {
	api := strings.Replace(webDeployment, "name: web,", "name: api,", 1)
	component := "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
	const late = "Deployment shop/api: warning: added-after: ClusterBypass cluster was applied before this workload came in"
	for name, test := range map[string]struct {
		files map[string]string
		late  string // what check says, as explain does with [added-after]; "" for silence
	}{
		"a file of the overlay":          {map[string]string{"kustomization.yaml": "resources: [../base, api.yaml]\n", "api.yaml": api}, "top/api.yaml:2: " + late},
		"another base":                   {map[string]string{"kustomization.yaml": "resources: [../base, other]\n", "other/kustomization.yaml": "resources: [api.yaml]\n", "other/api.yaml": api}, "top/other/api.yaml:2: " + late},
		"a component behind the spec's":  {map[string]string{"kustomization.yaml": "resources: [../base]\ncomponents: [c]\n", "c/kustomization.yaml": component + "resources: [api.yaml]\n", "c/api.yaml": api}, "top/c/api.yaml:2: " + late},
		"by a name that was another's":   {map[string]string{"kustomization.yaml": "resources: [renamed, web.yaml]\n", "renamed/kustomization.yaml": "resources: [../../base]\nnamePrefix: x-\n", "web.yaml": webDeployment}, "Deployment shop/web: warning: added-after"},
		"one for which no rule is":       {map[string]string{"kustomization.yaml": "resources: [../base, api.yaml]\n", "api.yaml": strings.Replace(api, "shop", "bank", 1), "../base/bypass.yaml": boundSpec + "  enrolment: {namespaces: [shop]}\n"}, ""},
		"one in the host's network":      {map[string]string{"kustomization.yaml": "resources: [../base, api.yaml]\n", "api.yaml": strings.Replace(api, "{containers:", "{hostNetwork: true, containers:", 1)}, ""},
		"one that another spec wrote":    {map[string]string{"kustomization.yaml": "resources: [../base, other]\n", "other/kustomization.yaml": "resources: [api.yaml]\ntransformers: [bypass.yaml]\n", "other/api.yaml": strings.Replace(api, "shop", "linked", 1), "other/bypass.yaml": strings.NewReplacer("name: cluster", "name: other", "spec:\n", "spec:\n  mesh: Linkerd\n").Replace(boundSpec)}, ""},
		"the spec last as well":          {map[string]string{"kustomization.yaml": "resources: [../base, api.yaml]\ntransformers: [bypass.yaml]\n", "api.yaml": api, "bypass.yaml": boundSpec}, ""},
		"the workload by another name":   {map[string]string{"kustomization.yaml": "resources: [../base]\nnamePrefix: x-\n"}, ""},
		"the component behind the files": {map[string]string{"kustomization.yaml": "resources: [api.yaml]\ncomponents: [c]\n", "api.yaml": api, "c/kustomization.yaml": component + "transformers: [bypass.yaml]\n", "c/bypass.yaml": boundSpec}, ""},
		"ignored":                        {map[string]string{"kustomization.yaml": "resources: [../base, api.yaml]\n", "api.yaml": api, "../base/bypass.yaml": boundSpec + "  lint: {added-after: Ignore}\n"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"base/web.yaml": webDeployment, "base/bypass.yaml": boundSpec, "base/kustomization.yaml": "resources: [web.yaml]\ntransformers: [bypass.yaml]\n"}
			for path, text := range test.files {
				files[filepath.Join("top", path)] = text
			}
			top := filepath.Join(folder(t, files), "top")
			code, _, errOut := krmBypass("", "render", top)
			assert.Zero(t, code, errOut)
			assert.Empty(t, errOut, "a render does not know whether it is a mistake")
			for _, command := range []string{"check", "lint"} {
				code, out, errOut := krmBypass("", command, top)
				assert.Zero(t, code, errOut)
				assert.Contains(t, out, test.late)
				assert.Equal(t, test.late != "", strings.Contains(out, finding.AddedAfter.ID), out)
			}
			_, out, _ := krmBypass("", "explain", top)
			assert.Equal(t, test.late != "" || name == "ignored", strings.Contains(out, "not seen by ClusterBypass cluster"), out)
		})
	}
}

func TestWhatIsWrongWithAWorkloadThatComesInTooLateIsTold(t *testing.T) {
	annotated := func(with string) string {
		return strings.NewReplacer("name: web,", "name: api,", "labels:", "annotations: {"+with+"}, labels:").Replace(webDeployment)
	}
	for name, test := range map[string]struct{ annotations, says string }{
		"misspelt":   {`traffic.sidecar.istio.io/excludeOutboundPort: "1"`, "[unknown-annotation]"},
		"unreadable": {`traffic.sidecar.istio.io/excludeInboundPorts: http`, `warning: `},
		"fine":       {`traffic.sidecar.istio.io/excludeInboundPorts: "1"`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			top := filepath.Join(folder(t, map[string]string{
				"base/web.yaml": webDeployment, "base/bypass.yaml": before(boundSpec, "  limits"), "base/kustomization.yaml": "resources: [web.yaml]\ntransformers: [bypass.yaml]\n",
				"top/kustomization.yaml": "resources: [../base, api.yaml]\n", "top/api.yaml": annotated(test.annotations),
			}), "top")
			code, _, errOut := krmBypass("", "render", top)
			assert.Zero(t, code, errOut)
			assert.Contains(t, errOut, test.says)
			assert.Equal(t, test.says == "", errOut == "", errOut)
		})
	}
}

func TestExplainCountsWorkloadsOfTwoSpecsWithTheSameSettings(t *testing.T) {
	dir := folder(t, map[string]string{
		"web.yaml": webDeployment, "api.yaml": strings.NewReplacer("name: web,", "name: api,", "shop", "linked").Replace(webDeployment), "shop.yaml": inOneOf("shop", "Ambient"), "linked.yaml": inOneOf("linked", "Sidecar"),
		"kustomization.yaml": "resources: [web.yaml, api.yaml]\ntransformers: [shop.yaml, linked.yaml]\n",
	})
	_, out, errOut := krmBypass("", "explain", dir)
	assert.Empty(t, errOut)
	assert.Contains(t, out, "2 workloads: 2 written\n2 of 2 bypass something")
}

func TestExplainCountsWorkloadsThatNoSpecSaw(t *testing.T) {
	dir := folder(t, map[string]string{
		"base/web.yaml": webDeployment, "base/api.yaml": strings.NewReplacer("name: web,", "name: api,", "shop", "bank").Replace(webDeployment),
		"base/bypass.yaml": boundSpec + "  enrolment: {namespaces: [shop]}\n", "base/kustomization.yaml": "resources: [web.yaml, api.yaml]\ntransformers: [bypass.yaml]\n",
		"top/kustomization.yaml": "resources: [../base, db.yaml]\nnamePrefix: x-\n", "top/db.yaml": strings.NewReplacer("name: web,", "name: db,", "shop", "bank").Replace(webDeployment),
	})
	_, out, errOut := krmBypass("", "explain", filepath.Join(dir, "top"))
	assert.Empty(t, errOut)
	assert.Contains(t, out, "3 workloads: 1 written, 1 nothing to write, 1 left alone\n")
}

// before gives the text before the first mark.
func before(text, mark string) string {
	head, _, _ := strings.Cut(text, mark)
	return head
}

// TestNoReportNamesAFolderAsAFile has an overlay take away what was written, so that
// kustomize cannot tell the origin of the object; where it can, that is the place.
func TestNoReportNamesAFolderAsAFile(t *testing.T) {
	in := folder(t, map[string]string{
		"base/kustomization.yaml": "resources: [web.yaml]\ntransformers: [bypass.yaml]\n", "base/bypass.yaml": boundSpec, "base/web.yaml": webDeployment,
		"remove/kustomization.yaml": "resources: [../base]\npatches: [{target: {kind: Deployment}, patch: '[{\"op\": \"remove\", \"path\": \"/spec/template/spec/initContainers\"}]'}]\n",
		"add/kustomization.yaml":    "resources: [../base]\npatches: [{target: {kind: Deployment}, patch: '[{\"op\": \"add\", \"path\": \"/spec/template/spec/hostNetwork\", \"value\": true}]'}]\n",
	})
	for overlay, file := range map[string]string{"remove": in + "/remove/kustomization.yaml", "add": in + "/base/web.yaml"} {
		for format, says := range map[string]string{"gitlab": `"path": "` + file + `"`, "github": "file=" + file + ",", "sarif": `"uri": "file://` + file + `"`, "junit": `file="` + file + `"`} {
			_, out, _ := krmBypass("", "check", in+"/"+overlay, "-o", format)
			assert.Contains(t, out, says, "%s: %s", overlay, format)
			for _, no := range []string{`remove"`, "remove,", `add"`, "add,"} {
				assert.NotContains(t, out, in+"/"+no, "%s: %s", overlay, format)
			}
		}
	}
}
