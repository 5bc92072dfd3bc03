package load_test

import (
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/krm-bypass/krm-bypass/test/lab"
	"github.com/krm-bypass/krm-bypass/test/lab/interceptor"
)

var bypassProgram = lab.Program{Name: "krm-bypass-init", Directory: "images/init"}

// loadKey names the variable that makes this a long run, of a duration such as
// 60s at the full rate (make soak).
const loadKey = "KRM_BYPASS_LOAD"

// demand is how many connections are begun, and how fast.
type demand struct {
	rate     int // a second
	duration time.Duration
	// keepsRate says that the rate is part of what is tested: elsewhere the
	// machine may be busy with other things.
	keepsRate bool
}

var demanded = demand{rate: 2000, duration: 2 * time.Second}

func TestMain(m *testing.M) {
	flag.Parse()
	if value, found := os.LookupEnv(loadKey); found {
		duration, err := time.ParseDuration(value)
		if err != nil {
			fmt.Fprintf(os.Stderr, "reading %s: %v; give a duration such as 60s\n", loadKey, err)
			os.Exit(1)
		}
		demanded = demand{rate: 20_000, duration: duration, keepsRate: true}
	}
	lab.Main(m, bypassProgram, interceptor.IstioProgram)
}

const (
	port = 5432
	// excluded is the range that bypasses, in which the servers are.
	excluded = "192.0.2.0/24,2001:db8::/64"
)

// servers are several addresses, so that the caller's ports suffice.
var servers = func() []netip.AddrPort {
	var all []netip.AddrPort
	for i := range 4 {
		all = append(all,
			netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}), port),
			netip.AddrPortFrom(netip.MustParseAddr("2001:db8::"+strconv.Itoa(i+1)), port))
	}
	return all
}()

// world is a pod under istio-iptables and who answers outside.
type world struct {
	pod, outside *lab.Host
	accepted     *atomic.Int64
}

// with installs the rules: both have Istio's, whose annotation says the same.
var with = []struct {
	name    string
	install func(t *testing.T, pod *lab.Host)
}{
	{"Istio's rules alone", func(t *testing.T, pod *lab.Host) {
		interceptor.Istio("annotated", "--dual-stack", "-x", excluded).Install(t, pod)
	}},
	{"our rules before Istio's", func(t *testing.T, pod *lab.Host) {
		pod.Run(t, lab.Binary(bypassProgram.Name), "apply", "--here", "--exclude-outbound-ip-ranges="+excluded)
		interceptor.Istio("annotated", "--dual-stack", "-x", excluded).Install(t, pod)
	}},
	{"our rules before Istio's that intercept everything", func(t *testing.T, pod *lab.Host) {
		pod.Run(t, lab.Binary(bypassProgram.Name), "apply", "--here", "--exclude-outbound-ip-ranges="+excluded)
		interceptor.Istio("alone", "--dual-stack").Install(t, pod)
	}},
}

// TestLoad holds every connection to succeeding, and the number of connection
// tracking entries to what it is without us.
func TestLoad(t *testing.T) {
	entries := make([]int, len(with))
	for i, rules := range with {
		t.Run(rules.name, func(t *testing.T) {
			w := newWorld(t)
			rules.install(t, w.pod)
			before := w.tracked(t)
			made, failures, took := w.load(demanded)
			entries[i] = w.tracked(t) - before
			rate, accepted := float64(made)/took.Seconds(), w.arrived(int64(made))
			fmt.Printf("load: %s: %d connections in %.1f s, %.0f a second, %d errors, %d accepted, %d conntrack entries\n",
				rules.name, made, took.Seconds(), rate, len(failures), accepted, entries[i])
			assert.Empty(t, failures)
			assert.Equal(t, int64(made), accepted, "whoever is meant takes them, not the proxy")
			if demanded.keepsRate {
				assert.GreaterOrEqual(t, rate, 0.99*float64(demanded.rate), "connections a second; is the machine busy?")
			}
		})
	}
	for i, n := range entries {
		assert.Positive(t, n)
		assert.InEpsilon(t, entries[0], n, 0.05, "conntrack entries with %s, as without us", with[i].name)
	}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{pod: lab.NewHost(t, "pod"), outside: lab.NewHost(t, "outside"), accepted: new(atomic.Int64)}
	near, far := lab.End{Host: w.pod}, lab.End{Host: w.outside}
	for _, family := range []lab.Family{lab.IPv4, lab.IPv6} {
		bits := family.Of(lab.PodAddress).BitLen() / 4 * 3
		near.Addresses = append(near.Addresses, netip.PrefixFrom(family.Of(lab.PodAddress), bits))
		far.Addresses = append(far.Addresses, netip.PrefixFrom(family.Of(lab.OutsideAddress), bits))
	}
	lab.Wire(t, near, far)
	for _, s := range servers {
		w.outside.Run(t, "ip", "addr", "add", netip.PrefixFrom(s.Addr(), s.Addr().BitLen()).String(), "dev", "lo")
	}
	w.pod.Settle(t)
	w.outside.Settle(t)
	w.pod.RouteEverything(t, lab.OutsideAddress.IPv4, lab.OutsideAddress.IPv6)
	w.outside.Run(t, "sysctl", "-qw", "net.core.somaxconn=65535")
	w.outside.Run(t, "sysctl", "-qw", "net.ipv4.tcp_max_syn_backlog=65535")
	// Entries of ended connections stay for the whole run, so that they can be
	// counted. A port that is used again takes its entry over, so that there are
	// never more of them than addresses and ports, 226,000, which fit.
	w.pod.Run(t, "sysctl", "-qw", "net.netfilter.nf_conntrack_tcp_timeout_close=300")
	for _, s := range servers {
		w.serve(t, s)
	}
	return w
}

