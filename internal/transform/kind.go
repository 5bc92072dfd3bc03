package transform

import (
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/object"
)

// Kind is a kind of object that carries a pod template.
type Kind struct {
	// Group is the API group, "" for core; the version does not matter.
	Group string
	Kind  string
	// Short is kubectl's short name for it, where it has one that is not the
	// beginning of the kind's name (kubectl api-resources).
	Short string
	// Template leads from the object to the pod template; it is empty where
	// the object is itself the pod.
	Template []string
	// Fixed says that objects of this kind cannot be changed once they are in
	// a cluster (the API server refuses it), so that touching them is asked
	// for.
	Fixed bool
	// Mode is the enforcement where no rule says otherwise; nil for the
	// policy's own.
	Mode *Mode
	// Reference is a field beside the template by which the object takes its
	// pods from elsewhere; an object that has it is left alone.
	Reference []string
}

func at(path string) []string { return strings.Split(path, ".") }

// annotationsOnly is for kinds whose API refuses init containers by default.
var annotationsOnly = AnnotationsOnly

// Kinds lists the kinds that are known without being named in a policy.
var Kinds = []Kind{
	{Group: "apps", Kind: "Deployment", Template: at("spec.template")},
	{Group: "apps", Kind: "StatefulSet", Short: "sts", Template: at("spec.template")},
	{Group: "apps", Kind: "DaemonSet", Short: "ds", Template: at("spec.template")},
	{Group: "apps", Kind: "ReplicaSet", Short: "rs", Template: at("spec.template")},
	{Kind: "ReplicationController", Short: "rc", Template: at("spec.template")},
	{Kind: "PodTemplate", Template: at("template")},
	{Kind: "Pod", Short: "po", Fixed: true},
	{Group: "batch", Kind: "Job", Template: at("spec.template"), Fixed: true},
	{Group: "batch", Kind: "CronJob", Short: "cj", Template: at("spec.jobTemplate.spec.template")},
	{Group: "argoproj.io", Kind: "Rollout", Template: at("spec.template"), Reference: at("spec.workloadRef")},
	{Group: "apps.kruise.io", Kind: "CloneSet", Template: at("spec.template")},
	{Group: "apps.kruise.io", Kind: "StatefulSet", Template: at("spec.template")},
	{Group: "apps.kruise.io", Kind: "DaemonSet", Template: at("spec.template")},
	// Knative refuses init containers unless its feature flag
	// kubernetes.podspec-init-containers is set (knative/serving
	// config/core/configmaps/features.yaml).
	{Group: "serving.knative.dev", Kind: "Service", Template: at("spec.template"), Mode: &annotationsOnly},
	{Group: "serving.knative.dev", Kind: "Configuration", Template: at("spec.template"), Mode: &annotationsOnly},
}

// isKubernetes reports whether the kind is one of Kubernetes' own, of which no API
// server takes an object whose containers have no image (kubernetes/kubernetes
// pkg/apis/core/validation/validation.go, validateContainerCommon).
func (k Kind) isKubernetes() bool { return !strings.Contains(k.Group, ".") }

// needsSelector reports whether no API server takes an object of the kind without
// spec.selector (kubernetes/kubernetes pkg/apis/apps/validation/validation.go). The
// oldest version of the group filled it in.
func (k Kind) needsSelector(apiVersion string) bool {
	return k.Group == "apps" && apiVersion != "apps/v1beta1"
}

// KindAt is a kind whose template stands at the path, which has dots between its
// steps.
func KindAt(apiVersion, kind, path string) Kind {
	return Kind{Group: object.Group(apiVersion), Kind: kind, Template: at(path)}
}

// Named reports whether a match's entry, such as "Deployment" or
// "StatefulSet.apps.kruise.io", names the kind.
func (k Kind) Named(entry string) bool {
	name, g, qualified := strings.Cut(entry, ".")
	return name == k.Kind && (!qualified || g == k.Group)
}

// KindEntry names the workload's kind as a match does: with its group where
// several of the known kinds have the name.
func (w *Workload) KindEntry() string {
	for _, k := range Kinds {
		if k.Kind == w.kind.Kind && k.Group != w.kind.Group {
			return w.kind.Kind + "." + w.kind.Group
		}
	}
	return w.kind.Kind
}
