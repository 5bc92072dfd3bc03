package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestAllowNonePassesOverWhatIsGone runs the commands of a pipeline that names the same paths
// and specification in every run.
func TestAllowNonePassesOverWhatIsGone(t *testing.T) {
	const (
		gonePath = "warning: prod: not there, and passed over, as --allow-none says\n"
		goneSpec = "warning: --spec bypass.yaml: not there, and passed over, as --allow-none says\n"
		noSpec   = ": no ClusterBypass applies, which passes as --allow-none says\n"
	)
	for name, test := range map[string]struct {
		files map[string]string
		args  string
		code  map[string]int // without the flag
		says  string
	}{
		"one of two paths": {
			map[string]string{"web/web.yaml": webDeployment, "bypass.yaml": bypassSpec},
			"web prod --spec bypass.yaml", map[string]int{"lint": 2, "explain": 1, "render": 1}, gonePath,
		},
		"the first of them": {
			map[string]string{"web/web.yaml": webDeployment, "bypass.yaml": bypassSpec},
			"prod web --spec bypass.yaml", map[string]int{"lint": 2, "explain": 1, "render": 1}, gonePath,
		},
		"all paths":         {nil, "prod", map[string]int{"lint": 2, "explain": 1, "render": 1, "check": 2}, gonePath},
		"an empty folder":   {map[string]string{"web/README": ""}, "web", map[string]int{"lint": 2, "explain": 1, "render": 1, "check": 2}, "warning: web: the folder holds no .yaml, .yml or .json file, and it is passed over, as --allow-none says\n"},
		"the specification": {map[string]string{"web/web.yaml": webDeployment}, "web --spec bypass.yaml", map[string]int{"lint": 2, "explain": 1, "render": 1, "check": 2}, goneSpec + "warning: web" + noSpec},
		"the specification that a kustomization listed": {
			map[string]string{"web/web.yaml": webDeployment, "web/kustomization.yaml": "resources: [web.yaml]\n"},
			"web", map[string]int{"lint": 2, "explain": 1, "render": 1, "check": 2}, "warning: web" + noSpec,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(folder(t, test.files))
			for command, code := range test.code {
				args := append([]string{command}, strings.Fields(test.args)...)
				is, _, _ := krmBypass("", args...)
				assert.Equal(t, code, is, "%s without the flag", command)
				is, out, errOut := krmBypass("", append(args, "--allow-none")...)
				assert.Zero(t, is, "%s: %s", command, out)
				assert.Equal(t, test.says, errOut, command)
				if _, hasWeb := test.files["web/web.yaml"]; command == "render" {
					assert.Equal(t, hasWeb, strings.Contains(out, "kind: Deployment"), "what is there is rendered")
				}
			}
		})
	}
}

// TestAllowNoneFailsForWhatIsWrong has the flag hide no mistake.
func TestAllowNoneFailsForWhatIsWrong(t *testing.T) {
	t.Chdir(folder(t, map[string]string{"web/web.yaml": webDeployment, "bypass.yaml": bypassSpec, "wrong.yaml": "a: [", "k/kustomization.yaml": "resources: [web.yaml]\n", "k/web.yaml": webDeployment, "k/bypass.yaml": bypassSpec}))
	for args, says := range map[string]string{
		"check web --allow-none --spec bypass.yaml": "render it with krm-bypass",
		"check wrong.yaml --allow-none":             "wrong.yaml",
		// Somebody forgot to list it.
		"check k --allow-none": "there is no ClusterBypass: give one with --spec, or list one",
	} {
		code, out, errOut := krmBypass("", strings.Fields(args)...)
		assert.NotZero(t, code, args)
		assert.Contains(t, out+errOut, says, args)
	}
	// The specification goes, and what it wrote is forgotten.
	code, _, errOut := krmBypass("", "render", "--in-place", "web", "--spec", "bypass.yaml")
	require.Zero(t, code, errOut)
	require.NoError(t, os.Remove("bypass.yaml"))
	for _, command := range []string{"check", "lint"} {
		code, out, _ := krmBypass("", command, "web", "--spec", "bypass.yaml", "--allow-none")
		assert.Equal(t, 1, code)
		assert.Contains(t, out, "web/web.yaml:2: Deployment shop/web: error: ClusterBypass cluster wrote to it, and no ClusterBypass applies here any more")
		assert.Contains(t, out, "krm-bypass render --remove cluster --in-place")
	}
	code, _, errOut = krmBypass("", "render", "--remove", "cluster", "--in-place", "web")
	require.Zero(t, code, errOut)
	code, out, _ := krmBypass("", "check", "web", "--spec", "bypass.yaml", "--allow-none")
	assert.Zero(t, code, out)
	assert.Equal(t, "no ClusterBypass applies to 1 object, 0 left alone\n", out)
}

// TestAllowNoneComparesWithWhatIsGone takes away a path, then the specification, and runs
// explain in the next change, too.
func TestAllowNoneComparesWithWhatIsGone(t *testing.T) {
	t.Chdir(folder(t, map[string]string{"web/web.yaml": webDeployment, "prod/api.yaml": strings.ReplaceAll(webDeployment, "name: web", "name: api"), "bypass.yaml": bypassSpec}))
	committed(t, ".")
	explain := []string{"explain", "web", "prod", "--spec", "bypass.yaml", "--before", "HEAD", "--allow-none"}
	require.NoError(t, os.RemoveAll("prod"))
	code, out, errOut := krmBypass("", explain...)
	assert.Zero(t, code, errOut)
	assert.Contains(t, out, "gone: Deployment shop/api")
	assert.Contains(t, errOut, "prod is in that revision, and not here any more")

	require.NoError(t, os.Remove("bypass.yaml"))
	code, out, errOut = krmBypass("", explain...)
	assert.Zero(t, code, errOut)
	assert.Contains(t, out, "the pods of 1 restart")

	gitRun(t, "commit", "--quiet", "--all", "--message=gone")
	for _, rest := range [][]string{explain, {"explain", "prod", "web", "--before", "HEAD", "--allow-none"}} {
		code, out, errOut = krmBypass("", rest...)
		assert.Zero(t, code, errOut)
		assert.Contains(t, out, "0 of 1 workloads changed")
		assert.Contains(t, errOut, "--before HEAD: prod is neither in that revision nor here, and is passed over, as --allow-none says")
		assert.Contains(t, errOut, "no ClusterBypass applies to web, nor did one in the earlier state")
	}
}

