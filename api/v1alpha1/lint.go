package v1alpha1

// Lint sets the severities of findings, by their kinds: docs/lint.md. Error makes
// the run fail with nothing written, Ignore silences them.
type Lint struct {
	// StrictMTLS finds ports that bypass the sidecar although a PeerAuthentication
	// asks for mTLS there.
	StrictMTLS string `json:"strict-mtls,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// AuthorizationPolicy finds ports that bypass the sidecar although an
	// AuthorizationPolicy speaks of them.
	AuthorizationPolicy string `json:"authorization-policy,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// RequestAuthentication finds ports that bypass the sidecar although a
	// RequestAuthentication speaks of their workload.
	RequestAuthentication string `json:"request-authentication,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// ServicePort finds ports that bypass the sidecar and that a Service leads to.
	ServicePort string `json:"service-port,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// AutoMTLS finds ports to which the callers' sidecars speak mTLS although no
	// sidecar answers there, and proposes what mends it.
	AutoMTLS string `json:"auto-mtls,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// PlainText finds objects by which callers still speak plain text to a port that bypasses
	// the sidecar no more.
	PlainText string `json:"plain-text,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// AmbientInbound finds inbound settings of ambient pods that callers in the mesh do
	// not notice.
	AmbientInbound string `json:"ambient-inbound,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// TPROXYByIptables finds workloads whose inbound connections are intercepted by
	// TPROXY, which the init container does not reach with the backend iptables.
	TPROXYByIptables string `json:"tproxy-by-iptables,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// ServiceEntry finds ServiceEntries past which connections go.
	ServiceEntry string `json:"service-entry,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// VirtualService finds VirtualServices past whose routes connections go.
	VirtualService string `json:"virtual-service,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// SidecarEgress finds egress listeners of Sidecars past which connections go.
	SidecarEgress string `json:"sidecar-egress,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// RegistryOnly finds bypasses of whole regions beside the outbound policy
	// REGISTRY_ONLY.
	RegistryOnly string `json:"registry-only,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// DNSCapture finds connections to addresses that Istio's DNS capture made up and
	// at which only the sidecar answers.
	DNSCapture string `json:"dns-capture,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// Waypoint finds Services to which connections go past their waypoint.
	Waypoint string `json:"waypoint,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// SocketBalance finds outbound settings that never match because Cilium has put a
	// pod's address in the place of a Service's before.
	SocketBalance string `json:"socket-balance,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// OtherProxy finds other proxies in a pod whose address translation a bypass ends.
	OtherProxy string `json:"other-proxy,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// ProxyUser finds containers that run as the sidecar's user or group.
	ProxyUser string `json:"proxy-user,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// ProxyConfig finds what a ProxyConfig or Istio's MeshConfig says of interception,
	// where there are limits.
	ProxyConfig string `json:"proxy-config,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// InterceptionMode finds ways of the mesh to intercept in which a setting has no
	// effect.
	InterceptionMode string `json:"interception-mode,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// PodPrivilege finds containers that can get around limits by themselves.
	PodPrivilege string `json:"pod-privilege,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// AnnotationSize finds annotations that the API server refuses for their size.
	AnnotationSize string `json:"annotation-size,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// ArgumentSize finds annotations that the mesh's init container cannot be given.
	ArgumentSize string `json:"argument-size,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// ObjectSize finds objects that are too large for kubectl apply on the client's
	// side.
	ObjectSize string `json:"object-size,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// PortExpansion finds port ranges that become very many single ports.
	PortExpansion string `json:"port-expansion,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// InitWithoutNeed finds forInitContainers where what passes on the pods' traffic is
	// there before their init containers.
	InitWithoutNeed string `json:"init-without-need,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// ForeignContainer finds containers named krm-bypass-init or krm-bypass-close that
	// krm-bypass did not write.
	ForeignContainer string `json:"foreign-container,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// ChangedAfter finds what was changed after krm-bypass wrote it.
	ChangedAfter string `json:"changed-after,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// AddedAfter finds workloads that came in when the spec had been applied; check,
	// explain and lint look for them.
	AddedAfter string `json:"added-after,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// DuplicateKey finds keys that appear twice where krm-bypass does not read them.
	DuplicateKey string `json:"duplicate-key,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// NoSelector finds workloads without the selector that no cluster takes them
	// without, and that no kustomization lists as a resource: they may be patches.
	NoSelector string `json:"no-selector,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// PatchAndResource finds files that one kustomization names as a patch and another
	// lists as a resource.
	PatchAndResource string `json:"patch-and-resource,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// IncompleteObject finds documents that look like objects and have no apiVersion or
	// no kind.
	IncompleteObject string `json:"incomplete-object,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// UnknownAnnotation finds annotations that the mesh does not know.
	UnknownAnnotation string `json:"unknown-annotation,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// OtherMesh finds annotations of a mesh that is not spec.mesh.
	OtherMesh string `json:"other-mesh,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// MisplacedAnnotation finds annotations where the mesh does not read them.
	MisplacedAnnotation string `json:"misplaced-annotation,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// UnreadableAnnotation finds annotations whose values the mesh cannot use.
	UnreadableAnnotation string `json:"unreadable-annotation,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// MisleadingAnnotation finds annotations that do not do what they seem to say.
	MisleadingAnnotation string `json:"misleading-annotation,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// BypassesMore finds bypasses of the mesh's own configuration that no annotation
	// takes back.
	BypassesMore string `json:"bypasses-more,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// IncludeWithoutEffect finds outbound ports that are included although all are
	// intercepted.
	IncludeWithoutEffect string `json:"include-without-effect,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// AnnotationWins finds annotations that replace what a rule says of their workload.
	AnnotationWins string `json:"annotation-wins,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// HandEdited finds annotations that were edited by hand since krm-bypass wrote them.
	HandEdited string `json:"hand-edited,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// InjectedAlready finds templates that are injected already, so that nothing reads
	// their annotations.
	InjectedAlready string `json:"injected-already,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// NamespaceAnnotation finds annotations of Namespaces instead of which something
	// else is in force.
	NamespaceAnnotation string `json:"namespace-annotation,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// PodSecurity finds Namespaces whose Pod Security forbids the init container.
	PodSecurity string `json:"pod-security,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// UnmeshedNamespace finds Namespaces whose pods are not in the mesh, or in another
	// data plane of it than the spec says.
	UnmeshedNamespace string `json:"unmeshed-namespace,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// DataPlane finds templates whose label for a data plane has no effect by itself.
	DataPlane string `json:"data-plane,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// UnknownNamespace finds workloads whose namespace is unknown although rules
	// depend on it.
	UnknownNamespace string `json:"unknown-namespace,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// UnknownPodTemplate finds objects of which pods are made that no rule reaches.
	UnknownPodTemplate string `json:"unknown-pod-template,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// NoPlace finds settings for which a kind of object has no place.
	NoPlace string `json:"no-place,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// LaterRendered finds objects of which others are made in the cluster, as of a chart or a folder.
	LaterRendered string `json:"later-rendered,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// MeshConfigWidens finds MeshConfigs that let more bypass than the spec says.
	MeshConfigWidens string `json:"mesh-config-widens,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// MeshConfigClash finds MeshConfigs with which pods would not start.
	MeshConfigClash string `json:"mesh-config-clash,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// UnreadableMeshConfig finds MeshConfigs that cannot be read.
	UnreadableMeshConfig string `json:"unreadable-mesh-config,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// BeyondLimits finds what the mesh's own configuration lets bypass in spite of
	// spec.limits.
	BeyondLimits string `json:"beyond-limits,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// MisplacedSpec finds specs where the kustomize CLI would not apply them.
	MisplacedSpec string `json:"misplaced-spec,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// Expired finds rules whose last day has passed; check, explain and lint
	// look for them.
	Expired string `json:"expired,omitzero" schema:"enum=Error|Warning|Ignore;default=Error"`
	// Expiring finds rules that will expire soon; check, explain and lint look for
	// them.
	Expiring string `json:"expiring,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// UnreachedRule finds rules, and other parts of the spec, that reach no workload.
	UnreachedRule string `json:"unreached-rule,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// MissingPort finds rules that name ports which a workload lacks, and so clear what
	// broader rules exclude there, or do not say what is included.
	MissingPort string `json:"missing-port,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// RepeatedEntry finds ports and IP ranges that are twice in one list of a rule; check,
	// explain and lint look for them.
	RepeatedEntry string `json:"repeated-entry,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// UnusedAcceptance finds entries of accept that accept nothing.
	UnusedAcceptance string `json:"unused-acceptance,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// TwoSpecs finds workloads that another ClusterBypass wrote to, and for which
	// this one has rules that come to nothing there.
	TwoSpecs string `json:"two-specs,omitzero" schema:"enum=Error|Warning|Ignore;default=Warning"`
	// OtherSpec finds objects that another ClusterBypass wrote to, for where there
	// should be no other.
	OtherSpec string `json:"other-spec,omitzero" schema:"enum=Error|Warning|Ignore;default=Ignore"`
	// Accept lists findings that are known and meant. Reports count them, and print
	// nothing else of them.
	Accept []Acceptance `json:"accept,omitzero"`
}

// Acceptance accepts findings that are known and meant: those of a rule, or those about
// some workloads. What is refused, such as what breaks a limit, cannot be accepted.
type Acceptance struct {
	// Check is the kind of the findings, such as service-port, as in spec.lint.
	Check string `json:"check" schema:"required"`
	// Rule is the name of the rule whose findings are accepted: what else bypasses at
	// the same workloads is still told.
	Rule string `json:"rule,omitzero" schema:"minLength=1"`
	// Match says at which workloads they are accepted, whatever rule is behind them.
	// With kinds that have no pod template, it is for findings about such objects.
	Match *WorkloadMatch `json:"match,omitzero"`
	// Ports are the only ports of which findings are accepted.
	Ports PortList `json:"ports,omitzero"`
	// Reason says why the findings are meant.
	Reason string `json:"reason" schema:"required;minLength=1"`
	// Expires is the last day on which check and explain accept them.
	Expires Date `json:"expires,omitzero"`
}
