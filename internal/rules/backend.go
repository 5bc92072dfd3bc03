package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/rules/filter"
	"github.com/krm-bypass/krm-bypass/internal/rules/host"
	"github.com/krm-bypass/krm-bypass/internal/rules/legacy"
	"github.com/krm-bypass/krm-bypass/internal/rules/nft"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// backend is one of the kernel's packet filters.
type backend struct {
	// name is what users call it.
	name    string
	compile func(traffic.Settings, filter.Form) (ruleset, error)
	// clean takes away whatever apply left behind, if anything.
	clean func() error
	// standing gives what its rules that stand say, as the flags of the fields say it;
	// nil if there are none.
	standing func() (map[traffic.Field][]string, error)
	// beside says what works here beside the settings where another backend has them.
	beside func(traffic.Settings) (filter.Differences, error)
	// unhidden reports whether a mesh takes by TPROXY what rules of this backend cannot
	// hide from it; nil where they can.
	unhidden func(traffic.Settings) bool
	// inbound says of inbound rules which form is shown.
	inbound string
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
	{"nftables", func(s traffic.Settings, f filter.Form) (ruleset, error) { return nft.Compile(s, f), nil }, nft.Clean, nft.Standing,
		func(s traffic.Settings) (filter.Differences, error) {
			return nft.Compile(s, filter.Form{}).Beside()
		}, nil, "The whole form. A kernel that lacks something gets another, which apply and verify name."},
	{"iptables", func(s traffic.Settings, f filter.Form) (ruleset, error) { return legacy.Compile(s, f) }, legacy.Clean, legacy.Standing,
		func(traffic.Settings) (filter.Differences, error) { return legacy.Beside() },
		func(s traffic.Settings) bool {
			return nft.Compile(s, filter.Form{}).Hides() && (legacy.TPROXY() || nft.Compile(s, filter.Form{}).TPROXY())
		},
		"Inbound TCP under TPROXY is the mesh's annotation's alone: no rule here comes before it."},
}

// Of kernels that lack something.
const (
	listed = "inbound rules list the pod's addresses, because the kernel cannot tell what is for the pod"
	passed = "inbound TCP under TPROXY is the mesh's annotation's alone, because rules of iptables do not come before it"
	seen   = "inbound TCP under TPROXY is the mesh's annotation's alone, because the kernel cannot hide it from the mesh"
)

// forms are those of the rules, in the order in which they are tried.
var forms = []struct {
	// name is "" for the one that needs no word.
	name string
	form func() filter.Form
}{
	{"", func() filter.Form { return filter.Form{} }},
	{listed, func() filter.Form { return filter.Form{Own: host.Addresses()} }},
	{seen, func() filter.Form { return filter.Form{Seen: true} }},
	{listed + "; " + seen, func() filter.Form { return filter.Form{Own: host.Addresses(), Seen: true} }},
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
	// Form says what is special about the rules; "" if nothing is.
	Form string
}

// Apply makes the kernel do what the settings say: it loads all the rules or,
// with an error, none, and has read them back when it returns without one. What another
// backend holds of ours is taken away.
func Apply(name string, s traffic.Settings) (Choice, error) {
	choice, err := use(backends, name, applying(s))
	if err != nil {
		return choice, err
	}
	for _, b := range backends {
		if b.name != choice.Name && b.holds() {
			err = errors.Join(err, b.clean())
		}
	}
	return choice.withTPROXY(s), err
}

// holds reports whether the backend holds something of ours.
func (b backend) holds() bool {
	found, err := b.beside(traffic.Settings{})
	return err == nil && len(found) > 0
}

// Stand reports whether rules of ours stand, as far as can be told.
func Stand() bool { return slices.ContainsFunc(backends, backend.holds) }

// besides says what works beside the settings in the backends other than that of the
// name. One that cannot work here holds nothing. Nor can a container without NET_RAW
// ask iptables-legacy, and only nftables needs no more than it has.
func besides(name string, s traffic.Settings) (all filter.Differences, err error) {
	for _, b := range backends {
		if b.name == name {
			continue
		}
		found, failure := b.beside(s)
		if failure != nil && !unable(failure) {
			err = errors.Join(err, failure)
		}
		for _, f := range found {
			all = append(all, b.name+": "+f)
		}
	}
	return all, err
}

// unable reports whether a packet filter cannot work here, or not be asked.
func unable(err error) bool { return errors.Is(err, errors.ErrUnsupported) || filter.LacksRights(err) }

