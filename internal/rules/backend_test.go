package rules

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"golang.org/x/sys/unix"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// stub is a backend that answers everything with one error.
type stub struct {
	name string
	err  error
}

func (s stub) Name() string                                 { return s.name }
func (s stub) Show(traffic.Settings) (string, error)        { return "", s.err }
func (s stub) Apply(traffic.Settings) error                 { return s.err }
func (s stub) Verify(traffic.Settings) (Differences, error) { return nil, s.err }
func (s stub) Clean() error                                 { return s.err }

func TestTheBackendIsTheFirstThatCan(t *testing.T) {
	absent := explained(unix.EPROTONOSUPPORT)
	refused := explained(unix.EPERM)
	without := incapableError{errors.New("no iptables-legacy")}
	for name, test := range map[string]struct {
		first, second error
		asked         string
		choice        Choice
		err           string
	}{
		"the first":              {asked: "auto", choice: Choice{"first", "the first that works here"}},
		"the second":             {first: absent, asked: "auto", choice: Choice{"second", "first: " + absent.Error()}},
		"none":                   {first: absent, second: without, asked: "auto", err: "first: " + absent.Error() + "\nsecond: " + without.Error()},
		"not for lack of rights": {first: refused, asked: "auto", choice: Choice{"first", "the first that works here"}, err: refused.Error()},
		"asked for":              {first: absent, asked: "second", choice: Choice{"second", "asked for"}},
		"asked for and unable":   {first: absent, asked: "first", choice: Choice{"first", "asked for"}, err: absent.Error()},
		"unknown":                {asked: "third", err: `backend "third" is not known: give one of ["auto" "nftables" "iptables"]`},
	} {
		choice, err := use([]Backend{stub{"first", test.first}, stub{"second", test.second}}, test.asked, func(b Backend) error { return b.Clean() })
		assert.Equal(t, test.choice, choice, name)
		if test.err == "" {
			assert.NoError(t, err, name)
		} else {
			assert.EqualError(t, err, test.err, name)
		}
	}
}

func TestCleanReachesEveryBackend(t *testing.T) {
	absent := explained(unix.EPROTONOSUPPORT)
	refused := explained(unix.EPERM)
	for name, test := range map[string]struct {
		first, second error
		asked, err    string
	}{
		"both":                     {asked: "auto"},
		"what there is":            {first: absent, asked: "auto"},
		"what there is, the other": {second: absent, asked: "auto"},
		"none":                     {first: absent, second: absent, asked: "auto", err: "first: " + absent.Error() + "\nsecond: " + absent.Error()},
		"not for lack of rights":   {first: absent, second: refused, asked: "auto", err: refused.Error()},
		"asked for":                {first: refused, asked: "second"},
		"asked for and unable":     {first: absent, asked: "first", err: absent.Error()},
	} {
		err := clean([]Backend{stub{"first", test.first}, stub{"second", test.second}}, test.asked)
		if test.err == "" {
			assert.NoError(t, err, name)
		} else {
			assert.EqualError(t, err, test.err, name)
		}
	}
}

func TestRefusalsAreExplained(t *testing.T) {
	for number, words := range map[unix.Errno]string{
		unix.EPERM:           "NET_ADMIN",
		unix.EOPNOTSUPP:      "no nf_tables",
		unix.EPROTONOSUPPORT: "no nf_tables",
	} {
		err := explained(fmt.Errorf("loading the ruleset: %w", number))
		assert.ErrorContains(t, err, words)
		assert.ErrorIs(t, err, number)
		assert.Equal(t, number != unix.EPERM, errors.Is(err, errors.ErrUnsupported), "%v", number)
	}
	other := errors.New("other")
	assert.Equal(t, other, explained(other))
}
