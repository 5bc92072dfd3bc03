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
// lives in Git and is never applied to a cluster.
type ClusterBypass struct {
	// APIVersion is krm-bypass.dev/v1alpha1.
	APIVersion string `json:"apiVersion" schema:"required;enum=krm-bypass.dev/v1alpha1"`
	// Kind is ClusterBypass.
	Kind string `json:"kind" schema:"required;enum=ClusterBypass"`
	// Metadata is that of any Kubernetes object. Annotate it with
	// config.kubernetes.io/local-config: "true", so that no tool applies it.
	Metadata Metadata `json:"metadata,omitzero"`
	// Spec is what bypasses, for whom, and how that is enforced.
	Spec Spec `json:"spec" schema:"required"`
}

// Metadata is what of a Kubernetes object's metadata matters here; anything
// else is let pass.
type Metadata struct {
	// Name is the object's name.
	Name string `json:"name,omitzero"`
	// Annotations are the object's annotations.
	Annotations map[string]string `json:"annotations,omitzero"`
}

// Spec is the body of a ClusterBypass.
type Spec struct {
	// Mesh is the service mesh whose annotations are written. Istio stands
	// for Alibaba Cloud Service Mesh and DaoCloud DCE 5.0 too.
	Mesh string `json:"mesh,omitzero" schema:"meshes;default=Istio"`
	// Merge says how a narrower scope meets a broader one: in Override a field
	// that it sets replaces the broader scope's, and the empty list clears
	// it; in Union the sets add up. A rule may set its own.
	Merge string `json:"merge,omitzero" schema:"enum=Override|Union;default=Override"`
	// Enrolment says which workloads may be touched at all.
	Enrolment *Enrolment `json:"enrolment,omitzero"`
	// MeshDefaults is what the mesh's own configuration excludes already
	// (Helm values, MeshConfig). It is restated wherever an annotation would
	// replace it. Without it, it is what the mesh excludes as long as nobody
	// configures it, which for Linkerd is 4567 and 4568; scopes that list
	// other ports then add to that.
	MeshDefaults *Traffic `json:"meshDefaults,omitzero"`
	// MeshConfig says what to do with the MeshConfig objects of FSM and OSM
	// among the resources. Update adds to their lists what Global says; Ignore
	// leaves them as they are. Both warn where such a list makes traffic
	// bypass that the spec does not let bypass.
	MeshConfig string `json:"meshConfig,omitzero" schema:"enum=Ignore|Update;default=Ignore"`
	// Global speaks of every enrolled workload.
	Global *GlobalRule `json:"global,omitzero"`
	// Namespaces are rules for the workloads of whole namespaces; a later one
	// is narrower than an earlier one.
	Namespaces []NamespaceRule `json:"namespaces,omitzero"`
	// Workloads are rules for single workloads; a later one is narrower than
	// an earlier one.
	Workloads []WorkloadRule `json:"workloads,omitzero"`
	// Enforcement says how the settings are made true in the pods.
	Enforcement *Enforcement `json:"enforcement,omitzero"`
	// PodTemplates adds kinds of objects that carry a pod template.
	PodTemplates []PodTemplate `json:"podTemplates,omitzero"`
	// Lint says what becomes of what the checks find beside the workloads:
	// docs/lint.md.
	Lint *Lint `json:"lint,omitzero"`
	// DefaultNamespace is the namespace of workloads whose manifests name
	// none.
	DefaultNamespace string `json:"defaultNamespace,omitzero"`
	// Limits say what no workload may bypass, whichever rule or annotation asks
	// for it. They refuse; they never change what is written.
	Limits *Limits `json:"limits,omitzero"`
	// RequireReason makes it an error when a rule gives no reason.
	RequireReason bool `json:"requireReason,omitzero"`
	// RequireNamespace makes it an error when a rule depends on the namespace
	// of a workload and that is not known. Otherwise it is a warning.
	RequireNamespace bool `json:"requireNamespace,omitzero"`
}

