package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A folder as projects have it: what is for other tools lies beside the manifests.
func TestFilesForOtherToolsArePassedOver(t *testing.T) {
	code, schema, errOut := krmBypass("", "schema")
	require.Zero(t, code, errOut)
	files := map[string]string{
		"web.yaml": webDeployment, "bypass.yaml": bypassSpec, "schema.json": schema, "package.json": `{"name": "a"}`,
		"chart/values.yaml": "image: {tag: a}\n", "tsconfig.json": "{\n  // strict\n  \"strict\": true,\n}\n",
	}
	dir := folder(t, files)
	foreign := []string{"chart/values.yaml", "package.json", "schema.json", "tsconfig.json"}

	code, out, errOut := krmBypass("", "render", dir)
	assert.Zero(t, code, errOut)
	assert.Empty(t, errOut)
	assert.Contains(t, out, written)
	assert.NotContains(t, out, "$schema")
	for _, command := range []string{"check", "explain"} {
		_, out, errOut = krmBypass("", command, dir)
		assert.Empty(t, errOut, command)
		assert.Contains(t, strings.Join(strings.Fields(out), " ")+"\n", "passed over, since they hold no Kubernetes object: "+dir+"/"+strings.Join(foreign, ", "+dir+"/"), command)
		_, out, _ = krmBypass("", command, "-o", "json", dir)
		assert.Contains(t, out, `"passedOver": [`, command)
	}
	code, _, errOut = krmBypass("", "render", "--in-place", dir)
	assert.Zero(t, code, errOut)
	assert.Equal(t, "info: 1 of 2 files written\n", errOut)
	after := contents(t, dir)
	for _, file := range foreign {
		assert.Equal(t, files[file], after[file])
	}

	// By its name it was meant, and it is not alone in a folder for nothing.
	code, _, errOut = krmBypass("", "render", filepath.Join(dir, "package.json"), "--spec", filepath.Join(dir, "bypass.yaml"))
	assert.Equal(t, 1, code)
	assert.Contains(t, errOut, "package.json:1: the document is not a Kubernetes object: it has no apiVersion or kind: mend or remove it")
	code, _, errOut = krmBypass("", "render", filepath.Join(dir, "chart"), "--spec", filepath.Join(dir, "bypass.yaml"))
	assert.Equal(t, 1, code)
	assert.Contains(t, errOut, dir+"/chart: none of the folder's .yaml, .yml and .json files holds a Kubernetes object: correct the path")
}

// What was meant as a manifest is told by everything that reads it.
func TestWhatLooksLikeAnObjectIsTold(t *testing.T) {
	dir := folder(t, map[string]string{"bypass.yaml": bypassSpec, "web.yaml": webDeployment, "api.yaml": "# an API\n" + strings.Replace(strings.ReplaceAll(webDeployment, "web", "api"), "apiVersion", "apiversion", 1)})
	const says = "api.yaml:3: Deployment shop/api is no Kubernetes object, so nothing is written there, and kubectl refuses it: it has apiversion, kind, metadata and spec, but no apiVersion [incomplete-object]"
	for _, args := range [][]string{{"render", "--in-place"}, {"render", "--diff"}, {"explain"}} {
		code, _, errOut := krmBypass("", append(args, dir)...)
		assert.Zero(t, code, errOut)
		assert.Equal(t, "warning: "+dir+"/"+says+"\n", withoutOutcome(errOut), "%v", args)
	}
	_, out, _ := krmBypass("", "check", dir)
	assert.Contains(t, out, "api.yaml:3: warning: incomplete-object: Deployment shop/api is no Kubernetes object")
	code, out, errOut := krmBypass("", "render", dir)
	assert.Equal(t, 1, code)
	assert.Empty(t, out)
	assert.Equal(t, "error: "+dir+"/api.yaml:3: the document is not a Kubernetes object: it has apiversion, kind, metadata and spec, but no apiVersion: mend or remove it, or name only the files to render\n", errOut)
}

// On a terminal render says how much it left as it is; elsewhere it is silent.
func TestRenderSaysOnATerminalWhatItLeavesAlone(t *testing.T) {
	host := strings.NewReplacer("name: web,", "name: host,", "spec: {containers", "spec: {hostNetwork: true, containers").Replace(webDeployment)
	for name, test := range map[string]struct {
		files map[string]string
		says  string
	}{
		"nothing":                 {map[string]string{}, ""},
		"a workload":              {map[string]string{"host.yaml": host}, "info: 1 workload is left alone: krm-bypass explain tells why\n"},
		"several, and some files": {map[string]string{"host.yaml": host, "p.yaml": strings.Replace(imagePatch, ", image: \"web:2\"", "", 1), "package.json": "{}"}, "info: 2 workloads are left alone, 1 file holds no Kubernetes object: krm-bypass explain tells why\n"},
	} {
		t.Run(name, func(t *testing.T) {
			test.files["web.yaml"], test.files["bypass.yaml"] = webDeployment, bypassSpec
			dir := folder(t, test.files)
			for _, args := range [][]string{{"render", dir}, {"render", "--diff", dir}, {"render", "--in-place", dir}} {
				code, _, errOut := krmBypass("", args...)
				assert.Zero(t, code, errOut)
				assert.Empty(t, withoutOutcome(errOut))
			}
			near, far := aTerminal(t)
			code := run([]string{"render", dir}, strings.NewReader(""), &strings.Builder{}, far)
			_, err := far.WriteString("the end")
			require.NoError(t, err)
			var all strings.Builder
			seen := make([]byte, 4096)
			for !strings.HasSuffix(all.String(), "the end") {
				n, err := near.Read(seen)
				require.NoError(t, err)
				all.Write(seen[:n])
			}
			require.NoError(t, far.Close())
			assert.Zero(t, code, all.String())
			assert.Equal(t, test.says+"the end", strings.ReplaceAll(strings.ReplaceAll(all.String(), "\r\n", "\n"), clearLine, ""))
		})
	}
}
