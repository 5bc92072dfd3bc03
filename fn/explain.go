package fn

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/pass"
	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/stream"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// Explain says what bypasses the sidecars of the workloads in files, which scope
// says so, and what enforces it. spec and options are as for Manifests. today is the
// current day, by which rules expire; "" ignores expiry.
//
// The error is ErrFailed if the spec or a document cannot be read; the results say
// why.
func Explain(spec *Spec, files []Manifest, options Options, today v1alpha1.Date) (*Explained, error) {
	r := runOn(spec, stream.Of(files...), options)
	r.asked, r.today, r.forgets = true, today, true
	workloads := make([][]Explanation, len(r.items))
	said := sync.OnceValue(func() scopes { return scopesOf(r.spec) })
	explained := &Explained{Results: r.process(
		func(d *pass.Document) { workloads[d.At] = r.explanations(d, said(), today) },
		func(d *pass.Document) {
			for i, plan := range d.Workloads {
				if x := &workloads[d.At][i]; !plan.Failed() {
					x.Rendered = r.spec.Policy.Rendered(plan, d.Nodes)
					x.InitContainers = initContainers(plan.Mesh(), x.injected, x.Rendered.InitContainers)
				}
			}
		})}
	if r.unread {
		return explained, &FailedError{explained.Results}
	}
	explained.Checked = r.checked(explained.Results, Expiry{today, Notice})
	explained.Results = append(explained.Results, r.idle()...).inOrder()
	explained.Dated = r.expired(Expiry{today, Notice}, r.rules()...)
	explained.Mesh = r.spec.Policy.Mesh.Name
	explained.Workloads, explained.Reach, explained.accepting = slices.Concat(workloads...), r.listed(), r.accepting()
	explained.entries = r.entries()
	return explained, nil
}

// explanations explains the workloads of a document, those that cannot be read, and then
// its other objects of which pods are made.
func (r *run) explanations(d *pass.Document, scopes scopes, today v1alpha1.Date) []Explanation {
	all := make([]Explanation, len(d.Workloads))
	for i, plan := range d.Workloads {
		namespace, plan := r.pass.Within(plan)
		e := explaining{r.spec.Policy, r.pass, r.spec, scopes, today, d, plan, namespace}
		all[i] = e.explanation()
		all[i].Stands, all[i].Other = r.spec.Policy.Rendered(plan, d.Nodes), plan.Other
		all[i].By, all[i].Recorded = plan.Workload.WrittenBy()
		for _, way := range r.pass.Commons(plan) {
			if way.Voids != "" {
				all[i].Voided, all[i].Notes = way.Voids, append(all[i].Notes, way.Voids)
				continue
			}
			all[i].Others = append(all[i].Others, e.common(way))
		}
	}
	for _, plan := range d.Refused {
		of := &plan.Workload.Object
		at := d.Locate(of, of.Path())
		all = append(all, Explanation{TemplateRef: TemplateRef{*refTo(pass.RefOf(of)), plan.Workload.Place()}, File: at.File, Line: at.Line, Outcome: RefusedOutcome, Reason: refusal(plan)})
	}
	for _, b := range d.Bystanders {
		if reason := b.Reason(); reason != "" {
			at := d.Locate(b.Object, b.Path())
			x := Explanation{TemplateRef: TemplateRef{ResourceRef: *refTo(pass.RefOf(b.Object))}, File: at.File, Line: at.Line, Outcome: UnknownOutcome, Reason: reason}
			if b.Later != nil {
				x.Outcome = LaterOutcome
			}
			for _, held := range b.Held {
				e := explaining{r.spec.Policy, r.pass, r.spec, scopes, today, d, held, nil}
				x.count(e.explanation())
			}
			all = append(all, x)
		}
	}
	return all
}

// refusal says why a plan failed.
func refusal(plan *transform.Plan) string {
	for _, f := range plan.Findings {
		if f.Severity == Error {
			return f.Message
		}
	}
	return ""
}

// count adds what bypasses in one more place of which an object's pods are made.
func (x *Explanation) count(place Explanation) {
	x.Others = append(x.Others, place.Others...)
	for _, f := range place.Fields {
		i := slices.IndexFunc(x.Fields, func(known ExplainedField) bool { return known.Field == f.Field })
		if i < 0 {
			x.Fields = append(x.Fields, f)
			continue
		}
		known := &x.Fields[i]
		for _, e := range f.Effective {
			if !slices.Contains(known.Effective, e) {
				known.Effective = append(known.Effective, e)
			}
		}
		for _, e := range f.Entries {
			if !slices.ContainsFunc(known.Entries, func(other ExplainedEntry) bool { return other.From == e.From && other.Entry == e.Entry }) {
				known.Entries = append(known.Entries, e)
			}
		}
	}
}

// explaining is the explanation of one workload.
type explaining struct {
	policy *transform.Policy
	pass   *pass.Pass
	spec   *spec.Spec
	scopes scopes
	today  v1alpha1.Date
	in     *pass.Document
	plan   *transform.Plan
	// namespace is what says something of the workload's pods, nil if nothing does.
	namespace *pass.Namespace
}

