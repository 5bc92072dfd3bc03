package kustomize

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestExamplesRenderAsExpected(t *testing.T) {
	for name, folder := range map[string]string{
		"asm-ports":                   "examples/asm-ports",
		"clusters-eu":                 "examples/clusters/clusters/eu",
		"clusters-us":                 "examples/clusters/clusters/us",
		"component-shop":              "examples/component/shop",
		"component-warehouse":         "examples/component/warehouse",
		"dce-helloworld-passthrough":  "examples/dce-helloworld/overlays/passthrough",
		"dce-helloworld-switched-off": "examples/dce-helloworld/overlays/switched-off",
		"fsm-ip-range":                "examples/fsm-ip-range",
		"init-containers":             "examples/init-containers",
		"istio-ambient":               "examples/istio-ambient",
		"operators":                   "examples/operators",
		"overlays-production":         "examples/overlays/overlays/production",
		"overlays-staging":            "examples/overlays/overlays/staging",
		"ports-by-name":               "examples/ports-by-name",
		"teams":                       "examples/teams/apps",
		"two-meshes":                  "examples/two-meshes",
	} {
		t.Run(name, func(t *testing.T) { compare(t, name, render(t, folder)) })
	}
}

// compare holds a rendering against an expected file, which -update rewrites.
func compare(t *testing.T, name, rendered string) {
	t.Helper()
	golden := filepath.Join("testdata", name+".yaml")
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(rendered), 0o644))
		t.Fatalf("%s is rewritten: read the difference, then run without -update", golden)
	}
	expected, err := os.ReadFile(golden)
	require.NoError(t, err, "go test ./test/kustomize -update writes it")
	assert.Equal(t, string(expected), rendered)
}

const (
	istio = "traffic.sidecar.istio.io/"
	fsm   = "flomesh.io/"
)

// bypass is what an example promises for one workload.
type bypass struct {
	annotations map[string]string // all of the template's that the mesh reads
	arguments   []string          // of krm-bypass-init, in any order
	behind      []string          // the init containers after it
	closing     []string          // the arguments of krm-bypass-close
}

