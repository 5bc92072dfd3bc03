package e2e_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/krm-bypass/krm-bypass/test/lab"
)

// tproxyVariants take inbound traffic by TPROXY.
var tproxyVariants = slices.DeleteFunc(slices.Clone(istioVariants), func(v variant) bool { return !v.TPROXY })

// underTPROXY runs a test behind each of them, in each order and family, each pod for
// itself.
func underTPROXY(t *testing.T, orders []order, test func(*testing.T, tproxied), settings ...string) {
	t.Helper()
	for _, mesh := range tproxyVariants {
		for _, order := range orders {
			for _, family := range mesh.Families {
				t.Run(mesh.Name+"/"+order.name+"/"+family.Name, func(t *testing.T) {
					t.Parallel()
					test(t, newTproxied(t, mesh, order, family, settings))
				})
			}
		}
	}
}

// tproxied is a pod whose mesh takes inbound connections by TPROXY, with an application
// and a proxy that both tell whom they take for their caller.
type tproxied struct {
	pod, outside *lab.Host
	family       lab.Family
}

func newTproxied(t *testing.T, mesh variant, order order, family lab.Family, settings []string) tproxied {
	t.Helper()
	p := tproxied{family: family}
	p.pod, p.outside = lab.NewPod(t, family)
	for _, step := range order.steps {
		if step == ours {
			mesh.ours.apply(t, p.pod, settings...)
		} else {
			mesh.Install(t, p.pod)
		}
	}
	p.pod.AnswerPackets(t, lab.Server{Name: application, UID: lab.Application, Ports: applicationPorts})
	for _, port := range applicationPorts {
		p.take(t, application, lab.Application, port)
	}
	p.take(t, proxy, mesh.Proxy.UID, mesh.Proxy.Inbound)
	return p
}

const proxy = "proxy"

// take answers every connection to a port.
func (p tproxied) take(t *testing.T, name string, uid int, port uint16) {
	t.Helper()
	listener, err := p.pod.Listen(uid, netip.AddrPortFrom(netip.IPv6Unspecified(), port))
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			io.WriteString(connection, p.says(name, connection.RemoteAddr().(*net.TCPAddr).IP.String()))
			connection.Close()
		}
	}()
}

func (p tproxied) says(name, caller string) string { return name + " for " + caller }

// to is a port of the pod.
func (p tproxied) to(port uint16) netip.AddrPort {
	return netip.AddrPortFrom(p.family.Of(lab.PodAddress), port)
}

// ask gives the answer to a connection from outside to a port of the pod.
func (p tproxied) ask(port uint16) string {
	return p.outside.Ask(lab.Root, "tcp", netip.Addr{}, p.to(port))
}

// past is the answer where a connection bypasses, through where it does not.
func (p tproxied) past() string    { return p.says(application, p.family.Of(lab.OutsideAddress).String()) }
func (p tproxied) through() string { return p.says(proxy, p.family.Of(lab.OutsideAddress).String()) }

// count puts a counter into the pod at a place of what comes in.
func (p tproxied) count(t *testing.T, place, match string) (counted func() string) {
	t.Helper()
	table := strings.ReplaceAll(place, " ", "_")
	p.pod.Feed(t, "table inet "+table+" {\ncounter seen {}\nchain watch {\ntype filter hook "+place+"\n"+match+" counter name seen\n}\n}\n", "nft", "-f", "-")
	return func() string { return p.pod.Run(t, "nft", "list", "counter", "inet", table, "seen") }
}

