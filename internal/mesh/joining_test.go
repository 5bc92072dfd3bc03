package mesh_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
)

func TestWhatGivesPodsASidecar(t *testing.T) {
	none := map[string]string{}
	for _, test := range []struct {
		mesh          string
		place         mesh.Place
		label, key    string
		value         string
		joins, asking bool
	}{
		{"Istio", mesh.OnNamespace, "label", "istio-injection", "enabled", true, true},
		{"Istio", mesh.OnNamespace, "label", "istio-injection", "disabled", false, true},
		{"Istio", mesh.OnPod, "label", "istio-injection", "enabled", false, true},
		{"Istio", mesh.OnNamespace, "label", "istio.io/rev", "stable", true, true},
		{"Istio", mesh.OnPod, "label", "istio.io/rev", "stable", true, true},
		{"Istio", mesh.OnPod, "label", "sidecar.istio.io/inject", "true", true, true},
		{"Istio", mesh.OnNamespace, "label", "sidecar.istio.io/inject", "true", false, true},
		{"Istio", mesh.OnNamespace, "label", "istio.io/dataplane-mode", "ambient", true, true},
		{"Istio", mesh.OnNamespace, "label", "istio.io/dataplane-mode", "none", false, true},
		{"Linkerd", mesh.OnNamespace, "annotation", "linkerd.io/inject", "enabled", true, true},
		{"Linkerd", mesh.OnPod, "annotation", "linkerd.io/inject", "ingress", true, true},
		{"Linkerd", mesh.OnPod, "label", "linkerd.io/inject", "enabled", false, true},
		{"Kuma", mesh.OnNamespace, "label", "kuma.io/sidecar-injection", "enabled", true, true},
		{"Kuma", mesh.OnPod, "annotation", "kuma.io/sidecar-injection", "enabled", false, true},
		{"FSM", mesh.OnNamespace, "label", "flomesh.io/monitored-by", "fsm", true, true},
		{"OSM", mesh.OnPod, "annotation", "openservicemesh.io/sidecar-injection", "Enabled", true, true},
		// The chart says whether others get one.
		{"Consul", mesh.OnPod, "annotation", "consul.hashicorp.com/connect-inject", "true", true, false},
		{"Consul", mesh.OnNamespace, "annotation", "consul.hashicorp.com/connect-inject", "true", false, false},
	} {
		m, _ := mesh.ByName(test.mesh)
		labels, annotations := map[string]string{test.key: test.value}, none
		if test.label == "annotation" {
			labels, annotations = annotations, labels
		}
		assert.Equal(t, test.joins, m.Joins(test.place, labels, annotations), "%+v", test)
		assert.Equal(t, test.asking, m.JoinsByAsking(), test.mesh)
	}
}
