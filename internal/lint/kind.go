package lint

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// kind is a kind of object that checks read.
type kind struct {
	group, name string
	// of is the domain of the mesh to which it belongs, "" where it is
	// Kubernetes' own.
	of string
	// called says by an object's name whether it may be meant, for a kind of
	// which most objects say nothing here; nil for all.
	called func(name string) bool
	// read adds what an object says to the items.
	read func(*Items, resource)
}

// String gives the kind as a match's entry does: PeerAuthentication.security.istio.io.
func (k *kind) String() string {
	if k.group == "" {
		return k.name
	}
	return k.name + "." + k.group
}

func (k *kind) is(t object.Type) bool {
	return k.name == t.Kind && k.group == object.Group(t.APIVersion)
}

// object is an object among the items.
type resource struct {
	*transform.Object
	node node.Value
}

// decode fills a view. What is not as it has to be is left at its zero value:
// it is the mesh's and the API server's to complain about.
func (o resource) decode(view any) { _ = o.node.Decode(view) }

// id names the object in a message.
func (o resource) id() string { return o.ID() }

// Items are what the checks need to see of the objects beside the workloads.
type Items struct {
	peerAuthentications    []peerAuthentication
	authorizationPolicies  []authorizationPolicy
	requestAuthentications []requestAuthenticationObject
	services               []service
	destinationRules       []destinationRule
	serviceEntries         []serviceEntryObject
	virtualServices        []virtualServiceObject
	sidecars               []sidecar
	proxyConfigs           []proxyConfig
	meshConfigs            []meshConfig
	namespaces             []resource

	// opening has only those Services kept that lead to one of these
	// workloads; nil for all.
	opening *index
}

// Add adds other items.
func (i *Items) Add(other *Items) {
	if other == nil {
		return
	}
	i.peerAuthentications = append(i.peerAuthentications, other.peerAuthentications...)
	i.authorizationPolicies = append(i.authorizationPolicies, other.authorizationPolicies...)
	i.requestAuthentications = append(i.requestAuthentications, other.requestAuthentications...)
	i.services = append(i.services, other.services...)
	i.destinationRules = append(i.destinationRules, other.destinationRules...)
	i.serviceEntries = append(i.serviceEntries, other.serviceEntries...)
	i.virtualServices = append(i.virtualServices, other.virtualServices...)
	i.sidecars = append(i.sidecars, other.sidecars...)
	i.proxyConfigs = append(i.proxyConfigs, other.proxyConfigs...)
	i.meshConfigs = append(i.meshConfigs, other.meshConfigs...)
	i.namespaces = append(i.namespaces, other.namespaces...)
}

// selector is Istio's WorkloadSelector, and with the other key that of a
// Sidecar.
type selector struct {
	MatchLabels map[string]string `yaml:"matchLabels"`
	Labels      map[string]string `yaml:"labels"`
}

var peerAuthentications = &kind{group: "security.istio.io", name: "PeerAuthentication", of: istio, read: func(i *Items, o resource) {
	p := peerAuthentication{resource: o}
	o.decode(&p.view)
	i.peerAuthentications = append(i.peerAuthentications, p)
}}

type mutualTLS struct {
	Mode string `yaml:"mode"`
}

// peerAuthentication is as in istio/api security/v1beta1/peer_authentication.proto.
type peerAuthentication struct {
	resource
	view struct {
		Metadata struct {
			CreationTimestamp string `yaml:"creationTimestamp"`
		}
		Spec struct {
			Selector selector
			Mtls     mutualTLS `yaml:"mtls"`
			// Its keys are numbers in YAML and strings in JSON.
			PortLevelMtls map[string]mutualTLS `yaml:"portLevelMtls"`
		}
	}
}

var authorizationPolicies = &kind{group: "security.istio.io", name: "AuthorizationPolicy", of: istio, read: func(i *Items, o resource) {
	p := authorizationPolicy{resource: o}
	o.decode(&p.view)
	i.authorizationPolicies = append(i.authorizationPolicies, p)
}}

// authorizationPolicy is as in istio/api security/v1beta1/authorization_policy.proto.
type authorizationPolicy struct {
	resource
	view struct {
		Spec struct {
			Selector   selector
			TargetRef  *yaml.Node  `yaml:"targetRef"`
			TargetRefs []yaml.Node `yaml:"targetRefs"`
			Action     string
			Rules      []struct {
				To []struct {
					Operation struct {
						Ports    []string
						NotPorts []string `yaml:"notPorts"`
					}
				}
				When []struct {
					Key    string
					Values []string
				}
			}
		}
	}
}

