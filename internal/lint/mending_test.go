package lint_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What mends a port for several workloads is shown to each as one change.
func TestOneChangeForSeveral(t *testing.T) {
	findings := found(t, only(bypassing(t, "excludeInboundPorts=9090,9091"), "auto-mtls"),
		workload("orders", "team: sales"), workload("ledger", "team: sales"),
		serviceOf("orders", "{selector: {app: orders}, ports: [{port: 9090}]}"),
		serviceOf("ledger", "{selector: {app: ledger}, ports: [{port: 9091}]}"),
		peerAuthentication("shop", "sales", "{selector: {matchLabels: {team: sales}}, mtls: {mode: STRICT}}"))
	require.Len(t, findings, 2)
	for _, f := range findings {
		assert.Contains(t, f.Message, "change PeerAuthentication shop/sales as krm-bypass lint prints it, and they speak plain text there (which also changes other pods that its selector matches)")
		assert.Equal(t, `apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: sales
  namespace: shop
spec:
  selector:
    matchLabels:
      team: sales
  mtls:
    mode: STRICT
  portLevelMtls:
    "9090":
      mode: DISABLE
    "9091":
      mode: DISABLE
`, f.Proposed)
	}
}

// A proposed DestinationRule that misses its Service, since kustomize renames no hosts, is named
// as what is there.
func TestRulesThatMissTheirService(t *testing.T) {
	const disabled = ", trafficPolicy: {portLevelSettings: [{port: {number: 90}, tls: {mode: DISABLE}}]}}"
	headless := serviceOf("prod-orders", "{clusterIP: None, selector: {app: orders}, ports: [{name: m, port: 90, targetPort: metrics}]}")
	for name, test := range map[string]struct {
		items []string
		want  string
	}{
		"the host of the base": {[]string{istioObject("networking", "DestinationRule", "prod-orders-bypass", "{host: orders"+disabled)},
			"change DestinationRule shop/prod-orders-bypass as krm-bypass lint prints it, and they speak plain text there (its host is orders, which is not this Service: kustomize renames objects, and no hosts)"},
		"a host of another Service": {[]string{istioObject("networking", "DestinationRule", "prod-orders-bypass", "{host: orders"+disabled), serviceOf("orders", "{selector: {app: others}, ports: [{port: 9090}]}")},
			"add DestinationRule shop/prod-orders-bypass as"},
		"a host of something else": {[]string{istioObject("networking", "DestinationRule", "prod-orders-bypass", "{host: ledger"+disabled)}, "add DestinationRule shop/prod-orders-bypass as"},
		"another name":             {[]string{istioObject("networking", "DestinationRule", "orders-bypass", "{host: orders"+disabled)}, "add DestinationRule shop/prod-orders-bypass as"},
	} {
		t.Run(name, func(t *testing.T) {
			findings := found(t, only(bypassing(t, "excludeInboundPorts=9090"), "auto-mtls", "plain-text"), append([]string{workload("orders"), headless}, test.items...)...)
			require.Len(t, findings, 1)
			assert.Contains(t, findings[0].Message, "these connections break: "+test.want)
			assert.Contains(t, findings[0].Proposed, "host: prod-orders.shop.svc.cluster.local\n")
		})
	}
}

// What a proposal mends is mended: with it among the items nothing is found.
func TestProposalsMend(t *testing.T) {
	const ports = "ports: [{name: m, port: 90, targetPort: metrics}]"
	tests := []struct {
		name  string
		items []string
	}{
		{"a new PeerAuthentication", []string{serviceOf("orders", "{selector: {app: orders}, "+ports+"}")}},
		{"a new DestinationRule", []string{serviceOf("orders", "{clusterIP: None, selector: {app: orders}, "+ports+"}")}},
		{"a PeerAuthentication", []string{serviceOf("orders", "{selector: {app: orders}, "+ports+"}"), peerAuthentication("shop", "x", "{selector: {matchLabels: {app: orders}}, portLevelMtls: {9090: {mode: STRICT}}}")}},
		{"a DestinationRule", []string{serviceOf("orders", "{selector: {app: orders}, "+ports+"}"), istioObject("networking", "DestinationRule", "x", "{host: orders, trafficPolicy: {tls: {mode: ISTIO_MUTUAL}, portLevelSettings: [{port: {number: 80}}, {port: {number: 90}, tls: {mode: ISTIO_MUTUAL, sni: x}}]}}")}},
		{"one with the host of a base", []string{
			serviceOf("prod-orders", "{clusterIP: None, selector: {app: orders}, "+ports+"}"),
			istioObject("networking", "DestinationRule", "prod-orders-bypass", "{host: orders, trafficPolicy: {portLevelSettings: [{port: {number: 90}, tls: {mode: DISABLE}}]}}"),
		}},
		{"one with the host of a base, in its namespace", []string{
			serviceOf("orders", "{clusterIP: None, selector: {app: orders}, "+ports+"}"),
			istioObject("networking", "DestinationRule", "orders-bypass", "{host: orders.sales.svc.cluster.local, trafficPolicy: {portLevelSettings: [{port: {number: 90}, tls: {mode: DISABLE}}]}}"),
		}},
		{"each of two", []string{
			serviceOf("orders", "{selector: {app: orders}, "+ports+"}"),
			peerAuthentication("shop", "x", "{selector: {matchLabels: {app: orders}}}"), peerAuthentication("shop", "y", "{selector: {matchLabels: {app: orders}}}"),
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			policy := only(bypassing(t, "excludeInboundPorts=9090"), "auto-mtls")
			findings := found(t, policy, append([]string{workload("orders")}, test.items...)...)
			require.Len(t, findings, 1)
			items := []string{workload("orders"), test.items[0]}
			proposed := strings.Split(findings[0].Proposed, "---\n")
			assert.Len(t, proposed, max(1, len(test.items)-1))
			assert.Empty(t, lines(found(t, policy, append(items, proposed...)...)))
		})
	}
}