// A port that bypasses is answered by the application, which sees its caller, and any
// other by the proxy. Where nobody listens the caller is refused, and UDP is nobody's
// business.
func TestExcludedPortsArePastTPROXY(t *testing.T) {
	underTPROXY(t, orders, func(t *testing.T, p tproxied) {
		for port, answer := range map[uint16]string{
			7001: p.past(), 9000: p.past(), 9010: p.past(), 9011: p.through(), 8080: p.through(),
			9005: "refused",
		} {
			assert.Equal(t, answer, p.ask(port), "port %d", port)
		}
		for _, port := range []uint16{7001, 8080} {
			assert.Equal(t, application, p.outside.Ask(lab.Root, "udp", netip.Addr{}, p.to(port)), "UDP to port %d", port)
		}
	}, "--exclude-inbound-ports=7001,9000-9010")
}

func TestWhatIsNotIncludedIsPastTPROXY(t *testing.T) {
	underTPROXY(t, orders[1:2], func(t *testing.T, p tproxied) {
		for port, answer := range map[uint16]string{8080: p.through(), 9011: p.past(), 7001: p.past(), 9005: "refused"} {
			assert.Equal(t, answer, p.ask(port), "port %d", port)
		}
	}, "--include-inbound-ports=8080,9011", "--exclude-inbound-ports=9011")
}

// Whatever is sent again goes the way of the first.
func TestLostPacketsArePastTPROXY(t *testing.T) {
	const (
		question = "tcp flags & (syn|ack) == syn tcp dport"
		reply    = "tcp flags & (syn|ack) == (syn|ack) tcp sport"
		// Two of them are longer than that, in either family.
		oneIsLost = "quota until 90 bytes drop"
	)
	losses := []struct {
		port  uint16
		chain string
		by    func(tproxied) *lab.Host
	}{
		{7001, "hook output priority 0\n" + question, func(p tproxied) *lab.Host { return p.outside }},
		{7002, "hook input priority 0\n" + question, func(p tproxied) *lab.Host { return p.pod }},
		// The kernel in the pod does not know that it has answered.
		{7005, "hook output priority -300\n" + reply, func(p tproxied) *lab.Host { return p.pod }},
		{9000, "hook input priority 0\n" + reply, func(p tproxied) *lab.Host { return p.outside }},
	}
	underTPROXY(t, orders[1:2], func(t *testing.T, p tproxied) {
		var asking sync.WaitGroup
		for i, loss := range losses {
			loss.by(p).Feed(t, fmt.Sprintf("table inet loss%d {\nchain loss {\ntype filter %s %d %s\n}\n}\n", i, loss.chain, loss.port, oneIsLost), "nft", "-f", "-")
			asking.Go(func() {
				began := time.Now()
				assert.Equal(t, p.past(), p.ask(loss.port), loss.chain)
				assert.Greater(t, time.Since(began), 500*time.Millisecond, "nothing was lost: %s", loss.chain)
			})
		}
		asking.Wait()
	}, "--exclude-inbound-ports=7001-7005,9000")
}

// To the kernel a connection is TCP from the beginning, and to all rules but those
// between ours.
func TestConnectionsPastTPROXYAreTrackedAsTCP(t *testing.T) {
	underTPROXY(t, orders[1:2], func(t *testing.T, p tproxied) {
		other := p.count(t, "input priority 300", "ct protocol != tcp")
		hidden := p.count(t, "prerouting priority mangle", "meta l4proto 253")
		assert.Equal(t, p.past(), p.ask(7001))
		assert.Contains(t, other(), "packets 0 ")
		assert.Contains(t, hidden(), "packets 1 ")
		assert.Equal(t, p.through(), p.ask(8080))
		assert.Contains(t, hidden(), "packets 1 ")
		// What stays in the pod, at the same port, is hidden from nobody.
		p.pod.Ask(lab.Application, "tcp", netip.Addr{}, p.to(7001))
		assert.Contains(t, hidden(), "packets 1 ")
		p.outside.Ask(lab.Root, "udp", netip.Addr{}, p.to(7001))
		assert.Contains(t, other(), "packets 1 ", "the counter counts")
	}, "--exclude-inbound-ports=7001")
}

