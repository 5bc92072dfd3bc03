package fn

import (
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// objectHead is what names an object.
type objectHead struct {
	apiVersion, kind, name, namespace string
	labels, annotations               map[string]string
}

// headOf reads as much of a head as there is: the object may be anything, and
// what is wrong with it is for others to say.
func headOf(node *yaml.Node) objectHead {
	scalar := func(path ...any) string {
		if n := transform.Lookup(node, path); n != nil && n.Kind == yaml.ScalarNode && n.ShortTag() != "!!null" {
			return n.Value
		}
		return ""
	}
	strings := func(path ...any) map[string]string {
		values := map[string]string{}
		if n := transform.Lookup(node, path); n != nil && n.Kind == yaml.MappingNode {
			for i := 0; i+1 < len(n.Content); i += 2 {
				values[n.Content[i].Value] = n.Content[i+1].Value
			}
		}
		return values
	}
	return objectHead{
		apiVersion: scalar("apiVersion"), kind: scalar("kind"),
		name: scalar("metadata", "name"), namespace: scalar("metadata", "namespace"),
		labels: strings("metadata", "labels"), annotations: strings("metadata", "annotations"),
	}
}

func refOf(node *yaml.Node) *ResourceRef {
	head := headOf(node)
	if head.apiVersion == "" || head.kind == "" {
		return nil
	}
	return &ResourceRef{APIVersion: head.apiVersion, Kind: head.kind, Name: head.name, Namespace: head.namespace}
}

// originOf names the file of an object, if an orchestrator said.
func originOf(node *yaml.Node, otherwise string) string {
	if file, _ := transform.Provenance(headOf(node).annotations); file != "" {
		return file
	}
	return otherwise
}
