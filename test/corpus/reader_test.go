package corpus

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"regexp"
	"slices"

	sigsyaml "sigs.k8s.io/yaml"

	"github.com/krm-bypass/krm-bypass/internal/kinds"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
)

// separator is a line at which kubectl cuts a stream (kubernetes/kubernetes
// staging/src/k8s.io/apimachinery/pkg/util/yaml/decoder.go, YAMLReader.Read).
var separator = regexp.MustCompile(`(?m)^---[ \t\r]*(#.*)?$`)

// cut cuts a stream into documents as kubectl does.
func cut(stream []byte) (texts [][]byte) {
	if trimmed := bytes.TrimSpace(stream); len(trimmed) > 0 && trimmed[0] == '{' {
		decoder := json.NewDecoder(bytes.NewReader(stream))
		for {
			var one json.RawMessage
			err := decoder.Decode(&one)
			if errors.Is(err, io.EOF) {
				return texts
			}
			if err != nil {
				break // YAML that begins with a brace
			}
			texts = append(texts, one)
		}
		texts = nil
	}
	at := 0
	for _, span := range separator.FindAllIndex(stream, -1) {
		texts = append(texts, stream[at:span[0]])
		at = span[1]
	}
	return append(texts, stream[at:])
}

// dataOf reads a document by the code with which kubectl does: go.yaml.in/yaml/v2 under
// sigs.k8s.io/yaml, and encoding/json for JSON. The function itself has other readers.
func dataOf(text []byte) (data any, err error) {
	if !json.Valid(text) {
		if text, err = sigsyaml.YAMLToJSON(text); err != nil {
			return nil, err
		}
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	err = decoder.Decode(&data)
	return data, err
}

// eachObject visits the objects of a document's data.
func eachObject(data any, visit func(object map[string]any)) {
	object, is := data.(map[string]any)
	items, isList := object["items"].([]any)
	switch {
	case !is:
	case !isList:
		visit(object)
	default:
		for _, item := range items {
			eachObject(item, visit)
		}
	}
}

// census counts what stands in a text, as far as it can be read.
type census struct{ documents, objects, workloads int }

// counted counts what the documents of a stream hold.
func counted(stream []byte) (c census) {
	for _, text := range cut(stream) {
		data, err := dataOf(text)
		if err != nil || data == nil {
			continue
		}
		c.documents++
		eachObject(data, func(o map[string]any) {
			apiVersion, kind := text1(o["apiVersion"]), text1(o["kind"])
			if apiVersion == "" || kind == "" {
				return
			}
			c.objects++
			if len(templatesOfKind(apiVersion, kind)) > 0 {
				c.workloads++
			}
		})
	}
	return c
}

func text1(value any) string { text, _ := value.(string); return text }

// changedElsewhere compares what two texts say, and gives the first place where they
// differ that no policy of the mesh plans; "" for none. written counts the pod templates
// that were written to, by kind.
func changedElsewhere(before, after []byte, m *mesh.Mesh, written map[string]int) (string, error) {
	was, is := cut(before), cut(after)
	if len(was) != len(is) {
		return fmt.Sprintf("%d documents became %d", len(was), len(is)), nil
	}
	for i := range was {
		if bytes.Equal(was[i], is[i]) {
			continue
		}
		old, err := dataOf(was[i])
		if err != nil {
			return "", fmt.Errorf("reading document %d: %w", i+1, err)
		}
		now, err := dataOf(is[i])
		if err != nil {
			return "", fmt.Errorf("reading document %d as it was written: %w", i+1, err)
		}
		var objects []map[string]any
		eachObject(old, func(o map[string]any) { objects = append(objects, o) })
		n := 0
		eachObject(now, func(o map[string]any) {
			if n < len(objects) {
				putBackAll(objects[n], o, m, written)
			}
			n++
		})
		if where := difference(old, now); where != "" {
			return fmt.Sprintf("document %d: %s", i+1, where), nil
		}
	}
	return "", nil
}

// putBackAll takes from an object what krm-bypass wrote, and puts back what was there.
func putBackAll(was, is map[string]any, m *mesh.Mesh, written map[string]int) {
	kind := text1(is["kind"])
	templates := templatesOfKind(text1(is["apiVersion"]), kind)
	if len(templates) == 0 {
		return
	}
	planned := []string{policyKey, recordKey}
	for _, k := range m.Keys {
		planned = append(planned, k.Annotation)
	}
	for _, t := range templates {
		putBack(was, is, t.annotations, func(was, is any) any {
			if now, there := is.(map[string]any); there && now[policyKey] != nil {
				written[kind]++
			}
			return annotationsBack(was, is, planned)
		})
		if t.initContainers != nil {
			putBack(was, is, t.initContainers, containersBack)
		}
	}
	putBack(was, is, path("metadata", "annotations"), func(was, is any) any { return annotationsBack(was, is, []string{recordKey}) })
}

// putBack goes down a path in an object as it was and is, puts back what end makes of
// the last value, and takes away those on the path that hold nothing and were not there.
func putBack(was, is any, way kinds.Path, end func(was, is any) any) {
	old, _ := was.(map[string]any)
	switch now := is.(type) {
	case []any:
		items, _ := was.([]any)
		for i := range now {
			if way[0].Items && i < len(items) {
				putBack(items[i], now[i], way[1:], end)
			}
		}
	case map[string]any:
		if way[0].Key == "" {
			for key := range now {
				putBack(old[key], now[key], way[1:], end)
			}
			return
		}
		key := way[0].Key
		value, there := now[key]
		if !there {
			return
		}
		if len(way) == 1 {
			now[key] = end(old[key], value)
		} else {
			putBack(old[key], value, way[1:], end)
		}
		if before, there := old[key]; before == nil && isEmpty(now[key]) {
			if delete(now, key); there {
				now[key] = nil
			}
		}
	}
}

func isEmpty(value any) bool {
	switch v := value.(type) {
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return value == nil
}

func annotationsBack(was, is any, planned []string) any {
	now, are := is.(map[string]any)
	if !are {
		return is
	}
	old, _ := was.(map[string]any)
	for _, key := range planned {
		if before, there := old[key]; there {
			now[key] = before
		} else {
			delete(now, key)
		}
	}
	return now
}

func containersBack(_, is any) any {
	now, are := is.([]any)
	if !are {
		return is
	}
	return slices.DeleteFunc(now, func(c any) bool {
		container, _ := c.(map[string]any)
		return slices.Contains(containerNames, text1(container["name"]))
	})
}

// difference gives the first place where two values differ.
func difference(was, is any) string {
	if reflect.DeepEqual(was, is) {
		return ""
	}
	switch now := is.(type) {
	case map[string]any:
		old, same := was.(map[string]any)
		if !same {
			break
		}
		keys := maps.Clone(old)
		maps.Copy(keys, now)
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			if where := difference(old[key], now[key]); where != "" {
				return "." + key + where
			}
			if _, there := old[key]; !there {
				return "." + key + " is new"
			}
			if _, there := now[key]; !there {
				return "." + key + " is gone"
			}
		}
	case []any:
		old, same := was.([]any)
		if !same || len(old) != len(now) {
			break
		}
		for i := range now {
			if where := difference(old[i], now[i]); where != "" {
				return fmt.Sprintf("[%d]%s", i, where)
			}
		}
	}
	return fmt.Sprintf(" is %.200v, and was %.200v", is, was)
}
