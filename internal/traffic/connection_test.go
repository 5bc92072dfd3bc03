package traffic

import (
	"fmt"
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
	for text, says := range map[string]string{
		"":                   "is not an address and a port",
		"10.1.2.3":           "is not an address and a port",
		"db:5432":            "is not an address and a port",
		"10.1.2.3:0":         "is not an address and a port",
		"10.1.2.3:080":       "has a port with a leading zero",
		"[fd00::1]:0443/UDP": "has a port with a leading zero",
		"10.1.2.3:443/SCTP":  "names a protocol that is neither TCP nor UDP",
		"10.0.0.0/8:443":     "is a range",
		"10.0.0.0/8":         "is a range",
		"fd00::/8":           "is a range",
		"https://10.0.0.1:8": "is a URL",
	} {
		_, err := ParseOutbound(text)
		assert.ErrorContains(t, err, fmt.Sprintf("%q %s: ", text, says), "%s", text)
	}
}

func TestParseInbound(t *testing.T) {
	got, err := ParseInbound("9090")
	require.NoError(t, err)
	assert.Equal(t, Connection{Direction: Inbound, Protocol: TCP, Port: 9090}, got)
	got, err = ParseInbound("53/UDP")
	require.NoError(t, err)
	assert.Equal(t, Connection{Direction: Inbound, Protocol: UDP, Port: 53}, got)
	for text, says := range map[string]string{
		"":                "is not a port",
		"0":               "is not a port",
		"080":             "is not a port",
		"80-90":           "is not a port",
		"http":            "is not a port",
		"80/tcp":          "names a protocol that is neither TCP nor UDP",
		"http://web:8080": "is a URL",
	} {
		_, err := ParseInbound(text)
		assert.ErrorContains(t, err, fmt.Sprintf("%q %s: ", text, says), "%s", text)
	}
}