func TestExamplesShowWhatTheySay(t *testing.T) {
	ofTheNamespace := bypass{
		annotations: map[string]string{
			istio + "excludeInboundPorts":  "7001,7002,7005",
			istio + "includeOutboundPorts": "7001,7002,7005",
			// The excluded range is not here: Istio would let it win over the included ports.
		},
		arguments: []string{
			"--exclude-inbound-ports=7001-7002,7005",
			"--include-outbound-ports=7001-7002,7005",
			"--exclude-outbound-ip-ranges=192.0.2.0/24",
		},
	}
	ofLedger := ofTheNamespace
	ofLedger.behind = []string{"restore"}

	mysql := []string{"--exclude-outbound-ports=3306"}
	scraped := append([]string{"--exclude-inbound-ports=9090"}, mysql...)
	for _, example := range []struct {
		folder    string
		workloads map[string]bypass // all that the function touches
	}{
		{
			folder: "examples/istio-ambient",
			workloads: map[string]bypass{
				"Deployment bank/ledger": {annotations: map[string]string{istio + "excludeOutboundPorts": "3306"}, arguments: mysql},
				"Deployment bank/rates":  {annotations: map[string]string{}, arguments: mysql},
				"Deployment shop/cart":   {annotations: map[string]string{}, arguments: scraped},
				"Deployment shop/legacy": {annotations: map[string]string{istio + "excludeOutboundPorts": "3306", istio + "excludeInboundPorts": "9090"}, arguments: scraped},
			},
		},
		{
			folder: "examples/asm-ports",
			workloads: map[string]bypass{
				"Deployment default/orders":  ofTheNamespace,
				"StatefulSet default/ledger": ofLedger,
				"Deployment default/reports": {
					annotations: map[string]string{
						istio + "excludeInboundPorts":  "9090",
						istio + "includeOutboundPorts": "7001,7002,7005",
					},
					arguments: []string{
						"--exclude-inbound-ports=9090",
						"--include-outbound-ports=7001-7002,7005",
						"--exclude-outbound-ip-ranges=192.0.2.0/24",
					},
				},
				"CronJob batch/nightly": {
					annotations: map[string]string{istio + "excludeOutboundIPRanges": "192.0.2.0/24"},
					arguments:   []string{"--exclude-outbound-ip-ranges=192.0.2.0/24"},
				},
			},
		},
		{
			folder: "examples/dce-helloworld/overlays/passthrough",
			workloads: map[string]bypass{
				"Deployment default/helloworld": {
					annotations: map[string]string{
						istio + "excludeInboundPorts":     "5000",
						istio + "excludeOutboundPorts":    "6379",
						istio + "excludeOutboundIPRanges": "198.51.100.0/24",
					},
					arguments: []string{
						"--exclude-inbound-ports=5000",
						"--exclude-outbound-ports=6379",
						"--exclude-outbound-ip-ranges=198.51.100.0/24",
					},
				},
			},
		},
		{
			folder: "examples/fsm-ip-range",
			workloads: map[string]bypass{
				"Deployment curl/curl": {
					annotations: map[string]string{fsm + "outbound-ip-range-exclusion-list": "203.0.113.10/32"},
					arguments:   []string{"--exclude-outbound-ip-ranges=203.0.113.10/32"},
				},
			},
		},
		{
			folder: "examples/ports-by-name",
			workloads: map[string]bypass{
				"Deployment shop/cart":    {annotations: map[string]string{istio + "excludeInboundPorts": "9090"}, arguments: []string{"--exclude-inbound-ports=9090"}},
				"StatefulSet shop/orders": {annotations: map[string]string{istio + "excludeInboundPorts": "2020,9187"}, arguments: []string{"--exclude-inbound-ports=2020,9187"}, behind: []string{"shipper"}},
			},
		},
		{
			folder: "examples/init-containers",
			workloads: map[string]bypass{
				"Deployment shop/cart": {
					annotations: map[string]string{istio + "excludeOutboundPorts": "6379"},
					arguments:   []string{"--exclude-outbound-ports=6379,8200", "--exclude-outbound=198.51.100.0/24@5432"},
					behind:      []string{"secrets", "migrate", "krm-bypass-close"},
					closing:     []string{"--exclude-outbound-ports=6379"},
				},
				"StatefulSet shop/orders": {
					annotations: map[string]string{},
					arguments:   []string{"--exclude-outbound=198.51.100.0/24@5432"},
					behind:      []string{"shipper", "migrate", "krm-bypass-close"},
					closing:     []string{"--end-connections"},
				},
			},
		},
		{
			folder: "examples/overlays/overlays/staging",
			workloads: map[string]bypass{
				"Deployment shop-staging/cart": {annotations: map[string]string{istio + "excludeOutboundPorts": "3306"}, arguments: mysql},
			},
		},
		{
			folder: "examples/overlays/overlays/production",
			workloads: map[string]bypass{
				"Deployment shop-production/cart": {annotations: map[string]string{istio + "excludeOutboundPorts": "3306", istio + "excludeInboundPorts": "9090"}, arguments: scraped},
			},
		},
		{
			folder: "examples/clusters/clusters/eu",
			workloads: map[string]bypass{
				"Deployment bank/ledger": {
					annotations: map[string]string{istio + "excludeOutboundPorts": "3306", istio + "excludeOutboundIPRanges": "169.254.169.254/32,192.0.2.0/24"},
					arguments:   []string{"--exclude-outbound-ports=3306", "--exclude-outbound-ip-ranges=169.254.169.254/32,192.0.2.0/24"},
				},
			},
		},
		{
			folder: "examples/clusters/clusters/us",
			workloads: map[string]bypass{
				"Deployment bank/ledger": {
					annotations: map[string]string{istio + "excludeOutboundPorts": "5432", istio + "excludeOutboundIPRanges": "169.254.169.254/32"},
					arguments:   []string{"--exclude-outbound-ports=5432", "--exclude-outbound-ip-ranges=169.254.169.254/32"},
				},
			},
		},
		{
			folder: "examples/teams/apps",
			workloads: map[string]bypass{
				"Deployment shop/cart": {
					annotations: map[string]string{istio + "includeOutboundPorts": "443", istio + "excludeOutboundPorts": "6379"},
					arguments:   []string{"--include-outbound-ports=443", "--exclude-outbound-ip-ranges=169.254.169.254/32", "--exclude-outbound-ports=6379"},
				},
				"Deployment payments/cards": {
					annotations: map[string]string{istio + "includeOutboundPorts": "443"},
					arguments:   []string{"--include-outbound-ports=443", "--exclude-outbound-ip-ranges=169.254.169.254/32", "--exclude-outbound=198.51.100.0/24@8443"},
				},
			},
		},
		{
			folder: "examples/component/shop",
			workloads: map[string]bypass{
				"Deployment shop/eu-cart": {
					annotations: map[string]string{
						istio + "excludeOutboundIPRanges": "169.254.169.254/32",
						istio + "excludeOutboundPorts":    "3306",
					},
					arguments: []string{"--exclude-outbound-ip-ranges=169.254.169.254/32", "--exclude-outbound-ports=3306"},
				},
			},
		},
		{
			folder: "examples/component/warehouse",
			workloads: map[string]bypass{
				"StatefulSet warehouse/stock": {
					annotations: map[string]string{
						istio + "excludeOutboundIPRanges": "169.254.169.254/32",
						istio + "excludeInboundPorts":     "9102",
					},
					arguments: []string{"--exclude-outbound-ip-ranges=169.254.169.254/32", "--exclude-inbound-ports=9102"},
				},
			},
		},
	} {
		t.Run(example.folder, func(t *testing.T) {
			before := objects(t, renderWithoutFunction(t, example.folder))
			after := objects(t, render(t, example.folder))
			require.Len(t, after, len(before))

			for name, object := range after {
				promised, touched := example.workloads[name]
				if !touched {
					assert.Equal(t, before[name], object, "%s is none of the function's business", name)
					continue
				}
				template := object.template()
				assert.Equal(t, promised.annotations, template.meshAnnotations(), "annotations of %s", name)
				assert.Contains(t, template.Metadata.Annotations, "krm-bypass.dev/policy", name)
				if containers := template.Spec.InitContainers; assert.NotEmpty(t, containers, name) {
					assert.Equal(t, "krm-bypass-init", containers[0].Name, "first init container of %s", name)
					assert.ElementsMatch(t, promised.arguments, containers[0].Args, "arguments of %s", name)
					assert.Equal(t, promised.behind, names(containers[1:]), "other init containers of %s", name)
					if promised.closing != nil {
						assert.ElementsMatch(t, promised.closing, containers[len(containers)-1].Args, "arguments of the last of %s", name)
					}
				}
			}
			for name := range example.workloads {
				assert.Contains(t, after, name)
			}
		})
	}
}

