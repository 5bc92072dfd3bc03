package readers

import (
	"bytes"
	"errors"
	"io"

	"github.com/TomOnTime/utfutil"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/utils/kube"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// argoCD reads as Argo CD does what a plugin, kustomize or Helm prints.
type argoCD struct{}

func (argoCD) Name() string { return "Argo CD" }

func (argoCD) Read(text []byte) Reading {
	objects, err := kube.SplitYAML(text)
	if err != nil {
		return Reading{Err: err}
	}
	return inArgoCD(objects)
}

// argoCDFolder reads as Argo CD does a YAML file in a folder of manifests
// (reposerver/repository/repository.go, getObjsFromYAMLOrJSON, which is not
// exported): a byte order mark decides on the encoding, and what does not look
// like a manifest is passed over.
type argoCDFolder struct{}

func (argoCDFolder) Name() string { return "Argo CD, folder" }

func (argoCDFolder) Read(text []byte) Reading {
	var objects []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(utfutil.NewReader(bytes.NewReader(text), utfutil.UTF8), 4096)
	for {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(&object)
		if errors.Is(err, io.EOF) {
			return inArgoCD(objects)
		}
		if err != nil {
			return Reading{Err: err}
		}
		if object != nil {
			objects = append(objects, object)
		}
	}
}

// inArgoCD flattens lists as Argo CD does (repository.go, GenerateManifests): by
// items, one level deep.
func inArgoCD(objects []*unstructured.Unstructured) (reading Reading) {
	see := func(object runtime.Object) error {
		if t, ok := templateOf(object.(*unstructured.Unstructured).Object); ok {
			reading.Templates = append(reading.Templates, t)
		}
		return nil
	}
	for _, object := range objects {
		if !object.IsList() {
			_ = see(object)
			continue
		}
		if err := object.EachListItem(see); err != nil {
			return Reading{Err: err}
		}
	}
	return reading
}
