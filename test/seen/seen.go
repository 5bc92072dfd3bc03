package seen

import (
	"errors"
	"fmt"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// Template is a pod template and the object that carries it.
type Template struct {
	APIVersion, Kind, Namespace, Name string
	// Annotations are those of the template.
	Annotations map[string]string
}

// Templates gives the pod templates of a stream in the order in which they stand
// there. An error means that the product refuses the stream.
func Templates(stream []byte) ([]Template, error) {
	istio, _ := mesh.ByName("Istio")
	policy := &transform.Policy{Mesh: istio}
	var found []Template
	for _, d := range object.Documents(stream) {
		is, err := object.Peek(d.Fragment(), transform.IsKnown)
		if err != nil {
			return nil, fmt.Errorf("reading the document on line %d: %w", d.Line, err)
		}
		if !policy.IsCandidate(is) {
			continue
		}
		text, err := object.Read(d.Fragment())
		if err != nil {
			return nil, fmt.Errorf("reading the document on line %d: %w", d.Line, err)
		}
		workloads, problems := policy.Workloads(transform.Document{Nodes: text.Nodes, Source: text.Source, Line: d.Line})
		if len(problems) > 0 {
			return nil, errors.Join(problems...)
		}
		for _, w := range workloads {
			found = append(found, Template{w.APIVersion, w.Kind, w.Namespace, w.Name, w.TemplateAnnotations})
		}
	}
	return found, nil
}
