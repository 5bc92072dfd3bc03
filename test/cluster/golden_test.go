package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/cluster/controlplane"
)

const recordAnnotation = "krm-bypass.dev/last-applied"

// TestGoldens hands the server, as a dry run, what the cases of testdata/golden
// go in with and what comes out. What it takes of the one it has to take of the
// other; and as it would store them, with all its defaults, they must not
// differ in anything but what the record says was written.
func TestGoldens(t *testing.T) {
	expected, err := filepath.Glob(filepath.Join(repository, "testdata/golden/*/*/expected.yaml"))
	require.NoError(t, err)
	expected = slices.DeleteFunc(expected, func(path string) bool { return strings.Contains(path, goldensOfOperators) }) // which TestOperators judges
	require.NotEmpty(t, expected)
	prepare(t, allOfGoldens(t))

	var taken, written int
	var untaken []string
	for _, path := range expected {
		folder := filepath.Dir(path)
		t.Run(filepath.Base(folder), func(t *testing.T) {
			input, err := readManifests(filepath.Join(folder, "input.yaml"))
			if err != nil {
				untaken = append(untaken, fmt.Sprintf("%s: %v", t.Name(), err))
				return
			}
			output, err := readManifests(path)
			require.NoError(t, err, "it could be read before")
			require.Len(t, output, len(input))
			for i := range input {
				complete(input[i])
				complete(output[i])
				before, err := try(t, input[i])
				if err != nil {
					untaken = append(untaken, fmt.Sprintf("%s, %s %s: %v", t.Name(), input[i].Text("kind"), input[i].Text("metadata", "name"), err))
					continue
				}
				after, err := try(t, output[i])
				if !assert.NoError(t, err, "item %d was taken as it went in", i) {
					continue
				}
				taken++
				if !wrote(output[i]).isNothing() {
					written++
				}
				if group, _, _ := strings.Cut(output[i].Text("apiVersion"), "/"); ofKubernetes(group) {
					ours := wrote(input[i]).and(wrote(output[i]))
					assert.Equal(t, without(before.Object, ours), without(after.Object, ours), "item %d", i)
				}
				assert.Subset(t, before.Warnings, after.Warnings, "item %d", i)
			}
		})
	}
	t.Logf("the server takes %d items as they go in and as they come out, %d of them written by the function", taken, written)
	for _, why := range untaken {
		t.Logf("it does not take as it goes in: %s", why)
	}
	assert.Greater(t, written, len(untaken))
}

// allOfGoldens are the objects of all cases but for their Namespaces, so that all
// namespaces are made.
func allOfGoldens(t *testing.T) []controlplane.Object {
	t.Helper()
	var all []controlplane.Object
	for _, name := range []string{"input.yaml", "expected.yaml"} {
		paths, err := filepath.Glob(filepath.Join(repository, "testdata/golden/*/*", name))
		require.NoError(t, err)
		for _, path := range paths {
			objects, _ := readManifests(path) // an error is for the test of the case
			all = append(all, objects...)
		}
	}
	return slices.DeleteFunc(all, func(o controlplane.Object) bool { return o.Text("kind") == "Namespace" })
}

func readManifests(path string) ([]controlplane.Object, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return decode(string(text))
}

// demand is what the server asks of a workload of Kubernetes' own kinds, and
// the cases leave out, since the function does not look at it.
type demand struct {
	pod      []string // leads to the pod, or to its template
	selector func(labels map[string]any) any
	also     map[string]any // of the workload's spec
	restart  string
}

var (
	byLabels = func(labels map[string]any) any { return map[string]any{"matchLabels": labels} }
	byItself = func(labels map[string]any) any { return labels }
	template = []string{"spec", "template"}
	demands  = map[string]demand{
		"Deployment":            {pod: template, selector: byLabels},
		"StatefulSet":           {pod: template, selector: byLabels},
		"DaemonSet":             {pod: template, selector: byLabels},
		"ReplicaSet":            {pod: template, selector: byLabels},
		"ReplicationController": {pod: template, selector: byItself},
		"PodTemplate":           {pod: []string{"template"}},
		"Pod":                   {},
		"Job":                   {pod: template, restart: "Never"},
		"CronJob":               {pod: []string{"spec", "jobTemplate", "spec", "template"}, restart: "Never", also: map[string]any{"schedule": "@daily"}},
	}
)

func complete(object controlplane.Object) {
	group, _, grouped := strings.Cut(object.Text("apiVersion"), "/")
	demanded, known := demands[object.Text("kind")]
	if !known || grouped && !ofKubernetes(group) {
		return
	}
	pod := below(object, append(demanded.pod, "spec")...)
	if containers, _ := pod["containers"].([]any); len(containers) == 0 {
		pod["containers"] = []any{map[string]any{"name": "case", "image": "golden"}}
	}
	if demanded.restart != "" {
		pod["restartPolicy"] = demanded.restart
	}
	if demanded.selector != nil {
		labels := below(object, append(demanded.pod, "metadata", "labels")...)
		labels["case"] = "golden"
		below(object, "spec")["selector"] = demanded.selector(map[string]any{"case": "golden"})
	}
	if demanded.also != nil {
		maps.Copy(below(object, "spec"), demanded.also)
	}
}

