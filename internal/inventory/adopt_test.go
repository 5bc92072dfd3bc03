package inventory_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/inventory"
	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/transform"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

func policyOf(t require.TestingT, text []byte) *transform.Policy {
	source, err := spec.In(yamltext.File{Path: "spec.yaml", Text: text})
	require.NoError(t, err)
	read, err := source.Read(spec.Given{})
	require.NoError(t, err)
	return read.Policy
}

// adopted gives the manifests among the files with the records by which the spec takes
// over what was imported.
func adopted(t require.TestingT, found *inventory.Inventory, files []inventory.File) (before, after []fn.Manifest) {
	changed, err := found.Adopted(policyOf(t, found.Spec()))
	require.NoError(t, err)
	for _, f := range files {
		if !strings.Contains(string(f.Text), "kind: Deployment") {
			continue
		}
		before, after = append(before, f), append(after, f)
		for _, c := range changed {
			if c.Path == f.Path {
				require.NotEqual(t, string(f.Text), string(c.Text), "only files that change")
				after[len(after)-1] = c
			}
		}
	}
	return before, after
}

func run(t require.TestingT, text []byte, files []fn.Manifest) []fn.Manifest {
	out, results, err := fn.Manifests(fn.SpecIn(fn.Manifest{Path: "spec.yaml", Text: text}), files, fn.Options{Image: "ghcr.io/krm-bypass/init:v0.1.0"})
	require.NoError(t, err, "%s\n%s", results.Report(), text)
	return out
}

func valuesOf(t require.TestingT, text []byte) (all []any) {
	for decoder := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var value any
		if err := decoder.Decode(&value); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			require.NoError(t, err)
		}
		all = append(all, value)
	}
}

// adoptionHolds judges a drawn tree: adopted and rendered, as much bypasses as before;
// check passes; a spec that says something else and then the same again changes nothing; and
// taking all of it away gives back the bytes.
func (r rulebook) adoptionHolds(t require.TestingT, found *inventory.Inventory, configured map[string]string, files []inventory.File) {
	before, after := adopted(t, found, files)
	rendered := run(t, found.Spec(), after)
	all := slices.Clone(files)
	for i, f := range all {
		for _, is := range rendered {
			if is.Path == f.Path {
				all[i] = is
			}
		}
	}
	require.Equal(t, r.verdicts(t, configured, files), r.verdicts(t, configured, all), "%s", found.Spec())
	same := func(want, got []fn.Manifest) {
		for i := range want {
			require.Equal(t, string(want[i].Text), string(got[i].Text), "%s", found.Spec())
		}
	}
	same(rendered, run(t, found.Spec(), rendered)) // once more
	checked, err := fn.Check(fn.SpecIn(fn.Manifest{Path: "spec.yaml", Text: found.Spec()}), rendered, fn.Options{Image: "ghcr.io/krm-bypass/init:v0.1.0"}, fn.Expiry{Today: "2026-11-28"})
	require.NoError(t, err)
	for _, o := range checked.Objects {
		require.Empty(t, o.Differences)
	}

	other := "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {mesh: " + found.Mesh.Name + ", global: {excludeInboundPorts: [7801], excludeOutboundPorts: [7802]}}\n"
	meanwhile, results, err := fn.Manifests(fn.SpecIn(fn.Manifest{Path: "spec.yaml", Text: []byte(other)}), rendered, fn.Options{Image: "ghcr.io/krm-bypass/init:v0.1.0"})
	if err != nil {
		require.Contains(t, results.Report(), "remove them from one of the two", "what was not imported may be refused where rules speak of it")
		return
	}
	for _, now := range [][]fn.Manifest{after, rendered, meanwhile} {
		back, _, err := fn.Remove("cluster", nil, now)
		require.NoError(t, err)
		same(before, back)
	}
	if strings.Contains(results.Report(), "of this workload any more") {
		return
	}
	again := run(t, found.Spec(), meanwhile) // as if nothing had been otherwise, but for the order of keys
	for i := range rendered {
		require.Equal(t, valuesOf(t, rendered[i].Text), valuesOf(t, again[i].Text))
	}
}

