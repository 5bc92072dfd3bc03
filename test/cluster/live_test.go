package cluster

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/test/cluster/controlplane"
)

// enforcements are init containers with whatever the server makes something else of.
var enforcements = map[string]string{
	"a-tag":      "{image: registry.example.com/init:v0.1.0, backend: nftables}",
	"a-digest":   "{image: registry.example.com/init@sha256:" + strings.Repeat("0", 64) + ", backend: iptables, imagePullSecrets: [{name: registry}], imagePullPolicy: Always}",
	"neither":    "{image: registry.example.com/init, resources: {}}",
	"resources":  `{image: "init:latest", imagePullPolicy: Never, resources: {limits: {cpu: "0.1", memory: 33554432}, requests: {cpu: 0.01, memory: 0.5Mi}}}`,
	"no-request": "{image: init, resources: {limits: {memory: 64Mi, cpu: 2e1}}}",
}

// audited runs a command on what kubectl printed, by a specification with the
// enforcement.
func audited(t *testing.T, enforcement, stdin string, args ...string) (stdout, stderr string, exit int) {
	t.Helper()
	spec := filepath.Join(t.TempDir(), "bypass.yaml")
	require.NoError(t, os.WriteFile(spec, []byte("apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\n"+
		"spec:\n  workloads: [{match: {kinds: [Deployment, StatefulSet, DaemonSet, ReplicaSet, Job, CronJob, Pod]}, excludeInboundPorts: [7001]}]\n"+
		"  enforcement: "+strings.Replace(enforcement, "{", "{mode: InitContainer, ", 1)+"\n"), 0o600))
	command := exec.Command(program, append(args, "--spec", spec)...)
	var out, said bytes.Buffer
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader(stdin), &out, &said
	_ = command.Run() // its exit code says how it went
	return out.String(), said.String(), command.ProcessState.ExitCode()
}

// TestWhatRuns reads from the server what was rendered and applied.
func TestWhatRuns(t *testing.T) {
	for name, enforcement := range enforcements {
		t.Run(name, func(t *testing.T) {
			makeNamespace(t, name)
			var manifests strings.Builder
			var all []controlplane.Object
			for _, of := range []string{"apps/v1 Deployment", "apps/v1 StatefulSet", "apps/v1 DaemonSet", "apps/v1 ReplicaSet", "batch/v1 Job", "batch/v1 CronJob", "v1 Pod"} {
				apiVersion, _, _ := strings.Cut(of, " ")
				object := workload(apiVersion, kinds[of], nil)
				below(object, "metadata")["namespace"] = name
				text, err := json.Marshal(object)
				require.NoError(t, err)
				fmt.Fprintf(&manifests, "---\n%s\n", text)
				all = append(all, object)
			}
			written, said, exit := audited(t, enforcement, manifests.String(), "render", "-")
			require.Zero(t, exit, said)
			prepare(t, all)
			kubectl(t, written, "apply", "-f", "-")
			defer kubectl(t, written, "delete", "--wait=false", "-f", "-")
			runs := kubectl(t, "", "get", "deploy,sts,ds,rs,job,cronjob,pod", "-n", name, "-o", "yaml", "--show-managed-fields")
			require.Contains(t, runs, "/dev/termination-log")
			require.Contains(t, runs, "managedFields")

			said, warned, exit := audited(t, enforcement, runs, "check", "-")
			assert.Zero(t, exit)
			assert.Empty(t, warned)
			assert.Contains(t, said, "7 objects match what krm-bypass writes")
			said, _, exit = audited(t, enforcement, runs, "explain", "-")
			assert.Zero(t, exit)
			assert.Contains(t, said, "7 workloads: 7 written\n")
			again, said, exit := audited(t, enforcement, runs, "render", "-")
			assert.Zero(t, exit, said)
			assert.Equal(t, runs, again, "render changes nothing")

			earlier := inVersion1(t, runs)
			said, _, _ = audited(t, enforcement, earlier, "check", "-")
			assert.Equal(t, 7, strings.Count(said, "this record has the form of an earlier version"), said)
			assert.NotContains(t, said, "initContainers")
			again, said, exit = audited(t, enforcement, earlier, "render", "-")
			assert.Zero(t, exit, said)
			assert.Equal(t, templatesOf(t, runs), templatesOf(t, again), "no pod restarts")
		})
	}
}

