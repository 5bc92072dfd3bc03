package lab

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"github.com/stretchr/testify/require"
)

// Server says its name to whoever comes, over TCP and UDP, at its ports on
// every address of its host.
type Server struct {
	Name  string
	UID   int
	Ports []uint16
}

// Answer starts the server in the host; it goes with the test.
func (h *Host) Answer(t TB, server Server) {
	t.Helper()
	for _, port := range server.Ports {
		listener, err := h.Listen(server.UID, netip.AddrPortFrom(netip.IPv6Unspecified(), port))
		require.NoError(t, err)
		t.Cleanup(func() { listener.Close() })
		go answerStreams(listener, server.Name)
	}
	h.AnswerPackets(t, server)
}

// AnswerPackets starts the server's UDP half only.
func (h *Host) AnswerPackets(t TB, server Server) {
	t.Helper()
	for _, port := range server.Ports {
		// One socket an address: an answer must come from where the question went,
		// and the kernel would choose another source for a socket bound to none.
		for _, address := range h.addresses {
			socket, err := h.ListenPacket(server.UID, netip.AddrPortFrom(address, port))
			require.NoError(t, err)
			t.Cleanup(func() { socket.Close() })
			go answerPackets(socket, server.Name)
		}
	}
}

func answerStreams(listener net.Listener, name string) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer connection.Close()
			io.WriteString(connection, name)
		}()
	}
}

func answerPackets(socket *net.UDPConn, name string) {
	question := make([]byte, 1)
	for {
		_, from, err := socket.ReadFromUDPAddrPort(question)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			socket.WriteToUDPAddrPort([]byte(name), from)
		}
	}
}

// Ask returns the name of the server that takes a connection of the user uid
// from the host. Without one it returns why: "refused", "no route" and so on.
func (h *Host) Ask(uid int, network string, from netip.Addr, to netip.AddrPort) string {
	return h.AskFrom(uid, network, netip.AddrPortFrom(from, 0), to)
}

// AskFrom is Ask from a port, too; the zero address and port 0 leave them to the kernel.
func (h *Host) AskFrom(uid int, network string, from, to netip.AddrPort) string {
	connection, err := h.dial(uid, network, from, to)
	if err != nil {
		return Reason(err)
	}
	defer connection.Close()
	name, err := question(connection, network)
	if err != nil {
		return Reason(err)
	}
	return name
}

func question(connection net.Conn, network string) (string, error) {
	connection.SetDeadline(time.Now().Add(Patience))
	if network == "tcp" {
		name, err := io.ReadAll(connection)
		return string(name), err
	}
	if _, err := connection.Write([]byte("?")); err != nil {
		return "", err
	}
	name := make([]byte, 64)
	n, err := connection.Read(name)
	return string(name[:n]), err
}

// PortTaken is the reason where somebody else has the port to ask from.
const PortTaken = "the port is taken"

// Reason puts an error of a connection in words that tests compare.
func Reason(err error) string {
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, syscall.ECONNRESET):
		return "reset"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.EINVAL):
		return "no route"
	case errors.Is(err, syscall.EPERM):
		return "forbidden"
	case errors.Is(err, syscall.EADDRINUSE):
		return PortTaken
	case errors.As(err, &timeout) && timeout.Timeout():
		return "no answer"
	default:
		return fmt.Sprintf("error: %s", strings.ReplaceAll(err.Error(), "\n", " "))
	}
}
