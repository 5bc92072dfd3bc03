package cluster

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")
	textBlock  = regexp.MustCompile("(?s)```text\n(.*?)\n```")
)

// TestAdmissionPage does what docs/admission.md says, in its order but for the
// last, and looks after each command at what it says that then is.
func TestAdmissionPage(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository, "docs/admission.md"))
	require.NoError(t, err)
	var commands []string
	for _, block := range shellBlock.FindAllStringSubmatch(string(text), -1) {
		commands = append(commands, block[1])
	}
	require.Len(t, commands, 4, "warn, refuse, take out, exempt")
	warn, refuse, takeOut, exempt := commands[0], commands[1], commands[2], commands[3]
	told := textBlock.FindStringSubmatch(string(text))[1]
	byHand := annotated("Deployment")

	shell(t, warn)
	await(t, "it warns", func() bool {
		answer, err := try(t, byHand)
		require.NoError(t, err, "it refuses nothing yet")
		return strings.Contains(strings.Join(answer.Warnings, "\n"), told)
	})

	shell(t, refuse)
	await(t, "it refuses", func() bool { return refusal(t, byHand) != "" })
	assert.Equal(t, told, refusal(t, byHand))

	makeNamespace(t, "legacy")
	legacy := annotated("Deployment")
	below(legacy, "metadata")["namespace"] = "legacy"
	assert.Equal(t, told, refusal(t, legacy))
	shell(t, exempt)
	await(t, "the namespace is exempt", func() bool { return refusal(t, legacy) == "" })
	assert.Equal(t, told, refusal(t, byHand), "other namespaces are not")

	shell(t, takeOut)
	await(t, "it is gone", func() bool { return refusal(t, byHand) == "" })
}

// shell runs a command as a reader would, with krm-bypass and kubectl in PATH.
func shell(t *testing.T, command string) {
	t.Helper()
	sh := exec.Command("sh", "-e", "-c", command)
	sh.Env = server.Environment(filepath.Dir(program))
	said, err := sh.CombinedOutput()
	require.NoError(t, err, "%s\n%s", command, said)
	assert.NotEmpty(t, said)
}

// TestAuditPage does what docs/audit.md says with what the controllers made of what was
// rendered.
func TestAuditPage(t *testing.T) {
	stop, err := server.StartControllers(t.Context(), controllerManager, "deployment-controller", "replicaset-controller", "statefulset-controller", "job-controller")
	require.NoError(t, err)
	defer stop()
	makeNamespace(t, "audit")
	var manifests, pods string
	for _, of := range []string{"apps/v1 Deployment", "apps/v1 StatefulSet", "batch/v1 Job", "batch/v1 CronJob"} {
		apiVersion, _, _ := strings.Cut(of, " ")
		object := workload(apiVersion, kinds[of], nil)
		below(object, "metadata")["namespace"] = "audit"
		text, err := json.Marshal(object)
		require.NoError(t, err)
		manifests += "---\n" + string(text) + "\n"
	}
	folder := t.TempDir()
	spec := filepath.Join(folder, "bypass.yaml")
	require.NoError(t, os.WriteFile(spec, []byte("apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n"+
		"  enrolment: {namespaces: [audit]}\n  global: {excludeInboundPorts: [7001]}\n  workloads: [{match: {kinds: [Job]}, excludeOutboundPorts: [3306]}]\n"+
		"  limits: {forbiddenInboundPorts: [22], podAnnotations: {namespaces: []}}\n  enforcement: {mode: InitContainer, image: init}\n"), 0o600))
	given := filepath.Join(folder, "given.yaml")
	require.NoError(t, os.WriteFile(given, []byte(manifests), 0o600))
	written := krmBypass(t, "render", given, "--spec", spec)
	kubectl(t, written, "apply", "-f", "-")
	defer kubectl(t, written, "delete", "-f", "-")
	await(t, "there are Pods", func() bool {
		pods = kubectl(t, "", "get", "pods", "-n", "audit", "-o", "name")
		return strings.Count(pods, "\n") == 3
	})

	text, err := os.ReadFile(filepath.Join(repository, "docs/audit.md"))
	require.NoError(t, err)
	commands := shellBlock.FindAllStringSubmatch(string(text), -1)
	require.Len(t, commands, 3, "explain, check, explain Pods")
	run := func(command string) (said string, failed bool) {
		sh := exec.Command("sh", "-c", command)
		sh.Dir, sh.Env = folder, server.Environment(filepath.Dir(program))
		out, err := sh.CombinedOutput()
		return string(out), err != nil
	}
	said, failed := run(commands[0][1])
	assert.False(t, failed, said)
	assert.Contains(t, said, "3 workloads: 3 written\n3 of 3 bypass something:\n  inbound  7001 (3)\n")
	said, failed = run(commands[1][1])
	assert.False(t, failed, said)
	assert.Contains(t, said, "3 objects match what krm-bypass writes, 0 left alone\n")
	said, failed = run(commands[2][1])
	assert.False(t, failed, said)
	assert.Contains(t, said, "3 workloads: 3 left alone\n3 of 3 bypass something:\n")
	assert.Contains(t, said, "inbound   7001 (3), 7001 by container: krm-bypass-init (3)\n")

	all := func(kinds string) string { return strings.Replace(commands[1][1], "deploy,sts,ds,cronjob", kinds, 1) }
	said, failed = run(all("deploy,sts,ds,rs,job,cronjob,pod,svc,cm,ns,events"))
	assert.False(t, failed, said)
	assert.Equal(t, 1, strings.Count(said, "left alone: "), said)
	assert.Contains(t, said, ": a controller owns it and would undo any change (metadata.ownerReferences)\n4 objects match what krm-bypass writes, 4 left alone\n")

	kubectl(t, "", "annotate", "deployment/web", "-n", "audit", "--overwrite", "team=storefront")
	kubectl(t, "", "patch", "deployment/web", "-n", "audit", "--type=json", `--patch=[{"op":"add","path":"/spec/template/spec/initContainers/0/tty","value":true}]`)
	said, failed = run(commands[1][1])
	assert.True(t, failed, said)
	assert.Contains(t, said, "Deployment audit/web: error: ")
	assert.Contains(t, said, "was changed after krm-bypass wrote it (unlike spec.enforcement: tty is the boolean true): remove it")
	assert.Contains(t, said, "\n2 objects match what krm-bypass writes, 1 object is refused, 0 left alone, 1 error\n")
}
