package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/page"
)

// laidOut writes files into a folder that is the working folder of the test.
func laidOut(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for path, text := range files {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
}

const (
	treeSpec = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: bypass}\nspec:\n  mesh: Istio\n  enforcement: {mode: AnnotationsOnly}\n  global:\n    excludeOutboundPorts: [3306] # MySQL\n"
	treePod  = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec:\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec:\n      containers:\n      - {name: web, image: web, env: [{name: PASSWORD, value: hunter2}]}\n"
)

// TestATextStandsInThePlaceOfTheFile asks what another text would do, wherever the
// specification stands.
func TestATextStandsInThePlaceOfTheFile(t *testing.T) {
	for name, test := range map[string]struct {
		files map[string]string
		paths []string
		spec  string
	}{
		"beside the manifests": {map[string]string{"bypass.yaml": treeSpec, "m/web.yaml": treePod}, []string{"m"}, "bypass.yaml"},
		"among them":           {map[string]string{"m/bypass.yaml": treeSpec, "m/web.yaml": treePod}, []string{"m"}, "m/bypass.yaml"},
		"named among them":     {map[string]string{"bypass.yaml": treeSpec, "web.yaml": treePod}, []string{"bypass.yaml", "web.yaml"}, "./bypass.yaml"},
		"in one file":          {map[string]string{"all.yaml": treeSpec + "---\n" + treePod}, []string{"all.yaml"}, "all.yaml"},
		"listed":               {map[string]string{"kustomization.yaml": "resources: [web.yaml]\ntransformers: [bypass.yaml]\n", "bypass.yaml": treeSpec, "web.yaml": treePod}, []string{"."}, "bypass.yaml"},
		"listed by a base": {map[string]string{
			"kustomization.yaml": "resources: [base]\n", "base/kustomization.yaml": "resources: [web.yaml]\ntransformers: [bypass.yaml]\n", "base/bypass.yaml": treeSpec, "base/web.yaml": treePod,
		}, []string{"."}, "base/bypass.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			laidOut(t, test.files)
			tree, err := newTree(inputs{specs: []string{test.spec}}, test.paths, "", "2026-11-28")
			require.NoError(t, err)
			spec, err := tree.Spec()
			require.NoError(t, err)
			text := bytes.Replace(spec.Text, []byte("3306"), []byte("3307"), 1)
			for want, text := range map[string][]byte{"3306": nil, "3307": text} {
				seen, err := tree.See(t.Context(), text)
				require.NoError(t, err)
				require.Empty(t, seen.Problems)
				require.Len(t, seen.Explanation.Workloads, 1)
				assert.Equal(t, []string{want}, seen.Explanation.Workloads[0].Fields[0].Effective)
				shows := seen.Rendering().Of(seen.Explanation.Workloads[0].ResourceRef)
				assert.Contains(t, shows, `+        traffic.sidecar.istio.io/excludeOutboundPorts: "`+want+`"`)
				assert.NotContains(t, shows, "hunter2")
			}
			changes, err := tree.Changes(t.Context(), spec.Text, text)
			require.NoError(t, err)
			assert.Empty(t, changes.Problems)
			assert.Equal(t, 1, changes.Explanation.Comparison.Restarted)
			assert.Contains(t, changes.Manifests, `-        traffic.sidecar.istio.io/excludeOutboundPorts: "3306"`)
			assert.Contains(t, changes.Manifests, `+        traffic.sidecar.istio.io/excludeOutboundPorts: "3307"`)
			assert.NotContains(t, changes.Manifests, "ClusterBypass", "the specification is shown by itself")
			assert.Nil(t, mustSee(t, tree).Explanation.Workloads[0].Change, "a comparison leaves alone what it compares")
		})
	}
}

// TestWhatIsSeenIsRenderedAhead: whoever opens a workload need not wait.
func TestWhatIsSeenIsRenderedAhead(t *testing.T) {
	laidOut(t, map[string]string{"bypass.yaml": treeSpec, "m/web.yaml": treePod})
	tree, err := newTree(inputs{specs: []string{"bypass.yaml"}}, []string{"m"}, "", "2026-11-28")
	require.NoError(t, err)
	var later []func()
	tree.ahead = func(render func()) { later = append(later, render) }
	seen := mustSee(t, tree)
	require.Len(t, later, 1)
	later[0]()
	require.NoError(t, os.RemoveAll("m"))
	assert.Empty(t, seen.Rendering().Problems, "it was rendered before the file went")
	assert.Contains(t, seen.Rendering().Of(seen.Explanation.Workloads[0].ResourceRef), "3306")
}

