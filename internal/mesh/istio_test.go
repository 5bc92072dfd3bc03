package mesh_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

const prefix = "traffic.sidecar.istio.io/"

// layer reads "field=entry,entry field=entry".
func layer(t *testing.T, text string) traffic.Layer {
	t.Helper()
	var l traffic.Layer
	for part := range strings.FieldsSeq(text) {
		field, list, _ := strings.Cut(part, "=")
		require.NoError(t, l.Set(traffic.Field(field), traffic.SplitList(list)))
	}
	return l
}

func TestIstioExpress(t *testing.T) {
	istio, _ := mesh.ByName("Istio")
	tests := []struct {
		name     string
		settings string
		want     map[string]string
		gaps     []string
	}{
		{"ports are listed one by one", "excludeOutboundPorts=3306,9000-9002", map[string]string{"excludeOutboundPorts": "3306,9000,9001,9002"}, nil},
		{"ranges", "excludeOutboundIPRanges=fd00::/8,10.1.2.3/8,192.0.2.1", map[string]string{"excludeOutboundIPRanges": "10.0.0.0/8,192.0.2.1/32,fd00::/8"}, nil},
		{"a port of TCP alone", "excludeOutboundPorts=3306/TCP", map[string]string{"excludeOutboundPorts": "3306"}, nil},
		{"a port of UDP alone", "excludeOutboundPorts=443,9999/UDP", map[string]string{"excludeOutboundPorts": "443"}, []string{"excludeOutboundPorts"}},
		{"DNS over both", "excludeOutboundPorts=53", map[string]string{"excludeOutboundPorts": "53"}, nil},
		{"DNS over TCP alone", "excludeOutboundPorts=53/TCP,80", map[string]string{"excludeOutboundPorts": "80"}, []string{"excludeOutboundPorts"}},
		{"inbound include", "includeInboundPorts=8080", map[string]string{"includeInboundPorts": "8080"}, nil},
		{"inbound include of nothing", "includeInboundPorts=", map[string]string{"includeInboundPorts": ""}, nil},
		{"inbound include with an exclude", "includeInboundPorts=8080-8082 excludeInboundPorts=8081,9090", map[string]string{"includeInboundPorts": "8080,8082"}, nil},
		{"outbound include", "includeOutboundPorts=7001 includeOutboundIPRanges=10.0.0.0/8", map[string]string{"includeOutboundPorts": "7001", "includeOutboundIPRanges": "10.0.0.0/8"}, nil},
		{"excluded range beside an included port", "includeOutboundPorts=7001 excludeOutboundIPRanges=192.0.2.0/24", map[string]string{"includeOutboundPorts": "7001"}, []string{"excludeOutboundIPRanges"}},
		{"excluded range beside an included port that is excluded too", "excludeOutboundPorts=7001 includeOutboundPorts=7001 excludeOutboundIPRanges=192.0.2.0/24", map[string]string{"excludeOutboundPorts": "7001", "includeOutboundPorts": "7001", "excludeOutboundIPRanges": "192.0.2.0/24"}, nil},
		{"pairs", "excludeOutbound=10.0.0.0/8@5432", map[string]string{}, []string{"excludeOutbound"}},
		{"more included inbound ports than fit", "includeInboundPorts=1-14999 excludeInboundPorts=20000", map[string]string{"excludeInboundPorts": "20000"}, []string{"includeInboundPorts"}},
		{"more included outbound ports than fit", "includeOutboundPorts=1-14999 includeOutboundIPRanges=10.0.0.0/8 excludeOutboundIPRanges=192.0.2.0/24", map[string]string{}, []string{"includeOutboundPorts", "excludeOutboundIPRanges", "includeOutboundIPRanges"}},
		{"more ports than fit", "excludeOutboundPorts=1-14999", map[string]string{}, []string{"excludeOutboundPorts"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			sayable, gaps := istio.Express(layer(t, test.settings).Settings(), traffic.Layer{})
			want := map[string]string{}
			for key, value := range test.want {
				want[prefix+key] = value
			}
			assert.Equal(t, want, istio.Annotations(sayable))
			var fields []string
			for _, g := range gaps {
				fields = append(fields, string(g.Field))
				assert.NotEmpty(t, g.Reason)
			}
			assert.Equal(t, test.gaps, fields)
		})
	}
}

