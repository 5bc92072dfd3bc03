package legacy

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// turnName is the abstract socket address that several of our programs take in
// turns. Such an address belongs to the network namespace, as the rules do. It
// needs no file system, and is free again when its process ends, however that
// ends (unix(7), "Abstract sockets").
const turnName = "@krm-bypass.dev/iptables"

// turnPatience limits the wait for a turn. A turn takes some hundredths of a
// second.
const (
	turnPatience = time.Minute
	turnPause    = 5 * time.Millisecond
)

// taking does the work while no other program of ours does its own in this
// network namespace: we read iptables-legacy by one call and write it by another,
// and its own lock lasts for a single call.
func taking(name string, patience time.Duration, work func() error) error {
	socket, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("taking a turn: %w", err)
	}
	defer func() { _ = unix.Close(socket) }()
	for since := time.Now(); ; time.Sleep(turnPause) {
		err := unix.Bind(socket, &unix.SockaddrUnix{Name: name})
		switch {
		case err == nil:
			return work()
		case !errors.Is(err, unix.EADDRINUSE):
			return fmt.Errorf("taking a turn: %w", err)
		case time.Since(since) > patience:
			return fmt.Errorf("taking a turn: another program has held the address %s for more than %s: end it", name, patience)
		}
	}
}
