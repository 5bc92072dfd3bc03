package report

import (
	"cmp"
	"strings"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// Decision says what becomes of a connection.
type Decision struct {
	// Connection is as the user wrote it.
	Connection string `json:"connection"`
	// Verdict is bypassed, perhaps bypassed or intercepted, left to the mesh where that
	// depends on it, or left alone if the spec has no say.
	Verdict string `json:"verdict"`
	// Field is the one that decides; "" if no field covers the connection.
	Field string `json:"field,omitempty"`
	// By are the entries that decide. If a field lists what is intercepted and
	// does not list this, they are all of its entries.
	By []fn.ExplainedEntry `json:"by,omitempty"`
	// Why says what decides if no field does.
	Why string `json:"why,omitempty"`
	// Initially is what becomes of it while init containers run, nil where that is the
	// same.
	Initially *Decision `json:"whileInitContainersRun,omitempty"`
}

// The verdicts.
const (
	Bypassed    = "bypassed"
	InDoubt     = "perhaps bypassed"
	Intercepted = "intercepted"
	NotOurs     = "left alone"
	LeftToMesh  = "left to the mesh"
)

// Decide says for every workload what becomes of a connection. name is the
// connection as the user wrote it.
func (r *Explanation) Decide(c traffic.Connection, name string) {
	for i := range r.Workloads {
		w := &r.Workloads[i]
		w.Decision = w.decide(c)
		if w.Decision.Initially = w.initially(c); w.Decision.Initially != nil {
			w.Decision.Initially.Connection = name
		}
		w.Decision.Connection = name
	}
}

// initially decides what becomes of it while init containers run, nil where that is as
// afterwards.
func (w *Workload) initially(c traffic.Connection) *Decision {
	var own, more traffic.Layer
	for _, f := range w.Fields {
		if name, initial := initialField(f.Field); initial {
			_ = more.Set(name, f.Effective) // in canonical form, which reads back
		} else {
			_ = own.Set(name, f.Effective)
		}
	}
	decision := own.Merge(more, traffic.Union).Settings().Decide(c)
	if w.Decision.Verdict == Bypassed || decision.Verdict != traffic.Bypassed || w.Voided != "" {
		return nil
	}
	d := &Decision{Verdict: Bypassed, Field: fn.InitialPrefix + string(decision.By)}
	for _, f := range w.Fields {
		if f.Field == d.Field {
			d.By = deciding(f, decision.By, c)
		}
	}
	return d
}

// initialField gives the traffic field by the name that it has in an explanation, and
// whether it is one that holds while init containers run.
func initialField(name string) (traffic.Field, bool) {
	name, initial := strings.CutPrefix(name, fn.InitialPrefix)
	return traffic.Field(name), initial
}

// deciding gives the entries of a field that decide.
func deciding(f fn.ExplainedField, by traffic.Field, c traffic.Connection) (all []fn.ExplainedEntry) {
	for _, e := range f.Entries {
		if e.InForce && decides(by, e, c) {
			all = append(all, e)
		}
	}
	return all
}

func (w *Workload) decide(c traffic.Connection) *Decision {
	switch w.Outcome {
	case fn.RefusedOutcome:
		return &Decision{Verdict: NotOurs, Why: "the function refuses this workload: " + w.Reason}
	case fn.UnknownOutcome, fn.LaterOutcome:
		return &Decision{Verdict: NotOurs, Why: w.Reason}
	}
	if w.Voided != "" && !c.Loopback {
		return &Decision{Verdict: LeftToMesh, Why: w.Voided}
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
		if c.Direction == traffic.Inbound {
			d.Why = w.Unreached
		}
	case decision.Verdict == traffic.Intercepted:
	case w.Reason != "":
		d.Verdict, d.Why = NotOurs, w.Reason
	case c.Loopback:
		d.Verdict, d.Why = LeftToMesh, "no rule is about loopback"
	case c.Protocol == traffic.UDP:
		d.Verdict, d.Why = LeftToMesh, "no entry covers it, and of UDP a mesh takes DNS at the most"
	default:
		d.Why = "no entry covers it, so it is left to the mesh"
	}
	if (d.Verdict == Intercepted || d.Verdict == LeftToMesh) && c.Direction == traffic.Outbound && !c.Loopback && c.Address.Unmap().Is6() {
		switch {
		case w.OnlyIPv4:
			d = &Decision{Verdict: Bypassed, Why: "the mesh's own rules are for IPv4 alone"}
		case w.IPv6If != "":
			d = &Decision{Verdict: InDoubt, Why: "the mesh leaves IPv6 alone unless " + w.IPv6If}
		}
	}
	if d.Verdict == Intercepted && d.Field == "" {
		d = w.byMesh(c, d)
	}
	if d.Verdict != Bypassed && !c.Loopback {
		for _, o := range w.Others {
			if other(o).layer().Decide(c).Verdict != traffic.Bypassed {
				continue
			}
			if d = (&Decision{Verdict: InDoubt, Why: "by " + other(o).says()}); o.Sure {
				d.Verdict = Bypassed
				break
			}
			if o.Doubt != "" {
				d.Why += ", but " + o.Doubt
			}
		}
	}
	if d.Verdict == Intercepted && d.Field == "" {
		d.Why = cmp.Or(w.placeless(c), d.Why)
	}
	for _, f := range w.Fields {
		if f.Field == d.Field {
			d.By = deciding(f, decision.By, c)
		}
	}
	return d
}

// placeless says why an entry that would let a connection bypass does not, "" where none
// is like that.
func (w *Workload) placeless(c traffic.Connection) string {
	for _, f := range w.Fields {
		for _, e := range f.Entries {
			var alone traffic.Layer
			_ = alone.Set(traffic.Field(f.Field), e.NoPlace) // in canonical form, which reads back
			if len(e.NoPlace) > 0 && alone.Settings().Decide(c).Verdict == traffic.Bypassed {
				return f.Field + " " + strings.Join(e.NoPlace, " ") + " does not hold in these pods, which take no init container: " + f.Gap
			}
		}
	}
	return ""
}

// byMesh gives what the mesh does of its own with a connection, else what was
// decided.
func (w *Workload) byMesh(c traffic.Connection, decided *Decision) *Decision {
	for _, own := range w.MeshPorts {
		var ports traffic.Layer
		_ = ports.Set(traffic.ExcludeInboundPorts, own.Ports) // in canonical form, which reads back
		switch {
		case own.Outbound != (c.Direction == traffic.Outbound):
		case !ports.Settings().ExcludeInboundPorts.Contains(c.Protocol, c.Port):
		case !own.Bypass:
			return &Decision{Verdict: LeftToMesh, Why: own.Why}
		case own.Sure:
			return &Decision{Verdict: Bypassed, Why: own.Why}
		default:
			return &Decision{Verdict: InDoubt, Why: own.Why}
		}
	}
	return decided
}

// decides reports whether an entry contributes to the decision of its field.
func decides(f traffic.Field, e fn.ExplainedEntry, c traffic.Connection) bool {
	if f == traffic.IncludeInboundPorts || f == traffic.IncludeOutboundIPRanges {
		return true // by what it leaves out
	}
	var alone traffic.Layer
	_ = alone.Set(f, e.Holds)
	return alone.Settings().Decide(c).By == f
}
