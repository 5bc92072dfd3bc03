package v1alpha1

// What the API is called.
const (
	// Group is the API group of the spec.
	Group = "krm-bypass.dev"
	// APIVersion is the only version of the spec.
	APIVersion = Group + "/v1alpha1"
	// Kind is the kind of the spec.
	Kind = "ClusterBypass"
)

// ClusterBypass says for a whole cluster which traffic bypasses the sidecar. It
// is kept in Git and never applied to a cluster.
type ClusterBypass struct {
	// APIVersion is krm-bypass.dev/v1alpha1.
	APIVersion string `json:"apiVersion" schema:"required;enum=krm-bypass.dev/v1alpha1"`
	// Kind is ClusterBypass.
	Kind string `json:"kind" schema:"required;enum=ClusterBypass"`
	// Metadata is that of any Kubernetes object. The annotation
	// config.kubernetes.io/local-config: "true" keeps tools from applying it.
	Metadata Metadata `json:"metadata,omitzero"`
	// Spec says what bypasses, for which workloads, and how that is enforced.
	Spec Spec `json:"spec" schema:"required"`
}

// Metadata is the part of a Kubernetes object's metadata that matters here. Other
// fields are allowed and ignored.
type Metadata struct {
	// Name is the object's name. What is written into workloads is known by it:
	// list the earlier one in formerNames when you change it.
	Name string `json:"name,omitzero"`
	// Annotations are the object's annotations.
	Annotations map[string]string `json:"annotations,omitzero"`
}

// Spec is the body of a ClusterBypass.
type Spec struct {
	// FormerNames are names that the ClusterBypass had before. What it wrote under
	// them is its own.
	FormerNames []string `json:"formerNames,omitzero"`
	// Mesh is the service mesh whose annotations are written. For Alibaba Cloud
	// Service Mesh and DaoCloud DCE 5.0 it is Istio.
	Mesh string `json:"mesh,omitzero" schema:"meshes;default=Istio"`
	// Merge says how a narrower scope combines with a broader one. Override: a
	// field that it sets replaces the broader scope's, and the empty list clears
	// it. Union: the sets add up. A rule may set its own.
	Merge string `json:"merge,omitzero" schema:"enum=Override|Union;default=Override"`
	// Enrolment says which workloads may be changed at all.
	Enrolment *Enrolment `json:"enrolment,omitzero"`
	// MeshDefaults is what the mesh's own configuration (Helm values, MeshConfig)
	// excludes already. It is repeated wherever an annotation would replace it.
	// If it is missing, it is what the mesh excludes without any configuration,
	// for Linkerd 4567 and 4568; scopes that list other ports then add to that.
	MeshDefaults *Traffic `json:"meshDefaults,omitzero"`
	// MeshConfig says what to do with MeshConfig objects of FSM and OSM among
	// the resources. Update adds what Global says to their lists; Ignore leaves
	// them as they are. Both warn if such a list lets more traffic bypass than
	// the spec does.
	MeshConfig string `json:"meshConfig,omitzero" schema:"enum=Ignore|Update;default=Ignore"`
	// Global is the rule for every enrolled workload.
	Global *GlobalRule `json:"global,omitzero"`
	// Namespaces are rules for all workloads of a namespace. A later rule is
	// narrower than an earlier one.
	Namespaces []NamespaceRule `json:"namespaces,omitzero"`
	// Workloads are rules for single workloads. A later rule is narrower than an
	// earlier one.
	Workloads []WorkloadRule `json:"workloads,omitzero"`
	// Enforcement says how the settings are enforced in the pods.
	Enforcement *Enforcement `json:"enforcement,omitzero"`
	// PodTemplates adds kinds of objects that have a pod template to those that
	// are built in.
	PodTemplates []PodTemplate `json:"podTemplates,omitzero"`
	// Lint sets the severities of findings: docs/lint.md.
	Lint *Lint `json:"lint,omitzero"`
	// DefaultNamespace is the namespace of workloads whose manifests do not
	// name one.
	DefaultNamespace string `json:"defaultNamespace,omitzero"`
	// Limits say what no workload may bypass, whichever rule or annotation asks
	// for it. What breaks them is an error; they never change what is written.
	Limits *Limits `json:"limits,omitzero"`
	// RequireReason makes a rule without a reason an error.
	RequireReason bool `json:"requireReason,omitzero"`
	// RequireNamespace makes it an error if a rule depends on a workload's
	// namespace and that is not known. Otherwise it is a warning.
	RequireNamespace bool `json:"requireNamespace,omitzero"`
}

