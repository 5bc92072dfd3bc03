package transform

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
)

// maxAliases bounds how far an alias is followed to another alias; YAML has no
// such chain, an edited node tree may.
const maxAliases = 8

// resolved follows an alias to what it stands for.
func resolved(node *yaml.Node) *yaml.Node {
	for range maxAliases {
		if node == nil || node.Kind != yaml.AliasNode {
			return node
		}
		node = node.Alias
	}
	return nil
}

// child gives the value of a mapping's key, nil where there is none. Merge keys
// are followed.
func child(node *yaml.Node, key string) *yaml.Node {
	var value *yaml.Node
	eachEntry(resolved(node), func(name string, v *yaml.Node, _ bool) {
		if name == key && value == nil {
			value = v
		}
	})
	return value
}

// eachEntry visits the entries of a mapping: the explicit ones, then those that
// its merge key brings in.
func eachEntry(node *yaml.Node, visit func(key string, value *yaml.Node, merged bool)) {
	eachEntryBut(nil, node, visit)
}

// eachEntryBut passes over the mappings that were seen on the way, so that
// merge keys that lead to one mapping on many ways cost no more than once, and
// one that leads to itself ends. It is nil for the mapping itself.
func eachEntryBut(seen map[*yaml.Node]bool, node *yaml.Node, visit func(key string, value *yaml.Node, merged bool)) {
	if node == nil || node.Kind != yaml.MappingNode || seen[node] {
		return
	}
	var merged []*yaml.Node
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if key.Value == "<<" && key.ShortTag() == "!!merge" {
			merged = append(merged, value)
			continue
		}
		visit(key.Value, resolved(value), seen != nil)
	}
	if len(merged) == 0 {
		return
	}
	if seen == nil {
		seen = map[*yaml.Node]bool{}
	}
	seen[node] = true
	for _, m := range merged {
		m = resolved(m)
		if m != nil && m.Kind == yaml.SequenceNode {
			for _, each := range m.Content {
				eachEntryBut(seen, resolved(each), visit)
			}
			continue
		}
		eachEntryBut(seen, m, visit)
	}
}

// Lookup gives the value at a path, nil where there is none.
func Lookup(document *yaml.Node, path edit.Path) *yaml.Node {
	node := document
	if node != nil && node.Kind == yaml.DocumentNode && len(node.Content) == 1 {
		node = node.Content[0]
	}
	for _, step := range path {
		switch s := step.(type) {
		case string:
			node = child(node, s)
		case int:
			list := items(node)
			if s >= len(list) {
				return nil
			}
			node = list[s]
		}
	}
	return node
}

// LineOf gives the line, from 1, of the value at a path, or of the innermost
// one around it that stands there.
func LineOf(node *yaml.Node, path edit.Path) int {
	for i := len(path); i > 0; i-- {
		if at := Lookup(node, path[:i]); at != nil {
			return max(at.Line, 1)
		}
	}
	if node.Kind == yaml.DocumentNode && len(node.Content) == 1 {
		node = node.Content[0]
	}
	return max(node.Line, 1)
}

// StringMap gives the entries of a mapping whose values are single ones; merge
// keys are followed. What is wrong with others is for others to say.
func StringMap(node *yaml.Node) map[string]string {
	values := map[string]string{}
	eachEntry(resolved(node), func(key string, value *yaml.Node, _ bool) {
		if _, known := values[key]; !known && value != nil && value.Kind == yaml.ScalarNode && !isNull(value) {
			values[key] = value.Value
		}
	})
	return values
}

func items(node *yaml.Node) []*yaml.Node {
	node = resolved(node)
	if node == nil || node.Kind != yaml.SequenceNode {
		return nil
	}
	return node.Content
}

func text(node *yaml.Node) string {
	if node == nil || node.Kind != yaml.ScalarNode || isNull(node) {
		return ""
	}
	return node.Value
}

func truth(node *yaml.Node) bool { return text(node) == "true" }

func isNull(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null"
}

