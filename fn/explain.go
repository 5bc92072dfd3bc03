package fn

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/pass"
	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/stream"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// Explained says what bypasses the sidecar of which workload, and why.
type Explained struct {
	// Mesh is the service mesh of the spec.
	Mesh string
	// Workloads are those among the files, in the order in which they stand.
	Workloads []Explanation
	// Results are what the function has to say beside it.
	Results Results
}

// Outcome is what becomes of a workload.
type Outcome string

const (
	// Written is a workload for which something is written.
	Written Outcome = "written"
	// Unspoken is one of which the spec says nothing, or that nothing bypasses.
	Unspoken Outcome = "nothing to write"
	// LeftAlone is one that the spec speaks of and that is not touched.
	LeftAlone Outcome = "left alone"
	// RefusedOutcome is one for which the function takes something for an error.
	RefusedOutcome Outcome = "refused"
)

// Explanation says of one workload what bypasses, why, and how that is enforced.
type Explanation struct {
	ResourceRef
	// File and Line say where it stands; Line counts from 1, 0 if it is not known.
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	// Outcome is what becomes of it; Reason says why it is left alone or refused.
	Outcome Outcome `json:"outcome"`
	Reason  string  `json:"reason,omitempty"`
	// Mode is how the settings are enforced, ModeFrom the field that says so; both
	// are empty where nothing is written.
	Mode     string `json:"mode,omitempty"`
	ModeFrom Source `json:"modeFrom,omitzero"`
	// Fields are those of the traffic fields of which something is said, in
	// canonical order.
	Fields []ExplainedField `json:"fields,omitempty"`
	// Rendered is what the template becomes.
	Rendered Rendered `json:"-"`
}

// Rendered is what a pod template becomes, by digests.
type Rendered = transform.Rendered

// ExplainedField is one traffic field of a workload.
type ExplainedField struct {
	Field string `json:"field"`
	// Effective are the entries that hold, in canonical form.
	Effective []string `json:"effective"`
	// Annotation is the mesh's annotation on the template that carries the
	// field, or a part of it; nil if there is none.
	Annotation *WrittenAnnotation `json:"annotation,omitempty"`
	// Gap says what the annotation cannot say, and why.
	Gap string `json:"gap,omitempty"`
	// Entries are those of every scope that speaks of the field, broad to narrow.
	Entries []ExplainedEntry `json:"entries"`
}

// WrittenAnnotation is an annotation and its value.
type WrittenAnnotation struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// ExplainedEntry is one entry of one scope's list.
type ExplainedEntry struct {
	// Entry is as it was written, [] for an empty list.
	Entry string `json:"entry"`
	From  Source `json:"from"`
	// Reason, Owner and Expires are those of the rule.
	Reason  string        `json:"reason,omitempty"`
	Owner   string        `json:"owner,omitempty"`
	Expires v1alpha1.Date `json:"expires,omitempty"`
	Expired bool          `json:"expired,omitempty"`
	// InForce says that it has an effect: something of it holds, or it leaves
	// the field empty.
	InForce bool `json:"inForce"`
	// Holds is what of it is in force, in canonical form.
	Holds []string `json:"holds,omitempty"`
	// Lost is what narrower scopes took from it.
	Lost []Loss `json:"lost,omitempty"`
	// CarriedBy is how what holds is enforced: annotation, init container, or
	// the mesh's configuration, which does it by itself.
	CarriedBy []string `json:"carriedBy,omitempty"`
}

// The ways in which an entry is enforced.
const (
	ByAnnotation    = "annotation"
	ByInitContainer = "init container"
	ByMesh          = "mesh configuration"
)

// Loss is what a narrower scope took from an entry.
type Loss struct {
	// Entries are in canonical form; there are none where an empty list lost its
	// effect.
	Entries []string `json:"entries,omitempty"`
	To      Source   `json:"to"`
}

// Source is a place where something is said.
type Source struct {
	// Scope is the field path of the rule in the spec, "annotation" for the
	// workload's own, "mesh" for what the mesh does as long as nobody
	// configures it, "default" for what holds where nobody says anything.
	Scope string `json:"scope"`
	// Path is the field itself, "" where nobody wrote one.
	Path string `json:"path,omitempty"`
	File string `json:"file,omitempty"`
	// Line counts from 1; 0 where it is not known.
	Line int `json:"line,omitempty"`
}

// The scopes of a Source that are no rules.
const (
	FromAnnotation = "annotation"
	FromMesh       = "mesh"
	FromDefault    = "default"
)

