package transform

import (
	"fmt"
	"maps"
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// planeField is the field of a rule that says a data plane, behind the rule's path.
const planeField = ".dataPlane"

// placement says in which data plane the pods of a workload are.
type placement struct {
	// on is the mesh as they have it, and ruled as the rules alone would have it.
	on, ruled *mesh.Mesh
	// ruledBy is the field of the spec that says so, sign what of the template does, which
	// counts first; both are "" where nobody says anything.
	ruledBy, sign string
}

// place gives the placement of a workload with these annotations on its template.
func (p *Policy) place(w *Workload, annotations map[string]string, namespace string) placement {
	placed := placement{on: p.Mesh, ruled: p.Mesh}
	if p.planes || p.index == nil {
		for _, s := range p.near(w, namespace) {
			if s.Plane != "" && s.Match.matches(w, namespace) == yes {
				placed.ruled, placed.ruledBy = p.Mesh.On(s.Plane), s.Path+planeField
			}
		}
	}
	placed.on = placed.ruled
	if plane, sign := p.Mesh.Certain(w.TemplateLabels, annotations); plane != "" {
		placed.on, placed.sign = p.Mesh.On(plane), sign
	}
	placed.on = placed.on.In(annotations)
	return placed
}

// DataPlane gives the data plane in which the pods of a workload are.
func (p *Policy) DataPlane(w *Workload) mesh.DataPlane {
	return p.place(w, w.TemplateAnnotations, p.namespaceOf(w)).on.Plane()
}

// DataPlane gives the data plane in which the pods of a planned workload are.
func (p *Plan) DataPlane() mesh.DataPlane { return p.on.Plane() }

// Mesh gives the mesh as they have it.
func (p *Plan) Mesh() *mesh.Mesh { return p.on }

// SaysPlanes reports whether some rule says a data plane.
func (p *Policy) SaysPlanes() bool { return p.planes }

// PlaneBy gives the field of the spec that says in which data plane a planned workload
// is, else what of its template does; both are "" where nobody says anything.
func (p *Plan) PlaneBy() (field, sign string) {
	if p.sign != "" {
		return "", p.sign
	}
	return p.ruledBy, ""
}

// hasSidecar reports whether the pods have one if they are in the mesh.
func (p *Plan) hasSidecar() bool { return p.on.Plane() == mesh.Sidecar }

// reportPlane warns of a template whose label for a data plane has no effect by itself:
// an injector goes by other signs, and a sidecar wins.
func (p *Policy) reportPlane(w *Workload, plan *Plan) {
	label := p.Mesh.PlaneLabel()
	if label.Key == "" || w.TemplateLabels[label.Key] != label.Value || !plan.hasSidecar() || plan.sign != "" || plan.on.Unmeshed(w.TemplateLabels, plan.was.annotations) != "" {
		return
	}
	unread := ""
	if plan.Applies && !plan.Container {
		unread = ", so that only annotations of a sidecar are written, by which nothing of an ambient pod bypasses"
	}
	plan.warn(finding.DataPlane, w.templatePath("metadata", labels, label.Key), label.Value, "this puts the pods into Ambient unless they get a sidecar, and here they are taken for pods with one (%s)%s: write dataPlane: Ambient in a rule for them, or make sure of the sidecar with %s", plan.placedBy(), unread, label.Instead)
}

// reportInjects warns of a template's label by which its pods may get a sidecar although
// they are taken for pods without one.
func (p *Policy) reportInjects(w *Workload, plan *Plan) {
	label := p.Mesh.PlaneLabel()
	if label.Key == "" || plan.hasSidecar() || plan.sign != "" || plan.LeftAlone != "" {
		return
	}
	if key := label.Injects(w.TemplateLabels); key != "" {
		plan.warn(finding.DataPlane, w.templatePath("metadata", labels, key), w.TemplateLabels[key], "an injector of this revision gives the pods a sidecar where their Namespace says nothing of injection, and here they are taken for pods without one (%s): write dataPlane: Sidecar in a rule for them, or remove the label", plan.placedBy())
	}
}

// noteInbound tells what an inbound setting does not reach, and what says it shorter.
func (p *Plan) noteInbound(was *prior) {
	in := p.Settings.Inbound()
	if p.on.Unreached == "" || in.IsEmpty() {
		return
	}
	at := p.Workload.templatePath("spec", "initContainers")
	p.find(Info, at, "", "what comes in bypasses %s for callers in plain text: %s", p.on.Proxy(), p.on.Unreached)
	if shorter := p.Shorter(was.annotations); shorter != "" {
		p.find(Info, at, "", "%s", shorter)
	}
}

// Shorter says what says the same as the inbound settings without an init container, ""
// for nothing, and where it stands among the annotations.
func (p *Plan) Shorter(annotations map[string]string) string {
	if p.on.BypassInbound == "" || annotations[p.on.BypassInbound] == "true" || !traffic.EveryPort.Without(p.Settings.Inbound()).Of(traffic.TCP).IsEmpty() {
		return ""
	}
	return fmt.Sprintf("all that comes in bypasses %s, which the annotation %s: \"true\" in the template says too, without an init container, unless a limit or the admission policy refuses it", p.on.Proxy(), p.on.BypassInbound)
}

// placedBy says in a message what puts a workload into its data plane.
func (p *Plan) placedBy() string {
	switch {
	case p.sign != "":
		return "its template's " + p.sign
	case p.ruledBy != "":
		return p.ruledBy
	}
	return "no rule says dataPlane"
}

// unreadIn says why an annotation that says what bypasses has no effect, "" where it
// has one: pods without a sidecar read none of a sidecar's.
func (p *Policy) unreadIn(plan *Plan, annotation string) string {
	if !p.Mesh.IsTraffic(annotation) || plan.on.IsTraffic(annotation) || plan.hasSidecar() {
		return ""
	}
	return fmt.Sprintf("the pods are in %s (%s), where nothing reads the annotations of a sidecar, so it has no effect: say it in a rule of the ClusterBypass, and remove it", plan.DataPlane(), plan.placedBy())
}

// reportUnread warns of such annotations at a path.
func (p *Policy) reportUnread(at func(annotation string) edit.Path, annotations map[string]string, plan *Plan) {
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		if why := p.unreadIn(plan, key); why != "" {
			plan.warn(finding.MisplacedAnnotation, at(key), annotations[key], "%s", why)
		}
	}
}
