package transform

import (
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/kinds"
	"github.com/krm-bypass/krm-bypass/internal/node"
)

// draft turns what to write to a workload into edits, and keeps the record
// of them. For each parent that may have to be created it counts what goes in
// and what goes out, so that a parent made by an earlier run goes when it
// holds nothing any more.
type draft struct {
	object *Object
	// was is the record of the object.
	was    *record
	will   *record
	groups []*group
	report *report
	// removes says that nothing is to stay, not even that something was taken over.
	removes bool
}

// group is a parent and the edits to its children, in the order of the
// document's depth.
type group struct {
	*parent
	// removed are children that go, added those that come.
	removed, added int
	edits          []edit.Edit
}

// draftEdits plans how the workloads of an object get what is desired, and nothing else
// that the function wrote. Each plan has the edits of its template, the first one those
// of the object's record too.
func (p *Policy) draftEdits(plans []*Plan, wanted []desired) {
	first := plans[0]
	if key, alike := first.situation(wanted[0]); alike {
		first.Edits = wanted[0].of.drafts.of(key, func() []edit.Edit {
			edits := p.drafted(plans, wanted)
			for i := range edits {
				edits[i].Shared = &edit.Shared{}
			}
			return slices.Clip(edits)
		})
		return
	}
	edits := p.drafted(plans, wanted)
	for _, plan := range slices.Backward(plans[1:]) {
		theirs := func(e edit.Edit) bool { return plan.Workload.has(e.Path) }
		rest := slices.DeleteFunc(slices.Clone(edits), theirs)
		plan.Edits = slices.DeleteFunc(edits, func(e edit.Edit) bool { return !theirs(e) })
		edits = rest
	}
	first.Edits = edits
}

// situation gives what decides the edits of an untouched object whose template has nothing
// where something is written, and needs nothing but what its ruling says: the kind, and
// which parents there are. false is for all others.
func (p *Plan) situation(d desired) (key situation, alike bool) {
	w := p.Workload
	_, recorded := w.Annotations[RecordAnnotation]
	if d.of == nil || recorded || d.pullSecrets != nil || len(w.base) > 0 || !w.kind.IsAlone() || w.stand.over != nil || p.was.containers != nowhere {
		return key, false
	}
	at := w.parent(w.templatePath("metadata", annotations))
	for _, key := range d.keys {
		if _, users := p.was.annotations[key]; users || slices.Contains(at.children, key) {
			return situation{}, false
		}
	}
	var room [512]byte
	parents := strconv.AppendBool(strconv.AppendBool(room[:0], w.stand.initContainers == nil), w.stand.pullSecrets == nil)
	for _, parent := range w.parents {
		if parent.state == null {
			return key, false // the record tells how it was written
		}
		parents = strconv.AppendBool(append(append(parents, parent.name...), byte(parent.state), ' '), parent.lent)
	}
	key = situation{template: &w.kind.Templates[0], container: d.containers[first].node != nil, closing: d.containers[last].node, parents: string(parents)}
	if key.closing != nil {
		key.behind = len(w.initContainers)
	}
	return key, true
}

// situation is what decides the edits of such an object, beside its ruling.
type situation struct {
	template  *kinds.Template
	container bool
	// closing is the last init container, and behind how many others it comes.
	closing *yaml.Node
	behind  int
	parents string
}

func (p *Policy) drafted(plans []*Plan, wanted []desired) []edit.Edit {
	first := plans[0]
	dr := p.newDraft(&first.Workload.Object, first.was.whole, &first.report)
	for i, plan := range plans {
		dr.report = &plan.report
		dr.template(plan.Workload, wanted[i], plan.was)
	}
	dr.record()
	return dr.finish()
}

// has reports whether an edit there is one of the template, or of what is on the way to
// it alone.
func (w *Workload) has(path edit.Path) bool { return w.stand.has(path[len(w.base):]) }

