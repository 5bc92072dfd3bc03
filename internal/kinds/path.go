package kinds

import (
	"fmt"
	"slices"
	"strings"
)

// Step is one step of a Path: a key, or all items of a list, or all values of a map.
type Step struct {
	// Key is that of a mapping; "" for a step to several values.
	Key string
	// Items says that the step leads to each item of a list. Where it is false and
	// there is no Key, it leads to each value of a map.
	Items bool
}

// Many reports whether the step leads to several values.
func (s Step) Many() bool { return s.Key == "" }

// Path leads from an object to values in it, as in spec.nodeSets[*].podTemplate, with
// [*] for the items of a list, or spec.replicaSpecs.*.template, with * for the values of
// a map.
type Path []Step

// ItemNames are the fields that name an item of a list, the first that it has. RayCluster
// has groupName (ray-project/kuberay ray-operator/apis/ray/v1/raycluster_types.go),
// OpenSearchCluster component (opensearch-project/opensearch-k8s-operator
// opensearch-operator/api/opensearch.org/v1/opensearch_types.go).
var ItemNames = []string{"name", "groupName", "component"}

// isKey reports whether a step is a key. A key with a dot cannot be told from two steps,
// and no API has one on the way to a pod template.
func isKey(step string) bool {
	return step != "" && step[0] != '-' && !strings.ContainsFunc(step, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '$' && r != '-'
	})
}

// Keyed is the path of these keys.
func Keyed(keys ...string) Path {
	path := make(Path, len(keys))
	for i, key := range keys {
		path[i] = Step{Key: key}
	}
	return path
}

// ParsePath reads a path.
func ParsePath(text string) (Path, error) {
	path := make(Path, 0, 1+strings.Count(text, ".")+strings.Count(text, "["))
	for step := range strings.SplitSeq(text, ".") {
		name, items := strings.CutSuffix(step, "[*]")
		switch {
		case step == "*":
			path = append(path, Step{})
			continue
		case strings.HasSuffix(name, "[*]"):
			return nil, fmt.Errorf("%q leads to lists in a list, which no path can name: write a key before each [*]", step)
		case strings.Contains(name, "["):
			return nil, fmt.Errorf("%q picks one item of a list: write [*], which stands for all of them", step)
		case !isKey(name):
			return nil, fmt.Errorf("%q is not a step: write keys with dots between them, [*] behind the key of a list, and * for every key of a map, as in spec.nodeSets[*].podTemplate", step)
		}
		if path = append(path, Step{Key: name}); items {
			path = append(path, Step{Items: true})
		}
	}
	return path, nil
}

// CanBeWritten reports whether ParsePath reads the path as it is: a key with a dot would
// be two steps.
func (p Path) CanBeWritten() bool {
	read, err := ParsePath(p.String())
	return err == nil && slices.Equal(read, p)
}

// Meets reports whether two paths may lead to the same place, or one into the other.
func (p Path) Meets(other Path) bool {
	for i := range min(len(p), len(other)) {
		if x, y := p[i], other[i]; x.Items != y.Items || x.Key != y.Key && x.Key != "" && y.Key != "" {
			return false
		}
	}
	return true
}

// at reads a path of a row.
func at(text string) Path {
	if text == "" {
		return nil
	}
	path, err := ParsePath(text)
	if err != nil {
		panic(err) // a row of this package, which its tests read
	}
	return path
}

// String writes the path as ParsePath reads it.
func (p Path) String() string {
	var b strings.Builder
	for i, step := range p {
		switch {
		case step.Items:
			b.WriteString("[*]")
			continue
		case i > 0:
			b.WriteByte('.')
		}
		if step.Many() {
			b.WriteByte('*')
		}
		b.WriteString(step.Key)
	}
	return b.String()
}

// Leads reports whether the path leads to, or over, a place in an object: whose steps,
// strings for keys and ints for items, are those of the path as far as both go.
func (p Path) Leads(to []any) bool {
	for i, step := range to[:min(len(to), len(p))] {
		key, keyed := step.(string)
		if keyed == p[i].Items || keyed && p[i].Key != "" && p[i].Key != key {
			return false
		}
	}
	return true
}
