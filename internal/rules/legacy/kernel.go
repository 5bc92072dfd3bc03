package legacy

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec" //nolint:depguard // iptables-legacy is a program
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/krm-bypass/krm-bypass/internal/rules/filter"
)

// family is what differs between IPv4 and IPv6.
type family struct {
	name string
	// list and restore are the programs.
	list, restore string
	// option limits a line, in a text for both families, to this one.
	option string
	// tables is the file that lists the tables in use.
	tables string
	has    func(netip.Addr) bool
	// optional means that a kernel may lack the family.
	optional bool
}

// network is where the thread sees /proc/net: it is the thread that is in a network
// namespace.
const network = "/proc/thread-self/net/"

var families = []family{
	{"IPv4", "iptables-legacy", "iptables-legacy-restore", "-4", network + "ip_tables_names", netip.Addr.Is4, false},
	{"IPv6", "ip6tables-legacy", "ip6tables-legacy-restore", "-6", network + "ip6_tables_names", netip.Addr.Is6, true},
}

const (
	tableName = "nat"
	// patience, in seconds, limits the wait for the lock that all users of
	// iptables share.
	patience = 30
)

// Why a table cannot be read or written.
var (
	errNoProgram = filter.Unsupported(errors.New("iptables-legacy and ip6tables-legacy are not here, take an image that has them"))
	errNoTable   = filter.Unsupported(errors.New("the kernel has no such table"))
	errNoMatch   = filter.Unsupported(errors.New("iptables-legacy or the kernel has no match addrtype"))
	errDisturbed = errors.New("the rules keep changing while they are replaced")
)

// read gives what the family's table holds of ours. A table that is not in use, and
// that nothing is expected in, stays out of use: listing it would make the kernel
// set it up.
func (f family) read(expected bool) (holdings, error) {
	if used, err := f.inUse(); err == nil && !expected && !used {
		return holdings{}, nil
	}
	lines, err := f.lines(tableName)
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return holdings{}, errNoProgram
	case err != nil:
		return holdings{}, fmt.Errorf("reading the table %s of %s: %w", tableName, f.name, meant(err))
	}
	return holdingsIn(lines), nil
}

// inUse reports whether the family's table is in use. An error says that the kernel
// keeps no list.
func (f family) inUse() (bool, error) {
	names, err := os.ReadFile(f.tables)
	return slices.Contains(strings.Fields(string(names)), tableName), err
}

// Chains gives every chain of every table in use, as "nat OUTPUT". It leaves out
// what cannot be read.
func Chains() []string {
	var all []string
	for _, f := range families {
		tables, _ := os.ReadFile(f.tables)
		for _, table := range strings.Fields(string(tables)) {
			lines, _ := f.lines(table)
			for _, line := range lines {
				if words := strings.Fields(line); len(words) > 1 && (words[0] == "-P" || words[0] == "-N") {
					all = append(all, table+" "+words[1])
				}
			}
		}
	}
	return all
}

// TPROXY reports whether rules of iptables-legacy take connections by TPROXY, as far as
// can be read: they are in the table mangle, which ours do not reach.
func TPROXY() bool {
	for _, f := range families {
		const mangle = "mangle"
		if names, _ := os.ReadFile(f.tables); slices.Contains(strings.Fields(string(names)), mangle) {
			lines, _ := f.lines(mangle)
			if slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, " -j TPROXY ") }) {
				return true
			}
		}
	}
	return false
}

// lines lists a table: a line for each chain, "-P OUTPUT ACCEPT" or "-N MESH", and
// for each rule, "-A OUTPUT -j MESH".
func (f family) lines(table string) ([]string, error) {
	listed, err := run(f.list, "", "--table", table, "--list-rules")
	return strings.Split(listed, "\n"), err
}

// write has iptables-restore do what the text says: all of it or, with an error,
// nothing.
func (f family) write(text string) error {
	_, err := run(f.restore, text, "--noflush")
	if err == nil {
		return nil
	}
	if exit := (*exec.ExitError)(nil); meant(err) == err && errors.As(err, &exit) && exit.ExitCode() == lineFailed { //nolint:errorlint // the very error
		// A chain or rule is no longer what we read.
		return fmt.Errorf("%w: %w", errDisturbed, err)
	}
	return meant(err)
}

// run gives what a program of iptables prints when it gets the input.
func run(program, input string, options ...string) (string, error) {
	useWritableLock()
	command := exec.Command(program, append(options, "--wait="+strconv.Itoa(patience))...)
	command.Stdin = strings.NewReader(input)
	var out, said bytes.Buffer
	command.Stdout, command.Stderr = &out, &said
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("running %s: %w: %s", program, err, strings.Join(strings.Fields(out.String()+said.String()), " "))
	}
	return out.String(), nil
}

// lineFailed is the exit code of an iptables-restore that understood the text but
// found a table that it does not fit (iptables include/xtables.h, OTHER_PROBLEM).
const lineFailed = 1

// lockVariable names the lock's file for iptables (iptables(8), "--wait").
const lockVariable = "XTABLES_LOCKFILE"

// useWritableLock moves the lock to /dev/shm if its own place is read-only, as it is
// in a container with a read-only root.
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

// refusals are iptables' words for what a caller can do something about. Its exit
// codes differ between versions (iptables libiptc/libiptc.c, iptc_strerror).
var refusals = []struct {
	words string
	means error
}{
	{"Permission denied", unix.EPERM},
	{"missing kernel module", errNoMatch},
	{"Couldn't load match", errNoMatch},
	{"Table does not exist", errNoTable},
	{"do you need to insmod", errNoTable},
	{"Protocol not available", errNoTable},
	{"Address family not supported", errNoTable},
}

// meant gives what an error of the programs means.
func meant(err error) error {
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
