package report

import (
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
	// Fits are the lines of Tables by which it was decided; the last had the last word.
	Fits []Place `json:"-"`
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
	r.connection = c
	for i := range r.Workloads {
		w := &r.Workloads[i]
		w.Decision = w.decide(c)
		if w.Decision.Initially = w.initially(c); w.Decision.Initially != nil {
			w.Decision.Initially.Connection = name
		}
		w.Decision.Connection = name
	}
}

// Asked gives the connection that was asked about, and what the user calls it; false if
// there is none.
func (r *Explanation) Asked() (c traffic.Connection, name string, asked bool) {
	if !r.asked() {
		return c, "", false
	}
	return r.connection, r.Workloads[0].Decision.Connection, true
}

// layers give the workload's own settings, and what there is beside them while init
// containers run.
func (w *Workload) layers() (own, more traffic.Layer) {
	for _, f := range w.Fields {
		layer := &own
		name, initial := initialField(f.Field)
		if initial {
			layer = &more
		}
		_ = layer.Set(name, f.Effective) // in canonical form, which reads back
	}
	return own, more
}

// initially decides what becomes of it while init containers run, nil where that is as
// afterwards.
func (w *Workload) initially(c traffic.Connection) *Decision {
	own, more := w.layers()
	afterwards, decision := own.Settings().Decide(c), own.Merge(more, traffic.Union).Settings().Decide(c)
	switch {
	case decision.Verdict != traffic.Bypassed, afterwards.Verdict == traffic.Bypassed: // it adds nothing
		return nil
	case w.Decision.Verdict == Bypassed, w.Voided != "", w.Outcome == fn.RefusedOutcome:
		return nil
	}
	d := &Decision{Verdict: Bypassed, Field: fn.InitialPrefix + string(decision.By), Fits: []Place{{bySettings, decision.Line}}}
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
	own, _ := w.layers()
	q := question{w, c, own.Settings().Decide(c)}
	d := q.decide()
	if d.Verdict == q.by.Verdict.String() {
		d.Field = string(q.by.By)
	}
	for _, f := range w.Fields {
		if f.Field == d.Field {
			d.By = deciding(f, q.by.By, c)
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

// decides reports whether an entry contributes to the decision of its field.
func decides(f traffic.Field, e fn.ExplainedEntry, c traffic.Connection) bool {
	if f == traffic.IncludeInboundPorts || f == traffic.IncludeOutboundIPRanges {
		return true // by what it leaves out
	}
	var alone traffic.Layer
	_ = alone.Set(f, e.Holds)
	return alone.Settings().Decide(c).By == f
}
