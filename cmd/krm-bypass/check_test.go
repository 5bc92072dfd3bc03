package main

import (
	"encoding/json"
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCheckIsAGate(t *testing.T) {
	dir := folder(t, map[string]string{"app/web.yaml": webDeployment, "app/service.yaml": webService, "bypass.yaml": bypassSpec})
	app, spec := filepath.Join(dir, "app"), filepath.Join(dir, "bypass.yaml")

	code, out, errOut := krmBypass("", "check", app, "--spec", spec)
	assert.Equal(t, 1, code, "the function has not run")
	assert.Empty(t, errOut)
	assert.Equal(t, app+`/web.yaml:7: Deployment shop/web: missing: spec.template.metadata.annotations["traffic.sidecar.istio.io/excludeOutboundPorts"]: expected "5432" here (and for the same cause: spec.template.metadata.annotations["krm-bypass.dev/policy"])
remedy for Deployment shop/web: render it with krm-bypass; in kustomize, build with --enable-alpha-plugins and --enable-exec: without --enable-exec, kustomize skips the function and says nothing
1 of 1 object differs from what krm-bypass writes, 0 left alone
`, out)

	// The stream that a pipeline applies.
	_, stream, _ := krmBypass("", "render", app, "--spec", spec)
	code, out, errOut = krmBypass(stream, "check", "-", "--spec", spec)
	assert.Zero(t, code, errOut)
	assert.Equal(t, "1 object matches what krm-bypass writes, 0 left alone\n", out)

	// The tree that is rendered in place.
	code, _, errOut = krmBypass("", "render", "--in-place", app, "--spec", spec)
	require.Zero(t, code, errOut)
	code, out, _ = krmBypass("", "check", app, "--spec", spec)
	assert.Zero(t, code, out)

	code, out, _ = krmBypass(strings.Replace(stream, `"5432"`, `"1-65535"`, 1), "check", "-", "--spec", spec)
	assert.Equal(t, 1, code, "somebody has changed a value")
	assert.Contains(t, out, "standard input:")
	assert.Contains(t, out, "1 object is refused, 0 left alone, 1 error\n")
}

func TestCheckReadsEveryFormat(t *testing.T) {
	dir := folder(t, map[string]string{"web.yaml": webDeployment, "bypass.yaml": bypassSpec})
	for format, decode := range map[string]func(string) error{
		"json":   func(text string) error { return json.Unmarshal([]byte(text), &map[string]any{}) },
		"sarif":  func(text string) error { return json.Unmarshal([]byte(text), &map[string]any{}) },
		"gitlab": func(text string) error { return json.Unmarshal([]byte(text), &[]map[string]any{}) },
		"github": func(string) error { return nil },
		"junit":  func(text string) error { return xml.Unmarshal([]byte(text), &struct{ XMLName xml.Name }{}) },
		"text":   func(string) error { return nil },
	} {
		t.Run(format, func(t *testing.T) {
			code, out, errOut := krmBypass("", "check", "-o", format, dir)
			assert.Equal(t, 1, code, errOut)
			assert.NoError(t, decode(out))
			assert.Contains(t, out, "web.yaml")
		})
	}
}

func TestCheckJudgesExpiryByTheDayGiven(t *testing.T) {
	dir := folder(t, map[string]string{"bypass.yaml": strings.Replace(bypassSpec, "excludeOutboundPorts: [3306]", "excludeOutboundPorts: [3306], expires: 2026-12-31", 1)})
	for now, want := range map[string]int{"2026-11-01": 0, "2026-12-31": 0, "2027-01-01": 1} {
		code, out, errOut := krmBypass("", "check", dir, "--allow-none", "--now", now)
		assert.Equal(t, want, code, "%s: %s%s", now, out, errOut)
		assert.Equal(t, now == "2026-12-31", strings.Contains(out, ":10: ClusterBypass cluster: warning: expiring: spec.global.expires: expires on 2026-12-31"), out)
	}
	_, out, _ := krmBypass("", "check", dir, "--now", "2026-11-01", "--notice", "60")
	assert.Contains(t, out, "1 warning")
}

// TestCheckFailsOnWhatTheSpecMakesAnError has a check of spec.lint that is raised.
func TestCheckFailsOnWhatTheSpecMakesAnError(t *testing.T) {
	spec := strings.Replace(bypassSpec, "  global: {excludeOutboundPorts: [3306]}", "  global: {excludeInboundPorts: [8080], excludeOutboundPorts: [3306]}", 1)
	service := strings.Replace(webService, "{ports: [{port: 80}]}", "{selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}", 1)
	dir := folder(t, map[string]string{"web.yaml": webDeployment, "service.yaml": service, "bypass.yaml": spec})
	code, _, errOut := krmBypass("", "render", "--in-place", dir)
	require.Zero(t, code, errOut)
	code, out, _ := krmBypass("", "check", dir)
	assert.Zero(t, code, out)
	assert.Contains(t, out, "warning: service-port: ")

	strict := strings.Replace(spec, "spec:\n", "spec:\n  lint: {service-port: Error}\n", 1)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "bypass.yaml"), []byte(strict), 0o644))
	code, out, _ = krmBypass("", "check", dir, "-o", "sarif")
	assert.Equal(t, 1, code)
	assert.Contains(t, out, `"ruleId": "service-port"`)
	assert.Contains(t, out, `"level": "error"`)
}

