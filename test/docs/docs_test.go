package docs

import (
	"go/format"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

const root = "../.."

// pages lists the documentation.
func pages(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "examples/*.md", "examples/*/README.md"} {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		require.NoError(t, err)
		for _, path := range paths {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			name, err := filepath.Rel(root, path)
			require.NoError(t, err)
			found[name] = string(text)
		}
	}
	require.Contains(t, found, "README.md")
	return found
}

// commandLine is a line set apart as code that begins with a command of ours, of
// kustomize or of Helm. What follows two blanks or more is an explanation.
var commandLine = regexp.MustCompile(`(?m)^ {4}((?:krm-bypass|krm-bypass-init|make|kustomize|helm|\.cache/bin/kustomize)(?: [^\s]+)+)`)

// TestCommands runs every command as it stands there, from the top of the
// repository, with bin/ and .cache/bin/ in PATH as make build and make tools
// leave them. A make target is only looked up: these tests are part of one.
//
// Helm's commands are a test of their own, since building Helm takes minutes.
func TestCommands(t *testing.T) {
	runCommands(t, func(line, heading string) bool { return !isHelm(line, heading) })
}

// TestHelmCommands runs those that need Helm 3 or Helm 4.
func TestHelmCommands(t *testing.T) { runCommands(t, isHelm) }

func isHelm(line, heading string) bool {
	return strings.HasPrefix(line, "helm ") || strings.Contains(heading, "Helm 4")
}

func runCommands(t *testing.T, wanted func(line, heading string) bool) {
	path, err := filepath.Abs(root)
	require.NoError(t, err)
	env := append(os.Environ(), "PATH="+filepath.Join(path, "bin")+":"+filepath.Join(path, ".cache/bin")+":"+os.Getenv("PATH"))
	ran := 0
	for name, text := range pages(t) {
		for _, at := range commandLine.FindAllStringSubmatchIndex(text, -1) {
			line := text[at[2]:at[3]]
			if !wanted(line, lastHeading(text[:at[0]])) {
				continue
			}
			t.Run(name+": "+line, func(t *testing.T) {
				ran++
				args := strings.Fields(line)
				dir := path
				switch {
				case args[0] == "make":
					args = append([]string{"make", "--dry-run"}, args[1:]...)
				case args[1] == "probe":
					args = standingIn(t, args)
				case args[1] == "ui":
					// It serves until it is told to end, as by Ctrl-C.
					// --foreground sends the signal once: else the whole group gets it
					// too, and a second one may come when nobody waits for it any more.
					args = append([]string{"timeout", "--foreground", "--signal=INT", "--preserve-status", "2"}, args...)
				case strings.Contains(line+" ", " . "):
					// In a reader's own folder: an example stands for it.
					dir = filepath.Join(path, "examples/asm-ports")
				}
				cmd := exec.Command("sh", append([]string{"-c", `exec "$@"`, "sh"}, args...)...)
				if strings.Contains(line, " | ") {
					cmd = exec.Command("bash", "-o", "pipefail", "-c", line)
				}
				cmd.Dir, cmd.Env = dir, env
				if strings.Contains(lastHeading(text[:at[0]]), "Helm 4") {
					cmd.Env = append(env, "PATH="+helm4(t)+":"+filepath.Join(path, "bin")+":"+os.Getenv("PATH"))
				}
				if args[0] == "helm" {
					cmd.Env = append(cmd.Env, "HELM_PLUGINS="+filepath.Join(path, "examples/helm"), "HELM_DATA_HOME="+t.TempDir())
				}
				out, err := cmd.CombinedOutput()
				require.NoError(t, err, "%s (make build tools first)\n%s", line, out)
				assert.NotEmpty(t, strings.TrimSpace(string(out)), "%s says something", line)
			})
		}
	}
	assert.Positive(t, ran, "the documentation shows commands")
}

// lastHeading gives the heading under which a text ends.
func lastHeading(text string) string {
	headings := heading.FindAllString(text, -1)
	if headings == nil {
		return ""
	}
	return headings[len(headings)-1]
}

var heading = regexp.MustCompile(`(?m)^#+ .*$`)

// helm4 gives a folder in which Helm 4 is helm, as its users have it.
func helm4(t *testing.T) string {
	program, err := filepath.Abs(filepath.Join(root, ".cache/bin/helm4"))
	require.NoError(t, err)
	folder := t.TempDir()
	require.NoError(t, os.Symlink(program, filepath.Join(folder, "helm")))
	return folder
}

