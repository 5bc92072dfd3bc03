// Package sidecar stands in for the containers of a meshed pod: an application
// and the proxy beside it, both over HTTP, each leaving its mark on what it
// answers or passes on.
package sidecar

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/krm-bypass/krm-bypass/test/lab"
	"github.com/krm-bypass/krm-bypass/test/lab/interceptor"
)

// path is a header that lists the proxies that an answer came through, the
// last first.
const path = "X-Path"

// callerHeader says who called the server, as that sees it.
const callerHeader = "X-Caller"

// Server is what Envoy calls itself in the header of every response it
// forwards under Istio.
const Server = "istio-envoy"

// Serve answers in the host with the server's name, at its ports: HTTP over
// TCP, and UDP as lab.Host.AnswerPackets does.
func Serve(t testing.TB, host *lab.Host, server lab.Server) {
	t.Helper()
	handler := http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		w.Header().Set("Server", server.Name)
		w.Header().Set(callerHeader, request.RemoteAddr)
		fmt.Fprint(w, server.Name)
	})
	for _, port := range server.Ports {
		serve(t, host, server.UID, port, nil, handler)
	}
	host.AnswerPackets(t, server)
}

func serve(t testing.TB, host *lab.Host, uid int, port uint16, terminated *tls.Config, handler http.Handler) {
	t.Helper()
	listener, err := host.Listen(uid, netip.AddrPortFrom(netip.IPv6Unspecified(), port))
	require.NoError(t, err)
	if terminated != nil {
		listener = tls.NewListener(listener, terminated)
	}
	// A handshake that fails is what some tests are about, and no news.
	server := &http.Server{Handler: handler, ConnContext: keepConnection, ErrorLog: log.New(io.Discard, "", 0)}
	t.Cleanup(func() { server.Close() })
	go server.Serve(listener)
}

// Proxy is a sidecar: it passes on what was meant for an address and port that
// it knows and refuses the rest, as Envoy does under REGISTRY_ONLY, or under
// FSM without egress.
type Proxy struct {
	interceptor.Proxy
	Knows func(netip.AddrPort) bool
	// Services are addresses behind which it knows a pod.
	Services map[netip.AddrPort]netip.AddrPort
	// Originates gives the TLS that it speaks to a destination; nil, or giving
	// nil, for plain text.
	Originates func(netip.AddrPort) *tls.Config
	// Terminates is the TLS that it asks of callers; nil for plain text.
	Terminates *tls.Config
}

// Start runs the proxy in the pod: outbound, inbound, and for DNS where it has
// a port for that.
func (p Proxy) Start(t testing.TB, pod *lab.Host) {
	t.Helper()
	if p.Mark != 0 {
		pod = pod.Marked(p.Mark)
	}
	outbound := upstream{name: "outbound proxy", dial: func(_ netip.Addr, to netip.AddrPort) (net.Conn, error) {
		if target, is := p.Services[to]; is {
			to = target
		}
		if !p.Knows(to) {
			return nil, errUnknown
		}
		connection, err := pod.Dial(p.UID, "tcp", netip.Addr{}, to)
		if err != nil || p.Originates == nil || p.Originates(to) == nil {
			return connection, err
		}
		return handshake(connection, p.Originates(to))
	}}
	inbound := upstream{name: "inbound proxy", dial: func(caller netip.Addr, to netip.AddrPort) (net.Conn, error) {
		if p.CallsLoopback {
			return pod.Dial(p.UID, "tcp", netip.Addr{}, netip.AddrPortFrom(lab.FamilyOf(to.Addr()).Of(lab.Loopback), to.Port()))
		}
		if p.Mark != 0 {
			return pod.Dial(p.UID, "tcp", caller, to)
		}
		return pod.Dial(p.UID, "tcp", lab.FamilyOf(to.Addr()).Of(p.CallsFrom), to)
	}}
	serve(t, pod, p.UID, p.Outbound, nil, outbound.handler())
	serve(t, pod, p.UID, p.Inbound, p.Terminates, inbound.handler())
	if p.Tunnel != 0 {
		tunnel := upstream{name: "tunnel", dial: inbound.dial, asked: true}
		serve(t, pod, p.UID, p.Tunnel, nil, tunnel.handler())
	}
	if p.DNS != 0 {
		Serve(t, pod, lab.Server{Name: "dns proxy", UID: p.UID, Ports: []uint16{p.DNS}})
	}
}

var errUnknown = errors.New("the destination is not in the registry")

// upstream is what one listener of a proxy does with what it takes.
type upstream struct {
	name string
	dial func(caller netip.Addr, destination netip.AddrPort) (net.Conn, error)
	// asked is set where callers say in the request where it is to go, and no
	// rule has led them here.
	asked bool
}

func (u upstream) handler() http.Handler {
	mark := func(header http.Header) {
		header.Set("Server", Server)
		header[path] = append([]string{u.name}, header[path]...)
	}
	forward := &httputil.ReverseProxy{
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
				destination, err := netip.ParseAddrPort(address)
				if err != nil {
					return nil, err
				}
				caller := ctx.Value(callerKey{}).(netip.AddrPort).Addr()
				return u.dial(caller, destination)
			},
		},
		Rewrite: func(request *httputil.ProxyRequest) { request.Out.URL.Scheme = "http" },
		ModifyResponse: func(response *http.Response) error {
			mark(response.Header)
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			mark(w.Header())
			w.WriteHeader(http.StatusBadGateway)
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		carrier := connection(request)
		destination, err := originalDestination(carrier)
		if u.asked {
			destination, err = netip.ParseAddrPort(request.Host)
		}
		if err != nil {
			forward.ErrorHandler(w, request, err)
			return
		}
		request.URL.Host = destination.String()
		caller := carrier.RemoteAddr().(*net.TCPAddr).AddrPort()
		caller = netip.AddrPortFrom(caller.Addr().Unmap(), caller.Port())
		forward.ServeHTTP(w, request.WithContext(context.WithValue(request.Context(), callerKey{}, caller)))
	})
}

