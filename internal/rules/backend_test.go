package rules

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"golang.org/x/sys/unix"

	"github.com/krm-bypass/krm-bypass/internal/rules/filter"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// stub is a backend that answers everything with one error.
func stub(name string, err error) backend {
	return backend{name, func(traffic.Settings, filter.Form) (ruleset, error) { return stubbed{err}, nil }, func() error { return err }, nil, nil, nil, ""}
}

type stubbed struct{ err error }

func (s stubbed) Text() string                        { return "" }
func (s stubbed) Apply() error                        { return s.err }
func (s stubbed) Verify() (filter.Differences, error) { return nil, s.err }

func TestTheBackendIsTheFirstThatCan(t *testing.T) {
	absent := filter.Unsupported(errors.New("no nf_tables"))
	refused := unix.EPERM
	without := filter.Unsupported(errors.New("no iptables-legacy"))
	for name, test := range map[string]struct {
		first, second error
		asked         string
		choice        Choice
		err           string
	}{
		"the first":              {asked: "auto", choice: Choice{"first", "the first that works here", ""}},
		"the second":             {first: absent, asked: "auto", choice: Choice{"second", "first: " + absent.Error(), ""}},
		"none":                   {first: absent, second: without, asked: "auto", err: "first: " + absent.Error() + "\nsecond: " + without.Error()},
		"not for lack of rights": {first: refused, asked: "auto", choice: Choice{"first", "the first that works here", ""}, err: refused.Error()},
		"asked for":              {first: absent, asked: "second", choice: Choice{"second", "asked for", ""}},
		"asked for and unable":   {first: absent, asked: "first", choice: Choice{"first", "asked for", ""}, err: absent.Error()},
		"unknown":                {asked: "third", err: `unknown backend "third": give one of ["auto" "first" "second"]`},
	} {
		choice, err := use([]backend{stub("first", test.first), stub("second", test.second)}, test.asked, applying(traffic.Settings{}))
		assert.Equal(t, test.choice, choice, name)
		if test.err == "" {
			assert.NoError(t, err, name)
		} else {
			assert.EqualError(t, err, test.err, name)
		}
	}
}

func TestCleanReachesEveryBackend(t *testing.T) {
	absent := filter.Unsupported(errors.New("no nf_tables"))
	refused := unix.EPERM
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
		"unknown":                  {asked: "third", err: `unknown backend "third": give one of ["auto" "first" "second"]`},
	} {
		err := clean([]backend{stub("first", test.first), stub("second", test.second)}, test.asked)
		if test.err == "" {
			assert.NoError(t, err, name)
		} else {
			assert.EqualError(t, err, test.err, name)
		}
	}
}
