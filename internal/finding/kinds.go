package finding

// What comes in.
var (
	StrictMTLS            = ofIstioPorts("strict-mtls")
	AuthorizationPolicy   = ofIstioPorts("authorization-policy")
	RequestAuthentication = ofIstioPorts("request-authentication")
	ServicePort           = ofPorts("service-port")
	AutoMTLS              = ofIstioPorts("auto-mtls")
	PlainText             = ofIstioPorts("plain-text")
	AmbientInbound        = ofIstioPorts("ambient-inbound")
	TPROXYByIptables      = ofIstioPorts("tproxy-by-iptables")
)

// What goes out.
var (
	ServiceEntry   = ofIstioPorts("service-entry")
	VirtualService = ofIstioPorts("virtual-service")
	SidecarEgress  = ofIstioPorts("sidecar-egress")
	RegistryOnly   = ofIstioPorts("registry-only")
	DNSCapture     = ofIstioPorts("dns-capture")
	Waypoint       = ofIstioPorts("waypoint")
	SocketBalance  = warning("socket-balance")
)

// The pod.
var (
	OtherProxy       = warning("other-proxy")
	ProxyUser        = warning("proxy-user")
	ProxyConfig      = ofIstio("proxy-config")
	InterceptionMode = warning("interception-mode")
	PodPrivilege     = warning("pod-privilege")
	AnnotationSize   = warning("annotation-size")
	ArgumentSize     = warning("argument-size")
	ObjectSize       = warning("object-size")
	PortExpansion    = warning("port-expansion")
	InitWithoutNeed  = warning("init-without-need")
	ForeignContainer = warning("foreign-container")
	ChangedAfter     = warning("changed-after")
	AddedAfter       = asked("added-after", Warning)
	DuplicateKey     = warning("duplicate-key")
)

// What is a workload.
var (
	NoSelector       = warning("no-selector")
	PatchAndResource = warning("patch-and-resource")
	IncompleteObject = warning("incomplete-object")
)

// The annotations of the mesh.
var (
	UnknownAnnotation    = warning("unknown-annotation")
	OtherMesh            = warning("other-mesh")
	MisplacedAnnotation  = warning("misplaced-annotation")
	UnreadableAnnotation = warning("unreadable-annotation")
	MisleadingAnnotation = warning("misleading-annotation")
	BypassesMore         = warning("bypasses-more")
	IncludeWithoutEffect = warning("include-without-effect")
	AnnotationWins       = warning("annotation-wins")
	HandEdited           = gate("hand-edited")
	InjectedAlready      = warning("injected-already")
	NamespaceAnnotation  = warning("namespace-annotation")
)

// The cluster.
var (
	PodSecurity          = warning("pod-security")
	UnmeshedNamespace    = warning("unmeshed-namespace")
	DataPlane            = ofIstio("data-plane")
	UnknownNamespace     = warning("unknown-namespace")
	UnknownPodTemplate   = warning("unknown-pod-template")
	NoPlace              = warning("no-place")
	LaterRendered        = warning("later-rendered")
	MeshConfigWidens     = warning("mesh-config-widens")
	MeshConfigClash      = warning("mesh-config-clash")
	UnreadableMeshConfig = warning("unreadable-mesh-config")
	BeyondLimits         = warning("beyond-limits")
)

// The spec.
var (
	MisplacedSpec = gate("misplaced-spec")
	Expired       = asked("expired", Error)
	Expiring      = asked("expiring", Warning)

	// UnreachedRule is told by render too where another name was probably meant.
	UnreachedRule    = warning("unreached-rule")
	MissingPort      = warning("missing-port")
	RepeatedEntry    = asked("repeated-entry", Warning)
	UnusedAcceptance = unexplained("unused-acceptance", Warning)
	TwoSpecs         = warning("two-specs")
	// OtherSpec is as it should be, where the spec does not say that there is no other.
	OtherSpec = asked("other-spec", Ignore)
)

// kinds lists them, in the order above.
var kinds = []*Kind{
	StrictMTLS, AuthorizationPolicy, RequestAuthentication, ServicePort, AutoMTLS, PlainText, AmbientInbound, TPROXYByIptables,
	ServiceEntry, VirtualService, SidecarEgress, RegistryOnly, DNSCapture, Waypoint, SocketBalance,
	OtherProxy, ProxyUser, ProxyConfig, InterceptionMode, PodPrivilege, AnnotationSize, ArgumentSize, ObjectSize, PortExpansion, InitWithoutNeed, ForeignContainer, ChangedAfter, AddedAfter, DuplicateKey,
	NoSelector, PatchAndResource, IncompleteObject,
	UnknownAnnotation, OtherMesh, MisplacedAnnotation, UnreadableAnnotation, MisleadingAnnotation, BypassesMore, IncludeWithoutEffect, AnnotationWins, HandEdited, InjectedAlready, NamespaceAnnotation,
	PodSecurity, UnmeshedNamespace, DataPlane, UnknownNamespace, UnknownPodTemplate, NoPlace, LaterRendered, MeshConfigWidens, MeshConfigClash, UnreadableMeshConfig, BeyondLimits,
	MisplacedSpec, Expired, Expiring, UnreachedRule, MissingPort, RepeatedEntry, UnusedAcceptance, TwoSpecs, OtherSpec,
}
