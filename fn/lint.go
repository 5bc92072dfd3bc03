package fn

import (
	"runtime"
	"sync"
	"sync/atomic"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/lint"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// lintBeside gives what the linter finds in workloads by themselves and beside
// other objects: read gives what is wanted of the object at a place. What cannot
// be read is not ours to judge, since it passes through as it is.
func lintBeside(linter *lint.Linter, seen *examined, heads []head, read func(int, lint.Wanted) *lint.Items) []lint.Finding {
	kinds := map[head]bool{}
	for _, h := range heads {
		kinds[h] = true
	}
	wanted := linter.Wants(seen.workloads, func(is func(apiVersion, kind string) bool) bool {
		for h := range kinds {
			if is(h.apiVersion, h.kind) {
				return true
			}
		}
		return false
	})
	var places []int
	for i, h := range heads {
		if is, _ := wanted.Kind(h.apiVersion, h.kind); is {
			places = append(places, i)
		}
	}
	found := make([]*lint.Items, len(places))
	inParallel(len(places), func(i int) { found[i] = read(places[i], wanted) })
	var items lint.Items
	for _, one := range found {
		items.Add(one)
	}
	return append(seen.findings, linter.Judge(seen.workloads, wanted, &items)...)
}

// inParallel calls a function for each of n places. They are spread over the
// processors where there are many; a short list is not worth a thread.
func inParallel(n int, each func(int)) {
	var next atomic.Int64
	work := func() {
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			each(i)
		}
	}
	var others sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n/64) - 1 {
		others.Go(work)
	}
	work()
	others.Wait()
}

// wantedOf reads what is wanted of an object's text.
func wantedOf(fragment yamltext.Fragment, item int, h head, wanted lint.Wanted) *lint.Items {
	if _, named := wanted.Kind(h.apiVersion, h.kind); named && !wantedByName(fragment, h, wanted) {
		return nil
	}
	if !wanted.Text(h.apiVersion, h.kind, fragment.Text) {
		return nil
	}
	text, err := edit.Read(fragment)
	if err != nil {
		return nil
	}
	return wanted.Read(text.Nodes, item)
}

// wantedByName looks at an object's name without reading more of it; where that
// cannot be seen, the object is wanted.
func wantedByName(fragment yamltext.Fragment, h head, wanted lint.Wanted) bool {
	tree, err := fragment.Outline(2)
	if err != nil {
		return true
	}
	name := tree.Entry(tree.Entry(tree.Root, "metadata"), "name")
	if name == nil {
		return true
	}
	value, readable := tree.Value(name)
	return !readable || wanted.Name(h.apiVersion, h.kind, value)
}

// lookAt has the linter look at the workloads of an item as it is after the
// plans' edits.
func (e *examined) lookAt(linter *lint.Linter, node *yaml.Node, item int) {
	e.workloads, e.findings = linter.Look(e.planned, node, item)
	e.planned = nil
}

// located gives findings as results, with the lines of files where those are
// known: of the items as they came.
func (r *run) located(findings []lint.Finding) Results {
	nodes := map[int]*yaml.Node{}
	var results Results
	for _, f := range findings {
		o := object{at: r.from.place(f.Object.Item)}
		if o.at.file != "" && o.at.line > 0 {
			if nodes[f.Object.Item] == nil {
				text, _ := edit.Read(r.from.item(f.Object.Item)) // it has been read before
				nodes[f.Object.Item] = text.Nodes
			}
			o.node = nodes[f.Object.Item]
		}
		results = append(results, o.linted(f))
	}
	return results
}

func (o object) linted(f lint.Finding) Result {
	r := o.finding(f.Object, f.Finding)
	r.Tags = map[string]string{CheckTag: f.Check}
	if f.Proposed != "" {
		if r.Field == nil {
			r.Field = &Field{Path: f.Object.Path().String()}
		}
		r.Field.ProposedValue = f.Proposed
	}
	return r
}
