package traffic

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseOutbound(t *testing.T) {
	for text, want := range map[string]Connection{
		"10.1.2.3:443":          {Protocol: TCP, Address: netip.MustParseAddr("10.1.2.3"), Port: 443},
		"10.96.0.10:53/UDP":     {Protocol: UDP, Address: netip.MustParseAddr("10.96.0.10"), Port: 53},
		"[fd00::1]:443/TCP":     {Protocol: TCP, Address: netip.MustParseAddr("fd00::1"), Port: 443},
		"[::ffff:10.1.2.3]:443": {Protocol: TCP, Address: netip.MustParseAddr("10.1.2.3"), Port: 443},
		"0.0.0.0:80":            {Protocol: TCP, Address: netip.IPv4Unspecified(), Port: 80, Loopback: true},
		"[::]:53/UDP":           {Protocol: UDP, Address: netip.IPv6Unspecified(), Port: 53, Loopback: true},
		"127.0.0.1:80":          {Protocol: TCP, Address: netip.MustParseAddr("127.0.0.1"), Port: 80, Loopback: true},
	} {
		t.Run(text, func(t *testing.T) {
			got, err := ParseOutbound(text)
			require.NoError(t, err)
			assert.Equal(t, want, got)
		})
	}
	for _, text := range []string{"", "10.1.2.3", "db:5432", "10.1.2.3:0", "10.1.2.3:443/SCTP", "10.0.0.0/8:443"} {
		_, err := ParseOutbound(text)
		assert.ErrorContains(t, err, `"`, "%s", text)
	}
}

func TestParseInbound(t *testing.T) {
	got, err := ParseInbound("9090")
	require.NoError(t, err)
	assert.Equal(t, Connection{Direction: Inbound, Protocol: TCP, Port: 9090}, got)
	got, err = ParseInbound("53/UDP")
	require.NoError(t, err)
	assert.Equal(t, Connection{Direction: Inbound, Protocol: UDP, Port: 53}, got)
	for _, text := range []string{"", "0", "80-90", "http", "80/tcp"} {
		_, err := ParseInbound(text)
		assert.ErrorContains(t, err, `"`, "%s", text)
	}
}
