package kpt

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// expectation is a package's .expected/config.yaml, as far as the packages use
// what kpt's end-to-end runner knows.
type expectation struct {
	TestType        string `yaml:"testType"` // eval, or render if it is absent
	AllowExec       bool   `yaml:"allowExec"`
	ImagePullPolicy string `yaml:"imagePullPolicy"`
	// What eval is given on its command line.
	Image string            `yaml:"image"`
	Args  map[string]string `yaml:"args"`
}

const expectedDiff = ".expected/diff.patch"

// TestPackagesRenderAsExpected renders every package twice: the first time
// makes the difference that the package expects, the second makes none, not
// even in what the Kptfile records.
func TestPackagesRenderAsExpected(t *testing.T) {
	names, err := packages()
	require.NoError(t, err)
	require.NotEmpty(t, names)
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			p := checkOut(t, name)
			e := p.expectation()
			run := p.render
			if e.TestType == "eval" {
				run = func() { require.NoError(t, evaluate(p.folder, step{Image: e.Image, ConfigMap: e.Args})) }
			}
			run()
			p.compare(filepath.Join(examples, name, expectedDiff), p.diff())

			p.commit()
			run()
			assert.Empty(t, p.diff(), "a second rendering changes nothing")
		})
	}
}

// TestCheckTellsWhetherAPackageIsRendered reads a package as the files it is.
func TestCheckTellsWhetherAPackageIsRendered(t *testing.T) {
	p := checkOut(t, "kpt-exec")
	said, err := exec.Command(function, "check", p.folder).CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(said), "spec.template.spec.initContainers[0]")
	p.render()
	said, err = exec.Command(function, "check", p.folder).CombinedOutput()
	assert.NoError(t, err, "%s", said)
}

// TestNothingIsTakenAway reads the expected differences: lines come, none goes,
// no comment and no setter of kpt's either.
func TestNothingIsTakenAway(t *testing.T) {
	diffs, err := filepath.Glob(filepath.Join(examples, "*", expectedDiff))
	require.NoError(t, err)
	require.NotEmpty(t, diffs)
	for _, path := range diffs {
		diff, err := os.ReadFile(path)
		require.NoError(t, err)
		for line := range strings.Lines(string(diff)) {
			assert.False(t, strings.HasPrefix(line, "-") && !strings.HasPrefix(line, "--- "), "%s: %s", path, line)
		}
	}
}

// TestWithoutRulesThePackageIsAsItWas empties the spec of a rendered package.
func TestWithoutRulesThePackageIsAsItWas(t *testing.T) {
	p := checkOut(t, "kpt-exec")
	p.render()
	require.NotEmpty(t, p.diff())
	spec, _, found := strings.Cut(p.read("bypass.yaml"), "  global:\n")
	require.True(t, found)
	p.write("bypass.yaml", spec)
	p.render()
	assert.Equal(t, []string{"Kptfile", "bypass.yaml"}, p.changed())
}

// TestTheOutermostPackageHasTheLastWord has a package below with a pipeline of
// its own. Its function runs first, and what that wrote is the outer one's to
// replace, at every rendering.
func TestTheOutermostPackageHasTheLastWord(t *testing.T) {
	outer := checkOut(t, "kpt-image")
	outer.render()
	expected := outer.read("billing/billing.yaml")

	both := checkOut(t, "kpt-image")
	both.write("billing/Kptfile", both.read("billing/Kptfile")+
		"pipeline:\n  mutators:\n    - exec: krm-bypass\n      configMap:\n        excludeInboundPorts: 9102\n        image: registry.example.com/mesh/init:v0.1.0\n")
	both.render()
	assert.YAMLEq(t, expected, both.read("billing/billing.yaml"))
	both.commit()
	both.render()
	assert.Empty(t, both.diff())
}

// TestAMistakeStopsTheRendering has a spec refused: every manifest is as it
// was, and the Kptfile records what was said, the same at every attempt.
func TestAMistakeStopsTheRendering(t *testing.T) {
	p := checkOut(t, "kpt-exec")
	p.write("bypass.yaml", strings.Replace(p.read("bypass.yaml"), "[9102]", "[91022]", 1))
	p.commit()

	_, err := render(p.folder)
	require.ErrorIs(t, err, errFailed)
	p.compare("testdata/a-mistake.patch", p.diff())

	p.commit()
	_, err = render(p.folder)
	require.ErrorIs(t, err, errFailed)
	assert.Empty(t, p.diff(), "the same is said again")
}

