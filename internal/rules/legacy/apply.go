package legacy

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// Apply makes the settings true, all of them or, with an error, none, and has
// read them back when it returns without one. Where the kernel has no nat table
// for IPv6, nothing there can be intercepted, and IPv4 is all there is to do.
// It is an errors.ErrUnsupported where there is no iptables-legacy or no nat
// table at all.
func Apply(s traffic.Settings) error {
	ruleset, err := Compile(s)
	if err != nil {
		return err
	}
	return undisturbed(func() error { return ruleset.settle() })
}

// Verify reads the kernel and says, a sentence for each difference, where it is
// not what the settings ask for.
func Verify(s traffic.Settings) ([]string, error) {
	ruleset, err := Compile(s)
	if err != nil {
		return nil, err
	}
	tables, err := ruleset.tables()
	if err != nil {
		return nil, err
	}
	return allDifferences(tables), nil
}

// Clean takes away whatever Apply left, if anything.
func Clean() error {
	return undisturbed(func() error { return Ruleset{}.settle() })
}

// table is what a family's table holds of ours, and what it should.
type table struct {
	family
	there, wanted holdings
}

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

// hasIPv6 tells a kernel that was started without IPv6. Where it is but switched
// off for the interfaces the rules lie idle.
func hasIPv6() bool {
	_, err := os.Stat(network + "if_inet6")
	return err == nil
}

// settle makes each table what it should be, and reads it back. If one of them
// refuses, those before it get back what they held.
func (r Ruleset) settle() error {
	tables, err := r.tables()
	if err != nil {
		return err
	}
	for i, t := range tables {
		if len(differences(t.wanted, t.there)) == 0 {
			continue
		}
		if err := t.write(transaction(t.there, t.wanted)); err != nil {
			return errors.Join(fmt.Errorf("replacing the rules for %s: %w", t.name, err), restore(tables[:i]))
		}
	}
	after, err := r.tables()
	if err != nil {
		return err
	}
	if d := allDifferences(after); len(d) > 0 {
		return &differenceError{d}
	}
	return nil
}

func restore(tables []table) error {
	var failures []error
	for _, t := range tables {
		if len(differences(t.wanted, t.there)) == 0 {
			continue
		}
		if err := t.write(transaction(t.wanted, t.there)); err != nil {
			failures = append(failures, fmt.Errorf("putting back the rules for %s: %w", t.name, err))
		}
	}
	return errors.Join(failures...)
}

func allDifferences(tables []table) []string {
	var all []string
	for _, t := range tables {
		for _, d := range differences(t.wanted, t.there) {
			all = append(all, t.name+": "+d)
		}
	}
	return all
}

// differenceError says that the kernel does not hold what was loaded.
type differenceError struct{ differences []string }

func (e *differenceError) Error() string {
	return "reading the rules back: " + strings.Join(e.differences, "; ")
}

// attempts bounds how often work is done again that somebody else disturbed.
const attempts = 10

// undisturbed does work until it succeeds, or fails for a reason of its own: the
// lock is not held between the reading and the writing, so that somebody else may
// come between.
func undisturbed(work func() error) error {
	var err error
	for attempt := range attempts {
		if err = work(); !errors.Is(err, errDisturbed) && !errors.As(err, new(*differenceError)) {
			return err
		}
		// Longer each time, and by chance not as long as somebody else who was
		// disturbed at the same time.
		time.Sleep(time.Duration(attempt+1) * (5*time.Millisecond + rand.N(10*time.Millisecond)))
	}
	return err
}
