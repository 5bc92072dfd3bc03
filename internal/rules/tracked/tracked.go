package tracked

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/krm-bypass/krm-bypass/internal/rules/filter"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// flow is a connection as the kernel keeps it in mind: the addresses are those that its
// first packet had.
type flow struct {
	from, to netip.AddrPort
	protocol traffic.Protocol
	// translated says that a rule led it to another destination.
	translated bool
	// name is what the kernel recognises the entry by.
	name []netlink.Attribute
}

// pause is longer than a packet takes from one rule to the next.
const pause = time.Millisecond

// End ends the connections to or from one of our addresses that no rule translated and
// that the caller wants ended. It says how many there were.
func End(own []netip.Addr, unwanted func(traffic.Connection) bool) (ended int, err error) {
	kernel, err := dial(unix.NETLINK_NETFILTER)
	if err != nil {
		return 0, unended(err)
	}
	defer kernel.Close() //nolint:errcheck // all has been answered
	// A packet that was on its way when the rules changed brings its connection later.
	for range 2 {
		found, err := flows(kernel)
		if err != nil {
			return ended, unended(err)
		}
		found = slices.DeleteFunc(found, func(f flow) bool {
			c, is := f.seenFrom(own)
			return !is || f.translated || !unwanted(c)
		})
		// The other end hears of it as long as the kernel knows the way.
		if err := closeSockets(found); err != nil {
			return ended, err
		}
		for _, f := range found {
			if err := f.forget(kernel); err != nil {
				return ended, unended(err)
			}
			ended++
		}
		time.Sleep(pause)
	}
	return ended, nil
}

func unended(err error) error {
	return explained(err, "nf_conntrack_netlink, by which connections are ended")
}

// explained says what to do about a kernel that lacks something.
func explained(err error, lacking string) error {
	if !filter.IsAny(err, unix.EINVAL, unix.ENOENT, unix.EOPNOTSUPP, unix.EPROTONOSUPPORT, unix.ENOSYS) {
		return err
	}
	return fmt.Errorf("%w: the kernel has no %s: give the nodes one that has it, "+
		"or let no init container with restartPolicy Always stand before this one", err, lacking)
}

// seenFrom gives the connection as settings speak of it: none where it is over neither
// TCP nor UDP, stays in the pod, or is only forwarded.
func (f flow) seenFrom(own []netip.Addr) (c traffic.Connection, is bool) {
	c = traffic.Connection{Protocol: f.protocol, Address: f.to.Addr(), Port: f.to.Port()}
	from, to := slices.Contains(own, f.from.Addr()), slices.Contains(own, f.to.Addr())
	if to {
		c.Direction = traffic.Inbound
	}
	return c, from != to && (f.protocol == traffic.TCP || f.protocol == traffic.UDP)
}
