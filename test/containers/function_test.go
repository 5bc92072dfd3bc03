package containers

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/test/ways"
)

// kustomize builds a folder with the real kustomize, to which podman is docker.
func kustomize(t *testing.T, folder string, flags ...string) (out, errOut string, err error) {
	t.Helper()
	command := exec.Command(filepath.Join(root, ".cache/bin/kustomize"), append([]string{"build", folder}, flags...)...)
	command.Env = append(os.Environ(), "PATH="+podmanAsDocker()+":"+filepath.Join(root, "bin")+":"+os.Getenv("PATH"))
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	err = command.Run()
	return stdout.String(), stderr.String(), err
}

func podmanAsDocker() string { return filepath.Join(folder, "bin") }

// How a spec names the function, as a command and as an image.
const (
	executed  = "exec:\n        path: krm-bypass"
	contained = "container:\n        image: " + exampleImage
)

// TestKustomizeRunsTheFunctionAsAContainer has the image make what the command
// makes.
func TestKustomizeRunsTheFunctionAsAContainer(t *testing.T) {
	byImage, errOut, err := kustomize(t, filepath.Join(root, "examples/container"), "--enable-alpha-plugins")
	require.NoError(t, err, errOut)
	assert.Empty(t, errOut)
	assert.Contains(t, byImage, "name: krm-bypass-init")

	byCommand, errOut, err := kustomize(t, exampleWith(t, "container", contained, executed), "--enable-alpha-plugins", "--enable-exec")
	require.NoError(t, err, errOut)
	assert.Equal(t, byCommand, byImage)
}

// TestTheTreeOfEveryWay is the row of docs/running.md for containers.
func TestTheTreeOfEveryWay(t *testing.T) {
	out, errOut, err := kustomize(t, exampleWith(t, "every-way", executed, contained), "--enable-alpha-plugins")
	require.NoError(t, err, errOut)
	assert.Empty(t, errOut)
	ways.Compare(t, []byte(out))
}

// exampleWith gives a copy of an example in whose spec one text stands for another.
func exampleWith(t *testing.T, example, replace, by string) string {
	t.Helper()
	examples := filepath.Join(t.TempDir(), "examples")
	require.NoError(t, os.CopyFS(examples, os.DirFS(filepath.Join(root, "examples"))))
	spec := filepath.Join(examples, example, "bypass.yaml")
	text, err := os.ReadFile(spec)
	require.NoError(t, err)
	changed := strings.Replace(string(text), replace, by, 1)
	require.NotEqual(t, string(text), changed)
	require.NoError(t, os.WriteFile(spec, []byte(changed), 0o600))
	return filepath.Join(examples, example)
}

// TestAMistakeReachesTheUserOfAContainer has the function's words on kustomize's
// standard error.
func TestAMistakeReachesTheUserOfAContainer(t *testing.T) {
	out, errOut, err := kustomize(t, exampleWith(t, "container", "198.51.100.0/24", "198.51.100.0/33"), "--enable-alpha-plugins")
	require.Error(t, err)
	assert.Empty(t, out)
	assert.Contains(t, errOut, `spec.workloads[0].excludeOutboundIPRanges[0]: "198.51.100.0/33"`)
}

// TestTheFunctionsImageAsAPlugin runs the image as Argo CD runs a plugin's
// sidecar: another user, nothing to write to but /tmp, no shell.
func TestTheFunctionsImageAsAPlugin(t *testing.T) {
	example := filepath.Join(root, "examples/asm-ports")
	want, err := exec.Command(filepath.Join(root, "bin/krm-bypass"), "render", example).Output()
	require.NoError(t, err)
	got := mustPodman(t, "run", "--rm", "--network=none", "--user=999", "--read-only", "--cap-drop=all", "--security-opt=no-new-privileges",
		"--volume="+filepath.Join(root, "examples")+":/source:ro", functionImage, "render", "/source/asm-ports")
	assert.Equal(t, string(want), got)
}

// TestTheImageInstallsItsProgram has it copied out of an image without a shell, as
// an init container for Argo CD does.
func TestTheImageInstallsItsProgram(t *testing.T) {
	volume := t.TempDir()
	require.NoError(t, os.Chmod(volume, 0o777)) // as the kubelet makes an emptyDir
	mustPodman(t, "run", "--rm", "--network=none", "--user=999", "--read-only", "--cap-drop=all", "--security-opt=no-new-privileges",
		"--volume="+volume+":/krm-bypass", functionImage, "install", "/krm-bypass")
	said, err := exec.Command(filepath.Join(volume, "krm-bypass"), "--version").Output()
	require.NoError(t, err)
	assert.Equal(t, "krm-bypass version v0.1.0\n", string(said))
}

// TestTheActionTakesTheProgramOutOfTheImage runs the first step of action.yml, which gets
// krm-bypass from an image by its digest, to which podman is docker.
func TestTheActionTakesTheProgramOutOfTheImage(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "action.yml"))
	require.NoError(t, err)
	var action struct {
		Runs struct {
			Steps []struct{ ID, Run string }
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &action))
	step := action.Runs.Steps[0]
	require.Equal(t, "program", step.ID)
	repository, _, _ := strings.Cut(functionImage, ":")
	digest := strings.TrimSpace(mustPodman(t, "image", "inspect", "--format={{.Digest}}", functionImage))

	temp := t.TempDir()
	command := exec.Command("bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step.Run)
	command.Env = append(os.Environ(), "PATH="+podmanAsDocker()+":"+os.Getenv("PATH"), "RUNNER_TEMP="+temp, "GITHUB_OUTPUT="+filepath.Join(temp, "output"),
		"PATHS=.", "SPECS=", "PROGRAM=", "SOURCE=", "IMAGE="+repository+"@"+digest)
	said, err := command.CombinedOutput()
	require.NoError(t, err, "%s", said)
	assert.Contains(t, string(said), "krm-bypass version v0.1.0\n")
	output, err := os.ReadFile(filepath.Join(temp, "output"))
	require.NoError(t, err)
	assert.Regexp(t, `(?m)^program=`+temp+`/krm-bypass\.\w+/krm-bypass$`, string(output))
}