func TestSwitchingOffGivesBackTheManifests(t *testing.T) {
	assert.Equal(t,
		renderWithoutFunction(t, "examples/dce-helloworld/base"),
		render(t, "examples/dce-helloworld/overlays/switched-off"))
}

func TestTheFunctionOnItsOwnOutputChangesNothing(t *testing.T) {
	twice := overlay(t, "../asm-ports", exampleFile(t, "asm-ports/bypass.yaml"))
	assert.Equal(t, render(t, "examples/asm-ports"), render(t, twice))
}

// This pins a trap of kustomize's, about which examples/README.md warns, and
// that the marker it tells the reader to look for does show it.
func TestWithoutEnableExecKustomizeSkipsTheFunctionInSilence(t *testing.T) {
	built := build(t, "examples/asm-ports", "--enable-alpha-plugins")
	assert.False(t, built.failed)
	assert.Empty(t, built.stderr)
	assert.NotContains(t, built.stdout, "krm-bypass.dev/policy")
}

func TestABadSpecificationStopsTheBuildAndSaysWhere(t *testing.T) {
	good := exampleFile(t, "asm-ports/bypass.yaml")
	for name, test := range map[string]struct {
		old, bad string
		says     []string
	}{
		"port out of range": {
			old: "excludeInboundPorts: [7001, 7002, 7005]", bad: "excludeInboundPorts: [7001, 70002, 7005]",
			says: []string{"spec.namespaces[0].excludeInboundPorts[1]", "70002"},
		},
		"unknown field": {
			old: "excludeOutboundIPRanges:", bad: "excludeOutboundIpRanges:",
			says: []string{"spec.global", "excludeOutboundIpRanges"},
		},
		"unknown mesh": {
			old: "mesh: Istio", bad: "mesh: Isto",
			says: []string{"spec.mesh", "Isto"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, 1, strings.Count(good, test.old))
			built := build(t, overlay(t, "../asm-ports/base", strings.Replace(good, test.old, test.bad, 1)), withFunction...)
			assert.True(t, built.failed)
			assert.Empty(t, built.stdout, "a failed build prints no manifest")
			for _, words := range test.says {
				assert.Contains(t, built.stderr, words)
			}
		})
	}
}
