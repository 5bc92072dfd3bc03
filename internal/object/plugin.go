package object

import "github.com/krm-bypass/krm-bypass/internal/node"

// BuiltinPlugin is the apiVersion of the configuration of kustomize's own plugins.
const BuiltinPlugin = "builtin"

// patching are those of them that patch, and the fields that name files of patches
// (kubernetes-sigs/kustomize api/internal/builtins).
var patching = map[string][]string{
	"PatchTransformer":               {"path"},
	"PatchJson6902Transformer":       {"path"},
	"PatchStrategicMergeTransformer": {"paths"},
}

// PatchFiles gives the files of patches that the configuration of a plugin names,
// relative to the folder of the kustomization that lists it.
func PatchFiles(plugin node.Value) []string {
	if plugin.Entry("apiVersion").Text() != BuiltinPlugin {
		return nil
	}
	var files []string
	for _, field := range patching[plugin.Entry("kind").Text()] {
		value := plugin.Entry(field)
		for _, one := range append(value.Items(), value) {
			if one.IsScalar() && one.Text() != "" {
				files = append(files, one.Text())
			}
		}
	}
	return files
}

// PluginPatches gives the same for every document of a text.
func PluginPatches(text []byte) []string {
	var files []string
	for _, d := range Documents(text) {
		if document, err := Decode(d.Fragment()); err == nil {
			files = append(files, PatchFiles(node.Of(document))...)
		}
	}
	return files
}
