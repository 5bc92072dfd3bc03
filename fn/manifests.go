package fn

import (
	"github.com/krm-bypass/krm-bypass/internal/pass"
	"github.com/krm-bypass/krm-bypass/internal/stream"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// Manifest is a file of manifests: its Path, which names it in results, and its
// Text, a stream of YAML documents or JSON.
type Manifest = yamltext.File

// Manifests applies a spec to the workloads in files and returns the files with
// their new text. It changes a text only where the spec asks for it. Documents that
// are not Kubernetes objects stay as they are.
//
// The results have lines. The error is a FailedError if one of them is an error;
// then the files are returned as they came.
func Manifests(spec *Spec, files []Manifest, options Options) ([]Manifest, Results, error) {
	documents := stream.Of(files...)
	r := runOn(spec, documents, options)
	changes, results := r.changes()
	if results.Failed() {
		return files, results, &FailedError{results}
	}
	return documents.Rewritten(changes), results, nil
}

// runOn applies a spec to the documents of files.
func runOn(given *Spec, s *stream.Stream, options Options) *run {
	return &run{whole: len(s.Documents), items: pass.Split(pass.ItemsOf(s, options.Originals)), given: given, remedy: "give one with --spec", options: options}
}
