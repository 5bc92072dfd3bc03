package rules

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

const nftablesName = "nftables"

// nftablesBackend programs nf_tables by netlink. It executes nothing, so it
// needs no file but its own.
type nftablesBackend struct{}

func (nftablesBackend) Name() string { return nftablesName }

// attempts bounds how often work is done again that somebody else disturbed.
const attempts = 10

// pause waits longer after each attempt, and by chance not as long as another
// process that was disturbed at the same time.
func pause(attempt int) {
	time.Sleep(time.Duration(attempt+1) * (500*time.Microsecond + rand.N(time.Millisecond)))
}

// disturbances are errors that say nothing about the request: a signal, a
// transaction of somebody else, such as one that made our table since we looked
// (EEXIST), or answers that did not fit the buffer.
var disturbances = []error{unix.EINTR, unix.EAGAIN, unix.EBUSY, unix.ENOBUFS, unix.ERESTART, unix.EEXIST, errChanging}

func isAny(err error, of []error) bool {
	return slices.ContainsFunc(of, func(e error) bool { return errors.Is(err, e) })
}

// Show gives the ruleset as "nft -f" loads it.
func (nftablesBackend) Show(s traffic.Settings) (string, error) { return Compile(s).Text(), nil }

// Apply loads the ruleset, unless the kernel holds it already, and reads it
// back. Where it then finds another one it begins again: somebody else may have
// come between.
func (nftablesBackend) Apply(s traffic.Settings) error {
	ruleset := Compile(s)
	want := ruleset.contents()
	return undisturbed(func(k *kernel) error {
		before, err := k.read()
		if err != nil || len(differences(want, before)) == 0 {
			return err
		}
		if err := k.load(ruleset, !before.absent); err != nil {
			return fmt.Errorf("loading the ruleset: %w", err)
		}
		after, err := k.read()
		if err != nil {
			return err
		}
		return asError(differences(want, after))
	})
}

// Verify compares the kernel's table with the ruleset of the settings.
func (nftablesBackend) Verify(s traffic.Settings) (Differences, error) {
	var found Differences
	err := undisturbed(func(k *kernel) error {
		got, err := k.read()
		found = differences(Compile(s).contents(), got)
		return err
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// Clean deletes the table.
func (nftablesBackend) Clean() error {
	return undisturbed(func(k *kernel) error {
		before, err := k.read()
		if err != nil || before.absent {
			return err
		}
		if err := k.remove(); err != nil {
			return fmt.Errorf("deleting table %s: %w", TableName, err)
		}
		return nil
	})
}

// undisturbed does work with a fresh conversation each time, so that no answer
// to an earlier request is taken for one to a later, until it succeeds or fails
// for a reason of its own.
func undisturbed(work func(*kernel) error) error {
	var err error
	for attempt := range attempts {
		if err = once(work); err == nil || !isAny(err, disturbances) && !errors.As(err, new(*differenceError)) {
			break
		}
		pause(attempt)
	}
	return explained(err)
}

func once(work func(*kernel) error) error {
	k, err := dial()
	if err != nil {
		return err
	}
	defer k.close()
	return work(k)
}

// explained says what to do about the refusals that a user can do something
// about, and marks those of a kernel without nf_tables.
func explained(err error) error {
	switch {
	case isAny(err, lacksRights):
		return fmt.Errorf("%w: the capability NET_ADMIN is missing, add it to the container's securityContext.capabilities.add", err)
	case errors.Is(err, unix.EMSGSIZE):
		// SO_SNDBUFFORCE is for the first user namespace alone (socket(7)).
		return fmt.Errorf("%w: the rules do not fit into one transaction: in a pod with a user namespace of its own the node's net.core.wmem_max limits it, raise that or give fewer ranges", err)
	case isAny(err, incapacities):
		return incapableError{fmt.Errorf("%w: the kernel has no nf_tables that could take the rules", err)}
	}
	return err
}

var lacksRights = []error{unix.EPERM, unix.EACCES}

// incapacities are how kernels refuse what they do not know: no netlink for
// packet filters, no nf_tables (EINVAL, EOPNOTSUPP) or, before Linux 5.2, no NAT
// chain in a table of family inet (ENOENT).
var incapacities = []error{unix.EPROTONOSUPPORT, unix.EAFNOSUPPORT, unix.EOPNOTSUPP, unix.ENOSYS, unix.EINVAL, unix.ENOENT}

// differenceError says that the kernel does not hold what was loaded.
type differenceError struct{ differences Differences }

func asError(differences Differences) error {
	if len(differences) == 0 {
		return nil
	}
	return &differenceError{differences}
}

func (e *differenceError) Error() string {
	return "reading the rules back: " + e.differences.String()
}
