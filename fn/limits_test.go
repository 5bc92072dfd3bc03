package fn_test

import (
	"cmp"
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// drawnLimits are limits as a test sees them: single ports, which are forbidden
// over both protocols, and lengths of prefixes.
type drawnLimits struct {
	inbound, outbound []uint16
	ipv4, ipv6        int
	// namespaces in which nothing may bypass, and whose workloads may carry
	// annotations; annotating is nil for all.
	forbidden, annotating []string
}

// Of the ports some are in the pools of what is drawn, some are not.
var (
	limitedPorts = []uint16{53, 443, 3306, 5432, 6005, 7003, 7006, 8080, 9003, 9090}
	seenPorts    = []uint16{1, 52, 53, 54, 443, 3305, 3306, 3307, 4789, 5432, 6000, 6005, 6010, 7001, 7003, 7005, 7006, 7008, 8080, 8081, 8083, 8443, 9000, 9003, 9010, 9090, 9091, 65535}
)

func drawLimits(t *rapid.T) drawnLimits {
	few := func(label string) []uint16 {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(limitedPorts), 0, 2, rapid.ID).Draw(t, label)
	}
	l := drawnLimits{
		inbound: few("forbidden inbound"), outbound: few("forbidden outbound"),
		ipv4: rapid.SampledFrom([]int{0, 0, 8, 9, 16, 17, 25, 32}).Draw(t, "widest IPv4"),
		ipv6: rapid.SampledFrom([]int{0, 0, 8, 9, 128}).Draw(t, "widest IPv6"),
	}
	if chance(t, 4, "a forbidden namespace") {
		l.forbidden = []string{rapid.SampledFrom([]string{"shop", "team-*", "other"}).Draw(t, "forbidden namespace")}
	}
	if chance(t, 4, "annotations are limited") {
		l.annotating = rapid.SampledFrom([][]string{{}, {"shop"}, {"*"}}).Draw(t, "annotating namespaces")
	}
	return l
}

func (l drawnLimits) spec() map[string]any {
	limits := map[string]any{
		"forbiddenInboundPorts": l.inbound, "forbiddenOutboundPorts": l.outbound,
		"widestPrefix":        map[string]any{"ipv4": l.ipv4, "ipv6": l.ipv6},
		"forbiddenNamespaces": l.forbidden,
	}
	if l.forbidden == nil {
		delete(limits, "forbiddenNamespaces")
	}
	if l.annotating != nil {
		limits["podAnnotations"] = map[string]any{"namespaces": l.annotating}
	}
	return limits
}

// with gives the text of a spec with the limits in it.
func (l drawnLimits) with(t require.TestingT, text []byte) []byte {
	var object map[string]any
	require.NoError(t, yaml.Unmarshal(text, &object))
	object["spec"].(map[string]any)["limits"] = l.spec()
	text, err := yaml.Marshal(object)
	require.NoError(t, err)
	return text
}

// edges are the addresses at which what a drawn set says may change.
var edges = func() []netip.Addr {
	entries := slices.Concat(ranges, []string{"10.2.0.0/16", "172.16.0.0/12", "0.0.0.0/0", "::/0"})
	var all []netip.Addr
	for _, entry := range entries {
		p, err := traffic.ParsePrefix(entry)
		if err != nil {
			panic(err)
		}
		last := p.Addr().AsSlice()
		for i := p.Bits(); i < p.Addr().BitLen(); i++ {
			last[i/8] |= 0x80 >> (i % 8)
		}
		end, _ := netip.AddrFromSlice(last)
		for _, a := range []netip.Addr{p.Addr().Prev(), p.Addr(), end, end.Next()} {
			if a.IsValid() {
				all = append(all, a)
			}
		}
	}
	return all
}()

