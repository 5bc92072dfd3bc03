package argocd

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	commitclient "github.com/argoproj/argo-cd/v3/commitserver/apiclient"
	"github.com/argoproj/argo-cd/v3/commitserver/commit"
	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/util/git"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestHydratedBranch has repo-server render the dry source, the commit server write the
// branch, and then somebody change the branch by hand: the gate of docs/argocd.md.
func TestHydratedBranch(t *testing.T) {
	app := application(t, "application-hydrated.yaml")
	hydrator := app.Spec.SourceHydrator
	require.NotNil(t, hydrator)
	require.NotNil(t, hydrator.HydrateTo, "what is applied is not what Argo CD pushes")
	dry := hydrator.GetDrySource()
	app.Spec.Source = &dry

	clone := checkout(t, nil)
	shell := func(command string, env ...string) (string, error) {
		sh := exec.Command("sh", "-ec", command)
		sh.Dir = clone
		sh.Env = append(os.Environ(), append(env, "PATH="+tools+":"+os.Getenv("PATH"))...)
		said, err := sh.CombinedOutput()
		return strings.TrimSpace(string(said)), err
	}
	said, err := shell("git init -q -b main .; git config user.name t; git config user.email t@example.com; git add .; git commit -q -m first; git update-ref refs/remotes/origin/main main; git rev-parse HEAD")
	require.NoError(t, err, said)
	sha := said

	manifests, err := generate(t.Context(), app, clone)
	require.NoError(t, err)
	said, err = shell("git switch -q --orphan " + hydrator.HydrateTo.TargetBranch)
	require.NoError(t, err, said)
	details := &commitclient.PathDetails{Path: hydrator.SyncSource.Path}
	for _, manifest := range manifests {
		details.Manifests = append(details.Manifests, &commitclient.HydratedManifestDetails{ManifestJSON: manifest})
	}
	root, err := os.OpenRoot(clone)
	require.NoError(t, err)
	defer root.Close()
	client, err := git.NewClientExt("file://"+clone, clone, git.NopCreds{}, false, false, "", "")
	require.NoError(t, err)
	changed, err := commit.WriteForPaths(root, dry.RepoURL, sha, &v1alpha1.RevisionMetadata{}, []*commitclient.PathDetails{details}, client, "rendered\n")
	require.NoError(t, err)
	assert.True(t, changed)
	said, err = shell("git add .; git commit -q -m hydrated; git status --short")
	require.NoError(t, err, said)
	assert.Empty(t, said)

	page, err := os.ReadFile(filepath.Join(repository, "docs/argocd.md"))
	require.NoError(t, err)
	gate := regexp.MustCompile("(?s)```sh\n(.*?)```").FindSubmatch(page)
	require.NotNil(t, gate)
	check := func() (string, error) { return shell(string(gate[1]), "RUNNER_TEMP="+t.TempDir()) }
	said, err = check()
	require.NoError(t, err, said)
	assert.Contains(t, said, "1 object matches what krm-bypass writes", "it has looked at the workload")

	file := filepath.Join(clone, hydrator.SyncSource.Path, commit.ManifestYaml)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	byHand := strings.Replace(string(text), excludeOutboundPorts+`: "3306"`, excludeOutboundPorts+`: "3306,443"`, 1)
	require.NotEqual(t, string(text), byHand)
	require.NoError(t, os.WriteFile(file, []byte(byHand), 0o600))
	said, err = check()
	require.Error(t, err, said)
	assert.Contains(t, said, excludeOutboundPorts)
	assert.Contains(t, said, "1 of 1 object differs")

	// Somebody renders by a spec of theirs, and names its commit.
	require.NoError(t, os.WriteFile(file, text, 0o600))
	metadata := filepath.Join(clone, hydrator.SyncSource.Path, "hydrator.metadata")
	known, err := os.ReadFile(metadata)
	require.NoError(t, err)
	require.Contains(t, string(known), sha)
	theirs, err := shell("git switch -q --detach main; git commit -q --allow-empty -m theirs; git rev-parse HEAD; git switch -q " + hydrator.HydrateTo.TargetBranch)
	require.NoError(t, err, theirs)
	for name, forged := range map[string]string{"a commit that is not on main": theirs, "no commit": "", "a flag": "--output=examples"} {
		require.NoError(t, os.WriteFile(metadata, []byte(strings.Replace(string(known), sha, forged, 1)), 0o600))
		said, err = check()
		assert.Error(t, err, "%s: %s", name, said)
	}
	require.NoError(t, os.WriteFile(metadata, known, 0o600))
	said, err = check()
	assert.NoError(t, err, said)
}
