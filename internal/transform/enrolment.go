package transform

import (
	"cmp"
	"fmt"
	"slices"
)

// KubernetesNamespaces are globs for Kubernetes' own.
var KubernetesNamespaces = []string{"kube-*"}

// enrolmentPath is the field that says which namespaces are enrolled.
const enrolmentPath = "spec.enrolment.namespaces"

// namespaceEnrolled reports whether the workloads of a namespace may be touched;
// unknown where only some namespaces are enrolled and this one is not known.
// Namespaces of Kubernetes and of the mesh are enrolled only by their exact
// name, so that "*" does not mean them.
func (p *Policy) namespaceEnrolled(namespace string) answer {
	switch {
	case namespace == "":
		if p.Enrolled == nil || slices.Contains(p.Enrolled, "*") {
			return yes
		}
		return unknown
	case slices.Contains(p.Enrolled, namespace):
		return yes
	case p.ownerOf(namespace) != "":
		return no
	case p.Enrolled == nil || globbed(p.Enrolled, namespace):
		return yes
	}
	return no
}

// ownerOf says whose a namespace is that is not the user's, "" for one that is.
func (p *Policy) ownerOf(namespace string) string {
	switch {
	case globbed(KubernetesNamespaces, namespace):
		return "Kubernetes itself"
	case globbed(p.Mesh.Namespaces, namespace):
		return "the mesh itself"
	}
	return ""
}

// LeftNamespace says why a workload of the namespace is not touched; "" where
// enrolment does not speak against it, or cannot tell.
func (p *Policy) LeftNamespace(namespace string) string {
	if p.namespaceEnrolled(namespace) != no {
		return ""
	}
	if owner := p.ownerOf(namespace); owner != "" {
		return fmt.Sprintf(`namespace %s belongs to %s; to enrol it, add its exact name to %s, where ["*"] is the default`, namespace, owner, enrolmentPath)
	}
	return fmt.Sprintf("namespace %s is not enrolled by %s", namespace, enrolmentPath)
}

// namespaceOf gives the namespace of a workload, "" if it is not known.
func (p *Policy) namespaceOf(w *Workload) string { return cmp.Or(w.Namespace, p.Namespace) }
