package fn_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/kinds"
)

// TestOperators makes the cases of testdata/golden/operators, one for each kind that is
// known and not Kubernetes' own, of what its folder's object.yaml says:
//
//	object.yaml  the least that the operator's definition takes, as a person would
//	             write it; test/cluster holds all forms against that definition
//
// The input has it in these forms, under their names:
//
//	absent       without a pod template
//	metadata     with what a template says of pods' metadata
//	whole        with init containers of its own, and all else that it may say; not
//	             where the operator takes annotations alone
//	in-front     rendered, and then an item was put in front of those of each list or
//	             map of templates, else an init container before the first one, else an
//	             annotation
//
// A line "# no FORM: REASON" in object.yaml says why a kind has not got one of them.
func TestOperators(t *testing.T) {
	var folders []string
	for _, kind := range kinds.Known() {
		if kind.IsKubernetes() {
			continue
		}
		name := strings.ToLower(kind.Kind + "." + kind.Group)
		folders = append(folders, name)
		t.Run(name, func(t *testing.T) { operator(t, kind, filepath.Join(goldens, "operators", name)) })
	}
	there, err := os.ReadDir(filepath.Join(goldens, "operators"))
	require.NoError(t, err)
	for _, folder := range there {
		assert.Contains(t, folders, folder.Name(), "no kind is known that this is a case of")
	}
}

func operator(t *testing.T, kind kinds.Kind, folder string) {
	least := read(t, folder, "object.yaml")
	require.NotEmpty(t, least, "write %s/object.yaml", folder)
	config := "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n" +
		"  enforcement: {mode: InitContainer, image: example.com/krm-bypass-init:v1, imagePullSecrets: [{name: pull}]}\n" +
		"  global: {excludeOutboundPorts: [5432]}\n"
	if kind.Fixed {
		config += fmt.Sprintf("  workloads:\n  - {match: {kinds: [%s.%s]}, excludeInboundPorts: [9090]}\n", kind.Kind, kind.Group)
	}
	compare(t, folder, "spec.yaml", config)

	spec := fn.SpecIn(fn.Manifest{Path: "spec.yaml", Text: []byte(config)})
	var documents []string
	for _, form := range []string{"absent", "metadata", "whole"} {
		if has(t, kind, least, form) {
			text := inForm(t, kind, least, form, form)
			documents = append(documents, text)
			inJSON(t, spec, text)
		}
	}
	if has(t, kind, least, "in-front") {
		was := inForm(t, kind, least, "whole", "in-front")
		once := asFile(t, spec, was)
		documents = append(documents, withInFront(t, kind, once, was))
		twice := asFile(t, spec, documents[len(documents)-1])
		// The record of the first time fits: nothing of it is taken for the user's.
		assert.Equal(t, withInFront(t, kind, was, was), asFile(t, emptySpec(), twice), "taken away, the item stays that was put in front, and nothing else")
		assert.Equal(t, strings.Count(asFile(t, spec, withInFront(t, kind, was, was)), "name: krm-bypass-init\n"), strings.Count(twice, "name: krm-bypass-init\n"), "each template has what it would have had at once")
	}
	compare(t, folder, "input.yaml", strings.Join(documents, "---\n"))
}

// has reports whether a kind has that form; where it has not its object.yaml says why.
func has(t *testing.T, kind kinds.Kind, least []byte, form string) bool {
	t.Helper()
	_, reason, without := strings.Cut(string(least), "# no "+form+": ")
	switch {
	case kind.Left != "":
		return form == "absent"
	case form == "whole" && !slices.ContainsFunc(kind.Templates, func(t kinds.Template) bool { return t.IsWhole() || t.InitContainers != nil }):
		return false
	}
	if without {
		assert.NotEmpty(t, strings.TrimSpace(strings.SplitN(reason, "\n", 2)[0]))
	}
	return !without
}

// inJSON holds an object in JSON to what becomes of it in YAML, and to being given back.
func inJSON(t *testing.T, spec *fn.Spec, text string) {
	t.Helper()
	var object any
	require.NoError(t, yaml.Unmarshal([]byte(text), &object))
	asJSON, err := json.MarshalIndent(object, "", "  ")
	require.NoError(t, err)
	written := asFile(t, spec, string(asJSON)+"\n")
	assert.True(t, json.Valid([]byte(written)), written)
	assert.Equal(t, unrecorded(t, asFile(t, spec, text)), unrecorded(t, written))
	assert.Equal(t, string(asJSON)+"\n", asFile(t, emptySpec(), written))
}

