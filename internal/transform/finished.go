package transform

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// Finished judges workloads that others may have changed after a policy was
// applied to them. It knows what was written by what no one else writes: the
// record, the digest of the settings and the init container. The name and the
// namespace of a workload may have changed since.
type Finished struct {
	mu      sync.Mutex
	written map[string]*Workload
}

// Remember notes a workload as the policy left it. It is a plan of nothing.
func (f *Finished) Remember(p *Policy, w *Workload) *Plan {
	plan := &Plan{Workload: w}
	if was, err := w.record(w.pullSecrets); err == nil && !was.isEmpty() && was.Spec == p.Name {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.written == nil {
			f.written = map[string]*Workload{}
		}
		for _, mark := range w.ownMarks() {
			f.written[mark] = w
		}
	}
	return plan
}

// wrote finds what was written to a finished workload, nil where nothing shows it: a
// later spec may have taken all of it away.
func (f *Finished) wrote(w *Workload) *Workload {
	for _, mark := range w.ownMarks() {
		if wrote := f.written[mark]; wrote != nil {
			return wrote
		}
	}
	return nil
}

// ownMarks gives what tells on a workload what was written to it, surest first.
func (w *Workload) ownMarks() []string {
	marks := []string{RecordAnnotation + w.Annotations[RecordAnnotation], PolicyAnnotation + w.TemplateAnnotations[PolicyAnnotation]}
	for _, c := range w.initContainers {
		if c.name == InitName {
			marks = append(marks, InitName+c.digest)
		}
	}
	return slices.DeleteFunc(marks, func(mark string) bool { return mark == RecordAnnotation || mark == PolicyAnnotation })
}

// Judge holds what is in force in a finished workload against the limits, whoever
// wrote it, and warns of what was written and is not as it was. Nothing is planned.
func (f *Finished) Judge(p *Policy, w *Workload) *Plan {
	plan := &Plan{Workload: w, Namespace: p.namespaceOf(w)}
	foreign := &prior{annotations: maps.Clone(w.TemplateAnnotations)}
	if wrote := f.wrote(w); wrote != nil {
		was, _ := wrote.record(wrote.pullSecrets) // it has been read before
		maps.DeleteFunc(foreign.annotations, func(key, value string) bool {
			return was.wroteAnnotation(wrote, key) && wrote.TemplateAnnotations[key] == value
		})
		w.reportChanges(wrote, was, plan)
	}
	stands := &prior{annotations: w.TemplateAnnotations}
	in := p.hold(w, stands, plan)
	if in == 0 {
		return plan
	}
	p.judgeAnnotations(w, foreign, plan)
	p.judgeSettings(w, stands, plan.Fold, in, plan)
	for _, c := range w.initContainers {
		if c.name == InitName {
			p.judgeContainer(w, c, plan)
		}
	}
	return plan
}

// ContainerScope stands in a fold for the arguments of the init container.
const ContainerScope = "the init container " + InitName

// judgeContainer judges what the arguments of the init container let bypass.
func (p *Policy) judgeContainer(w *Workload, c container, plan *Plan) {
	values := map[traffic.Field][]string{}
	args := c.value.Entry("args")
	for i, arg := range args.Items() {
		flag, value, joined := strings.Cut(strings.TrimLeft(arg.Text(), "-"), "=")
		if !joined {
			value = args.Item(i + 1).Text()
		}
		for _, f := range traffic.Fields {
			if f.Flag() == flag {
				values[f] = append(values[f], value)
			}
		}
	}
	settings, err := traffic.ParseArguments(values)
	if err != nil {
		return // the container refuses it and lets nothing bypass
	}
	layer := settings.Layer()
	p.judgeSettings(w, &prior{annotations: w.TemplateAnnotations}, Fold{{Scope: ContainerScope, Said: layer, Left: layer}}, 0, plan)
	plan.Fold = plan.Fold.narrowed(ContainerScope, layer, traffic.Union)
	plan.Settings = plan.Fold.Layer().Settings()
}

// reportChanges warns of what was written and is not as it was.
func (w *Workload) reportChanges(wrote *Workload, was *record, plan *Plan) {
	for _, key := range was.annotations() {
		value, stands := w.TemplateAnnotations[key]
		if before := wrote.TemplateAnnotations[key]; !stands || value != before {
			plan.changed(w.templatePath("metadata", "annotations", key), strconv.Quote(before), strconv.Quote(value), value, stands)
		}
	}
	path := w.Path("metadata", "annotations", RecordAnnotation)
	if record, stands := w.Annotations[RecordAnnotation]; record != wrote.Annotations[RecordAnnotation] {
		plan.changed(path, "the record of what it wrote", "another text", record, stands)
	}
	wroteAt := was.wroteContainer(wrote)
	if wroteAt < 0 {
		return
	}
	at := slices.IndexFunc(w.initContainers, func(c container) bool { return c.name == InitName })
	switch {
	case at < 0:
		plan.changed(w.templatePath("spec", "initContainers"), "the container "+InitName, "", "", false)
	case at > 0:
		first := w.initContainers[0].name
		plan.changed(w.templatePath("spec", "initContainers", 0), "the container "+InitName, "the container "+first, first, true)
	}
	if at >= 0 {
		plan.changedIn(w.templatePath("spec", "initContainers", at), wrote.initContainers[wroteAt].value, w.initContainers[at].value)
	}
}

// changedIn warns of the innermost values that differ.
func (p *Plan) changedIn(path edit.Path, before, value node.Value) {
	step := func(key any, before, value node.Value) { p.changedIn(append(slices.Clone(path), key), before, value) }
	switch {
	case before.Digest() == value.Digest():
	case before.IsMapping() && value.IsMapping():
		for e := range before.Entries() {
			step(e.Key, e.Value, value.Entry(e.Key))
		}
		for e := range value.Entries() {
			if !before.Entry(e.Key).Exists() {
				step(e.Key, node.Value{}, e.Value)
			}
		}
	case before.IsList() && value.IsList() && before.Len() == value.Len():
		for i, item := range before.Items() {
			step(i, item, value.Item(i))
		}
	default:
		p.changed(path, listed(before), listed(value), value.Text(), value.Exists())
	}
}

// listed describes a value, and the entries of a list.
func listed(v node.Value) string {
	if !v.IsList() {
		return v.Describe()
	}
	var entries []string
	for _, item := range v.Items() {
		entries = append(entries, item.Describe())
	}
	return "[" + strings.Join(entries, ", ") + "]"
}

// changed warns of one value.
func (p *Plan) changed(path edit.Path, before, is, value string, stands bool) {
	p.Changed = true
	if !stands {
		is = "nothing"
	}
	p.find(Warning, path, value, "changed after krm-bypass wrote it: it wrote %s, and here is %s: list the ClusterBypass behind what changes it, such as last under transformers in the kustomization that is built", before, is)
}