var requestAuthentications = &kind{group: "security.istio.io", name: "RequestAuthentication", of: istio, read: func(i *Items, o resource) {
	r := requestAuthenticationObject{resource: o}
	o.decode(&r.view)
	i.requestAuthentications = append(i.requestAuthentications, r)
}}

// requestAuthenticationObject is as in istio/api
// security/v1beta1/request_authentication.proto.
type requestAuthenticationObject struct {
	resource
	view struct {
		Spec struct {
			Selector   selector
			TargetRef  *yaml.Node  `yaml:"targetRef"`
			TargetRefs []yaml.Node `yaml:"targetRefs"`
			JwtRules   []yaml.Node `yaml:"jwtRules"`
		}
	}
}

var services = &kind{name: "Service", read: func(i *Items, o resource) {
	s := service{resource: o}
	o.decode(&s.view)
	leads := i.opening == nil
	if !leads {
		s.reaching(i.opening, func(*Workload, reached) { leads = true })
	}
	if leads {
		s.resource = resource{o.Named(), node.Value{}} // there may be very many
		i.services = append(i.services, s)
	}
}}

type service struct {
	resource
	view struct {
		Spec struct {
			Type      string
			ClusterIP string `yaml:"clusterIP"`
			Selector  map[string]string
			Ports     []servicePortView
		}
	}
}

type servicePortView struct {
	Name       string
	Protocol   string
	Port       uint16
	TargetPort portName `yaml:"targetPort"`
}

// portName is a port by its number or its name.
type portName string

// UnmarshalYAML reads a number as that, however it is written.
func (p *portName) UnmarshalYAML(n *yaml.Node) error {
	var number uint16
	if n.ShortTag() == "!!int" && n.Decode(&number) == nil {
		*p = portName(strconv.Itoa(int(number)))
		return nil
	}
	*p = portName(node.Of(n).Text())
	return nil
}

// headless says that callers find the pods themselves by its name.
func (s *service) headless() bool { return s.view.Spec.ClusterIP == "None" }

var destinationRules = &kind{group: "networking.istio.io", name: "DestinationRule", of: istio, read: func(i *Items, o resource) {
	d := destinationRule{resource: o}
	o.decode(&d.view)
	i.destinationRules = append(i.destinationRules, d)
}}

// destinationRule is as in istio/api networking/v1alpha3/destination_rule.proto.
type destinationRule struct {
	resource
	view struct {
		Spec struct {
			Host             string
			WorkloadSelector *selector `yaml:"workloadSelector"`
			TrafficPolicy    struct {
				TLS               *mutualTLS  `yaml:"tls"`
				PortLevelSettings []portLevel `yaml:"portLevelSettings"`
			} `yaml:"trafficPolicy"`
		}
	}
}

type portLevel struct {
	Port struct{ Number uint16 }
	TLS  *mutualTLS `yaml:"tls"`
}

var serviceEntries = &kind{group: "networking.istio.io", name: "ServiceEntry", of: istio, read: func(i *Items, o resource) {
	s := serviceEntryObject{resource: o}
	o.decode(&s.view)
	i.serviceEntries = append(i.serviceEntries, s)
}}

// serviceEntryObject is as in istio/api networking/v1alpha3/service_entry.proto.
type serviceEntryObject struct {
	resource
	view struct {
		Metadata struct{ Labels map[string]string }
		Spec     struct {
			Hosts      []string
			Addresses  []string
			Resolution string
			ExportTo   []string `yaml:"exportTo"`
			Ports      []struct {
				Number uint16
				Name   string
			}
			Endpoints []struct {
				Address string
				Ports   map[string]uint16
			}
		}
	}
}

var virtualServices = &kind{group: "networking.istio.io", name: "VirtualService", of: istio, read: func(i *Items, o resource) {
	v := virtualServiceObject{resource: o}
	o.decode(&v.view)
	i.virtualServices = append(i.virtualServices, v)
}}

type route struct {
	Match []struct{ Port uint16 }
}

// virtualServiceObject is as in istio/api networking/v1alpha3/virtual_service.proto.
type virtualServiceObject struct {
	resource
	view struct {
		Spec struct {
			Hosts    []string
			Gateways []string
			ExportTo []string `yaml:"exportTo"`
			HTTP     []route  `yaml:"http"`
			TLS      []route  `yaml:"tls"`
			TCP      []route  `yaml:"tcp"`
		}
	}
}

