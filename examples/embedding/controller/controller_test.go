package controller_test

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/examples/embedding/controller"
)

const spec = `apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata: {name: cluster}
spec:
  enforcement: {mode: AnnotationsOnly}
  global: {excludeOutboundPorts: [3306]}
`

var objects = [][]byte{
	[]byte(`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"generation":9007199254740993,"name":"web","namespace":"shop"},"spec":{"template":{"spec":{"containers":[{"image":"web","name":"web"}]}}}}`),
	[]byte(`{"apiVersion":"v1","kind":"Service","metadata":{"name":"web","namespace":"shop"}}`),
}

func TestRender(t *testing.T) {
	rendered, results, err := controller.Render(spec, objects)
	require.NoError(t, err)
	assert.False(t, results.Failed())
	require.Len(t, rendered, 2)
	var deployment struct {
		Spec struct {
			Template struct {
				Metadata struct{ Annotations map[string]string }
			}
		}
	}
	require.NoError(t, json.Unmarshal(rendered[0], &deployment), "%s", rendered[0])
	assert.Equal(t, "3306", deployment.Spec.Template.Metadata.Annotations["traffic.sidecar.istio.io/excludeOutboundPorts"])
	assert.Contains(t, string(rendered[0]), `"generation":9007199254740993`)
	assert.Equal(t, string(objects[1]), string(rendered[1]))

	again, _, err := controller.Render(spec, rendered)
	require.NoError(t, err)
	assert.Equal(t, rendered, again, "a reconciler that renders again changes nothing")
}

func TestRenderWithAMistake(t *testing.T) {
	rendered, results, err := controller.Render(strings.Replace(spec, "3306", "70000", 1), objects)
	require.ErrorContains(t, err, "spec.global.excludeOutboundPorts[0]")
	assert.True(t, results.Failed())
	assert.Empty(t, rendered)
}

// Without these packages a Go program cannot open a connection or start another, but by
// system calls of its own. The linter holds fn itself to most of them (.golangci.yaml,
// shells and start-up); this holds everything that fn links.
func TestNothingReachesOut(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	require.NoError(t, err)
	linked := strings.Fields(string(out))
	require.Contains(t, linked, "github.com/krm-bypass/krm-bypass/fn")
	for _, wanted := range []string{"net", "net/http", "crypto/tls", "os/exec", "plugin", "os/signal"} {
		assert.NotContains(t, linked, wanted)
	}
}