func mustSee(t *testing.T, tree *tree) *page.Seen {
	t.Helper()
	seen, err := tree.See(t.Context(), nil)
	require.NoError(t, err)
	return seen
}

// TestWhatIsWrongIsShown has each of these tell what it is about, and go on once it is
// mended.
func TestWhatIsWrongIsShown(t *testing.T) {
	good := map[string]string{"bypass.yaml": treeSpec, "m/web.yaml": treePod}
	for name, test := range map[string]struct {
		spoil func()
		says  string
	}{
		"a spec that does not parse":      {func() { _ = os.WriteFile("bypass.yaml", []byte("spec: ["), 0o600) }, "bypass.yaml:1"},
		"a spec that says what is wrong":  {func() { _ = os.WriteFile("bypass.yaml", []byte(strings.Replace(treeSpec, "3306", "70000", 1)), 0o600) }, "bypass.yaml:8: ClusterBypass bypass: spec.global.excludeOutboundPorts[0]"},
		"a manifest that does not parse":  {func() { _ = os.WriteFile("m/web.yaml", []byte("apiVersion: v1\nkind: [\n"), 0o600) }, "m/web.yaml:"},
		"a spec that is gone":             {func() { _ = os.Remove("bypass.yaml") }, "bypass.yaml: there is no such file or folder"},
		"a folder that is gone":           {func() { _ = os.RemoveAll("m") }, "m: there is no such file or folder"},
		"a folder without manifests":      {func() { _ = os.Remove("m/web.yaml") }, "the folder holds no .yaml"},
		"a spec that is a folder":         {func() { _ = os.Remove("bypass.yaml"); _ = os.Mkdir("bypass.yaml", 0o755) }, "bypass.yaml is a folder"},
		"a manifest that leads elsewhere": {func() { _ = os.Symlink("/etc/hostname", "m/x.yaml") }, "outside the folder"},
	} {
		t.Run(name, func(t *testing.T) {
			laidOut(t, good)
			tree, err := newTree(inputs{specs: []string{"bypass.yaml"}}, []string{"m"}, "", "2026-11-28")
			require.NoError(t, err)
			require.Empty(t, mustSee(t, tree).Problems)
			test.spoil()
			assert.Contains(t, strings.Join(mustSee(t, tree).Problems, "\n"), test.says)
			_, err = tree.Spec()
			require.NoError(t, err)
			for _, path := range []string{"bypass.yaml", "m/x.yaml"} {
				_ = os.Remove(path)
			}
			for path, text := range good {
				require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
				require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
			}
			assert.Empty(t, mustSee(t, tree).Problems)
		})
	}
}

// TestThePageFindsWhatLintFinds holds the findings of the page, which come from what
// explains the manifests, to those of lint, which looks for them alone.
func TestThePageFindsWhatLintFinds(t *testing.T) {
	specs, err := filepath.Glob("../../testdata/golden/*/*/spec.yaml")
	require.NoError(t, err)
	compared := 0
	for _, spec := range specs {
		manifests := filepath.Join(filepath.Dir(spec), "input.yaml")
		var out, errOut bytes.Buffer
		if code := run([]string{"lint", manifests, "--spec", spec, "-o", "json", "--now", "2026-11-28"}, strings.NewReader(""), &out, &errOut); code > 1 {
			continue // the page shows why
		}
		tree := &tree{in: inputs{specs: []string{spec}}, paths: []string{manifests}, today: "2026-11-28"}
		seen, err := tree.See(t.Context(), nil)
		require.NoError(t, err)
		if seen.Problems != nil {
			continue // explain refuses what lint can tell of
		}
		compared++
		found, err := json.MarshalIndent(seen.Findings, "", "  ")
		require.NoError(t, err)
		assert.JSONEq(t, out.String(), string(found), spec)
	}
	assert.Greater(t, compared, 200)
}

