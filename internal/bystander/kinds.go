package bystander

import (
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/object"
)

// silent are the groups whose objects hold schemas, patterns or patches of others, or
// are never applied: what looks like a pod template in them makes no pod. One that
// begins with a dot stands for all that end in it.
var silent = []string{
	"apiextensions.k8s.io", "admissionregistration.k8s.io",
	"kyverno.io", "policies.kyverno.io", "chainsaw.kyverno.io", ".gatekeeper.sh", "policies.kubewarden.io",
	"gateway.networking.k8s.io", // whose pods are gateways, which rules leave alone
	"kustomize.config.k8s.io", "config.kubernetes.io", "kpt.dev", "krm-bypass.dev",
}

// IsSilent reports whether nothing in objects of a type makes pods.
func IsSilent(t object.Type) bool {
	group := object.Group(t.APIVersion)
	return t.APIVersion == "builtin" || // kustomize's own transformers
		group == "apps" && t.Kind == "ControllerRevision" || // what there was
		group == "apps.kruise.io" && t.Kind == "SidecarSet" || // its containers join the pods of others
		slices.ContainsFunc(silent, func(g string) bool {
			return g == group || strings.HasPrefix(g, ".") && strings.HasSuffix(group, g)
		})
}
