package fn

import (
	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// Explained says what bypasses the sidecars of workloads, and why.
type Explained struct {
	// Mesh is the service mesh of the spec.
	Mesh string
	// Workloads are the workloads in the files, in their order.
	Workloads []Explanation
	// Results are what else the function says.
	Results Results
	// Dated are the findings about rules that have expired or soon will. An
	// explanation marks what such a rule says, so that nobody needs to print them.
	Dated Results
	// Checked is what Check says of the same files.
	Checked Results
	// Reach says whom the parts of the spec reach.
	Reach []Reach

	accepting map[acceptance]bool
	entries   entries
}

// Outcome is what becomes of a workload.
type Outcome string

const (
	// Written means that the function writes something.
	Written Outcome = "written"
	// Adopted means that the template stays as it is, since the annotations on it that the
	// spec took over mean what its rules say.
	Adopted Outcome = "adopted"
	// Unspoken means that the spec says nothing about the workload, or lets
	// nothing bypass.
	Unspoken Outcome = "nothing to write"
	// LeftAlone means that the spec covers the workload, and the function does
	// not touch it.
	LeftAlone Outcome = "left alone"
	// ChangedOutcome means that somebody changed what the function wrote. The
	// explanation says what is in force.
	ChangedOutcome Outcome = "changed after krm-bypass wrote it"
	// UnknownOutcome means that pods are made of the object, and krm-bypass does not
	// know its kind.
	UnknownOutcome Outcome = "unknown"
	// LaterOutcome means that a chart is rendered of the object in the cluster.
	LaterOutcome Outcome = "rendered later"
	// RefusedOutcome means that the function refuses the workload with an error.
	RefusedOutcome Outcome = "refused"
)

// TemplateRef names a workload.
type TemplateRef struct {
	ResourceRef
	// Template is the place of the pod template in the object, such as
	// spec.workerGroupSpecs[small].template; "" where the object has no other.
	Template string `json:"template,omitempty"`
}

// Explanation says what bypasses the sidecar of one workload, why, and what
// enforces it.
type Explanation struct {
	TemplateRef
	// File and Line say where the workload is; Line counts from 1 and is 0 if it
	// is not known.
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	// Outcome is what becomes of the workload, Reason why it is left alone or
	// refused, or, where there is nothing to write, why it has no sidecar.
	Outcome Outcome `json:"outcome"`
	Reason  string  `json:"reason,omitempty"`
	// Mode is how the settings are enforced, ModeFrom the field that says so.
	// Both are empty if nothing is written.
	Mode     string `json:"mode,omitempty"`
	ModeFrom Source `json:"modeFrom,omitzero"`
	// DataPlane is that of the mesh in which the pods are, DataPlaneFrom the field or the
	// template that says so, and DataPlaneSign what of the template does. All are empty
	// of a workload that is left alone, and where neither its template nor any rule of
	// the spec says a data plane, so that the pods have a sidecar.
	DataPlane     string `json:"dataPlane,omitempty"`
	DataPlaneFrom Source `json:"dataPlaneFrom,omitzero"`
	DataPlaneSign string `json:"dataPlaneSign,omitempty"`
	// Voided says why nothing that is written holds in these pods, "" where it does.
	Voided string `json:"-"`
	// Unmeshed says that the mesh surely intercepts nothing in these pods.
	Unmeshed bool `json:"-"`
	// Unreached says which callers no inbound setting reaches, "" for none.
	Unreached string `json:"-"`
	// Fields are the traffic fields that any scope sets, in canonical order, and then
	// those of forInitContainers, whose names begin with InitialPrefix.
	Fields []ExplainedField `json:"fields,omitempty"`
	// Others are what else of the pod template lets traffic bypass the sidecar, such
	// as another annotation of the mesh.
	Others []ExplainedOther `json:"others,omitempty"`
	// Notes are what else there is to know of the mesh in these pods, a clause each.
	Notes []string `json:"notes,omitempty"`
	// Order says on what it depends in which order the init containers of the mesh and of
	// krm-bypass run, "" where Notes say it, or nothing is known.
	Order string `json:"order,omitempty"`
	// OnlyIPv4 says that the mesh's own rules intercept no connection to an IPv6
	// address, whatever the spec says.
	OnlyIPv4 bool `json:"-"`
	// IPv6If is a clause, under which it does; "" where that hangs on nothing.
	IPv6If string `json:"-"`
	// MeshPorts are TCP ports with which the mesh does something of its own,
	// whatever the spec says. The first that holds a port counts.
	MeshPorts []MeshPorts `json:"-"`
	// InitContainers are those of the pods in the order in which they run, as far as the
	// manifest shows it: what else webhooks add depends on the cluster.
	InitContainers []InitContainer `json:"-"`
	injected       []mesh.Injected
	// Rendered is what the pod template becomes, Stands what it is.
	Rendered Rendered `json:"-"`
	Stands   Rendered `json:"-"`
	// Recorded says that a ClusterBypass wrote what stands there, By which one, and Other
	// names it where that is another one than the specification.
	Recorded bool   `json:"-"`
	By       string `json:"-"`
	Other    string `json:"-"`
}

// ExplainedOther is something of a pod template beside the traffic fields by which
// traffic bypasses the sidecar.
type ExplainedOther struct {
	From Source `json:"from"`
	// Name names it for a person, Value is what it says.
	Name  string `json:"name"`
	Value string `json:"value"`
	// Lets are the entries of the traffic fields that would let the same bypass, by
	// field.
	Lets map[string][]string `json:"lets"`
	// Sure is false if it may let bypass less than that; Doubt is why, where that is known.
	Sure  bool   `json:"sure"`
	Doubt string `json:"doubt,omitempty"`
}

// Rendered is what a pod template becomes, as digests that are equal if it means
// the same. Template covers all of it, Own what krm-bypass does not write,
// Container the init container without its arguments.
type Rendered = transform.Rendered

// InitContainer is an init container of a workload's pods.
type InitContainer struct {
	Name string
	// Of is whose it is: OfMesh, OfKrmBypass or OfManifest.
	Of string
	// Says is what it does, where that is known.
	Says string
	// Stays says that it is a native sidecar, which runs as long as the pod does.
	Stays bool
	// If says on what it depends that it is there, "" where it surely is.
	If string
}

// Whose an init container is.
const (
	OfMesh      = "the mesh"
	OfKrmBypass = "krm-bypass"
	OfManifest  = "the manifest"
)

// InitialPrefix is how the names of fields begin that hold beside the others while init
// containers run.
const InitialPrefix = string(transform.InitialField) + "."

// ExplainedField is one traffic field of a workload.
type ExplainedField struct {
	Field string `json:"field"`
	// Effective are the entries in force, in canonical form.
	Effective []string `json:"effective"`
	// Annotation is the mesh's annotation on the template that carries the
	// field, or a part of it; nil if there is none.
	Annotation *WrittenAnnotation `json:"annotation,omitempty"`
	// Gap says what the annotation cannot say, and why.
	Gap string `json:"gap,omitempty"`
	// Entries are those of every scope that sets the field, from broad to narrow.
	Entries []ExplainedEntry `json:"entries"`
}

// WrittenAnnotation is an annotation and its value.
type WrittenAnnotation struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// ExplainedEntry is one entry in the list of one scope.
type ExplainedEntry struct {
	// Entry is as its author wrote it, [] for an empty list.
	Entry string `json:"entry"`
	// Means are the ports of the workload that the entry names, in canonical form; empty
	// if it has none of that name, nil if the entry is no name.
	Means []string `json:"means,omitzero"`
	From  Source   `json:"from"`
	// Reason, Owner and Expires are those of the rule.
	Reason  string        `json:"reason,omitempty"`
	Owner   string        `json:"owner,omitempty"`
	Expires v1alpha1.Date `json:"expires,omitempty"`
	Expired bool          `json:"expired,omitempty"`
	// InForce says that the entry has an effect: some of it holds, or it leaves
	// the field empty.
	InForce bool `json:"inForce"`
	// Holds is the part that is in force, in canonical form.
	Holds []string `json:"holds,omitempty"`
	// NoPlace is the part that is not in force since no annotation can say it, and the
	// pods take no init container.
	NoPlace []string `json:"noPlace,omitempty"`
	// Lost is what narrower scopes took from it.
	Lost []Loss `json:"lost,omitempty"`
	// CarriedBy says what enforces the part in force: ByAnnotation,
	// ByInitContainer, or ByMesh if the mesh does so by itself.
	CarriedBy []string `json:"carriedBy,omitempty"`
}

// What can enforce an entry.
const (
	ByAnnotation    = transform.ByAnnotation
	ByInitContainer = transform.ByInitContainer
	ByMesh          = transform.ByMesh
)

// Loss is what a narrower scope took from an entry.
type Loss struct {
	// Entries are in canonical form. There are none if an empty list lost its
	// effect.
	Entries []string `json:"entries,omitempty"`
	To      Source   `json:"to"`
}

// Source is where something is said.
type Source struct {
	// Scope is the field path of a rule in the spec, FromAnnotation for the
	// workload's own annotation, FromNamespace for one of its Namespace,
	// FromContainer for the init container in finished manifests, FromTemplate for
	// something else of the pod template, FromObject for another object that says
	// something for many pods or that an annotation names, FromMesh for what the mesh does unless somebody
	// configures it, FromDefault for what holds unless somebody says otherwise.
	Scope string `json:"scope"`
	// Path is the field itself; "" if nobody wrote one.
	Path string `json:"path,omitempty"`
	File string `json:"file,omitempty"`
	// Line counts from 1 and is 0 if it is not known.
	Line int `json:"line,omitempty"`
}

// The scopes of a Source that are not rules.
const (
	FromAnnotation = "annotation"
	FromNamespace  = transform.NamespaceScope
	FromContainer  = "init container"
	FromMesh       = "mesh"
	FromTemplate   = "pod template"
	FromObject     = "another object"
	FromDefault    = "default"
)

// MeshPorts are ports with which the mesh does something of its own.
type MeshPorts struct {
	// Ports are in the form of entries.
	Ports []string
	// Bypass says that the mesh excludes them, Sure that it surely does. Others are those
	// that the sidecar and the mesh's agents listen on.
	Bypass, Sure bool
	Why          string
	// Outbound says that they are those of what the pods call.
	Outbound bool
}