// Enrolment says which workloads may be changed at all. Those in the namespaces of
// Kubernetes (kube-*) and of the mesh are changed only if their namespace is named
// without a wildcard; gateways and pods without a sidecar never are.
type Enrolment struct {
	// Namespaces are globs for names of namespaces. The default is all of them.
	Namespaces []string `json:"namespaces,omitzero"`
}

// Traffic is the traffic that bypasses the sidecar. A missing field says nothing;
// an empty list says that there is none.
type Traffic struct {
	// ExcludeInboundPorts are ports of the pod whose callers bypass the sidecar. They may
	// be names of its containers' ports.
	ExcludeInboundPorts InboundPortList `json:"excludeInboundPorts,omitzero"`
	// IncludeInboundPorts are the only TCP ports whose callers pass the sidecar;
	// "*", the default, means all ports. They may be names of the pod's container ports.
	IncludeInboundPorts InboundPortSelection `json:"includeInboundPorts,omitzero"`
	// ExcludeOutboundPorts are destination ports that bypass the sidecar.
	ExcludeOutboundPorts PortList `json:"excludeOutboundPorts,omitzero"`
	// IncludeOutboundPorts are destination ports that always pass the sidecar,
	// at every address. They never make anything bypass it.
	IncludeOutboundPorts PortList `json:"includeOutboundPorts,omitzero"`
	// ExcludeOutboundIPRanges are destinations that bypass the sidecar, for TCP
	// and every port but 53.
	ExcludeOutboundIPRanges IPRangeList `json:"excludeOutboundIPRanges,omitzero"`
	// IncludeOutboundIPRanges are the only destinations that pass the sidecar, for
	// TCP and every port but 53; "*", the default, means all destinations.
	IncludeOutboundIPRanges IPRangeSelection `json:"includeOutboundIPRanges,omitzero"`
	// ExcludeOutbound are destinations that bypass the sidecar on certain ports
	// only. No mesh has an annotation for this; the init container does it.
	ExcludeOutbound []Destination `json:"excludeOutbound,omitzero"`
}

// Starting is what bypasses the sidecar beside the rest while init containers run.
type Starting struct {
	// ForInitContainers is what bypasses only until the last init container has run:
	// some meshes intercept before there is a sidecar that passes anything on. It
	// takes a second init container of krm-bypass's, which ends it.
	ForInitContainers *InitTraffic `json:"forInitContainers,omitzero"`
}

// InitTraffic is what init containers reach without the sidecar. A missing field says
// nothing; an empty list says that there is none.
type InitTraffic struct {
	// ExcludeOutboundPorts are destination ports that bypass the sidecar too while
	// init containers run.
	ExcludeOutboundPorts PortList `json:"excludeOutboundPorts,omitzero"`
	// ExcludeOutboundIPRanges are destinations that bypass it too, for TCP and every
	// port but 53.
	ExcludeOutboundIPRanges IPRangeList `json:"excludeOutboundIPRanges,omitzero"`
	// ExcludeOutbound are destinations that bypass it too, on certain ports only.
	ExcludeOutbound []Destination `json:"excludeOutbound,omitzero"`
}

// AsTraffic gives it as traffic fields of the same names; those of nothing where it is nil.
func (t *InitTraffic) AsTraffic() Traffic {
	if t == nil {
		return Traffic{}
	}
	return Traffic{ExcludeOutboundPorts: t.ExcludeOutboundPorts, ExcludeOutboundIPRanges: t.ExcludeOutboundIPRanges, ExcludeOutbound: t.ExcludeOutbound}
}

// Note says what a rule is called and why it exists, for those who review it. It never
// changes what is written.
type Note struct {
	// Name is what reports call the rule, and what spec.lint.accept refers to.
	Name string `json:"name,omitzero" schema:"minLength=1"`
	// Reason says what the rule is for.
	Reason string `json:"reason,omitzero"`
	// Owner is responsible for the rule: a team, a person, an address.
	Owner string `json:"owner,omitzero"`
	// Expires is the last day on which the rule is needed. An expired rule is written
	// as before, so no pod loses its database overnight; check fails, and warns two weeks
	// before.
	Expires Date `json:"expires,omitzero"`
}

