package argocd

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/argoproj/argo-cd/v3/cmpserver/apiclient"
	"github.com/argoproj/argo-cd/v3/cmpserver/plugin"
	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/util/app/discovery"
	"github.com/argoproj/argo-cd/v3/util/cmp"
	"github.com/golang/protobuf/ptypes/empty"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/yaml"
)

const (
	excludeOutboundPorts = "traffic.sidecar.istio.io/excludeOutboundPorts"
	initContainer        = "krm-bypass-init"
)

// The server reads its configuration loosely, so a misspelt field would be no
// error there.
func TestPluginConfigurationIsWhatArgoCDReads(t *testing.T) {
	for _, folder := range []string{"sidecar", "helm-sidecar"} {
		text, err := os.ReadFile(filepath.Join(repository, "examples", "argocd", folder, "plugin.yaml"))
		require.NoError(t, err)
		var config plugin.PluginConfig
		require.NoError(t, yaml.UnmarshalStrict(text, &config), folder)
		assert.NoError(t, plugin.ValidatePluginConfig(config), folder)
		assert.False(t, config.Spec.PreserveFileMode, "%s: nothing of the repository has to be executable", folder)
	}
}

// client speaks to a sidecar as repo-server does.
func client(t *testing.T, name string) apiclient.ConfigManagementPluginServiceClient {
	t.Helper()
	closer, client, err := apiclient.NewConfigManagementPluginClientSet(filepath.Join(plugins, name+".sock")).NewConfigManagementPluginClient()
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, closer.Close()) })
	return client
}

func TestCheck(t *testing.T) {
	for name := range images {
		answer, err := client(t, name).CheckPluginConfiguration(t.Context(), &empty.Empty{})
		require.NoError(t, err, name)
		assert.False(t, answer.IsDiscoveryConfigured, "%s takes only the applications that name it", name)
		assert.False(t, answer.ProvideGitCreds, "%s has no use for credentials", name)
	}
}

func TestMatch(t *testing.T) {
	clone := checkout(t, nil)
	app := filepath.Join(clone, "examples/argocd/shop")
	for name := range images {
		stream, err := client(t, name).MatchRepository(t.Context())
		require.NoError(t, err)
		require.NoError(t, cmp.SendRepoStream(t.Context(), app, clone, stream, nil, nil))
		answer, err := stream.CloseAndRecv()
		require.NoError(t, err)
		assert.False(t, answer.IsDiscoveryEnabled, name)
		assert.False(t, answer.IsSupported, name)

		connection, _, err := discovery.DetectConfigManagementPlugin(t.Context(), app, clone, name, nil, nil)
		require.NoError(t, err, "%s is found by its name", name)
		require.NoError(t, connection.Close())
	}
	_, _, err := discovery.DetectConfigManagementPlugin(t.Context(), app, clone, "", nil, nil)
	assert.ErrorContains(t, err, "could not find plugin", "no application gets a plugin that it does not name")
}

// Argo CD takes one tool for an application, as docs/argocd.md says.
func TestOverridesBesideThePluginAreRefused(t *testing.T) {
	app := application(t, "application.yaml")
	app.Spec.Source.Kustomize = &v1alpha1.ApplicationSourceKustomize{NamePrefix: "a-"}
	manifests, err := generate(t.Context(), app, checkout(t, nil))
	assert.Empty(t, manifests)
	assert.ErrorContains(t, err, "multiple application sources defined")
}

func TestParametersAreAnnounced(t *testing.T) {
	clone := checkout(t, nil)
	for name, announced := range map[string][]string{
		"krm-bypass":      {"spec", "mesh", "image"},
		"krm-bypass-helm": {"spec", "mesh", "image", "release-name", "values-files", "values"},
	} {
		stream, err := client(t, name).GetParametersAnnouncement(t.Context())
		require.NoError(t, err)
		require.NoError(t, cmp.SendRepoStream(t.Context(), clone, clone, stream, nil, nil))
		answer, err := stream.CloseAndRecv()
		require.NoError(t, err)
		var names []string
		for _, parameter := range answer.ParameterAnnouncements {
			names = append(names, parameter.Name)
			assert.Empty(t, parameter.String_, "%s: %s: Argo CD does not send a default that it announces", name, parameter.Name)
			assert.NotEmpty(t, parameter.Title)
			assert.NotEmpty(t, parameter.Tooltip)
		}
		assert.Equal(t, announced, names, name)
	}
}

