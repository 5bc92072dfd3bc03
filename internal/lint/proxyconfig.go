package lint

import (
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// proxyConfigured finds what a template may not say in its annotation where there are
// limits, said for many pods at once: istiod merges all of these into the environment
// of istio-init (istio/istio pilot/pkg/model/proxy_config.go).
func proxyConfigured(j *judgement) {
	if !j.linter.limited {
		return
	}
	for _, p := range viewed[proxyConfig](j.items) {
		opening(j, p.Object, p.Path("spec", "environmentVariables"), false, p.Spec.EnvironmentVariables, nil)
	}
	said, _ := j.linter.policy.Mesh.Other(proxyAnnotation)
	for _, m := range viewed[meshConfig](j.items) {
		opening(j, m.Object, m.path("defaultConfig", "proxyMetadata"), m.textual, m.DefaultConfig.ProxyMetadata, said.Defaults)
		opening(j, m.Object, m.path("defaultConfig"), m.textual, m.DefaultConfig.Rest, nil)
	}
}

// opening tells of the fields of a mapping by which traffic may bypass the sidecar.
// Where it stands in a string, the path leads there. What says a default changes nothing.
func opening[V any](j *judgement, about *transform.Object, path edit.Path, textual bool, fields map[string]V, defaults map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		if value, is := defaults[key]; is && any(fields[key]) == any(value) {
			continue
		}
		switch any(fields[key]).(type) {
		case map[string]any, []any: // no such field says anything of interception
			continue
		}
		text, err := yaml.Marshal(map[string]V{key: fields[key]})
		if err != nil || !j.linter.policy.Opens(proxyAnnotation, string(text)) {
			continue
		}
		at := path
		if !textual {
			at = append(slices.Clone(path), key)
		}
		j.find(about, at, "", key)
	}
}
