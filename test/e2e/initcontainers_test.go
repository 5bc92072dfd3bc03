package e2e_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/lab"
	"github.com/krm-bypass/krm-bypass/test/lab/interceptor"
)

// What a workload lets bypass, and what besides as long as its init containers run.
var (
	afterwards = []string{"--exclude-outbound-ports=6379"}
	meanwhile  = []string{"--exclude-outbound-ports=6379,8200"}
)

const (
	onlyMeanwhile = 8200
	always        = 6379
	notOurs       = 15012
)

// pairs are meshes in front of which the two init containers of ours are tried.
func pairs() []variant {
	all := append(istioVariants[:4:4], ambientVariants[0], ambientVariants[2])
	for _, of := range [][]variant{cniVariants, fsmVariants, osmVariants, consulVariants, linkerdVariants, kumaVariants} {
		all = append(all, of[0])
	}
	return all
}

// A place of an init container that a webhook adds, and what it reaches at a destination
// that bypasses only meanwhile: where the mesh's rules are there from the start, as with
// a CNI plugin or native sidecars, and where the mesh's own init container comes last.
var places = []struct{ name, rulesFirst, rulesLast string }{
	{"in front of the first", refused, outside},
	{"between", outside, outside},
	{"behind the last", refused, outside},
	{"the application", refused, refused},
}

// docs/semantics.md has the table.
func TestWhatInitContainersReach(t *testing.T) {
	for i, mesh := range pairs() {
		for _, first := range []bool{true, false} {
			if !first && (mesh.ByCNI || mesh.DataPlane == interceptor.AmbientDataPlane) {
				continue // these are always there first
			}
			family := mesh.Families[i%len(mesh.Families)]
			t.Run(fmt.Sprintf("%s/%s/%s/mesh-first=%t", mesh.Mesh, mesh.Name, family.Name, first), func(t *testing.T) {
				t.Parallel()
				inside, outside := lab.NewPod(t, mesh.PodHas(family))
				if first {
					mesh.Install(t, inside)
				}
				p := inhabit(t, inside, outside, mesh, family)
				turns := []func(){
					func() {},
					func() { mesh.ours.apply(t, inside, meanwhile...) },
					func() { mesh.ours.apply(t, inside, append(afterwards, "--end-connections")...) },
					func() {
						if !first {
							mesh.Install(t, inside)
						}
					},
				}
				for i, place := range places {
					turns[i]()
					wanted := place.rulesLast
					if first {
						wanted = place.rulesFirst
					}
					check{name: place.name, by: theApplication, to: somewhereElse, port: onlyMeanwhile, answer: wanted}.run(t, p)
					if i > 0 {
						check{name: place.name + ", always", by: theApplication, to: somewhereElse, port: always, answer: "outside"}.run(t, p)
					}
				}
				// All of them run again.
				turns[1]()
				check{name: "between, again", by: theApplication, to: somewhereElse, port: onlyMeanwhile, answer: "outside"}.run(t, p)
				turns[2]()
				check{name: "the application, again", by: theApplication, to: somewhereElse, port: onlyMeanwhile, answer: refused}.run(t, p)
				_, err := inside.Try(program(mesh.ours.call("verify", afterwards...)...))
				assert.NoError(t, err)
			})
		}
	}
}

// connecting gives what makes connections from the pod to the outside, and gives both
// ends of each. Such a connection is no more than what a test begins with. Once in some
// hundred thousands nobody answered for ten seconds, for a reason that nobody knows: so it
// tries again, and tells what the kernel had on both sides.
func connecting(t *testing.T, outside *lab.Host) func(from *lab.Host, uid int, to netip.AddrPort) (near, far net.Conn) {
	t.Helper()
	listener, err := outside.Listen(lab.Root, netip.AddrPortFrom(netip.IPv6Unspecified(), lab.World.Ports[0]))
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	return func(from *lab.Host, uid int, to netip.AddrPort) (near, far net.Conn) {
		near, err := from.Dial(uid, "tcp", netip.Addr{}, to)
		if err != nil {
			t.Logf("connecting to %s as user %d: %v", to, uid, err)
			for _, host := range []*lab.Host{from, outside} {
				had, _ := host.Try(exec.Command("sh", "-c", "nft list ruleset; cat /proc/net/nf_conntrack; ss -tan; ip neighbour; cat /proc/net/snmp /proc/net/netstat"))
				t.Logf("%s:\n%s", host.Name, had)
			}
			near, err = from.Dial(uid, "tcp", netip.Addr{}, to)
		}
		require.NoError(t, err)
		far, err = listener.Accept()
		require.NoError(t, err)
		t.Cleanup(func() { near.Close(); far.Close() })
		require.True(t, carries(near, far) && carries(far, near))
		return near, far
	}
}