// inVersion1 writes the records as version 1 did.
func inVersion1(t *testing.T, stream string) string {
	t.Helper()
	var items []any
	for _, object := range manifestsOf(t, stream) {
		annotations := recordOf(object)
		text := strings.NewReplacer(`"v":2,"spec":"cluster"`, `"v":1`, `"krm-bypass-init":`, `"initContainer":`).Replace(annotations[recordAnnotation].(string))
		head, _, _ := strings.Cut(text, `"sum":`)
		annotations[recordAnnotation] = head + `"sum":"` + node.Digest(recordAnnotation, head+`"sum":""}`) + `"}`
		items = append(items, object)
	}
	text, err := json.Marshal(controlplane.Object{"apiVersion": "v1", "kind": "List", "items": items})
	require.NoError(t, err)
	return string(text)
}

// templatesOf gives the objects without their annotations.
func templatesOf(t *testing.T, stream string) []controlplane.Object {
	t.Helper()
	all := manifestsOf(t, stream)
	for _, object := range all {
		delete(below(object, "metadata"), "annotations")
	}
	return all
}

// TestWhateverIsChanged changes every field of the init container, adds every field that
// it has not, by the server's own schema, and has the server say which of these changes
// are none.
func TestWhateverIsChanged(t *testing.T) {
	enforcement := enforcements["resources"]
	object := workload("apps/v1", kinds["apps/v1 Deployment"], nil)
	text, err := json.Marshal(object)
	require.NoError(t, err)
	written, said, exit := audited(t, enforcement, string(text), "render", "-")
	require.Zero(t, exit, said)
	stored, err := try(t, manifestsOf(t, written)[0])
	require.NoError(t, err)

	answer, err := server.Request(t.Context(), http.MethodGet, "/openapi/v3/api/v1", nil)
	require.NoError(t, err)
	schemas := schemas{answer.Object.Field("components", "schemas").(map[string]any)}
	changes := schemas.changes(schemas.of("io.k8s.api.core.v1.Container"), initOf(stored.Object))
	for field := range schemas.of("io.k8s.api.core.v1.Container")["properties"].(map[string]any) {
		assert.True(t, slices.ContainsFunc(changes, func(c mutation) bool { return strings.HasPrefix(c.at, "."+field) }), field)
	}

	// Each as the server keeps it, which may drop or respell something, and as it is.
	var items []any
	what, same, taken, none := map[string]string{}, map[string]bool{}, 0, 0
	add := func(name string, mutant controlplane.Object, change mutation, is bool) {
		below(mutant, "metadata")["name"] = name
		items = append(items, mutant)
		what[name], same[name] = change.at, is
	}
	for i, change := range changes {
		mutant := clone(stored.Object)
		below(mutant, "metadata")["name"] = "mutant"
		below(mutant, "spec", "template", "spec")["initContainers"].([]any)[0] = change.is
		equal := func(a, b any) bool { return reflect.DeepEqual(clone(a), clone(b)) }
		filled := false
		if kept, err := try(t, mutant); err == nil {
			taken++
			is := equal(initOf(kept.Object), initOf(stored.Object))
			if is {
				none++
			}
			filled = is && strings.HasSuffix(change.at, " goes")
			add(fmt.Sprintf("kept-%d", i), kept.Object, change, is)
		}
		add(fmt.Sprintf("given-%d", i), mutant, change, filled || equal(change.is, initOf(stored.Object)))
	}
	list, err := json.Marshal(controlplane.Object{"apiVersion": "v1", "kind": "List", "items": items})
	require.NoError(t, err)
	said, _, _ = audited(t, enforcement, string(list), "check", "-", "-o", "json")
	differ := map[string]bool{}
	for _, subject := range objectIn(t, said)["subjects"].([]any) {
		subject := controlplane.Object(subject.(map[string]any))
		differ[subject.Text("name")] = subject["findings"] != nil
	}
	_, refused, exit := audited(t, enforcement, string(list), "render", "-")
	assert.Equal(t, 1, exit)
	for name, at := range what {
		assert.Equal(t, !same[name], differ[name], "%s: %s", name, at)
		// By another name it is another container, and ours is written anew.
		assert.Equal(t, !same[name] && !strings.HasPrefix(at, ".name"), strings.Contains(refused, "default/"+name+":"), "%s: %s", name, at)
	}
	t.Logf("the server takes %d of %d changes of the init container, of which %d are none", taken, len(changes), none)
}