// broken says, by the decision and nothing else, what in settings breaks the
// limits that the mesh does not by itself; "" if nothing does.
func (l drawnLimits) broken(namespace string, s, own traffic.Settings) string {
	more := func(c traffic.Connection) bool {
		return s.Decide(c).Verdict == traffic.Bypassed && own.Decide(c).Verdict != traffic.Bypassed
	}
	nothing := slices.ContainsFunc(l.forbidden, func(glob string) bool { return glob == namespace || glob == "team-*" && namespace == "team-a" })
	for _, protocol := range traffic.Protocols {
		for _, port := range seenPorts {
			if (nothing || slices.Contains(l.inbound, port)) && more(traffic.Connection{Direction: traffic.Inbound, Protocol: protocol, Port: port}) {
				return "an inbound port"
			}
			for _, a := range edges {
				if (nothing || slices.Contains(l.outbound, port)) && more(traffic.Connection{Protocol: protocol, Address: a, Port: port}) {
					return "an outbound port"
				}
				widest := l.ipv4
				if a.Is6() {
					widest = l.ipv6
				}
				if widest == 0 || s.ExcludeOutboundPorts.Contains(protocol, port) {
					continue
				}
				// The next wider prefix must not bypass as a whole.
				wide := netip.PrefixFrom(a, widest-1).Masked()
				whole, already := true, true
				for _, b := range append(edges, wide.Addr()) {
					if c := (traffic.Connection{Protocol: protocol, Address: b, Port: port}); wide.Contains(b) {
						whole = whole && s.Decide(c).Verdict == traffic.Bypassed
						already = already && own.Decide(c).Verdict == traffic.Bypassed
					}
				}
				if whole && !already {
					return "a wide range"
				}
			}
		}
	}
	return ""
}

// TestNothingIsWrittenBeyondTheLimits draws limits, specs and workloads.
func TestNothingIsWrittenBeyondTheLimits(t *testing.T) {
	istio, _ := mesh.ByName("Istio")
	rapid.Check(t, func(t *rapid.T) {
		limits, spec, items := drawLimits(t), drawSpec(t, "spec"), drawItems(t)
		free, _, ok := process(t, resourceList(spec.text(t), textsOf(items)))
		if !ok {
			return // for another reason, with which nothing is written anyway
		}
		output, results, ok := process(t, resourceList(limits.with(t, spec.text(t)), textsOf(items)))
		own := istio.Effective(layerOf(t, spec.meshDefaults))

		// What each workload comes to, whether something is written for it or
		// its own annotations are all there is.
		broken := map[string]bool{}
		for _, item := range items {
			if item.template == nil || item.untouchable {
				continue
			}
			settings, initially, _, applies := spec.expected(t, item)
			user, _ := istio.Read(item.annotations)
			if !applies {
				settings = istio.Effective(layerOf(t, spec.meshDefaults), user)
				initially = settings
			}
			annotated := limits.annotating != nil && !user.IsZero() &&
				!slices.Contains(limits.annotating, item.namespace) && !slices.Contains(limits.annotating, "*")
			reason := cmp.Or(limits.broken(item.namespace, settings, own), limits.broken(item.namespace, initially, own))
			broken[item.namespace+"/"+item.name] = broken[item.namespace+"/"+item.name] || annotated || reason != ""
			if ok {
				require.Empty(t, reason, "%s/%s bypasses\n%s", item.namespace, item.name, settings)
				require.False(t, annotated)
			}
		}
		if ok {
			require.Equal(t, itemTexts(t, free), itemTexts(t, output), "limits never change what is written")
			return
		}
		for _, r := range results {
			if r.Severity == fn.Error && r.ResourceRef.Kind != v1alpha1.Kind {
				require.True(t, broken[r.ResourceRef.Namespace+"/"+r.ResourceRef.Name], "nothing breaks a limit here: %s", r)
			}
		}
	})
}

func TestNodesAreHeldToTheLimitsToo(t *testing.T) {
	spec, err := specIn("apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: " + `{limits: {forbiddenOutboundPorts: [443]}, meshDefaults: {excludeOutboundPorts: [443]}, global: {excludeInboundPorts: [1]}, enforcement: {image: "a/b:c"}}`)
	require.NoError(t, err)
	var node yaml.Node
	require.NoError(t, yaml.Unmarshal([]byte(`{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {template: {spec: {}}}}`), &node))
	results, err := fn.Nodes(fn.SpecOf(spec), []*yaml.Node{&node}, fn.Options{})
	require.NoError(t, err)
	assert.Equal(t, "warning: ClusterBypass cluster: spec.meshDefaults.excludeOutboundPorts: the configuration of Istio itself lets outbound port 443 bypass the sidecar in every pod, and spec.limits.forbiddenOutboundPorts does not reach that: change it there [beyond-limits]\n", results.Report())

	require.NoError(t, yaml.Unmarshal([]byte(`{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {template: {metadata: {annotations: {traffic.sidecar.istio.io/excludeOutboundIPRanges: 10.0.0.1}}, spec: {}}}}`), &node))
	spec.Spec.MeshDefaults = nil
	_, err = fn.Nodes(fn.SpecOf(spec), []*yaml.Node{&node}, fn.Options{})
	assert.ErrorIs(t, err, fn.ErrFailed)
}
