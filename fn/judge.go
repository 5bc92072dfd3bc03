package fn

import (
	"slices"
	"sync"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/pass"
	"github.com/krm-bypass/krm-bypass/internal/stream"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// Judge judges finished manifests, which other programs may have changed since
// Manifests wrote them: what is in force there must keep within the limits of the
// spec. It warns of what was changed after it was written, and explains the
// workloads of which that is true, and those that came in when the spec had been
// applied. today is the current day where somebody asks, and "" for one who only
// renders. written is what Manifests returned; last says that
// no other spec was applied after this one.
//
// The error is a FailedError if a result is an error.
func Judge(spec *Spec, written, finished []Manifest, options Options, last bool, today v1alpha1.Date) (*Explained, error) {
	options.Progress = nil
	var judge transform.Finished
	if last {
		judge.Last = sync.OnceFunc(func() {
			all := runOn(spec, stream.Of(finished...), options)
			all.plan = judge.Meet
			all.process(nil, nil) // what is wrong with them, the run below says
		})
	}
	before := runOn(spec, stream.Of(written...), options)
	before.asked, before.today = today != "", today
	before.plan = judge.Remember
	results := before.process(nil, nil)
	if results.Failed() {
		return &Explained{Results: results}, &FailedError{results}
	}
	told := map[string]bool{}
	for _, one := range results {
		told[one.told()] = true
	}
	r := runOn(spec, stream.Of(finished...), options)
	r.plan, r.asked, r.today = judge.Judge, today != "", today
	workloads := make([][]Explanation, len(r.items))
	results = r.process(func(d *pass.Document) {
		changed := *d
		changed.Workloads = slices.DeleteFunc(slices.Clone(d.Workloads), func(plan *transform.Plan) bool { return !plan.Changed && !plan.Late })
		workloads[d.At] = r.explanations(&changed, nil, today)
	}, nil)
	judged := &Explained{Workloads: slices.Concat(workloads...), Results: slices.DeleteFunc(results, func(one Result) bool {
		return one.Severity != Error && told[one.told()]
	})}
	if r.spec != nil {
		judged.Mesh = r.spec.Policy.Mesh.Name
	}
	if judged.Results.Failed() {
		return judged, &FailedError{judged.Results}
	}
	return judged, nil
}

// told gives what a result tells of which object, wherever that is.
func (r Result) told() string {
	r.File = nil
	return r.String()
}