func TestGenerate(t *testing.T) {
	clone := checkout(t, nil)
	manifests, err := generate(t.Context(), application(t, "application.yaml"), clone)
	require.NoError(t, err)
	found := byName(t, manifests)
	assert.Len(t, found, 2, "the specification is for nobody to apply")
	assert.Contains(t, found, "Service/cart")

	template := found.template(t, "cart")
	assert.Equal(t, "3306", template.Annotations[excludeOutboundPorts], "the rule for the namespace that is the application's destination")
	assert.Equal(t, "registry.example.com/shop/cart:2.0.1", template.Spec.Containers[0].Image, "the kustomization is built")
	require.Len(t, template.Spec.InitContainers, 1)
	assert.Equal(t, initContainer, template.Spec.InitContainers[0].Name)
	assert.Contains(t, template.Spec.InitContainers[0].Args, "--exclude-outbound-ports=3306")

	assert.Equal(t, onCommandLine(t, filepath.Join(clone, "examples/argocd/shop"), "render", ".", "--spec=../bypass.yaml", "--namespace=shop"), found)
}

// docs/running.md has this tree rendered in every way; test/ways knows what has to
// come out.
func TestTheTreeOfEveryWay(t *testing.T) {
	stream, err := os.ReadFile(filepath.Join(repository, "test/ways/testdata/expected.yaml"))
	require.NoError(t, err)
	expected := ofStream(t, stream)
	clone := checkout(t, nil)
	for name, parameters := range map[string][]parameter{"krm-bypass": nil, "krm-bypass-helm": {text("spec", "bypass.yaml")}} {
		app := application(t, "application.yaml")
		app.Spec.Source.Path = "examples/every-way"
		app.Spec.Source.Plugin.Name = name
		app.Spec.Source.Plugin.Parameters = parameters
		manifests, err := generate(t.Context(), app, clone)
		require.NoError(t, err, name)
		assert.Equal(t, expected, byName(t, manifests), name)
	}
}

// ofStream is the objects of a stream of documents.
func ofStream(t *testing.T, stream []byte) objects {
	t.Helper()
	var manifests []string
	for document := range strings.SplitSeq(string(stream), "\n---\n") {
		text, err := yaml.YAMLToJSON([]byte(document))
		require.NoError(t, err)
		manifests = append(manifests, string(text))
	}
	return byName(t, manifests)
}

// onCommandLine is what krm-bypass prints in a folder, outside Argo CD.
func onCommandLine(t *testing.T, folder string, args ...string) objects {
	t.Helper()
	command := exec.Command(filepath.Join(tools, "krm-bypass"), args...)
	command.Dir = folder
	printed, err := command.Output()
	require.NoError(t, err)
	return ofStream(t, printed)
}

