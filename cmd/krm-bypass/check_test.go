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
	assert.Equal(t, app+`/web.yaml:7: Deployment shop/web: missing: spec.template.metadata.annotations["traffic.sidecar.istio.io/excludeOutboundPorts"]: expected "5432" here
`+app+`/web.yaml:7: Deployment shop/web: missing: spec.template.metadata.annotations["krm-bypass.dev/policy"]: expected "v1:fa5b8b3cd374cf0e" here
remedy for Deployment shop/web: render it with krm-bypass; in kustomize, build with --enable-alpha-plugins and --enable-exec: without --enable-exec, kustomize skips the function and says nothing
1 of 1 object differs from what krm-bypass writes
`, out)

	// The stream that a pipeline applies.
	_, stream, _ := krmBypass("", "render", app, "--spec", spec)
	code, out, errOut = krmBypass(stream, "check", "-", "--spec", spec)
	assert.Zero(t, code, errOut)
	assert.Equal(t, "1 object matches what krm-bypass writes\n", out)

	// The tree that is rendered in place.
	code, _, errOut = krmBypass("", "render", "--in-place", app, "--spec", spec)
	require.Zero(t, code, errOut)
	code, out, _ = krmBypass("", "check", app, "--spec", spec)
	assert.Zero(t, code, out)

	code, out, _ = krmBypass(strings.Replace(stream, `"5432"`, `"1-65535"`, 1), "check", "-", "--spec", spec)
	assert.Equal(t, 1, code, "somebody has changed a value")
	assert.Contains(t, out, "standard input:")
	assert.Contains(t, out, "1 of 1 object differs from what krm-bypass writes, 1 error\n")
}

func TestCheckReadsEveryFormat(t *testing.T) {
	dir := folder(t, map[string]string{"web.yaml": webDeployment, "bypass.yaml": bypassSpec})
	for format, decode := range map[string]func(string) error{
		"json":  func(text string) error { return json.Unmarshal([]byte(text), &map[string]any{}) },
		"sarif": func(text string) error { return json.Unmarshal([]byte(text), &map[string]any{}) },
		"junit": func(text string) error { return xml.Unmarshal([]byte(text), &struct{ XMLName xml.Name }{}) },
		"text":  func(string) error { return nil },
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
		code, out, errOut := krmBypass("", "check", dir, "--now", now)
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
	dir := folder(t, map[string]string{"web.yaml": webDeployment, "bypass.yaml": bypassSpec, "bad/bypass.yaml": "kind: [", "none/notes.txt": "hello", "broken/web.yaml": webDeployment + "  broken: [\n"})
	for name, test := range map[string]struct {
		args []string
		says string
	}{
		"no path":            {nil, "check needs files"},
		"an unknown flag":    {[]string{"--frobnicate", dir}, "frobnicate"},
		"an unknown format":  {[]string{"-o", "html", dir}, `--output: "html" is not valid: use one of text, json, yaml, sarif, junit`},
		"a day that is none": {[]string{"--now", "tomorrow", dir}, `--now: "tomorrow" is not a day: write it as 2026-12-31`},
		"a file not there":   {[]string{dir + "/other.yaml"}, "other.yaml"},
		"a spec not there":   {[]string{dir, "--spec", dir + "/other.yaml"}, "reading the spec"},
		"a broken document":  {[]string{dir + "/bad", "--spec", dir + "/bypass.yaml"}, "bad/bypass.yaml:1: error: reading the document"},
		"a broken workload":  {[]string{dir + "/broken", "--spec", dir + "/bypass.yaml"}, "broken/web.yaml:9: error: reading the document"},
		"an unknown mesh":    {[]string{dir, "--mesh", "Nope"}, `--mesh: "Nope" is`},
		"no specification":   {[]string{dir + "/web.yaml"}, "there is no ClusterBypass: give one with --spec"},
		"an empty folder":    {[]string{dir + "/none", "--spec", dir + "/bypass.yaml"}, dir + "/none: the folder holds no .yaml, .yml or .json file: correct the path"},
		"a pipe that is dry": {[]string{"-", "--spec", dir + "/bypass.yaml"}, "there is nothing to check"},
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