// TestCheckThatComesToNoResult tells it apart from one that found something.
func TestCheckThatComesToNoResult(t *testing.T) {
	dir := folder(t, map[string]string{"web.yaml": webDeployment, "bypass.yaml": bypassSpec, "bad/bypass.yaml": "kind: [", "none/notes.txt": "hello", "service/service.yaml": webService,
		"numbered/web.yaml": strings.Replace(webDeployment, "namespace: shop", "namespace: 12", 1),
		"list/web.yaml":     webDeployment + "---\napiVersion: v1\nkind: List\nitems: [{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {template: []}}]\n",
		"template/web.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: here}\n",
		"twice/web.yaml":    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [], containers: []}}}\n",
		"broken/web.yaml":   webDeployment + "  broken: [\n"})
	for name, test := range map[string]struct {
		args []string
		says string
	}{
		"no path":                       {nil, "check needs files"},
		"an unknown flag":               {[]string{"--frobnicate", dir}, "frobnicate"},
		"an unknown format":             {[]string{"-o", "html", dir}, `--output: "html" is not valid: use one of text, json, yaml, sarif, junit, github, gitlab`},
		"a day that is none":            {[]string{"--now", "tomorrow", dir}, `--now: "tomorrow" is not a day: write it as 2026-12-31`},
		"a file not there":              {[]string{dir + "/other.yaml"}, "other.yaml"},
		"a spec not there":              {[]string{dir, "--spec", dir + "/other.yaml"}, "reading the spec"},
		"a broken document":             {[]string{dir + "/bad", "--spec", dir + "/bypass.yaml"}, "bad/bypass.yaml:1: error: reading the document"},
		"a broken workload":             {[]string{dir + "/broken", "--spec", dir + "/bypass.yaml"}, "broken/web.yaml:10: error: reading the document"},
		"an unknown mesh":               {[]string{dir, "--mesh", "Nope"}, `--mesh: "Nope" is`},
		"no specification":              {[]string{dir + "/web.yaml"}, "there is no ClusterBypass: give one with --spec"},
		"an empty folder":               {[]string{dir + "/none", "--spec", dir + "/bypass.yaml"}, dir + "/none: the folder holds no .yaml, .yml or .json file: correct the path"},
		"a namespace that is no string": {[]string{dir + "/numbered", "--spec", dir + "/bypass.yaml"}, "numbered/web.yaml:4: Deployment 12/web: error: metadata.namespace: expected a string"},
		"a second document in a list":   {[]string{dir + "/list", "--spec", dir + "/bypass.yaml"}, "error: items[0].spec.template: expected a mapping, but found a list"},
		"a template that is none":       {[]string{dir + "/template", "--spec", dir + "/bypass.yaml"}, "error: spec.template: expected a mapping, but found \"here\""},
		"a key that stands twice":       {[]string{dir + "/twice", "--spec", dir + "/bypass.yaml"}, `the key "containers" appears twice`},
		"no workload":                   {[]string{dir + "/service", "--spec", dir + "/bypass.yaml"}, nothingToCheck},
		"the specification alone":       {[]string{dir + "/bypass.yaml"}, nothingToCheck},
		"a pipe that is dry":            {[]string{"-", "--spec", dir + "/bypass.yaml"}, "there is nothing to check"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errOut := krmBypass("\n", append([]string{"check"}, test.args...)...)
			assert.Equal(t, couldNotTell, code)
			assert.Contains(t, out+errOut, test.says)
		})
	}
	var errOut strings.Builder
	assert.Equal(t, couldNotTell, run([]string{"check", dir}, strings.NewReader(""), brokenWriter{}, &errOut))
	assert.Equal(t, "error: writing standard output: no space left\n", errOut.String())
}

