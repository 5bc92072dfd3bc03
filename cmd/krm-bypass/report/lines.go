package report

import (
	"cmp"
	"strings"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// Table is a list of lines, of which the first that fits a connection decides.
type Table struct {
	// Says is what the lines are about.
	Says  string
	Lines []Line
}

// Line says what becomes of the connections that it fits.
type Line struct {
	// Says completes "a connection that", names of fields between backquotes.
	Says    string
	Verdict string
	fits    func(question) (why string, fits bool)
}

// Place is that of a line: its table among Tables, and its line, which counts from 1.
type Place struct{ Table, Line int }

// The tables, in the order in which they are asked: the last one only where the settings
// let nothing bypass.
const (
	inFront = iota
	bySettings
	behind
)

// Tables give the lines by which a connection of a direction is decided.
func Tables(direction traffic.Direction) []Table {
	settings := Table{Says: "What the settings say"}
	for _, line := range traffic.Lines[direction] {
		settings.Lines = append(settings.Lines, Line{Says: line.Says, Verdict: line.Verdict.String()})
	}
	return []Table{
		inFront:    {"Where the settings are not asked", linesInFront[:]},
		bySettings: settings,
		behind:     {"What becomes of what they do not let bypass", linesBehind[:]},
	}
}

// Tables give the lines by which it was decided. Those about what holds while init
// containers run name the fields that say so too.
func (d *Decision) Tables(direction traffic.Direction) []Table {
	tables := Tables(direction)
	if !strings.HasPrefix(d.Field, fn.InitialPrefix) {
		return tables
	}
	for i := range tables[bySettings].Lines {
		line := &tables[bySettings].Lines[i]
		for _, name := range initialNames {
			field, _ := initialField(name)
			own := "`" + string(field) + "`"
			line.Says = strings.Replace(line.Says, own, own+" or `"+name+"`", 1)
		}
	}
	return tables
}

// question is a connection that a workload is asked about, and what its settings say of it.
type question struct {
	*Workload
	traffic.Connection
	by traffic.Decision
}

// decide asks the tables, one after the other.
func (q question) decide() *Decision {
	if d := q.first(inFront, linesInFront[:]); d != nil {
		return d
	}
	d := &Decision{Verdict: Bypassed}
	switch {
	case q.by.Verdict != traffic.Bypassed:
		d = q.first(behind, linesBehind[:])
	case q.Direction == traffic.Inbound:
		d.Why = q.Unreached
	}
	d.Fits = append([]Place{{bySettings, q.by.Line}}, d.Fits...)
	return d
}

// first decides by the first line that fits, nil for none.
func (q question) first(table int, lines []Line) *Decision {
	for i, line := range lines {
		if why, fits := line.fits(q); fits {
			return &Decision{Verdict: line.Verdict, Why: why, Fits: []Place{{table, i + 1}}}
		}
	}
	return nil
}

var linesInFront = [...]Line{
	{"is of a workload that the function refuses", NotOurs, func(q question) (string, bool) {
		return "the function refuses this workload: " + q.Reason, q.Outcome == fn.RefusedOutcome
	}},
	{"is of an object whose kind krm-bypass does not know, or of which a chart is rendered later", NotOurs, func(q question) (string, bool) {
		return q.Reason, q.Outcome == fn.UnknownOutcome || q.Outcome == fn.LaterOutcome
	}},
	{"leaves or enters a pod in which nothing holds that krm-bypass writes", LeftToMesh, func(q question) (string, bool) {
		return q.Voided, q.Voided != "" && !q.Loopback
	}},
}

var linesBehind = [...]Line{
	{"stays in the pod", LeftToMesh, func(q question) (string, bool) {
		return "no rule is about loopback", q.Loopback && q.Reason == ""
	}},
	{"goes to an IPv6 address, where the mesh's own rules are for IPv4 alone", Bypassed, func(q question) (string, bool) {
		return "the mesh's own rules are for IPv4 alone", q.OnlyIPv4 && q.toIPv6()
	}},
	{"comes to a port that the mesh excludes in every pod", Bypassed, func(q question) (string, bool) {
		own := q.meshPorts()
		return own.Why, own.Bypass && own.Sure
	}},
	{"something else lets bypass, such as another annotation of the pod", Bypassed, func(q question) (string, bool) {
		return q.other(true)
	}},
	{"something else perhaps lets bypass", InDoubt, func(q question) (string, bool) {
		return q.other(false)
	}},
	{"goes to an IPv6 address, where the mesh intercepts IPv6 only if it is told to", InDoubt, func(q question) (string, bool) {
		return "the mesh leaves IPv6 alone unless " + q.IPv6If, q.IPv6If != "" && q.toIPv6()
	}},
	{"goes or comes to a port that the mesh excludes in some pods or versions", InDoubt, func(q question) (string, bool) {
		own := q.meshPorts()
		return own.Why, own.Bypass
	}},
	{"comes to a port of the sidecar or of the mesh's agents", LeftToMesh, func(q question) (string, bool) {
		own := q.meshPorts()
		return own.Why, own.Why != ""
	}},
	{"a setting intercepts", Intercepted, func(q question) (string, bool) {
		return "", q.by.Verdict == traffic.Intercepted
	}},
	{"is of a pod without a sidecar, or of a workload that krm-bypass leaves alone", NotOurs, func(q question) (string, bool) {
		return q.Reason, q.Reason != ""
	}},
	{"is UDP", LeftToMesh, func(q question) (string, bool) {
		return "no entry covers it, and of UDP a mesh takes DNS at the most", q.Protocol == traffic.UDP
	}},
	{"is any other", Intercepted, func(q question) (string, bool) {
		return cmp.Or(q.placeless(q.Connection), "no entry covers it, so it is left to the mesh"), true
	}},
}

// ofMesh reports whether the mesh alone has to do with it.
func (q question) ofMesh() bool { return q.by.Verdict == traffic.LeftToMesh && q.Reason == "" }

// toIPv6 reports whether it goes where the mesh's rules perhaps reach nothing.
func (q question) toIPv6() bool {
	return q.Direction == traffic.Outbound && !q.Loopback && q.Address.Unmap().Is6() && (q.ofMesh() || q.by.Verdict == traffic.Intercepted)
}

// meshPorts gives those of the mesh that hold its port.
func (q question) meshPorts() fn.MeshPorts {
	if !q.ofMesh() || q.Protocol == traffic.UDP || q.toIPv6() && (q.OnlyIPv4 || q.IPv6If != "") {
		return fn.MeshPorts{}
	}
	for _, own := range q.MeshPorts {
		var ports traffic.Layer
		_ = ports.Set(traffic.ExcludeInboundPorts, own.Ports) // in canonical form, which reads back
		if own.Outbound == (q.Direction == traffic.Outbound) && ports.Settings().ExcludeInboundPorts.Contains(q.Protocol, q.Port) {
			return own
		}
	}
	return fn.MeshPorts{}
}

// other says what lets it bypass beside the traffic fields, surely or perhaps.
func (q question) other(sure bool) (why string, lets bool) {
	for _, o := range q.Others {
		if q.Loopback || o.Sure != sure || other(o).layer().Decide(q.Connection).Verdict != traffic.Bypassed {
			continue
		}
		why, lets = "by "+other(o).says(), true
		switch {
		case sure:
			return why, lets
		case o.Doubt != "":
			why += ", but " + o.Doubt
		}
	}
	return why, lets
}