// Expired reports whether the last day of the rule is before today, which is written
// like Expires. A rule without Expires never expires.
func (n Note) Expired(today Date) bool {
	return n.Expires != "" && n.Expires < today // ISO 8601 sorts as text
}

// Switch switches a rule off.
type Switch struct {
	// Suspend switches the rule off: it stays in the file, and is as if it were not there.
	// Only mistakes in it are told, but not what would break a limit.
	Suspend bool `json:"suspend,omitzero"`
}

// GlobalRule applies to every enrolled workload.
type GlobalRule struct {
	Placement `json:",inline"`
	Note      `json:",inline"`
	Switch    `json:",inline"`
	Traffic   `json:",inline"`
	Starting  `json:",inline"`
}

// Placement says in which data plane of the mesh the workloads of a rule are.
type Placement struct {
	// DataPlane is Ambient for pods of Istio's ambient mode, which have no sidecar and
	// read no annotation of one. Only Istio has it. A narrower rule overrides a
	// broader one; where no rule says anything, it is Sidecar. A pod template with
	// the label sidecar.istio.io/inject: "true" is in Sidecar whatever the rules say, and
	// with "false" beside the label istio.io/dataplane-mode: ambient in Ambient.
	DataPlane string `json:"dataPlane,omitzero" schema:"enum=Sidecar|Ambient"`
}

// Limits say what no workload may bypass. They apply to the result of its rules and
// its own annotations, not to what the mesh's configuration lets bypass already
// (MeshDefaults).
type Limits struct {
	// ForbiddenInboundPorts are ports of a pod whose callers must not bypass the
	// sidecar, neither by excludeInboundPorts nor by an includeInboundPorts that
	// leaves them out.
	ForbiddenInboundPorts PortList `json:"forbiddenInboundPorts,omitzero"`
	// ForbiddenOutboundPorts are destination ports that must not bypass the
	// sidecar at any address, neither by port nor by an IP range: a range bypasses on
	// every TCP port but 53. To allow a range, list the port in includeOutboundPorts of a
	// rule. In an annotation that does not help: in Istio the range wins.
	ForbiddenOutboundPorts PortList `json:"forbiddenOutboundPorts,omitzero"`
	// WidestPrefix limits the size of the IP ranges that may bypass the sidecar.
	WidestPrefix *WidestPrefix `json:"widestPrefix,omitzero"`
	// ForbiddenNamespaces are globs for namespaces in which nothing may bypass the
	// sidecar. Broader rules reach them too: clear their fields there.
	ForbiddenNamespaces []string `json:"forbiddenNamespaces,omitzero"`
	// PodAnnotations says which workloads may have bypass annotations written by
	// hand. If it is missing, all may.
	PodAnnotations *PodAnnotations `json:"podAnnotations,omitzero"`
	// MeshOptOut says which workloads may opt out of the mesh, call themselves
	// gateways, name an injection template that intercepts nothing, or replace a
	// container of the mesh. If it is missing, all may.
	MeshOptOut *MeshOptOut `json:"meshOptOut,omitzero"`
}

// WidestPrefix is the shortest prefix length that may bypass the sidecar, for each
// IP family. Ranges that together make up a wider one count as the wider one:
// 10.0.0.0/16 and 10.1.0.0/16 are 10.0.0.0/15.
type WidestPrefix struct {
	// IPv4 is the length for IPv4: 16 allows 10.1.0.0/16 and refuses
	// 10.0.0.0/8.
	IPv4 *int `json:"ipv4,omitzero" schema:"minimum=0;maximum=32"`
	// IPv6 is the length for IPv6.
	IPv6 *int `json:"ipv6,omitzero" schema:"minimum=0;maximum=128"`
}

// PodAnnotations says which workloads may have annotations of the mesh in their pod
// templates that let traffic bypass.
type PodAnnotations struct {
	// Namespaces are globs for the namespaces of these workloads; the empty list
	// means none.
	Namespaces []string `json:"namespaces" schema:"required"`
}

// MeshOptOut says which workloads may opt out of the mesh in its own way in their
// pod templates.
type MeshOptOut struct {
	// Namespaces are globs for the namespaces of these workloads; the empty list
	// means none.
	Namespaces []string `json:"namespaces" schema:"required"`
}

