package fn

import (
	"fmt"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/pass"
	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/stream"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// Manifest is a file of manifests: its path, which names it in results, and its
// text, a stream of YAML documents or JSON.
type Manifest = yamltext.File

// Manifests applies a ClusterBypass to the workloads in files, and gives the
// files back as they shall be. A file's text differs only where the spec asks
// for it; documents that are not Kubernetes objects, and files that say nothing,
// stay as they are.
//
// by is a file with a ClusterBypass, or with a ConfigMap as a KRM function
// takes one; nil has the one ClusterBypass among the files count.
//
// The results have lines. The error is ErrFailed where one of them is an error;
// the files are then as they came.
func Manifests(by *Manifest, files []Manifest, options Options) ([]Manifest, Results, error) {
	documents := stream.Of(files...)
	r := runOn(by, documents, options)
	texts := make([][]byte, len(r.items))
	results := r.process(nil, func(d *pass.Document) { texts[d.At] = d.Written })
	if results.Failed() {
		return files, results, &FailedError{results}
	}
	return documents.Rewritten(texts), results, nil
}

// runOn is the application of a spec to the documents of files.
func runOn(in *Manifest, s *stream.Stream, options Options) *run {
	r := &run{items: make([]pass.Item, len(s.Documents)), remedy: "give one with --spec", options: options}
	for i, d := range s.Documents {
		r.items[i] = pass.Item{Text: d.Fragment(), Place: pass.Place{File: s.File(d).Path, Index: d.Index, Line: d.Line}}
	}
	r.config = func() (*spec.Source, Results) {
		if in == nil {
			return nil, nil
		}
		found, err := spec.In(*in)
		if err != nil {
			return nil, problemResults(Error, err, nil)
		}
		return &found, nil
	}
	return r
}

// localConfig marks an object that is for the tools that read a package, and
// is never applied to a cluster (kubernetes-sigs/kustomize
// kyaml/kio/filters/local.go). kpt takes every value but "false" for it.
const localConfig = "config.kubernetes.io/local-config"

// kustomizeGroup is that of Kustomization and Component, which no API server
// knows.
const kustomizeGroup = "kustomize.config.k8s.io/"

// Applicable gives what of a text is for a cluster: without the documents that
// are marked as local configuration, and without those that configure this
// function. Every other document must be a Kubernetes object; the error is
// Results.
func Applicable(f Manifest) ([]byte, Results) {
	var kept [][]byte
	var problems Results
	at := 0
	for _, d := range stream.Of(f).Documents {
		text, err := object.Read(d.Fragment())
		if err != nil {
			line, problem := yamltext.Located(err)
			return nil, Results{{Severity: Error, File: fileOf(f.Path, d.Index), Line: d.Line + max(line, 1) - 1, Message: "reading the document: " + problem}}
		}
		head := object.HeadOf(text.Nodes)
		local, marked := head.Annotations[localConfig]
		refuse := func(why string) {
			problems = append(problems, Result{Severity: Error, File: fileOf(f.Path, d.Index), Line: d.Line + node.LineAt(text.Nodes, nil) - 1, Message: why})
		}
		switch {
		case spec.Configures(text.Nodes) || marked && local != "false":
			kept = append(kept, f.Text[at:d.Offset])
		case head.APIVersion == "" || head.Kind == "":
			refuse("the document is no Kubernetes object, since it has no apiVersion or no kind: name only the files to render, or take it away")
		case strings.HasPrefix(head.APIVersion, kustomizeGroup):
			refuse(fmt.Sprintf("a %s is for kustomize and not for a cluster: name its folder to have it built, or only the files to render", head.Kind))
		default:
			kept = append(kept, f.Text[at:d.End()])
		}
		at = d.End()
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return object.Join(append(kept, f.Text[at:])...), nil
}
