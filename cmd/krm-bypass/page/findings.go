package page

import (
	"slices"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	texts "github.com/krm-bypass/krm-bypass/internal/finding/words"
)

// findingsView is what lint finds, by kind.
type findingsView struct {
	Problems []string
	// Counted says how many there are.
	Counted     string
	Kinds       []kindView
	Accepted    []problemView
	Severities  []choiceView
	Choices     []choiceView
	Text, Draft string
	Clear       string
}

// kindView is a kind of finding, and those that there are.
type kindView struct {
	ID, Finds string
	Problems  []problemView
	// More counts those that are not shown, which stand at URL.
	More int
	URL  string
}

// problemView is one finding, with what mends it.
type problemView struct {
	Severity, Rule    string
	About, URL, Place string
	Path, Value       string
	Message           string
	Also              string
	// Proposed is text that mends it.
	Proposed string
	// Mends are the buttons that mend it. Accept is the form that accepts it, Edit that of
	// the rule that it is about, Name that in which the rule gets a name to be accepted by.
	Mends              []mendView
	Accept, Edit, Name string
	Reason             string
	New                bool
}

// How many findings of a kind are shown, beside others and alone.
const (
	mostOfKind  = 25
	mostOfAlone = 500
)

// findings shows what lint finds.
func (s *Site) findings(r *request) error {
	seen, err := s.seeUnder(r, "Findings")
	if err != nil {
		return err
	}
	return s.show(r, "findings", "Findings", newFindings(r, seen, s.mender(r)))
}

func newFindings(r *request, seen *Seen, m *mender) *findingsView {
	severity, kind, text := r.query.Get("severity"), r.query.Get("kind"), strings.ToLower(strings.TrimSpace(r.query.Get("text")))
	v := &findingsView{Problems: seen.Problems, Counted: countedFindings(&seen.Findings), Text: r.query.Get("text")}
	if r.draft != nil {
		v.Draft = r.draft.id
	}
	if severity+kind+text != "" {
		v.Clear = r.link("/findings")
	}
	for _, one := range [][2]string{{string(fn.Error), "errors"}, {string(fn.Warning), "warnings"}, {string(fn.Info), "infos"}} {
		v.Severities = append(v.Severities, choiceView{one[0], one[1], severity == one[0]})
	}
	here := map[fn.ResourceRef]string{}
	for i := range seen.Explanation.Workloads {
		w := &seen.Explanation.Workloads[i]
		here[w.ResourceRef] = w.Key()
	}
	most, at := mostOfKind, map[string]int{}
	if kind != "" {
		most = mostOfAlone
	}
	for _, s := range seen.Findings.Subjects {
		ref := fn.ResourceRef{APIVersion: s.APIVersion, Kind: s.Kind, Namespace: s.Namespace, Name: s.Name}
		link := func(p problemView) problemView {
			if key := here[ref]; key != "" {
				p.URL = r.link("/workload", "of", key)
			}
			return p
		}
		for _, f := range s.Findings {
			if severity != "" && string(f.Severity) != severity || text != "" && !strings.Contains(strings.ToLower(s.Title()+" "+s.File+" "+f.Message), text) {
				continue
			}
			if _, known := at[f.Rule]; !known {
				at[f.Rule] = len(v.Kinds)
				v.Kinds = append(v.Kinds, newKind(r, f.Rule))
			}
			k := &v.Kinds[at[f.Rule]]
			if len(k.Problems) == most || kind != "" && f.Rule != kind {
				k.More++
				continue
			}
			k.Problems = append(k.Problems, link(newProblem(s, f, m)))
		}
		for _, f := range s.Accepted {
			if len(v.Accepted) < mostOfAlone {
				v.Accepted = append(v.Accepted, link(newProblem(s, f, nil)))
			}
		}
	}
	slices.SortStableFunc(v.Kinds, func(a, b kindView) int { return a.rank() - b.rank() })
	for _, k := range v.Kinds {
		v.Choices = append(v.Choices, choiceView{k.ID, k.ID, k.ID == kind})
	}
	if kind != "" {
		v.Kinds = slices.DeleteFunc(v.Kinds, func(k kindView) bool { return k.ID != kind })
	}
	return v
}

// countedFindings says how many there are of each severity, of infos only where there are some.
func countedFindings(c *report.Check) string {
	infos := 0
	for _, s := range c.Subjects {
		for _, f := range s.Findings {
			if f.Severity == fn.Info {
				infos++
			}
		}
	}
	says := report.Counted(c.Errors, "error", "errors") + ", " + report.Counted(c.Warnings, "warning", "warnings")
	if infos > 0 {
		says += ", " + report.Counted(infos, "info", "infos")
	}
	return says + ", " + strconv.Itoa(c.Accepted) + " accepted"
}

// rank orders kinds: errors before warnings before infos.
func (k *kindView) rank() int {
	if len(k.Problems) == 0 {
		return 3
	}
	return slices.Index([]string{string(fn.Error), string(fn.Warning), string(fn.Info)}, k.Problems[0].Severity)
}

func newKind(r *request, id string) kindView {
	v := kindView{ID: id, URL: r.again("kind", id)}
	if k, known := finding.ByID(id); known {
		v.Finds = strings.ReplaceAll(texts.Finds(k), "`", "")
	}
	return v
}

// newProblem shows a finding. m is nil where nothing can be changed.
func newProblem(s report.Subject, f report.Finding, m *mender) problemView {
	v := problemView{
		Severity: string(f.Severity), Rule: f.Rule, About: s.Title(), Place: s.Place(f.Line), Path: f.Path, Value: shortened([]string{f.Value}),
		Message: f.Message, Also: strings.Join(f.Also, ", "), Proposed: f.Proposed, Reason: f.Reason, New: f.New,
	}
	if m != nil {
		v.Mends, v.Accept = m.mends(s, f), m.acceptURL(s, f)
		if ofSpec(s) {
			v.Edit, v.Name = m.editURL(f.Path), m.nameURL(s, f)
		}
	}
	return v
}