// What comes out behind the chains has the checksums that it came with, also where
// no card looks after them.
func TestChecksumsPastTPROXY(t *testing.T) {
	underTPROXY(t, orders[1:2], func(t *testing.T, p tproxied) {
		for _, host := range []*lab.Host{p.pod, p.outside} {
			require.NoError(t, host.Do(lab.Root, checksumsInSoftware))
		}
		capture := p.capture(t)
		assert.Equal(t, p.past(), p.ask(7001))
		packets := capture()
		require.NotEmpty(t, packets)
		for _, packet := range packets {
			header, segment := split(packet)
			assert.Equal(t, p.family.IPv4, len(header) > 0, "the header of % x", packet)
			assert.Equal(t, uint16(0), sum(header), "the sum of % x", header)
			from, to := p.family.Of(lab.OutsideAddress), p.family.Of(lab.PodAddress)
			pseudo := binary.BigEndian.AppendUint32(slices.Concat(from.AsSlice(), to.AsSlice()), uint32(len(segment)))
			assert.Equal(t, uint16(0), sum(slices.Concat(pseudo, []byte{0, 0, 0, unix.IPPROTO_TCP}, segment)), "the sum of % x", segment)
		}
	}, "--exclude-inbound-ports=7001")
}

// checksumsInSoftware switches off that of the network card (ethtool(8), tx off).
func checksumsInSoftware() error {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(socket)
	setting := struct{ command, data uint32 }{unix.ETHTOOL_STXCSUM, 0}
	request := struct {
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [16]byte
	}{data: unsafe.Pointer(&setting)}
	copy(request.name[:], "eth0")
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(socket), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&request))); errno != 0 {
		return errno
	}
	return nil
}

// capture listens to what reaches the pod as TCP. It gives packets, of IPv6 without
// their header (ipv6(7)).
func (p tproxied) capture(t *testing.T) func() [][]byte {
	t.Helper()
	var socket int
	require.NoError(t, p.pod.Do(lab.Root, func() (err error) {
		domain := map[bool]int{true: unix.AF_INET, false: unix.AF_INET6}[p.family.IPv4]
		socket, err = unix.Socket(domain, unix.SOCK_RAW|unix.SOCK_NONBLOCK, unix.IPPROTO_TCP)
		return err
	}))
	t.Cleanup(func() { unix.Close(socket) })
	return func() (packets [][]byte) {
		for {
			buffer := make([]byte, 1<<16)
			n, err := unix.Read(socket, buffer)
			if err != nil {
				return packets
			}
			packets = append(packets, buffer[:n])
		}
	}
}

// split parts a captured packet into its IPv4 header, if there is one, and the segment.
func split(packet []byte) (header, segment []byte) {
	if packet[0]>>4 != 4 || len(packet) < 40 || binary.BigEndian.Uint16(packet[2:]) != uint16(len(packet)) {
		return nil, packet
	}
	size := int(packet[0]&0xf) * 4
	return packet[:size], packet[size:]
}

// sum is the checksum of the Internet (RFC 1071): 0 over what contains its own.
func sum(bytes []byte) uint16 {
	total := uint32(0xffff)
	if len(bytes) > 0 {
		total = 0
	}
	for i, b := range bytes {
		total += uint32(b) << (8 * (1 - i%2))
	}
	for total > 0xffff {
		total = total>>16 + total&0xffff
	}
	return ^uint16(total)
}

