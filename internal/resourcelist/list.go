package resourcelist

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// List is a ResourceList as text.
type List struct {
	tree *yamltext.Tree
	// items and config are nil if there are none.
	items, config *yamltext.Node
}

// The kind that functions read and write; all versions have the same schema.
var versions = []string{"config.kubernetes.io/v1", "config.kubernetes.io/v1beta1", "config.kubernetes.io/v1alpha1"}

const kind = "ResourceList"

const wanted = "a KRM function reads a ResourceList (apiVersion config.kubernetes.io/v1) on standard input; kustomize and kpt send one"

// instead is for somebody who has manifests. Helm 3 starts its post-renderer without
// arguments of its own (helm/helm v3 pkg/postrender/exec.go), and Helm 4 starts plugins
// only (helm/helm pkg/postrenderer/postrenderer.go).
const instead = wanted + ". For manifests, write krm-bypass render - --spec FILE; as the post-renderer of Helm 3, " +
	"--post-renderer krm-bypass --post-renderer-args render --post-renderer-args - --post-renderer-args --spec=FILE; Helm 4 needs the plugin (docs/helm.md)"

// Read finds the parts of a list.
func Read(input []byte) (*List, error) {
	if len(bytes.TrimSpace(input)) == 0 {
		return nil, fmt.Errorf("standard input is empty: %s", wanted)
	}
	documents := yamltext.Documents(input)
	if len(documents) != 1 {
		return nil, fmt.Errorf("standard input holds %d YAML documents: %s", len(documents), instead)
	}
	// Two levels: the list's own fields, and where its items begin and end.
	tree, err := (yamltext.Fragment{Text: input}).Outline(2)
	if err != nil {
		return nil, fmt.Errorf("reading standard input: %w", err)
	}
	if tree.Root == nil || tree.Root.Kind != yamltext.Mapping {
		return nil, fmt.Errorf("standard input holds no mapping: %s", wanted)
	}
	l := &List{tree: tree}
	if err := l.checkKeys(); err != nil {
		return nil, err
	}
	if found := l.text("kind"); found != kind {
		return nil, fmt.Errorf("standard input holds an object of kind %q: %s", found, instead)
	}
	if version := l.text("apiVersion"); !slices.Contains(versions, version) {
		return nil, fmt.Errorf("the ResourceList has apiVersion %q: write %s", version, versions[0])
	}
	if l.items = l.field("items"); l.items != nil && l.items.Kind != yamltext.Sequence {
		return nil, fmt.Errorf("the items of the ResourceList: expected a list, but found %s: write a list", l.items.Kind)
	}
	for i := range l.Len() {
		if item := l.items.Content[i]; item.Kind == yamltext.Alias {
			return nil, fmt.Errorf("items[%d] of the ResourceList is an alias (line %d): write the object out", i, yamltext.Line(input, item.Start))
		}
	}
	if l.config = l.field("functionConfig"); l.config != nil && l.config.Kind != yamltext.Mapping {
		return nil, fmt.Errorf("the functionConfig of the ResourceList: expected a mapping, but found %s: write the fields of a ClusterBypass", l.config.Kind)
	}
	return l, nil
}

// checkKeys refuses a list with a duplicate key or one that a parser has to
// resolve, because two readers could see two different lists.
func (l *List) checkKeys() error {
	keys := l.tree.Root.Content
	starts := map[string]int{}
	for i := 0; i+1 < len(keys); i += 2 {
		if keys[i].Kind != yamltext.Scalar || !keys[i].Tag.Empty() || l.tree.Is(keys[i], "<<") {
			return fmt.Errorf("reading the ResourceList: the key on line %d is a merge key, an alias or has a tag: write its fields out", yamltext.Line(l.tree.Text, keys[i].Start))
		}
		name, ok := l.tree.Value(keys[i])
		if first, again := starts[name]; again && ok {
			return fmt.Errorf("reading the ResourceList: the key %q appears twice, on lines %d and %d: remove one", name,
				yamltext.Line(l.tree.Text, first), yamltext.Line(l.tree.Text, keys[i].Start))
		}
		if ok {
			starts[name] = keys[i].Start
		}
	}
	return nil
}

// text gives the text of a field, "" if it has none.
func (l *List) text(key string) string {
	if node := l.tree.Entry(l.tree.Root, key); node != nil {
		value, _ := l.tree.Value(node)
		return value
	}
	return ""
}

// field gives a field, nil if it is empty.
func (l *List) field(key string) *yamltext.Node {
	node := l.tree.Entry(l.tree.Root, key)
	if node == nil || l.isNothing(node) {
		return nil
	}
	return node
}

// isNothing reports whether a node is null, or the empty mapping that kpt sends if
// there is no functionConfig.
func (l *List) isNothing(node *yamltext.Node) bool {
	switch node.Kind {
	case yamltext.Scalar:
		value, _ := l.tree.Value(node)
		return node.Style == yamltext.Plain && (value == "" || value == "null" || value == "~")
	case yamltext.Mapping:
		return node.Style == yamltext.Flow && len(bytes.Trim(node.Text(l.tree.Text), "{} \t\r\n")) == 0
	}
	return false
}

// Len counts the items.
func (l *List) Len() int {
	if l.items == nil {
		return 0
	}
	return len(l.items.Content)
}

// Item gives the text of an item.
func (l *List) Item(i int) yamltext.Fragment { return l.tree.Item(l.items, i) }

// Aliases are the names of anchors that an item may share with others.
func (l *List) Aliases() []string { return l.tree.Aliases }

// Config gives the text of the functionConfig, if there is one.
func (l *List) Config() (config yamltext.Fragment, given bool) {
	if l.config == nil {
		return yamltext.Fragment{}, false
	}
	return l.tree.Within(l.config), true
}