// TestAllowNonePassesOverNoSlip keeps a misspelt path from switching the gate off for good.
func TestAllowNonePassesOverNoSlip(t *testing.T) {
	files := map[string]string{"bypass/bypass.yaml": bypassSpec, "elsewhere/other.yaml": webDeployment}
	for _, name := range []string{"production", "staging-1", "staging-2"} {
		files["overlays/"+name+"/web.yaml"] = webDeployment
	}
	t.Chdir(folder(t, files))
	committed(t, ".")
	const hint = "? If it is gone, take it out of the command: --allow-none passes over no path that is so near to another"
	for args, says := range map[string]string{
		"overlays/productio --spec bypass/bypass.yaml":                    "overlays/productio: there is no such file or folder: did you mean overlays/production" + hint,
		"overlays/production overlay/staging-1 --spec bypass/bypass.yaml": "overlay/staging-1: there is no such file or folder: did you mean overlays/staging-1" + hint,
		"overlays/production --spec bypass/bypas.yaml":                    "bypass/bypas.yaml: there is no such file or folder: did you mean bypass/bypass.yaml" + hint,
		"overlays/productio overlays/staging-1 --spec bypass/bypass.yaml": "did you mean overlays/production" + hint,
	} {
		for _, command := range []string{"check", "lint", "render", "explain", "explain --before HEAD"} {
			code, out, errOut := krmBypass("", append(strings.Fields(command+" "+args), "--allow-none")...)
			assert.NotZero(t, code, "%s %s", command, args)
			assert.Empty(t, out, "%s %s", command, args)
			assert.Contains(t, errOut, says, "%s %s", command, args)
		}
	}
	// The one beside it is named, too, so that it is not the one that was meant.
	require.NoError(t, os.RemoveAll("overlays/staging-2"))
	paths := strings.Fields("overlays/production overlays/staging-1 ./overlays/staging-2/ --spec bypass/bypass.yaml --allow-none")
	code, _, errOut := krmBypass("", append([]string{"lint"}, paths...)...)
	assert.Zero(t, code, errOut)
	assert.Contains(t, errOut, "warning: ./overlays/staging-2/: not there, and passed over")
	// The earlier state has it.
	code, _, errOut = krmBypass("", "explain", "overlays/production", "overlays/staging-2", "--spec", "bypass/bypass.yaml", "--allow-none", "--before", "HEAD")
	assert.Zero(t, code, errOut)
	assert.Contains(t, errOut, "overlays/staging-2 is in that revision, and not here any more")
	// Who does not know the flag is told of it, where nothing is near.
	for _, args := range []string{"overlays/production --spec spec.yaml", "base --spec bypass/bypass.yaml"} {
		_, _, errOut = krmBypass("", append([]string{"check"}, strings.Fields(args)...)...)
		assert.Contains(t, errOut, "there is no such file or folder: correct the path, or give --allow-none if it was taken away")
	}
	_, _, errOut = krmBypass("", "check", "overlays/productio", "--spec", "bypass/bypass.yaml")
	assert.NotContains(t, errOut, "--allow-none")
}

// TestReportsSayWhatIsPassedOver has whoever reads a report alone see what was not judged.
func TestReportsSayWhatIsPassedOver(t *testing.T) {
	t.Chdir(folder(t, map[string]string{"web/web.yaml": webDeployment, "web/.secret/web.yaml": webDeployment}))
	for _, command := range []string{"check", "lint"} {
		for _, format := range []string{"json", "yaml", "sarif", "junit", "gitlab", "github"} {
			_, out, errOut := krmBypass("", command, "web", "prod", "--allow-none", "-o", format)
			for _, doubt := range []string{"prod: not there, and passed over, as --allow-none says", "web: no ClusterBypass applies, which passes as --allow-none says", "web/.secret/web.yaml: not read, because its folder is hidden"} {
				if format == "github" {
					assert.Contains(t, out, "::warning title=krm-bypass::"+doubt)
				}
				assert.Equal(t, 1, strings.Count(out, doubt), "%s %s", command, format)
				assert.Equal(t, 1, strings.Count(errOut, doubt), "%s %s", command, format)
			}
		}
	}
}

// TestALinkToNowhereIsNotMisspelt names where it leads.
func TestALinkToNowhereIsNotMisspelt(t *testing.T) {
	t.Chdir(folder(t, map[string]string{"web.yaml": webDeployment}))
	require.NoError(t, os.Symlink("gone.yaml", "dangling.yaml"))
	for _, args := range []string{"dangling.yaml", "web.yaml --spec dangling.yaml", "dangling.yaml --allow-none", "web.yaml --spec dangling.yaml --allow-none"} {
		code, _, errOut := krmBypass("", append([]string{"check"}, strings.Fields(args)...)...)
		assert.Equal(t, 2, code)
		assert.Contains(t, errOut, "dangling.yaml: it is a link to gone.yaml, and nothing is there: mend or remove it")
		assert.NotContains(t, errOut, "did you mean")
	}
}
