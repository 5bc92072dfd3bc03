package argocd

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/reposerver/apiclient"
	reposerver "github.com/argoproj/argo-cd/v3/reposerver/repository"
	"github.com/argoproj/argo-cd/v3/util/git"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// application reads an Application of examples/argocd as strictly as a cluster.
func application(t *testing.T, file string) v1alpha1.Application {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, "examples", "argocd", file))
	require.NoError(t, err)
	var read v1alpha1.Application
	require.NoError(t, yaml.UnmarshalStrict(text, &read))
	return read
}

type parameter = v1alpha1.ApplicationSourcePluginParameter

// with is the Application with parameters, in the place of those of their name.
func with(app v1alpha1.Application, parameters ...parameter) v1alpha1.Application {
	app = *app.DeepCopy()
	plugin := app.Spec.Source.Plugin
	for _, given := range parameters {
		plugin.Parameters = slices.DeleteFunc(plugin.Parameters, func(p parameter) bool { return p.Name == given.Name })
		plugin.Parameters = append(plugin.Parameters, given)
	}
	return app
}

func text(name, value string) parameter {
	return parameter{Name: name, String_: &value}
}

func list(name string, values ...string) parameter {
	return parameter{Name: name, OptionalArray: &v1alpha1.OptionalArray{Array: values}}
}

// checkout is a clone of the repository that the Applications name: its examples,
// with files written over them. A file without text is taken away.
func checkout(t testing.TB, over map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, os.CopyFS(filepath.Join(folder, "examples"), os.DirFS(filepath.Join(repository, "examples"))))
	for path, text := range over {
		path = filepath.Join(folder, path)
		if text == "" {
			require.NoError(t, os.Remove(path))
			continue
		}
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return folder
}

// generate is what repo-server does for an Application once it has cloned the
// repository, up to the manifests that the controller would apply.
func generate(ctx context.Context, app v1alpha1.Application, clone string, options ...func(*apiclient.ManifestRequest)) ([]string, error) {
	source := app.Spec.Source.DeepCopy()
	request := &apiclient.ManifestRequest{
		Repo:              &v1alpha1.Repository{Repo: source.RepoURL},
		Revision:          source.TargetRevision,
		AppName:           app.Name,
		Namespace:         app.Spec.Destination.Namespace,
		ProjectName:       app.Spec.Project,
		ApplicationSource: source,

		AnnotationManifestGeneratePaths: app.Annotations[v1alpha1.AnnotationKeyManifestGeneratePaths],

		KubeVersion: "v1.35.0",
		ApiVersions: []string{"v1", "apps/v1", "batch/v1"},
	}
	for _, option := range options {
		option(request)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute) // as the controller gives it
	defer cancel()
	response, err := reposerver.GenerateManifests(ctx, filepath.Join(clone, source.Path), clone, "0123456789abcdef0123456789abcdef01234567",
		request, false, git.NoopCredsStore{}, resource.MustParse("0"), nil,
		// reposerver.plugin.use.manifest.generate.paths, which docs/argocd.md advises.
		reposerver.WithCMPUseManifestGeneratePaths(true))
	if err != nil {
		return nil, err
	}
	return response.Manifests, nil
}

// objects are manifests by kind and name.
type objects map[string]string

func byName(t *testing.T, manifests []string) objects {
	t.Helper()
	found := objects{}
	for _, manifest := range manifests {
		var meta metav1.PartialObjectMetadata
		require.NoError(t, json.Unmarshal([]byte(manifest), &meta))
		name := meta.Kind + "/" + meta.Name
		require.NotContains(t, found, name)
		found[name] = manifest
	}
	return found
}

// template is the pod template of a Deployment among the manifests.
func (o objects) template(t *testing.T, name string) corev1.PodTemplateSpec {
	t.Helper()
	require.Contains(t, o, "Deployment/"+name)
	var deployment appsv1.Deployment
	require.NoError(t, json.Unmarshal([]byte(o["Deployment/"+name]), &deployment))
	return deployment.Spec.Template
}
