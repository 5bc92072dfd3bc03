package traffic_test

import (
	"fmt"
	"net/netip"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// What scopes say is merged from the broadest to the narrowest, and the sum
// decides about each connection.
func ExampleSettings_Decide() {
	var cluster, namespace traffic.Layer
	_ = cluster.Set(traffic.ExcludeOutboundIPRanges, []string{"10.1.0.0/16"})
	_ = namespace.Set(traffic.IncludeOutboundPorts, []string{"443"})
	settings := cluster.Merge(namespace, traffic.Override).Settings()

	for _, port := range []uint16{5432, 443, 53} {
		decision := settings.Decide(traffic.Connection{
			Direction: traffic.Outbound,
			Protocol:  traffic.TCP,
			Address:   netip.MustParseAddr("10.1.2.3"),
			Port:      port,
		})
		fmt.Println(port, decision.Verdict, decision.By)
	}
	// Output:
	// 5432 bypassed excludeOutboundIPRanges
	// 443 intercepted includeOutboundPorts
	// 53 left to the mesh
}

// However a setting is written, its arguments are the same.
func ExampleSettings_Arguments() {
	var layer traffic.Layer
	_ = layer.Set(traffic.ExcludeInboundPorts, []string{"8005-8010", "7001", "8000-8006", "53/UDP"})
	_ = layer.Set(traffic.IncludeOutboundIPRanges, []string{})
	_ = layer.Set(traffic.ExcludeOutbound, []string{"10.1.128.0/17@5432", "10.1.7.7/17@5432"})
	for _, argument := range layer.Settings().Arguments() {
		fmt.Println(argument)
	}
	// Output:
	// --exclude-inbound-ports=53/UDP,7001,8000-8010
	// --include-outbound-ip-ranges=
	// --exclude-outbound=10.1.0.0/16@5432
}

// An error names every entry that is wrong, and what would be right.
func ExampleLayer_Set() {
	var layer traffic.Layer
	fmt.Println(layer.Set(traffic.ExcludeInboundPorts, []string{"7001", "8010-8000", "15000:15010"}))
	// Output:
	// "8010-8000" is a reversed range: write "8000-8010"
	// "15000:15010" is a port range written with a colon: write "15000-15010"
}
