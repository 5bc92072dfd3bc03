package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestExplain(t *testing.T) {
	dir := folder(t, map[string]string{"app/web.yaml": webDeployment, "app/service.yaml": webService, "bypass.yaml": bypassSpec})
	app, spec := filepath.Join(dir, "app"), filepath.Join(dir, "bypass.yaml")

	code, out, errOut := krmBypass("", "explain", app, "--spec", spec, "-o", "wide")
	assert.Zero(t, code, errOut)
	assert.Empty(t, errOut)
	assert.Contains(t, out, "Deployment shop/web ("+app+"/web.yaml:2): written, mode AnnotationsOnly by spec.enforcement.mode "+spec+":9\n")
	assert.Regexp(t, `3306 +- +spec\.global\.excludeOutboundPorts\[0\] \S+/bypass\.yaml:10 +3306 lost to spec\.namespaces\[0\]\.excludeOutboundPorts \S+:12\n`, out)
	assert.Regexp(t, `5432 +5432 +spec\.namespaces\[0\]\.excludeOutboundPorts\[0\] \S+/bypass\.yaml:12 +annotation\n`, out)

	_, table, _ := krmBypass(webDeployment, "explain", "-", "web", "--spec", spec)
	assert.Contains(t, table, "Deployment shop/web (standard input:2): written")

	for _, args := range [][]string{{"web"}, {"deployment/shop/web"}, {"--workload", "shop/web"}} {
		code, one, errOut := krmBypass("", append([]string{"explain", app, "--spec", spec, "-o", "wide"}, args...)...)
		assert.Zero(t, code, errOut)
		_, web, _ := strings.Cut(out, "Deployment shop/web (")
		assert.Equal(t, "Deployment shop/web ("+web, one)
	}
	code, _, errOut = krmBypass("", "explain", app, "wbe", "--spec", spec)
	assert.Equal(t, 1, code)
	assert.Equal(t, "error: \"wbe\" matches no workload in the manifests: did you mean Deployment/shop/web?\n", errOut)

	// What the function has written says the same.
	_, rendered, _ := krmBypass("", "render", app, "--spec", spec)
	_, again, _ := krmBypass(rendered, "explain", "-", "--spec", spec, "-o", "wide")
	assert.Regexp(t, `5432 +5432 +spec\.namespaces\[0\]\.excludeOutboundPorts\[0\] \S+/bypass\.yaml:12 +annotation\n`, again)
}

func TestExplainAnswers(t *testing.T) {
	dir := folder(t, map[string]string{"web.yaml": webDeployment, "bypass.yaml": bypassSpec})
	for _, test := range []struct{ flag, value, says string }{
		{"--to", "10.1.2.3:5432", "Deployment shop/web: 10.1.2.3:5432 bypassed by excludeOutboundPorts\n  5432  [1]\n\n[1] " + dir + "/bypass.yaml:12 spec.namespaces[0].excludeOutboundPorts\n"},
		{"--to", "[fd00::1]:5432/UDP", "Deployment shop/web: [fd00::1]:5432/UDP bypassed by excludeOutboundPorts\n"},
		{"--to", "10.1.2.3:3306", "Deployment shop/web: 10.1.2.3:3306 intercepted: no entry covers it, so it is left to the mesh\n"},
		{"--from-port", "9090", "Deployment shop/web: inbound port 9090 intercepted: "},
	} {
		t.Run(test.value, func(t *testing.T) {
			code, out, errOut := krmBypass("", "explain", dir, test.flag, test.value)
			assert.Zero(t, code, errOut)
			assert.Contains(t, out, test.says)
		})
	}
}

