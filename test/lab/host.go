package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// Patience bounds every connection and answer, generously: a test that waits
// so long has failed.
const Patience = 10 * time.Second

// TB is as much of testing.TB as the lab needs.
type TB interface {
	require.TestingT
	Helper()
	Cleanup(func())
}

// Host is a network namespace.
type Host struct {
	Name      string
	namespace *os.File
	addresses []netip.Addr // own and loopback ones
	mark      int
}

// Marked is the host as a program sees it whose sockets carry a mark, and call from
// whatever address they like.
func (h *Host) Marked(mark uint32) *Host {
	marked := *h
	marked.mark = int(mark)
	return &marked
}

// NewHost returns a host with nothing but its loopback interface; it goes with
// the test.
func NewHost(t TB, name string) *Host {
	t.Helper()
	host := &Host{Name: name}
	err := onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("making a network namespace: %w", err)
		}
		namespace, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			return err
		}
		host.namespace = namespace
		return writeSettings(map[string]string{
			"net/ipv6/conf/all/disable_ipv6":     "0",
			"net/ipv6/conf/default/disable_ipv6": "0",
			// Duplicate address detection would hold addresses back for a second.
			"net/ipv6/conf/all/accept_dad":     "0",
			"net/ipv6/conf/default/accept_dad": "0",
		})
	})
	require.NoError(t, err)
	t.Cleanup(func() { host.namespace.Close() })
	host.Run(t, "ip", "link", "set", "lo", "up")
	host.addresses = []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback()}
	return host
}

// Adopt returns the host whose network namespace is at a path, such as
// /proc/1/ns/net; whoever made it looks after it.
func Adopt(t TB, name, path string) *Host {
	t.Helper()
	namespace, err := os.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { namespace.Close() })
	return &Host{Name: name, namespace: namespace}
}

func writeSettings(settings map[string]string) error {
	for name, value := range settings {
		if err := os.WriteFile("/proc/sys/"+name, []byte(value), 0o644); err != nil {
			return fmt.Errorf("setting %s: %w", name, err)
		}
	}
	return nil
}

// Do runs f on a thread of the host whose sockets belong to the user uid.
// What f starts on other threads is not in the host.
func (h *Host) Do(uid int, f func() error) error {
	return onThread(func() error {
		if err := unix.Setns(int(h.namespace.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("entering %s: %w", h.Name, err)
		}
		if err := becomeUser(uid); err != nil {
			return err
		}
		return f()
	})
}

// onThread runs f on an operating-system thread that ends with it, and with
// it what f changed of its own thread.
func onThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked, so that the thread ends
		done <- f()
	}()
	return <-done
}

// becomeUser sets the thread's file-system user and the group of the same
// number: they are what the kernel keeps with a socket and what rules ask for
// (net/netfilter/xt_owner.c; `meta skuid` in nft(8)).
func becomeUser(id int) error {
	// The group first, while the thread may still change it.
	for _, call := range []uintptr{unix.SYS_SETFSGID, unix.SYS_SETFSUID} {
		unix.RawSyscall(call, uintptr(id), 0, 0)
		// setfsuid(2) never fails, it returns the id that was: asking again is how to know.
		if now, _, _ := unix.RawSyscall(call, uintptr(id), 0, 0); int(now) != id {
			return fmt.Errorf("becoming user and group %d: the user namespace does not map this id", id)
		}
	}
	return nil
}

// Run runs a command in the host as root, and returns what it wrote.
func (h *Host) Run(t TB, command ...string) string {
	t.Helper()
	output, err := h.Try(exec.Command(command[0], command[1:]...))
	require.NoError(t, err)
	return output
}

// Feed runs a command in the host as root with the given standard input.
func (h *Host) Feed(t TB, input string, command ...string) string {
	t.Helper()
	run := exec.Command(command[0], command[1:]...)
	run.Stdin = strings.NewReader(input)
	output, err := h.Try(run)
	require.NoError(t, err, input)
	return output
}

