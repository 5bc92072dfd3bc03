package filter_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/krm-bypass/krm-bypass/internal/rules/filter"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/test/samples"
)

// The steps, asked in order, give the verdict of the decision function.
func TestStepsDecideAsTheSettingsDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		settings := samples.Settings.Draw(t, "settings")
		for range 20 {
			c := samples.Connection.Draw(t, "connection")
			c.Loopback = false // no step's business
			steps := filter.Outbound(settings)
			if c.Direction == traffic.Inbound {
				steps = filter.Inbound(settings)
			}
			i := slices.IndexFunc(steps, func(s filter.Step) bool { return answers(s, c) })
			bypassed := i >= 0 && steps[i].Then != filter.Leave
			assert.Equal(t, settings.Decide(c).Verdict == traffic.Bypassed, bypassed, "%+v %+v", c, steps)
		}
	})
}

// answers reports whether the step decides about the connection.
func answers(s filter.Step, c traffic.Connection) bool {
	var listed, asked bool
	switch s.Kind {
	case filter.OnPorts:
		listed, asked = s.Ports.Contains(c.Protocol, c.Port), s.Then != filter.BypassOthers || c.Protocol == traffic.TCP
	case filter.OnPairs:
		listed, asked = s.Pairs.Contains(c.Protocol, c.Address, c.Port), true
	case filter.OnAddresses:
		listed, asked = s.Prefixes.Contains(c.Address), c.Protocol == traffic.TCP && c.Port != 53
	}
	return asked && listed != (s.Then == filter.BypassOthers)
}
