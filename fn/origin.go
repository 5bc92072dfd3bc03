package fn

import (
	"fmt"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/pass"
	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// field explains a traffic field. It has no entries if no scope sets it.
func (e *explaining) field(f traffic.Field) ExplainedField {
	field := ExplainedField{Field: string(f), Effective: e.policy.Effective(e.plan, f)}
	if field.Effective == nil {
		field.Effective = []string{}
	}
	if key, annotated := e.plan.Mesh().Key(f); annotated {
		if value, written := e.plan.Annotations[key.Annotation]; written {
			field.Annotation = &WrittenAnnotation{key.Annotation, value}
		}
	}
	for _, g := range e.plan.Gaps {
		if g.Field == f {
			field.Gap = g.Reason
		}
	}
	for i, claim := range e.plan.Fold {
		if !claim.Lists(f) {
			continue
		}
		for _, said := range e.said(claim, f) {
			if !claim.Said.Says(f) {
				said.layer = traffic.Layer{} // names that mean nothing here
			}
			field.Entries = append(field.Entries, e.traced(e.plan.Fold, i, f, said, len(field.Effective) == 0))
		}
	}
	return field
}

// initial explains a field that holds while init containers run.
func (e *explaining) initial(f traffic.Field) ExplainedField {
	field := ExplainedField{Field: InitialPrefix + string(f), Effective: e.plan.Initial.Layer().Settings().Entries(f)}
	if !e.plan.Container && e.plan.HasInitial() {
		field.Effective, field.Gap = nil, transform.InitialGap
	}
	for i, claim := range e.plan.Initial {
		if !claim.Said.Says(f) {
			continue
		}
		for _, said := range e.said(claim, f) {
			field.Entries = append(field.Entries, e.traced(e.plan.Initial, i, f, said, len(field.Effective) == 0))
		}
	}
	if field.Effective == nil {
		field.Effective = []string{}
	}
	return field
}

// traced says what became of an entry of a claim. cleared says that nothing of the
// field is in force.
func (e *explaining) traced(fold transform.Fold, claim int, f traffic.Field, said saidEntry, cleared bool) ExplainedEntry {
	entry := said.ExplainedEntry
	left, losses := fold.Trace(claim, said.layer)
	left, placeless := e.plan.Holding(fold[claim], f, left)
	entry.Holds, entry.NoPlace = entriesOf(left, f), entriesOf(placeless, f)
	// An empty list empties the field, and included ports let the others bypass even
	// where none of them is left.
	lists := f == traffic.IncludeInboundPorts || f == traffic.IncludeOutboundIPRanges
	empties := said.layer.Clears(f) || lists
	entry.InForce = left.Says(f) && (len(entry.Holds) > 0 || cleared && empties)
	if entry.InForce {
		entry.CarriedBy = e.carriedBy(fold[claim], f, left)
		if !lists && len(entry.Holds) == 0 && slices.Equal(entry.CarriedBy, []string{ByMesh}) {
			entry.CarriedBy = nil // nothing is let past, for which a mesh needs no configuration
		}
	}
	for _, l := range losses {
		entry.Lost = append(entry.Lost, Loss{Entries: entriesOf(l.Lost, f), To: e.taker(fold[l.By], f)})
	}
	return entry
}

// carriedBy says what enforces the part of a claim that is in force. Of what is refused
// nothing is written, so that nothing carries what the spec says.
func (e *explaining) carriedBy(claim transform.Claim, f traffic.Field, left traffic.Layer) []string {
	by := e.plan.CarriedBy(claim, f, left)
	switch {
	case !e.plan.Failed() || claim.Scope == transform.ContainerScope || claim.Scope == transform.NamespaceScope:
		return by
	case claim.Scope == "":
		return []string{ByAnnotation}
	case claim.Scope == transform.DefaultsPath || !e.spec.Says(claim.Scope):
		return []string{ByMesh}
	}
	return nil
}

// entriesOf gives the entries of a field, nil if there are none.
func entriesOf(l traffic.Layer, f traffic.Field) []string {
	if entries, _ := l.Entries(f); len(entries) > 0 {
		return entries
	}
	return nil
}

// saidEntry is an entry as its scope says it, and as a layer.
type saidEntry struct {
	ExplainedEntry
	layer traffic.Layer
}

// said gives the entries that a scope has in a field.
func (e *explaining) said(claim transform.Claim, f traffic.Field) []saidEntry {
	rule, written := e.scopes[claim.Scope]
	if !written {
		return e.implied(claim, f)
	}
	at := claim.Scope + "." + string(f)
	entry := func(text, path string, layer traffic.Layer) saidEntry {
		return saidEntry{ExplainedEntry{
			Entry: text, From: e.source(claim.Scope, path),
			Reason: rule.Reason, Owner: rule.Owner, Expires: rule.Expires, Expired: rule.Expired(e.today),
		}, layer}
	}
	var all []saidEntry
	for i, said := range spec.Entries(&rule.Traffic, f) {
		if said.Name {
			said.Entries = append([]string{}, e.plan.Workload.PortsNamed(said.Text).Entries()...)
		}
		one := entry(said.Text, fmt.Sprintf("%s[%d]", at, i), traffic.LayerOf(f, said.Entries...))
		if said.Name {
			one.Means = said.Entries
		}
		all = append(all, one)
	}
	switch {
	case all == nil && !claim.Said.Clears(f):
		return e.implied(claim, f)
	case all == nil:
		all = []saidEntry{entry("[]", at, traffic.LayerOf(f))}
	}
	return all
}

// implied gives the entries of a scope in which nobody wrote any: the mesh's
// defaults, or an annotation, which the mesh cuts into entries.
func (e *explaining) implied(claim transform.Claim, f traffic.Field) []saidEntry {
	from := e.unwritten(claim, f)
	all := each.As(entriesOf(claim.Said, f), func(entry string) saidEntry {
		return saidEntry{ExplainedEntry{Entry: entry, From: from}, traffic.LayerOf(f, entry)}
	})
	if all == nil {
		all = []saidEntry{{ExplainedEntry{Entry: "[]", From: from}, traffic.LayerOf(f)}}
	}
	return all
}

// unwritten says where the entries of a scope come from that is not a rule of the
// spec.
func (e *explaining) unwritten(claim transform.Claim, f traffic.Field) Source {
	w := e.plan.Workload
	switch claim.Scope {
	case "":
	case transform.ContainerScope:
		at := e.in.Stands(&w.Object, w.TemplatePath("spec", "initContainers"))
		return Source{Scope: FromContainer, Path: w.TemplatePath("spec", "initContainers").String(), File: at.File, Line: at.Line}
	case transform.NamespaceScope:
		key, _ := e.policy.Mesh.Key(f)
		path := e.namespace.Path("metadata", "annotations", key.Annotation)
		at := e.namespace.Locate(path)
		return Source{Scope: FromNamespace, Path: path.String(), File: at.File, Line: at.Line}
	default:
		if e.spec.Says(claim.Scope) {
			return e.source(claim.Scope, claim.Scope)
		}
		return Source{Scope: FromMesh}
	}
	path := e.plan.AnnotationPath(e.policy.Mesh.Behind(f))
	at := e.in.Stands(&w.Object, path)
	return Source{Scope: FromAnnotation, Path: path.String(), File: at.File, Line: at.Line}
}

// taker says where a narrower scope says what took something from a field.
func (e *explaining) taker(claim transform.Claim, f traffic.Field) Source {
	by := claim.Takes(f)
	if _, written := e.scopes[claim.Scope]; written {
		return e.source(claim.Scope, claim.Scope+"."+string(by))
	}
	return e.unwritten(claim, by)
}

// source gives the place of a field in the spec.
func (e *explaining) source(scope, path string) Source {
	at := e.spec.Locate(spec.Problem{Path: path})
	return Source{Scope: scope, Path: at.Path, File: at.File, Line: at.Line}
}

// scopes are those of a spec by their field paths.
type scopes map[string]spec.Rule

// scopesOf gives the scopes of a spec.
func scopesOf(s *spec.Spec) scopes {
	all := scopes{}
	if defaults := s.Spec.MeshDefaults; defaults != nil {
		all[transform.DefaultsPath] = spec.Rule{Traffic: *defaults}
	}
	for _, r := range spec.Rules(s.ClusterBypass) {
		all[r.Path] = r
		r.Traffic = r.ForInitContainers.AsTraffic()
		all[transform.InitialPath(r.Path)] = r
	}
	return all
}

// other explains what lets traffic bypass beside the traffic fields.
func (e *explaining) other(way transform.Way, at pass.Place, annotated string) ExplainedOther {
	other := ExplainedOther{
		From: Source{Scope: FromTemplate, Path: way.Path.String(), File: at.File, Line: at.Line},
		Name: fmt.Sprint(way.Path[len(way.Path)-1]), Value: way.Value, Lets: map[string][]string{}, Sure: way.Sure, Doubt: way.Doubt,
	}
	if steps := len(way.Path); slices.Contains(way.Path, any("annotations")) {
		other.From.Scope = annotated
	} else if _, isIndex := way.Path[steps-1].(int); isIndex {
		other.Name = "container" // whose name is the value
	}
	other.let(way)
	return other
}

func (o *ExplainedOther) let(way transform.Way) {
	for _, f := range traffic.Fields {
		if entries := entriesOf(way.Lets, f); entries != nil {
			o.Lets[string(f)] = entries
		}
	}
}

// common explains what another object lets bypass in the pods.
func (e *explaining) common(way pass.CommonWay) ExplainedOther {
	other := ExplainedOther{
		From: Source{Scope: FromObject, Path: way.Path.String(), File: way.Place.File, Line: way.Place.Line},
		Name: way.Word, Value: way.String(), Lets: map[string][]string{}, Sure: way.Sure, Doubt: way.Doubt,
	}
	other.let(way.Way)
	return other
}

// irrevocable explains what the mesh's own configuration lets bypass although the
// settings do not, since no annotation takes it back.
func (e *explaining) irrevocable() []ExplainedOther {
	m, defaults := e.plan.Mesh(), e.policy.MeshDefaults
	held := m.Effective(defaults, e.plan.Sayable)
	var all []ExplainedOther
	for _, g := range m.Irrevocable(e.plan.Settings, e.plan.Sayable, defaults) {
		entries := held.Entries(g.Field)
		all = append(all, ExplainedOther{
			From: e.source(transform.DefaultsPath, transform.DefaultsPath+"."+string(g.Field)),
			Name: m.Name + "'s own configuration, " + string(g.Field), Value: strings.Join(entries, " "),
			Lets: map[string][]string{string(g.Field): entries}, Sure: true,
		})
	}
	return all
}
