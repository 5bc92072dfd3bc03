package fn_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/fn"
)

// named are a workload of Kuma that names a ConfigMap, and that, with its settings.
func named(metadata, settings string) []fn.Manifest {
	const workload = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}, annotations: {traffic.kuma.io/transparent-proxy-configmap-name: tproxy}}, spec: {containers: [{name: app, image: app}]}}}\n"
	return []fn.Manifest{
		manifest("web.yaml", workload), manifest("again.yaml", strings.Replace(workload, "name: web", "name: again", 1)),
		manifest("tproxy.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {"+metadata+"}\ndata:\n  config.yaml: |\n    "+strings.ReplaceAll(settings, "\n", "\n    ")+"\n"),
	}
}

// TestAConfigMapThatAPodNames: Kuma's init container reads it in the pod's own namespace
// (kumahq/kuma pkg/plugins/runtime/k8s/webhooks/injector/injector.go, injectKuma). What is
// written does not depend on it.
func TestAConfigMapThatAPodNames(t *testing.T) {
	const (
		head = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {mesh: Kuma, global: {excludeOutboundPorts: [3306]}, enforcement: {mode: AnnotationsOnly}"
		here = "name: tproxy, namespace: shop"
		all  = "excludeInboundPorts 1-65535, excludeOutbound 0.0.0.0/0@1-65535 ::/0@1-65535"
	)
	anything := []string{"traffic.kuma.io/transparent-proxy-configmap-name perhaps " + all}
	spec := func(limits string) *fn.Spec { return fn.SpecIn(manifest("bypass.yaml", head+limits+"}\n")) }
	bare, _, err := fn.Manifests(spec(""), named(here, "")[:1], fn.Options{})
	require.NoError(t, err)
	for settings, want := range map[string]struct {
		says   []string
		beyond bool
	}{
		"redirect: {outbound: {excludePorts: [443, 8443]}}":                         {[]string{"redirect.outbound.excludePorts: excludeOutboundPorts 443 8443"}, true},
		"redirect: {outbound: {excludePorts: \"443,8443\"}}":                        {[]string{"redirect.outbound.excludePorts: excludeOutboundPorts 443 8443"}, true},
		"redirect:\n  outbound:\n    excludePorts: 8443":                            {[]string{"redirect.outbound.excludePorts: excludeOutboundPorts 8443"}, false},
		"redirect: {outbound: {includePorts: [443]}}":                               {[]string{"redirect.outbound.includePorts: excludeOutboundPorts 1-442 444-65535"}, false},
		"redirect: {outbound: {includePorts: [], excludePorts: []}}":                {nil, false},
		"redirect: {outbound: {excludePortsForUIDs: [\"tcp:443:1000\", \"80:1\"]}}": {[]string{"redirect.outbound.excludePortsForUIDs: excludeOutboundPorts 80 443"}, true},
		"redirect: {outbound: {excludePortsForIPs: [10.0.0.0/8]}}":                  {[]string{"redirect.outbound.excludePortsForIPs: excludeOutboundIPRanges 10.0.0.0/8"}, true},
		"redirect: {outbound: {enabled: false}}":                                    {[]string{"redirect.outbound.enabled: excludeOutbound 0.0.0.0/0@1-65535 ::/0@1-65535"}, true},
		"redirect: {inbound: {includePorts: [443], excludePorts: [1]}}":             {[]string{"redirect.inbound.includePorts: excludeInboundPorts 1-442 444-65535", "redirect.inbound.excludePorts: excludeInboundPorts 1"}, false},
		"redirect: {inbound: {excludePortsForIPs: [10.0.0.0/8]}}":                   {[]string{"redirect.inbound.excludePortsForIPs perhaps excludeInboundPorts 1-65535"}, false},
		"redirect: {inbound: {enabled: true}, dns: {enabled: true}}\nverbose: true": {nil, false},
		"ipFamilyMode: dualstack":                                                   {nil, false},
		"ipFamilyMode: ipv4":                                                        {[]string{"ipFamilyMode: excludeInboundPorts 1-65535, excludeOutbound ::/0@1-65535"}, true},
		"dryRun: true":                                                              {[]string{"dryRun: " + all}, true},
		"ofTomorrow: {a: 1}":                                                        {[]string{"ofTomorrow.a perhaps " + all}, true},
		"redirect: {outbound: {excludePorts: [no]}}":                                {[]string{"redirect.outbound.excludePorts perhaps excludeOutbound 0.0.0.0/0@1-65535 ::/0@1-65535"}, true},
		"redirect: {outbound: [443]}":                                               {[]string{"redirect.outbound perhaps " + all}, true},
		"[":                                                                         {anything, false},
		"":                                                                          {anything, false},
	} {
		files := named(here, settings)
		assert.Equal(t, want.says, otherWays(t, spec(""), files), settings)
		written, results, err := fn.Manifests(spec(""), files, fn.Options{})
		require.NoError(t, err)
		assert.Equal(t, string(bare[0].Text), string(written[0].Text), settings)
		assert.Empty(t, beyond(results))
		_, results, err = fn.Manifests(spec(", limits: {forbiddenOutboundPorts: [443]}"), files, fn.Options{})
		require.ErrorIs(t, err, fn.ErrFailed, "the annotation is judged without it")
		require.Equal(t, want.beyond, beyond(results) != nil, "%s: %s", settings, results.Report())
		if want.beyond {
			require.Len(t, beyond(results), 1, "of both workloads")
			assert.Contains(t, beyond(results)[0], " must not bypass the sidecar (spec.limits.forbiddenOutboundPorts), but ")
		}
	}
	for _, metadata := range []string{"name: tproxy, namespace: kuma-system", "name: other, namespace: shop", "name: tproxy"} {
		assert.Equal(t, anything, otherWays(t, spec(""), named(metadata, "verbose: true")), metadata)
	}
	other := named(here, "verbose: true")
	other[2].Text = []byte(strings.Replace(string(other[2].Text), "ConfigMap", "Secret", 1))
	assert.Equal(t, anything, otherWays(t, spec(""), other), "no ConfigMap")
}

func beyond(results fn.Results) (says []string) {
	for _, r := range results {
		if r.File != nil && r.File.Path == "tproxy.yaml" {
			says = append(says, r.Message)
		}
	}
	return says
}

// otherWays gives what else lets traffic of the first workload bypass, "perhaps" where
// nobody can tell what.
func otherWays(t *testing.T, spec *fn.Spec, files []fn.Manifest) (all []string) {
	t.Helper()
	explained, err := fn.Explain(spec, files, fn.Options{}, "")
	require.NoError(t, err, explained.Results.Report())
	for _, o := range explained.Workloads[0].Others {
		var lets []string
		for field, entries := range o.Lets {
			lets = append(lets, field+" "+strings.Join(entries, " "))
		}
		slices.Sort(lets)
		assert.False(t, o.Sure)
		between := ": "
		if o.Doubt == "" {
			between = " perhaps "
		} else {
			assert.Contains(t, o.Doubt, "its CNI plugin does not")
			assert.Equal(t, "tproxy.yaml", o.From.File)
		}
		all = append(all, o.Name+between+strings.Join(lets, ", "))
	}
	return all
}
