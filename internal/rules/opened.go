package rules

import (
	"github.com/krm-bypass/krm-bypass/internal/rules/host"
	"github.com/krm-bypass/krm-bypass/internal/rules/tracked"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// Opened are connections, as an earlier Apply let them bypass.
type Opened func(traffic.Connection) bool

// Standing says what the rules that stand let bypass. These are all connections where
// other settings cannot be read from them: rules that are there already are those of an
// Apply that was killed before it ended what others before it had opened, and rules
// that are not just as one writes them may open anything.
func Standing(s traffic.Settings) (Opened, error) {
	before := map[string]traffic.Settings{}
	for _, b := range backends {
		values, err := b.standing()
		if unable(err) || err == nil && values == nil {
			continue
		}
		if err != nil {
			return nil, err
		}
		before[b.name], err = traffic.ParseArguments(values)
		if err != nil || before[b.name].Equal(s) {
			return anything, nil //nolint:nilerr // what cannot be read opens anything
		}
		found, _, err := b.differences(before[b.name])
		if err != nil || len(found) > 0 {
			return anything, nil //nolint:nilerr // the same
		}
	}
	if len(before) == 0 {
		return anything, nil
	}
	return func(c traffic.Connection) bool {
		for _, b := range before {
			if b.Decide(c).Verdict == traffic.Bypassed {
				return true
			}
		}
		return false
	}, nil
}

func anything(traffic.Connection) bool { return true }

// End ends the connections of this network namespace that were opened and that the
// settings do not let bypass. It says how many there were.
func (o Opened) End(s traffic.Settings) (ended int, err error) {
	return tracked.End(host.Addresses(), func(c traffic.Connection) bool {
		return o(c) && s.Decide(c).Verdict != traffic.Bypassed
	})
}