// TestReportsSayThatThereWasNothingToCheck has a program read them that does not look
// at the exit code.
func TestReportsSayThatThereWasNothingToCheck(t *testing.T) {
	spec := filepath.Join(folder(t, map[string]string{"bypass.yaml": bypassSpec}), "bypass.yaml")
	for format, says := range map[string]string{
		"json": `"passed": false`, "yaml": "passed: false\nnothing: ", "junit": `tests="1" failures="0" errors="1"`,
		"sarif": `"executionSuccessful": false`, "github": "::error title=krm-bypass::there is nothing to check",
	} {
		t.Run(format, func(t *testing.T) {
			code, out, _ := krmBypass("", "check", "-", "--spec", spec, "-o", format)
			assert.Equal(t, couldNotTell, code)
			assert.Contains(t, out, says)
			assert.Contains(t, out, "there is nothing to check: ")
			code, out, _ = krmBypass("", "check", "-", "--spec", spec, "-o", format, "--allow-none")
			assert.Zero(t, code)
			assert.NotContains(t, out, says)
		})
	}
}

// TestCheckWithNothingToCheckPassesWhereThatIsAllowed has the spec alone, a stream
// without workloads and an empty one.
func TestCheckWithNothingToCheckPassesWhereThatIsAllowed(t *testing.T) {
	spec := filepath.Join(folder(t, map[string]string{"bypass.yaml": bypassSpec}), "bypass.yaml")
	for _, stream := range []string{"", webService} {
		code, out, errOut := krmBypass(stream, "check", "-", "--spec", spec)
		assert.Equal(t, couldNotTell, code)
		assert.Equal(t, "no workloads found\n", out)
		assert.Equal(t, "error: "+nothingToCheck+"\n", errOut)
		code, out, errOut = krmBypass(stream, "check", "-", "--spec", spec, "--allow-none")
		assert.Zero(t, code)
		assert.Equal(t, "no workloads found\n", out)
		assert.Empty(t, errOut)
	}
}

// TestCheckCountsWhatIsLeftAlone has a workload to compare, and one that the function
// does not touch: alone it is something to check too.
func TestCheckCountsWhatIsLeftAlone(t *testing.T) {
	alone := strings.NewReplacer("name: web", "name: node", "spec: {containers", "spec: {hostNetwork: true, containers").Replace(webDeployment)
	spec := filepath.Join(folder(t, map[string]string{"bypass.yaml": bypassSpec}), "bypass.yaml")
	const whyAlone = "left alone: Deployment shop/node: it uses the host's network, where the rules would change the node (spec.template.spec.hostNetwork)\n"
	for stream, want := range map[string]string{
		webDeployment + "---\n" + alone: whyAlone + "1 object matches what krm-bypass writes, 1 left alone\n",
		alone:                           whyAlone + "0 objects match what krm-bypass writes, 1 left alone\n",
	} {
		_, rendered, errOut := krmBypass(stream, "render", "-", "--spec", spec)
		require.Contains(t, rendered, "hostNetwork", errOut)
		code, out, _ := krmBypass(rendered, "check", "-", "--spec", spec)
		assert.Zero(t, code)
		assert.Equal(t, want, out)
		_, out, _ = krmBypass(rendered, "check", "-", "--spec", spec, "-o", "junit")
		assert.Regexp(t, `<skipped message="it uses the host`, out)
	}
}