// below gives the mapping that the keys lead to, and makes those that are
// missing.
func below(parent map[string]any, keys ...string) map[string]any {
	for _, key := range keys {
		fields, _ := parent[key].(map[string]any)
		if fields == nil {
			fields = map[string]any{}
			parent[key] = fields
		}
		parent = fields
	}
	return parent
}

// try asks the server to create the object, as a dry run in which an unknown or
// a repeated field is an error.
func try(t *testing.T, object controlplane.Object) (controlplane.Answer, error) {
	t.Helper()
	apiVersion, kind := object.Text("apiVersion"), object.Text("kind")
	resources, err := server.Resources(t.Context(), apiVersion)
	require.NoError(t, err)
	resource, served := resources[kind]
	if !served {
		return controlplane.Answer{}, fmt.Errorf("no kind %q in %q", kind, apiVersion)
	}
	namespace := object.Text("metadata", "namespace")
	if namespace == "" {
		namespace = "default"
	}
	answer, err := server.Request(t.Context(), http.MethodPost, resource.Path(apiVersion, namespace)+"?dryRun=All&fieldValidation=Strict", object)
	var refusal *controlplane.Refusal
	if !errors.As(err, &refusal) {
		require.NoError(t, err)
	}
	return answer, err
}

// ours is what the record says was written: annotations of the template, the
// record's own among them, and pull secrets.
type ours struct{ annotations, secrets []string }

func (o ours) isNothing() bool { return len(o.annotations) == 0 }

func (o ours) and(other ours) ours {
	return ours{slices.Concat(o.annotations, other.annotations), slices.Concat(o.secrets, other.secrets)}
}

func wrote(object controlplane.Object) ours {
	text := object.Text("metadata", "annotations", recordAnnotation)
	var record struct {
		Wrote map[string]string
		Added map[string][]string // by the list's path
	}
	if text == "" || json.Unmarshal([]byte(text), &record) != nil {
		return ours{} // the function refuses such a record, or passes it on as the user's
	}
	o := ours{annotations: append(slices.Collect(maps.Keys(record.Wrote)), recordAnnotation)}
	for path, entries := range record.Added {
		if strings.HasSuffix(path, ".imagePullSecrets") {
			o.secrets = append(o.secrets, entries...)
		}
	}
	return o
}

// drawn are the fields and labels whose value the server draws each time it is
// asked, or takes from what was drawn.
var drawn = []string{
	"creationTimestamp", "uid", "managedFields",
	"controller-uid", "batch.kubernetes.io/controller-uid", "job-name", "batch.kubernetes.io/job-name",
	"qosClass", // of a pod, by the resources of its init containers too
}

// without gives an object that lacks what is drawn, what is ours wherever it
// stands, and the init containers.
func without(value any, ours ours) any {
	switch value := value.(type) {
	case controlplane.Object:
		object := without(map[string]any(value), ours).(map[string]any)
		metadata := object["metadata"].(map[string]any)
		if _, generated := metadata["generateName"]; generated {
			delete(metadata, "name")
		}
		return object
	case map[string]any:
		fields := map[string]any{}
		for key, field := range value {
			if slices.Contains(drawn, key) {
				continue
			}
			field = without(field, ours)
			switch key {
			case "annotations":
				if annotations, isMap := field.(map[string]any); isMap {
					maps.DeleteFunc(annotations, func(key string, _ any) bool { return slices.Contains(ours.annotations, key) })
				}
			case "initContainers":
				field = unnamed(field, "krm-bypass-init", "krm-bypass-close")
			case "imagePullSecrets":
				field = unnamed(field, ours.secrets...)
			case "metadata": // may have been made to hold annotations
			default:
				fields[key] = field
				continue
			}
			if !empty(field) {
				fields[key] = field
			}
		}
		return fields
	case []any:
		items := make([]any, len(value))
		for i, item := range value {
			items[i] = without(item, ours)
		}
		return items
	}
	return value
}

// unnamed gives a list without the items that have one of the names.
func unnamed(list any, names ...string) any {
	items, isList := list.([]any)
	if !isList {
		return list
	}
	return slices.DeleteFunc(items, func(item any) bool {
		fields, _ := item.(map[string]any)
		name, _ := fields["name"].(string)
		return slices.Contains(names, name)
	})
}

func empty(value any) bool {
	switch value := value.(type) {
	case map[string]any:
		return len(value) == 0
	case []any:
		return len(value) == 0
	}
	return value == nil
}
