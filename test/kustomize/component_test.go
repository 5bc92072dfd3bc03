package kustomize

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestOneLineFromAnotherRepository has an application take the spec from a
// repository of its own at a tag: what came after the tag is not in it.
func TestOneLineFromAnotherRepository(t *testing.T) {
	repository := t.TempDir()
	require.NoError(t, os.CopyFS(repository, os.DirFS(filepath.Join(clone, "examples", "component"))))
	git := func(args ...string) {
		command := exec.Command("git", append([]string{"-C", repository, "-c", "user.name=test", "-c", "user.email=test@example.com"}, args...)...)
		said, err := command.CombinedOutput()
		require.NoError(t, err, "%s", said)
	}
	git("init", "--quiet")
	git("add", "bypass")
	git("commit", "--quiet", "--message=the rules")
	git("tag", "v1")
	spec := filepath.Join(repository, "bypass", "spec", "bypass.yaml")
	text, err := os.ReadFile(spec)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(spec, []byte(strings.Replace(string(text), "3306", "3307", 1)), 0o600))
	git("commit", "--quiet", "--all", "--message=another port")

	for name, test := range map[string]struct{ example, local, remote string }{
		"as a component":   {"shop", "- ../bypass\n", "- file://" + repository + "//bypass?ref=v1\n"},
		"as a transformer": {"warehouse", "- ../bypass/spec\n", "- file://" + repository + "//bypass/spec?ref=v1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			application := t.TempDir()
			require.NoError(t, os.CopyFS(application, os.DirFS(filepath.Join(clone, "examples", "component", test.example))))
			file := filepath.Join(application, "kustomization.yaml")
			kustomization, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, 1, strings.Count(string(kustomization), test.local))
			require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(kustomization), test.local, test.remote, 1)), 0o600))

			assert.Equal(t, render(t, "examples/component/"+test.example), render(t, application))
		})
	}
}

// This pins what examples/component warns about: a component sees the objects
// before the application's own namespace and prefix are put on them.
func TestAComponentDoesNotSeeTheNamespaceOfTheApplication(t *testing.T) {
	folder := layOut(t, "component", map[string]string{
		"kustomization.yaml": "namespace: warehouse\nresources: [stock.yaml]\ncomponents: [../bypass]\n",
		"stock.yaml":         exampleFile(t, "component/warehouse/stock.yaml"),
	})
	built := build(t, folder, withFunction...)
	assert.False(t, built.failed)
	assert.Contains(t, built.stderr, "warning: StatefulSet stock: metadata.namespace: the namespace of this workload is unknown")
	assert.Contains(t, built.stdout, "namespace: warehouse")
	assert.Contains(t, built.stdout, "169.254.169.254/32")
	assert.NotContains(t, built.stdout, "--exclude-inbound-ports=9102")

	code, found := check(t, built.stdout, "component/bypass/spec/bypass.yaml")
	assert.Equal(t, 1, code)
	assert.Contains(t, found, `expected "9102" here`)
}

// TestTheContainerFunctionIsCalledAsKustomizeCallsContainers has the real
// kustomize read the annotation and start the container; what stands in for the
// container runtime executes the command that the image holds.
func TestTheContainerFunctionIsCalledAsKustomizeCallsContainers(t *testing.T) {
	bin := t.TempDir()
	said := filepath.Join(bin, "said")
	runtime := "#!/bin/sh\nprintf '%s\\n' \"$@\" >" + said + "\nexec env -i " + filepath.Join(clone, "bin", "krm-bypass") + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(bin, "docker"), []byte(runtime), 0o755)) //nolint:gosec // a command
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))

	// Containers need no --enable-exec, and without --enable-alpha-plugins
	// kustomize refuses them.
	refused := build(t, "examples/container")
	assert.True(t, refused.failed)
	assert.Empty(t, refused.stdout)
	built := build(t, "examples/container", "--enable-alpha-plugins")
	require.False(t, built.failed, built.stderr)
	require.Empty(t, built.stderr)
	arguments, err := os.ReadFile(said)
	require.NoError(t, err)
	words := strings.Fields(string(arguments))
	assert.Equal(t, "run", words[0])
	assert.Subset(t, words, []string{"--network", "none", "--user", "nobody", "registry.example.com/mesh/krm-bypass:v0.1.0"})
	compare(t, "container", built.stdout)
}

// TestADayWithoutQuotes has kustomize hand on a day as a time, which it does with
// every value that YAML takes for one.
func TestADayWithoutQuotes(t *testing.T) {
	folder := layOut(t, "component", map[string]string{
		"kustomization.yaml": "resources: [stock.yaml]\ntransformers: [bypass.yaml]\n",
		"stock.yaml":         exampleFile(t, "component/warehouse/stock.yaml"),
		"bypass.yaml": "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata:\n  name: cluster\n  annotations:\n    config.kubernetes.io/function: |\n      exec: {path: " + filepath.Join(clone, "bin", "krm-bypass") + "}\n" +
			"spec:\n  enforcement: {mode: AnnotationsOnly}\n  global: {excludeOutboundPorts: [3306], expires: 2026-10-01}\n" +
			"  lint: {accept: [{check: service-port, match: {names: [stock]}, reason: meant, expires: 2026-10-01}]}\n",
	})
	built := build(t, folder, withFunction...)
	assert.False(t, built.failed, built.stderr)
	assert.Contains(t, built.stdout, `excludeOutboundPorts: "3306"`)
}