// unrecorded gives an object without its record, which holds source texts.
func unrecorded(t *testing.T, text string) map[string]any {
	t.Helper()
	var object map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(text), &object))
	if annotations, recorded := object["metadata"].(map[string]any)["annotations"].(map[string]any); recorded {
		delete(annotations, "krm-bypass.dev/last-applied")
	}
	return object
}

func emptySpec() *fn.Spec {
	return fn.SpecIn(fn.Manifest{Path: "spec.yaml", Text: []byte("apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {}\n")})
}

func asFile(t *testing.T, spec *fn.Spec, text string) string {
	t.Helper()
	out, _, err := fn.Manifests(spec, []fn.Manifest{{Path: "input.yaml", Text: []byte(text)}}, fn.Options{})
	require.NoError(t, err)
	return string(out[0].Text)
}

// inForm gives the object with its pod templates in a form, under a name.
func inForm(t *testing.T, kind kinds.Kind, least []byte, form, name string) string {
	t.Helper()
	object := parsed(t, least)
	object.HeadComment = ""
	putAt(object, keys("metadata.name"), scalar(name))
	var templates []kinds.Template
	for _, template := range kind.Templates {
		needs := template.Needs
		if needs == nil {
			needs = template.Place()[:max(len(template.Place())-1, 0)]
		}
		if len(reach(object, needs)) > 0 {
			templates = append(templates, template)
		}
	}
	if templates == nil {
		templates = kind.Templates[:min(1, len(kind.Templates))]
	}
	for _, template := range templates {
		if form == "absent" {
			break
		}
		annotations, initContainers := template.Annotations, template.InitContainers
		if annotations == nil {
			metadata := slices.Concat(template.Path, keys("metadata"))
			putAt(object, slices.Concat(metadata, keys("labels")), mapping("team", "shop"))
			annotations, initContainers = slices.Concat(metadata, keys("annotations")), slices.Concat(template.Path, keys("spec.initContainers"))
			if form == "whole" {
				putAt(object, slices.Concat(template.Path, keys("spec.containers")), list(mapping("name", "main", "image", "example.com/main:1")))
			}
		}
		if form == "whole" || template.Annotations != nil {
			putAt(object, annotations, mapping("example.com/team", "shop"))
		}
		if form == "whole" && initContainers != nil {
			putAt(object, initContainers, list(mapping("name", "prepare", "image", "example.com/prepare:1")))
		}
	}
	return encoded(t, object)
}

// withInFront gives the text of an object with items put in front of what the form's
// description names; of an object that was not rendered, where they are like its own.
func withInFront(t *testing.T, kind kinds.Kind, text, was string) string {
	t.Helper()
	done := map[string]bool{}
	for _, template := range kind.Templates {
		place, entry := slices.Concat(template.Path, keys("spec.initContainers")), list(mapping("name", "fetch", "image", "example.com/fetch:1"))
		if template.Annotations != nil {
			place, entry = template.Annotations, mapping("example.com/first", "somebody")
			if template.InitContainers != nil {
				place, entry = template.InitContainers, list(mapping("name", "fetch", "image", "example.com/fetch:1"))
			}
		}
		many := -1
		for i, step := range template.Place() {
			if step.Many() {
				many = i
			}
		}
		if many >= 0 {
			place, entry = template.Place()[:many], nil
		}
		if done[place.String()] {
			continue
		}
		done[place.String()] = true
		for i, like := range reach(parsed(t, []byte(was)), place) {
			if many >= 0 {
				entry = another(like)
			}
			text = inserted(t, text, reach(parsed(t, []byte(text)), place)[i], entry)
		}
	}
	return text
}

// another gives a list or map of one entry like the first one, under another name.
func another(like *yaml.Node) *yaml.Node {
	if like.Kind == yaml.MappingNode {
		return &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{scalar("First"), like.Content[1]}}
	}
	item := like.Content[0]
	for _, name := range []string{"name", "groupName", "component"} {
		if len(reach(item, keys(name))) > 0 {
			putAt(item, keys(name), scalar("first"))
		}
	}
	return list(item)
}

