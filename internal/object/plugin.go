package object

import "github.com/krm-bypass/krm-bypass/internal/node"

// BuiltinPlugin is the apiVersion of the configuration of kustomize's own plugins.
const BuiltinPlugin = "builtin"

// patchField gives the field of such a plugin that names files of patches, "" where it
// does not patch (kubernetes-sigs/kustomize api/internal/builtins).
func patchField(kind string) string {
	switch kind {
	case "PatchTransformer", "PatchJson6902Transformer":
		return "path"
	case "PatchStrategicMergeTransformer":
		return "paths"
	}
	return ""
}

// PatchFiles gives the files of patches that the configuration of a plugin names,
// relative to the folder of the kustomization that lists it.
func PatchFiles(plugin node.Value) []string {
	field := patchField(plugin.Entry("kind").Text())
	if field == "" || plugin.Entry("apiVersion").Text() != BuiltinPlugin {
		return nil
	}
	var files []string
	value := plugin.Entry(field)
	for _, one := range append(value.Items(), value) {
		if one.IsScalar() && one.Text() != "" {
			files = append(files, one.Text())
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