// inForce names the only backend that holds something of ours, which auto took: that
// it cannot take the rules, a kernel says no earlier than when it gets them.
func inForce() string {
	name := Auto
	for _, b := range backends {
		if b.holds() {
			if name != Auto {
				return Auto
			}
			name = b.name
		}
	}
	return name
}

// withTPROXY adds to the form that a mesh takes by TPROXY what the rules cannot hide.
func (c Choice) withTPROXY(s traffic.Settings) Choice {
	for _, b := range backends {
		if b.name == c.Name && b.unhidden != nil && b.unhidden(s) {
			c.Form = strings.TrimPrefix(c.Form+"; "+passed, "; ")
		}
	}
	return c
}

func applying(s traffic.Settings) func(backend) (form string, err error) {
	return func(b backend) (form string, err error) {
		for _, f := range forms {
			without := f.form()
			if without.Nothing() {
				continue
			}
			var rules ruleset
			if rules, err = b.compile(s, without); err == nil {
				err = rules.Apply()
			}
			if !errors.Is(err, errors.ErrUnsupported) {
				return f.name, err
			}
		}
		return "", err
	}
}

// Show gives the rules as the packet filter's own command loads them, in the first
// form. It needs no kernel.
func Show(name string, s traffic.Settings) (text string, err error) {
	_, err = use(backends, name, func(b backend) (string, error) {
		rules, err := b.compile(s, filter.Form{})
		if err == nil {
			text = rules.Text()
		}
		if err == nil && !s.Inbound().IsEmpty() {
			text = "# " + b.inbound + "\n" + text
		}
		return "", err
	})
	return text, err
}

// Verify reads the kernel's rules and says where they differ from what the settings
// ask for, in the form that fits best, and what works beside them.
func Verify(name string, s traffic.Settings) (found filter.Differences, by Choice, err error) {
	if name == Auto {
		name = inForce()
	}
	by, err = use(backends, name, func(b backend) (form string, err error) {
		found, form, err = b.differences(s)
		return form, err
	})
	if err != nil {
		return nil, by, err
	}
	others, err := besides(by.Name, s)
	return append(found, others...), by.withTPROXY(s), err
}

// differences says where the kernel's rules are not what the settings ask for in the form
// that fits best, and which that is.
func (b backend) differences(s traffic.Settings) (found filter.Differences, form string, err error) {
	for i, f := range forms {
		without := f.form()
		if without.Nothing() {
			continue
		}
		rules, err := b.compile(s, without)
		if err != nil {
			return nil, "", err
		}
		differences, err := rules.Verify()
		if err != nil {
			return nil, "", err
		}
		if i == 0 || len(differences) < len(found) {
			found, form = differences, f.name
		}
		if len(found) == 0 {
			break
		}
	}
	return found, form, nil
}

// use works with the backend of that name, and Auto with the first for which the
// work succeeds. It goes on to the next only where the kernel has no such packet
// filter (errors.ErrUnsupported).
func use(backends []backend, name string, work func(backend) (form string, err error)) (Choice, error) {
	var missing []error
	for _, b := range backends {
		if name != Auto && name != b.name {
			continue
		}
		form, err := work(b)
		if name != Auto {
			return Choice{b.name, "asked for", form}, err
		}
		if !errors.Is(err, errors.ErrUnsupported) {
			reason := "the first that works here"
			if len(missing) > 0 {
				reason = errors.Join(missing...).Error()
			}
			return Choice{b.name, reason, form}, err
		}
		missing = append(missing, fmt.Errorf("%s: %w", b.name, err))
	}
	if len(missing) == 0 {
		return Choice{}, fmt.Errorf("unknown backend %q: give one of %q", name, names(backends))
	}
	return Choice{}, errors.Join(missing...)
}

// Clean takes away what the backend of that name left behind; with Auto,
// whatever any of them did.
func Clean(name string) error { return clean(backends, name) }

func clean(backends []backend, name string) error {
	if name != Auto {
		_, err := use(backends, name, func(b backend) (string, error) { return "", b.clean() })
		return err
	}
	var missing, failures []error
	for _, b := range backends {
		switch err := b.clean(); {
		case errors.Is(err, errors.ErrUnsupported):
			missing = append(missing, fmt.Errorf("%s: %w", b.name, err))
		case err != nil:
			failures = append(failures, err)
		}
	}
	if len(missing) == len(backends) {
		return errors.Join(missing...)
	}
	return errors.Join(failures...)
}
