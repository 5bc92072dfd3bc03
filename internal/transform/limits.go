package transform

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/guardrail"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// The field paths of the limits.
const (
	forbiddenNamespacesPath = "spec.limits.forbiddenNamespaces"
	podAnnotationsPath      = "spec.limits.podAnnotations.namespaces"
)

// Limits are what no workload may bypass, whichever scope or annotation asks for
// it.
type Limits struct {
	guardrail.Limits
	// ForbiddenNamespaces are globs of the namespaces in which nothing may
	// bypass.
	ForbiddenNamespaces []string
	// Annotators are globs of the namespaces whose workloads may carry
	// annotations of the mesh that the user wrote; nil for all, empty for none.
	Annotators []string
}

// ForbidsNamespace gives the glob by which nothing may bypass in a namespace, ""
// if something may.
func (l Limits) ForbidsNamespace(name string) string {
	i := slices.IndexFunc(l.ForbiddenNamespaces, func(glob string) bool { return globbed([]string{glob}, name) })
	if i < 0 {
		return ""
	}
	return l.ForbiddenNamespaces[i]
}

// judge refuses what breaks a limit in what the scopes and annotations of a
// workload come to.
func (p *Policy) judge(w *Workload, was *prior, fold Fold, plan *Plan) {
	p.judgeAnnotations(w, was, plan)
	if p.Limits.IsZero() && len(p.Limits.ForbiddenNamespaces) == 0 {
		return
	}
	settings, own := fold.Layer().Settings(), p.Own()
	namespace := p.namespaceOf(w)
	forbidden := within(p.Limits.ForbiddenNamespaces, namespace)
	if forbidden == yes {
		for _, b := range guardrail.Nothing.Breaches(settings, own) {
			p.refuse(w, was, fold, b, plan, fmt.Sprintf("nothing may bypass the sidecar in namespace %s (%s), and yet something would", namespace, forbiddenNamespacesPath), clearing(b))
		}
		return
	}
	if forbidden == unknown && len(guardrail.Nothing.Breaches(settings, own)) > 0 {
		plan.find(Error, w.Path("metadata", "namespace"), "",
			"the namespace of this workload is not known, and there are some in which nothing may bypass the sidecar (%s): set metadata.namespace, or give the namespace with --namespace or spec.defaultNamespace", forbiddenNamespacesPath)
	}
	for _, b := range p.Limits.Breaches(settings, own) {
		p.refuse(w, was, fold, b, plan, fmt.Sprintf("%s must not bypass the sidecar (%s), and yet would", Subject(b), LimitPath(b.Kind)), remedyFor(b))
	}
}

// judgeAnnotated is judge for a workload that gets nothing written: what its
// annotations say holds all the same, if the mesh has a say there.
func (p *Policy) judgeAnnotated(w *Workload, was *prior, plan *Plan) {
	if !p.concerned(w, was) || w.referenced || w.podless {
		return
	}
	user, _ := p.Mesh.Read(was.annotations) // what the mesh refuses bypasses nothing
	defaults := unaided(p.MeshDefaults)
	fold := Fold{{Scope: DefaultsPath, Said: defaults, Left: defaults}}.narrowed("", unaided(user), p.Mesh.Merge())
	plan.Fold, plan.Settings = fold, fold.Layer().Settings()
	p.judge(w, was, fold, plan)
}

// Own are the settings that the mesh's own configuration comes to.
func (p *Policy) Own() traffic.Settings { return unaided(p.MeshDefaults).Settings() }

// unaided gives a layer as the mesh has it where there is no init container: an
// excluded range wins against an included port (istio/istio
// tools/istio-iptables/pkg/capture/run.go).
func unaided(l traffic.Layer) traffic.Layer { return l.Without(traffic.IncludeOutboundPorts) }

