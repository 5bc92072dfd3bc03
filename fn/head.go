package fn

import (
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/object"
)

func refOf(document *yaml.Node) *ResourceRef {
	head := object.HeadOf(document)
	if head.APIVersion == "" || head.Kind == "" {
		return nil
	}
	return &ResourceRef{APIVersion: head.APIVersion, Kind: head.Kind, Name: head.Name, Namespace: head.Namespace}
}