func TestIstioRead(t *testing.T) {
	istio, _ := mesh.ByName("Istio")
	tests := []struct {
		key, value string
		want       string
		refused    string
	}{
		{"excludeOutboundPorts", "3306, 9000", "excludeOutboundPorts=3306,9000\n", ""},
		{"excludeOutboundPorts", "", "excludeOutboundPorts=\n", ""},
		{"includeInboundPorts", "*", "includeInboundPorts=*\n", ""},
		{"includeOutboundIPRanges", "", "includeOutboundIPRanges=\n", ""},
		{"excludeOutboundPorts", "8000-8100", "", "a port range, which Istio's injector refuses"},
		{"excludeOutboundPorts", "8000:8100", "", "a port range, which Istio's injector refuses"},
		{"excludeOutboundPorts", "3306/TCP", "", "narrowed to a protocol"},
		{"excludeOutboundPorts", "*", "", "valid only by itself"},
		{"excludeOutboundPorts", "3306,", "", "an empty entry"},
		{"excludeOutboundPorts", "0", "", "outside 1-65535"},
		{"excludeOutboundIPRanges", "10.0.0.0/8, 192.168.0.0/16", "", "whitespace beside it"},
		{"excludeOutboundIPRanges", "10.1.2.3", "", `write "10.1.2.3/32"`},
		{"excludeOutboundIPRanges", "fd00::1", "", `write "fd00::1/128"`},
		{"excludeOutboundIPRanges", "*", "", "no range"},
		{"includeOutboundIPRanges", "*,10.0.0.0/8", "", "valid only by itself"},
	}
	for _, test := range tests {
		t.Run(test.key+" "+test.value, func(t *testing.T) {
			l, problems := istio.Read(map[string]string{prefix + test.key: test.value, "other": "x"})
			if test.refused == "" {
				require.Empty(t, problems)
				assert.Equal(t, test.want, l.String())
				return
			}
			require.Len(t, problems, 1)
			assert.ErrorContains(t, problems[0], test.refused)
			var bad *mesh.AnnotationError
			require.ErrorAs(t, problems[0], &bad)
			assert.Equal(t, prefix+test.key, bad.Annotation)
			assert.True(t, l.IsZero())
		})
	}
}

func TestIstioUnmeshed(t *testing.T) {
	istio, _ := mesh.ByName("Istio")
	tests := []struct {
		name                string
		labels, annotations map[string]string
		unmeshed            bool
	}{
		{"nothing said", nil, nil, false},
		{"label false", map[string]string{"sidecar.istio.io/inject": "false"}, nil, true},
		{"annotation false", nil, map[string]string{"sidecar.istio.io/inject": "false"}, true},
		{"the label wins", map[string]string{"sidecar.istio.io/inject": "true"}, map[string]string{"sidecar.istio.io/inject": "false"}, false},
		{"gateway", nil, map[string]string{"inject.istio.io/templates": "gateway"}, true},
		{"gateway beside the sidecar", nil, map[string]string{"inject.istio.io/templates": "gateway, sidecar"}, false},
		{"gateway among others", nil, map[string]string{"inject.istio.io/templates": "custom, gateway"}, true},
		{"another template", nil, map[string]string{"inject.istio.io/templates": "sidecar,custom"}, false},
		{"the injector does not read the label for ambient mode", map[string]string{"istio.io/dataplane-mode": "ambient"}, nil, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.unmeshed, istio.Unmeshed(test.labels, test.annotations) != "")
		})
	}
}

func TestIstioMisleads(t *testing.T) {
	istio, _ := mesh.ByName("Istio")
	misleads := func(exclude, include string) []mesh.Misleading {
		return istio.Misleads(map[string]string{prefix + "excludeInboundPorts": exclude, prefix + "includeInboundPorts": include})
	}
	assert.Empty(t, istio.Misleads(map[string]string{prefix + "excludeInboundPorts": "9090"}))
	assert.Empty(t, misleads("9090", "*"))
	assert.Empty(t, misleads("", "8080"))
	misleading := misleads("9090", "8080")
	require.Len(t, misleading, 1)
	assert.Equal(t, traffic.ExcludeInboundPorts, misleading[0].Field)
}
