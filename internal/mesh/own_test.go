package mesh_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
)

func TestWhatAMeshHasForItself(t *testing.T) {
	const linkerd, status = "config.linkerd.io/", "status.sidecar.istio.io/port"
	for name, test := range map[string]struct {
		mesh        string
		annotations map[string]string
		always      string
		perhaps     map[uint16]string
		moved       []string
	}{
		"Istio":          {"Istio", nil, "15020-15021/TCP, 15090/TCP", nil, nil},
		"a status port":  {"Istio", map[string]string{status: "8021"}, "15021/TCP, 15090/TCP", map[uint16]string{15020: "Istio's CNI plugin excludes it in every pod"}, []string{status + " makes 8021 a port of Istio's status port, in place of 15020"}},
		"the same":       {"Istio", map[string]string{status: "15020"}, "15020-15021/TCP, 15090/TCP", nil, nil},
		"none":           {"Istio", map[string]string{status: "0"}, "15021/TCP, 15090/TCP", map[uint16]string{15020: "Istio's CNI plugin excludes it in every pod"}, nil},
		"Kuma":           {"Kuma", nil, "9001/TCP", nil, nil},
		"no probes":      {"Kuma", map[string]string{"kuma.io/application-probe-proxy-port": "0"}, "", nil, nil},
		"other probes":   {"Kuma", map[string]string{"kuma.io/application-probe-proxy-port": "8443"}, "", nil, []string{"kuma.io/application-probe-proxy-port makes 8443 a port of Kuma's sidecar, for the pod's probes, in place of 9001"}},
		"Linkerd":        {"Linkerd", nil, "4190-4191/TCP", nil, nil},
		"an admin port":  {"Linkerd", map[string]string{linkerd + "admin-port": "5191"}, "4190/TCP", nil, []string{linkerd + "admin-port makes 5191 a port of Linkerd's proxy, for its metrics, in place of 4191"}},
		"an inbound one": {"Linkerd", map[string]string{linkerd + "inbound-port": "5143"}, "4190-4191/TCP", nil, []string{linkerd + "inbound-port makes 5143 a port of Linkerd's inbound proxy, in place of 4143"}},
		"no number":      {"Linkerd", map[string]string{linkerd + "inbound-port": "in"}, "4190-4191/TCP", nil, nil},
		"Consul":         {"Consul", map[string]string{status: "8021"}, "", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := mesh.ByName(test.mesh)
			if name == "Consul" {
				test.always = m.Always.String()
			}
			always, perhaps := m.Unasked(test.annotations)
			assert.Equal(t, test.always, always.String())
			assert.Equal(t, test.perhaps, perhaps)
			var moved []string
			for _, one := range m.Moves(test.annotations) {
				moved = append(moved, one.String())
			}
			assert.Equal(t, test.moved, moved)
			own := m.OwnIn(test.annotations)
			assert.Len(t, own, len(m.OwnPorts)+map[bool]int{true: len(moved)}[test.mesh == "Istio"], "what is moved is no longer there, but for a range")
		})
	}
}

func TestWhoIsTheSidecar(t *testing.T) {
	linkerd, _ := mesh.ByName("Linkerd")
	istio, _ := mesh.ByName("Istio")
	uid := map[string]string{"config.linkerd.io/proxy-uid": "1000"}
	assert.Equal(t, []string{"2102"}, linkerd.Sidecars(mesh.AsUser, nil))
	assert.Equal(t, []string{"1000"}, linkerd.Sidecars(mesh.AsUser, uid))
	assert.Equal(t, []string{"2102"}, linkerd.Sidecars(mesh.AsUser, map[string]string{"config.linkerd.io/proxy-uid": "root"}), "Linkerd passes over it")
	assert.Empty(t, linkerd.Sidecars(mesh.AsGroup, uid))
	assert.Equal(t, []string{"3000"}, linkerd.Sidecars(mesh.AsGroup, map[string]string{"config.linkerd.io/proxy-gid": "3000"}))
	assert.Equal(t, []string{"1337"}, istio.Sidecars(mesh.AsUser, uid))
}