var sidecars = &kind{group: "networking.istio.io", name: "Sidecar", of: istio, read: func(i *Items, o resource) {
	s := sidecar{resource: o}
	o.decode(&s.view)
	i.sidecars = append(i.sidecars, s)
}}

type outboundTrafficPolicy struct{ Mode string }

// sidecar is as in istio/api networking/v1alpha3/sidecar.proto.
type sidecar struct {
	resource
	view struct {
		Spec struct {
			WorkloadSelector selector `yaml:"workloadSelector"`
			Egress           []struct {
				Port struct{ Number uint16 }
				Bind string
			}
			OutboundTrafficPolicy *outboundTrafficPolicy `yaml:"outboundTrafficPolicy"`
		}
	}
}

var proxyConfigs = &kind{group: "networking.istio.io", name: "ProxyConfig", of: istio, read: func(i *Items, o resource) {
	p := proxyConfig{resource: o}
	o.decode(&p.view)
	i.proxyConfigs = append(i.proxyConfigs, p)
}}

// proxyConfig is as in istio/api networking/v1beta1/proxy_config.proto.
type proxyConfig struct {
	resource
	view struct {
		Spec struct {
			Selector             selector
			EnvironmentVariables map[string]string `yaml:"environmentVariables"`
		}
	}
}

// meshConfig is as much of Istio's MeshConfig as matters here
// (istio/api mesh/v1alpha1/config.proto), wherever it stands.
type meshConfig struct {
	resource
	// at leads to it from the object, and textual says that it is one string.
	at      edit.Path
	textual bool
	view    meshConfigView
}

type meshConfigView struct {
	RootNamespace         string                 `yaml:"rootNamespace"`
	EnableAutoMtls        *bool                  `yaml:"enableAutoMtls"`
	OutboundTrafficPolicy *outboundTrafficPolicy `yaml:"outboundTrafficPolicy"`
	DefaultConfig         proxySettings          `yaml:"defaultConfig"`
}

// proxySettings is as much of Istio's ProxyConfig as matters here
// (istio/api mesh/v1alpha1/proxy.proto).
type proxySettings struct {
	ProxyMetadata map[string]string `yaml:"proxyMetadata"`
}

// path gives the path of a field of the MeshConfig.
func (m *meshConfig) path(relative ...any) edit.Path {
	if m.textual {
		relative = nil
	}
	return m.Path(append(append(edit.Path{}, m.at...), relative...)...)
}

// meshConfigMaps hold the MeshConfig of an installation by Helm or istioctl, one
// for each revision (istio/istio manifests/charts/istio-control/istio-discovery/templates/configmap.yaml).
var meshConfigMaps = &kind{name: "ConfigMap", of: istio,
	called: func(name string) bool { return name == "istio" || strings.HasPrefix(name, "istio-") },
	read: func(i *Items, o resource) {
		var view struct {
			Data struct {
				Mesh *string
			}
		}
		o.decode(&view)
		if view.Data.Mesh == nil {
			return
		}
		m := meshConfig{resource: o, at: edit.Path{"data", "mesh"}, textual: true}
		_ = yaml.Unmarshal([]byte(*view.Data.Mesh), &m.view) // what cannot be read says nothing
		i.meshConfigs = append(i.meshConfigs, m)
	},
}

// istioOperators and istios hold it among an operator's settings (istio/istio
// operator/pkg/apis/types.go; istio-ecosystem/sail-operator api/v1/istio_types.go).
var (
	istioOperators = &kind{group: "install.istio.io", name: "IstioOperator", of: istio, read: meshConfigAt("spec", "meshConfig")}
	istios         = &kind{group: "sailoperator.io", name: "Istio", of: istio, read: meshConfigAt("spec", "values", "meshConfig")}
)

func meshConfigAt(at ...any) func(*Items, resource) {
	return func(i *Items, o resource) {
		value := o.node.At(at...)
		if !value.Exists() {
			return
		}
		m := meshConfig{resource: o, at: at}
		_ = value.Decode(&m.view) // what cannot be read says nothing
		i.meshConfigs = append(i.meshConfigs, m)
	}
}

var namespaces = &kind{name: "Namespace", read: func(i *Items, o resource) { i.namespaces = append(i.namespaces, o) }}