// carries reports whether something that is sent at one end arrives at the other.
func carries(from, to net.Conn) bool {
	const patience = time.Second
	from.SetDeadline(time.Now().Add(patience))
	to.SetDeadline(time.Now().Add(patience))
	_, err := from.Write([]byte("x"))
	if err == nil {
		_, err = to.Read(make([]byte, 1))
	}
	return err == nil
}

// What an init container that goes on (restartPolicy Always) has connected meanwhile ends with
// the last of ours, whichever end sends first, and whether the mesh takes what comes from
// outside or not: then the kernel would take the connection for one from there. All
// others go on, those of the mesh's proxy too.
func TestConnectionsThatBypassedMeanwhileEnd(t *testing.T) {
	for i, mesh := range pairs() {
		for _, inbound := range []string{"*", "8080"} {
			family := mesh.Families[i%len(mesh.Families)]
			t.Run(strings.Join([]string{mesh.Mesh, mesh.Name, family.Name, inbound}, "/"), func(t *testing.T) {
				t.Parallel()
				pod, outside := lab.NewPod(t, mesh.PodHas(family))
				mesh.Install(t, pod)
				pod.Settle(t)
				apply := func(flags ...string) string {
					return pod.Run(t, append([]string{lab.Binary(bypassProgram.Name)}, mesh.ours.call("apply", append(flags, "--include-inbound-ports="+inbound)...)...)...)
				}
				apply(meanwhile...)
				to := func(port uint16) netip.AddrPort { return netip.AddrPortFrom(family.Of(somewhereElse), port) }
				connect := connecting(t, outside)
				near, far := connect(pod, lab.Application, to(onlyMeanwhile))
				near2, far2 := connect(pod, lab.Application, to(onlyMeanwhile))
				stays, goesOn := connect(pod, lab.Application, to(always))
				proxys, outsides := connect(pod.Marked(mesh.Proxy.Mark), mesh.Proxy.UID, to(notOurs))

				said := apply(append(afterwards, "--end-connections")...)
				assert.Regexp(t, `^time=\S+ level=INFO msg="bypass applied" ended=2 [^\n]+\n$`, said)
				assert.False(t, carries(near, far), "the pod first")
				assert.False(t, carries(far, near), "the pod first, then the outside")
				assert.False(t, carries(far2, near2), "the outside first")
				assert.False(t, carries(near2, far2), "the outside first, then the pod")
				assert.True(t, carries(goesOn, stays) && carries(stays, goesOn), "what bypasses afterwards too")
				assert.True(t, carries(outsides, proxys) && carries(proxys, outsides), "the proxy's own")
				assert.Contains(t, apply(append(afterwards, "--end-connections")...), "ended=", "applied again")
			})
		}
	}
}

// What a socket of UDP sends next the rules judge anew.
func TestQueriesAreCapturedAgain(t *testing.T) {
	for _, mesh := range istioVariants {
		if !mesh.CapturesDNS("udp") || mesh.ours.name == byIptables.name {
			continue
		}
		t.Run(mesh.Name, func(t *testing.T) {
			p := newPod(t, mesh, order{"mesh-first", []step{theMesh, ours}}, lab.IPv4, []string{"--exclude-outbound-ports=53/UDP"})
			socket, err := p.Dial(lab.Application, "udp", netip.Addr{}, netip.AddrPortFrom(nameServer.IPv4, 53))
			require.NoError(t, err)
			defer socket.Close()
			ask := func() string {
				answer := make([]byte, 64)
				socket.SetDeadline(time.Now().Add(lab.Patience))
				_, err := socket.Write([]byte("?"))
				require.NoError(t, err)
				n, err := socket.Read(answer)
				require.NoError(t, err)
				return string(answer[:n])
			}
			assert.Equal(t, outside, ask())
			mesh.ours.apply(t, p.Host, "--end-connections")
			assert.Equal(t, "dns proxy", ask())
		})
	}
}

