package transform

import (
	"fmt"
	"path"
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// Mode says how a workload's settings are enforced.
type Mode string

const (
	// InitContainer writes the annotations and the init container.
	InitContainer Mode = "InitContainer"
	// WhereNeeded writes the init container only for what the annotations
	// cannot say.
	WhereNeeded Mode = "WhereNeeded"
	// AnnotationsOnly never writes the init container; settings that need it
	// are errors.
	AnnotationsOnly Mode = "AnnotationsOnly"
)

// Modes lists every Mode.
var Modes = []Mode{InitContainer, WhereNeeded, AnnotationsOnly}

// Policy is a ClusterBypass made ready to be applied.
type Policy struct {
	Mesh *mesh.Mesh
	// Merge is how the user's own annotations meet the policy.
	Merge traffic.Merge
	// Enrolled are globs for the namespaces that may be touched; nil for all
	// but Kubernetes' and the mesh's own.
	Enrolled []string
	// MeshDefaults is what the mesh's own configuration says for every pod.
	MeshDefaults traffic.Layer
	// DefaultsImplied says that MeshDefaults are those of a mesh that nobody
	// configured, since the spec does not say them.
	DefaultsImplied bool
	// global is what the policy says of all workloads, where that goes into
	// the mesh's own configuration; nil where it does not. written is what
	// this then says for every pod.
	global  *traffic.Layer
	written traffic.Layer
	// Scopes are the policy's rules, broad to narrow.
	Scopes []Scope
	// Limits are what no workload may bypass.
	Limits Limits
	// Mode is the enforcement where no scope says otherwise.
	Mode Mode
	// Enforcement is what the init container is made of.
	Enforcement Enforcement
	// Kinds are the kinds that have a pod template.
	Kinds []Kind
	// Namespace is that of workloads which name none; "" if it is unknown.
	Namespace string
	// Lint are the severities of the checks of internal/lint, by name, where
	// they are not the default. The plan does not depend on them.
	Lint map[string]string
	// RequireNamespace makes an unknown namespace an error where a rule
	// depends on it.
	RequireNamespace bool
}

// Scope is one rule: which workloads it speaks of and what it says.
type Scope struct {
	// Path is the rule's field path in the spec.
	Path string
	// Match is nil for the scope that speaks of every workload.
	Match *Match
	Merge traffic.Merge
	Layer traffic.Layer
	// Mode is nil where the scope does not say how to enforce.
	Mode *Mode
}

// Match says which workloads a scope speaks of: its fields are ANDed, a field's
// entries ORed, an empty field matches everything.
type Match struct {
	Kinds, Names, Namespaces []string
	// Labels are over the template's labels; nil matches everything.
	Labels func(map[string]string) bool
}

// answer is that of a match whose namespace may be unknown.
type answer int

const (
	no answer = iota
	yes
	// unknown depends on a namespace that is not known.
	unknown
)

func (m *Match) matches(w *Workload, namespace string) answer {
	if m == nil {
		return yes
	}
	if len(m.Kinds) > 0 && !slices.ContainsFunc(m.Kinds, w.kind.Named) {
		return no
	}
	if len(m.Names) > 0 && !globbed(m.Names, w.Name) {
		return no
	}
	if m.Labels != nil && !m.Labels(w.TemplateLabels) {
		return no
	}
	if len(m.Namespaces) == 0 {
		return yes
	}
	return within(m.Namespaces, namespace)
}

// within says whether one of the globs matches a namespace, "" for one that is
// not known.
func within(globs []string, namespace string) answer {
	switch {
	case slices.Contains(globs, "*"):
		return yes
	case len(globs) == 0:
		return no
	case namespace == "":
		return unknown
	case globbed(globs, namespace):
		return yes
	}
	return no
}

// globbed says whether one of the globs matches; a glob is checked when the
// spec is compiled.
func globbed(globs []string, name string) bool {
	return slices.ContainsFunc(globs, func(glob string) bool {
		matched, err := path.Match(glob, name)
		return err == nil && matched
	})
}

// KubernetesNamespaces are globs for Kubernetes' own.
var KubernetesNamespaces = []string{"kube-*"}

// enrolmentPath is the field that says which namespaces are enrolled.
const enrolmentPath = "spec.enrolment.namespaces"

// namespaceEnrolled says whether the workloads of a namespace may be touched;
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

// notEnrolled says why a workload of the namespace is not touched; "" where
// enrolment does not speak against it, or cannot tell.
func (p *Policy) notEnrolled(namespace string) string {
	if p.namespaceEnrolled(namespace) != no {
		return ""
	}
	if owner := p.ownerOf(namespace); owner != "" {
		return fmt.Sprintf(`namespace %s belongs to %s; to enrol it, add its exact name to %s, where ["*"] is the default`, namespace, owner, enrolmentPath)
	}
	return fmt.Sprintf("namespace %s is not enrolled by %s", namespace, enrolmentPath)
}

// mentioned says whether a rule for the workload names its kind. One for other
// workloads of the kind does not count: they alone were meant.
func (p *Policy) mentioned(w *Workload, namespace string) bool {
	return slices.ContainsFunc(p.Scopes, func(s Scope) bool {
		return s.Match != nil && len(s.Match.Kinds) > 0 && s.Match.matches(w, namespace) == yes
	})
}
