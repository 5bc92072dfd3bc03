package finding

import (
	"cmp"
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/each"
)

// Severity says what becomes of a finding.
type Severity string

const (
	// Error makes the run fail, with nothing written.
	Error Severity = "Error"
	// Warning tells the user.
	Warning Severity = "Warning"
	// Ignore does not tell it.
	Ignore Severity = "Ignore"
)

// Severities lists every Severity.
var Severities = []Severity{Error, Warning, Ignore}

// Kind is a kind of finding.
type Kind struct {
	// ID is its name in spec.lint, in reports and in the tags of results.
	ID string
	// Severity is that of its findings where spec.lint does not say.
	Severity Severity
	// Domain is that of the mesh whose behaviour or objects it is about; "" for
	// all of them.
	Domain string
	// Asked says that only check, explain and lint tell of it, since a stream of
	// one application cannot know whether it is a mistake.
	Asked bool
	// Unexplained says that explain does not tell of it either.
	Unexplained bool
	// Ports says that its findings are about ports, so that they can be accepted for
	// some.
	Ports bool
	// Gate says that check fails on what other commands only warn about, since what
	// a pipeline applies is not what the spec says.
	Gate bool
}

// In gives the severity by what spec.lint says, by ID.
func (k *Kind) In(lint map[string]string) Severity {
	return cmp.Or(Severity(lint[k.ID]), k.Severity)
}

// All lists the kinds in the order of their documentation.
func All() []*Kind { return slices.Clone(kinds) }

// ByID finds a kind.
func ByID(id string) (*Kind, bool) {
	return each.First(kinds, func(k *Kind) bool { return k.ID == id })
}

// Each of these is one expression, so that a kind is data that a program's start need not
// make.

// warning makes a kind whose findings are warnings.
func warning(id string) *Kind { return &Kind{ID: id, Severity: Warning} }

// gate makes a kind whose findings are warnings, and fail check.
func gate(id string) *Kind { return &Kind{ID: id, Severity: Warning, Gate: true} }

// ofPorts makes one whose findings are about ports.
func ofPorts(id string) *Kind { return &Kind{ID: id, Severity: Warning, Ports: true} }

// ofIstio makes one that is about Istio alone, and ofIstioPorts one about its ports.
func ofIstio(id string) *Kind { return &Kind{ID: id, Severity: Warning, Domain: istio} }

func ofIstioPorts(id string) *Kind {
	return &Kind{ID: id, Severity: Warning, Domain: istio, Ports: true}
}

const istio = "istio.io"

// asked makes one that is told where somebody asks, and unexplained one of which explain
// does not tell either.
func asked(id string, severity Severity) *Kind {
	return &Kind{ID: id, Severity: severity, Asked: true}
}

func unexplained(id string, severity Severity) *Kind {
	return &Kind{ID: id, Severity: severity, Asked: true, Unexplained: true}
}