// TestCheckListsRulesThatReachNobody has one with a slip, and one that may be for other
// manifests.
func TestCheckListsRulesThatReachNobody(t *testing.T) {
	const rules = `apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata: {name: cluster}
spec:
  enforcement: {mode: AnnotationsOnly}
  global: {excludeOutboundPorts: [3306]}
  workloads:
  - {name: storefront, match: {names: [storefront]}, excludeOutboundPorts: [5432]}
`
	web := strings.Replace(webDeployment, "name: web", "name: store-front", 1)
	folder := folder(t, map[string]string{"slip.yaml": rules, "other.yaml": strings.ReplaceAll(rules, "storefront", "ledger")})
	for spec, want := range map[string]string{
		"slip.yaml":  "warning: unreached-rule: spec.workloads[0].match.names[0]: it reaches no workload here, and there is Deployment shop/store-front: did you mean store-front?\n",
		"other.yaml": "info: unreached-rule: spec.workloads[0]: it reaches no workload here, which is right if it is meant for other manifests\n",
	} {
		spec = filepath.Join(folder, spec)
		_, rendered, errOut := krmBypass(web, "render", "-", "--spec", spec)
		assert.Equal(t, strings.HasPrefix(want, "warning"), errOut != "", errOut)
		code, out, _ := krmBypass(rendered, "check", "-", "--spec", spec)
		assert.Zero(t, code)
		assert.Contains(t, out, want)
		code, out, _ = krmBypass(rendered, "check", "-", "--spec", spec, "--complete")
		assert.Equal(t, 1, code)
		assert.Contains(t, out, spec+":8: ClusterBypass cluster: unreached-rule: spec.workloads[0]")
		_, out, _ = krmBypass(rendered, "explain", "-", "--spec", spec)
		assert.Regexp(t, `spec.workloads\[0\] \w+ +nobody`, out)
		for _, format := range []string{"json", "sarif", "junit"} {
			_, out, _ = krmBypass(rendered, "check", "-", "--spec", spec, "-o", format)
			assert.Contains(t, out, "unreached-rule")
		}
	}
}

// kustomized is a folder with a kustomization that ends so, a workload and the spec.
func kustomized(t *testing.T, kustomization, spec string) string {
	t.Helper()
	return folder(t, map[string]string{"kustomization.yaml": "resources: [web.yaml]\n" + kustomization, "web.yaml": webDeployment, "bypass.yaml": spec})
}

const listedSpec = "transformers: [bypass.yaml]\n"

// TestCheckOfAKustomizationBuildsIt says what a build here can say, and what compares
// the rest.
func TestCheckOfAKustomizationBuildsIt(t *testing.T) {
	dir := kustomized(t, listedSpec, bypassSpec)
	code, out, errOut := krmBypass("", "check", dir)
	assert.Zero(t, code, out)
	assert.Empty(t, errOut)
	pipeline := "to compare what a pipeline applies: kustomize build --enable-alpha-plugins --enable-exec " + dir + " | krm-bypass check - --spec " + dir + "/bypass.yaml\n"
	assert.Equal(t, "1 object was built and not compared, 0 left alone\n"+pipeline, out)

	expired := strings.Replace(bypassSpec, "excludeOutboundPorts: [3306]", "excludeOutboundPorts: [3306], expires: 2026-10-31", 1)
	code, out, _ = krmBypass("", "check", kustomized(t, listedSpec, expired), "--now", "2026-11-01")
	assert.Equal(t, 1, code)
	assert.Contains(t, out, "ClusterBypass cluster: expired: spec.global.expires")

	limited := strings.Replace(bypassSpec, "spec:\n", "spec:\n  limits: {forbiddenOutboundPorts: [5432]}\n", 1)
	code, out, _ = krmBypass("", "check", kustomized(t, listedSpec, limited))
	assert.NotZero(t, code)
	assert.Contains(t, out, "spec.limits.forbiddenOutboundPorts")

	// A spec that the kustomization does not apply is compared with what it builds.
	unwired := kustomized(t, "", bypassSpec)
	code, out, _ = krmBypass("", "check", unwired, "--spec", unwired+"/bypass.yaml")
	assert.Equal(t, 1, code)
	assert.Contains(t, out, "Deployment shop/web: missing: ")
	assert.Contains(t, out, "1 of 1 object differs")
	_, rendered, _ := krmBypass("", "render", unwired, "--spec", unwired+"/bypass.yaml")
	require.NoError(t, os.WriteFile(unwired+"/web.yaml", []byte(rendered), 0o644))
	code, out, _ = krmBypass("", "check", unwired, "--spec", unwired+"/bypass.yaml")
	assert.Zero(t, code, out)
	assert.Equal(t, "1 object matches what krm-bypass writes, 0 left alone\n", out)
}