// IPv6 with a header in front of TCP is not hidden, and goes through the proxy.
func TestExtensionHeadersAreNotPastTPROXY(t *testing.T) {
	// Eight bytes of options, all of them padding (RFC 8200, 4.2 and 4.6).
	const options = "\x00\x00\x01\x04\x00\x00\x00\x00"
	underTPROXY(t, orders[1:2], func(t *testing.T, p tproxied) {
		if p.family.IPv4 {
			return
		}
		assert.Equal(t, p.past(), p.ask(7001))
		require.NoError(t, p.outside.Do(lab.Root, func() error {
			socket, err := unix.Socket(unix.AF_INET6, unix.SOCK_STREAM, 0)
			if err != nil {
				return err
			}
			defer unix.Close(socket)
			answer := make([]byte, 64)
			err = errors.Join(
				unix.SetsockoptString(socket, unix.SOL_IPV6, unix.IPV6_DSTOPTS, options),
				unix.SetsockoptTimeval(socket, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 10}),
				unix.Connect(socket, &unix.SockaddrInet6{Addr: p.to(0).Addr().As16(), Port: 7001}))
			if err != nil {
				return err
			}
			n, err := unix.Read(socket, answer)
			assert.Equal(t, p.through(), string(answer[:max(n, 0)]))
			return err
		}))
	}, "--exclude-inbound-ports=7001")
}

// forge sends a SYN that says of itself that it is of protocol 253.
func (p tproxied) forge(t *testing.T, from, to uint16) {
	t.Helper()
	segment := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, from), to)
	segment = append(segment, 0, 0, 0, 1, 0, 0, 0, 0, 5<<4, 2 /* SYN */, 0xff, 0xff, 0, 0, 0, 0)
	source, target := p.family.Of(lab.OutsideAddress), p.family.Of(lab.PodAddress)
	pseudo := binary.BigEndian.AppendUint32(slices.Concat(source.AsSlice(), target.AsSlice()), uint32(len(segment)))
	binary.BigEndian.PutUint16(segment[16:], sum(slices.Concat(pseudo, []byte{0, 0, 0, unix.IPPROTO_TCP}, segment)))
	require.NoError(t, p.outside.Do(lab.Root, func() error {
		domain, address := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{Addr: target.As16()})
		if target.Is4() {
			domain, address = unix.AF_INET, &unix.SockaddrInet4{Addr: target.As4()}
		}
		socket, err := unix.Socket(domain, unix.SOCK_RAW, 253)
		if err != nil {
			return err
		}
		defer unix.Close(socket)
		return unix.Sendto(socket, segment, 0, address)
	}))
}

// reached are the source ports of what came to the pod as TCP.
func reached(packets [][]byte) []uint16 {
	var ports []uint16
	for _, packet := range packets {
		_, segment := split(packet)
		ports = append(ports, binary.BigEndian.Uint16(segment))
	}
	return ports
}

// Who writes the number of a hidden packet into one of his own is not taken for one:
// the packet that he sent was no TCP when it came.
func TestForgedPacketsDoNotBecomeTCP(t *testing.T) {
	const toExcluded, toAnother = 40001, 40002
	underTPROXY(t, orders[1:2], func(t *testing.T, p tproxied) {
		capture := p.capture(t)
		forge := func() []uint16 {
			p.forge(t, toExcluded, 7001)
			p.forge(t, toAnother, 8080)
			assert.Equal(t, p.past(), p.ask(7001), "what came before that is here by now")
			return reached(capture())
		}
		came := forge()
		assert.NotContains(t, came, uint16(toExcluded))
		assert.NotContains(t, came, uint16(toAnother))

		// Without the guard they would.
		shown := p.pod.Run(t, "nft", "list", "chain", "inet", "krm-bypass", "show-after-tproxy")
		require.Equal(t, 2, strings.Count(shown, "ct protocol tcp "))
		p.pod.Feed(t, "flush chain inet krm-bypass show-after-tproxy\n"+
			"add rule inet krm-bypass show-after-tproxy meta nfproto ipv4 @nh,72,8 253 @nh,72,8 set 6\n"+
			"add rule inet krm-bypass show-after-tproxy meta nfproto ipv6 @nh,48,8 253 @nh,48,8 set 6\n", "nft", "-f", "-")
		came = forge()
		assert.Contains(t, came, uint16(toExcluded))
		assert.Contains(t, came, uint16(toAnother))
	}, "--exclude-inbound-ports=7001")
}