// TestTheFunctionReadsWhatKptSends keeps the ResourceList that a package becomes.
// kpt v1.0.0-beta.67 sends the same.
func TestTheFunctionReadsWhatKptSends(t *testing.T) {
	for _, name := range []string{"kpt-exec", "kpt-image"} {
		t.Run(name, func(t *testing.T) {
			p := checkOut(t, name)
			seen := filepath.Join(t.TempDir(), "list.yaml")
			k, err := readKptfile(p.folder)
			require.NoError(t, err)
			require.Len(t, k.Pipeline.Mutators, 1)
			k.Pipeline.Mutators[0].Image = ""
			k.Pipeline.Mutators[0].Exec = "tee " + seen
			text, err := yaml.MarshalWithOptions(k, &yaml.EncoderOptions{SeqIndent: yaml.WideSequenceStyle})
			require.NoError(t, err)
			p.write(kptfileName, string(text))
			p.render()

			list, err := os.ReadFile(seen)
			require.NoError(t, err)
			p.compare(filepath.Join("testdata", name+".yaml"),
				strings.NewReplacer(p.folder, "/packages/"+name, seen, "/tmp/list.yaml").Replace(string(list)))
		})
	}
}

// checkout is a copy of a package under git.
type checkout struct {
	*testing.T
	folder string
}

func checkOut(t *testing.T, name string) checkout {
	t.Helper()
	p := checkout{t, filepath.Join(t.TempDir(), name)}
	require.NoError(t, os.CopyFS(p.folder, os.DirFS(filepath.Join(examples, name))))
	p.git("init", "--quiet")
	p.commit()
	return p
}

// git runs git without what the user's own configuration says of differences.
func (p checkout) git(args ...string) string {
	p.Helper()
	command := exec.Command("git", args...)
	command.Dir = p.folder
	command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=test", "GIT_AUTHOR_EMAIL=test@example.com", "GIT_COMMITTER_NAME=test", "GIT_COMMITTER_EMAIL=test@example.com")
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	require.NoError(p, err, "git %s: %s", strings.Join(args, " "), &stderr)
	return string(out)
}

func (p checkout) commit() {
	p.git("add", "--all")
	p.git("commit", "--quiet", "--allow-empty", "--message=as it is")
}

// diff is what differs from the last commit, new files too.
func (p checkout) diff() string {
	p.git("add", "--all")
	return p.git("diff", "--cached")
}

// changed are the files that differ from the last commit.
func (p checkout) changed() []string {
	p.git("add", "--all")
	return strings.Fields(p.git("diff", "--cached", "--name-only"))
}

func (p checkout) render() {
	p.Helper()
	steps, err := render(p.folder)
	require.NoError(p, err, "%+v", steps)
}

func (p checkout) read(name string) string {
	p.Helper()
	text, err := os.ReadFile(filepath.Join(p.folder, name))
	require.NoError(p, err)
	return string(text)
}

func (p checkout) write(name, text string) {
	p.Helper()
	require.NoError(p, os.WriteFile(filepath.Join(p.folder, name), []byte(text), 0o600))
}

// expectation reads the package's config, and holds the package to what kpt
// needs before it runs a function on it.
func (p checkout) expectation() expectation {
	p.Helper()
	decoder := yaml.NewDecoder(strings.NewReader(p.read(".expected/config.yaml")))
	decoder.KnownFields(true)
	var e expectation
	require.NoError(p, decoder.Decode(&e))
	// Without it kpt takes what is in .expected for manifests.
	assert.Contains(p, strings.Fields(p.read(".krmignore")), ".expected")
	if e.TestType != "eval" {
		k, err := readKptfile(p.folder)
		require.NoError(p, err)
		for _, s := range k.Pipeline.Mutators {
			assert.Equal(p, s.Exec != "", e.AllowExec, "kpt executes a command only if told to")
		}
	}
	return e
}

// compare holds a text against an expected file, which -update rewrites.
func (p checkout) compare(file, got string) {
	p.Helper()
	if *update {
		require.NoError(p, os.WriteFile(file, []byte(got), 0o644))
		p.Fatalf("%s is rewritten: read the difference, then run without -update", file)
	}
	want, err := os.ReadFile(file)
	require.NoError(p, err, "go test ./test/kpt -update writes it")
	assert.Equal(p, string(want), got)
}