func (e *explaining) explanation() Explanation {
	of, plan := &e.plan.Workload.Object, e.plan
	at := e.in.Locate(of, of.Path())
	x := Explanation{TemplateRef: TemplateRef{*refTo(pass.RefOf(of)), plan.Workload.Place()}, File: at.File, Line: at.Line, Outcome: Unspoken, OnlyIPv4: e.policy.Mesh.OnlyIPv4 != "", IPv6If: e.policy.Mesh.IPv6If}
	switch {
	case plan.Failed():
		x.Outcome, x.Reason = RefusedOutcome, refusal(plan)
	case plan.LeftAlone != "":
		x.Outcome, x.Reason = LeftAlone, plan.WhyLeftAlone()
	case plan.Changed:
		x.Outcome = ChangedOutcome
	case plan.Adopted:
		x.Outcome = Adopted
	case plan.Applies:
		x.Outcome = Written
	default:
		x.Reason = e.policy.Unintercepted(plan)
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
	for _, f := range transform.InitialFields {
		if field := e.initial(f); len(field.Entries) > 0 {
			x.Fields = append(x.Fields, field)
		}
	}
	own, named := e.pass.Ways(plan)
	for _, way := range own {
		x.Others = append(x.Others, e.other(way, e.in.Locate(of, way.Path), FromAnnotation))
	}
	for _, way := range named {
		x.Others = append(x.Others, e.common(way))
	}
	if e.namespace != nil {
		for _, way := range e.policy.NamespaceWays(plan, e.namespace.NamespaceDefaults) {
			x.Others = append(x.Others, e.other(way, e.namespace.Locate(way.Path), FromNamespace))
		}
	}
	if plan.Applies {
		x.Others = append(x.Others, e.irrevocable()...)
	}
	inForce := e.policy.InForce(plan, e.defaults())
	x.MeshPorts, x.Notes = meshPorts(plan.Mesh(), inForce), notes(plan.Mesh(), inForce)
	if shorter := plan.Shorter(inForce); plan.Container && shorter != "" {
		x.Notes = append(x.Notes, shorter)
	}
	if says := plan.Mesh().Early.Else; plan.Container && plan.HasInitial() && says != "" {
		if why, _ := plan.Mesh().Early.Of(inForce); why == "" {
			x.Notes = append(x.Notes, "init containers need forInitContainers "+says)
		}
	}
	if plan.Adopted {
		x.Notes = append(x.Notes, "adopted: by the annotations alone, which stay as they are until the settings change, or enforcement.mode")
	}
	x.Unreached = plan.Mesh().Unreached
	field, sign := plan.PlaneBy()
	outside := x.Reason != "" && x.Outcome != RefusedOutcome // of the mesh, or of what is spoken of
	if said := field != "" || sign != ""; (said || e.policy.SaysPlanes()) && !outside {
		x.DataPlane, x.DataPlaneSign = string(plan.DataPlane()), sign
		x.DataPlaneFrom = Source{Scope: FromDefault}
		if said {
			x.DataPlaneFrom = e.planeFrom(field)
		}
	}
	if says, said := plan.Mesh().Order.Of(inForce); plan.Container && said {
		x.Notes = append(x.Notes, says)
	} else if plan.Container {
		x.Order = says
	}
	if x.Unmeshed = e.policy.Unintercepted(plan) != ""; !x.Unmeshed {
		x.injected = plan.Mesh().Init.In(inForce)
	}
	return x
}

// planeFrom says which field says in which data plane the pods are, else that their
// template does.
func (e *explaining) planeFrom(field string) Source {
	if field != "" {
		return e.source(strings.TrimSuffix(field, ".dataPlane"), field)
	}
	w := e.plan.Workload
	path := w.TemplatePath("metadata")
	at := e.in.Locate(&w.Object, path)
	return Source{Scope: FromTemplate, Path: path.String(), File: at.File, Line: at.Line}
}

// defaults are what a Namespace says of the workload, nil for nothing.
func (e *explaining) defaults() *transform.NamespaceDefaults {
	if e.namespace == nil {
		return nil
	}
	return e.namespace.NamespaceDefaults
}

// meshPorts gives what the mesh does of its own with ports of pods with these
// annotations.
func meshPorts(m *mesh.Mesh, annotations map[string]string) []MeshPorts {
	var all []MeshPorts
	always, perhaps := m.Unasked(annotations)
	if !always.IsEmpty() {
		all = append(all, MeshPorts{Ports: always.Entries(), Bypass: true, Sure: true, Why: m.Name + " excludes it in every pod"})
	}
	for _, port := range slices.Sorted(maps.Keys(perhaps)) {
		all = append(all, MeshPorts{Ports: []string{strconv.Itoa(int(port))}, Bypass: true, Why: perhaps[port]})
	}
	for _, fact := range m.Facts {
		if !fact.Passes.IsEmpty() {
			all = append(all, MeshPorts{Ports: fact.Passes.Entries(), Bypass: true, Why: fact.String(), Outbound: true})
		}
	}
	for _, own := range m.OwnIn(annotations) {
		all = append(all, MeshPorts{Ports: []string{own.Ports.String()}, Why: "it is a port of " + own.Purpose})
	}
	return all
}

// notes gives what else there is to know of the mesh in pods with these annotations.
func notes(m *mesh.Mesh, annotations map[string]string) []string {
	return each.As(m.Moves(annotations), mesh.Moved.String)
}

// modeFrom says which field says how the settings are enforced.
func (e *explaining) modeFrom() Source {
	by := e.plan.ModeBy
	if !e.spec.Says(by) {
		return Source{Scope: FromDefault}
	}
	return e.source(strings.TrimSuffix(by, ".enforcement.mode"), by)
}
