package fn

import (
	"slices"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/pass"
	"github.com/krm-bypass/krm-bypass/internal/stream"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// Judge judges finished manifests, which other programs may have changed since
// Manifests wrote them: what is in force there must keep within the limits of the
// spec. It warns of what was changed after it was written, and explains the
// workloads of which that is true. written is what Manifests returned.
//
// The error is a FailedError if a result is an error.
func Judge(spec *Spec, written, finished []Manifest, options Options, today v1alpha1.Date) (*Explained, error) {
	options.Progress = nil
	var judge transform.Finished
	before := runOn(spec, stream.Of(written...), options)
	before.plan = judge.Remember
	if results := before.process(nil, nil); results.Failed() {
		return &Explained{Results: results}, &FailedError{results}
	}
	r := runOn(spec, stream.Of(finished...), options)
	r.plan = judge.Judge
	workloads := make([][]Explanation, len(r.items))
	results := r.process(func(d *pass.Document) {
		d.Workloads = slices.DeleteFunc(d.Workloads, func(plan *transform.Plan) bool { return !plan.Changed })
		workloads[d.At] = r.explanations(d, nil, today)
	}, nil)
	// The spec's own warnings have been told.
	judged := &Explained{Workloads: slices.Concat(workloads...), Results: slices.DeleteFunc(results, func(one Result) bool {
		return one.Severity != Error && one.ResourceRef != nil && one.ResourceRef.Kind == v1alpha1.Kind
	})}
	if r.spec != nil {
		judged.Mesh = r.spec.Policy.Mesh.Name
	}
	if judged.Results.Failed() {
		return judged, &FailedError{judged.Results}
	}
	return judged, nil
}