// TestThePageSaysWhatIsPassedOver has a file beside the manifests that holds no object.
func TestThePageSaysWhatIsPassedOver(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{"bypass.yaml": treeSpec, "web.yaml": treePod, "values.yaml": "replicas: 2\n"} {
		require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
	}
	tree := &tree{in: inputs{specs: []string{"bypass.yaml"}}, paths: []string{"."}, today: "2026-11-28"}
	seen, err := tree.See(t.Context(), nil)
	require.NoError(t, err)
	assert.Contains(t, strings.Join(seen.Said, "\n"), "values.yaml")
}

// TestTheSpecificationIsFound names none: the page changes the one that applies, and says
// why where there is none.
func TestTheSpecificationIsFound(t *testing.T) {
	other := strings.Replace(treeSpec, "{name: bypass}", "{name: other}", 1)
	for name, test := range map[string]struct {
		files      map[string]string
		path       string
		spec, none string
		named      []string
	}{
		"in a folder":       {map[string]string{"m/bypass.yaml": treeSpec, "m/web.yaml": treePod}, "m", "m/bypass.yaml", "", nil},
		"in one file":       {map[string]string{"all.yaml": treeSpec + "---\n" + treePod}, "all.yaml", "all.yaml", "", nil},
		"with a mistake":    {map[string]string{"m/bypass.yaml": strings.Replace(treeSpec, "3306", "70000", 1), "m/web.yaml": treePod}, "m", "m/bypass.yaml", "", nil},
		"listed":            {map[string]string{"kustomization.yaml": "resources: [web.yaml]\ntransformers: [bypass.yaml]\n", "bypass.yaml": treeSpec, "web.yaml": treePod}, ".", "bypass.yaml", "", nil},
		"listed, a mistake": {map[string]string{"kustomization.yaml": "resources: [web.yaml]\ntransformers: [bypass.yaml]\n", "bypass.yaml": strings.Replace(treeSpec, "3306", "70000", 1), "web.yaml": treePod}, ".", "bypass.yaml", "", nil},
		"listed by a base":  {map[string]string{"o/kustomization.yaml": "resources: [../base]\n", "base/kustomization.yaml": "resources: [web.yaml]\ntransformers: [bypass.yaml]\n", "base/bypass.yaml": treeSpec, "base/web.yaml": treePod}, "o", "base/bypass.yaml", "", nil},
		"listed by a component": {map[string]string{
			"kustomization.yaml": "resources: [web.yaml]\ncomponents: [c]\n", "c/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\ntransformers: [bypass.yaml]\n", "c/bypass.yaml": treeSpec, "web.yaml": treePod,
		}, ".", "c/bypass.yaml", "", nil},
		"a resource": {map[string]string{"kustomization.yaml": "resources: [web.yaml, bypass.yaml]\n", "bypass.yaml": treeSpec, "web.yaml": treePod}, ".", "bypass.yaml", "", nil},
		"within a kustomization": {map[string]string{
			"kustomization.yaml": "resources: [web.yaml]\ntransformers:\n- |-\n  " + strings.ReplaceAll(treeSpec, "\n", "\n  ") + "\n", "web.yaml": treePod,
		}, ".", "", "put it into a file of its own", nil},
		"made": {map[string]string{
			"kustomization.yaml": "resources: [web.yaml]\ntransformers: [specs]\n", "specs/kustomization.yaml": "resources: [bypass.yaml]\nnamePrefix: eu-\n", "specs/bypass.yaml": treeSpec, "web.yaml": treePod,
		}, ".", "", "is put together by specs/kustomization.yaml: change the files", nil},
		"made, and named": {map[string]string{
			"specs/kustomization.yaml": "resources: [bypass.yaml]\nnamePrefix: eu-\n", "specs/bypass.yaml": treeSpec, "web.yaml": treePod,
		}, "web.yaml", "", "is put together by specs/kustomization.yaml: change the files", []string{"specs"}},
		"several":           {map[string]string{"m/a.yaml": treeSpec, "m/b.yaml": other, "m/web.yaml": treePod}, "m", "", "m/a.yaml, m/b.yaml: start with --spec", nil},
		"several, listed":   {map[string]string{"kustomization.yaml": "resources: [web.yaml]\ntransformers: [a.yaml, b.yaml]\n", "a.yaml": treeSpec, "b.yaml": other, "web.yaml": treePod}, ".", "", "a.yaml, b.yaml: start with --spec", nil},
		"none":              {map[string]string{"m/web.yaml": treePod}, "m", "", "krm-bypass init", nil},
		"none, as it seems": {map[string]string{"m/web.yaml": "# krm-bypass writes here\n" + treePod}, "m", "", "krm-bypass init", nil},
		"nothing to read":   {map[string]string{"m/web.yaml": "a: [\n", "m/kustomization.yaml": "resources: [gone.yaml]\n"}, "m", "", "mend them", nil},
	} {
		t.Run(name, func(t *testing.T) {
			laidOut(t, test.files)
			tree, err := newTree(inputs{specs: test.named}, []string{test.path}, "", "2026-11-28")
			require.NoError(t, err)
			spec, err := tree.Spec()
			require.NoError(t, err)
			assert.Equal(t, test.spec, spec.Path)
			if test.spec == "" {
				assert.Contains(t, spec.Locked, test.none)
				require.ErrorContains(t, tree.Save(nil, []byte("new")), test.none)
				return
			}
			assert.Empty(t, spec.Locked)
			text := bytes.Replace(bytes.Replace(spec.Text, []byte("3306"), []byte("3307"), 1), []byte("70000"), []byte("3307"), 1)
			seen, err := tree.See(t.Context(), text)
			require.NoError(t, err)
			require.Empty(t, seen.Problems)
			require.Len(t, seen.Explanation.Workloads, 1)
			assert.Equal(t, []string{"3307"}, seen.Explanation.Workloads[0].Fields[0].Effective)
			require.NoError(t, tree.Save(spec.Text, text))
			assert.Equal(t, []string{"3307"}, mustSee(t, tree).Explanation.Workloads[0].Fields[0].Effective)
		})
	}
}

