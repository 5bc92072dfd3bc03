package kustomize

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What becomes of a spec that a kustomization names.
const (
	applied = "applied" // by the kustomize CLI as well
	skipped = "skipped" // by the kustomize CLI, which says nothing
	refused = "refused" // by the kustomize CLI, and applied by krm-bypass render
	broken  = "broken"  // an error of both, or of the one that has to tell
)

// TestASpecThatKustomizeWouldNotApplyIsTold holds what render and check say of the
// place of a spec against what the kustomize CLI does with it.
func TestASpecThatKustomizeWouldNotApplyIsTold(t *testing.T) {
	with := func(annotation string) string {
		return strings.Replace(spec, `"exec: {path: krm-bypass}"`, annotation, 1)
	}
	unannotated := strings.Replace(spec, "    config.kubernetes.io/function: \"exec: {path: krm-bypass}\"\n", "", 1)
	inline := func(spec string) string {
		return "resources: [web.yaml]\ntransformers:\n- |\n  " + strings.ReplaceAll(strings.TrimSuffix(spec, "\n"), "\n", "\n  ") + "\n"
	}
	const listed = "resources: [web.yaml]\ntransformers: [spec.yaml]\n"
	for name, test := range map[string]struct {
		kustomization, spec string
		more                map[string]string
		want                string
		says                string
	}{
		"under transformers":                       {kustomization: listed, spec: spec, want: applied},
		"written into transformers":                {kustomization: inline(spec), want: applied},
		"under the annotation of old":              {kustomization: listed, spec: strings.Replace(spec, "config.kubernetes.io/function", "config.k8s.io/function", 1), want: applied},
		"in a folder under transformers":           {kustomization: "resources: [web.yaml]\ntransformers: [specs]\n", more: map[string]string{"specs": "resources: [a.yaml]\n", "specs/a.yaml": spec}, want: applied},
		"in a component":                           {kustomization: "resources: [web.yaml]\ncomponents: [c]\n", more: map[string]string{"c": "kind: Component\ntransformers: [a.yaml]\n", "c/a.yaml": spec}, want: applied},
		"a ConfigMap":                              {kustomization: listed, spec: configMap, want: applied},
		"beside resources that are rendered":       {kustomization: "resources: [rendered.yaml, spec.yaml]\n", spec: spec, want: applied},
		"under resources":                          {kustomization: "resources: [web.yaml, spec.yaml]\n", spec: spec, want: skipped, says: "resources[1]: the kustomize CLI only takes it for a resource"},
		"under resources, and printed":             {kustomization: "resources: [web.yaml, spec.yaml]\n", spec: strings.Replace(spec, `local-config: "true"`, `local-config: "false"`, 1), want: skipped, says: "resources[1]: "},
		"under resources of a component":           {kustomization: "resources: [web.yaml]\ncomponents: [c]\n", more: map[string]string{"c": "kind: Component\nresources: [a.yaml]\n", "c/a.yaml": spec}, want: skipped, says: "c/kustomization.yaml:3: ClusterBypass NAME: resources[0]: "},
		"under resources of a base":                {kustomization: "resources: [web.yaml, base]\n", more: map[string]string{"base": "resources: [a.yaml]\n", "base/a.yaml": spec}, want: skipped, says: "the kustomize CLI only takes it for a resource"},
		"with an annotation that names nothing":    {kustomization: listed, spec: with(`"exec: {}"`), want: skipped, says: "names neither exec.path nor container.image"},
		"with an empty annotation":                 {kustomization: listed, spec: with(`"{}"`), want: skipped, says: "names neither exec.path nor container.image"},
		"with an annotation that names another":    {kustomization: listed, spec: with(`"exec: {path: cat}"`), want: skipped, says: `runs "cat" with it, which by its name is not krm-bypass`},
		"without the annotation":                   {kustomization: listed, spec: unannotated, want: refused, says: "it has no function annotation"},
		"written into transformers, without it":    {kustomization: inline(unannotated), want: refused, says: "kustomization.yaml:3: ClusterBypass NAME: transformers[0]: the kustomize CLI refuses it, because it has no function annotation"},
		"with an annotation of the wrong type":     {kustomization: listed, spec: with(`"exec: {path: [krm-bypass]}"`), want: refused, says: "its annotation cannot be read"},
		"with an annotation of a field too many":   {kustomization: listed, spec: with(`"exec: {path: krm-bypass, argz: [a]}"`), want: refused, says: "its annotation cannot be read"},
		"outside of the folder":                    {kustomization: "resources: [web.yaml]\ntransformers: [../outside.yaml]\n", more: map[string]string{"../outside.yaml": spec}, want: refused, says: "/bypass, with a kustomization.yaml beside it that says \"resources: [outside.yaml]\", and list that folder here: \"../bypass\""},
		"in another folder, by its file":           {kustomization: "resources: [web.yaml]\ntransformers: [../specs/a.yaml]\n", more: map[string]string{"../specs/a.yaml": spec}, want: refused, says: "put a kustomization.yaml beside it that says \"resources: [a.yaml]\", and list that folder here: \"../specs\""},
		"beside a kustomization, by its file":      {kustomization: "resources: [web.yaml]\ntransformers: [../specs/a.yaml]\n", more: map[string]string{"../specs": "resources: [b.yaml]\n", "../specs/a.yaml": spec, "../specs/b.yaml": spec}, want: refused, says: "specs/kustomization.yaml, and list that folder here: \"../specs\""},
		"in a folder that patches it":              {kustomization: "resources: [web.yaml]\ntransformers: [specs]\n", more: map[string]string{"specs": "resources: [a.yaml]\nnamePrefix: eu-\n", "specs/a.yaml": spec}, want: applied},
		"in a folder that unmarks it":              {kustomization: "resources: [web.yaml]\ntransformers: [specs]\n", more: map[string]string{"specs": "resources: [a.yaml]\ncommonAnnotations: {config.kubernetes.io/function: \"exec: {}\"}\n", "specs/a.yaml": spec}, want: skipped, says: "names neither exec.path nor container.image"},
		"in a folder that makes more than it":      {kustomization: "resources: [web.yaml]\ntransformers: [specs]\n", more: map[string]string{"specs": "resources: [a.yaml]\nconfigMapGenerator: [{name: more}]\n", "specs/a.yaml": spec}, want: broken, says: "makes ConfigMap more-"},
		"in a folder with the workloads":           {kustomization: "resources: [web.yaml]\ntransformers: [app]\n", more: map[string]string{"app": "resources: [a.yaml, w.yaml]\n", "app/a.yaml": spec, "app/w.yaml": web}, want: broken, says: "makes Deployment web beside a spec"},
		"without a name":                           {kustomization: listed, spec: strings.Replace(spec, "  name: NAME\n", "", 1), want: refused, says: "it has no metadata.name"},
		"beside another of its name":               {kustomization: "resources: [web.yaml]\ntransformers: [spec.yaml, other.yaml]\n", spec: spec, more: map[string]string{"other.yaml": strings.Replace(spec, "3306", "5432", 1)}, want: broken, says: "give each a metadata.name of its own"},
		"twice":                                    {kustomization: "resources: [web.yaml]\ntransformers: [spec.yaml, spec.yaml]\n", spec: spec, want: refused, says: "because transformers[0] lists it too: remove one of the two"},
		"under generators":                         {kustomization: "resources: [web.yaml]\ngenerators: [spec.yaml]\n", spec: spec, want: broken, says: "kustomization.yaml: generators[0]: kustomize gives a function no resources here"},
		"written into generators":                  {kustomization: strings.Replace(inline(spec), "transformers", "generators", 1), want: broken, says: "kustomization.yaml: generators[0]: kustomize gives a function no resources here"},
		"under validators":                         {kustomization: "resources: [web.yaml]\nvalidators: [spec.yaml]\n", spec: spec, want: broken, says: "kustomization.yaml: validators[0]: kustomize takes no change from a function here"},
		"in a folder under validators":             {kustomization: "resources: [web.yaml]\nvalidators: [specs]\n", more: map[string]string{"specs": "resources: [a.yaml]\n", "specs/a.yaml": spec}, want: broken, says: "kustomization.yaml: validators[0]: "},
		"without resources":                        {kustomization: "transformers: [spec.yaml]\n", spec: spec, want: broken, says: "kustomization.yaml: transformers[0]: there are no resources here to apply the spec to"},
		"in a base without resources":              {kustomization: "resources: [web.yaml, base]\n", more: map[string]string{"base": "transformers: [a.yaml]\n", "base/a.yaml": spec}, want: broken, says: "base a component (kind: Component) and list it there under components"},
		"in a component before the workloads":      {kustomization: "components: [c, d]\n", more: map[string]string{"c": "kind: Component\ntransformers: [a.yaml]\n", "c/a.yaml": spec, "d": "kind: Component\nresources: [w.yaml]\n", "d/w.yaml": web}, want: broken, says: "behind the components that bring some"},
		"in a component behind the workloads":      {kustomization: "components: [d, c]\n", more: map[string]string{"c": "kind: Component\ntransformers: [a.yaml]\n", "c/a.yaml": spec, "d": "kind: Component\nresources: [w.yaml]\n", "d/w.yaml": web}, want: applied},
		"as a patch":                               {kustomization: "resources: [web.yaml]\npatches: [{path: spec.yaml}]\n", spec: spec, want: broken, says: "patches[0].path holds a spec, which is no patch: list it under transformers"},
		"a ConfigMap without the annotation":       {kustomization: listed, spec: strings.Replace(configMap, "function", "nothing", 1), want: broken, says: "annotate it with config.kubernetes.io/function"},
		"outside of the folder, as a resource":     {kustomization: "resources: [../outside.yaml]\n", more: map[string]string{"../outside.yaml": web}, want: broken, says: "kustomize build --load-restrictor LoadRestrictionsNone "},
		"outside of the folder, beside a function": {kustomization: "resources: [../outside.yaml]\ntransformers: [spec.yaml]\n", spec: spec, more: map[string]string{"../outside.yaml": web}, want: broken, says: "kustomize build --enable-alpha-plugins --enable-exec --load-restrictor LoadRestrictionsNone "},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"k": test.kustomization, "k/web.yaml": web}
			if strings.Contains(test.kustomization, "rendered.yaml") {
				files["k/rendered.yaml"] = rendered(t)
			}
			if test.spec != "" {
				files["k/spec.yaml"] = test.spec
			}
			for path, text := range test.more {
				files[filepath.Join("k", path)] = text
			}
			folder := filepath.Join(treeOf(t, files), "k")
			built, rendered := build(t, folder, withFunction...), inProcess(t, folder)
			code, said := checked(t, folder)
			bypasses := strings.Contains(built.stdout, "krm-bypass.dev/policy")
			switch test.want {
			case applied:
				assert.True(t, bypasses, built.stderr)
				assert.Equal(t, rendering{stdout: built.stdout}, rendered)
				assert.Zero(t, code, said)
				return
			case skipped:
				assert.False(t, built.failed || bypasses, "kustomize applied it after all: %s", built.stderr)
				assert.Empty(t, built.stderr, "kustomize says something: is this needed any more?")
			case refused:
				assert.True(t, built.failed, built.stdout)
			case broken:
				assert.True(t, rendered.failed)
				assert.True(t, built.failed, "kustomize builds it")
				assert.Equal(t, 2, code, said)
				assert.Contains(t, rendered.stderr, test.says)
				return
			}
			assert.False(t, rendered.failed, rendered.stderr)
			assert.Contains(t, rendered.stdout, "krm-bypass.dev/policy")
			assert.Contains(t, rendered.stderr, test.says)
			assert.Equal(t, 1, strings.Count(rendered.stderr, "[misplaced-spec]"), rendered.stderr)
			assert.Equal(t, 1, code, said)
			assert.Contains(t, said, "misplaced-spec: ")
		})
	}
}

