package fn

import (
	"bytes"
	"fmt"

	"github.com/krm-bypass/krm-bypass/internal/kinds"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/pass"
	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/stream"
	"github.com/krm-bypass/krm-bypass/internal/transform"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// Removed says what Remove found.
type Removed struct {
	// Objects counts the objects to which each spec wrote, by its name. It is ""
	// for a ConfigMap's, and for what version 1 of the record knows no name of.
	Objects map[string]int
	// Stay counts the objects to which the spec wrote, of kinds that are not known.
	Stay int
	// Results are what else there is to tell.
	Results Results
}

// Remove takes away what the spec of a name wrote into files, whatever its mesh was,
// and gives back what stood there before. kinds is a spec whose podTemplates tell of
// more kinds of workloads; it may be nil.
//
// The error is a FailedError if a result is an error; then the files are returned as
// they came.
func Remove(name string, kinds *Spec, files []Manifest) ([]Manifest, *Removed, error) {
	removed := &Removed{Objects: map[string]int{}}
	known, failed := kindsOf(kinds)
	if failed != nil {
		removed.Results = failed
		return files, removed, &FailedError{failed}
	}
	documents := stream.Of(files...)
	r := runOn(nil, documents, Options{})
	heads, broken := pass.Heads(r.items)
	changes, wrote := make([][]yamltext.Replacement, len(r.items)), make([][]string, len(r.items))
	p := pass.Pass{
		Policy: transform.Removal(name, known), Items: r.items, Heads: heads,
		Planned: func(d *pass.Document) { wrote[d.At] = d.WrittenBy() },
		Written: func(d *pass.Document) { changes[d.At] = d.Changes },
	}
	removed.Results = append(resultsOf(broken...), resultsOf(p.Run()...)...)
	for i, names := range wrote {
		for _, name := range names {
			removed.Objects[name]++
		}
		if !p.Policy.IsCandidate(heads[i]) {
			told := left(&r.items[i], heads[i], name)
			removed.Results = append(removed.Results, told...)
			if !spec.Is(heads[i]) {
				removed.Stay += len(told)
			}
		}
	}
	removed.Results = removed.Results.inOrder()
	if removed.Results.Failed() {
		return files, removed, &FailedError{removed.Results}
	}
	return documents.Rewritten(pass.Joined(r.whole, r.items, changes)), removed, nil
}

// kindsOf gives the kinds of workloads that a spec knows.
func kindsOf(given *Spec) (kinds.Table, Results) {
	if given == nil {
		return nil, nil
	}
	source, err := given.find()
	if err != nil {
		return nil, problemResults(err, nil)
	}
	read, err := source.Read(spec.Given{})
	if err != nil {
		return nil, problemResults(err, refOf(object.HeadOf(source.Node)))
	}
	return read.Policy.Kinds, nil
}

// left warns of what keeps something of a spec that is to be gone: the spec itself,
// and objects of unknown kinds with its record.
func left(item *pass.Item, head object.Type, name string) Results {
	if !spec.Is(head) && !bytes.Contains(item.Text.Text, []byte(transform.RecordAnnotation)) {
		return nil
	}
	document, err := item.Decoded()
	if err != nil {
		return nil // kubectl does not read it either
	}
	of := object.HeadOf(document)
	by, recorded := (&transform.Object{Annotations: of.Annotations}).WrittenBy()
	r := Result{Severity: Warning, ResourceRef: refOf(of), File: fileOf(item.File, item.Index), Line: item.Line}
	switch {
	case spec.Is(head) && of.Name == name:
		r.Message = "this ClusterBypass is still here, and writes all of it again: remove it too"
	case recorded && by == name:
		r.Message = fmt.Sprintf("ClusterBypass %s wrote here, and it stays, because nothing says where the pod template of %s is: give a ClusterBypass with an entry for it in spec.podTemplates with --spec", name, transform.A(of.Kind))
	default:
		return nil
	}
	return Results{r}
}
