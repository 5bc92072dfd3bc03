package transform

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/kinds"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// NamespaceScope is the scope of what a Namespace's annotations say for the pods that
// have none of their own. It is in no fold by which anything is written.
const NamespaceScope = "annotation of the namespace"

// NamespaceDefaults is what they say.
type NamespaceDefaults struct {
	*Object
	// Findings are about the annotations themselves.
	Findings []Finding
	says     traffic.Layer
	traffic  map[string]string
}

// NamespaceDefaults reads the annotations of a Namespace that the mesh reads there, in a
// document that begins on a line. It gives nil where there are none.
func (p *Policy) NamespaceDefaults(seen *Object, o object.Object, line int) *NamespaceDefaults {
	if p.namespaceEnrolled(seen.Name) == no {
		return nil
	}
	annotations := p.trafficOf(seen.Annotations)
	says, refused := p.Mesh.Read(annotations)
	n := &NamespaceDefaults{Object: seen.Named(), says: says, traffic: annotations}
	found := report{lint: p.Lint}
	for _, bad := range unreadable(refused) {
		found.warn(finding.UnreadableAnnotation, n.annotation(bad.Annotation), bad.Value, "%v", bad.Err)
	}
	for _, m := range p.Mesh.Misleads(annotations) {
		key, _ := p.Mesh.Key(m.Field)
		if at := n.annotation(key.Annotation); !found.tells(at, Warning, Error) {
			found.warn(finding.MisleadingAnnotation, at, annotations[key.Annotation], "%s", m.Reason)
		}
	}
	if !p.reportUnclear(o, line, &found) {
		found.Findings = append(found.Findings, p.judgeBeside(seen, annotations, seen.Name)...)
	}
	n.Findings = found.Findings
	if len(annotations) == 0 && len(n.Findings) == 0 {
		return nil
	}
	return n
}

// reportUnclear tells of annotations of a Namespace that kubectl refuses, or that not
// every tool takes for the same: what is in force then cannot be judged.
func (p *Policy) reportUnclear(o object.Object, line int, found *report) (unclear bool) {
	v := &viewer{line: line}
	v.doubts(o, func(path edit.Path, _ string) bool { return len(path) > 0 && path[0] == "metadata" })
	v.object(o)
	for _, problem := range v.problems {
		at := problem.Path[len(o.Path):]
		if len(at) > 1 && at[1] == annotations && (len(at) == 2 || p.counts(at[2])) {
			found.find(Error, problem.Path, problem.Value, "%v", problem.Err)
			unclear = true
		}
	}
	return unclear
}

// counts reports whether an annotation may let something bypass.
func (p *Policy) counts(annotation any) bool {
	key, is := annotation.(string)
	return is && (p.Mesh.IsTraffic(key) || slices.ContainsFunc(p.Mesh.Others, func(o mesh.Other) bool { return o.Annotation == key && o.Opens != 0 }))
}

// String gives what it says.
func (n *NamespaceDefaults) String() string { return fmt.Sprint(n.says, n.traffic) }

// NamespaceWays gives what else a Namespace says by which traffic of a plan's pods
// bypasses the sidecar, or may: of each annotation, where the template has none.
func (p *Policy) NamespaceWays(plan *Plan, n *NamespaceDefaults) []Way {
	if n == nil || plan.in == 0 {
		return nil
	}
	was := &prior{annotations: maps.Clone(n.traffic), containers: nowhere}
	maps.DeleteFunc(was.annotations, func(key, _ string) bool {
		_, own := plan.was.annotations[key]
		_, written := plan.Annotations[key]
		return own || written
	})
	return p.Ways(&Plan{Workload: &Workload{kind: &kinds.Kind{}, Object: *n.Object, stand: annotatedAt(edit.Path{"metadata", annotations})}, was: was, in: plan.in, placement: plan.placement})
}

// InForce gives the annotations of a plan's pods: what is written, the user's, and of a
// Namespace, nil for none, what neither says.
func (p *Policy) InForce(plan *Plan, n *NamespaceDefaults) map[string]string {
	all := map[string]string{}
	if n != nil {
		maps.Copy(all, n.traffic)
	}
	if plan.was != nil {
		maps.Copy(all, plan.was.annotations)
	}
	maps.Copy(all, plan.Annotations)
	return all
}

func (n *NamespaceDefaults) annotation(key string) edit.Path {
	return n.Path("metadata", "annotations", key)
}

// trafficOf gives those of annotations by which something may bypass.
func (p *Policy) trafficOf(annotations map[string]string) map[string]string {
	traffic := maps.Clone(annotations)
	maps.DeleteFunc(traffic, func(key, value string) bool { return !p.Mesh.IsTraffic(key) && !p.Opens(key, value) })
	return traffic
}

// judgeBeside gives what breaks a limit in annotations that are in force in a namespace
// although they stand on no workload that is planned.
func (p *Policy) judgeBeside(o *Object, annotations map[string]string, namespace string) []Finding {
	w := &Workload{kind: &kinds.Kind{}, Object: *o, stand: wholeAt(nil)}
	w.Namespace = namespace
	was := &prior{annotations: p.trafficOf(annotations), containers: nowhere}
	plan := p.planOf(w)
	says, _ := p.Mesh.Read(was.annotations) // what cannot be read is judged beside it
	p.judge(w, was, []Fold{p.held(says)}, mesh.OpensAll, plan)
	return plan.Findings
}