// standingIn lets the command ask a server that answers as the page expects.
func standingIn(t *testing.T, args []string) []string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !slices.Contains(args, "bypassed") {
			w.Header().Set("Server", "istio-envoy")
		}
	}))
	t.Cleanup(server.Close)
	args = slices.Clone(args)
	for i, arg := range args {
		if strings.HasPrefix(arg, "http://") {
			args[i] = server.URL
		}
	}
	return args
}

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// TestSpecs reads every ClusterBypass that is shown whole.
func TestSpecs(t *testing.T) {
	seen := 0
	for name, text := range pages(t) {
		for _, match := range yamlBlock.FindAllStringSubmatch(text, -1) {
			if !strings.Contains(match[1], "kind: "+v1alpha1.Kind) {
				continue
			}
			seen++
			source, err := spec.In(yamltext.File{Path: name, Text: []byte(match[1])})
			require.NoError(t, err)
			_, err = source.Read(spec.Given{})
			assert.NoError(t, err)
		}
	}
	assert.Positive(t, seen, "the documentation shows a spec")
}

// TestProgram runs the Go program that README shows.
func TestProgram(t *testing.T) {
	_, after, found := strings.Cut(pages(t)["README.md"], "```go\n")
	require.True(t, found)
	program, _, _ := strings.Cut(after, "```")
	path := filepath.Join(t.TempDir(), "main.go")
	require.NoError(t, os.WriteFile(path, []byte(program), 0o600))
	formatted, err := format.Source([]byte(program))
	require.NoError(t, err)
	assert.Equal(t, string(formatted), program)

	cmd := exec.Command("go", "run", path, "examples/every-way/templates/web.yaml")
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Contains(t, string(out), `traffic.sidecar.istio.io/excludeOutboundPorts: "3306"`)
}

// TestMessage makes the mistake of which README shows the message.
func TestMessage(t *testing.T) {
	list := `apiVersion: config.kubernetes.io/v1
kind: ResourceList
items: []
functionConfig:
  apiVersion: krm-bypass.dev/v1alpha1
  kind: ClusterBypass
  metadata:
    name: cluster
    annotations:
      internal.config.kubernetes.io/path: bypass.yaml
  spec:
    global:
      excludeOutboundIPRange: [169.254.169.254/32]
`
	_, results, err := fn.Process([]byte(list), fn.Options{})
	require.ErrorIs(t, err, fn.ErrFailed)
	assert.Contains(t, pages(t)["README.md"], "    "+results.Report())
}

// TestGuardrailMessage has a workload break a limit of the spec on the page, of
// which the page shows the message, and others keep to all of them.
func TestGuardrailMessage(t *testing.T) {
	page := pages(t)["docs/guardrails.md"]
	spec := yamlBlock.FindStringSubmatch(page)[1]
	list := func(workloads string) []byte {
		return []byte("apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n" + workloads +
			"functionConfig:\n  " + strings.ReplaceAll(strings.TrimSpace(spec), "\n", "\n  ") + "\n")
	}
	deployment := func(namespace, name, port string) string {
		return "- {apiVersion: apps/v1, kind: Deployment, metadata: {name: " + name + ", namespace: " + namespace +
			"}, spec: {template: {metadata: {annotations: {traffic.sidecar.istio.io/excludeOutboundPorts: '" + port + "'}}, spec: {}}}}\n"
	}
	cleared := "- {apiVersion: apps/v1, kind: Deployment, metadata: {name: cards, namespace: pci-1}, spec: {template: {spec: {}}}}\n"
	_, results, err := fn.Process(list(deployment("team-a", "web", "443")), fn.Options{})
	require.ErrorIs(t, err, fn.ErrFailed)
	assert.Contains(t, page, "    "+results.Report())

	_, results, err = fn.Process(list(deployment("team-a", "reports", "5432")+cleared), fn.Options{})
	require.NoError(t, err)
	assert.Empty(t, results.Report())
}

var packageRow = regexp.MustCompile("(?m)^\\| `((?:cmd|fn|api|internal|images)[a-z0-9/-]*)` \\|")

// TestMapOfPackages holds the table in CONTRIBUTING.md to the packages that there
// are.
func TestMapOfPackages(t *testing.T) {
	list := exec.Command("go", "list", "-f", "{{.ImportPath}}", "./api/...", "./cmd/...", "./fn/...", "./internal/...", "./images/init/...")
	list.Dir = root
	out, err := list.Output()
	require.NoError(t, err)
	var want, shown []string
	for path := range strings.FieldsSeq(string(out)) {
		want = append(want, strings.TrimPrefix(path, "github.com/krm-bypass/krm-bypass/"))
	}
	for _, row := range packageRow.FindAllStringSubmatch(pages(t)["CONTRIBUTING.md"], -1) {
		shown = append(shown, row[1])
	}
	assert.ElementsMatch(t, want, shown)
}