// Explain says what bypasses the sidecar of the workloads in files, by which
// scope and how. by and options are as for Manifests. today is the day on which
// it is asked, by which it is told what has expired; "" to leave that out.
//
// The error is ErrFailed where nothing can be said, since the spec or a document
// cannot be read; the results say so.
func Explain(by *Manifest, files []Manifest, options Options, today v1alpha1.Date) (*Explained, error) {
	r := runOn(by, stream.Of(files...), options)
	workloads := make([][]Explanation, len(r.items))
	scopes := sync.OnceValue(func() map[string]spec.Rule { return scopesOf(r.spec) })
	explained := &Explained{Results: r.process(
		func(d *pass.Document) { workloads[d.At] = r.explanations(d, scopes(), today) },
		func(d *pass.Document) {
			for i, plan := range d.Workloads {
				if !plan.Failed() {
					workloads[d.At][i].Rendered = r.spec.Policy.Rendered(plan, d.Nodes)
				}
			}
		})}
	if r.spec == nil {
		return explained, &FailedError{explained.Results}
	}
	explained.Mesh = r.spec.Policy.Mesh.Name
	explained.Workloads = slices.Concat(workloads...)
	return explained, nil
}

// explanations explains the workloads of a document.
func (r *run) explanations(d *pass.Document, scopes map[string]spec.Rule, today v1alpha1.Date) []Explanation {
	all := make([]Explanation, len(d.Workloads))
	for i, plan := range d.Workloads {
		e := explaining{r.spec.Policy, r.spec, scopes, today, d, plan}
		all[i] = e.explanation()
	}
	return all
}

// explaining is the explanation of one workload.
type explaining struct {
	policy *transform.Policy
	spec   *spec.Spec
	scopes map[string]spec.Rule
	today  v1alpha1.Date
	in     *pass.Document
	plan   *transform.Plan
}

func (e *explaining) explanation() Explanation {
	of, plan := &e.plan.Workload.Object, e.plan
	at := e.in.Locate(of, of.Path())
	x := Explanation{ResourceRef: *refTo(pass.RefOf(of)), File: at.File, Line: at.Line, Outcome: Unspoken}
	switch {
	case plan.Failed():
		x.Outcome = RefusedOutcome
		for _, f := range plan.Findings {
			if f.Severity == Error {
				x.Reason = f.Message
				break
			}
		}
	case plan.LeftAlone != "":
		x.Outcome, x.Reason = LeftAlone, plan.LeftAlone
	case plan.Applies:
		x.Outcome = Written
	}
	if plan.Applies {
		x.Mode = string(plan.Mode)
		x.ModeFrom = e.modeFrom()
	}
	for _, f := range traffic.Fields {
		if field := e.field(f); len(field.Entries) > 0 {
			x.Fields = append(x.Fields, field)
		}
	}
	return x
}

// modeFrom says which field says how the settings are enforced.
func (e *explaining) modeFrom() Source {
	by := e.plan.ModeBy
	if !e.spec.Says(by) {
		return Source{Scope: FromDefault}
	}
	return e.source(strings.TrimSuffix(by, ".enforcement.mode"), by)
}

func (e *explaining) field(f traffic.Field) ExplainedField {
	field := ExplainedField{Field: string(f), Effective: e.plan.Settings.Entries(f)}
	if field.Effective == nil {
		field.Effective = []string{}
	}
	if key, annotated := e.policy.Mesh.Key(f); annotated {
		if value, stands := e.plan.Annotations[key.Annotation]; stands {
			field.Annotation = &WrittenAnnotation{key.Annotation, value}
		}
	}
	for _, g := range e.plan.Gaps {
		if g.Field == f {
			field.Gap = g.Reason
		}
	}
	for i, claim := range e.plan.Fold {
		if !claim.Said.Says(f) {
			continue
		}
		for _, said := range e.said(claim, f) {
			entry := said.ExplainedEntry
			left, losses := e.plan.Fold.Trace(i, said.layer)
			if holds, _ := left.Entries(f); len(holds) > 0 {
				entry.Holds = holds
			}
			entry.InForce = left.Says(f) && (len(entry.Holds) > 0 || len(field.Effective) == 0)
			if entry.InForce {
				entry.CarriedBy = e.carriers(claim, f, left, field.Annotation != nil)
			}
			for _, l := range losses {
				loss := Loss{To: e.taker(e.plan.Fold[l.By], f)}
				if entries, _ := l.Lost.Entries(f); len(entries) > 0 {
					loss.Entries = entries
				}
				entry.Lost = append(entry.Lost, loss)
			}
			field.Entries = append(field.Entries, entry)
		}
	}
	return field
}

// carriers says how what is left of an entry of a scope is enforced.
func (e *explaining) carriers(claim transform.Claim, f traffic.Field, left traffic.Layer, written bool) []string {
	switch {
	case !e.plan.Decided && claim.Scope != "":
		return []string{ByMesh}
	case !e.plan.Decided:
		return []string{ByAnnotation}
	}
	sayable := e.plan.Sayable.Of(f)
	var by []string
	if touches(sayable, left, f) {
		if written {
			by = append(by, ByAnnotation)
		} else if _, annotated := e.policy.Mesh.Key(f); annotated {
			by = append(by, ByMesh)
		}
	}
	if e.plan.Container {
		by = append(by, ByInitContainer)
	}
	switch {
	case len(by) > 0:
	// Another field says it too: to include less is to exclude.
	case len(e.plan.Annotations) > 0:
		by = append(by, ByAnnotation)
	default:
		by = append(by, ByMesh)
	}
	return by
}