// Lint sets the severities of checks, by their names: docs/lint.md. Error makes
// the run fail with nothing written, Ignore silences the check.
type Lint struct {
	// StrictMTLS finds ports that bypass the sidecar although a PeerAuthentication
	// asks for mTLS there.
	StrictMTLS string `json:"strict-mtls,omitempty" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// AuthorizationPolicy finds ports that bypass the sidecar although an
	// AuthorizationPolicy speaks of them.
	AuthorizationPolicy string `json:"authorization-policy,omitempty" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// RequestAuthentication finds ports that bypass the sidecar although a
	// RequestAuthentication speaks of their workload.
	RequestAuthentication string `json:"request-authentication,omitempty" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// ServicePort finds ports that bypass the sidecar and that a Service leads to.
	ServicePort string `json:"service-port,omitempty" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// AutoMTLS finds ports to which the callers' sidecars speak mTLS although no
	// sidecar answers there, and proposes what mends it.
	AutoMTLS string `json:"auto-mtls,omitempty" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// ServiceEntry finds ServiceEntries past which connections go.
	ServiceEntry string `json:"service-entry,omitempty" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// VirtualService finds VirtualServices past whose routes connections go.
	VirtualService string `json:"virtual-service,omitempty" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// SidecarEgress finds egress listeners of Sidecars past which connections go.
	SidecarEgress string `json:"sidecar-egress,omitempty" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// RegistryOnly finds bypasses of whole regions beside the outbound policy
	// REGISTRY_ONLY.
	RegistryOnly string `json:"registry-only,omitempty" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// DNSCapture finds connections to addresses that Istio's DNS capture made up and
	// at which only the sidecar answers.
	DNSCapture string `json:"dns-capture,omitempty" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// OtherProxy finds other proxies in a pod whose address translation a bypass ends.
	OtherProxy string `json:"other-proxy,omitempty" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// AnnotationSize finds annotations that the API server refuses for their size.
	AnnotationSize string `json:"annotation-size,omitempty" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// ArgumentSize finds annotations that the mesh's init container cannot be given.
	ArgumentSize string `json:"argument-size,omitempty" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// ObjectSize finds objects that are too large for kubectl apply on the client's
	// side.
	ObjectSize string `json:"object-size,omitempty" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// PortExpansion finds port ranges that become very many single ports.
	PortExpansion string `json:"port-expansion,omitempty" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// PodSecurity finds Namespaces whose Pod Security forbids the init container.
	PodSecurity string `json:"pod-security,omitempty" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// UnmeshedNamespace finds Namespaces whose pods get no sidecar.
	UnmeshedNamespace string `json:"unmeshed-namespace,omitempty" schema:"enum=Error|Warning|Ignore;default=Warning"`
}

// Enrolment says which workloads may be touched at all. Kubernetes' own
// namespaces (kube-*) and the mesh's are touched only when they are named
// without a wildcard; gateways and pods without a sidecar never are.
type Enrolment struct {
	// Namespaces are globs of namespaces. The default is all of them.
	Namespaces []string `json:"namespaces,omitzero"`
}

// Traffic is which traffic bypasses the sidecar. A field that is absent says
// nothing; an empty list says that there is none.
type Traffic struct {
	// ExcludeInboundPorts are ports of the pod that callers reach without
	// passing the sidecar.
	ExcludeInboundPorts PortList `json:"excludeInboundPorts,omitzero"`
	// IncludeInboundPorts are the only TCP ports on which callers pass the
	// sidecar; "*", the default, is all of them.
	IncludeInboundPorts PortSelection `json:"includeInboundPorts,omitzero"`
	// ExcludeOutboundPorts are destination ports that bypass the sidecar.
	ExcludeOutboundPorts PortList `json:"excludeOutboundPorts,omitzero"`
	// IncludeOutboundPorts are destination ports that pass the sidecar
	// whatever the address. They never make anything bypass it.
	IncludeOutboundPorts PortList `json:"includeOutboundPorts,omitzero"`
	// ExcludeOutboundIPRanges are destinations that bypass the sidecar, over
	// TCP on every port but 53.
	ExcludeOutboundIPRanges IPRangeList `json:"excludeOutboundIPRanges,omitzero"`
	// IncludeOutboundIPRanges are the only destinations that pass the
	// sidecar, over TCP on every port but 53; "*", the default, is all of
	// them.
	IncludeOutboundIPRanges IPRangeSelection `json:"includeOutboundIPRanges,omitzero"`
	// ExcludeOutbound are destinations that bypass the sidecar on certain
	// ports alone. No mesh's annotation can say this; the init container can.
	ExcludeOutbound []Destination `json:"excludeOutbound,omitzero"`
}

// Note says why a rule is there, for those who review it. None of it changes
// what is written.
type Note struct {
	// Reason says what the rule is for.
	Reason string `json:"reason,omitzero"`
	// Owner is who answers for the rule: a team, a person, an address.
	Owner string `json:"owner,omitzero"`
	// Expires is the last day on which the rule is meant to be needed. The
	// function never reads the clock, so that a rule which has expired is
	// written all the same; check and explain tell.
	Expires Date `json:"expires,omitzero"`
}

