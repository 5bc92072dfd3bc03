package fn

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
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
// spec is a file with a ClusterBypass, or with a ConfigMap as a KRM function
// takes one; nil has the one ClusterBypass among the files count.
//
// The results have lines. The error is ErrFailed where one of them is an error;
// the files are then as they came.
func Manifests(spec *Manifest, files []Manifest, options Options) ([]Manifest, Results, error) {
	run := runOn(spec, files, options)
	results := run.process()
	if results.Failed() {
		return files, results, ErrFailed
	}
	return run.from.(*stream).rewritten(run.changed), results, nil
}

// runOn is the application of a spec to files.
func runOn(spec *Manifest, files []Manifest, options Options) *run {
	r := &run{from: streamOf(files), remedy: "give one with --spec", options: options}
	r.config = func() (*configObject, Results) { return nil, nil }
	if spec != nil {
		r.config = func() (*configObject, Results) { return configObjectIn(*spec) }
	}
	return r
}

// stream is the documents of files, one after the other.
type stream struct {
	files     []Manifest
	documents []streamed
}

// streamed is a document of a stream.
type streamed struct {
	yamltext.Document
	// file and index say where it stands.
	file, index int
	// span is that of its text in the file.
	span yamltext.Span
}

func streamOf(files []Manifest) *stream {
	s := &stream{files: files}
	for i, f := range files {
		s.documents = append(s.documents, documentsOf(f.Text, i)...)
	}
	return s
}

// documentsOf gives the documents of a text that say anything.
func documentsOf(text []byte, file int) []streamed {
	var documents []streamed
	at := 0
	for _, d := range yamltext.Documents(text) {
		span := yamltext.Span{Start: at, End: at + len(d.Text)}
		at = span.End
		if !blank(d.Text) {
			documents = append(documents, streamed{d, file, len(documents), span})
		}
	}
	return documents
}

// blank says whether a document holds nothing but comments, markers and
// directives.
func blank(text []byte) bool {
	tree, err := (yamltext.Fragment{Text: text}).Outline(0)
	if err == nil {
		return tree.Root == nil || tree.Root.Kind == yamltext.Scalar && !tree.Root.Written()
	}
	var node yaml.Node
	return yaml.Unmarshal(text, &node) == nil && (node.Kind == 0 || len(node.Content) == 0)
}

func (s *stream) count() int { return len(s.documents) }

func (s *stream) item(i int) yamltext.Fragment {
	return yamltext.Fragment{Text: s.documents[i].Text}
}

// aliases gives none: an alias cannot leave its document.
func (s *stream) aliases() []string { return nil }

func (s *stream) place(i int) place {
	d := s.documents[i]
	return place{name: "the document", file: s.files[d.file].Path, index: d.index, line: d.Line}
}

// rewritten gives the files with the new texts of documents in them.
func (s *stream) rewritten(changed map[int][]byte) []Manifest {
	replacements := map[int][]replacement{}
	for i, text := range changed {
		d := s.documents[i]
		replacements[d.file] = append(replacements[d.file], replacement{d.span, text})
	}
	files := slices.Clone(s.files)
	for i, r := range replacements {
		files[i].Text = replaced(files[i].Text, r)
	}
	return files
}

// configObjectIn finds what says which traffic bypasses in a file: its one
// ClusterBypass, or its one ConfigMap where there is none.
func configObjectIn(f Manifest) (*configObject, Results) {
	fail := func(line int, format string, args ...any) (*configObject, Results) {
		return nil, Results{{Severity: Error, File: fileOf(f.Path, 0), Line: line, Message: fmt.Sprintf(format, args...)}}
	}
	var specs, configMaps []*configObject
	for _, d := range documentsOf(f.Text, 0) {
		var node yaml.Node
		if err := yaml.Unmarshal(yamltext.Fragment{Text: d.Text}.Readable(), &node); err != nil {
			line, problem := located(err)
			return fail(d.Line+max(line, 1)-1, "reading the document: %s", problem)
		}
		object := &configObject{node: &node, file: f.Path, line: d.Line}
		switch head := headOf(&node); {
		case isSpec(head.apiVersion, head.kind):
			specs = append(specs, object)
		case head.apiVersion == "v1" && head.kind == "ConfigMap":
			configMaps = append(configMaps, object)
		}
	}
	switch {
	case len(specs) == 1:
		return specs[0], nil
	case len(specs) > 1:
		return fail(specs[1].line, "there are %d objects of kind %s in it, and it is not said which counts: keep one", len(specs), Kind)
	case len(configMaps) == 1:
		return configMaps[0], nil
	}
	return fail(0, "there is no %s in it: write one (apiVersion %s)", Kind, APIVersion)
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
	var kept bytes.Buffer
	var problems Results
	at := 0
	for _, d := range documentsOf(f.Text, 0) {
		text, err := edit.Read(yamltext.Fragment{Text: d.Text})
		if err != nil {
			line, problem := located(err)
			return nil, Results{{Severity: Error, File: fileOf(f.Path, d.index), Line: d.Line + max(line, 1) - 1, Message: "reading the document: " + problem}}
		}
		head := headOf(text.Nodes)
		local, marked := head.annotations[localConfig]
		refuse := func(why string) {
			problems = append(problems, Result{Severity: Error, File: fileOf(f.Path, d.index), Line: d.Line + lineOf(text.Nodes, nil) - 1, Message: why})
		}
		switch {
		case Configures(text.Nodes) || marked && local != "false":
			kept.Write(f.Text[at:d.span.Start])
			at = d.span.End
		case head.apiVersion == "" || head.kind == "":
			refuse("the document is no Kubernetes object, since it has no apiVersion or no kind: name only the files to render, or take it away")
		case strings.HasPrefix(head.apiVersion, kustomizeGroup):
			refuse(fmt.Sprintf("a %s is for kustomize and not for a cluster: name its folder to have it built, or only the files to render", head.kind))
		}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	kept.Write(f.Text[at:])
	return kept.Bytes(), nil
}