// describe names what a node is, for messages.
func describe(node *yaml.Node) string {
	if node == nil {
		return "nothing"
	}
	switch node.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch node.ShortTag() {
	case "!!int", "!!float":
		return fmt.Sprintf("the number %s", node.Value)
	case "!!bool":
		return fmt.Sprintf("the boolean %s", node.Value)
	case "!!null":
		return "nothing"
	}
	return fmt.Sprintf("%q", node.Value)
}

// nodeDigest is equal for nodes that mean the same, whatever their style and
// the order of their keys.
func nodeDigest(node *yaml.Node) string {
	h := sha256.New()
	writeNode(h, node, 0)
	return shortened(h)
}

// deepest bounds how deep a digest looks, against a tree of aliases.
const deepest = 64

func writeNode(h hash.Hash, node *yaml.Node, depth int) {
	node = resolved(node)
	if node == nil || depth > deepest {
		return
	}
	switch node.Kind {
	case yaml.MappingNode:
		order := make([]int, 0, len(node.Content)/2)
		for i := 0; i+1 < len(node.Content); i += 2 {
			order = append(order, i)
		}
		slices.SortStableFunc(order, func(a, b int) int {
			switch ka, kb := node.Content[a].Value, node.Content[b].Value; {
			case ka < kb:
				return -1
			case ka > kb:
				return 1
			}
			return 0
		})
		fmt.Fprintf(h, "{%d ", len(order))
		for _, i := range order {
			writeNode(h, node.Content[i], depth+1)
			writeNode(h, node.Content[i+1], depth+1)
		}
	case yaml.SequenceNode:
		fmt.Fprintf(h, "[%d ", len(node.Content))
		for _, item := range node.Content {
			writeNode(h, item, depth+1)
		}
	default:
		fmt.Fprintf(h, "%s %d %s", node.ShortTag(), len(node.Value), node.Value)
	}
}

// digestLength is that of every digest that is written, in hexadecimal digits:
// 64 bits tell values apart; they are no defence against forgery, since who can
// write the record can write the workload.
const digestLength = 16

func shortened(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil))[:digestLength] }

func digestOf(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d %s", len(p), p)
	}
	return shortened(h)
}

// The paths below are those of orchestrators that read files, kpt among them
// (sigs.k8s.io/kustomize/kyaml/kio/kioutil).
const (
	pathAnnotation        = "internal.config.kubernetes.io/path"
	indexAnnotation       = "internal.config.kubernetes.io/index"
	legacyPathAnnotation  = "config.kubernetes.io/path"
	legacyIndexAnnotation = "config.kubernetes.io/index"
)

// lentPrefixes and lentAnnotations are those that an orchestrator puts on an
// object for a function's run and takes away afterwards
// (sigs.k8s.io/kustomize/kyaml/kio/kioutil, kyaml/kio/byteio_writer.go;
// helm.sh/helm/v4 pkg/action/action.go, annotateAndMerge).
var (
	lentPrefixes    = []string{"internal.config.kubernetes.io/"}
	lentAnnotations = []string{legacyPathAnnotation, legacyIndexAnnotation, "config.k8s.io/id", "kustomize.config.k8s.io/id",
		"postrenderer.helm.sh/postrender-filename"}
)

func isLent(annotation string) bool {
	return slices.Contains(lentAnnotations, annotation) ||
		slices.ContainsFunc(lentPrefixes, func(prefix string) bool { return strings.HasPrefix(annotation, prefix) })
}

// Provenance gives the file that an object came from and its place in it, as an
// orchestrator noted them in its annotations; "" if none did.
func Provenance(annotations map[string]string) (file string, index int) {
	file, index = annotations[pathAnnotation], 0
	position := annotations[indexAnnotation]
	if file == "" {
		file, position = annotations[legacyPathAnnotation], annotations[legacyIndexAnnotation]
	}
	if n, err := strconv.Atoi(position); err == nil && file != "" {
		index = n
	}
	return file, index
}