func TestExplainReadsWhatRenderReads(t *testing.T) {
	dir := folder(t, map[string]string{"app/web.yaml": webDeployment, "app/kustomization.yaml": "resources: [web.yaml]\ntransformers: [../bypass.yaml]\n", "bypass.yaml": bypassSpec})
	code, out, errOut := krmBypass("", "explain", filepath.Join(dir, "app"), "-o", "json")
	assert.Zero(t, code, errOut)
	var report struct {
		Workloads []struct {
			Name, File string
			Line       int
			Fields     []struct {
				Entries []struct {
					From struct {
						File string
						Line int
					}
				}
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(out), &report))
	require.Len(t, report.Workloads, 1)
	assert.Equal(t, "web", report.Workloads[0].Name)
	assert.Equal(t, 2, report.Workloads[0].Line, "in the file that it is built from")
	assert.Equal(t, 12, report.Workloads[0].Fields[0].Entries[1].From.Line)
}

// TestExplainOfAComponent has the spec applied before the overlay's prefix, which is in the
// name by which the cluster knows the workload.
func TestExplainOfAComponent(t *testing.T) {
	dir := folder(t, map[string]string{
		"app/web.yaml": webDeployment, "app/kustomization.yaml": "namePrefix: eu-\nresources: [web.yaml]\ncomponents: [../bypass]\n",
		"bypass/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\ntransformers: [bypass.yaml]\n", "bypass/bypass.yaml": bypassSpec,
	})
	code, out, errOut := krmBypass("", "explain", filepath.Join(dir, "app"))
	assert.Zero(t, code, errOut)
	assert.Regexp(t, `(?m)^Deployment shop/eu-web \(\S+\): written`, out)
	assert.Contains(t, out, "bypass/bypass.yaml:12")
}

// TestExplainTellsOfExpiry has two kustomizations of one specification, of which each
// cause is told once.
func TestExplainTellsOfExpiry(t *testing.T) {
	rule := func(name, day string) string {
		return "  - {name: " + name + ", match: {names: [web]}, expires: " + day + ", excludeOutboundPorts: [3306]}\n"
	}
	dir := folder(t, map[string]string{
		"a/web.yaml": webDeployment, "a/kustomization.yaml": "resources: [web.yaml]\n",
		"b/web.yaml": webDeployment, "b/kustomization.yaml": "resources: [web.yaml]\n",
		"bypass.yaml": bypassSpec + "  workloads:\n" + rule("old", "2026-10-31") + rule("soon", "2026-11-14") + rule("later", "2026-11-16") + strings.Replace(rule("gone", "2026-10-31"), "[web]", "[nobody]", 1) + strings.Replace(rule("off", "2026-10-31"), "{", "{suspend: true, ", 1),
	})
	code, out, errOut := krmBypass("", "explain", dir+"/a", dir+"/b", "--spec", dir+"/bypass.yaml", "--now", "2026-11-01")
	assert.Zero(t, code, "who asks what is in force is told")
	assert.Empty(t, errOut, "it is in the report")
	assert.Contains(t, out, "findings: expired error (2), expiring warning (1)\n")
	assert.Regexp(t, `(?m)^  spec\.workloads\[0\] old +2 workloads, and nothing of it holds there, EXPIRED on 2026-10-31 +line 14$`, out)
	assert.Regexp(t, `(?m)^  spec\.workloads\[3\] gone +nobody here, EXPIRED on 2026-10-31 +line 17$`, out)
	assert.Regexp(t, `(?m)^  spec\.workloads\[4\] off +nobody: suspended +line 18$`, out)
	assert.NotContains(t, out, "EXPIRED on 2026-11")
}

func TestExplainCompares(t *testing.T) {
	later := strings.Replace(bypassSpec, "[5432]", "[5432, 6379]", 1)
	dir := folder(t, map[string]string{
		"before/web.yaml": webDeployment, "before/bypass.yaml": bypassSpec,
		"after/web.yaml": webDeployment, "after/bypass.yaml": later,
		"elsewhere.yaml": bypassSpec,
	})
	before, after := filepath.Join(dir, "before"), filepath.Join(dir, "after")
	says := "1 of 1 workloads changed, and the pods of 1 restart\n" +
		"Deployment shop/web (" + after + "/web.yaml:2): pods restart (settings)\n" +
		"  + excludeOutboundPorts  6379  [1]\n\n" +
		"[1] " + after + "/bypass.yaml:12 spec.namespaces[0].excludeOutboundPorts\n"
	for name, args := range map[string][]string{
		"the folder, with the spec in it": {after, "--before", before},
		"the folder, and the spec in it":  {after, "--spec", after + "/bypass.yaml", "--before", before},
		"the specification":               {after + "/web.yaml", "--spec", after + "/bypass.yaml", "--before", dir + "/elsewhere.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errOut := krmBypass("", append([]string{"explain"}, args...)...)
			assert.Zero(t, code, errOut)
			assert.Empty(t, errOut)
			assert.Equal(t, says, out)
		})
	}
	require.NoError(t, os.Remove(before+"/bypass.yaml"))
	code, out, errOut := krmBypass("", "explain", after, "--before", before)
	assert.Zero(t, code, errOut)
	assert.Contains(t, out, "  + excludeOutboundPorts  5432, 6379  [1]\n", "there was no specification yet")
	code, out, errOut = krmBypass("", "explain", after+"/web.yaml", "--spec", after+"/bypass.yaml", "--before", before+"/web.yaml")
	assert.Zero(t, code, errOut)
	assert.Equal(t, "0 of 1 workloads changed, and the pods of 0 restart\n", out, "an earlier manifest")
}

