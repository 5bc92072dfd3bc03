package main

import (
	"encoding/json"
	"html"
	"maps"
	"os"
	"path/filepath"
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
	assert.Equal(t, "warning: --before ../earlier/web: by.yaml is outside of PATH, and the folder holds no ClusterBypass, so what it says today counts for both states: to compare with an earlier one, copy that into the folder\n", errOut)
	assert.Contains(t, out, "0 of 1 workloads changed")

	require.NoError(t, os.Rename("../earlier/bypass.yaml", "../earlier/web/bypass.yaml"))
	code, out, errOut = krmBypass("", "explain", "prod", "--spec", "by.yaml", "--before", "../earlier/web")
	assert.Zero(t, code)
	assert.Empty(t, errOut)
	assert.Contains(t, out, "pods restart (settings)\n  + excludeOutboundPorts  6379  [1]\n  - excludeOutboundPorts  5432  [2]\n")
	_, out, _ = krmBypass("", "explain", "prod", "--spec", "by.yaml", "--before", "../earlier/web", "-o", "html")
	assert.Contains(t, out, "&#34;5432&#34;", "the page's lines of YAML are of the same earlier specification")

	require.NoError(t, os.WriteFile("../earlier/web/kustomization.yaml", []byte("resources: [web.yaml]\ntransformers: [bypass.yaml]\n"), 0o600))
	_, out, _ = krmBypass("", "explain", "prod", "--spec", "by.yaml", "--before", "../earlier/web")
	assert.Contains(t, out, "pods restart (settings)\n  + excludeOutboundPorts  6379  [1]\n  - excludeOutboundPorts  5432  [2]\n", "a kustomization that lists one")
}

// TestABrokenEarlierStateIsTold has a kustomization, or a specification, that is mended
// since the commit: who mends it wants to see what is so now.
func TestABrokenEarlierStateIsTold(t *testing.T) {
	base := map[string]string{"base/web.yaml": webDeployment, "base/kustomization.yaml": "resources: [web.yaml]\n", "app/kustomization.yaml": "resources: [../base]\n", "bypass.yaml": bypassSpec}
	for name, test := range map[string]struct{ file, broken, says string }{
		"a kustomization": {"base/kustomization.yaml", "resources: [nothere.yaml]\n", `main:base/kustomization.yaml: resources[0]: "nothere.yaml": no such file or folder: correct the path`},
		"a specification": {"bypass.yaml", strings.Replace(bypassSpec, "AnnotationsOnly", "AnnotationOnly", 1), `main:bypass.yaml:9: ClusterBypass cluster: spec.enforcement.mode: "AnnotationOnly" is not valid: did you mean AnnotationsOnly?`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, base)
			require.NoError(t, os.WriteFile(filepath.Join(dir, test.file), []byte(test.broken), 0o600))
			committed(t, dir)
			require.NoError(t, os.WriteFile(filepath.Join(dir, test.file), []byte(base[test.file]), 0o600))
			says := "--before main: the earlier state cannot be read, so nothing is compared with it: " + test.says
			for _, here := range []string{dir, os.TempDir()} {
				t.Chdir(here)
				for _, format := range explanationFormats.List() {
					code, out, errOut := krmBypass("", "explain", dir+"/app", "--spec", dir+"/bypass.yaml", "--before", "main", "-o", format)
					assert.Zero(t, code)
					assert.Equal(t, "warning: "+says+"\n", errOut)
					assert.Contains(t, out, "5432", "what is so now, as %s", format)
					assert.NotContains(t, out, "pods restart", format)
					assert.NotContains(t, out, "krm-bypass-1", format)
					switch format {
					case "json":
						var found struct{ Uncompared string }
						require.NoError(t, json.Unmarshal([]byte(out), &found))
						assert.Equal(t, says, found.Uncompared)
					case "markdown", "html":
						assert.Contains(t, out, "the earlier state cannot be read", format)
					}
				}
			}
			seen, err := (&tree{in: inputs{specs: []string{dir + "/bypass.yaml"}}, paths: []string{dir + "/app"}, today: "2026-11-28", before: "main"}).See(t.Context(), nil)
			require.NoError(t, err)
			assert.Equal(t, []string{"warning: " + says}, seen.Said)
		})
	}
}

