package corpus

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/kinds"
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
	for _, document := range documentsIn(t, stream) {
		for _, object := range objectsOf(document) {
			found = append(found, workloadsOf(t, object)...)
		}
	}
	return found
}

// documentsIn reads a stream.
func documentsIn(t require.TestingT, stream []byte) []*yaml.Node {
	var found []*yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(readable(stream)))
	for {
		var document yaml.Node
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return found
		}
		require.NoError(t, err)
		found = append(found, document.Content[0])
	}
}

// objectsOf gives the objects of a document: itself, or those in it, if it is a list.
func objectsOf(document *yaml.Node) []*yaml.Node {
	if document.Kind != yaml.MappingNode {
		return nil
	}
	items := entry(document, "items")
	if items == nil || items.Kind != yaml.SequenceNode {
		return []*yaml.Node{document}
	}
	var found []*yaml.Node
	for _, item := range items.Content {
		found = append(found, objectsOf(item)...)
	}
	return found
}

func workloadsOf(t require.TestingT, object *yaml.Node) []workload {
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

// parts are the places of what is written of a pod template, from its object.
type parts struct{ annotations, initContainers kinds.Path }

// templatesOf gives those of an object, by the table of known kinds.
func templatesOf(object *yaml.Node) (found []parts) {
	return templatesOfKind(valueOf(object, "apiVersion"), valueOf(object, "kind"))
}

func templatesOfKind(apiVersion, kind string) (found []parts) {
	group, _, versioned := strings.Cut(apiVersion, "/")
	if !versioned {
		group = ""
	}
	i := slices.IndexFunc(kinds.Known(), func(k kinds.Kind) bool { return k.Group == group && k.Kind == kind })
	if i < 0 {
		return nil
	}
	for _, t := range kinds.Known()[i].Templates {
		if t.Annotations != nil {
			found = append(found, parts{t.Annotations, t.InitContainers})
			continue
		}
		found = append(found, parts{slices.Concat(t.Path, path("metadata", "annotations")), slices.Concat(t.Path, path("spec", "initContainers"))})
	}
	return found
}

func path(keys ...string) (p kinds.Path) {
	for _, key := range keys {
		p = append(p, kinds.Step{Key: key})
	}
	return p
}

func valueOf(mapping *yaml.Node, key string) string {
	if value := entry(mapping, key); value != nil {
		return value.Value
	}
	return ""
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