// committed makes a folder a repository with its files in the one commit of main.
func committed(t *testing.T, dir string) {
	t.Helper()
	gitRun(t, "-C", dir, "init", "--quiet", "--initial-branch=main")
	gitRun(t, "-C", dir, "add", ".")
	gitRun(t, "-C", dir, "commit", "--quiet", "--message=first")
}

func gitRun(t *testing.T, args ...string) {
	t.Helper()
	said, err := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"}, args...)...).CombinedOutput()
	require.NoError(t, err, "%s", said)
}

// TestExplainComparesWithARevision has a repository of which only the worktree
// has the change.
func TestExplainComparesWithARevision(t *testing.T) {
	dir := folder(t, map[string]string{
		"base/web.yaml": webDeployment, "base/kustomization.yaml": "resources: [web.yaml]\n",
		"app/kustomization.yaml": "resources: [../base]\n", "bypass.yaml": bypassSpec,
	})
	committed(t, dir)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "bypass.yaml"), []byte(strings.Replace(bypassSpec, "[5432]", "[6379]", 1)), 0o644))
	t.Chdir(dir)
	code, out, errOut := krmBypass("", "explain", "app", "--spec", "bypass.yaml", "--before", "main")
	assert.Zero(t, code, errOut)
	assert.Empty(t, errOut)
	assert.Equal(t, `1 of 1 workloads changed, and the pods of 1 restart
Deployment shop/web (base/web.yaml:2): pods restart (settings)
  + excludeOutboundPorts  6379  [1]
  - excludeOutboundPorts  5432  [2]

[1] bypass.yaml:12 spec.namespaces[0].excludeOutboundPorts
[2] main:bypass.yaml:12 spec.namespaces[0].excludeOutboundPorts
`, out)

	// What was not there is new, and no specification lets nothing bypass.
	require.NoError(t, os.WriteFile("new.yaml", []byte(webDeployment), 0o644))
	code, out, errOut = krmBypass("", "explain", "new.yaml", "--spec", "bypass.yaml", "--before", "main")
	assert.Zero(t, code, errOut)
	assert.Contains(t, out, "Deployment shop/web (new.yaml:2): new, written\n")
	require.NoError(t, os.Rename("bypass.yaml", "other.yaml"))
	code, out, errOut = krmBypass("", "explain", "app", "--spec", "other.yaml", "--before", "main")
	assert.Zero(t, code, errOut)
	assert.Contains(t, out, "Deployment shop/web (base/web.yaml:2): pods restart (settings)\n  + excludeOutboundPorts  6379  ")
	require.NoError(t, os.Rename("other.yaml", "bypass.yaml"))

	for name, test := range map[string]struct {
		args []string
		says string
	}{
		"no revision":        {[]string{"app", "--before", "release-1"}, `error: --before: "release-1" is neither a file or folder nor a revision of the git repository `},
		"standard input":     {[]string{"-", "--before", "main"}, "error: --before: standard input has no revision main: name files or folders\n"},
		"several for one":    {[]string{"app", "new.yaml", "--before", "base"}, "error: --before: the folder base can take the place of one folder only: name one folder as PATH\n"},
		"both at once":       {[]string{"app", "--before", "main", "--to", "10.1.2.3:80"}, "error: --to and --before cannot be used together"},
		"an unknown format":  {[]string{"app", "-o", "xml"}, `error: --output: "xml" is not valid: use one of table, wide, json, yaml, csv, markdown, html`},
		"no destination":     {[]string{"app", "--to", "db:5432"}, `error: --to: "db:5432" is not an address and a port`},
		"no port":            {[]string{"app", "--from-port", "http"}, `error: --from-port: "http" is not a port`},
		"no such file":       {[]string{"./deployment.yaml"}, "deployment.yaml"},
		"no path":            {nil, "error: explain needs files"},
		"a day that is none": {[]string{"app", "--now", "soon"}, `error: --now: "soon" is not a day`},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errOut := krmBypass(webDeployment, append([]string{"explain", "--spec", "bypass.yaml"}, test.args...)...)
			assert.Equal(t, 1, code)
			assert.Empty(t, out)
			assert.Contains(t, errOut, test.says)
		})
	}
}

