package corpus

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/kustomization"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/test/built"
)

// tools are programs that a tree is given to.
type tools struct{ command, function, kustomize, home string }

// measured is what a program took.
type measured struct {
	seconds   float64
	mebibytes int
}

// builds counts what became of kustomizations.
type builds = map[string]int

func makeTools(t *testing.T) tools {
	t.Helper()
	bin := t.TempDir()
	require.NoError(t, built.Into(bin, "krm-bypass", "krm-bypass-fn"))
	kustomize, err := filepath.Abs(filepath.Join(repository, ".cache/bin/kustomize"))
	require.NoError(t, err)
	require.FileExists(t, kustomize, "missing: kustomize in .cache/bin; make tools installs it")
	return tools{filepath.Join(bin, "krm-bypass"), filepath.Join(bin, "krm-bypass-fn"), kustomize, t.TempDir()}
}

// execute runs a program that finds no other one, and no network.
func (tools tools) execute(program string, arguments ...string) (stdout []byte, stderr string, took measured, err error) {
	command := exec.Command(program, arguments...)
	const nowhere = "http://127.0.0.1:9"
	command.Env = []string{"HOME=" + tools.home, "PATH=", "HTTP_PROXY=" + nowhere, "HTTPS_PROXY=" + nowhere}
	var out, said bytes.Buffer
	command.Stdout, command.Stderr = &out, &said
	err = command.Run()
	if state := command.ProcessState; state != nil {
		took.seconds = (state.UserTime() + state.SystemTime()).Seconds()
		if usage, is := state.SysUsage().(*syscall.Rusage); is {
			took.mebibytes = int(usage.Maxrss / 1024)
		}
	}
	return out.Bytes(), said.String(), took, err
}

// inPlace has the command rewrite a copy of the accepted files, check it, rewrite it
// again and take all away.
func (tr *tree) inPlace(t *testing.T, tools tools, s spec) {
	copied := filepath.Join(t.TempDir(), "copy")
	spec := filepath.Join(t.TempDir(), "bypass.yaml")
	require.NoError(t, os.WriteFile(spec, []byte(s.text), 0o600))
	texts := map[string][]byte{}
	for _, file := range tr.accepted {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		if _, _, err := fn.Manifests(specOf(s.text), []fn.Manifest{{Path: file, Text: text}}, fn.Options{}); err != nil {
			continue // refused for this mesh
		}
		name := filepath.Join(copied, "tree", tr.relative(file))
		if strings.Contains(filepath.Dir(name), "/.") {
			continue // a hidden folder, which is not read
		}
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, text, 0o600))
		texts[name] = text
	}
	if len(texts) == 0 {
		return
	}
	run := func(arguments ...string) measured {
		_, stderr, took, err := tools.execute(tools.command, append(arguments, copied)...)
		assert.NoError(t, err, "%s under the spec for %s: krm-bypass %s: %s", tr.name, s.name, strings.Join(arguments, " "), errorLines(stderr))
		return took
	}
	tr.run = run("render", "--in-place", "--spec", spec)
	run("explain", "--spec", spec)
	written := map[string][]byte{}
	for name := range texts {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		written[name] = text
	}
	// It may fail on findings, but on no difference.
	stdout, stderr, _, _ := tools.execute(tools.command, "check", "--allow-none", "--spec", spec, "-o", "json", copied)
	var checked struct{ Differing *int }
	if assert.NoError(t, json.Unmarshal(stdout, &checked), "%s: check after render --in-place: %s", tr.name, stderr) {
		assert.Equal(t, new(int), checked.Differing, "%s: check after render --in-place", tr.name)
	}
	run("render", "--in-place", "--spec", spec)
	assertTexts(t, written, "a second run over the folder changes no byte")
	if maps.EqualFunc(texts, written, bytes.Equal) {
		return // there is nothing to take away, which is an error of the command
	}
	run("render", "--in-place", "--remove", "cluster")
	assertTexts(t, texts, "render --remove gives back every byte of the folder")
}

func assertTexts(t *testing.T, wanted map[string][]byte, what string) {
	t.Helper()
	for name, text := range wanted {
		is, err := os.ReadFile(name)
		require.NoError(t, err)
		if where := unlike(text, is); where != "" {
			t.Errorf("%s: %s: %s", what, name, where)
		}
	}
}

func errorLines(stderr string) string {
	var found []string
	for line := range strings.Lines(stderr) {
		if strings.HasPrefix(line, "error:") && len(found) < 10 {
			found = append(found, line)
		}
	}
	return strings.Join(found, "")
}

// kustomizations builds each with the kustomize CLI, without plugins, so that nothing in
// the tree is executed, and then what it built again under a component with the function.
func (tr *tree) kustomizations(t *testing.T, tools tools) {
	tr.built = builds{}
	specs := everywhere()
	var folders []string
	for _, file := range tr.files {
		if kustomization.Is(file) && !slices.Contains(folders, filepath.Dir(file)) {
			folders = append(folders, filepath.Dir(file))
		}
	}
	for i, folder := range folders {
		before, _, _, err := tools.execute(tools.kustomize, "build", folder)
		if err != nil {
			tr.built["do not build by themselves"]++
			continue
		}
		if len(before) == 0 {
			tr.built["build nothing"]++ // components
			continue
		}
		s := specs[i%len(specs)]
		m, _ := mesh.ByName(s.name)
		built := fn.Options{Uses: map[string]fn.Use{"before.yaml": {Resource: folder}}} // a patch is none
		wanted, results, refused := fn.Manifests(specOf(s.text), []fn.Manifest{{Path: "before.yaml", Text: before}}, built)
		after, stderr, _, err := tools.execute(tools.kustomize, "build", "--enable-alpha-plugins", "--enable-exec", laid(t, tools, s, before))
		what := fmt.Sprintf("kustomize build %s, then again with the spec for %s in a component", folder, s.name)
		if refused != nil || err != nil {
			assert.Equal(t, refused != nil, err != nil, "%s: render and kustomize agree: %s %s", what, results.Report(), stderr)
			tr.built["refused"]++
			continue
		}
		where, err := changedElsewhere(before, after, m, map[string]int{})
		assert.NoError(t, err, what)
		assert.Empty(t, where, "%s: nothing differs but planned fields", what)
		if where = differentData(wanted[0].Text, after); where != "" {
			t.Errorf("%s: render writes something else: %s", what, where)
		}
		tr.built["built before and after"]++
	}
}

// laid lays what kustomize built under a component that lists the spec.
func laid(t *testing.T, tools tools, s spec, before []byte) (folder string) {
	folder = t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(folder, "bypass"), 0o755))
	annotated := strings.Replace(s.text, "  name: cluster\n", "  name: cluster\n  annotations:\n    config.kubernetes.io/function: \"exec: {path: "+tools.function+"}\"\n", 1)
	for name, text := range map[string]string{
		"kustomization.yaml":        "resources: [before.yaml]\ncomponents: [bypass]\n",
		"before.yaml":               string(before),
		"bypass/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\ntransformers: [bypass.yaml]\n",
		"bypass/bypass.yaml":        annotated,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
	return folder
}

// differentData compares what two texts say.
func differentData(wanted, text []byte) string {
	was, is := cut(wanted), cut(text)
	if len(was) != len(is) {
		return fmt.Sprintf("%d documents instead of %d", len(is), len(was))
	}
	for i := range was {
		old, err := dataOf(was[i])
		if err != nil {
			return err.Error()
		}
		now, err := dataOf(is[i])
		if err != nil {
			return err.Error()
		}
		if where := difference(old, now); where != "" {
			return where
		}
	}
	return ""
}
