package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestExplainWarnsOfWhatWasNotThere renames files after the commit.
func TestExplainWarnsOfWhatWasNotThere(t *testing.T) {
	const (
		noSpec       = "there is no earlier specification to compare with, and all that it lets bypass counts as added"
		newWorkloads = "its workloads count as new, and which pods restart is not known"
		worktree     = "run git worktree add --detach ../earlier main, and compare with --before ../earlier/OLD"
		separately   = "rename it in a commit of its own, and compare with that commit"
	)
	warning := func(path, so, remedy string) string {
		return "warning: --before main: " + path + " is not in that revision, so " + so + ": if it had another name there, " + remedy + "\n"
	}
	second := "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: second}\nspec: {mesh: Istio, enrolment: {namespaces: [other]}}\n"
	first := strings.Replace(bypassSpec, "spec:\n", "spec:\n  enrolment: {namespaces: [shop]}\n", 1)
	for name, test := range map[string]struct {
		renamed      [2]string
		paths, specs []string
		says         string
	}{
		"nothing":                   {[2]string{"web/web.yaml", "web/api.yaml"}, []string{"web"}, []string{"bypass.yaml"}, ""},
		"the specification":         {[2]string{"bypass.yaml", "by.yaml"}, []string{"web"}, []string{"by.yaml"}, warning("by.yaml", noSpec, worktree)},
		"it, among the manifests":   {[2]string{"both/bypass.yaml", "both/by.yaml"}, []string{"both"}, []string{"both/by.yaml"}, warning("both/by.yaml", "the ClusterBypass that was among the manifests counts as the earlier one", separately)},
		"it, as a path":             {[2]string{"bypass.yaml", "by.yaml"}, []string{"web", "by.yaml"}, nil, warning("by.yaml", noSpec, separately)},
		"one of two specifications": {[2]string{"bypass.yaml", "by.yaml"}, []string{"web"}, []string{"by.yaml", "second.yaml"}, warning("by.yaml", "all that it lets bypass counts as added", separately)},
		"the folder":                {[2]string{"web", "prod"}, []string{"prod"}, []string{"bypass.yaml"}, warning("prod", newWorkloads, worktree)},
		"a file":                    {[2]string{"web/web.yaml", "web/api.yaml"}, []string{"web/api.yaml"}, []string{"bypass.yaml"}, warning("web/api.yaml", newWorkloads, worktree)},
		"one of two folders":        {[2]string{"web", "prod"}, []string{"prod", "empty"}, []string{"bypass.yaml"}, warning("prod", newWorkloads, separately)},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, map[string]string{"web/web.yaml": webDeployment, "both/web.yaml": webDeployment, "both/bypass.yaml": bypassSpec, "bypass.yaml": first, "second.yaml": second, "empty/blank.yaml": "---\n"})
			committed(t, dir)
			t.Chdir(dir)
			require.NoError(t, os.Rename(test.renamed[0], test.renamed[1]))
			explain := append([]string{"explain", "--before", "main"}, test.paths...)
			for _, spec := range test.specs {
				explain = append(explain, "--spec", spec)
			}
			code, _, errOut := krmBypass("", explain...)
			assert.Zero(t, code)
			assert.Equal(t, test.says, errOut)

			_, out, _ := krmBypass("", append(explain, "-o", "json")...)
			var found struct{ Comparison struct{ Warnings []string } }
			require.NoError(t, json.Unmarshal([]byte(out), &found))
			var said strings.Builder
			for _, w := range found.Comparison.Warnings {
				said.WriteString("warning: " + w + "\n")
			}
			assert.Equal(t, test.says, said.String())
			seen, err := (&tree{in: inputs{specs: test.specs}, paths: test.paths, today: "2026-11-28", before: "main"}).See(t.Context(), nil)
			require.NoError(t, err)
			assert.Equal(t, strings.TrimSuffix(test.says, "\n"), strings.Join(seen.Said, "\n"))
			for _, format := range []string{"markdown", "html"} {
				_, out, _ := krmBypass("", append(explain, "-o", format)...)
				assert.Equal(t, test.says != "", strings.Contains(out, "is not in that revision"), format)
			}
		})
	}
}

// TestTheRemediesForWhatWasNotThere takes the advice of the warnings.
func TestTheRemediesForWhatWasNotThere(t *testing.T) {
	dir := folder(t, map[string]string{"now/web/web.yaml": webDeployment, "now/bypass.yaml": bypassSpec})
	committed(t, dir+"/now")
	t.Chdir(dir + "/now")
	gitRun(t, "worktree", "add", "--detach", "../earlier", "main")
	require.NoError(t, os.Rename("web", "prod"))
	require.NoError(t, os.Rename("bypass.yaml", "by.yaml"))
	require.NoError(t, os.WriteFile("by.yaml", []byte(strings.Replace(bypassSpec, "[5432]", "[6379]", 1)), 0o600))
	code, out, errOut := krmBypass("", "explain", "prod", "--spec", "by.yaml", "--before", "../earlier/bypass.yaml")
	assert.Zero(t, code)
	assert.Empty(t, errOut)
	assert.Contains(t, out, "pods restart (settings)\n  + excludeOutboundPorts  6379  [1]\n  - excludeOutboundPorts  5432  [2]\n")
	code, out, errOut = krmBypass("", "explain", "prod", "--spec", "by.yaml", "--before", "../earlier/web")
	assert.Zero(t, code)
	assert.Empty(t, errOut)
	assert.Contains(t, out, "0 of 1 workloads changed")
}

// TestErrorsNameTheRevision has a kustomization that is mended since the commit.
func TestErrorsNameTheRevision(t *testing.T) {
	dir := folder(t, map[string]string{"base/web.yaml": webDeployment, "base/kustomization.yaml": "resources: [nothere.yaml]\n", "app/kustomization.yaml": "resources: [../base]\n", "bypass.yaml": bypassSpec})
	committed(t, dir)
	require.NoError(t, os.WriteFile(dir+"/base/kustomization.yaml", []byte("resources: [web.yaml]\n"), 0o600))
	for _, here := range []string{dir, os.TempDir()} {
		t.Chdir(here)
		code, _, errOut := krmBypass("", "explain", dir+"/app", "--spec", dir+"/bypass.yaml", "--before", "main")
		assert.Equal(t, 1, code)
		assert.Equal(t, "error: main:base/kustomization.yaml: resources[0]: \"nothere.yaml\": no such file or folder: correct the path\n", errOut)
	}
}

// TestThePageNamesTheRevision has a workload that was refused at the commit, so that its
// lines of YAML cannot be compared.
func TestThePageNamesTheRevision(t *testing.T) {
	dir := folder(t, map[string]string{"web.yaml": webDeployment, "bypass.yaml": strings.Replace(bypassSpec, "AnnotationsOnly", "InitContainer", 1)})
	committed(t, dir)
	require.NoError(t, os.WriteFile(dir+"/bypass.yaml", []byte(bypassSpec), 0o600))
	code, out, errOut := krmBypass("", "explain", dir, "--before", "main", "-o", "html")
	assert.Zero(t, code, errOut)
	assert.Contains(t, out, "are not shown: error: main:")
	assert.NotContains(t, out, "krm-bypass-")
}