// Destination is every address of the ranges on every one of the ports.
type Destination struct {
	// IPRanges are the addresses.
	IPRanges IPRangeList `json:"ipRanges" schema:"required"`
	// Ports are the ports at these addresses.
	Ports PortList `json:"ports" schema:"required"`
}

// NamespaceRule applies to all workloads of the namespaces that it matches.
type NamespaceRule struct {
	// Match says which namespaces the rule is for.
	Match NamespaceMatch `json:"match" schema:"required"`
	// Merge takes the place of spec.merge for this rule. Override: a field that it
	// sets replaces what broader rules say; Union: it adds to that.
	Merge string `json:"merge,omitzero" schema:"enum=Override|Union"`
	// Enforcement overrides spec.enforcement.mode for this rule.
	Enforcement *RuleEnforcement `json:"enforcement,omitzero"`
	Placement   `json:",inline"`
	Note        `json:",inline"`
	Switch      `json:",inline"`
	Traffic     `json:",inline"`
	Starting    `json:",inline"`
}

// NamespaceMatch says which namespaces a rule is for.
type NamespaceMatch struct {
	// Names are the names of the namespaces, or globs for them such as team-*.
	Names []string `json:"names,omitzero"`
}

// WorkloadRule applies to the workloads that it matches.
type WorkloadRule struct {
	// Match says which workloads the rule is for.
	Match WorkloadMatch `json:"match" schema:"required"`
	// Merge takes the place of spec.merge for this rule. Override: a field that it
	// sets replaces what broader rules say; Union: it adds to that.
	Merge string `json:"merge,omitzero" schema:"enum=Override|Union"`
	// Enforcement overrides spec.enforcement.mode for this rule.
	Enforcement *RuleEnforcement `json:"enforcement,omitzero"`
	Placement   `json:",inline"`
	Note        `json:",inline"`
	Switch      `json:",inline"`
	Traffic     `json:",inline"`
	Starting    `json:",inline"`
}

// WorkloadMatch says which workloads a rule is for. All of its fields must match,
// and of each field one entry.
type WorkloadMatch struct {
	// Kinds are kinds such as Deployment. StatefulSet.apps.kruise.io names the API
	// group too.
	Kinds []string `json:"kinds,omitzero"`
	// Names are the names of the workloads, or globs for them such as web-*.
	Names []string `json:"names,omitzero"`
	// Namespaces are the names of their namespaces, or globs for them such as team-*.
	Namespaces []string `json:"namespaces,omitzero"`
	// LabelSelector selects by the labels of the pod template.
	LabelSelector *LabelSelector `json:"labelSelector,omitzero"`
}

// IsEmpty reports whether the match has no field, so that it would match everything.
func (m WorkloadMatch) IsEmpty() bool {
	return m.Kinds == nil && m.Names == nil && m.Namespaces == nil && m.LabelSelector == nil
}

// LabelSelector is that of Kubernetes: everything in it must match.
type LabelSelector struct {
	// MatchLabels are labels that must have exactly these values.
	MatchLabels map[string]string `json:"matchLabels,omitzero"`
	// MatchExpressions are further requirements of labels, by operators.
	MatchExpressions []LabelRequirement `json:"matchExpressions,omitzero"`
}

// LabelRequirement is one requirement of a LabelSelector.
type LabelRequirement struct {
	// Key is the label's key.
	Key string `json:"key" schema:"required"`
	// Operator says how the label relates to the values.
	Operator string `json:"operator" schema:"required;enum=In|NotIn|Exists|DoesNotExist"`
	// Values are for In and NotIn.
	Values []string `json:"values,omitzero"`
}

// RuleEnforcement is the part of Enforcement that a rule may set.
type RuleEnforcement struct {
	// Mode takes the place of spec.enforcement.mode: InitContainer for the mesh's
	// annotations and the init container, WhereNeeded for the init container only if
	// the annotations cannot say it, AnnotationsOnly for no init container at all.
	Mode string `json:"mode,omitzero" schema:"enum=InitContainer|WhereNeeded|AnnotationsOnly"`
}