// TestAMisplacedSpecIsTold has every command tell it, once, where it changes
// something, and as spec.lint has it.
func TestAMisplacedSpecIsTold(t *testing.T) {
	unannotated := strings.Replace(bypassSpec, "    config.kubernetes.io/function: \"exec: {path: krm-bypass}\"\n", "", 1)
	dir := kustomized(t, listedSpec, unannotated)
	told := dir + "/kustomization.yaml:2: ClusterBypass cluster: transformers[0]: the kustomize CLI refuses it, because it has no function annotation"
	for command, want := range map[string]int{"render": 0, "explain": 0, "render --diff": 0} {
		code, _, errOut := krmBypass("", append(strings.Fields(command), dir)...)
		assert.Equal(t, want, code, errOut)
		assert.Contains(t, errOut, "warning: "+told, command)
		assert.Equal(t, 1, strings.Count(errOut, "[misplaced-spec]"), command)
	}
	code, out, _ := krmBypass("", "check", dir)
	assert.Equal(t, 1, code, out)
	assert.Contains(t, out, strings.Replace(told, "transformers", "misplaced-spec: transformers", 1))

	for severity, want := range map[string]int{"Ignore": 0, "Error": 1} {
		dir := kustomized(t, listedSpec, strings.Replace(unannotated, "spec:\n", "spec:\n  lint: {misplaced-spec: "+severity+"}\n", 1))
		for _, command := range []string{"render", "check", "explain"} {
			code, out, errOut := krmBypass("", command, dir)
			assert.Equal(t, want, code, "%s %s: %s%s", severity, command, out, errOut)
		}
	}
	code, _, errOut := krmBypass("", "render", dir, "--spec", dir+"/bypass.yaml")
	assert.Zero(t, code)
	assert.Equal(t, 1, strings.Count(errOut, "warning: "+told), errOut)
	for _, command := range []string{"check", "lint"} {
		code, out, _ := krmBypass("", command, dir, "--spec", dir+"/bypass.yaml")
		assert.Equal(t, 1, code, "%s: %s", command, out)
		assert.Contains(t, out, strings.Replace(told, "transformers", "misplaced-spec: transformers", 1), command)
		rightly := kustomized(t, listedSpec, bypassSpec)
		code, out, errOut := krmBypass("", command, rightly, "--spec", rightly+"/bypass.yaml")
		assert.Zero(t, code, "%s: %s%s", command, out, errOut)
	}
	resource := folder(t, map[string]string{"kustomization.yaml": "resources: [web.yaml, bypass.yaml]\n", "web.yaml": webDeployment, "bypass.yaml": bypassSpec})
	_, out, _ = krmBypass("", "lint", resource, "--spec", resource+"/bypass.yaml")
	assert.Contains(t, out, "misplaced-spec: resources[1]")
	_, _, errOut = krmBypass("", "render", resource, "--spec", resource+"/bypass.yaml")
	assert.Empty(t, errOut, "it is given and not left to kustomize")
}

// TestCheckComparesWhatIsListedWithAnotherSpec has --spec name one that the
// kustomization does not list: check then says what a pipeline with it would.
func TestCheckComparesWhatIsListedWithAnotherSpec(t *testing.T) {
	dir := kustomized(t, listedSpec, bypassSpec)
	for name, test := range map[string]struct {
		spec, says string
		code       int
	}{
		"the same in other words": {"# a copy\n" + bypassSpec, "1 object matches what krm-bypass writes", 0},
		"another port":            {strings.NewReplacer("3306", "1111", "5432", "1111").Replace(bypassSpec), "Deployment shop/web: stale: ", 1},
		"another name":            {strings.Replace(bypassSpec, "name: cluster", "name: other", 1), "ClusterBypass other speaks of this workload, to which ClusterBypass cluster wrote", 1},
	} {
		other := folder(t, map[string]string{"other.yaml": test.spec}) + "/other.yaml"
		code, out, errOut := krmBypass("", "check", dir, "--spec", other)
		assert.Equal(t, test.code, code, "%s: %s%s", name, out, errOut)
		assert.Contains(t, out, test.says, name)
		assert.NotContains(t, out, "krm-bypass check -", name)
		assert.Empty(t, errOut, name)
	}
}