// Try runs a prepared command in the host; the error of one that fails holds
// what it wrote.
func (h *Host) Try(command *exec.Cmd) (string, error) {
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	command.Env = append(command.Environ(), LockVariable+"="+h.Lock())
	err := h.Do(0, command.Run)
	if err != nil {
		return output.String(), fmt.Errorf("running %.4000q in %s: %w: %s", strings.Join(command.Args, " "), h.Name, err, bytes.TrimSpace(output.Bytes()))
	}
	return output.String(), nil
}

// LockVariable names the lock's file for iptables (iptables(8), "--wait").
const LockVariable = "XTABLES_LOCKFILE"

// Lock is the file of the host's lock of iptables: each pod has a folder /run of its own,
// and so a lock. Whoever runs iptables there by itself has to take it too.
func (h *Host) Lock() string {
	var about unix.Stat_t
	_ = unix.Fstat(int(h.namespace.Fd()), &about) // it is open
	return fmt.Sprintf("/run/xtables.lock.%d", about.Ino)
}

// Listen opens a TCP socket of the user uid in the host. It takes what TPROXY leads to
// it (linux net/netfilter/xt_TPROXY.c asks for IP_TRANSPARENT), as any other.
func (h *Host) Listen(uid int, address netip.AddrPort) (net.Listener, error) {
	var listener net.Listener
	err := h.Do(uid, func() (err error) {
		var config net.ListenConfig
		config.SetMultipathTCP(false) // the proxies' and applications' sockets are plain ones
		config.Control = h.prepare(transparent)
		listener, err = config.Listen(context.Background(), "tcp", address.String())
		return err
	})
	return listener, err
}

// option sets something of a new socket.
type option func(fd int) error

// transparent lets a socket speak for addresses that are not the host's.
func transparent(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_TRANSPARENT, 1) }

// prepare sets the options of a new socket, and the host's mark.
func (h *Host) prepare(options ...option) func(_, _ string, socket syscall.RawConn) error {
	if h.mark != 0 {
		mark := func(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_MARK, h.mark) }
		options = append(options, transparent, mark)
	}
	return func(_, _ string, socket syscall.RawConn) error {
		var problems []error
		err := socket.Control(func(fd uintptr) {
			for _, set := range options {
				problems = append(problems, set(int(fd)))
			}
		})
		return errors.Join(append(problems, err)...)
	}
}

// ListenPacket opens a UDP socket of the user uid in the host.
func (h *Host) ListenPacket(uid int, address netip.AddrPort) (*net.UDPConn, error) {
	var socket *net.UDPConn
	err := h.Do(uid, func() (err error) {
		config := net.ListenConfig{Control: h.prepare()}
		connection, err := config.ListenPacket(context.Background(), "udp", address.String())
		if err == nil {
			socket = connection.(*net.UDPConn)
		}
		return err
	})
	return socket, err
}

// Dial connects a socket of the user uid in the host; network is tcp or udp.
// The zero from leaves the source address to the kernel.
func (h *Host) Dial(uid int, network string, from netip.Addr, to netip.AddrPort) (net.Conn, error) {
	return h.dial(uid, network, netip.AddrPortFrom(from, 0), to)
}

// dial leaves of the source to the kernel what is zero.
func (h *Host) dial(uid int, network string, from, to netip.AddrPort) (net.Conn, error) {
	dialer := net.Dialer{Timeout: Patience, Control: h.prepare()}
	if from.Addr().IsValid() || from.Port() != 0 {
		switch network {
		case "tcp":
			dialer.LocalAddr = &net.TCPAddr{IP: from.Addr().AsSlice(), Port: int(from.Port())}
		case "udp":
			dialer.LocalAddr = &net.UDPAddr{IP: from.Addr().AsSlice(), Port: int(from.Port())}
		}
	}
	var connection net.Conn
	err := h.Do(uid, func() (err error) {
		connection, err = dialer.Dial(network, to.String())
		return err
	})
	return connection, err
}
