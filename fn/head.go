package fn

import "github.com/krm-bypass/krm-bypass/internal/object"

func refOf(head object.Head) *ResourceRef {
	if head.APIVersion == "" || head.Kind == "" {
		return nil
	}
	return &ResourceRef{APIVersion: head.APIVersion, Kind: head.Kind, Name: head.Name, Namespace: head.Namespace}
}