// Enforcement says how the settings are enforced in the pods.
type Enforcement struct {
	// Mode is InitContainer for the mesh's annotations and the init container,
	// WhereNeeded for the init container only if the annotations cannot say it,
	// AnnotationsOnly for no init container at all.
	Mode string `json:"mode,omitzero" schema:"enum=InitContainer|WhereNeeded|AnnotationsOnly;default=InitContainer"`
	// Image is the init container's image. It has no default, so that a spec gives
	// the same bytes with every version. If it is missing, a workload that needs
	// the init container is an error.
	Image string `json:"image,omitzero" schema:"minLength=1"`
	// RequireDigest makes an image without a digest an error, since what is behind
	// a tag may change. krm-bypass pin writes the digest into the spec.
	RequireDigest bool `json:"requireDigest,omitzero"`
	// ImagePullPolicy is that of the init container.
	ImagePullPolicy string `json:"imagePullPolicy,omitzero" schema:"enum=Always|IfNotPresent|Never;default=IfNotPresent"`
	// ImagePullSecrets are secrets for pulling the image from a private registry.
	// Pods that get the init container also get those of them that they do not
	// have yet. The secrets must exist in the namespaces of the pods.
	ImagePullSecrets []ImagePullSecret `json:"imagePullSecrets,omitzero"`
	// Backend says how the rules are programmed; auto uses nftables wherever the
	// kernel can. With iptables, the init container also gets the capability
	// NET_RAW, which iptables-legacy needs, and its image must have iptables.
	Backend string `json:"backend,omitzero" schema:"enum=auto|nftables|iptables;default=auto"`
	// Resources are those of the init container. The default is small.
	Resources *Resources `json:"resources,omitzero"`
}

// ImagePullSecret refers to a secret with the credentials for a registry.
type ImagePullSecret struct {
	// Name is the name of the secret.
	Name string `json:"name" schema:"required"`
}

// Resources are the resource requirements of a container, as in Kubernetes.
type Resources struct {
	// Limits are the most that the container may use.
	Limits map[string]Quantity `json:"limits,omitzero"`
	// Requests are what is reserved for it.
	Requests map[string]Quantity `json:"requests,omitzero"`
}

// PodTemplate says where objects of a kind have a pod template, or parts of one. Paths
// have dots between their steps, as in spec.template; [*] behind the key of a list stands
// for all its items, as in spec.nodeSets[*].podTemplate, and * for all keys of a map, as
// in spec.replicaSpecs.*.template. A kind may have several entries.
type PodTemplate struct {
	// APIVersion is that of the object; only its group matters.
	APIVersion string `json:"apiVersion" schema:"required"`
	// Kind is that of the object.
	Kind string `json:"kind" schema:"required"`
	// Path leads to a whole template, with metadata and spec. Either it is set, or
	// annotations.
	Path string `json:"path,omitzero"`
	// Annotations lead to the annotations of the pods, where an object has no whole
	// template, as in spec.podMetadata.annotations.
	Annotations string `json:"annotations,omitzero"`
	// InitContainers lead to a list of init containers beside annotations. Without it,
	// nothing but annotations is written.
	InitContainers string `json:"initContainers,omitzero"`
	// ImagePullSecrets lead to a list of image pull secrets beside initContainers.
	ImagePullSecrets string `json:"imagePullSecrets,omitzero"`
	// Create makes what is absent of the path, below its second step, or below the last
	// item of a list. Otherwise an object without a template is left alone.
	Create bool `json:"create,omitzero"`
}

// Port is a port such as 8080 or a range such as "8000-8010"; "/TCP" or "/UDP"
// behind it narrows it to that protocol.
type Port string

// PortList is a list of ports.
type PortList []Port

// InboundPort is a Port, or the name that a port has in the containers of the pod, such as
// http-metrics. A name means its number in each workload, for TCP and UDP, and nothing
// where no container has it.
type InboundPort string

// InboundPortList is a list of ports of the pod.
type InboundPortList []InboundPort

// InboundPortSelection is a list of ports of the pod, or "*" for all. A list of names none of
// which the pod has counts as not said.
type InboundPortSelection []InboundPort

// IPRange is an IPv4 or IPv6 range such as 10.0.0.0/8, without bits behind its mask, or
// a single address.
type IPRange string

// IPRangeList is a list of ranges.
type IPRangeList []IPRange

// IPRangeSelection is a list of ranges, or "*" for all.
type IPRangeSelection []IPRange

// Date is a day, as RFC 3339 writes it: 2026-12-31.
type Date string

// Quantity is a Kubernetes quantity such as 10m or 64Mi.
type Quantity string