// TestExplainReviewsWhatIsTakenAway takes away, after the commit, what lets traffic bypass.
func TestExplainReviewsWhatIsTakenAway(t *testing.T) {
	const (
		restarts = "1 of 1 workloads changed, and the pods of 1 restart\n"
		fewer    = "  - excludeOutboundPorts  5432  [1]\n"
		more     = "  + excludeOutboundPorts  5432  [1]\n"
		gone     = "0 of 0 workloads changed, and the pods of 0 restart\ngone: Deployment shop/web\n"
		noSpec   = "error: there is no ClusterBypass: "
	)
	remove := func(paths ...string) func(t *testing.T) {
		return func(t *testing.T) {
			for _, path := range paths {
				require.NoError(t, os.RemoveAll(path))
			}
		}
	}
	write := func(path, text string) func(t *testing.T) {
		return func(t *testing.T) { require.NoError(t, os.WriteFile(path, []byte(text), 0o600)) }
	}
	none := func(path string) string {
		return "warning: no ClusterBypass applies to " + path + " any more, so no rule counts there now\n"
	}
	removed := func(path, so string) string {
		return "warning: --before main: " + path + " is in that revision, and not here any more, so " + so + "\n"
	}
	const (
		noRule      = "none of its rules counts now: if it has another name now, give that with --spec"
		noWorkloads = "its workloads count as gone: if it has another name now, name that instead"
	)
	wired := "resources: [../base]\ntransformers: [bypass.yaml]\n"
	unwired := "resources: [../base]\n"
	for name, test := range map[string]struct {
		change    func(t *testing.T)
		args      string
		code      int
		out, says string
	}{
		"the spec among the manifests":      {remove("both/bypass.yaml"), "both", 0, restarts + "Deployment shop/web (both/web.yaml:2): pods restart (settings)\n" + fewer, none("both")},
		"the spec with a name of its own":   {remove("bypass.yaml"), "base/web.yaml --spec bypass.yaml", 0, restarts + "Deployment shop/web (base/web.yaml:2): pods restart (settings)\n" + fewer, removed("bypass.yaml", noRule)},
		"the wiring":                        {write("wired/kustomization.yaml", unwired), "wired", 0, fewer, none("wired")},
		"the wiring and the spec":           {func(t *testing.T) { write("wired/kustomization.yaml", unwired)(t); remove("wired/bypass.yaml")(t) }, "wired", 0, fewer, none("wired")},
		"the wiring of one of two":          {write("wired/kustomization.yaml", unwired), "wired again", 0, "1 of 2 workloads changed, and the pods of 1 restart\n", none("wired")},
		"the folder":                        {remove("both"), "both", 0, gone, removed("both", noWorkloads)},
		"the folder and a spec in it":       {remove("both"), "both --spec both/bypass.yaml", 0, gone, removed("both", noWorkloads) + removed("both/bypass.yaml", noRule)},
		"all manifests of the folder":       {func(t *testing.T) { remove("both/bypass.yaml", "both/web.yaml")(t); write("both/README", "")(t) }, "both", 0, gone, ""},
		"the last workload":                 {remove("both/web.yaml"), "both", 0, gone, ""},
		"nothing, the spec is new":          {write("plain/bypass.yaml", bypassSpec), "plain", 0, more, ""},
		"nothing, the wiring is new":        {write("unwired/kustomization.yaml", wired), "unwired", 0, more, ""},
		"nothing, and there is no spec":     {func(*testing.T) {}, "plain", 1, "", noSpec},
		"nothing, and one of two has none":  {func(*testing.T) {}, "wired unwired", 1, "", noSpec},
		"one, and another never had one":    {write("wired/kustomization.yaml", unwired), "wired unwired", 1, "", noSpec},
		"nothing, the spec is misspelt":     {func(*testing.T) {}, "plain --spec bypas.yaml", 1, "", "error: reading the spec: bypas.yaml: there is no such file or folder: did you mean bypass.yaml?"},
		"nothing, the path is misspelt":     {func(*testing.T) {}, "bot --spec bypass.yaml", 1, "", "error: reading manifests: bot: there is no such file or folder: did you mean both?"},
		"the spec, and the revision is not": {remove("both/bypass.yaml"), "both --before mian", 1, "", `error: --before: "mian" is neither a file or folder nor a revision`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, map[string]string{
				"base/web.yaml": webDeployment, "base/kustomization.yaml": "resources: [web.yaml]\n", "bypass.yaml": bypassSpec,
				"both/web.yaml": webDeployment, "both/bypass.yaml": bypassSpec, "plain/web.yaml": webDeployment,
				"wired/kustomization.yaml": wired, "wired/bypass.yaml": bypassSpec, "unwired/kustomization.yaml": unwired, "unwired/bypass.yaml": bypassSpec,
				"again/kustomization.yaml": wired + "namespace: again\n", "again/bypass.yaml": bypassSpec,
			})
			committed(t, dir)
			t.Chdir(dir)
			test.change(t)
			explain := append([]string{"explain"}, strings.Fields(test.args)...)
			if !strings.Contains(test.args, "--before") {
				explain = append(explain, "--before", "main")
			}
			code, out, errOut := krmBypass("", explain...)
			assert.Equal(t, test.code, code)
			assert.Contains(t, out, test.out)
			if test.code != 0 {
				assert.Contains(t, errOut, test.says)
				assert.Empty(t, out)
				return
			}
			assert.Equal(t, test.says, errOut)
			for _, format := range explanationFormats.List() {
				code, out, _ := krmBypass("", append(explain, "-o", format)...)
				assert.Zero(t, code, format)
				want := "5432"
				if test.out == gone {
					want = "web"
				}
				assert.Contains(t, out, want, format)
				assert.NotContains(t, out, "are not shown", format)
			}
		})
	}
}