// TestAFunctionThatIsGivenNothingFails has kustomize run it as a generator. kpt has the
// spec among the files of a package, where it is no resource either.
func TestAFunctionThatIsGivenNothingFails(t *testing.T) {
	const config = "apiVersion: krm-bypass.dev/v1alpha1\n  kind: ClusterBypass\n  metadata: {name: cluster, annotations: {ANNOTATION: '0'}}\n  spec: {global: {excludeOutboundPorts: [3306]}, enforcement: {mode: AnnotationsOnly}}\n"
	list := "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n- " + config + "functionConfig:\n  " + config
	code, _, errOut := krmBypass(strings.Replace(list, "ANNOTATION", "internal.config.kubernetes.io/index", 1))
	assert.Equal(t, 1, code)
	assert.Equal(t, 1, strings.Count(errOut, "the function was given its own configuration in the place of resources"), errOut)
	code, _, errOut = krmBypass(strings.Replace(list, "ANNOTATION", "internal.config.kubernetes.io/path", 1))
	assert.Zero(t, code, errOut)
	assert.Empty(t, errOut)
	code, _, errOut = krmBypass(strings.Replace(list, "items:\n- "+config, "items: []\n", 1))
	assert.Zero(t, code, errOut)
	assert.Empty(t, errOut)
}

// TestAcceptedFindingsAreCounted by every report.
func TestAcceptedFindingsAreCounted(t *testing.T) {
	const example = "../../examples/reviewing/meant"
	for command, want := range map[string]string{
		"lint": "2 warnings, 1 accepted finding", "explain": "strict-mtls accepted",
		"lint -o json": `"accepted": 1`, "lint -o sarif": `"suppressions": [`, "lint -o junit": "strict-mtls: accepted (metrics say nothing",
	} {
		args := strings.Fields(command)
		_, out, errOut := krmBypass("", append([]string{args[0], example, "--now", "2026-11-27"}, args[1:]...)...)
		assert.Contains(t, out, want, "%s: %s", command, errOut)
	}
	_, _, errOut := krmBypass("", "render", example)
	assert.NotContains(t, errOut, "9102", "render says nothing of what is accepted")
}

// TestCheckFailsOnceOnWhatSomebodyEdited has a value changed by hand since it was
// rendered, in files, where it differs, and in a kustomization, where the function
// would take it over.
func TestCheckFailsOnceOnWhatSomebodyEdited(t *testing.T) {
	dir := kustomized(t, listedSpec, bypassSpec)
	code, _, errOut := krmBypass("", "render", "--in-place", dir+"/bypass.yaml", dir+"/web.yaml")
	require.Zero(t, code, errOut)
	edited := strings.Replace(contents(t, dir)["web.yaml"], `"5432"`, `"443,5432"`, 1)
	require.NoError(t, os.WriteFile(dir+"/web.yaml", []byte(edited), 0o644))
	for _, args := range [][]string{{dir}, {dir + "/web.yaml", "--spec", dir + "/bypass.yaml"}} {
		code, out, errOut := krmBypass("", append([]string{"check"}, args...)...)
		assert.Equal(t, 1, code, "%s%s", out, errOut)
		assert.Equal(t, 1, strings.Count(out, "edited by hand since krm-bypass wrote it"), out)
		assert.Equal(t, 1, strings.Count(out, dir+"/web.yaml:"), out)
	}
	code, _, errOut = krmBypass("", "render", dir)
	assert.Zero(t, code)
	assert.Contains(t, errOut, "warning: ")
	assert.Contains(t, errOut, "[hand-edited]")
}

// TestAFolderAboveAKustomizationIsReadAsFiles and so does not see the spec applied.
func TestAFolderAboveAKustomizationIsReadAsFiles(t *testing.T) {
	for name, test := range map[string]struct{ kustomization, says string }{
		"wired":     {"resources: [web.yaml]\ntransformers: [bypass.yaml]\n", "/base/kustomization.yaml: transformers[0]: kustomize applies "},
		"not wired": {"resources: [web.yaml]\n", ""},
	} {
		dir := folder(t, map[string]string{"base/kustomization.yaml": test.kustomization, "base/web.yaml": webDeployment, "base/bypass.yaml": bypassSpec})
		for _, command := range []string{"check", "lint"} {
			_, _, errOut := krmBypass("", command, dir)
			if test.says == "" {
				assert.Empty(t, errOut, "%s: %s", name, command)
				continue
			}
			assert.Contains(t, errOut, "warning: "+dir+test.says, command)
			assert.Contains(t, errOut, "as in krm-bypass check "+dir+"/base\n", command)
		}
		_, _, errOut := krmBypass("", "render", "--diff", dir)
		assert.Empty(t, errOut, name)
	}
}

