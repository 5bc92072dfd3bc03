package cluster

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/cluster/controlplane"
)

// TestAuditCronJob applies examples/audit and runs what its container does, as its
// ServiceAccount.
func TestAuditCronJob(t *testing.T) {
	example := filepath.Join(repository, "examples/audit")
	folder, err := filepath.Abs(example)
	require.NoError(t, err)
	kubectl(t, "", "apply", "-k", folder)
	defer func() {
		manifests := kubectl(t, "", "kustomize", folder)
		remove(t, manifests)
	}()
	const namespace = "bypass-audit"
	kubectl(t, "", "create", "serviceaccount", "nobody", "-n", namespace)
	account := server.Environment(filepath.Dir(program))
	account = append(account, "KUBECONFIG="+kubeconfigOf(t, namespace, "bypass-audit"))
	nobody := append(server.Environment(), "KUBECONFIG="+kubeconfigOf(t, namespace, "nobody"))

	// What it runs, with files in place of its volumes.
	var cronJob controlplane.Object
	require.NoError(t, json.Unmarshal([]byte(kubectl(t, "", "get", "cronjob", "bypass-audit", "-n", namespace, "-o", "json")), &cronJob))
	containers := cronJob.Field("spec", "jobTemplate", "spec", "template", "spec", "containers").([]any)
	require.Len(t, containers, 1)
	container := controlplane.Object(containers[0].(map[string]any))
	var command []string
	for _, word := range slices.Concat(container.Field("command").([]any), container.Field("args").([]any)) {
		command = append(command, word.(string))
	}
	audit := func() (said string, exit int) {
		job := exec.Command(command[0], command[1:]...)
		job.Env = append(slices.Clone(account), "HOME="+t.TempDir(), "SPEC="+filepath.Join(folder, "bypass.yaml"))
		out, err := job.CombinedOutput()
		if err != nil {
			require.ErrorAs(t, err, new(*exec.ExitError))
		}
		return string(out), job.ProcessState.ExitCode()
	}

	makeNamespace(t, "audited")
	object := workload("apps/v1", kinds["apps/v1 Deployment"], nil)
	below(object, "metadata")["namespace"] = "audited"
	text, err := json.Marshal(object)
	require.NoError(t, err)
	given := filepath.Join(t.TempDir(), "given.yaml")
	require.NoError(t, os.WriteFile(given, text, 0o600))
	written := krmBypass(t, "render", given, "--spec", filepath.Join(folder, "bypass.yaml"))
	kubectl(t, written, "apply", "-f", "-")
	defer kubectl(t, written, "delete", "-f", "-")
	said, exit := audit()
	assert.Zero(t, exit, said)
	assert.Contains(t, said, "169.254.169.254/32 (1)")
	assert.Contains(t, said, "1 object matches what krm-bypass writes")
	assert.Contains(t, said, "bypass-audit", "it is a workload itself, and left alone")

	kubectl(t, "", "patch", "deployment/web", "-n", "audited", "--type=merge", `--patch={"spec":{"template":{"metadata":{"annotations":{"`+outboundPorts+`":"443"}}}}}`)
	said, exit = audit()
	assert.Equal(t, 1, exit, said)
	assert.Contains(t, said, "Deployment audited/web: ")

	// What it may do, and what everybody may.
	assert.ElementsMatch(t, []string{
		"cronjobs.batch [list]", "daemonsets.apps [list]", "deployments.apps [list]", "statefulsets.apps [list]",
	}, beyond(permissions(t, account), permissions(t, nobody)))
	for _, refused := range [][]string{
		{"get", "secrets", "-A"}, {"get", "configmaps", "-n", namespace}, {"get", "pods", "-A"}, {"get", "deployment", "web", "-n", "audited"},
		{"delete", "cronjob", "bypass-audit", "-n", namespace}, {"annotate", "deployment/web", "-n", "audited", "a=b"},
		{"scale", "deployment/web", "-n", "audited", "--replicas=0"}, {"create", "configmap", "mine", "-n", namespace},
	} {
		out, err := as(account, refused...)
		assert.Error(t, err, "kubectl %v", refused)
		assert.Contains(t, strings.ToLower(out), "forbidden", "kubectl %v", refused)
	}
}

// kubeconfigOf makes one with which kubectl is a ServiceAccount, by its own token.
func kubeconfigOf(t *testing.T, namespace, account string) string {
	t.Helper()
	text := kubectl(t, "", "config", "view", "--raw")
	path := filepath.Join(t.TempDir(), account)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	token := strings.TrimSpace(kubectl(t, "", "create", "token", account, "-n", namespace))
	kubectl(t, "", "config", "--kubeconfig", path, "set-credentials", "administrator", "--token", token)
	return path
}

// as runs the kubectl of an environment.
func as(environment []string, args ...string) (said string, err error) {
	command := exec.Command("sh", append([]string{"-c", `exec kubectl "$@"`, "sh"}, args...)...)
	command.Env = environment
	out, err := command.CombinedOutput()
	return string(out), err
}

// permissions lists what the server lets somebody do with resources.
func permissions(t *testing.T, environment []string) []string {
	t.Helper()
	out, err := as(environment, "auth", "can-i", "--list", "--no-headers")
	require.NoError(t, err, out)
	var all []string
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		all = append(all, fields[0]+" "+line[strings.LastIndex(line, "["):len(line)-1])
	}
	require.NotEmpty(t, all)
	return all
}

func beyond(all, known []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(one string) bool { return slices.Contains(known, one) })
}
