package e2e_test

import (
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/lab"
	"github.com/krm-bypass/krm-bypass/test/lab/interceptor"
	"github.com/krm-bypass/krm-bypass/test/lab/sidecar"
)

// happening is something that the mesh does to the rules of a pod that runs.
type happening struct {
	name string
	// before makes what it happens to, while nobody asks; nil for nothing.
	before func(variant, *testing.T, *lab.Host)
	// to says what happens in a pod of this mesh; nil where the mesh does no such thing.
	to func(variant) func(*testing.T, *lab.Host)
	// ends is set where the mesh intercepts nothing afterwards.
	ends bool
}

// happenings follow on one another in one pod, which lives through them all.
var happenings = []happening{
	{name: "the mesh's init container runs again", to: func(mesh variant) func(*testing.T, *lab.Host) {
		return func(t *testing.T, pod *lab.Host) { mesh.Install(t, pod) }
	}},
	{
		name: "the mesh reconciles what an older version left",
		// While a pod has no rule that needs to know of connections, the kernel does not
		// follow them (linux net/netfilter/nf_conntrack_proto.c, nf_ct_netns_get), and ours by
		// iptables need it not. Where a mesh comes then, the first that the kernel sees of a
		// connection may be an answer from outside, which it takes for a new connection to the
		// pod. The mesh redirects that, and the other side is told that there is none.
		before: func(mesh variant, t *testing.T, pod *lab.Host) {
			if mesh.Clean != nil {
				mesh.Clean(t, pod)
			}
			mesh.Annotated(ofAnOlderMesh(mesh)).Install(t, pod)
		},
		to: func(mesh variant) func(*testing.T, *lab.Host) {
			if mesh.Reconcile == nil {
				return nil
			}
			return func(t *testing.T, pod *lab.Host) { mesh.Reconcile(t, pod) }
		},
	},
	{name: "the mesh goes over to native nftables", to: func(mesh variant) func(*testing.T, *lab.Host) {
		native, found := inNativeNftables(mesh)
		if !found {
			return nil
		}
		return func(t *testing.T, pod *lab.Host) {
			native.Install(t, pod)
			mesh.Clean(t, pod)
			native.Install(t, pod) // ambient's share a route and a rule, which went with the old ones
		}
	}},
	{name: "the mesh takes its rules away", ends: true, to: func(mesh variant) func(*testing.T, *lab.Host) {
		clean := mesh.Clean
		if native, found := inNativeNftables(mesh); found {
			clean = native.Clean
		}
		if clean == nil {
			return nil
		}
		return func(t *testing.T, pod *lab.Host) { clean(t, pod) }
	}},
}

// ofAnOlderMesh are annotations under which it writes other rules.
func ofAnOlderMesh(mesh variant) map[string]string {
	if mesh.DataPlane == interceptor.AmbientDataPlane {
		return ofAnOlderAgent(mesh)
	}
	return map[string]string{"traffic.sidecar.istio.io/excludeOutboundPorts": "9999"}
}

// inNativeNftables is the same by native nftables, if this is not and both can be in a
// pod together: TPROXY twice takes no connection at all. Our rules by iptables do not
// hold there (TestVerifyTellsOfTheMeshThatGoesOver).
func inNativeNftables(mesh variant) (interceptor.Variant, bool) {
	all := interceptor.Variants()
	i := slices.IndexFunc(all, func(v interceptor.Variant) bool {
		return mesh.Backend != interceptor.Nftables && v.Backend == interceptor.Nftables && v.Clean != nil &&
			mesh.ours.name == byNftables.name && !mesh.TPROXY && !v.TPROXY &&
			v.Mesh == mesh.Mesh && v.DataPlane == mesh.DataPlane && v.ByCNI == mesh.ByCNI &&
			v.DualStack == mesh.DualStack && slices.Equal(v.DNS, mesh.DNS)
	})
	if i < 0 {
		return interceptor.Variant{}, false
	}
	return all[i], true
}