// TestAdoptedStaysAsItIs: where annotations alone can say it, no pod template changes.
func TestAdoptedStaysAsItIs(t *testing.T) {
	for name, test := range map[string]struct {
		files string
		// restarts are the workloads that change all the same.
		adopted  int
		restarts []inventory.Restart
	}{
		"in whatever spelling": {"-- a.yaml --\n" + stream(
			commented("web", "        # databases\n"+ports+"\"3306, 443\" # both\n        a: b\n"), commented("api", ports+"'443,3306,3306'\n")), 2, nil},
		"with what the mesh's configuration says": {"-- values.yaml --\nglobal: {proxy: {excludeOutboundPorts: '7001', excludeInboundPorts: '9100'}}\n-- a.yaml --\n" +
			deployment("web", "shop", portsAnnotation+`"7001,3306"`), 1, nil},
		"cleared": {"-- values.yaml --\nglobal: {proxy: {excludeOutboundPorts: '7001'}}\n-- a.yaml --\n" +
			deployment("web", "shop", portsAnnotation+`""`), 1, nil},
		"in a list, beside one that says nothing": {"-- a.yaml --\napiVersion: v1\nkind: List\nitems:\n- apiVersion: apps/v1\n  kind: StatefulSet\n  metadata: {name: db}\n  spec: {template: {metadata: {annotations: {" + portsAnnotation + "'3306'}}, spec: {containers: []}}}\n" +
			"- apiVersion: apps/v1\n  kind: StatefulSet\n  metadata: {name: other}\n  spec: {template: {spec: {containers: []}}}\n", 1, nil},
		"but not what only an init container can say": {"-- a.yaml --\n" + stream(
			deployment("web", "shop", istioKey+`includeOutboundPorts: "7001", `+istioKey+`excludeOutboundIPRanges: "192.0.2.0/24"`),
			deployment("api", "shop", portsAnnotation+`"1"`)), 1, []inventory.Restart{{"Deployment shop/web", `the init container krm-bypass-init, krm-bypass.dev/policy, traffic.sidecar.istio.io/excludeOutboundIPRanges as "" instead of "192.0.2.0/24"`}}},
		"but not what a Namespace says": {"-- a.yaml --\n" + stream(linkerdNamespace, deployment("web", "shop", ""), deployment("api", "shop", `config.linkerd.io/skip-inbound-ports: "1-9"`)),
			1, []inventory.Restart{{"Deployment shop/web", "config.linkerd.io/skip-inbound-ports, krm-bypass.dev/policy"}}},
		"beside one that the mesh ignores": {"-- a.yaml --\n" + stream(
			deployment("web", "shop", `traffic.kuma.io/exclude-outbound-ports: "6379", traffic.kuma.io/exclude-inbound-ports: ""`),
			deployment("quiet", "shop", `traffic.kuma.io/exclude-inbound-ports: ""`)), 1, nil},
		"of two meshes' levels that add up": {"-- mesh.yaml --\n" + meshConfig("config.flomesh.io", "{outboundPortExclusionList: [3306]}") +
			"-- a.yaml --\n" + deployment("web", "shop", `flomesh.io/outbound-port-exclusion-list: "6379"`), 1, nil},
		"of several templates of an object": {"-- r.yaml --\napiVersion: ray.io/v1\nkind: RayCluster\nmetadata: {name: ray, namespace: shop}\nspec:\n  headGroupSpec: {template: {metadata: {annotations: {" + portsAnnotation + "'3306'}}, spec: {containers: [{name: a, image: b}]}}}\n" +
			"  workerGroupSpecs:\n  - {groupName: small, template: {metadata: {annotations: {" + portsAnnotation + "'3306'}}, spec: {containers: [{name: a, image: b}]}}}\n", 2, nil},
	} {
		t.Run(name, func(t *testing.T) {
			files := tree(test.files)
			found, err := inventory.Take(files, "", nil)
			require.NoError(t, err)
			policy := policyOf(t, found.Spec())
			changed, err := found.Adopted(policy)
			require.NoError(t, err)
			assert.Equal(t, inventory.Rollout{Adopted: test.adopted, Restarts: test.restarts}, found.Rollout(policy, changed))
			text := func(manifests []inventory.File) string {
				var all strings.Builder
				for _, f := range manifests {
					for line := range strings.Lines(string(f.Text)) {
						if !strings.Contains(line, "krm-bypass.dev/last-applied") {
							all.WriteString(line)
						}
					}
				}
				return all.String()
			}
			if test.restarts == nil {
				assert.Equal(t, text(changed), text(run(t, found.Spec(), changed)))
			}
		})
	}
}

// TestWhatRestarts: stripped and rendered, what comes into the pod templates.
func TestWhatRestarts(t *testing.T) {
	cron := "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: web, namespace: shop}\nspec: {jobTemplate: {spec: {template: {metadata: {annotations: {" + portsAnnotation + "'1'}}, spec: {containers: []}}}}}\n"
	files := tree("-- a.yaml --\n" + stream(deployment("web", "shop", portsAnnotation+`"3306,443"`), cron, deployment("api", "shop", portsAnnotation+`"3306"`), deployment("quiet", "shop", "")))
	found, err := inventory.Take(files, "", nil)
	require.NoError(t, err)
	changed, err := found.Stripped()
	require.NoError(t, err)
	assert.Equal(t, inventory.Rollout{Later: 1, Restarts: []inventory.Restart{
		{"Deployment shop/api", "krm-bypass.dev/policy"},
		{"Deployment shop/web", `krm-bypass.dev/policy, traffic.sidecar.istio.io/excludeOutboundPorts as "443,3306" instead of "3306,443"`},
	}}, found.Rollout(policyOf(t, found.Spec()), changed))
}
