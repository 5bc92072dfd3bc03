package legacy

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/krm-bypass/krm-bypass/internal/rules/filter"
)

// Apply loads all the rules or, with an error, none, and has read them back when
// it returns without one. A kernel without a nat table for IPv6 cannot intercept
// IPv6 either, so there IPv4 is all there is to do. Without iptables-legacy, or
// without any nat table, the error is an errors.ErrUnsupported.
func (r Ruleset) Apply() error {
	return explained(taking(turnName, turnPatience, func() error {
		return filter.Undisturbed(5*time.Millisecond, disturbed, r.settle)
	}))
}

// Verify says where the kernel holds something else.
func (r Ruleset) Verify() (filter.Differences, error) {
	tables, err := r.tables()
	if err != nil {
		return nil, explained(err)
	}
	return allDifferences(tables), nil
}

// Beside says what iptables-legacy holds of ours beside another packet filter.
func Beside() (filter.Differences, error) {
	tables, err := standing()
	return allDifferences(tables), err
}

// standing gives what the tables hold of ours that are in use. It leaves alone what is not:
// listing it would make the kernel set it up.
func standing() (tables []table, err error) {
	for _, f := range families {
		if used, err := f.inUse(); err != nil || !used {
			continue
		}
		there, err := f.read(true)
		if err != nil {
			return nil, explained(err)
		}
		tables = append(tables, table{family: f, there: there})
	}
	return tables, nil
}

// Clean takes away whatever Apply left behind, if anything.
func Clean() error { return Ruleset{}.Apply() }

// disturbed recognises the error of rules that changed between reading and
// writing, when nobody holds iptables' lock.
func disturbed(err error) bool { return errors.Is(err, errDisturbed) }

// explained says which capabilities are missing. To speak to the kernel,
// iptables-legacy opens a raw socket (iptables libiptc/libiptc.c, TC_INIT).
func explained(err error) error {
	if !filter.LacksRights(err) {
		return err
	}
	return fmt.Errorf("%w: iptables-legacy needs the capabilities NET_ADMIN and NET_RAW, add them to the container's securityContext.capabilities.add, as krm-bypass does where spec.enforcement.backend is iptables", err)
}

// table is what a family's table holds of ours, and what it should.
type table struct {
	family
	there, wanted holdings
}

func (t table) differences() filter.Differences { return differences(t.wanted, t.there) }

// tables reads the tables of the families that the kernel has.
func (r Ruleset) tables() ([]table, error) {
	var tables []table
	for _, f := range families {
		wanted := r.holdings(f)
		if f.optional && !hasIPv6() {
			continue
		}
		there, err := f.read(len(wanted.chains) > 0)
		if f.optional && errors.Is(err, errNoTable) {
			continue
		}
		if err != nil {
			return nil, err
		}
		tables = append(tables, table{f, there, wanted})
	}
	return tables, nil
}

// hasIPv6 reports whether the kernel was started with IPv6. If it is only switched
// off for the interfaces, the rules lie idle.
func hasIPv6() bool {
	_, err := os.Stat(network + "if_inet6")
	return err == nil
}

// settle makes each table what it should be, and reads it back. If one refuses,
// those before it get back what they held.
func (r Ruleset) settle() error {
	tables, err := r.tables()
	if err != nil {
		return err
	}
	for i, t := range tables {
		if err := t.replace(t.there, t.wanted, "replacing"); err != nil {
			return errors.Join(err, restore(tables[:i]))
		}
	}
	after, err := r.tables()
	if err != nil {
		return err
	}
	return allDifferences(after).Err()
}

func restore(tables []table) error {
	var failures []error
	for _, t := range tables {
		failures = append(failures, t.replace(t.wanted, t.there, "putting back"))
	}
	return errors.Join(failures...)
}

// replace writes a table, but leaves alone one that held what it should from the start.
func (t table) replace(old, now holdings, doing string) error {
	if len(t.differences()) == 0 {
		return nil
	}
	if err := t.write(transaction(old, now)); err != nil {
		return fmt.Errorf("%s the rules for %s: %w", doing, t.name, err)
	}
	return nil
}

func allDifferences(tables []table) filter.Differences {
	var all filter.Differences
	for _, t := range tables {
		for _, d := range t.differences() {
			all = append(all, t.name+": "+d)
		}
	}
	return all
}
