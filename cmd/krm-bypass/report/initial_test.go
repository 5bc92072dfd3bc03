package report

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

const startingSpec = `apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata: {name: cluster}
spec:
  global:
    reason: the database
    excludeOutboundPorts: [5432]
    includeOutboundPorts: [8443]
    forInitContainers: {excludeOutbound: [{ipRanges: [192.0.2.0/24], ports: [443, 8443]}]}
  workloads:
  - match: {names: [web]}
    forInitContainers: {excludeOutboundIPRanges: [10.0.0.0/16], excludeOutboundPorts: [5432, 53/UDP]}
  enforcement: {image: registry.example.com/mesh/init:v0.1.0}
`

const startingPods = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {selector: {}, template: {spec: {initContainers: [{name: fetch, image: "fetch:1"}], containers: [{name: web, image: "web:1"}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop}
spec: {selector: {}, template: {spec: {containers: [{name: api, image: "api:1"}]}}}
`

func TestFormatsOfWhatHoldsWhileInitContainersRun(t *testing.T) {
	answers, changes := reportOf(t, startingSpec, startingPods), reportOf(t, startingSpec, startingPods)
	c, err := traffic.ParseOutbound("10.0.1.2:443")
	require.NoError(t, err)
	answers.Decide(c, "10.0.1.2:443")
	changes.Compare(reportOf(t, strings.NewReplacer("443, 8443", "443", "    forInitContainers: {excludeOutboundIPRanges: [10.0.0.0/16], excludeOutboundPorts: [5432, 53/UDP]}", "    excludeInboundPorts: []").Replace(startingSpec), startingPods))
	testFormats(t, "starting", ExplanationFormats, map[string]Explanation{"settings": reportOf(t, startingSpec, startingPods), "answers": answers, "changes": changes})
}

// TestAnswersWhileInitContainersRun asks about connections of which both settings say the
// same, and about others.
func TestAnswersWhileInitContainersRun(t *testing.T) {
	for connection, want := range map[string][2]string{ // of web, and of api
		"10.0.1.2:443":    {"intercepted, bypassed by forInitContainers.excludeOutboundIPRanges", "intercepted"},
		"10.0.1.2:8443":   {"intercepted", "intercepted"}, // it is included at every address
		"10.0.1.2:53":     {"intercepted", "intercepted"}, // the mesh's DNS stays
		"10.0.1.2:53/UDP": {"left to the mesh, bypassed by forInitContainers.excludeOutboundPorts", "left to the mesh"},
		"192.0.2.1:8443":  {"intercepted, bypassed by forInitContainers.excludeOutbound", "intercepted, bypassed by forInitContainers.excludeOutbound"},
		"192.0.2.1:5432":  {"bypassed", "bypassed"},
		"198.51.100.1:1":  {"intercepted", "intercepted"},
		"127.0.0.1:443":   {"left to the mesh", "left to the mesh"},
	} {
		c, err := traffic.ParseOutbound(connection)
		require.NoError(t, err)
		r := reportOf(t, startingSpec, startingPods)
		r.Decide(c, connection)
		for i, w := range r.Workloads {
			says := w.Decision.Verdict
			if d := w.Decision.Initially; d != nil {
				says += ", " + d.Verdict + " by " + d.Field
				require.NotEmpty(t, d.By)
				assert.True(t, strings.HasPrefix(d.By[0].From.Path, d.By[0].From.Scope))
			}
			assert.Equal(t, want[i], says, "%s of %s", connection, w.Name)
		}
	}
	var inbound traffic.Connection
	inbound.Direction, inbound.Port = traffic.Inbound, 443
	r := reportOf(t, startingSpec, startingPods)
	r.Decide(inbound, "443")
	assert.Nil(t, r.Workloads[0].Decision.Initially, "nobody calls init containers")
	assert.True(t, strings.HasPrefix(r.Workloads[0].Fields[2].Field, fn.InitialPrefix))
}

// TestBothTimesAgree holds what explain answers against what the init containers that are
// written let bypass, and the mesh's rules by the annotations, for all meshes and data planes.
func TestBothTimesAgree(t *testing.T) {
	bypassed := map[bool]int{}
	for _, m := range mesh.All() {
		for _, plane := range mesh.DataPlanes {
			for _, own := range []string{"", "excludeOutboundPorts=443,7001", "includeOutboundPorts=443 excludeOutboundIPRanges=10.1.0.0/16 excludeInboundPorts=80"} {
				for _, initial := range []string{"excludeOutboundPorts=443,2181", "excludeOutboundIPRanges=10.0.0.0/8", "excludeOutbound=192.0.2.0/24@443,10.0.0.0/8@5432"} {
					if m.On(plane) == nil {
						continue
					}
					rule := inSpec(t, own)
					if rule != "" {
						rule += ", "
					}
					if plane != mesh.Sidecar {
						rule += "dataPlane: " + string(plane) + ", "
					}
					spec := fmt.Sprintf("apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n  mesh: %s\n  meshDefaults: {}\n  global: {%sforInitContainers: {%s}}\n  enforcement: {image: 'example.com/init:v1'}\n", m.Name, rule, inSpec(t, initial))
					files, results, err := fn.Manifests(fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte(spec)}), []fn.Manifest{{Path: "shop.yaml", Text: []byte("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {selector: {}, template: {spec: {containers: [{name: a, image: a}]}}}\n")}}, fn.Options{})
					require.NoError(t, err, results.Report())
					var first, last finished
					require.NoError(t, yaml.Unmarshal(files[0].Text, &first))
					last = first
					containers := first.Spec.Template.Spec.InitContainers
					first.Spec.Template.Spec.InitContainers, last.Spec.Template.Spec.InitContainers = containers[:1], containers[len(containers)-1:]
					r := reportOf(t, spec, string(files[0].Text))
					for _, c := range sample() {
						r.Decide(c, "")
						d := r.Workloads[0].Decision
						meanwhile, afterwards := first.held(t, m.On(plane), traffic.Layer{}, c), last.held(t, m.On(plane), traffic.Layer{}, c)
						require.Equal(t, afterwards, d.Verdict == Bypassed, "%s%+v", spec, c)
						require.Equal(t, meanwhile, d.Verdict == Bypassed || d.Initially != nil, "%s%+v", spec, c)
						bypassed[meanwhile && !afterwards]++
					}
				}
			}
		}
	}
	assert.Greater(t, bypassed[true], 200)
}

// TestARefusedWorkloadBypassesNothingWhileInitContainersRun asks about what a limit
// forbids: nothing is written, so that nothing is ended either.
func TestARefusedWorkloadBypassesNothingWhileInitContainersRun(t *testing.T) {
	limited := strings.Replace(startingSpec, "  enforcement:", "  limits: {forbiddenNamespaces: [shop]}\n  enforcement:", 1)
	always := strings.Replace(limited, "    forInitContainers: {excludeOutbound: [{ipRanges: [192.0.2.0/24], ports: [443, 8443]}]}\n", "", 1)
	always = strings.Replace(always, "    forInitContainers: {excludeOutboundIPRanges: [10.0.0.0/16], excludeOutboundPorts: [5432, 53/UDP]}", "    excludeInboundPorts: [9090]", 1)
	for _, spec := range []string{limited, always} {
		for _, connection := range []string{"10.0.1.2:443", "10.0.1.2:5432", "192.0.2.1:443"} {
			r := reportOf(t, spec, startingPods)
			c, err := traffic.ParseOutbound(connection)
			require.NoError(t, err)
			r.Decide(c, connection)
			for _, w := range r.Workloads {
				require.Equal(t, fn.RefusedOutcome, w.Outcome)
				assert.Nil(t, w.Decision.Initially, "%s to %s", w.Name, connection)
			}
		}
	}
}
