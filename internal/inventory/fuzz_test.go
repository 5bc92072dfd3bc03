package inventory_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/internal/inventory"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
)

// FuzzTake reads any file: it says what is wrong with it, or gives a spec that
// reads back and manifests of which the same import finds nothing more to take
// out.
func FuzzTake(f *testing.F) {
	f.Add([]byte(deployment("web", "shop", portsAnnotation+`"3306", a: b`)))
	f.Add([]byte("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, annotations: {config.linkerd.io/skip-inbound-ports: '1,2-3'}}\n---\n" + deployment("web", "shop", `config.linkerd.io/skip-outbound-ports: "4567"`)))
	f.Add([]byte("apiVersion: config.flomesh.io/v1alpha3\nkind: MeshConfig\nmetadata: {name: m}\nspec: {traffic: {outboundPortExclusionList: [1, 2], outboundIPRangeInclusionList: [10.0.0.0/8]}}\n"))
	f.Add([]byte("global: {proxy: {excludeIPRanges: 127.0.0.0/8, includeInboundPorts: 80, excludeOutboundPorts: ''}}\n"))
	f.Add([]byte(`{"kind": "List", "items": [{"kind": "ConfigMap", "metadata": {"name": "istio-sidecar-injector"}, "data": {"values": "{\"global\": {\"proxy\": {\"includeIPRanges\": \"\"}}}"}}]}`))
	f.Add([]byte("istiod: {enabled: true, global: {proxy: {excludeOutboundPorts: '1'}}}\nglobal: {proxy: {excludeOutboundPorts: '2'}, proxyInit: {ignoreInboundPorts: '25'}}\nkuma: {controlPlane: {config: 'runtime: {}'}}\n"))
	f.Add([]byte(`{"Namespace": "shop", "ConfigPatches": {"ExcludeOutboundPorts": "3306", "IncludeInboundPorts": ""}}{"Namespace": "globalDefault", "body": {"ConfigPatches": {"ExcludeInboundPorts": "1"}}}`))
	f.Add([]byte("apiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: {name: x}\nspec:\n  set: {proxyInit.ignoreInboundPorts: '1'}\n  valuesContent: |\n    proxyInit: {ignoreOutboundPorts: 25}\n"))
	f.Add([]byte("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: kuma-control-plane}\nspec: {template: {spec: {containers: [{name: a, env: [{name: KUMA_RUNTIME_KUBERNETES_SIDECAR_TRAFFIC_EXCLUDE_INBOUND_PORTS, value: '1'}]}]}}}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, m := range mesh.All() {
			files := []inventory.File{{Path: "a.yaml", Text: text}}
			found, err := inventory.Take(files, m.Name, nil)
			if err != nil {
				require.NotEmpty(t, err.Error())
				continue
			}
			rules(t, found.Spec())
			changed, err := found.Stripped()
			if err != nil || len(changed) == 0 {
				continue
			}
			require.Len(t, changed, 1)
			again, err := inventory.Take(changed, m.Name, nil)
			if err != nil {
				require.ErrorContains(t, err, "nothing to import")
				continue
			}
			rest, err := again.Stripped()
			require.NoError(t, err)
			require.Empty(t, rest)
		}
	})
}
