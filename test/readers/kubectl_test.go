package readers

import (
	"bytes"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/resource"
	"k8s.io/client-go/restmapper"
)

// kubectl reads as kubectl apply -f does: its resource builder, told of a server
// that knows every kind.
type kubectl struct{}

func (kubectl) Name() string { return "kubectl" }

func (kubectl) Read(text []byte) Reading {
	// What resource.FileVisitor wraps around a file.
	decoded := transform.NewReader(bytes.NewReader(text), unicode.BOMOverride(unicode.UTF8.NewDecoder()))
	infos, err := resource.NewFakeBuilder(
		func(schema.GroupVersion) (resource.RESTClient, error) { return nil, nil },
		func() (meta.RESTMapper, error) { return everyKind{}, nil },
		func() (restmapper.CategoryExpander, error) { return nil, nil },
	).Unstructured().Stream(decoded, "stream").ContinueOnError().Flatten().Do().Infos()

	reading := Reading{Err: err}
	for _, info := range infos {
		object, ok := info.Object.(*unstructured.Unstructured)
		if !ok {
			continue
		}
		if t, ok := templateOf(object.Object); ok {
			reading.Templates = append(reading.Templates, t)
		}
	}
	return reading
}

// everyKind maps each kind to a resource in a namespace. Only RESTMapping is
// called.
type everyKind struct{ meta.RESTMapper }

func (everyKind) RESTMapping(kind schema.GroupKind, versions ...string) (*meta.RESTMapping, error) {
	version := ""
	if len(versions) > 0 {
		version = versions[0]
	}
	gvk := kind.WithVersion(version)
	resource, _ := meta.UnsafeGuessKindToResource(gvk)
	return &meta.RESTMapping{Resource: resource, GroupVersionKind: gvk, Scope: meta.RESTScopeNamespace}, nil
}