// judgeAnnotations refuses annotations of the mesh where only the spec may speak.
func (p *Policy) judgeAnnotations(w *Workload, was *prior, plan *Plan) {
	if p.Limits.Annotators == nil {
		return
	}
	allowed := within(p.Limits.Annotators, p.namespaceOf(w))
	if allowed == yes {
		return
	}
	for _, k := range p.Mesh.Keys {
		value, stands := was.annotations[k.Annotation]
		if !stands {
			continue
		}
		why := "workloads of this namespace may not carry the annotation"
		remedy := fmt.Sprintf("say %s in a rule of the ClusterBypass, and take the annotation away", k.Field)
		if allowed == unknown {
			why = "the namespace of this workload is not known, and only those of some may carry the annotation"
			remedy = "set metadata.namespace, or give the namespace with --namespace or spec.defaultNamespace"
		}
		plan.find(Error, w.templatePath("metadata", "annotations", k.Annotation), value, "%s (%s): %s", why, podAnnotationsPath, remedy)
	}
}

// refuse says of a breach what is forbidden, where it comes from and what to do.
func (p *Policy) refuse(w *Workload, was *prior, fold Fold, b guardrail.Breach, plan *Plan, forbidden, remedy string) {
	var origins []string
	var at edit.Path
	var value string
	for _, f := range b.By {
		for _, c := range slices.Backward(fold) { // the narrowest first: it had the last word
			if !contributes(c.Left, f, b) {
				continue
			}
			if c.Scope != "" {
				origins = append(origins, c.Scope+"."+string(f))
				continue
			}
			key, _ := p.Mesh.Key(f)
			at, value = w.templatePath("metadata", "annotations", key.Annotation), was.annotations[key.Annotation]
			origins = append(origins, "the annotation "+key.Annotation)
		}
	}
	if at != nil && len(origins) == 1 && remedy == clearing(b) {
		remedy = "take the annotation away" // it is narrower than every rule
	}
	plan.find(Error, at, value, "%s by %s: %s", forbidden, strings.Join(origins, " and "), remedy)
}

// contributes says whether what is left of a scope's field has a part in a
// breach.
func contributes(left traffic.Layer, f traffic.Field, b guardrail.Breach) bool {
	if !left.Says(f) {
		return false
	}
	s := left.Settings()
	switch f {
	case traffic.ExcludeInboundPorts:
		return !s.ExcludeInboundPorts.Intersect(b.Ports).IsEmpty()
	case traffic.ExcludeOutboundPorts:
		return !s.ExcludeOutboundPorts.Intersect(b.Ports).IsEmpty()
	case traffic.ExcludeOutboundIPRanges:
		return slices.ContainsFunc(b.Prefixes, s.ExcludeOutboundIPRanges.Overlaps)
	case traffic.ExcludeOutbound:
		return slices.ContainsFunc(s.ExcludeOutbound.OnPorts(b.Ports).Boxes(), func(box traffic.Box) bool {
			return slices.ContainsFunc(b.Prefixes, box.Prefix.Overlaps)
		})
	}
	return true // an include, by what it leaves out
}

// limitPaths are the field paths of the limits by what breaks them.
var limitPaths = map[guardrail.Kind]string{
	guardrail.InboundPort:  "spec.limits.forbiddenInboundPorts",
	guardrail.OutboundPort: "spec.limits.forbiddenOutboundPorts",
	guardrail.WidthIPv4:    "spec.limits.widestPrefix.ipv4",
	guardrail.WidthIPv6:    "spec.limits.widestPrefix.ipv6",
}

// LimitPath gives the field path of the limit that a breach is of.
func LimitPath(k guardrail.Kind) string { return limitPaths[k] }

// Subject names in a message what bypasses and must not.
func Subject(b guardrail.Breach) string {
	ports := "port " + b.Ports.String()
	if strings.ContainsAny(ports, ",-") {
		ports = "ports" + strings.TrimPrefix(ports, "port")
	}
	switch {
	case b.Kind == guardrail.InboundPort:
		return "inbound " + ports
	case b.Kind != guardrail.OutboundPort:
		return fewPrefixes(b.Prefixes)
	case slices.Contains(b.By, traffic.ExcludeOutboundPorts):
		return "outbound " + ports
	}
	return "outbound " + ports + " at " + fewPrefixes(b.Prefixes)
}

func fewPrefixes(prefixes []netip.Prefix) string {
	const few = 3
	texts := make([]string, 0, few)
	for _, p := range prefixes[:min(few, len(prefixes))] {
		texts = append(texts, p.String())
	}
	list := strings.Join(texts, ", ")
	if more := len(prefixes) - few; more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return list
}

