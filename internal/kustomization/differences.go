package kustomization

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// operation is one of a JSON patch (RFC 6902).
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"` // null for a removal
}

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

// differences gives the operations that lead from one value to another, and
// leave alone whatever is the same in both.
func differences(from, to any, path string) []operation {
	switch from := from.(type) {
	case map[string]any:
		if to, ok := to.(map[string]any); ok {
			return mapDifferences(from, to, path)
		}
	case []any:
		if to, ok := to.([]any); ok {
			return listDifferences(from, to, path)
		}
	}
	if reflect.DeepEqual(from, to) {
		return nil
	}
	return []operation{{"replace", path, to}}
}

func mapDifferences(from, to map[string]any, path string) []operation {
	var all []operation
	for _, key := range slices.Sorted(maps.Keys(from)) {
		at := path + "/" + pointerEscapes.Replace(key)
		if value, stays := to[key]; stays {
			all = append(all, differences(from[key], value, at)...)
		} else {
			all = append(all, operation{Op: "remove", Path: at})
		}
	}
	for _, key := range slices.Sorted(maps.Keys(to)) {
		if _, stood := from[key]; !stood {
			all = append(all, operation{"add", path + "/" + pointerEscapes.Replace(key), to[key]})
		}
	}
	return all
}

// listDifferences replaces what stands between the items that two lists begin
// and end with.
func listDifferences(from, to []any, path string) []operation {
	head := 0
	for head < min(len(from), len(to)) && reflect.DeepEqual(from[head], to[head]) {
		head++
	}
	tail := 0
	for tail < min(len(from), len(to))-head && reflect.DeepEqual(from[len(from)-1-tail], to[len(to)-1-tail]) {
		tail++
	}
	var all []operation
	for range len(from) - tail - head {
		all = append(all, operation{Op: "remove", Path: fmt.Sprintf("%s/%d", path, head)})
	}
	for i := head; i < len(to)-tail; i++ {
		all = append(all, operation{"add", fmt.Sprintf("%s/%d", path, i), to[i]})
	}
	return all
}