const configMap = `apiVersion: v1
kind: ConfigMap
metadata:
  name: bypass
  annotations: {config.kubernetes.io/function: "exec: {path: krm-bypass}"}
data: {excludeOutboundPorts: "3306", mode: AnnotationsOnly, namespace: shop}
`

// rendered is the workload as the spec leaves it.
func rendered(t *testing.T) string {
	t.Helper()
	folder := treeOf(t, map[string]string{"a": "resources: [web.yaml]\ntransformers: [spec.yaml]\n", "a/web.yaml": web, "a/spec.yaml": spec})
	return inProcess(t, filepath.Join(folder, "a")).stdout
}

// checked runs krm-bypass check on a folder of the clone.
func checked(t *testing.T, folder string) (code int, said string) {
	t.Helper()
	command := exec.Command(filepath.Join(clone, "bin", "krm-bypass"), "check", folder)
	command.Dir = clone
	out, err := command.CombinedOutput()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return exit.ExitCode(), string(out)
	}
	require.NoError(t, err)
	return 0, string(out)
}

// TestThePipelineThatCheckNamesChecks runs the last line of a check of a
// kustomization, and has it fail where the function is left out.
func TestThePipelineThatCheckNamesChecks(t *testing.T) {
	const bypassesNothing = "examples/dce-helloworld/overlays/switched-off"
	renamed := treeOf(t, map[string]string{
		"base/kustomization.yaml": "resources: [web.yaml]\ntransformers: [spec.yaml]\n", "base/web.yaml": web,
		"base/spec.yaml":     strings.Replace(spec, "NAME", "cluster", 1),
		"kustomization.yaml": "resources: [base]\nnamePrefix: prod-\n",
	})
	for _, folder := range []string{"examples/asm-ports", "examples/clusters/clusters/eu", "examples/overlays/overlays/production", "examples/teams/apps", "examples/component/shop", "examples/dce-helloworld/overlays/passthrough", "examples/fsm-ip-range", bypassesNothing, renamed} {
		t.Run(folder, func(t *testing.T) {
			code, said := checked(t, folder)
			assert.Zero(t, code, said)
			assert.Contains(t, said, "built and not compared")
			lines := strings.Split(strings.TrimSpace(said), "\n")
			_, pipeline, found := strings.Cut(lines[len(lines)-1], "to compare what a pipeline applies: ")
			require.True(t, found, said)
			run := func(line string) error {
				command := exec.Command("bash", "-c", line)
				command.Dir, command.Env = clone, append(os.Environ(), "PATH="+filepath.Dir(kustomize)+":"+os.Getenv("PATH"))
				return command.Run()
			}
			require.NoError(t, run(pipeline), pipeline)
			if folder != bypassesNothing {
				require.Error(t, run(strings.Replace(pipeline, "--enable-exec ", "", 1)))
			}
		})
	}
}

// TestTheFunctionIsToldApartFromAGenerator has kustomize itself give the function
// nothing to write into.
func TestTheFunctionIsToldApartFromAGenerator(t *testing.T) {
	folder := treeOf(t, map[string]string{"kustomization.yaml": "resources: [web.yaml]\ngenerators: [spec.yaml]\n", "web.yaml": web, "spec.yaml": spec})
	built := build(t, folder, withFunction...)
	assert.True(t, built.failed)
	assert.Contains(t, built.stderr, "the function was given its own configuration in the place of resources")
}