func initOf(object controlplane.Object) map[string]any {
	return below(object, "spec", "template", "spec")["initContainers"].([]any)[0].(map[string]any)
}

func objectIn(t *testing.T, text string) (object controlplane.Object) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(text), &object), text)
	return object
}

func clone[T any](value T) T {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	var copied T
	if err := json.Unmarshal(text, &copied); err != nil {
		panic(err)
	}
	return copied
}

// mutation is a container in which one thing is otherwise.
type mutation struct {
	at string
	is map[string]any
}

// schemas are those of the server's OpenAPI document, by their names.
type schemas struct{ all map[string]any }

func (s schemas) of(name string) map[string]any { return s.all[name].(map[string]any) }

// resolved follows the reference of a schema.
func (s schemas) resolved(schema map[string]any) (map[string]any, string) {
	name := ""
	for {
		reference, refers := schema["$ref"].(string)
		if all, wrapped := schema["allOf"].([]any); wrapped {
			reference, refers = all[0].(map[string]any)["$ref"].(string)
		}
		if !refers {
			return schema, name
		}
		name = reference[strings.LastIndexByte(reference, '/')+1:]
		schema = s.of(name)
	}
}

// values gives values of a schema, for a mapping one with each of its fields.
func (s schemas) values(schema map[string]any, depth int) []any {
	schema, name := s.resolved(schema)
	if strings.HasSuffix(name, ".Quantity") || strings.HasSuffix(name, ".IntOrString") {
		return []any{"7"}
	}
	switch schema["type"] {
	case "integer", "number":
		return []any{7, 0}
	case "boolean":
		return []any{true, false}
	case "array":
		var lists []any
		for _, item := range s.values(schema["items"].(map[string]any), depth) {
			lists = append(lists, []any{item})
		}
		return lists
	case "object":
		if of, isMap := schema["additionalProperties"].(map[string]any); isMap {
			return []any{map[string]any{"x": s.values(of, depth)[0]}}
		}
		required, _ := schema["required"].([]any)
		least := map[string]any{}
		fields, _ := schema["properties"].(map[string]any)
		for _, field := range required {
			least[field.(string)] = s.values(fields[field.(string)].(map[string]any), depth+1)[0]
		}
		all := []any{least}
		for _, field := range slices.Sorted(maps.Keys(fields)) {
			if depth > 4 {
				break
			}
			for _, value := range s.values(fields[field].(map[string]any), depth+1) {
				with := clone(least)
				with[field] = value
				all = append(all, with)
			}
		}
		return all
	}
	if words, listed := schema["enum"].([]any); listed {
		return words
	}
	return []any{"x"}
}

// changes gives what one change makes of a container.
func (s schemas) changes(schema, container map[string]any) []mutation {
	var all []mutation
	s.change(schema, container, "", func(at string, is any) { all = append(all, mutation{at, is.(map[string]any)}) })
	return all
}

// change makes each change of a value, or within it.
func (s schemas) change(schema map[string]any, value any, at string, put func(at string, is any)) {
	schema, _ = s.resolved(schema)
	switch value := value.(type) {
	case map[string]any:
		fields, _ := schema["properties"].(map[string]any)
		if of, isMap := schema["additionalProperties"].(map[string]any); isMap {
			fields = map[string]any{"x": of}
			for key := range value {
				fields[key] = of
			}
		}
		for _, field := range slices.Sorted(maps.Keys(fields)) {
			of, at := fields[field].(map[string]any), at+"."+field
			with := func(is any) map[string]any {
				copied := clone(value)
				copied[field] = is
				return copied
			}
			is, stands := value[field]
			if stands {
				without := clone(value)
				delete(without, field)
				put(at+" goes", without)
				s.change(of, is, at, func(at string, is any) { put(at, with(is)) })
				continue
			}
			for _, added := range s.values(of, 0) {
				put(at, with(added))
			}
		}
	case []any:
		items := schema["items"].(map[string]any)
		for i, item := range value {
			put(fmt.Sprintf("%s[%d] goes", at, i), slices.Delete(slices.Clone(value), i, i+1))
			s.change(items, item, fmt.Sprintf("%s[%d]", at, i), func(at string, is any) {
				copied := slices.Clone(value)
				copied[i] = is
				put(at, copied)
			})
		}
		put(at+"[+]", append(slices.Clone(value), s.values(items, 0)[0]))
	default:
		for _, other := range s.values(schema, 0) {
			if other != value {
				put(at, other)
			}
		}
	}
}
