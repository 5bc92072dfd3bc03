package corpus

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// templates leads from an object to its pod template, by kind. It is written
// down here once more, for a judge must not ask the one that it judges.
var templates = map[string][]string{
	"Deployment": {"spec", "template"}, "StatefulSet": {"spec", "template"}, "DaemonSet": {"spec", "template"},
	"ReplicaSet": {"spec", "template"}, "ReplicationController": {"spec", "template"}, "Rollout": {"spec", "template"},
	"CloneSet": {"spec", "template"}, "Job": {"spec", "template"}, "PodTemplate": {"template"}, "Pod": {},
	"CronJob": {"spec", "jobTemplate", "spec", "template"},
}

// workload is an object with a pod template.
type workload struct {
	object, template   *yaml.Node
	kind, name         string
	namespace          string
	annotations        map[string]string // of the template
	knative, reluctant bool
}

// workloadsIn gives the workloads of a stream, in their order, those inside
// lists too.
func workloadsIn(t require.TestingT, stream []byte) []workload {
	var found []workload
	decoder := yaml.NewDecoder(bytes.NewReader(readable(stream)))
	for {
		var document yaml.Node
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return found
		}
		require.NoError(t, err)
		found = append(found, workloadsOf(t, document.Content[0])...)
	}
}

func workloadsOf(t require.TestingT, object *yaml.Node) []workload {
	if object.Kind != yaml.MappingNode {
		return nil
	}
	var head struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string `yaml:"kind"`
		Metadata   struct {
			Name         string            `yaml:"name"`
			GenerateName string            `yaml:"generateName"`
			Namespace    string            `yaml:"namespace"`
			Annotations  map[string]string `yaml:"annotations"`
		} `yaml:"metadata"`
	}
	require.NoError(t, object.Decode(&head))
	if head.Kind == "List" {
		var found []workload
		for _, item := range entry(object, "items").Content {
			found = append(found, workloadsOf(t, item)...)
		}
		return found
	}
	knative := strings.HasPrefix(head.APIVersion, "serving.knative.dev/")
	path, known := templates[head.Kind]
	if knative {
		path, known = []string{"spec", "template"}, true
	}
	if !known {
		return nil
	}
	w := workload{object: object, template: object, kind: head.Kind, name: head.Metadata.Name, namespace: head.Metadata.Namespace, knative: knative}
	for _, step := range path {
		w.template = entry(w.template, step)
	}
	_, hooked := head.Metadata.Annotations["helm.sh/hook"]
	w.reluctant = (head.Kind == "Job" || head.Kind == "Pod") && head.Metadata.GenerateName == "" && !hooked
	var template struct {
		Metadata struct {
			Annotations map[string]string `yaml:"annotations"`
		} `yaml:"metadata"`
	}
	require.NoError(t, w.template.Decode(&template))
	w.annotations = template.Metadata.Annotations
	return []workload{w}
}

// entry gives the value under a key that the mapping has itself; nil if there
// is none.
func entry(mapping *yaml.Node, key string) *yaml.Node {
	if mapping == nil || mapping.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

// jsonEscape is an escape of JSON that yaml/v3 does not read: a slash, and a
// character in two halves.
var jsonEscape = regexp.MustCompile(`\\\\|\\/|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}`)

// readable gives the text as yaml/v3 can read it, its lines as they are.
func readable(stream []byte) []byte {
	return jsonEscape.ReplaceAllFunc(stream, func(escape []byte) []byte {
		switch {
		case string(escape) == `\\`:
			return escape
		case string(escape) == `\/`:
			return []byte("/")
		}
		high, _ := strconv.ParseUint(string(escape[2:6]), 16, 16)
		low, _ := strconv.ParseUint(string(escape[8:12]), 16, 16)
		return []byte(string(utf16.DecodeRune(rune(high), rune(low))))
	})
}
