package transform

import (
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/kinds"
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
	// Name is the ClusterBypass's, for the records of what it wrote.
	Name string
	// FormerNames are those that it had before, and Removes says that it is gone.
	FormerNames []string
	// Beside are the names of the specs that are applied to the same objects.
	Beside  []string
	Removes bool
	Mesh    *mesh.Mesh
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
	index  *index
	// rulings are kept from the first workload on.
	rulings *kept[ruled, *ruling]
	// minded says of keys whether there may be something to say of them.
	minded *kept[string, bool]
	// stands are those of templates whose place is the same in all objects of a kind.
	stands *kept[*kinds.Template, stand]
	// accepts are the acceptances by the kinds of their findings, from the first on that is
	// asked for.
	accepts *kept[*finding.Kind, acceptances]
	// planes says that some scope says a data plane.
	planes bool
	// parts are what of the policy is meant for some workloads: its scopes in their
	// order, then entries of lists. found finds them, and chosen says that one of
	// them goes by labels.
	parts  []part
	found  *index
	chosen bool
	// accepted are the kinds that acceptances name.
	accepted []string
	// names are the container ports that scopes name, nil for none.
	names map[string]bool
	// rules are the places of the scopes by their paths.
	rules map[string]int
	// Limits are what no workload may bypass.
	Limits Limits
	// Mode is the enforcement where no scope says otherwise.
	Mode Mode
	// Enforcement is what the init container is made of.
	Enforcement Enforcement
	// Kinds are the kinds that have a pod template. The zero table has those that are known.
	Kinds kinds.Table
	// Namespace is that of workloads which name none; "" if it is unknown.
	Namespace string
	// Lint are the severities of the checks of internal/lint, by name, where
	// they are not the default. The plan does not depend on them.
	Lint map[string]string
	// Acceptances accept findings that are known and meant.
	Acceptances []Acceptance
	// RequireNamespace makes an unknown namespace an error where a rule
	// depends on it.
	RequireNamespace bool
}

// Scope is one rule: which workloads it speaks of and what it says.
type Scope struct {
	// Path is the rule's field path in the spec, and place its place among the scopes.
	Path  string
	place int
	// Match is nil for the scope that speaks of every workload.
	Match *Match
	Merge traffic.Merge
	// Layer is what it says but for Names, which mean other ports in each workload.
	Layer traffic.Layer
	Names []PortName
	// numbers are what they mean in the workload of which it speaks, in whose Layer they
	// are then.
	numbers string
	// Initial is what it says for the time in which init containers run.
	Initial traffic.Layer
	// Mode is nil where the scope does not say how to enforce.
	Mode *Mode
	// Plane is "" where the scope does not say in which data plane its workloads are.
	Plane mesh.DataPlane
}