// closings says how often the last of ours is tried while connections begin: a number in
// the variable makes that a long run (make soak).
func closings(t *testing.T) int {
	t.Helper()
	text, found := os.LookupEnv("KRM_BYPASS_CLOSINGS")
	if !found {
		return 3
	}
	number, err := strconv.Atoi(text)
	require.NoError(t, err)
	return number
}

// Connections that begin at the moment in which the last of ours runs, even where it is
// killed at any moment and started again, end like all others.
func TestConnectionsEndThatBeginMeanwhile(t *testing.T) {
	ended, killed := 0, 0
	for _, mesh := range istioVariants[:4] {
		t.Run(mesh.Name, func(t *testing.T) {
			pod, outside := lab.NewPod(t, lab.IPv4)
			mesh.Install(t, pod)
			listener, err := outside.Listen(lab.Root, netip.AddrPortFrom(netip.IPv6Unspecified(), lab.World.Ports[0]))
			require.NoError(t, err)
			defer listener.Close()
			go func() {
				for {
					far, err := listener.Accept()
					if err != nil {
						return
					}
					go func() {
						_, _ = io.Copy(far, far) // until it is reset
						far.Close()
					}()
				}
			}()
			for range closings(t) {
				mesh.ours.apply(t, pod, meanwhile...)
				stop := make(chan struct{})
				begun := make(chan []net.Conn)
				go func() {
					var all []net.Conn
					for {
						if near, err := pod.Dial(lab.Application, "tcp", netip.Addr{}, netip.AddrPortFrom(somewhereElse.IPv4, onlyMeanwhile)); err == nil {
							all = append(all, near)
						}
						select {
						case <-stop:
							begun <- all
							return
						default:
						}
					}
				}()
				last := func() *exec.Cmd {
					return program(mesh.ours.call("apply", append(afterwards, "--end-connections")...)...)
				}
				first := last()
				require.NoError(t, pod.Do(lab.Root, first.Start))
				time.Sleep(rand.N(60 * time.Millisecond))
				_ = first.Process.Kill() // it may be done
				if first.Wait() != nil {
					killed++
					_, err := pod.Try(last())
					require.NoError(t, err)
				}
				close(stop)
				for _, near := range <-begun {
					assert.False(t, carries(near, near), "what comes back from the outside")
					near.Close()
					ended++
				}
			}
		})
	}
	assert.Positive(t, ended)
	t.Logf("%d connections ended, %d runs were killed", ended, killed)
}

// The last of ours has to succeed for an application to start, and never says that it did
// where what bypassed meanwhile still does.
func TestTheLastFails(t *testing.T) {
	mesh := istioVariants[0]
	unprivileged := func(command *exec.Cmd) *exec.Cmd {
		return exec.Command("setpriv", append([]string{"--bounding-set=-net_admin", "--inh-caps=-net_admin", "--"}, command.Args...)...)
	}
	for name, last := range map[string]struct {
		run  *exec.Cmd
		says string
	}{
		"without NET_ADMIN":           {unprivileged(program(mesh.ours.call("apply", afterwards...)...)), "NET_ADMIN is missing"},
		"a backend that is not there": {exec.Command("env", append([]string{"PATH=/nowhere"}, program("apply", "--here", "--backend=iptables", afterwards[0]).Args...)...), "iptables-legacy and ip6tables-legacy are not here"},
		"the same, to go on":          {exec.Command("env", append([]string{"PATH=/nowhere"}, program("apply", "--here", "--backend=iptables", "--on-failure=continue", afterwards[0]).Args...)...), "not continuing in spite of --on-failure=continue"},
		"flags that exclude":          {program("apply", "--here", "--end-connections", "--on-failure=continue"), "--end-connections with --on-failure=continue"},
	} {
		t.Run(name, func(t *testing.T) {
			pod, _ := lab.NewPod(t, lab.IPv4)
			mesh.ours.apply(t, pod, meanwhile...)
			_, err := pod.Try(last.run)
			assert.ErrorContains(t, err, last.says)
		})
	}
}
