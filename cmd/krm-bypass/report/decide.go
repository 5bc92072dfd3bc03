package report

import (
	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// Decision is what becomes of a connection.
type Decision struct {
	// Connection is as it was asked about.
	Connection string `json:"connection"`
	// Verdict is bypassed or intercepted; or left alone, where it is not for the
	// spec to say.
	Verdict string `json:"verdict"`
	// Field is the one that decides, "" where none speaks of the connection.
	Field string `json:"field,omitempty"`
	// By are the entries that decide; of a field that lists what is intercepted
	// and does not list this, all of them.
	By []fn.ExplainedEntry `json:"by,omitempty"`
	// Why says what decides where no field does.
	Why string `json:"why,omitempty"`
}

// The verdicts.
const (
	Bypassed    = "bypassed"
	Intercepted = "intercepted"
	NotOurs     = "left alone"
)

// Decide asks what becomes of a connection of every workload. name is the
// connection as it was asked about.
func (r *Explanation) Decide(c traffic.Connection, name string) {
	for i := range r.Workloads {
		w := &r.Workloads[i]
		w.Decision = w.decide(c)
		w.Decision.Connection = name
	}
}

func (w *Workload) decide(c traffic.Connection) *Decision {
	if w.Outcome == fn.RefusedOutcome {
		return &Decision{Verdict: NotOurs, Why: "the function refuses the workload: " + w.Reason}
	}
	var settings traffic.Layer
	for _, f := range w.Fields {
		_ = settings.Set(traffic.Field(f.Field), f.Effective) // in canonical form, which reads back
	}
	decision := settings.Settings().Decide(c)
	d := &Decision{Verdict: Intercepted, Field: string(decision.By)}
	switch {
	case decision.Verdict == traffic.Bypassed:
		d.Verdict = Bypassed
	case decision.Verdict == traffic.Intercepted:
	case w.Outcome == fn.LeftAlone:
		d.Verdict, d.Why = NotOurs, w.Reason
	case c.Loopback:
		d.Why = "what goes over loopback is left to the mesh"
	default:
		d.Why = "no entry speaks of it, so that it is left to the mesh"
	}
	for _, f := range w.Fields {
		if f.Field != d.Field {
			continue
		}
		for _, e := range f.Entries {
			if e.InForce && decides(decision.By, e, c) {
				d.By = append(d.By, e)
			}
		}
	}
	return d
}

// decides says whether an entry has a part in a decision of its field.
func decides(f traffic.Field, e fn.ExplainedEntry, c traffic.Connection) bool {
	if f == traffic.IncludeInboundPorts || f == traffic.IncludeOutboundIPRanges {
		return true // by what it leaves out
	}
	var alone traffic.Layer
	_ = alone.Set(f, e.Holds)
	return alone.Settings().Decide(c).By == f
}