// Answer is what a client sees of an HTTP exchange.
type Answer struct {
	By     string     // who answered, after the proxies on the way: "inbound proxy > application"
	Server string     // the response's header
	Caller netip.Addr // the address from which the call came to who answered
}

// Conversation is a connection over which pages are asked for one after the other.
type Conversation struct {
	client *http.Client
	url    string
}

// Open connects to a server, or to the one given by through, which is asked to pass on.
func Open(host *lab.Host, uid int, from netip.Addr, through, to netip.AddrPort) (*Conversation, error) {
	connection, err := host.Dial(uid, "tcp", from, through)
	if err != nil {
		return nil, err
	}
	dial := func(context.Context, string, string) (net.Conn, error) {
		if connection == nil {
			return nil, errors.New("the connection has ended")
		}
		once := connection
		connection = nil
		return once, nil
	}
	client := &http.Client{Timeout: lab.Patience, Transport: &http.Transport{DialContext: dial}}
	return &Conversation{client: client, url: "http://" + to.String()}, nil
}

// Close ends the connection.
func (c *Conversation) Close() { c.client.CloseIdleConnections() }

// Get asks for a page. Where nobody answers, By says why in the words of lab.Reason.
func (c *Conversation) Get() Answer {
	response, err := c.client.Get(c.url)
	if err != nil {
		return Answer{By: lab.Reason(err)}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body) // to its end, so that the connection stays
	last := string(body)
	switch {
	case err != nil:
		last = lab.Reason(err)
	case response.StatusCode != http.StatusOK:
		last = "refusal"
	}
	answer := Answer{
		By:     strings.Join(append(response.Header[path], last), " > "),
		Server: response.Header.Get("Server"),
	}
	if from, err := netip.ParseAddrPort(response.Header.Get(callerHeader)); err == nil {
		answer.Caller = from.Addr().Unmap()
	}
	return answer
}

// Get asks for a page over a connection of its own.
func Get(host *lab.Host, uid int, from netip.Addr, to netip.AddrPort) Answer {
	conversation, err := Open(host, uid, from, to, to)
	if err != nil {
		return Answer{By: lab.Reason(err)}
	}
	defer conversation.Close()
	return conversation.Get()
}

// callerKey holds who called a proxy.
type callerKey struct{}

type connectionKey struct{}

func keepConnection(ctx context.Context, connection net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, connection)
}

func connection(request *http.Request) *net.TCPConn {
	carrier := request.Context().Value(connectionKey{}).(net.Conn)
	if secured, ok := carrier.(*tls.Conn); ok {
		carrier = secured.NetConn()
	}
	return carrier.(*net.TCPConn)
}

// ip6OriginalDestination is IP6T_SO_ORIGINAL_DST of linux/netfilter_ipv6/ip6_tables.h.
const ip6OriginalDestination = 80

// originalDestination returns where a redirected connection was meant to go.
func originalDestination(connection *net.TCPConn) (netip.AddrPort, error) {
	raw, err := connection.SyscallConn()
	if err != nil {
		return netip.AddrPort{}, err
	}
	local := connection.LocalAddr().(*net.TCPAddr).AddrPort()
	destination := local
	var errno error
	err = raw.Control(func(fd uintptr) {
		if local.Addr().Unmap().Is4() {
			destination, errno = originalDestination4(fd)
		} else {
			destination, errno = originalDestination6(fd)
		}
	})
	if err = errors.Join(err, errno); err != nil {
		return netip.AddrPort{}, fmt.Errorf("asking for the original destination: %w", err)
	}
	return destination, nil
}

func originalDestination4(fd uintptr) (netip.AddrPort, error) {
	var address unix.RawSockaddrInet4
	err := socketOption(fd, unix.SOL_IP, unix.SO_ORIGINAL_DST, unsafe.Pointer(&address), unsafe.Sizeof(address))
	return netip.AddrPortFrom(netip.AddrFrom4(address.Addr), networkOrder(address.Port)), err
}

func originalDestination6(fd uintptr) (netip.AddrPort, error) {
	var address unix.RawSockaddrInet6
	err := socketOption(fd, unix.SOL_IPV6, ip6OriginalDestination, unsafe.Pointer(&address), unsafe.Sizeof(address))
	return netip.AddrPortFrom(netip.AddrFrom16(address.Addr), networkOrder(address.Port)), err
}

func socketOption(fd uintptr, level, option int, value unsafe.Pointer, size uintptr) error {
	length := uint32(size)
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, fd, uintptr(level), uintptr(option), uintptr(value), uintptr(unsafe.Pointer(&length)), 0)
	if errno != 0 {
		return errno
	}
	return nil
}

func networkOrder(port uint16) uint16 {
	var bytes [2]byte
	binary.NativeEndian.PutUint16(bytes[:], port)
	return binary.BigEndian.Uint16(bytes[:])
}