// template plans what is written to one.
func (dr *draft) template(w *Workload, d desired, was *prior) {
	annotations := dr.group(w.templatePath("metadata", "annotations"))
	keys := was.record.keys(d)
	if len(keys) > 0 {
		annotations.edits = slices.Grow(annotations.edits, len(keys))
	}
	for key, value := range was.adopted {
		if dr.removes {
			break
		}
		dr.will.Adopted[w.entry(key)] = node.Digest(key, value)
	}
	for _, key := range keys {
		dr.annotation(w, annotations, key, d, was)
	}
	if w.stand.initContainers != nil {
		dr.containers(w, dr.group(w.templatePath("spec", "initContainers")), d, was)
	}
	if w.stand.pullSecrets != nil {
		dr.list(dr.group(w.templatePath("spec", pullSecretsField)), w.pullSecrets, d.pullSecrets, pullSecretEntry)
	}
}

func (p *Policy) newDraft(o *Object, was *record, report *report) *draft {
	dr := &draft{object: o, was: was, will: newRecord(p.Name), report: report, removes: p.Removes}
	for i := range o.parents {
		dr.groups = append(dr.groups, &group{parent: &o.parents[i]})
	}
	return dr
}

// group finds the group of a parent; nil where no edit is ever made.
func (dr *draft) group(path edit.Path) *group {
	for _, g := range dr.groups {
		if slices.Equal(g.path, path) {
			return g
		}
	}
	return nil
}

// keys gives the annotations to look at: those that are desired in their order,
// then those that were written before and are not any more.
func (r *record) keys(d desired) []string {
	former := slices.DeleteFunc(r.annotations(), func(key string) bool { return slices.Contains(d.keys, key) })
	return slices.Concat(d.keys, former)
}

func (dr *draft) annotation(w *Workload, g *group, key string, d desired, was *prior) {
	current := w.TemplateAnnotations[key]
	users, userWrote := was.own(key)
	ours, entry := was.record.wroteAnnotation(w, key), w.entry(key)
	target, wanted := d.annotations[key]
	path := append(slices.Clone(g.path), key)

	if wanted && userWrote && users == target {
		wanted = false // the user's own text says it
		dr.will.Kept[entry] = node.Digest(key, users)
	}
	if wanted {
		dr.will.Wrote[entry] = node.Digest(key, target)
		explicit := slices.Contains(g.children, key)
		if source, known := was.sources[key]; known {
			dr.will.Replaced[entry] = source
		} else if explicit && !ours {
			dr.will.Replaced[entry] = dr.source(path, current)
		}
		if explicit && current == target {
			return
		}
		if !explicit {
			g.added++
		}
		g.edits = append(g.edits, edit.Edit{Path: path, Op: edit.Set, Value: node.Str(target)})
		return
	}
	if !ours {
		return
	}
	if source, replaced := was.sources[key]; replaced {
		g.edits = append(g.edits, edit.Edit{Path: path, Op: edit.Restore, Source: source, Value: node.Str(users)})
		return
	}
	g.removed++
	g.edits = append(g.edits, edit.Edit{Path: path, Op: edit.Remove})
}

// containers plans our init containers. The last comes before the first, since an edit's
// indices are those behind the edits before it.
func (dr *draft) containers(w *Workload, g *group, d desired, was *prior) {
	at, n := was.containers, len(w.initContainers)
	item := func(i int) edit.Path { return append(slices.Clone(g.path), i) }
	for i, name := range slices.Backward(containerNames[:]) {
		wanted, is := d.containers[i], at[i]
		place, inPlace := 0, is == 0
		if i == last {
			place, inPlace = n, is == n-1
		}
		if wanted.node != nil {
			dr.will.Wrote[w.entry(name)] = wanted.digest
			if is >= 0 && inPlace && was.record.Wrote[name] == wanted.digest {
				continue
			}
			// Others may have put theirs in its place since. The new one comes before the
			// old one goes, so that the list is never empty and keeps its style.
			g.edits = append(g.edits, edit.Edit{Path: item(place), Op: edit.Insert, Value: wanted.node})
		}
		switch {
		case is < 0 && wanted.node != nil:
			g.added++
		case is >= 0:
			if wanted.node == nil {
				g.removed++
			} else if is >= place {
				is++
			}
			g.edits = append(g.edits, edit.Edit{Path: item(is), Op: edit.Remove})
			if at[first] > is {
				at[first]--
			}
		}
	}
}