// Whatever a mesh does to the rules of a pod that runs, what bypasses goes on to, and so
// do connections that are there; what the mesh intercepts it intercepts again.
func TestUnderARunningPod(t *testing.T) {
	sum, meantime := countCells(t, "running"), countCells(t, "running, by connections in the meantime")
	all := those(func(interceptor.Variant) bool { return true })
	for i, mesh := range all {
		family := mesh.Families[i%len(mesh.Families)]
		t.Run(mesh.Mesh+"/"+mesh.Name+"/"+family.Name, func(t *testing.T) {
			t.Parallel()
			p := newPod(t, mesh, orders[0], family, bypass)
			open := converse(t, p)
			for _, happening := range happenings {
				happen := happening.to(mesh)
				if happen == nil {
					continue
				}
				if happening.before != nil {
					happening.before(mesh, t, p.Host)
				}
				meanwhile := p.keepAsking(t, lasting[:2])
				happen(t, p.Host)
				meantime.Add(meanwhile(happening.name))
				for _, c := range lasting {
					check := c.check
					if happening.ends && c.ended != "" {
						check.answer = c.ended
					}
					check.name = happening.name + ": " + check.name
					check.run(t, p)
					sum.Add(1)
					if happening.ends && c.ended != "" {
						continue // with the last rule that needs them the kernel may stop its translations
					}
					assert.Equal(t, c.answer, open[c.name].Get().By, "%s, over a connection that was there", check.name)
					sum.Add(1)
				}
				_, err := p.Try(program(mesh.ours.call("verify", bypass...)...))
				if mesh.overtakes() {
					assert.ErrorContains(t, err, "missing rule 1 in chain OUTPUT", happening.name)
				} else {
					assert.NoError(t, err, happening.name)
				}
				sum.Add(1)
			}
		})
	}
}

// overtakes reports whether the mesh's rules go in front of ours each time, in the same
// table: Kuma's for DNS do.
func (v variant) overtakes() bool {
	return v.Mesh == "Kuma" && v.Backend == interceptor.IptablesLegacy && v.ours.name == byIptables.name && v.CapturesDNS("udp")
}

// The table of iptables does not bind native nftables: verify says so as soon as the mesh
// has gone over.
func TestVerifyTellsOfTheMeshThatGoesOver(t *testing.T) {
	for _, mesh := range slices.Concat(istioVariants, ambientVariants) {
		if mesh.Backend != interceptor.IptablesLegacy || mesh.ours.name != byIptables.name {
			continue
		}
		t.Run(mesh.Name, func(t *testing.T) {
			t.Parallel()
			mesh.ours = byNftables // to find it
			native, found := inNativeNftables(mesh)
			if !found {
				return
			}
			pod, _ := lab.NewPod(t, mesh.PodHas(lab.IPv4))
			byIptables.apply(t, pod, bypass...)
			mesh.Install(t, pod)
			_, err := pod.Try(byIptables.with("verify"))
			require.NoError(t, err)
			native.Install(t, pod)
			_, err = pod.Try(byIptables.with("verify"))
			assert.ErrorContains(t, err, "does not know the rules of another backend")
		})
	}
}

// lasting are connections, the first two of which bypass, with the answer where no mesh
// intercepts.
var lasting = []struct {
	check
	ended string
}{
	{check: check{name: "out, bypassed", by: theApplication, to: cardProcessor, port: 443, answer: outside}},
	{check: check{name: "in, bypassed", by: theOutside, to: lab.PodAddress, port: 7001, answer: application}},
	{check: check{name: "out", by: theApplication, to: somewhereElse, port: 443, answer: refused}, ended: outside},
	{check: check{name: "in", by: theOutside, to: lab.PodAddress, port: 8080, answer: toApp}, ended: application},
}

// to is where the connection goes in the pod's family.
func (c check) goal(p pod) netip.AddrPort { return netip.AddrPortFrom(p.family.Of(c.to), c.port) }

// converse opens each of the connections, and asks over it for the first time.
func converse(t *testing.T, p pod) map[string]*sidecar.Conversation {
	t.Helper()
	open := map[string]*sidecar.Conversation{}
	for _, c := range lasting {
		conversation, err := sidecar.Open(c.by.host(p), c.by.uid(p), netip.Addr{}, c.goal(p), c.goal(p))
		require.NoError(t, err, c.name)
		t.Cleanup(conversation.Close)
		require.Equal(t, c.answer, conversation.Get().By, c.name)
		open[c.name] = conversation
	}
	return open
}

// keepAsking makes new connections, one after the other, until what it returns is called,
// which gives their number.
func (p pod) keepAsking(t *testing.T, asked []struct {
	check
	ended string
}) func(when string) int32 {
	var number atomic.Int32
	stop, stopped := make(chan struct{}), make(chan []string)
	go func() {
		var wrong []string
		for {
			for _, c := range asked {
				if answer := sidecar.Get(c.by.host(p), c.by.uid(p), netip.Addr{}, c.goal(p)).By; answer != c.answer {
					wrong = append(wrong, c.name+": "+answer)
				}
				number.Add(1)
			}
			select {
			case <-stop:
				stopped <- wrong
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return func(when string) int32 {
		close(stop)
		assert.Empty(t, <-stopped, "%s, in the meantime", when)
		return number.Load()
	}
}
