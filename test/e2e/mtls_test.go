package e2e_test

import (
	"crypto/tls"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/test/lab"
	"github.com/krm-bypass/krm-bypass/test/lab/interceptor"
	"github.com/krm-bypass/krm-bypass/test/lab/sidecar"
)

// ledgerUnderSTRICT is a workload with a port for metrics, its Service, and the
// policy of its namespace. %s is more of the Service.
const ledgerUnderSTRICT = `apiVersion: apps/v1
kind: Deployment
metadata: {name: ledger, namespace: bank}
spec:
  selector: {matchLabels: {app: ledger}}
  template:
    metadata: {labels: {app: ledger}}
    spec:
      containers:
      - name: ledger
        image: ledger:1
        ports: [{name: http, containerPort: 8080}, {name: metrics, containerPort: 9090}]
---
apiVersion: v1
kind: Service
metadata: {name: ledger, namespace: bank}
spec:%s
  selector: {app: ledger}
  ports: [{name: http, port: 8080}, {name: metrics, port: 9090, targetPort: metrics}]
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: bank}
spec: {mtls: {mode: STRICT}}
`

// itsOwnPolicy is a PeerAuthentication of the workload itself, to be changed.
const itsOwnPolicy = `---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: ledger, namespace: bank}
spec:
  selector: {matchLabels: {app: ledger}}
  portLevelMtls: {"8080": {mode: STRICT}}
`

const bypassMetrics = `apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata: {name: cluster}
spec:
  enforcement: {mode: %s, image: ghcr.io/krm-bypass/init:v0.1.0}
  workloads:
  - match: {kinds: [Deployment], names: [ledger]}
    excludeInboundPorts: [9090]
`

// judged is what the function makes of manifests: them, and what it proposes.
type judged struct {
	written  template
	proposed string
	told     []string // the checks that found something
}

func judge(t *testing.T, mode, manifests string) judged {
	t.Helper()
	files, results, err := fn.Manifests(
		fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: fmt.Appendf(nil, bypassMetrics, mode)}),
		[]fn.Manifest{{Path: "ledger.yaml", Text: []byte(manifests)}}, fn.Options{})
	require.NoError(t, err)
	var o object
	require.NoError(t, yaml.Unmarshal(files[0].Text, &o))
	j := judged{written: o.Spec.Template}
	for _, r := range results {
		j.told = append(j.told, r.Tags["check"])
		if r.Tags["check"] == "auto-mtls" {
			j.proposed += r.Field.ProposedValue
		}
	}
	return j
}

// configuration is what a caller's sidecar is told by the mesh: the
// PeerAuthentications and DestinationRules of manifests, by kind and name, of
// which a later one takes the place of an earlier one.
type configuration map[string]policy

type policy struct {
	Kind     string
	Metadata struct{ Name string }
	Spec     struct {
		Selector struct {
			MatchLabels map[string]string `yaml:"matchLabels"`
		}
		Mtls          struct{ Mode string }            `yaml:"mtls"`
		PortLevelMtls map[string]struct{ Mode string } `yaml:"portLevelMtls"`
		Host          string
		TrafficPolicy struct {
			PortLevelSettings []struct {
				Port struct{ Number int }
				TLS  struct{ Mode string } `yaml:"tls"`
			} `yaml:"portLevelSettings"`
		} `yaml:"trafficPolicy"`
	}
}

func configured(t *testing.T, streams ...string) configuration {
	t.Helper()
	c := configuration{}
	for _, stream := range streams {
		for document := range strings.SplitSeq(stream, "---\n") {
			var p policy
			require.NoError(t, yaml.Unmarshal([]byte(document), &p))
			c[p.Kind+"/"+p.Metadata.Name] = p
		}
	}
	return c
}

// speaksTLS is what a caller's sidecar decides for a port of the ledger by
// Istio's rules: a DestinationRule's word first, then whether PeerAuthentications
// say DISABLE, of a headless Service those of the namespace alone
// (istio/istio pilot/pkg/xds/endpoints/mtls_checker.go).
func (c configuration) speaksTLS(port uint16, headless bool) bool {
	mode := ""
	for _, p := range c {
		for _, setting := range p.Spec.TrafficPolicy.PortLevelSettings {
			if p.Spec.Host == "ledger.bank.svc.cluster.local" && setting.Port.Number == int(port) {
				return setting.TLS.Mode != "DISABLE"
			}
		}
		if p.Kind != "PeerAuthentication" {
			continue
		}
		switch labels := p.Spec.Selector.MatchLabels; {
		case len(labels) == 0 && mode == "":
			mode = p.Spec.Mtls.Mode
		case len(labels) == 1 && labels["app"] == "ledger" && !headless:
			if said := p.Spec.PortLevelMtls[strconv.Itoa(int(port))].Mode; said != "" {
				mode = said
			}
		}
	}
	return mode != "DISABLE"
}

const (
	bySidecars = "outbound proxy > inbound proxy > application"
	plainly    = "outbound proxy > application"
	plainToTLS = "refusal"

	metricsPort = 9090
	httpPort    = 8080
)

