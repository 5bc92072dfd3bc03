package interceptor

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/lab"
)

// Consul18Program and Consul19Program are what Consul's init container does by its sdk
// of that version, to be built by lab.Main.
var (
	Consul18Program = lab.Program{Name: "consul-iptables", Directory: "test/interceptors/consul18"}
	Consul19Program = lab.Program{Name: "consul-nftables", Directory: "test/interceptors/consul19", Borrows: &lab.Borrowed{
		Module:  "github.com/hashicorp/consul/sdk",
		Version: "v0.19.0",
		Sum:     "h1:zucuiWFKpggzzrx9MPHCpei74gnrLoHT/TGP2NmegHc=",
		Package: "nftables",
		Files:   []string{"nftables.go", "nftables_executor_linux.go"},
	}}
)

// once is how the init container of sdk 0.18 fails where it ran before.
func (c Consul) once() once {
	return once{c.Backend, "CONSUL_PROXY_INBOUND", "Chain already exists"}
}

// ConsulDNS is what happens to the pod's name queries.
type ConsulDNS string

// The ways. consul-k8s has the one by loopback since 1.0 or so, by its annotation
// consul-dns; the sdk still has the other one.
const (
	ConsulNoDNS         ConsulDNS = ""
	ConsulDNSByLoopback ConsulDNS = "loopback" // what goes to loopback goes to the proxy
	ConsulDNSByService  ConsulDNS = "service"  // what goes anywhere goes to a Service
)

// Consul is a way to run Consul's init container.
type Consul struct {
	Backend   Backend
	DualStack bool
	DNS       ConsulDNS
}

// Without dual stack sdk 0.18 leaves IPv6 alone, and 0.19 returns it.
func consulVariants() []Variant {
	var all []Variant
	for _, c := range []Consul{
		{Backend: IptablesNFT},
		{Backend: IptablesNFT, DualStack: true, DNS: ConsulDNSByLoopback},
		{Backend: IptablesLegacy, DNS: ConsulDNSByLoopback},
		{Backend: IptablesLegacy, DualStack: true},
		{Backend: IptablesNFT, DNS: ConsulDNSByService},
		{Backend: Nftables},
		{Backend: Nftables, DualStack: true, DNS: ConsulDNSByLoopback},
		{Backend: Nftables, DNS: ConsulDNSByLoopback},
		{Backend: Nftables, DualStack: true},
		{Backend: Nftables, DNS: ConsulDNSByService},
	} {
		v := Variant{
			Interceptor: c.Interceptor(nil), Mesh: "Consul", Rules: "hashicorp/consul sdk/iptables v0.18.1", Backend: c.Backend,
			Families: []lab.Family{lab.IPv4}, DualStack: c.DualStack, FailsAgain: c.once().failure,
		}
		if c.Backend == Nftables {
			v.Rules, v.FailsAgain = "hashicorp/consul sdk/nftables v0.19.0", ""
		}
		if c.DNS == ConsulDNSByLoopback {
			v.LoopbackDNS = v.Families
		}
		if c.DualStack {
			v.Families = bothFamilies
			// The address is that of IPv6 (hashicorp/consul-k8s control-plane/connect-inject/constants/constants.go, Getv4orv6Str).
			if c.DNS == ConsulDNSByLoopback {
				v.LoopbackDNS = []lab.Family{lab.IPv6}
			}
		}
		if c.DNS == ConsulDNSByService {
			v.DNS, v.ProxyDNS = bothDNS, true
		}
		if c.DualStack && c.Backend != Nftables {
			v.Annotated = nil // with any range it fails, see TestConsulReads
		}
		all = append(all, v)
	}
	return all
}

// redirectTraffic is what consul-k8s hands to the init container and to its CNI plugin
// (hashicorp/consul-k8s control-plane/connect-inject/webhook/redirect_traffic.go): the
// sdk's Config.
type redirectTraffic struct {
	ConsulDNSIP          string
	ConsulDNSPort        int
	ProxyUserID          string
	ProxyInboundPort     int
	ProxyOutboundPort    int
	ExcludeInboundPorts  []string
	ExcludeOutboundPorts []string
	ExcludeOutboundCIDRs []string
	ExcludeUIDs          []string
}

func (c Consul) config(annotations map[string]string) redirectTraffic {
	list := func(name string) []string {
		value, stands := annotations["consul.hashicorp.com/transparent-proxy-exclude-"+name]
		if !stands {
			return nil
		}
		return strings.Split(value, ",")
	}
	config := redirectTraffic{
		ProxyUserID:          strconv.Itoa(lab.ConsulProxy),
		ProxyInboundPort:     20000,
		ProxyOutboundPort:    15001,
		ExcludeInboundPorts:  list("inbound-ports"),
		ExcludeOutboundPorts: list("outbound-ports"),
		ExcludeOutboundCIDRs: list("outbound-cidrs"),
		ExcludeUIDs:          append([]string{strconv.Itoa(lab.ConsulInit)}, list("uids")...),
	}
	// In a dual-stack cluster it is the address of IPv6 alone.
	of := lab.IPv4.Of
	if c.DualStack {
		of = lab.IPv6.Of
	}
	switch c.DNS {
	case ConsulDNSByLoopback:
		config.ConsulDNSIP, config.ConsulDNSPort = of(lab.Loopback).String(), consulDNSPort
	case ConsulDNSByService:
		config.ConsulDNSIP = of(lab.NameService).String()
	}
	return config
}

const consulDNSPort = 8600

// Interceptor is what the init container does in a pod with annotations. The proxy
// calls its application at loopback (hashicorp/consul agent/xds, local_app).
func (c Consul) Interceptor(annotations map[string]string) Interceptor {
	name := "consul-" + string(c.Backend)
	if c.DualStack {
		name += "-dual-stack"
	}
	proxy := Proxy{UID: lab.ConsulProxy, Outbound: 15001, Inbound: 20000, CallsLoopback: true}
	if c.DNS != ConsulNoDNS {
		name += "-dns-by-" + string(c.DNS)
	}
	if c.DNS == ConsulDNSByLoopback {
		proxy.DNS = consulDNSPort
	}
	return Interceptor{
		Name:      name,
		Proxy:     proxy,
		Annotated: c.Interceptor,
		Install: func(t lab.TB, pod *lab.Host) {
			t.Helper()
			run := func() error { return c.Try(pod, annotations) }
			if c.Backend == Nftables {
				require.NoError(t, run())
				return
			}
			c.once().do(t, pod, run)
		},
	}
}

// Try does what the init container does.
func (c Consul) Try(pod *lab.Host, annotations map[string]string) error {
	config, err := json.Marshal(c.config(annotations))
	if err != nil {
		return err
	}
	program := Consul18Program
	if c.Backend == Nftables {
		program = Consul19Program
	}
	return inImage(pod, c.Backend, nil, lab.Binary(program.Name), "-dual-stack="+strconv.FormatBool(c.DualStack), string(config))
}