// Expired says whether the rule was meant to be needed no longer than until a
// day before the given one, which is written as Expires is. A rule without
// Expires never is.
func (n Note) Expired(today Date) bool {
	return n.Expires != "" && n.Expires < today // ISO 8601 sorts as text
}

// GlobalRule is what holds for every enrolled workload.
type GlobalRule struct {
	Note    `json:",inline"`
	Traffic `json:",inline"`
}

// Limits say what no workload may bypass. They hold for what its rules and its
// own annotations come to, not for what the mesh's configuration bypasses
// already (MeshDefaults).
type Limits struct {
	// ForbiddenInboundPorts are ports of a pod that callers must not reach
	// without passing the sidecar, neither by excludeInboundPorts nor by an
	// includeInboundPorts that leaves them out.
	ForbiddenInboundPorts PortList `json:"forbiddenInboundPorts,omitzero"`
	// ForbiddenOutboundPorts are destination ports that must not bypass the
	// sidecar, at any address: neither by port, nor by an IP range beside
	// which includeOutboundPorts does not list them.
	ForbiddenOutboundPorts PortList `json:"forbiddenOutboundPorts,omitzero"`
	// WidestPrefix bounds the IP ranges that may bypass the sidecar.
	WidestPrefix *WidestPrefix `json:"widestPrefix,omitzero"`
	// ForbiddenNamespaces are globs of the namespaces whose workloads may
	// bypass nothing.
	ForbiddenNamespaces []string `json:"forbiddenNamespaces,omitzero"`
	// PodAnnotations says whose workloads may carry the mesh's own annotations
	// beside the spec. Without it, all may.
	PodAnnotations *PodAnnotations `json:"podAnnotations,omitzero"`
}

// WidestPrefix is the shortest length of prefix that may bypass the sidecar, by
// family. Ranges that together make up a wider one count as that.
type WidestPrefix struct {
	// IPv4 is the length for IPv4: 16 allows 10.1.0.0/16 and refuses
	// 10.0.0.0/8.
	IPv4 *int `json:"ipv4,omitzero" schema:"minimum=0;maximum=32"`
	// IPv6 is the length for IPv6.
	IPv6 *int `json:"ipv6,omitzero" schema:"minimum=0;maximum=128"`
}

// PodAnnotations says whose workloads may carry, in their pod templates,
// annotations of the mesh that say what bypasses.
type PodAnnotations struct {
	// Namespaces are globs of the namespaces whose workloads may; the empty
	// list is none.
	Namespaces []string `json:"namespaces" schema:"required"`
}

// Destination is every address of the ranges on every one of the ports.
type Destination struct {
	// IPRanges are the addresses.
	IPRanges IPRangeList `json:"ipRanges" schema:"required"`
	// Ports are the ports at these addresses.
	Ports PortList `json:"ports" schema:"required"`
}

// NamespaceRule is what holds for the workloads of whole namespaces.
type NamespaceRule struct {
	// Match says which namespaces.
	Match NamespaceMatch `json:"match" schema:"required"`
	// Merge overrides spec.merge for this rule.
	Merge string `json:"merge,omitzero" schema:"enum=Override|Union"`
	// Enforcement overrides spec.enforcement.mode for this rule.
	Enforcement *RuleEnforcement `json:"enforcement,omitzero"`
	Note        `json:",inline"`
	Traffic     `json:",inline"`
}

// NamespaceMatch says which namespaces a rule speaks of.
type NamespaceMatch struct {
	// Names are globs of the namespaces' names.
	Names []string `json:"names,omitzero"`
}

// WorkloadRule is what holds for single workloads.
type WorkloadRule struct {
	// Match says which workloads.
	Match WorkloadMatch `json:"match" schema:"required"`
	// Merge overrides spec.merge for this rule.
	Merge string `json:"merge,omitzero" schema:"enum=Override|Union"`
	// Enforcement overrides spec.enforcement.mode for this rule.
	Enforcement *RuleEnforcement `json:"enforcement,omitzero"`
	Note        `json:",inline"`
	Traffic     `json:",inline"`
}

// WorkloadMatch says which workloads a rule speaks of. All of its fields must
// match; of a field's entries, one.
type WorkloadMatch struct {
	// Kinds are kinds such as Deployment; StatefulSet.apps.kruise.io tells the
	// API groups apart.
	Kinds []string `json:"kinds,omitzero"`
	// Names are globs of the workloads' names.
	Names []string `json:"names,omitzero"`
	// Namespaces are globs of their namespaces' names.
	Namespaces []string `json:"namespaces,omitzero"`
	// LabelSelector is over the labels of the pod template.
	LabelSelector *LabelSelector `json:"labelSelector,omitzero"`
}