// TestAPipeIsNotReadAgain has pipes where the page wants files, from which nothing comes.
func TestAPipeIsNotReadAgain(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, syscall.Mkfifo("pipe", 0o600))
	require.NoError(t, os.WriteFile("bypass.yaml", []byte(treeSpec), 0o644))
	require.NoError(t, os.WriteFile("web.yaml", []byte(treePod), 0o644))
	_, err := newTree(inputs{specs: []string{"pipe"}}, []string{"web.yaml"}, "", "2026-11-28")
	require.ErrorContains(t, err, "pipe is not a regular file")
	_, err = newTree(inputs{specs: []string{"bypass.yaml"}}, []string{"pipe"}, "", "2026-11-28")
	require.ErrorContains(t, err, "pipe is not a regular file")

	tree, err := newTree(inputs{specs: []string{"bypass.yaml"}}, []string{"web.yaml"}, "", "2026-11-28")
	require.NoError(t, err)
	for _, path := range []string{"web.yaml", "bypass.yaml"} {
		require.NoError(t, os.Remove(path))
		require.NoError(t, syscall.Mkfifo(path, 0o600))
		seen, err := tree.See(t.Context(), nil)
		require.NoError(t, err)
		assert.Contains(t, strings.Join(seen.Problems, "\n"), path+" is not a regular file")
	}
	spec, err := tree.Spec()
	require.NoError(t, err)
	assert.Contains(t, spec.Locked, "is not a regular file")
}

// TestNothingElsewhereIsRewritten has a manifest outside of the working folder.
func TestNothingElsewhereIsRewritten(t *testing.T) {
	elsewhere := filepath.Join(t.TempDir(), "web.yaml")
	require.NoError(t, os.WriteFile(elsewhere, []byte(treePod), 0o644))
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("bypass.yaml", []byte(treeSpec), 0o644))
	tree, err := newTree(inputs{specs: []string{"bypass.yaml"}}, []string{elsewhere}, "", "2026-11-28")
	require.NoError(t, err)
	_, err = tree.Rewrite(tree.InPlace())
	require.ErrorContains(t, err, "is not below the working folder")
	text, err := os.ReadFile(elsewhere)
	require.NoError(t, err)
	assert.Equal(t, treePod, string(text))
}

