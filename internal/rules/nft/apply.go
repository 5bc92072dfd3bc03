package nft

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/krm-bypass/krm-bypass/internal/rules/filter"
)

// Apply loads the ruleset in one transaction, unless the kernel holds it
// already, and reads it back. If the kernel then holds something else, somebody
// came between: it starts over.
func (r Ruleset) Apply() error {
	want := r.contents()
	return undisturbed(func(k *kernel) error {
		before, err := k.read()
		if err != nil || len(differences(want, before)) == 0 {
			return err
		}
		if before.owner != 0 {
			return before.held("replacing")
		}
		if err := k.load(r, !before.absent); err != nil {
			return fmt.Errorf("loading the ruleset: %w", err)
		}
		after, err := k.read()
		if err != nil {
			return err
		}
		return differences(want, after).Err()
	})
}

// Verify says where the kernel's table is not the ruleset, and whose chains come
// before ours.
func (r Ruleset) Verify() (found filter.Differences, err error) {
	err = undisturbed(func(k *kernel) error {
		got, err := k.read()
		if err != nil {
			return err
		}
		want := r.contents()
		ahead, err := k.meddling(want, got, mapsFirst, takesElsewhere, filtersHidden)
		found = append(differences(want, got), ahead...)
		if err == nil && len(found) == 0 && r.seen() && k.canHide() {
			found = filter.Differences{fmt.Sprintf("chain %s is empty, although the kernel can hide what bypasses from TPROXY", hidingChain)}
		}
		return err
	})
	return found, err
}

// TPROXY reports whether a chain of others takes inbound connections by TPROXY that other
// rules than the ruleset are to let bypass: nothing hides these from it.
func (r Ruleset) TPROXY() (is bool) {
	err := undisturbed(func(k *kernel) error {
		got, err := k.read()
		if err == nil {
			var found filter.Differences
			found, err = k.meddling(r.contents(), got, takesBeside)
			is = len(found) > 0
		}
		return err
	})
	return err == nil && is
}

// Beside says what nftables does beside another packet filter that is to do what the
// ruleset says: by a table of ours, and by NAT chains, which are asked whatever that
// filter accepts.
func (r Ruleset) Beside() (found filter.Differences, err error) {
	err = undisturbed(func(k *kernel) error {
		got, err := k.read()
		if err != nil {
			return err
		}
		found, err = k.meddling(r.contents(), got, mapsBeside)
		if !got.absent {
			found = append(found, fmt.Sprintf("table inet %s is there too, and bypasses what it says", TableName))
		}
		return err
	})
	return found, err
}

// Clean deletes our table, if there is one.
func Clean() error {
	return undisturbed(func(k *kernel) error {
		before, err := k.read()
		if err != nil || before.absent {
			return err
		}
		if before.owner != 0 {
			return before.held("deleting")
		}
		if err := k.remove(); err != nil {
			return fmt.Errorf("deleting table %s: %w", TableName, err)
		}
		return nil
	})
}

// held is the error of a table that only its owner may change. The kernel itself says
// no more than that it is not permitted.
func (c contents) held(what string) error {
	return fmt.Errorf("%s the table: %s; end that process first", what, c.ownership())
}

// undisturbed tries work, each time over a new connection, so that no answer to
// an earlier request is taken for one to a later.
func undisturbed(work func(*kernel) error) error {
	return explained(filter.Undisturbed(500*time.Microsecond, disturbed, func() error {
		k, err := dial()
		if err != nil {
			return err
		}
		defer k.close()
		return work(k)
	}))
}

// disturbed recognises errors that say nothing about the request: a signal,
// somebody else's transaction, such as one that made our table since we looked
// (EEXIST), or answers that did not fit into the buffer.
func disturbed(err error) bool {
	return filter.IsAny(err, unix.EINTR, unix.EAGAIN, unix.EBUSY, unix.ENOBUFS, unix.ERESTART, unix.EEXIST, errChanging)
}

// explained says what to do about refusals that a user can do something about,
// and marks those of a kernel without nf_tables.
func explained(err error) error {
	switch {
	case filter.LacksRights(err):
		return fmt.Errorf("%w: the capability NET_ADMIN is missing, add it to the container's securityContext.capabilities.add", err)
	case errors.Is(err, unix.EMSGSIZE):
		// SO_SNDBUFFORCE is for the first user namespace alone (socket(7)).
		return fmt.Errorf("%w: the rules do not fit into one transaction: in a pod with a user namespace of its own the node's net.core.wmem_max limits it, raise that or give fewer ranges", err)
	case filter.IsAny(err, incapacities...):
		return filter.Unsupported(fmt.Errorf("%w: the kernel has no nf_tables that could take the rules", err))
	}
	return err
}

// incapacities are how kernels refuse what they do not know: no netlink for
// packet filters, no nf_tables (EINVAL, EOPNOTSUPP) or, before Linux 5.2, no NAT
// chain in a table of family inet (ENOENT).
var incapacities = []error{unix.EPROTONOSUPPORT, unix.EAFNOSUPPORT, unix.EOPNOTSUPP, unix.ENOSYS, unix.EINVAL, unix.ENOENT}
