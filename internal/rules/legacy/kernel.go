package legacy

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec" //nolint:depguard // iptables-legacy is a program, and go-iptables has no call for its restore
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/coreos/go-iptables/iptables"
	"golang.org/x/sys/unix"
)

// family is what differs between IPv4 and IPv6.
type family struct {
	name     string
	protocol iptables.Protocol
	// list and restore are the programs.
	list, restore string
	// option limits a line of a text for both families to this one.
	option string
	// tables is the file that lists the tables in use.
	tables string
	has    func(netip.Addr) bool
	// optional says that nothing is amiss where the kernel has no such family.
	optional bool
}

// Files of /proc/net are seen through the thread: it is the thread that is in a
// network namespace.
const network = "/proc/thread-self/net/"

var families = []family{
	{"IPv4", iptables.ProtocolIPv4, "iptables-legacy", "iptables-legacy-restore", "-4", network + "ip_tables_names", netip.Addr.Is4, false},
	{"IPv6", iptables.ProtocolIPv6, "ip6tables-legacy", "ip6tables-legacy-restore", "-6", network + "ip6_tables_names", netip.Addr.Is6, true},
}

const (
	tableName = "nat"
	// patience, in seconds, bounds the wait for the lock that all users of
	// iptables share.
	patience = 30
)

// The ways in which a table cannot be had.
var (
	errNoProgram = fmt.Errorf("%w: iptables-legacy and ip6tables-legacy are not here, take an image that has them", errors.ErrUnsupported)
	errNoTable   = fmt.Errorf("%w: the kernel has no such table", errors.ErrUnsupported)
	errDisturbed = errors.New("the rules keep changing while they are replaced")
)

// read gives what the family's table holds of ours. Where it is not expected to
// hold anything and is not in use it is left so: to list a table makes the kernel
// set it up.
func (f family) read(expected bool) (holdings, error) {
	if names, err := os.ReadFile(f.tables); err == nil && !expected && !slices.Contains(strings.Fields(string(names)), tableName) {
		return holdings{}, nil
	}
	useWritableLock()
	program, err := iptables.New(iptables.Path(f.list), iptables.IPFamily(f.protocol), iptables.Timeout(patience))
	if err != nil {
		return holdings{}, explained(err)
	}
	h, err := read(program)
	if err != nil {
		return holdings{}, fmt.Errorf("reading the table %s of %s: %w", tableName, f.name, explained(err))
	}
	return h, nil
}

// Chains gives every chain of every table in use, as "nat OUTPUT". What cannot be
// read is left out.
func Chains() []string {
	var all []string
	for _, f := range families {
		names, err := os.ReadFile(f.tables)
		if err != nil || len(names) == 0 {
			continue
		}
		useWritableLock()
		program, err := iptables.New(iptables.Path(f.list), iptables.IPFamily(f.protocol), iptables.Timeout(patience))
		if err != nil {
			continue
		}
		for _, table := range strings.Fields(string(names)) {
			chains, _ := program.ListChains(table)
			for _, chain := range chains {
				all = append(all, table+" "+chain)
			}
		}
	}
	return all
}

func read(program *iptables.IPTables) (holdings, error) {
	chains, err := program.ListChains(tableName)
	if err != nil {
		return holdings{}, err
	}
	h := holdings{chains: map[string][]string{}}
	for _, own := range ours {
		lines, err := program.List(tableName, own.hook)
		if err != nil {
			return holdings{}, err
		}
		h.jumps = append(h.jumps, jumpsOf(own.hook, rulesOf(own.hook, lines))...)
		if !slices.Contains(chains, own.chain) {
			continue
		}
		if lines, err = program.List(tableName, own.chain); err != nil {
			return holdings{}, goneMeanwhile(err)
		}
		h.chains[own.chain] = rulesOf(own.chain, lines)
	}
	return h, nil
}

// goneMeanwhile knows the error of a chain that was there a moment before.
func goneMeanwhile(err error) error {
	if failure := (*iptables.Error)(nil); errors.As(err, &failure) && failure.IsNotExist() {
		return fmt.Errorf("%w: %w", errDisturbed, err)
	}
	return err
}

// write does what a text of iptables-restore says: all of it or, with an error,
// nothing.
func (f family) write(text string) error {
	command := exec.Command(f.restore, "--noflush", "--wait="+strconv.Itoa(patience))
	command.Stdin = strings.NewReader(text)
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	err := command.Run()
	if err == nil {
		return nil
	}
	err = fmt.Errorf("running %s: %w: %s", f.restore, err, strings.Join(strings.Fields(output.String()), " "))
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == lineFailed {
		// A chain or rule was not as it had been read.
		return fmt.Errorf("%w: %w", errDisturbed, err)
	}
	return explained(err)
}

// lineFailed is the exit code where iptables-restore understood the text, and
// the table did not fit it (iptables include/xtables.h, OTHER_PROBLEM).
const lineFailed = 1

// lockVariable names the lock's file for iptables (iptables(8), "--wait").
const lockVariable = "XTABLES_LOCKFILE"

// useWritableLock puts the lock elsewhere where its own place is read-only, as
// it is in a container with a read-only root: there /dev/shm is not.
var useWritableLock = sync.OnceFunc(func() {
	if os.Getenv(lockVariable) != "" {
		return
	}
	lock, err := os.OpenFile("/run/xtables.lock", os.O_CREATE|os.O_RDONLY, 0o600)
	if err == nil {
		_ = lock.Close()
	}
	if errors.Is(err, unix.EROFS) {
		_ = os.Setenv(lockVariable, "/dev/shm/xtables.lock")
	}
})

// refusals are how iptables says, with exit codes that differ between versions,
// what the caller can do something about (iptables libiptc/libiptc.c,
// iptc_strerror).
var refusals = []struct {
	words string
	means error
}{
	{"Permission denied", unix.EPERM},
	{"Table does not exist", errNoTable},
	{"do you need to insmod", errNoTable},
	{"Protocol not available", errNoTable},
	{"Address family not supported", errNoTable},
}

// explained gives the refusal its meaning.
func explained(err error) error {
	if errors.Is(err, exec.ErrNotFound) {
		return errNoProgram
	}
	for _, refusal := range refusals {
		if strings.Contains(err.Error(), refusal.words) {
			return refusal.means
		}
	}
	return err
}