func TestParameters(t *testing.T) {
	app := application(t, "application.yaml")
	clone := checkout(t, nil)

	manifests, err := generate(t.Context(), with(app, text("mesh", "Linkerd"), text("image", "registry.example.com/mirror/init:v9")), clone)
	require.NoError(t, err)
	template := byName(t, manifests).template(t, "cart")
	assert.Equal(t, "3306,4567-4568", template.Annotations["config.linkerd.io/skip-outbound-ports"], "Linkerd skips two ports by itself")
	assert.NotContains(t, template.Annotations, excludeOutboundPorts)
	require.Len(t, template.Spec.InitContainers, 1)
	assert.Equal(t, "registry.example.com/mirror/init:v9", template.Spec.InitContainers[0].Image)

	for name, wrong := range map[string]struct {
		parameter parameter
		says      []string
	}{
		"a name that is none":    {text("speck", "../bypass.yaml"), []string{`parameter "speck"`, "spec"}},
		"a list":                 {list("mesh", "Istio", "Linkerd"), []string{"parameter mesh", "string"}},
		"a mesh that is none":    {text("mesh", "Istoi"), []string{`"Istoi"`, "Istio"}},
		"a file that is missing": {text("spec", "bypas.yaml"), []string{"parameter spec", "bypas.yaml"}},
		"a file of the sidecar":  {text("spec", "/home/argocd/cmp-server/config/plugin.yaml"), []string{"parameter spec", "repository"}},
		"a file above":           {text("spec", "../../../../../home/argocd/cmp-server/config/plugin.yaml"), []string{"parameter spec", "repository"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := generate(t.Context(), with(app, wrong.parameter), clone)
			for _, said := range wrong.says {
				assert.ErrorContains(t, err, said)
			}
		})
	}
}

// With the annotation, repo-server sends the plugin only what lies below it all.
func TestManifestGeneratePaths(t *testing.T) {
	clone := checkout(t, nil)
	for paths, message := range map[string]string{
		"":                 ``,
		".;../bypass.yaml": ``,
		"/examples/argocd": ``,
		".":                `parameter spec of application shop: cannot read "../bypass.yaml" in the repository`,
	} {
		app := application(t, "application.yaml")
		app.Annotations[v1alpha1.AnnotationKeyManifestGeneratePaths] = paths
		_, err := generate(t.Context(), app, clone)
		if message == "" {
			assert.NoError(t, err, paths)
			continue
		}
		assert.ErrorContains(t, err, message, paths)
	}
}

// What repo-server returns is what the user interface shows.
func TestErrorReachesTheUser(t *testing.T) {
	for name, wrong := range map[string]struct{ spec, message string }{
		"a field that is none": {
			"apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n  global:\n    excludeOutboundIPRange: [169.254.169.254/32]\n",
			`spec.global.excludeOutboundIPRange: unknown field "excludeOutboundIPRange": did you mean excludeOutboundIPRanges?`,
		},
		"a port that is none": {
			"apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n  global:\n    excludeOutboundPorts: [3306, 70000]\n",
			`spec.global.excludeOutboundPorts[1]: `,
		},
	} {
		t.Run(name, func(t *testing.T) {
			app := application(t, "application.yaml")
			manifests, err := generate(t.Context(), app, checkout(t, map[string]string{"examples/argocd/bypass.yaml": wrong.spec}))
			assert.Empty(t, manifests)
			assert.ErrorContains(t, err, `CMP processing failed for application "shop"`)
			assert.ErrorContains(t, err, "bypass.yaml")
			assert.ErrorContains(t, err, wrong.message)
		})
	}
}

// Argo CD takes empty output for "delete everything", where it may prune.
func TestNothingIsRefused(t *testing.T) {
	app := application(t, "application.yaml")
	for name, over := range map[string]map[string]string{
		"no manifest": {
			"examples/argocd/shop/kustomization.yaml": "",
			"examples/argocd/shop/cart.yaml":          "",
			"examples/argocd/shop/README.md":          "moved\n",
		},
		"an empty manifest": {
			"examples/argocd/shop/kustomization.yaml": "",
			"examples/argocd/shop/cart.yaml":          "# moved\n",
		},
		"a kustomization of local configuration alone": {
			"examples/argocd/shop/cart.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  annotations:\n    config.kubernetes.io/local-config: \"true\"\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			manifests, err := generate(t.Context(), app, checkout(t, over))
			assert.Empty(t, manifests)
			assert.ErrorContains(t, err, "delete")
		})
	}
}

// function is one that a repository brings along.
const function = `apiVersion: example.com/v1
kind: Anything
metadata:
  name: anything
  annotations:
    config.kubernetes.io/function: |
      exec:
        path: ./anything.sh
`