// Within gives a plan with what a Namespace says of its pods counted in, as it is in
// force: for each field, what is written for the workload stands instead of it.
func (p *Policy) Within(plan *Plan, n *NamespaceDefaults) *Plan {
	if n == nil || plan.Fold == nil {
		return plan
	}
	var over []traffic.Field
	for _, f := range traffic.Fields {
		if key, annotated := p.Mesh.Key(f); annotated && n.says.Says(f) {
			if _, written := plan.Annotations[key.Annotation]; written {
				over = append(over, f)
			}
		}
	}
	inForce := n.says.Without(over...)
	claim := Claim{Scope: NamespaceScope, Said: n.says, Left: inForce, over: over}
	if plan.Container { // which lets bypass what the mesh does by itself, whatever replaces that
		claim.Merge = traffic.Union
	}
	within := *plan
	within.Fold = Fold{}
	for _, c := range plan.Fold {
		if c.Scope == DefaultsPath {
			c.Left, _ = c.Left.Yield(inForce, claim.Merge)
			if !plan.Container {
				c.restated = slices.DeleteFunc(slices.Clone(c.restated), inForce.Says)
			}
			within.Fold = append(within.Fold, c)
		} else {
			claim.Left, _ = claim.Left.Yield(c.Said, c.Merge)
		}
	}
	within.Fold = slices.Concat(within.Fold, Fold{claim}, plan.Fold[len(within.Fold):])
	within.Settings = within.Fold.Layer().Settings()
	return &within
}

// Displaced is what a Namespace says and what is written for a workload puts out of
// force there.
type Displaced struct {
	Field    traffic.Field
	Lost     traffic.Layer
	Workload string
	// By is the rule that no rule for the namespace gets past, "" for none.
	By string
	// moved is a port that the Namespace makes the mesh's own although a rule names it,
	// in the field By; nil where it is about Field.
	moved *mesh.Moved
}

// Displaces gives what a plan puts out of force of what a Namespace says.
func (p *Policy) Displaces(plan *Plan, n *NamespaceDefaults) []Displaced {
	if n == nil || !plan.Decided || plan.Failed() {
		return nil
	}
	var all []Displaced
	for _, key := range p.Mesh.Keys {
		_, written := plan.Annotations[key.Annotation]
		if _, own := plan.was.beside()[key.Annotation]; !written || own || !n.says.Says(key.Field) {
			continue // the mesh itself would prefer what is the user's own there
		}
		said := n.says.Settings().Ports(key.Field).Set()
		lost := said.Without(plan.Settings.Ports(key.Field).Set()).Without(p.Mesh.Own(said))
		if lost.IsEmpty() {
			continue
		}
		d := Displaced{Field: key.Field, Workload: plan.Workload.ID()}
		_ = d.Lost.Set(key.Field, lost.Entries())
		for _, c := range plan.Fold {
			if strings.HasPrefix(c.Scope, "spec.workloads[") && c.Merge == traffic.Override && c.Said.Says(key.Field) {
				d.By = c.Scope
			}
		}
		all = append(all, d)
	}
	for _, moved := range p.Mesh.Moves(n.traffic) {
		_, own := plan.was.annotations[moved.Annotation]
		for _, c := range plan.claims() {
			if by := c.naming(moved); by != "" && !own {
				all = append(all, Displaced{Workload: plan.Workload.ID(), By: c.Scope + "." + string(by), moved: &moved})
			}
		}
	}
	return all
}

// TellDisplaced warns of what is written for workloads instead of what a Namespace says,
// and of rules that name a port which it makes the mesh's own.
func (p *Policy) TellDisplaced(n *NamespaceDefaults, displaced []Displaced) []Finding {
	found := report{lint: p.Lint}
	for _, key := range p.Mesh.Keys {
		var lost traffic.Layer
		var workloads []string
		by := ""
		for _, d := range displaced {
			if d.moved == nil && d.Field == key.Field {
				lost, workloads, by = lost.Merge(d.Lost, traffic.Union), append(workloads, d.Workload), max(by, d.By)
			}
		}
		at := n.annotation(key.Annotation)
		if len(workloads) == 0 || slices.ContainsFunc(n.Findings, func(f Finding) bool { return f.Severity == Error && slices.Equal(f.Path, at) }) {
			continue // what is refused is not to be kept
		}
		entries, _ := lost.Entries(key.Field)
		list := strings.Join(entries, ", ")
		keep := fmt.Sprintf("to keep it, add this rule to spec.namespaces: {match: {names: [%s]}, merge: Union, %s: [%s]}", n.Name, key.Field, list)
		if by != "" {
			keep += fmt.Sprintf(", and the same to %s.%s", by, key.Field)
		}
		found.warn(finding.NamespaceAnnotation, at, strings.Join(entries, ","),
			"what krm-bypass writes for %s stands instead of this, so %s no longer bypasses the sidecar there: %s", some(workloads), list, keep)
	}
	for _, moved := range p.Mesh.Moves(n.traffic) {
		var workloads, by []string
		for _, d := range displaced {
			if d.moved != nil && d.moved.Annotation == moved.Annotation {
				workloads, by = append(workloads, d.Workload), append(by, d.By)
			}
		}
		if len(by) > 0 {
			workloads, by = slices.Compact(slices.Sorted(slices.Values(workloads))), slices.Compact(slices.Sorted(slices.Values(by)))
			found.warn(finding.NamespaceAnnotation, n.annotation(moved.Annotation), moved.Ports.String(),
				"this makes %s a port of %s in %s, which the mesh handles itself, but %s would let it bypass: write another port here, or take it out there", moved.Ports, moved.Purpose, some(workloads), strings.Join(by, " and "))
		}
	}
	return found.Findings
}