// TestExplainTellsWhatAFolderLacks has a specification inside PATH.
func TestExplainTellsWhatAFolderLacks(t *testing.T) {
	dir := folder(t, map[string]string{"now/web.yaml": webDeployment, "now/bypass.yaml": bypassSpec, "then/web.yaml": webDeployment})
	t.Chdir(dir)
	code, out, errOut := krmBypass("", "explain", "now", "--spec", "now/bypass.yaml", "--before", "then")
	assert.Zero(t, code)
	assert.Contains(t, out, "  + excludeOutboundPorts  5432  [1]\n")
	assert.Equal(t, "warning: --before then: now/bypass.yaml is not in that folder, so there is no earlier specification to compare with, and all that it lets bypass counts as added: if it had another name there, give it the same name there\n", errOut)

	code, out, errOut = krmBypass("", "explain", "then", "--spec", "then/bypass.yaml", "--before", "now")
	assert.Zero(t, code)
	assert.Contains(t, out, "  - excludeOutboundPorts  5432  [1]\n")
	assert.Equal(t, "warning: --before now: then/bypass.yaml is in that folder, and not here any more, so none of its rules counts now: if it has another name now, give that with --spec\n", errOut)

	code, _, errOut = krmBypass("", "explain", "now", "--spec", "bypass.yaml", "--before", "then")
	assert.Equal(t, 1, code)
	assert.Equal(t, "error: reading the spec: bypass.yaml: there is no such file or folder: correct the path\n", errOut)
}

