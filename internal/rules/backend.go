package rules

import (
	"errors"
	"fmt"

	"github.com/krm-bypass/krm-bypass/internal/rules/filter"
	"github.com/krm-bypass/krm-bypass/internal/rules/legacy"
	"github.com/krm-bypass/krm-bypass/internal/rules/nft"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// backend is one of the kernel's packet filters.
type backend struct {
	// name is what users call it.
	name    string
	compile func(traffic.Settings) (ruleset, error)
	// clean takes away whatever apply left behind, if anything.
	clean func() error
}

// ruleset is what settings become for a backend.
type ruleset interface {
	// Text gives the rules as the packet filter's own command loads them.
	Text() string
	// Apply loads all the rules or, with an error, none, and reads them back.
	Apply() error
	// Verify says where the kernel holds something else.
	Verify() (filter.Differences, error)
}

// backends are in the order in which Auto tries them.
var backends = []backend{
	{"nftables", func(s traffic.Settings) (ruleset, error) { return nft.Compile(s), nil }, nft.Clean},
	{"iptables", func(s traffic.Settings) (ruleset, error) { return legacy.Compile(s) }, legacy.Clean},
}

// Auto is the name that leaves the choice of the backend to us.
const Auto = "auto"

// Names are the backends that can be asked for.
var Names = names(backends)

func names(of []backend) []string {
	all := []string{Auto}
	for _, b := range of {
		all = append(all, b.name)
	}
	return all
}

// Choice is the backend that did the work, and why that one.
type Choice struct {
	Name   string
	Reason string
}

// Apply makes the kernel do what the settings say: it loads all the rules or,
// with an error, none, and has read them back when it returns without one.
func Apply(backend string, s traffic.Settings) (Choice, error) {
	return use(backends, backend, s, ruleset.Apply)
}

// Show gives the rules as the packet filter's own command loads them. It needs
// no kernel.
func Show(backend string, s traffic.Settings) (text string, err error) {
	_, err = use(backends, backend, s, func(r ruleset) error {
		text = r.Text()
		return nil
	})
	return text, err
}

// Verify reads the kernel's rules and says where they differ from what the
// settings ask for.
func Verify(backend string, s traffic.Settings) (found filter.Differences, by Choice, err error) {
	by, err = use(backends, backend, s, func(r ruleset) (err error) {
		found, err = r.Verify()
		return err
	})
	return found, by, err
}

// use compiles the settings and works with the rules of the backend of that
// name. Auto takes the first for which the work succeeds; it goes on to the next
// only where the kernel has no such packet filter (errors.ErrUnsupported).
func use(backends []backend, name string, s traffic.Settings, work func(ruleset) error) (Choice, error) {
	var missing []error
	for _, b := range backends {
		if name != Auto && name != b.name {
			continue
		}
		compiled, err := b.compile(s)
		if err == nil {
			err = work(compiled)
		}
		if name != Auto {
			return Choice{b.name, "asked for"}, err
		}
		if !errors.Is(err, errors.ErrUnsupported) {
			return Choice{b.name, because(missing)}, err
		}
		missing = append(missing, fmt.Errorf("%s: %w", b.name, err))
	}
	if len(missing) == 0 {
		return Choice{}, unknown(backends, name)
	}
	return Choice{}, errors.Join(missing...)
}

func unknown(backends []backend, name string) error {
	return fmt.Errorf("unknown backend %q: give one of %q", name, names(backends))
}

func because(missing []error) string {
	if len(missing) == 0 {
		return "the first that works here"
	}
	return errors.Join(missing...).Error()
}

// Clean takes away what the backend of that name left behind; with Auto,
// whatever any of them did.
func Clean(backend string) error { return clean(backends, backend) }

func clean(backends []backend, name string) error {
	var missing, failures []error
	for _, b := range backends {
		if name == b.name {
			return b.clean()
		}
		if name != Auto {
			continue
		}
		switch err := b.clean(); {
		case errors.Is(err, errors.ErrUnsupported):
			missing = append(missing, fmt.Errorf("%s: %w", b.name, err))
		case err != nil:
			failures = append(failures, err)
		}
	}
	switch {
	case name != Auto:
		return unknown(backends, name)
	case len(missing) == len(backends):
		return errors.Join(missing...)
	}
	return errors.Join(failures...)
}