// serve accepts what comes, by system calls alone: the runtime's poller would
// take most of the time.
func (w *world) serve(t *testing.T, at netip.AddrPort) {
	t.Helper()
	var socket int
	require.NoError(t, w.outside.Do(lab.Root, func() error {
		s, err := unix.Socket(familyOf(at), unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("opening a socket: %w", err)
		}
		socket = s
		return errors.Join(unix.Bind(s, addressOf(at)), unix.Listen(s, 65535))
	}))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			connection, _, err := unix.Accept4(socket, unix.SOCK_CLOEXEC)
			switch {
			case err == nil:
				w.accepted.Add(1)
				_ = unix.Close(connection)
			case !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.ECONNABORTED):
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = unix.Shutdown(socket, unix.SHUT_RDWR) // ends the accept
		<-done
		_ = unix.Close(socket)
	})
}

// arrived waits for the last connections to be accepted.
func (w *world) arrived(wanted int64) int64 {
	for deadline := time.Now().Add(lab.Patience); w.accepted.Load() < wanted && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	return w.accepted.Load()
}

// tracked counts the pod's connection tracking entries.
func (w *world) tracked(t *testing.T) int {
	t.Helper()
	count, err := strconv.Atoi(strings.TrimSpace(w.pod.Run(t, "sysctl", "-n", "net.netfilter.nf_conntrack_count")))
	require.NoError(t, err)
	return count
}

// load makes connections at the rate that is demanded, each when its time has
// come, and gives how many there were, what went wrong, and how long it took.
func (w *world) load(d demand) (made int, failures []string, took time.Duration) {
	const callers = 4
	var (
		lock    sync.Mutex
		running sync.WaitGroup
		count   atomic.Int64
	)
	began := time.Now()
	for caller := range callers {
		running.Go(func() {
			err := w.pod.Do(lab.Application, func() error {
				total := int(float64(d.rate) * d.duration.Seconds())
				for i := caller; i < total; i += callers {
					if ahead := time.Until(began.Add(time.Duration(i) * time.Second / time.Duration(d.rate))); ahead > 0 {
						time.Sleep(ahead)
					}
					if err := connect(servers[i%len(servers)]); err != nil {
						lock.Lock()
						failures = append(failures, err.Error())
						lock.Unlock()
						continue
					}
					count.Add(1)
				}
				return nil
			})
			if err != nil {
				lock.Lock()
				failures = append(failures, err.Error())
				lock.Unlock()
			}
		})
	}
	running.Wait()
	return int(count.Load()), failures, time.Since(began)
}

// connect makes one connection and ends it by a reset, so that neither end
// keeps its port.
func connect(to netip.AddrPort) error {
	socket, err := unix.Socket(familyOf(to), unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("opening a socket: %w", err)
	}
	err = unix.SetsockoptLinger(socket, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	if err = errors.Join(err, unix.Connect(socket, addressOf(to)), unix.Close(socket)); err != nil {
		return fmt.Errorf("connecting to %s: %w", to, err)
	}
	return nil
}

func familyOf(at netip.AddrPort) int {
	if at.Addr().Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

func addressOf(at netip.AddrPort) unix.Sockaddr {
	if at.Addr().Is4() {
		return &unix.SockaddrInet4{Addr: at.Addr().As4(), Port: int(at.Port())}
	}
	return &unix.SockaddrInet6{Addr: at.Addr().As16(), Port: int(at.Port())}
}
