package lint

import (
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/node"
)

// selector is Istio's WorkloadSelector, and with the other key that of a
// Sidecar.
type selector struct {
	MatchLabels map[string]string `yaml:"matchLabels"`
	Labels      map[string]string `yaml:"labels"`
}

// given says that a field is there, whatever its value.
type given bool

// UnmarshalYAML is called where it is.
func (g *given) UnmarshalYAML(*yaml.Node) error {
	*g = true
	return nil
}

// attachment says whose pods a policy is about.
type attachment struct {
	Selector   selector
	TargetRef  given   `yaml:"targetRef"`
	TargetRefs []given `yaml:"targetRefs"`
}

// toGateway reports whether the policy is for gateways or waypoints.
func (a attachment) toGateway() bool { return bool(a.TargetRef) || len(a.TargetRefs) > 0 }

type mutualTLS struct {
	Mode string `yaml:"mode"`
}

// peerAuthentication: security/v1beta1/peer_authentication.proto.
type peerAuthentication struct {
	resource `yaml:"-"`
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

// authorizationPolicy: security/v1beta1/authorization_policy.proto.
type authorizationPolicy struct {
	resource `yaml:"-"`
	Spec     struct {
		attachment `yaml:",inline"`
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

// requestAuthenticationObject: security/v1beta1/request_authentication.proto.
type requestAuthenticationObject struct {
	resource `yaml:"-"`
	Spec     struct {
		attachment `yaml:",inline"`
		JwtRules   []given `yaml:"jwtRules"`
	}
}

type service struct {
	resource `yaml:"-"`
	Metadata struct{ Labels map[string]string }
	Spec     struct {
		Type       string
		ClusterIP  string   `yaml:"clusterIP"`
		ClusterIPs []string `yaml:"clusterIPs"`
		Selector   map[string]string
		Ports      []servicePortView
	}
}

type servicePortView struct {
	Name       string
	Protocol   string
	Port       uint16
	TargetPort target `yaml:"targetPort"`
}

// target is a port of pods by its number or its name, "" where there is none.
type target struct {
	text   string
	number uint16
}

// UnmarshalYAML reads a number as that, however it is written.
func (t *target) UnmarshalYAML(n *yaml.Node) error {
	if n.ShortTag() == "!!int" && n.Decode(&t.number) == nil {
		t.text = strconv.Itoa(int(t.number))
		return nil
	}
	t.text = node.Of(n).Text()
	if number, err := strconv.ParseUint(t.text, 10, 16); err == nil {
		t.number = uint16(number)
	}
	return nil
}

// headless says that callers find the pods themselves by its name.
func (s *service) headless() bool { return s.Spec.ClusterIP == "None" }

// leading views a Service, if it leads to one of the workloads.
func leading(o resource, opening *index) view {
	s := decoded[service](o, opening).(*service)
	if opening == nil {
		return s
	}
	for range s.reaching(opening) {
		return s
	}
	return nil
}

// destinationRule: networking/v1alpha3/destination_rule.proto.
type destinationRule struct {
	resource `yaml:"-"`
	Spec     struct {
		Host             string
		WorkloadSelector *selector `yaml:"workloadSelector"`
		Subsets          []subset
		TrafficPolicy    struct {
			TLS               *mutualTLS  `yaml:"tls"`
			PortLevelSettings []portLevel `yaml:"portLevelSettings"`
		} `yaml:"trafficPolicy"`
	}
}

type subset struct {
	TrafficPolicy given `yaml:"trafficPolicy"`
}

type portLevel struct {
	Port struct{ Number uint16 }
	TLS  *mutualTLS `yaml:"tls"`
}

// serviceEntryObject: networking/v1alpha3/service_entry.proto.
type serviceEntryObject struct {
	resource `yaml:"-"`
	// called are the destinations of each port, once they are asked for.
	called   [][]destination
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

type route struct {
	Match []struct{ Port uint16 }
}

// virtualServiceObject: networking/v1alpha3/virtual_service.proto.
type virtualServiceObject struct {
	resource `yaml:"-"`
	Spec     struct {
		Hosts    []string
		Gateways []string
		ExportTo []string `yaml:"exportTo"`
		HTTP     []route  `yaml:"http"`
		TLS      []route  `yaml:"tls"`
		TCP      []route  `yaml:"tcp"`
	}
}

type outboundTrafficPolicy struct{ Mode string }

// sidecar: networking/v1alpha3/sidecar.proto.
type sidecar struct {
	resource `yaml:"-"`
	Spec     struct {
		WorkloadSelector selector `yaml:"workloadSelector"`
		Egress           []struct {
			Port  struct{ Number uint16 }
			Bind  string
			Hosts []string
		}
		OutboundTrafficPolicy *outboundTrafficPolicy `yaml:"outboundTrafficPolicy"`
	}
}

// namespace is what of a Namespace matters here.
type namespace struct {
	resource
	labels, annotations map[string]string
}

func labelled(o resource, _ *index) view {
	metadata := o.node.Entry("metadata")
	return &namespace{o, metadata.Entry("labels").Strings(), metadata.Entry("annotations").Strings()}
}

// meshConfig is as much of Istio's MeshConfig as matters here, wherever it stands, beside
// what a transform.Common says: mesh/v1alpha1/config.proto.
type meshConfig struct {
	resource `yaml:"-"`
	// at leads to it from the object, and textual says that it is one string.
	at      edit.Path
	textual bool

	RootNamespace         string                 `yaml:"rootNamespace"`
	EnableAutoMtls        *bool                  `yaml:"enableAutoMtls"`
	OutboundTrafficPolicy *outboundTrafficPolicy `yaml:"outboundTrafficPolicy"`
}

// path gives the path of a field of the MeshConfig.
func (m *meshConfig) path(relative ...any) edit.Path {
	if m.textual {
		relative = nil
	}
	return m.Path(append(append(edit.Path{}, m.at...), relative...)...)
}

// meshConfigAt views the MeshConfig that an object holds in fields.
func meshConfigAt(at ...any) func(resource, *index) view {
	return func(o resource, _ *index) view {
		value := o.node.At(at...)
		if !value.Exists() {
			return nil
		}
		m := &meshConfig{resource: o, at: at}
		_ = value.Decode(m) // what cannot be read says nothing
		return m
	}
}

// configured views what a ConfigMap says of Istio's mesh or of Cilium.
func configured(o resource, opening *index) view {
	if o.Name == ciliumConfig {
		return ciliumMap(o, opening)
	}
	if o.Name == agentConfigName {
		return &agentConfig{o, o.node.Below("data", "AMBIENT_DNS_CAPTURE").Text()}
	}
	return meshConfigText(o, opening)
}

// meshConfigText views the MeshConfig that a ConfigMap holds as a string.
func meshConfigText(o resource, _ *index) view {
	text := o.node.Below("data", "mesh")
	if !text.IsScalar() || text.IsNull() {
		return nil
	}
	m := &meshConfig{resource: o, at: edit.Path{"data", "mesh"}, textual: true}
	_ = yaml.Unmarshal([]byte(text.Text()), m) // what cannot be read says nothing
	return m
}