// TestOfManySavesAtOnceOneIsDone: the others began with a text that is there no more.
func TestOfManySavesAtOnceOneIsDone(t *testing.T) {
	laidOut(t, map[string]string{"bypass.yaml": treeSpec, "m/web.yaml": treePod})
	tree, err := newTree(inputs{specs: []string{"bypass.yaml"}}, []string{"m"}, "", "2026-11-28")
	require.NoError(t, err)
	was := []byte(treeSpec)
	for round := range 30 {
		texts := make([][]byte, 8)
		wrong := make([]error, len(texts))
		var all sync.WaitGroup
		for i := range texts {
			texts[i] = fmt.Appendf(nil, "%s# %d.%d\n", treeSpec, round, i)
			all.Go(func() { wrong[i] = tree.Save(was, texts[i]) })
		}
		all.Wait()
		is, err := os.ReadFile("bypass.yaml")
		require.NoError(t, err)
		for i, err := range wrong {
			if err == nil {
				require.Equal(t, string(texts[i]), string(is), "what was saved is there")
				continue
			}
			require.ErrorIs(t, err, page.ErrChanged)
		}
		was = is
	}
}

// TestTheRevisionIsReadAnew: a commit moves HEAD while no file changes.
func TestTheRevisionIsReadAnew(t *testing.T) {
	laidOut(t, map[string]string{"bypass.yaml": treeSpec, "m/web.yaml": treePod})
	committed(t, ".")
	require.NoError(t, os.WriteFile("m/web.yaml", []byte(strings.ReplaceAll(treePod, "web", "other")), 0o644))
	tree, err := newTree(inputs{specs: []string{"bypass.yaml"}}, []string{"m"}, "HEAD", "2026-11-28")
	require.NoError(t, err)
	see := func() *page.Seen {
		seen, err := tree.See(context.Background(), nil)
		require.NoError(t, err)
		return seen
	}
	before, state := see(), tree.State()
	assert.Equal(t, 1, before.Explanation.Comparison.Changed)
	assert.Regexp(t, `^HEAD \([0-9a-f]{12}\)$`, before.Since)
	committed(t, ".")
	require.Eventually(t, func() bool { return tree.State() != state }, 10*time.Second, 50*time.Millisecond, "the page is told")
	after := see()
	assert.Zero(t, after.Explanation.Comparison.Changed)
	assert.NotEqual(t, before.Since, after.Since)

	tree, err = newTree(inputs{specs: []string{"bypass.yaml"}}, []string{"m"}, "bypass.yaml", "2026-11-28")
	require.NoError(t, err)
	assert.Equal(t, "bypass.yaml", see().Since)
	assert.Equal(t, "1", tree.State())
}

// TestALineMoreChangesNoFinding has so many rules for other manifests that one finding lists
// them.
func TestALineMoreChangesNoFinding(t *testing.T) {
	spec := "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: bypass}\nspec:\n  enforcement: {mode: AnnotationsOnly}\n  namespaces:\n  - match: {names: [shop]}\n    excludeOutboundPorts: [3306]\n"
	for i := range 11 {
		spec += fmt.Sprintf("  - {match: {names: [other%d]}, excludeOutboundPorts: [80]}\n", i)
	}
	laidOut(t, map[string]string{"bypass.yaml": spec, "m/web.yaml": treePod})
	tree, err := newTree(inputs{specs: []string{"bypass.yaml"}}, []string{"m"}, "", "2026-11-28")
	require.NoError(t, err)
	more := strings.Replace(spec, "[3306]\n", "[3306]\n    reason: a database\n", 1)
	changes, err := tree.Changes(context.Background(), []byte(spec), []byte(more))
	require.NoError(t, err)
	seen, err := tree.See(context.Background(), []byte(spec))
	require.NoError(t, err)
	assert.Contains(t, fmt.Sprint(seen.Findings.Subjects), "and 1 more reach no workload here")
	assert.NotRegexp(t, `line \d`, fmt.Sprint(seen.Findings.Subjects))
	assert.Empty(t, changes.Appear)
	assert.Empty(t, changes.Go)
}