// A spec above overlays is listed by its folder. What reads the folder above all of them
// sees none of what they change, and says which to name.
func TestAFolderAboveOverlaysSaysWhatIsDeployed(t *testing.T) {
	files := map[string]string{
		"base/kustomization.yaml": "resources: [web.yaml]\n", "base/web.yaml": webDeployment,
		"bypass/kustomization.yaml": "resources: [bypass.yaml]\n", "bypass/bypass.yaml": bypassSpec,
		"eu/kustomization.yaml": "namespace: eu\nresources: [../base]\ntransformers: [../bypass]\n",
		"us/kustomization.yaml": "namespace: us\nresources: [../base]\ntransformers: [../bypass]\n",
	}
	dir := folder(t, files)
	for _, command := range []string{"explain", "check", "lint", "suggest --spec " + dir + "/bypass/bypass.yaml"} {
		_, _, errOut := krmBypass("", append(strings.Fields(command), dir)...)
		name, _, _ := strings.Cut(command, " ")
		_, spec, _ := strings.Cut(command, name)
		assert.Contains(t, errOut, "warning: "+dir+": it holds kustomizations, and their files are read as they stand, without what the kustomizations change: "+
			"name what you deploy: krm-bypass "+name+" "+dir+"/eu"+spec+", krm-bypass "+name+" "+dir+"/us"+spec+"\n", command)
		_, _, errOut = krmBypass("", append(strings.Fields(command), dir+"/eu", dir+"/us")...)
		assert.NotContains(t, errOut, "it holds kustomizations", command)
	}
}

// A spec that two overlays share has rules for one of them, and a misspelt one.
func TestOverlaysAreJudgedTogether(t *testing.T) {
	spec := strings.Split(bypassSpec, "spec:")[0] + `spec:
  enforcement: {mode: AnnotationsOnly}
  workloads:
  - {match: {names: [eu-web], namespaces: [eu]}, excludeOutboundPorts: [5432]}
  - {match: {names: [us-web], namespaces: [us]}, excludeOutboundPorts: [5433]}
RULES`
	files := map[string]string{
		"base/kustomization.yaml": "resources: [web.yaml]\n", "base/web.yaml": webDeployment, "bypass/kustomization.yaml": "resources: [bypass.yaml]\n", "bypass/bypass.yaml": "",
		"eu/kustomization.yaml": "namespace: eu\nnamePrefix: eu-\nresources: [../base]\ntransformers: [../bypass]\n",
		"us/kustomization.yaml": "namespace: us\nnamePrefix: us-\nresources: [../base]\ntransformers: [../bypass]\n",
	}
	t.Chdir(folder(t, files))
	const misspelt = `spec.workloads[2].match.names[0]: it reaches no workload here, and there is Deployment eu/eu-web: did you mean `
	for rule, says := range map[string]string{
		"": "",
		"  - {match: {names: ['*-webb'], namespaces: [eu]}, excludeOutboundPorts: [1]}\n": misspelt + "*-web?",
		"  - {match: {names: [eu-wbe], namespaces: ['?u']}, excludeOutboundPorts: [1]}\n": misspelt + "eu-web?",
		"  - {match: {names: [eu-web, us-wbe]}, excludeOutboundPorts: [1]}\n":             "spec.workloads[2].match.names[1]: it reaches no workload here, and there is Deployment us/us-web: did you mean us-web?",
	} {
		require.NoError(t, os.WriteFile("bypass/bypass.yaml", []byte(strings.Replace(spec, "RULES", rule, 1)), 0o600))
		for _, command := range []string{"check eu us", "check us eu", "lint eu us", "lint us eu", "check --complete us eu", "lint --complete eu us", "explain us eu -o json"} {
			_, out, errOut := krmBypass("", strings.Fields(command)...)
			told := out
			if strings.HasPrefix(command, "explain") {
				told = errOut
			}
			assert.Equal(t, min(1, len(says)), strings.Count(told, "unreached-rule"), "%s: %s", command, told)
			assert.Contains(t, told, says, command)
			assert.Equal(t, says != "" && !strings.Contains(command, "--complete"), strings.Contains(told, "warning: "), "%s: %s", command, told)
		}
	}
}