// inserted puts an entry in front of those of a list or map.
func inserted(t *testing.T, text string, at, entry *yaml.Node) string {
	t.Helper()
	lines := slices.Collect(strings.Lines(text))
	return strings.Join(slices.Insert(lines, at.Line-1, indentedBy(at.Column-1, encoded(t, entry))), "")
}

func keys(path string) kinds.Path {
	parsed, err := kinds.ParsePath(path)
	if err != nil {
		panic(err)
	}
	return parsed
}

func parsed(t *testing.T, text []byte) *yaml.Node {
	t.Helper()
	var document yaml.Node
	require.NoError(t, yaml.Unmarshal(text, &document))
	return document.Content[0]
}

func encoded(t *testing.T, node *yaml.Node) string {
	t.Helper()
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	encoder.CompactSeqIndent()
	require.NoError(t, encoder.Encode(node))
	return b.String()
}

func indentedBy(n int, text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.Repeat(" ", n) + line)
	}
	return b.String()
}

func scalar(text string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: text} }

func list(items ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.SequenceNode, Content: items}
}

func mapping(pairs ...string) *yaml.Node {
	node := &yaml.Node{Kind: yaml.MappingNode}
	for _, text := range pairs {
		node.Content = append(node.Content, scalar(text))
	}
	return node
}

// reach gives what a path leads to in an object.
func reach(node *yaml.Node, path kinds.Path) (all []*yaml.Node) {
	if len(path) == 0 {
		return []*yaml.Node{node}
	}
	for i, child := range node.Content {
		isKey := node.Kind == yaml.MappingNode && i%2 == 0
		switch step := path[0]; {
		case step.Items && node.Kind == yaml.SequenceNode, step == kinds.Step{} && node.Kind == yaml.MappingNode && !isKey:
			all = append(all, reach(child, path[1:])...)
		case !step.Many() && isKey && child.Value == step.Key:
			all = append(all, reach(node.Content[i+1], path[1:])...)
		}
	}
	return all
}

// putAt sets a value where a path leads, and makes the mappings on the way that are
// missing; a list that has items stays, and so does a mapping.
func putAt(node *yaml.Node, path kinds.Path, value *yaml.Node) {
	for depth := range path {
		if path[depth].Many() || depth+1 < len(path) && path[depth+1].Many() {
			continue // nobody makes lists here
		}
		made := mapping()
		if depth == len(path)-1 {
			made = value
		}
		for _, parent := range reach(node, path[:depth]) {
			switch there := reach(parent, path[depth:depth+1]); {
			case len(there) == 0:
				parent.Content = append(parent.Content, scalar(path[depth].Key), made)
				parent.Style = 0
			case made.Kind == yaml.ScalarNode:
				*there[0] = *made
			}
			if depth < len(path)-1 {
				made = mapping()
			}
		}
	}
}

// TestMistakesInMetadata: an object in which no pod template was found is refused for its
// metadata as any other is.
func TestMistakesInMetadata(t *testing.T) {
	spec := fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte("apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: c}\nspec: {}\n")})
	for _, kind := range kinds.Known() {
		if kind.Left != "" {
			continue
		}
		for _, metadata := range []string{
			"{name: 1}", "{namespace: 1}", "{generateName: 1}", "{name: a, annotations: {x: 1}}", "{name: a, annotations: []}", "{name: a, labels: {x: 1}}", "[]", "{name: a, name: b}",
		} {
			text := fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata: %s\n", path.Join(kind.Group, "v1"), kind.Kind, metadata)
			objects := []fn.Manifest{{Path: "a.yaml", Text: []byte(text)}}
			_, _, err := fn.Manifests(spec, objects, fn.Options{})
			require.ErrorIs(t, err, fn.ErrFailed, text)
			_, err = fn.Check(spec, objects, fn.Options{}, fn.Expiry{})
			require.ErrorIs(t, err, fn.ErrFailed, text)
			explained, err := fn.Explain(spec, objects, fn.Options{}, "2026-11-25")
			require.NoError(t, err, text)
			assert.Contains(t, explained.Results.Report(), "error", text)
			_, _, err = fn.Remove("c", spec, objects)
			require.ErrorIs(t, err, fn.ErrFailed, text)
		}
	}
}