// TestASpecBesideTheRepository has manifests that are a git repository by themselves.
func TestASpecBesideTheRepository(t *testing.T) {
	dir := folder(t, map[string]string{"web/web.yaml": webDeployment, "bypass.yaml": bypassSpec, "web/by.yaml": bypassSpec})
	committed(t, dir+"/web")
	t.Chdir(dir)
	changed := strings.Replace(webDeployment, "web:1", "web:2", 1)
	require.NotEqual(t, webDeployment, changed)
	require.NoError(t, os.WriteFile("web/web.yaml", []byte(changed), 0o600))
	code, out, errOut := krmBypass("", "explain", "web/web.yaml", "--spec", "bypass.yaml", "--before", "main")
	assert.Zero(t, code)
	assert.Contains(t, out, "1 of 1 workloads changed, and the pods of 1 restart\nDeployment shop/web (web/web.yaml:2): pods restart (template)\n")
	assert.Equal(t, "warning: --before main: bypass.yaml is outside the git repository, so what it says today counts for both states: to compare with an earlier one, give that file with --before\n", errOut)

	code, out, errOut = krmBypass("", "explain", "web", "--spec", "web/by.yaml", "--before", "main")
	assert.Zero(t, code, errOut)
	assert.Contains(t, out, "1 of 1 workloads changed")
	assert.Empty(t, errOut)

	require.NoError(t, os.WriteFile("api.yaml", []byte(webDeployment), 0o600))
	code, _, errOut = krmBypass("", "explain", "web/web.yaml", "api.yaml", "--spec", "bypass.yaml", "--before", "main")
	assert.Equal(t, 1, code)
	assert.Contains(t, errOut, "error: --before: api.yaml is outside the git repository ")
	assert.Contains(t, errOut, ", so main says nothing about it: name it in a command of its own, or name a folder with the earlier state\n")
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

// TestExplainReviewsAFolderThatGoes names folders in every order. What a commit has is no
// workload.
func TestExplainReviewsAFolderThatGoes(t *testing.T) {
	t.Chdir(folder(t, map[string]string{
		"prod/web.yaml": webDeployment, "staging/web.yaml": strings.Replace(webDeployment, "name: web,", "name: gone,", 1),
		"old/web.yaml": strings.Replace(webDeployment, "name: web,", "name: old,", 1), "bypass.yaml": bypassSpec,
	}))
	committed(t, ".")
	require.NoError(t, os.RemoveAll("staging"))
	require.NoError(t, os.RemoveAll("old"))
	for _, paths := range []string{"prod staging old", "staging prod old", "staging old prod", "old prod staging prod/web.yaml"} {
		code, out, errOut := krmBypass("", append(append([]string{"explain"}, strings.Fields(paths)...), "--spec", "bypass.yaml", "--before", "main")...)
		assert.Zero(t, code, errOut)
		assert.Contains(t, out, "0 of 1 workloads changed, and the pods of 0 restart\n", paths)
		assert.Contains(t, out, "Deployment shop/gone", paths)
		assert.Contains(t, errOut, "warning: --before main: staging is in that revision, and not here any more", paths)
	}
	for _, workload := range []string{"web", "shop/web"} {
		code, out, errOut := krmBypass("", "explain", "prod", "staging", workload, "--spec", "bypass.yaml", "--before", "main")
		assert.Zero(t, code, errOut)
		assert.NotContains(t, out, "gone:", workload)
	}
}

// TestExplainTellsOfAnEarlierStateOfNothing has no workload where the earlier ones should be.
func TestExplainTellsOfAnEarlierStateOfNothing(t *testing.T) {
	t.Chdir(folder(t, map[string]string{
		"now/web.yaml": webDeployment, "now/bypass.yaml": bypassSpec,
		"empty/.keep": "", "text/README.md": "# to read\n", "service/web.yaml": webService, "then/web.yaml": webDeployment,
	}))
	for _, before := range []string{"empty", "text", "text/README.md", "service", "service/web.yaml", os.DevNull} {
		code, out, errOut := krmBypass("", "explain", "now", "--before", before)
		assert.Zero(t, code)
		assert.Contains(t, out, "1 of 1 workloads changed")
		assert.Equal(t, "warning: --before "+before+": there is no workload in it, so all workloads count as new, and which pods restart is not known: name a file or a folder with the earlier manifests, or a git revision\n", errOut)
	}
	const taken = "warning: --before then/web.yaml: it holds no ClusterBypass and counts as the earlier manifests, so "
	const remedy = ": to compare with an earlier ClusterBypass, give its file, or a folder or a revision with both\n"
	code, out, errOut := krmBypass("", "explain", "now", "--before", "then/web.yaml")
	assert.Zero(t, code)
	assert.Contains(t, out, "  + excludeOutboundPorts  5432  [1]\n")
	assert.Equal(t, taken+"all that a ClusterBypass lets bypass counts as added"+remedy, errOut)
	code, out, errOut = krmBypass("", "explain", "now/web.yaml", "--spec", "now/bypass.yaml", "--before", "then/web.yaml")
	assert.Zero(t, code)
	assert.Contains(t, out, "0 of 1 workloads changed")
	assert.Equal(t, taken+"what --spec says today counts for both states"+remedy, errOut)
}

// TestExplainTellsWhichOfTwoItTakes has a branch, and beside the manifests a folder or a
// file of the same name.
func TestExplainTellsWhichOfTwoItTakes(t *testing.T) {
	dir := folder(t, map[string]string{
		"now/web.yaml": webDeployment, "now/bypass.yaml": bypassSpec,
		"prod/web.yaml": webDeployment, "prod/bypass.yaml": strings.Replace(bypassSpec, "5432", "6379", 1),
		"spec": strings.Replace(bypassSpec, "5432", "80", 1), "broken/web.yaml": "a: [", "empty/a.txt": "",
	})
	t.Chdir(dir)
	committed(t, dir)
	for _, name := range []string{"prod", "spec", "broken", "empty"} {
		gitRun(t, "branch", name)
	}
	says := func(name, what string) string {
		return "--before " + name + " is a " + what + " here and a git revision too, and the " + what + " is taken: give --before refs/heads/" + name + " for the revision, or --before ./" + name + " for the " + what
	}
	for _, test := range []struct{ args, restart, says string }{
		{"now --before prod", "1 restart", says("prod", "folder")},
		{"now --before spec", "1 restart", says("spec", "file")},
		{"now --before broken", "", says("broken", "folder")},
		{"now --before empty", "0 restart", says("empty", "folder")},
		{"now --before refs/heads/prod", "0 restart", ""},
		{"now --before refs/heads/broken", "0 restart", ""},
		{"now --before ./prod", "1 restart", ""},
		{"now --before prod/", "1 restart", ""},
		{"now --before main", "0 restart", ""},
	} {
		code, out, errOut := krmBypass("", append([]string{"explain"}, strings.Fields(test.args)...)...)
		assert.Zero(t, code, errOut)
		assert.Contains(t, out, test.restart, test.args)
		if test.says == "" {
			assert.Empty(t, errOut, test.args)
		}
		assert.Contains(t, errOut, test.says, test.args)
	}
	code, _, errOut := krmBypass("", "explain", "now/web.yaml", "--spec", "now/bypass.yaml", "--before", "prod")
	assert.Equal(t, 1, code)
	assert.Equal(t, "error: --before: the folder prod can take the place of one folder only: name one folder as PATH; "+says("prod", "folder")+"\n", errOut)
	code, _, errOut = krmBypass(webDeployment, "explain", "-", "--spec", "now/bypass.yaml", "--before", "spec")
	assert.Equal(t, 1, code)
	assert.NotContains(t, errOut, "refs/heads", "standard input has no revision")
}

// TestFilesOfKustomizationsAreNotCompared names a folder above overlays that list a spec, now
// or before: what changes in what they build is in none of the files.
func TestFilesOfKustomizationsAreNotCompared(t *testing.T) {
	named := func(name string) string { return strings.ReplaceAll(webDeployment, "name: web", "name: "+name) }
	plain := map[string]string{
		"apps/base/kustomization.yaml": "resources: [web.yaml]\n", "apps/base/web.yaml": webDeployment,
		"apps/eu/kustomization.yaml": "namePrefix: eu-\nresources: [../base]\n", "apps/us/kustomization.yaml": "resources: [../base]\n",
	}
	wired := maps.Clone(plain)
	wired["bypass/kustomization.yaml"], wired["bypass/bypass.yaml"] = "resources: [bypass.yaml]\n", bypassSpec
	for _, overlay := range []string{"eu", "us"} {
		wired["apps/"+overlay+"/kustomization.yaml"] += "transformers: [../../bypass]\n"
	}
	bare := maps.Clone(wired)
	delete(bare, "apps/us/kustomization.yaml")
	flat, rendered, beside := maps.Clone(plain), maps.Clone(plain), maps.Clone(wired)
	flat["apps/eu/kustomization.yaml"] = "resources: [../base]\nimages: [{name: a, newTag: b}]\nreplicas: [{name: web, count: 2}]\n"
	code, text, errOut := krmBypass(webDeployment, "render", "-", "--spec", filepath.Join(folder(t, map[string]string{"spec.yaml": bypassSpec}), "spec.yaml"))
	require.Zero(t, code, errOut)
	rendered["apps/base/web.yaml"] = text
	beside["plain/deep/web.yaml"], beside["plain/api.yaml"], beside["root.yaml"], beside["plain/values.yaml"] = named("a"), named("b"), named("c"), "a: b\n"
	component := map[string]string{
		"web.yaml": webDeployment, "part/bypass.yaml": bypassSpec,
		"part/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\ntransformers: [bypass.yaml]\n",
	}
	both := []string{"main", "../then"}
	for name, test := range map[string]struct {
		was, is   map[string]string
		args      string
		tops      []string
		mentioned string
		before    []string
	}{
		"the spec goes":           {wired, plain, ".", []string{"apps/eu", "apps/us"}, "", both},
		"the spec comes":          {plain, wired, ".", []string{"apps/eu", "apps/us"}, "", both},
		"the spec stays":          {wired, wired, ".", []string{"apps/eu", "apps/us"}, "", both},
		"an overlay goes":         {wired, bare, ".", []string{"apps/eu", "apps/us"}, "", both},
		"the spec is outside":     {wired, plain, "apps --spec bypass/bypass.yaml", []string{"apps/eu", "apps/us"}, " --spec bypass/bypass.yaml", []string{"main"}},
		"the spec is given":       {plain, plain, "apps --spec spec.yaml", []string{"apps/eu", "apps/us"}, " --spec spec.yaml", []string{"main"}},
		"overlays change nothing": {flat, flat, "apps --spec spec.yaml", nil, "", both},
		"files are rendered":      {plain, rendered, "apps --spec spec.yaml", nil, "", both},
		"files are beside":        {beside, beside, ".", []string{"apps/eu", "apps/us", "plain --spec bypass/bypass.yaml", "root.yaml --spec bypass/bypass.yaml"}, "", []string{"main"}},
		"a component alone":       {component, component, ".", nil, "", both},
	} {
		t.Run(name, func(t *testing.T) {
			test.was, test.is = maps.Clone(test.was), maps.Clone(test.is)
			if strings.HasSuffix(test.args, " spec.yaml") {
				test.was["spec.yaml"], test.is["spec.yaml"] = bypassSpec, bypassSpec
			}
			t.Chdir(folder(t, map[string]string{}))
			files := func(dir string, all map[string]string) {
				for path, text := range all {
					require.NoError(t, os.MkdirAll(filepath.Dir(dir+path), 0o700))
					require.NoError(t, os.WriteFile(dir+path, []byte(text), 0o600))
				}
			}
			files("then/", test.was)
			files("now/", test.was)
			committed(t, "now")
			t.Chdir("now")
			for path := range test.was {
				require.NoError(t, os.Remove(path))
			}
			files("", test.is)
			for _, before := range test.before {
				folder := strings.Fields(test.args)[0]
				then := before
				if before != "main" && folder != "." {
					then = filepath.Join(before, folder)
				}
				for _, format := range []string{"table", "html", "json"} {
					code, out, errOut := krmBypass("", append(append([]string{"explain"}, strings.Fields(test.args)...), "--before", then, "-o", format)...)
					if test.tops == nil {
						assert.Zero(t, code, errOut)
						continue
					}
					var calls []string
					for _, top := range test.tops {
						if before == "main" {
							calls = append(calls, "krm-bypass explain "+top+test.mentioned+" --before main")
						} else if isThere(top) {
							calls = append(calls, "krm-bypass explain "+top+test.mentioned+" --before ../then/"+top)
						}
					}
					assert.Equal(t, 1, code)
					assert.Empty(t, out)
					assert.Contains(t, errOut, "error: --before "+then+": nothing is compared: "+folder+": it holds kustomizations, and their files are read as they stand, without what the kustomizations change: name what you deploy: "+strings.Join(calls, ", ")+"\n")
				}
			}
		})
	}
}

// TestDoubtsAreInWhatOneOpens warns of what was not read in each format that is opened alone.
func TestDoubtsAreInWhatOneOpens(t *testing.T) {
	t.Chdir(folder(t, map[string]string{
		"k/base/kustomization.yaml": "resources: [web.yaml]\n", "k/base/web.yaml": webDeployment, "k/bypass.yaml": bypassSpec,
		"k/kustomization.yaml": "", "k/eu/kustomization.yaml": "resources: [../base]\ntransformers: [../bypass.yaml]\n",
		"hidden/web.yaml": webDeployment, "hidden/bypass.yaml": bypassSpec, "hidden/.secret/web.yaml": webDeployment,
	}))
	require.NoError(t, os.Remove("k/kustomization.yaml"))
	for args, doubt := range map[string]string{
		"k":                      "k: it holds kustomizations, and their files are read as they stand",
		"hidden":                 "hidden/.secret/web.yaml: not read, because its folder is hidden",
		"hidden --before hidden": "hidden/.secret/web.yaml: not read, because its folder is hidden",
	} {
		for _, format := range []string{"html", "markdown", "json"} {
			code, out, errOut := krmBypass("", append(append([]string{"explain"}, strings.Fields(args)...), "-o", format)...)
			assert.Zero(t, code, errOut)
			assert.Equal(t, 1, strings.Count(strings.ReplaceAll(html.UnescapeString(out), "`", ""), doubt), "%s %s", args, format)
			assert.Equal(t, 1, strings.Count(errOut, doubt), "%s %s", args, format)
		}
	}
}

// TestARuleThatAChangeBringsForNobodyIsTold has one such rule that was there before, and now
// stands elsewhere.
func TestARuleThatAChangeBringsForNobodyIsTold(t *testing.T) {
	rule := func(names string) string {
		return "  - {match: {names: [" + names + "]}, excludeOutboundPorts: [5432]}\n"
	}
	head := strings.Split(bypassSpec, "spec:")[0] + "spec:\n  enforcement: {mode: AnnotationsOnly}\n  workloads:\n"
	t.Chdir(folder(t, map[string]string{
		"web.yaml": webDeployment, "then.yaml": head + rule("ledger") + rule("web, api"),
		"now.yaml": head + rule("'*-payments'") + rule("web, orders") + rule("ledger"),
	}))
	told := map[string]string{
		"table":    "since this change these reach nobody:\n  spec.workloads[0]                 nobody here  now.yaml:11\n  spec.workloads[1].match.names[1]  nobody here  now.yaml:12\n",
		"wide":     "since this change these reach nobody:\n  spec.workloads[0]                 nobody here  now.yaml:11\n  spec.workloads[1].match.names[1]  nobody here  now.yaml:12\n0 of",
		"markdown": "- **since this change** `spec.workloads[0]` in `now.yaml:11` reaches nobody here\n- `spec.workloads[2]` in `now.yaml:13` reaches nobody here\n- **since this change** `spec.workloads[1].match.names[1]` in",
		"html":     `<li><span class="tag draft">new</span> <code>spec.workloads[0]</code>  <span class="muted">now.yaml:11</span></li><li><code>spec.workloads[2]</code>`,
		"json":     "    \"unreached\": [\n      {\n        \"path\": \"spec.workloads[0]\",\n",
	}
	for format, want := range told {
		code, out, errOut := krmBypass("", "explain", "web.yaml", "--spec", "now.yaml", "--before", "then.yaml", "-o", format)
		assert.Zero(t, code, errOut)
		assert.Contains(t, out, want, format)
		code, out, errOut = krmBypass("", "explain", "web.yaml", "web", "--spec", "now.yaml", "--before", "then.yaml", "-o", format)
		assert.Zero(t, code, errOut)
		assert.NotContains(t, out, "since this change", format)
	}
}

// TestExplainNamesASpecThatStoodBeside has a plain folder, and the file beside it that held
// its spec is gone.
func TestExplainNamesASpecThatStoodBeside(t *testing.T) {
	t.Chdir(folder(t, map[string]string{"k8s/web.yaml": webDeployment, "bypass.yaml": bypassSpec, "other.yaml": webService}))
	committed(t, ".")
	require.NoError(t, os.Remove("bypass.yaml"))
	for _, path := range []string{"k8s", "k8s/", "./k8s"} {
		code, out, errOut := krmBypass("", "explain", path, "--before", "main")
		assert.Equal(t, 1, code)
		assert.Empty(t, out)
		assert.Contains(t, errOut, "error: there is no ClusterBypass: ")
		assert.Contains(t, errOut, "error: --before main: bypass.yaml holds a ClusterBypass there: to compare with it, give --spec bypass.yaml, even if it is gone now\n")
		assert.Equal(t, 2, strings.Count(errOut, "\n"), errOut)
	}
	code, out, errOut := krmBypass("", "explain", "k8s", "--before", "main", "--spec", "bypass.yaml")
	assert.Zero(t, code, errOut)
	assert.Contains(t, out, "1 of 1 workloads changed, and the pods of 1 restart\n")
}