// record plans the record itself, which stands among the workload's own
// annotations.
func (dr *draft) record() {
	own := dr.group(dr.object.Path("metadata", "annotations"))
	path := append(slices.Clone(own.path), RecordAnnotation)
	current, stands := dr.object.Annotations[RecordAnnotation]
	if dr.will.isEmpty() {
		if stands {
			own.removed++
			own.edits = append(own.edits, edit.Edit{Path: path, Op: edit.Remove})
		}
		return
	}
	if !stands {
		own.added++
	}
	for _, g := range dr.groups {
		dr.remember(g)
	}
	if text := dr.will.text(); text != current {
		own.edits = append(own.edits, edit.Edit{Path: path, Op: edit.Set, Value: node.Str(text)})
	}
}

// remember records how a parent was before anything was written into it.
func (dr *draft) remember(g *group) {
	filled := dr.filled(g)
	created := slices.Contains(dr.was.Created, g.name)
	source, wasNull := dr.was.Nulls[g.name]
	switch {
	case (g.state == absent || g.lent) && !filled, g.state == present && g.emptied():
		// Nothing stays there that could be taken away again.
	case g.state == absent, g.lent, g.state == present && created:
		dr.will.Created = append(dr.will.Created, g.name)
	case g.state == present && wasNull:
		dr.will.Nulls[g.name] = source
	case g.state == null && filled:
		dr.will.Nulls[g.name] = dr.source(g.path, "")
	}
}

// source gives the text of a string or of null that is about to be overwritten.
func (dr *draft) source(path edit.Path, value string) string {
	source, err := dr.object.source(path)
	switch {
	case err != nil:
		dr.report.find(Error, path, value, "%v", err)
	case !saysString(source) && !saysNull(source):
		dr.report.find(Error, path, value, "this cannot be put back when krm-bypass takes its own value away: write one string in quotes here, not an alias or a tag")
	}
	return source
}

// filled reports whether anything comes into a parent, at any depth.
func (dr *draft) filled(g *group) bool {
	return g.added > 0 || slices.ContainsFunc(dr.groups, func(inner *group) bool { return inner.added > 0 && under(inner.path, g.path) })
}

// emptied reports whether nothing stays in a parent.
func (g *group) emptied() bool {
	return g.removed > 0 && g.added == 0 && g.removed == len(g.children)
}

// finish puts the edits together, innermost parents first. A parent that an
// earlier run made, and that holds nothing any more, goes with all that is in
// it.
func (dr *draft) finish() []edit.Edit {
	var edits []edit.Edit
	for _, g := range slices.Backward(dr.groups) {
		created := slices.Contains(dr.was.Created, g.name)
		source, wasNull := dr.was.Nulls[g.name]
		if !g.emptied() || dr.filled(g) || !created && !wasNull {
			edits = append(edits, g.edits...)
			continue
		}
		edits = slices.DeleteFunc(edits, func(e edit.Edit) bool { return under(e.Path, g.path) })
		if !created {
			edits = append(edits, edit.Edit{Path: g.path, Op: edit.Restore, Source: source, Value: node.Null()})
			continue
		}
		edits = append(edits, edit.Edit{Path: g.path, Op: edit.Remove})
		if around := dr.group(g.path[:len(g.path)-1]); around != nil {
			around.removed++
		}
	}
	return edits
}

func under(path, ancestor edit.Path) bool {
	return len(path) > len(ancestor) && slices.Equal(path[:len(ancestor)], ancestor)
}
