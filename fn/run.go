package fn

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/pass"
	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/transform"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// run applies a spec to the items of an input.
type run struct {
	// items are those of the input, with each list cut up; whole is how many it has.
	items []pass.Item
	whole int
	// given is the spec to apply; nil means the one among the items. remedy says
	// how to give one.
	given   *Spec
	remedy  string
	options Options
	// plan is that of pass.Pass.
	plan func(*transform.Policy, *transform.Workload) *transform.Plan
	// asked says that somebody asks, and does not only render.
	asked bool
	// forgets is that of pass.Pass, too.
	forgets bool
	// pass is the one that runs.
	pass *pass.Pass
	// unread says that the spec or an item could not be read, so that the plans
	// are not all.
	unread bool
	// malformed says that an object of an item could not be read.
	malformed bool
	// spec is what the run applies, nil if there is nothing to apply.
	spec *spec.Spec
	// reached says whom the parts of the spec reach, within of entries of rules that reach
	// nobody: in other manifests those may reach somebody.
	reached, within []transform.Reach
	// today is the current day, by which acceptances expire; "" ignores expiry.
	today v1alpha1.Date
	// lapsed are the acceptances that have expired, used are the others that accept
	// something, by their paths.
	lapsed []transform.Acceptance
	used   map[string]bool
}

// process finds the spec and applies it. planned and written are those of
// pass.Pass.
func (r *run) process(planned, written func(*pass.Document)) Results {
	r.unread = true
	heads, broken := pass.Heads(r.items)
	if len(broken) > 0 {
		return resultsOf(broken...)
	}
	results := r.readSpec(heads)
	if results.Failed() {
		return results
	}
	uses := pass.UsesOf(r.options.Uses)
	if r.options.Uses == nil {
		uses = pass.UsesAmong(r.items, heads)
	}
	p := &pass.Pass{Policy: r.spec.Policy, Items: r.items, Heads: heads, Uses: uses, Plan: r.plan, Planned: planned, Written: written, Forgets: r.forgets, Asked: r.asked, Progress: r.options.Progress}
	r.pass = p
	found := slices.DeleteFunc(p.Run(), func(f pass.Finding) bool { return !r.tells(f.Kind) })
	r.use(found)
	results = append(results, resultsOf(found...)...)
	r.unread, r.malformed = p.Broken, p.Malformed
	r.reached = slices.DeleteFunc(slices.Clone(p.Reach), func(one transform.Reach) bool { return one.Within })
	r.within = slices.DeleteFunc(slices.Clone(p.Reach), func(one transform.Reach) bool { return !one.Within })
	if !r.unread {
		results = append(results, r.unreached(r.reached)...)
	}
	results = append(results, r.misplaced(p.Changes)...)
	if len(p.Imageless) > 0 {
		results = append(results, r.imageless(p.Imageless, p.Unsayable))
	}
	if r.plan == nil {
		for _, idle := range r.spec.Policy.IdleIncludes(p.Includes) {
			results = append(results, r.ofSpec(spec.Finding{Kind: finding.IncludeWithoutEffect, Problem: spec.Problem{Path: idle.Path, Message: idle.Message}})...)
		}
	}
	if r.plan == nil && r.tells(finding.RepeatedEntry) {
		results = append(results, r.ofSpec(spec.Repeated(r.spec.ClusterBypass)...)...)
	}
	return results.inOrder()
}

// changes applies the spec, and gives what is new in the input's items.
func (r *run) changes() ([][]yamltext.Replacement, Results) {
	changes := make([][]yamltext.Replacement, len(r.items))
	r.forgets = true
	results := r.process(nil, func(d *pass.Document) { changes[d.At] = d.Changes })
	return pass.Joined(r.whole, r.items, changes), results
}

// imageless is the error for a spec that names no image although workloads need
// one.
func (r *run) imageless(workloads []pass.Ref, unsayable bool) Result {
	names := each.As(workloads, func(w pass.Ref) string { return object.Named(w.Kind, w.Namespace, w.Name) })
	return problemResult(Error, r.spec.Locate(spec.NeedsImage(names, unsayable)), refOf(r.spec.Object))
}