// A caller's sidecar speaks mTLS to a port that its server's sidecar no longer
// terminates, and the connection breaks. With what the function proposes it
// speaks plain text there, and mTLS still everywhere else. Real TLS, by sidecars
// in two pods behind the real istio-iptables.
func TestAutoMTLS(t *testing.T) {
	const headless = "\n  clusterIP: None"
	tests := []struct {
		name, mode string
		service    string // more of it
		manifests  string // more of them
		proposes   string
	}{
		{"a-new-PeerAuthentication", "InitContainer", "", "", "kind: PeerAuthentication"},
		{"a-new-PeerAuthentication-by-annotation-alone", "AnnotationsOnly", "", "", "kind: PeerAuthentication"},
		{"the-PeerAuthentication-that-is-there", "InitContainer", "", itsOwnPolicy, "name: ledger\n"},
		{"a-DestinationRule-for-a-headless-Service", "InitContainer", headless, "", "kind: DestinationRule"},
	}
	for _, test := range tests {
		manifests := fmt.Sprintf(ledgerUnderSTRICT, test.service) + test.manifests
		found := judge(t, test.mode, manifests)
		require.Contains(t, found.told, "auto-mtls")
		require.Contains(t, found.told, "strict-mtls")
		require.Equal(t, test.mode == "InitContainer", found.written.arguments() != nil)
		require.Contains(t, found.proposed, test.proposes)
		mended := judge(t, test.mode, manifests+"---\n"+found.proposed)
		if test.manifests == "" {
			require.NotContains(t, mended.told, "auto-mtls", "the function takes its own proposal for the mend")
		}
		isHeadless := test.service == headless
		before, after := configured(t, manifests), configured(t, manifests, found.proposed)

		for _, family := range bothFamilies {
			t.Run(test.name+"/"+family.Name, func(t *testing.T) {
				for _, step := range []struct {
					name    string
					bypass  bool
					told    configuration
					metrics string
				}{
					{"without-the-bypass", false, before, bySidecars},
					{"with-the-bypass-it-breaks", true, before, "outbound proxy > " + plainToTLS},
					{"with-what-is-proposed-it-works", true, after, plainly},
				} {
					t.Run(step.name, func(t *testing.T) {
						var ledger template
						if step.bypass {
							ledger = found.written
						}
						p := newPair(t, family, ledger, func(port uint16) bool { return step.told.speaksTLS(port, isHeadless) })
						assert.Equal(t, step.metrics, p.get(lab.Application, metricsPort), "the port that bypasses")
						assert.Equal(t, bySidecars, p.get(lab.Application, httpPort), "another port has its mTLS")
						// Nobody who has no certificate of the mesh gets past a sidecar.
						stranger := map[bool]string{false: plainToTLS, true: application}[step.bypass]
						assert.Equal(t, stranger, p.get(lab.IstioProxy, metricsPort), "a caller without a sidecar, in plain text")
						assert.Equal(t, plainToTLS, p.get(lab.IstioProxy, httpPort), "a caller without a sidecar, in plain text")
						if step.bypass {
							p.requireNoTLS(t, metricsPort)
						}
					})
				}
			})
		}
	}
}

// pair is a caller and the ledger, each a pod with a sidecar.
type pair struct {
	caller, ledger *lab.Host
	address        netip.Addr
	client         *tls.Config
}

// newPair starts both; the ledger's pod is as it was written: with the init
// container's rules, or where there is none with the mesh's by the annotation.
func newPair(t *testing.T, family lab.Family, written template, speaksTLS func(port uint16) bool) pair {
	t.Helper()
	p := pair{caller: lab.NewHost(t, "caller"), ledger: lab.NewHost(t, "ledger"), address: family.Of(lab.PodAddress)}
	bits := map[bool]int{true: 24, false: 64}[family.IPv4]
	lab.Wire(t,
		lab.End{Host: p.caller, Addresses: []netip.Prefix{netip.PrefixFrom(family.Of(lab.OutsideAddress), bits)}},
		lab.End{Host: p.ledger, Addresses: []netip.Prefix{netip.PrefixFrom(p.address, bits)}})
	authority := sidecar.NewAuthority(t)
	p.client = authority.Client(t, "bank", "teller")
	mesh, annotated := interceptor.Istio("iptables-nft"), interceptor.Istio("iptables-nft")
	arguments := written.arguments()
	if ports := written.Metadata.Annotations["traffic.sidecar.istio.io/excludeInboundPorts"]; ports != "" && arguments == nil {
		annotated = interceptor.Istio("iptables-nft", "-d", "15090,15021,15020,"+ports)
	}
	mesh.Install(t, p.caller)
	annotated.Install(t, p.ledger)
	if arguments != nil {
		byNftables.apply(t, p.ledger, arguments...)
	}
	everywhere := func(netip.AddrPort) bool { return true }
	outbound := sidecar.Proxy{Proxy: mesh.Proxy, Knows: everywhere, Originates: func(to netip.AddrPort) *tls.Config {
		if speaksTLS(to.Port()) {
			return p.client
		}
		return nil
	}}
	inbound := sidecar.Proxy{Proxy: mesh.Proxy, Knows: everywhere, Terminates: authority.Server(t, "bank", "ledger")}
	for host, proxy := range map[*lab.Host]sidecar.Proxy{p.caller: outbound, p.ledger: inbound} {
		host.Settle(t)
		proxy.Start(t, host)
	}
	sidecar.Serve(t, p.ledger, lab.Server{Name: application, UID: lab.Application, Ports: []uint16{metricsPort, httpPort}})
	return p
}

// get calls the ledger as a user of the caller's pod. The proxy's own user stands
// for a caller without a sidecar: nothing intercepts it.
func (p pair) get(uid int, port uint16) string {
	return sidecar.Get(p.caller, uid, netip.Addr{}, netip.AddrPortFrom(p.address, port)).By
}

// requireNoTLS shows why: what answers the sidecar's handshake is no TLS.
func (p pair) requireNoTLS(t *testing.T, port uint16) {
	t.Helper()
	connection, err := p.caller.Dial(lab.IstioProxy, "tcp", netip.Addr{}, netip.AddrPortFrom(p.address, port))
	require.NoError(t, err)
	defer connection.Close()
	var record tls.RecordHeaderError
	require.ErrorAs(t, tls.Client(connection, p.client).Handshake(), &record)
}
