package kpt

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTwoSpecsInOnePipeline has a package with a mutator for each of two meshes, in
// either order, rendered again and again; and then one of the two is gone.
func TestTwoSpecsInOnePipeline(t *testing.T) {
	const head = "apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: two-meshes\npipeline:\n  mutators:\n"
	step := func(name string) string { return "    - exec: krm-bypass\n      configPath: " + name + ".yaml\n" }
	var rendered []string
	for _, pipeline := range []string{step("istio") + step("linkerd"), step("linkerd") + step("istio")} {
		p := checkOut(t, "two-meshes")
		require.NoError(t, os.Remove(filepath.Join(p.folder, "kustomization.yaml")))
		p.write("Kptfile", head+pipeline)
		p.commit()
		p.render()
		assert.Equal(t, []string{"Kptfile", "payments.yaml", "shop.yaml"}, p.changed())
		rendered = append(rendered, p.read("shop.yaml")+p.read("payments.yaml"))
		p.commit()
		p.render()
		assert.Empty(t, p.diff())

		p.write("Kptfile", head+step("istio"))
		p.write("linkerd.yaml", strings.Replace(p.read("linkerd.yaml"), "kind: ClusterBypass", "kind: Former", 1))
		p.render()
		assert.Contains(t, p.read("payments.yaml"), "config.linkerd.io/skip-outbound-ports", "nobody took it back")
	}
	require.Equal(t, rendered[0], rendered[1])
	assert.Equal(t, 1, strings.Count(rendered[0], "traffic.sidecar.istio.io/excludeOutboundPorts: \"3306\""))
	assert.Equal(t, 1, strings.Count(rendered[0], "config.linkerd.io/skip-outbound-ports: \"4567-4568,8583\""))
}
