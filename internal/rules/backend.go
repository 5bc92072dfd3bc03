package rules

import (
	"errors"
	"fmt"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// Backend programs one of the kernel's packet filters.
type Backend interface {
	// Name is the name by which a user asks for the backend.
	Name() string
	// Show gives the rules as the packet filter's own command loads them; it
	// needs no kernel.
	Show(traffic.Settings) (string, error)
	// Apply makes the settings true, all of them or, with an error, none; it
	// has read them back from the kernel when it returns without one.
	Apply(traffic.Settings) error
	// Verify reads the kernel and says where it differs from what the
	// settings ask for.
	Verify(traffic.Settings) (Differences, error)
	// Clean takes away whatever Apply left, if anything.
	Clean() error
}

// Auto is the name that leaves the choice of the backend to Use.
const Auto = "auto"

// Names are the names that Use takes.
var Names = []string{Auto, nftablesName, iptablesName}

// backends are in the order in which Auto tries them.
var backends = []Backend{nftablesBackend{}, iptablesBackend{}}

// Choice is the backend that did the work, and why it was that one.
type Choice struct {
	Name   string
	Reason string
}

// Use does the work with the backend of the given name. Auto takes the first in
// whose hands the work succeeds; it goes on to the next only where the kernel
// has no such packet filter (errors.ErrUnsupported).
func Use(name string, work func(Backend) error) (Choice, error) {
	return use(backends, name, work)
}

func use(backends []Backend, name string, work func(Backend) error) (Choice, error) {
	var missing []error
	for _, b := range backends {
		if name != Auto && name != b.Name() {
			continue
		}
		err := work(b)
		if name != Auto {
			return Choice{b.Name(), "asked for"}, err
		}
		if !errors.Is(err, errors.ErrUnsupported) {
			return Choice{b.Name(), because(missing)}, err
		}
		missing = append(missing, fmt.Errorf("%s: %w", b.Name(), err))
	}
	if len(missing) == 0 {
		return Choice{}, fmt.Errorf("backend %q is not known: give one of %q", name, Names)
	}
	return Choice{}, errors.Join(missing...)
}

// Clean takes away what the backend of the given name left; with Auto, whatever
// any of them left.
func Clean(name string) error { return clean(backends, name) }

func clean(backends []Backend, name string) error {
	if name != Auto {
		_, err := use(backends, name, Backend.Clean)
		return err
	}
	var missing, failures []error
	for _, b := range backends {
		err := b.Clean()
		switch {
		case errors.Is(err, errors.ErrUnsupported):
			missing = append(missing, fmt.Errorf("%s: %w", b.Name(), err))
		case err != nil:
			failures = append(failures, err)
		}
	}
	if len(missing) == len(backends) {
		return errors.Join(missing...)
	}
	return errors.Join(failures...)
}

func because(missing []error) string {
	if len(missing) == 0 {
		return "the first that works here"
	}
	return errors.Join(missing...).Error()
}

// incapableError says that here a backend cannot work at all, so that another
// may be tried: it is an errors.ErrUnsupported.
type incapableError struct{ error }

func (e incapableError) Unwrap() error        { return e.error }
func (e incapableError) Is(target error) bool { return target == errors.ErrUnsupported }