// touches says whether a part of an entry is in a layer that says the field.
func touches(sayable, left traffic.Layer, f traffic.Field) bool {
	if !sayable.Says(f) {
		return false
	}
	all, some := sayable.Settings(), left.Settings()
	switch f {
	case traffic.ExcludeInboundPorts:
		return !all.ExcludeInboundPorts.Intersect(some.ExcludeInboundPorts).IsEmpty()
	case traffic.ExcludeOutboundPorts:
		return !all.ExcludeOutboundPorts.Intersect(some.ExcludeOutboundPorts).IsEmpty()
	case traffic.IncludeOutboundPorts:
		return !all.IncludeOutboundPorts.Intersect(some.IncludeOutboundPorts).IsEmpty()
	case traffic.ExcludeOutboundIPRanges:
		return slices.ContainsFunc(some.ExcludeOutboundIPRanges.List(), all.ExcludeOutboundIPRanges.Overlaps)
	}
	return true
}

// saidEntry is an entry as a scope says it.
type saidEntry struct {
	ExplainedEntry
	layer traffic.Layer
}

// said gives what a scope says of a field, entry by entry.
func (e *explaining) said(claim transform.Claim, f traffic.Field) []saidEntry {
	scope, written := e.scopes[claim.Scope]
	if !written {
		// Nobody wrote entries: the mesh's defaults, or a value that is the mesh's
		// to cut into entries.
		entries, _ := claim.Said.Entries(f)
		from := e.unwritten(claim, f)
		if len(entries) == 0 {
			return []saidEntry{{ExplainedEntry{Entry: "[]", From: from}, layerOf(f)}}
		}
		var all []saidEntry
		for _, entry := range entries {
			all = append(all, saidEntry{ExplainedEntry{Entry: entry, From: from}, layerOf(f, entry)})
		}
		return all
	}
	var all []saidEntry
	add := func(text, path string, layer traffic.Layer) {
		all = append(all, saidEntry{ExplainedEntry{
			Entry: text, From: e.source(claim.Scope, path),
			Reason: scope.Reason, Owner: scope.Owner, Expires: scope.Expires, Expired: scope.Expired(e.today),
		}, layer})
	}
	list := spec.Entries(&scope.Traffic, f)
	at := claim.Scope + "." + string(f)
	for i, entry := range list {
		add(entry.Text, fmt.Sprintf("%s[%d]", at, i), layerOf(f, entry.Entries...))
	}
	if len(list) == 0 {
		add("[]", at, layerOf(f))
	}
	return all
}

func layerOf(f traffic.Field, entries ...string) traffic.Layer {
	var l traffic.Layer
	_ = l.Set(f, entries) // they were read before
	return l
}

// unwritten says where the entries of a scope come from that is no rule of the
// spec.
func (e *explaining) unwritten(claim transform.Claim, f traffic.Field) Source {
	if claim.Scope != "" {
		return Source{Scope: FromMesh}
	}
	w := e.plan.Workload
	key, _ := e.policy.Mesh.Key(f)
	path := w.TemplatePath("metadata", "annotations", key.Annotation)
	at := e.in.Locate(&w.Object, path)
	return Source{Scope: FromAnnotation, Path: path.String(), File: at.File, Line: at.Line}
}

// taker says where a narrower scope says that by which it took something from a
// field: the field itself, or the one that contradicts it.
func (e *explaining) taker(claim transform.Claim, f traffic.Field) Source {
	by := f
	if claim.Merge != traffic.Override || !claim.Said.Says(f) {
		by = opposites[f]
	}
	if _, written := e.scopes[claim.Scope]; written {
		return e.source(claim.Scope, claim.Scope+"."+string(by))
	}
	return e.unwritten(claim, by)
}

// opposites are the fields by which a port is taken away from a field.
var opposites = map[traffic.Field]traffic.Field{
	traffic.ExcludeInboundPorts:  traffic.IncludeInboundPorts,
	traffic.IncludeInboundPorts:  traffic.ExcludeInboundPorts,
	traffic.ExcludeOutboundPorts: traffic.IncludeOutboundPorts,
	traffic.IncludeOutboundPorts: traffic.ExcludeOutboundPorts,
	traffic.ExcludeOutbound:      traffic.IncludeOutboundPorts,
}

// source gives the place of a field in the spec.
func (e *explaining) source(scope, path string) Source {
	at := e.spec.Locate(spec.Problem{Path: path})
	return Source{Scope: scope, Path: at.Path, File: at.File, Line: at.Line}
}

// scopesOf gives the scopes of a spec by their field paths.
func scopesOf(s *spec.Spec) map[string]spec.Rule {
	all := map[string]spec.Rule{}
	if defaults := s.Spec.MeshDefaults; defaults != nil {
		all[transform.DefaultsPath] = spec.Rule{Traffic: *defaults}
	}
	for _, r := range spec.Rules(s.ClusterBypass) {
		all[r.Path] = r
	}
	return all
}