// remedyFor says what mends a breach.
func remedyFor(b guardrail.Breach) string {
	ranged := slices.Contains(b.By, traffic.ExcludeOutboundIPRanges) || slices.Contains(b.By, traffic.IncludeOutboundIPRanges)
	switch {
	case b.Kind == guardrail.WidthIPv4 || b.Kind == guardrail.WidthIPv6:
		if slices.Contains(b.By, traffic.IncludeOutboundIPRanges) {
			return "all that is not included bypasses, so include more, or exclude what is meant to bypass instead"
		}
		return "name only the addresses that are meant"
	case slices.Contains(b.By, traffic.IncludeInboundPorts):
		return "all that is not included bypasses, so include it too"
	case ranged:
		return "list it in the includeOutboundPorts of a rule, by which it is intercepted at these addresses too, or let fewer bypass"
	}
	return "take it out there"
}

// clearing says how a field by which something bypasses is cleared where a
// broader scope says it.
func clearing(b guardrail.Breach) string {
	fields := make([]string, len(b.By))
	for i, f := range b.By {
		fields[i] = string(f) + ": []"
		if f == traffic.IncludeInboundPorts || f == traffic.IncludeOutboundIPRanges {
			fields[i] = string(f) + `: "*"`
		}
	}
	return "take it out there, or clear it for the namespace by a rule in spec.namespaces with merge: Override and " + strings.Join(fields, ", ")
}

// Remark is something to warn of in the spec itself.
type Remark struct {
	// Path is the field that it is about.
	Path    string
	Message string
}

// BeyondLimits gives what the mesh's own configuration, as the spec says it,
// bypasses in spite of the limits, which do not reach it.
func (p *Policy) BeyondLimits() []Remark {
	var remarks []Remark
	for _, b := range p.Limits.Breaches(p.Own(), traffic.Settings{}) {
		at := DefaultsPath + "." + string(b.By[0])
		if p.DefaultsImplied {
			at = LimitPath(b.Kind)
		}
		remarks = append(remarks, Remark{at, p.unreached(b)})
	}
	return remarks
}

// unreached says of a breach that it is the mesh's own.
func (p *Policy) unreached(b guardrail.Breach) string {
	return fmt.Sprintf("the configuration of %s itself lets %s bypass the sidecar in every pod, which %s does not reach: change it there", p.Mesh.Name, Subject(b), LimitPath(b.Kind))
}

// WrittenBeyondLimits gives what spec.global would let bypass in every pod of the
// mesh, by the mesh's own configuration, in spite of the limits.
func (p *Policy) WrittenBeyondLimits() []Remark {
	if !p.UpdatesMeshConfig() {
		return nil
	}
	var remarks []Remark
	written, own := unaided(p.written).Settings(), p.Own()
	for _, b := range p.Limits.Breaches(written, own) {
		remarks = append(remarks, Remark{GlobalPath + "." + string(b.By[0]), fmt.Sprintf(
			"%s must not bypass the sidecar (%s), but would in every pod, since spec.meshConfig is Update and nothing in a MeshConfig takes it back: %s",
			Subject(b), LimitPath(b.Kind), remedyFor(b))})
	}
	if len(p.Limits.ForbiddenNamespaces) > 0 && len(guardrail.Nothing.Breaches(written, own)) > 0 {
		remarks = append(remarks, Remark{"spec.meshConfig", fmt.Sprintf(
			"Update lets spec.global bypass in every namespace, also in those in which nothing may (%s): write Ignore, or say it by rules in spec.namespaces", forbiddenNamespacesPath)})
	}
	return remarks
}

// warnOfLimits warns of what the user's lists in a mesh's own configuration let
// bypass in spite of the limits, which do not reach it.
func (p *Policy) warnOfLimits(c *MeshConfig, was *record, plan *ConfigPlan) {
	if c.mesh != p.Mesh {
		return
	}
	lists := make([][]string, len(c.lists))
	for i, l := range c.lists {
		lists[i] = l.users(was)
	}
	for _, b := range p.Limits.Breaches(c.layer(lists).Settings(), traffic.Settings{}) {
		for _, l := range c.lists {
			if l.Field == b.By[0] {
				plan.find(Warning, c.Path(steps(l.Path)...), "", "%s", p.unreached(b))
			}
		}
	}
}