// Whoever may write to a repository must not run programs in repo-server's pod.
func TestNothingIsExecutedOrFetched(t *testing.T) {
	app := application(t, "application.yaml")
	for name, wrong := range map[string]struct{ kustomization, says string }{
		"a transformer":         {"resources: [cart.yaml]\ntransformers: [anything.yaml]\n", "only kustomize's builtin plugins run here"},
		"a generator":           {"resources: [cart.yaml]\ngenerators: [anything.yaml]\n", "only kustomize's builtin plugins run here"},
		"a validator":           {"resources: [cart.yaml]\nvalidators: [anything.yaml]\n", "only kustomize's builtin plugins run here"},
		"a Helm chart":          {"helmCharts: [{name: anything, releaseName: anything}]\n", "--enable-helm"},
		"a remote base":         {"resources: [\"https://example.com/base?ref=v1\"]\n", "what is remote is not fetched"},
		"a remote file":         {"resources: [\"https://example.com/cart.yaml\"]\n", "what is remote is not fetched"},
		"a file of the sidecar": {"resources: [cart.yaml]\nconfigMapGenerator: [{name: a, files: [/home/argocd/cmp-server/config/plugin.yaml]}]\n", "no such file or folder"},
		"a folder of others":    {"resources: [../../../../../_cmp_server]\n", "no such file or folder"},
	} {
		t.Run(name, func(t *testing.T) {
			clone := checkout(t, map[string]string{
				"examples/argocd/shop/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n" + wrong.kustomization,
				"examples/argocd/shop/anything.yaml":      function,
				"examples/argocd/shop/anything.sh":        "#!/bin/sh\necho executed >&2\nexit 1\n",
			})
			require.NoError(t, os.Chmod(filepath.Join(clone, "examples/argocd/shop/anything.sh"), 0o755))
			manifests, err := generate(t.Context(), app, clone)
			assert.Empty(t, manifests)
			require.ErrorContains(t, err, wrong.says)
			assert.NotContains(t, err.Error(), "executed")
		})
	}
}

// The server resets the modes of what it unpacks.
func TestModesAreLost(t *testing.T) {
	clone := checkout(t, nil)
	for _, file := range []string{"shop/kustomization.yaml", "shop/cart.yaml", "bypass.yaml"} {
		require.NoError(t, os.Chmod(filepath.Join(clone, "examples/argocd", file), 0o700))
	}
	manifests, err := generate(t.Context(), application(t, "application.yaml"), clone)
	require.NoError(t, err)
	assert.Equal(t, "3306", byName(t, manifests).template(t, "cart").Annotations[excludeOutboundPorts])
}

// Fifty applications at a time, each with a tree and a specification of its own.
func TestConcurrentGenerate(t *testing.T) {
	const applications = 50
	base := application(t, "application.yaml")
	clones := make([]string, applications)
	for i := range clones {
		clones[i] = checkout(t, map[string]string{
			"examples/argocd/bypass.yaml":             fmt.Sprintf("apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n  namespaces:\n  - match: {names: [team-%d]}\n    excludeOutboundPorts: [%d]\n  enforcement: {image: registry.example.com/mesh/init:v0.1.0}\n", i, 4000+i),
			"examples/argocd/shop/kustomization.yaml": fmt.Sprintf("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamePrefix: team-%d-\nresources: [cart.yaml]\n", i),
		})
	}
	answers := make([][]string, applications)
	var calls errgroup.Group
	for i := range applications {
		calls.Go(func() (err error) {
			app := *base.DeepCopy()
			app.Name = fmt.Sprintf("team-%d", i)
			app.Spec.Destination.Namespace = app.Name
			answers[i], err = generate(t.Context(), app, clones[i])
			return err
		})
	}
	require.NoError(t, calls.Wait())
	for i, answer := range answers {
		found := byName(t, answer)
		assert.Len(t, found, 2)
		template := found.template(t, fmt.Sprintf("team-%d-cart", i))
		assert.Equal(t, fmt.Sprint(4000+i), template.Annotations[excludeOutboundPorts])
	}
}