func TestExplainOfASpecThatCannotBeRead(t *testing.T) {
	dir := folder(t, map[string]string{"web.yaml": webDeployment, "bypass.yaml": strings.Replace(bypassSpec, "5432", "0", 1)})
	code, out, errOut := krmBypass("", "explain", dir)
	assert.Equal(t, 1, code)
	assert.Empty(t, out)
	assert.Contains(t, errOut, "bypass.yaml:12: ClusterBypass cluster: spec.namespaces[0].excludeOutboundPorts[0]: ")

	dir = folder(t, map[string]string{"web.yaml": webDeployment + "  broken: [\n", "bypass.yaml": bypassSpec})
	code, out, errOut = krmBypass("", "explain", dir)
	assert.Equal(t, 1, code, "what cannot be read is not explained")
	assert.Empty(t, out)
	assert.Contains(t, errOut, "web.yaml:10: reading the document: ")
	var broken strings.Builder
	good := folder(t, map[string]string{"web.yaml": webDeployment, "bypass.yaml": bypassSpec})
	assert.Equal(t, 1, run([]string{"explain", good}, strings.NewReader(""), brokenWriter{}, &broken))
	assert.Equal(t, "error: writing standard output: no space left\n", broken.String())
}

// What is passed over in an earlier state is nobody's concern today.
func TestExplainWarnsOfTodayAlone(t *testing.T) {
	dir := folder(t, map[string]string{"now/web.yaml": webDeployment, "then/web.yaml": webDeployment, "now/bypass.yaml": bypassSpec, "then/bypass.yaml": bypassSpec})
	for _, name := range []string{"now", "then"} {
		require.NoError(t, os.Symlink(dir, filepath.Join(dir, name, "all")))
	}
	code, _, errOut := krmBypass("", "explain", filepath.Join(dir, "now"), "--before", filepath.Join(dir, "then"))
	assert.Zero(t, code)
	assert.Equal(t, "warning: "+dir+"/now/all: skipped, because it is a link to a folder: name the folder itself\n", errOut)
}

// TestExplainWarnsOfWhatWasAskedFor has a misspelt annotation on each of two workloads.
func TestExplainWarnsOfWhatWasAskedFor(t *testing.T) {
	web := strings.Replace(webDeployment, "labels: {app: web}}", "labels: {app: web}, annotations: {traffic.sidecar.istio.io/excludeOutboundPort: \"1\"}}", 1)
	dir := folder(t, map[string]string{"web.yaml": web, "api.yaml": strings.ReplaceAll(web, "web", "api"), "bypass.yaml": bypassSpec})
	for name, test := range map[string]struct {
		args  []string
		warns []string
		info  string
	}{
		"everything":             {nil, []string{"api", "web"}, ""},
		"one":                    {[]string{"web"}, []string{"web"}, "info: 1 warning is about something else, and not shown: krm-bypass lint lists all\n"},
		"its connection":         {[]string{"shop/web", "--to", "10.0.0.1:443"}, []string{"web"}, "info: 1 warning is about something else, and not shown: krm-bypass lint lists all\n"},
		"everybody's connection": {[]string{"--from-port", "9090"}, nil, "info: 2 warnings are about something else, and not shown: krm-bypass lint lists all\n"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errOut := krmBypass("", append([]string{"explain", dir}, test.args...)...)
			assert.Zero(t, code)
			assert.NotEmpty(t, out)
			assert.Equal(t, len(test.warns), strings.Count(errOut, "warning: "), errOut)
			for _, of := range test.warns {
				assert.Contains(t, errOut, "Deployment shop/"+of+": ")
			}
			assert.True(t, strings.HasSuffix(errOut, test.info), errOut)
			assert.Equal(t, test.info != "", strings.Contains(errOut, "info: "), errOut)
		})
	}
}