// tells reports whether the run tells findings of a kind.
func (r *run) tells(kind *finding.Kind) bool { return kind == nil || !kind.Asked || r.asked }

// ofSpec gives the results for findings about the spec.
func (r *run) ofSpec(findings ...spec.Finding) Results {
	var results Results
	for _, f := range findings {
		severity := f.Kind.In(r.spec.Policy.Lint)
		if severity == finding.Ignore || !r.tells(f.Kind) {
			continue
		}
		result := problemResult(transform.SeverityOf(severity), r.spec.Locate(f.Problem), refOf(r.spec.Object))
		result.tag(f.Kind, r.acceptedIn(f))
		results = append(results, result)
	}
	return results
}

// misplaced tells where the spec stands so that kustomize would not apply it.
func (r *run) misplaced(changes bool) Results {
	severity := finding.MisplacedSpec.In(r.spec.Policy.Lint)
	if r.given == nil || r.plan != nil || severity == finding.Ignore {
		return nil
	}
	var results Results
	for _, at := range r.given.misplaced {
		if !changes && !at.Refused {
			continue
		}
		results = append(results, Result{
			Severity: transform.SeverityOf(severity), Message: at.Message, ResourceRef: refOf(r.spec.Object), Field: &Field{Path: at.Field},
			File: fileOf(at.File, 0), Line: at.Line, Tags: map[string]string{CheckTag: finding.MisplacedSpec.ID},
		})
	}
	return results
}

// readSpec reads the spec that was given, or else the one among the items.
func (r *run) readSpec(heads []object.Type) Results {
	given := spec.Given{Namespace: r.options.Namespace, Mesh: r.options.Mesh, Image: r.options.Image}
	var found *spec.Source
	if !r.given.IsAmong() {
		source, err := r.given.find()
		if err != nil {
			return problemResults(err, nil)
		}
		if namespace, only := source.OnlyNamespace(); only {
			given.Namespace = cmp.Or(given.Namespace, namespace)
		} else {
			found = &source
		}
	}
	if found == nil {
		var failed Results
		if found, failed = r.specAmongItems(heads); failed != nil {
			return failed
		}
	}
	read, err := found.Read(given)
	if err != nil {
		return problemResults(err, refOf(object.HeadOf(found.Node)))
	}
	r.spec = read
	r.spec.Policy.Beside = r.options.Beside
	r.lapse()
	return r.ofSpec(read.Findings...)
}

// specAmongItems finds the one ClusterBypass among the items.
func (r *run) specAmongItems(heads []object.Type) (*spec.Source, Results) {
	var specs []*spec.Source
	var places []string
	for i, h := range heads {
		if !spec.Is(h) || r.items[i].InList() {
			continue
		}
		item := &r.items[i]
		node, err := item.Decoded()
		if err != nil {
			return nil, resultsOf(item.Broken(err))
		}
		specs = append(specs, &spec.Source{Node: node, File: item.File, Line: item.Line})
		places = append(places, cmp.Or(item.File, object.HeadOf(node).Origin().File, item.Name()))
	}
	where := "put one (apiVersion " + v1alpha1.APIVersion + ") among the resources"
	if r.given != nil && r.given.find == nil {
		where = "list one (apiVersion " + v1alpha1.APIVersion + ") under transformers"
	}
	switch len(specs) {
	case 0:
		for i, h := range heads {
			if slip := spec.Slip(h); slip != "" && !r.items[i].InList() {
				item := &r.items[i]
				return nil, Results{{Severity: Error, Message: slip, File: fileOf(item.File, item.Index), Line: item.Line}}
			}
		}
		return nil, Results{{Severity: Error, Message: fmt.Sprintf("there is no %s: %s, or %s", v1alpha1.Kind, r.remedy, where)}}
	case 1:
		return specs[0], nil
	}
	return nil, Results{{Severity: Error, Message: fmt.Sprintf("there are %d objects of kind %s (%s), and nothing says which one to use: keep one, or %s", len(specs), v1alpha1.Kind, strings.Join(places, ", "), r.remedy)}}
}
