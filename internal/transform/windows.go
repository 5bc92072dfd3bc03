package transform

import (
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/node"
)

// systemLabels are the labels of nodes that say which operating system they have:
// Kubernetes' own, and the one before 1.14 (kubernetes/kubernetes
// pkg/kubelet/apis/well_known_labels.go).
var systemLabels = []string{"kubernetes.io/os", "beta.kubernetes.io/os"}

// windowsBuild is a label that Windows nodes alone have (kubernetes/kubernetes
// staging/src/k8s.io/api/core/v1/well_known_labels.go).
const windowsBuild = "node.kubernetes.io/windows-build"

// onWindows gives the steps from a pod's spec to the field by which its pods run on
// Windows nodes alone; nil where none says so.
func onWindows(spec node.Value) []any {
	if spec.Below("os", "name").Text() == "windows" {
		return []any{"os", "name"}
	}
	for _, label := range systemLabels {
		if spec.Below("nodeSelector", label).Text() == "windows" {
			return []any{"nodeSelector", label}
		}
	}
	if spec.Below("nodeSelector", windowsBuild).Exists() {
		return []any{"nodeSelector", windowsBuild}
	}
	// What is preferred, others than a Windows node may have.
	required := []string{"affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"}
	terms := spec.Below(append(required, "nodeSelectorTerms")...).Items()
	isOther := func(term node.Value) bool {
		return !slices.ContainsFunc(term.Entry("matchExpressions").Items(), needsWindows)
	}
	if len(terms) == 0 || slices.ContainsFunc(terms, isOther) { // one of the terms is enough
		return nil
	}
	return edit.Keys(required)
}

// needsWindows reports whether a requirement on labels is met by Windows nodes alone. A
// node has Linux or Windows (kubernetes/kubernetes
// staging/src/k8s.io/api/core/v1/types.go, OSName).
func needsWindows(requirement node.Value) bool {
	key, values := requirement.Entry("key").Text(), requirement.Entry("values").Items()
	isSystem := slices.Contains(systemLabels, key)
	isOther := func(v node.Value) bool { return v.Text() != "windows" }
	isLinux := func(v node.Value) bool { return v.Text() == "linux" }
	switch requirement.Entry("operator").Text() {
	case "In":
		return key == windowsBuild || isSystem && len(values) > 0 && !slices.ContainsFunc(values, isOther)
	case "NotIn":
		return isSystem && slices.ContainsFunc(values, isLinux)
	case "Exists":
		return key == windowsBuild
	}
	return false
}