// LabelSelector is Kubernetes' own: everything in it must match.
type LabelSelector struct {
	// MatchLabels are labels with exactly these values.
	MatchLabels map[string]string `json:"matchLabels,omitzero"`
	// MatchExpressions are further requirements.
	MatchExpressions []LabelRequirement `json:"matchExpressions,omitzero"`
}

// LabelRequirement is one requirement of a LabelSelector.
type LabelRequirement struct {
	// Key is the label's key.
	Key string `json:"key" schema:"required"`
	// Operator relates the label to the values.
	Operator string `json:"operator" schema:"required;enum=In|NotIn|Exists|DoesNotExist"`
	// Values are for In and NotIn.
	Values []string `json:"values,omitzero"`
}

// RuleEnforcement is what a rule may say about enforcement.
type RuleEnforcement struct {
	// Mode is as in spec.enforcement.
	Mode string `json:"mode,omitzero" schema:"enum=InitContainer|WhereNeeded|AnnotationsOnly"`
}

// Enforcement says how the settings are made true in the pods.
type Enforcement struct {
	// Mode is InitContainer for the mesh's annotations and the init container,
	// WhereNeeded for the init container only where the annotations cannot
	// say it, AnnotationsOnly to have no init container at all.
	Mode string `json:"mode,omitzero" schema:"enum=InitContainer|WhereNeeded|AnnotationsOnly;default=InitContainer"`
	// Image is the init container's image. It has no default, so that one spec
	// gives the same bytes with every version. Where it is missing, a workload
	// that needs the init container is an error.
	Image string `json:"image,omitzero" schema:"minLength=1"`
	// RequireDigest refuses an image without a digest, whose content may change
	// under its tag; krm-bypass pin writes the digest into the spec.
	RequireDigest bool `json:"requireDigest,omitzero"`
	// ImagePullPolicy is the init container's.
	ImagePullPolicy string `json:"imagePullPolicy,omitzero" schema:"enum=Always|IfNotPresent|Never;default=IfNotPresent"`
	// ImagePullSecrets are the secrets by which the image is pulled from a
	// private registry. Pods that get the init container get those of them
	// that they do not have; they have to be in the pods' namespaces.
	ImagePullSecrets []ImagePullSecret `json:"imagePullSecrets,omitzero"`
	// Backend is how the rules are programmed; auto takes nftables wherever
	// the kernel can. With iptables the init container gets the capability
	// NET_RAW too, without which iptables-legacy does not work, and needs an
	// image that has iptables.
	Backend string `json:"backend,omitzero" schema:"enum=auto|nftables|iptables;default=auto"`
	// Resources are the init container's. The default is small.
	Resources *Resources `json:"resources,omitzero"`
}

// ImagePullSecret refers to a secret with the credentials for a registry.
type ImagePullSecret struct {
	// Name is the secret's.
	Name string `json:"name" schema:"required"`
}

// Resources are Kubernetes' resource requirements of a container.
type Resources struct {
	// Limits are the most that the container may use.
	Limits map[string]Quantity `json:"limits,omitzero"`
	// Requests are what is set aside for it.
	Requests map[string]Quantity `json:"requests,omitzero"`
}

// PodTemplate is a kind of object that carries a pod template.
type PodTemplate struct {
	// APIVersion is the object's; only its group matters.
	APIVersion string `json:"apiVersion" schema:"required"`
	// Kind is the object's.
	Kind string `json:"kind" schema:"required"`
	// Path leads to the template, its steps separated by dots, such as
	// spec.template.
	Path string `json:"path" schema:"required"`
}

// Port is a port such as 8080, a range such as "8000-8010", either of them
// narrowed to a protocol by "/TCP" or "/UDP".
type Port string

// PortList is a list of ports.
type PortList []Port

// PortSelection is a list of ports, or "*" for all.
type PortSelection []Port

// IPRange is an IPv4 or IPv6 range such as 10.0.0.0/8, or a single address.
type IPRange string

// IPRangeList is a list of ranges.
type IPRangeList []IPRange

// IPRangeSelection is a list of ranges, or "*" for all.
type IPRangeSelection []IPRange

// Date is a day, as RFC 3339 writes it: 2026-12-31.
type Date string

// Quantity is a Kubernetes quantity such as 10m or 64Mi.
type Quantity string
