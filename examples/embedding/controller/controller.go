// Package controller is the part of a controller that renders: JSON of objects in, JSON
// out. It opens no file and no connection and starts no program, as package fn does not.
package controller

import (
	"fmt"

	"github.com/krm-bypass/krm-bypass/fn"
)

// Render applies a spec, which the controller may keep in a ConfigMap, to objects that it
// is about to apply, such as MarshalJSON of an unstructured.Unstructured gives them, and
// UnmarshalJSON reads. Where anything is wrong there are no objects, and the error names
// the field. The results have the warnings, for the controller's events.
func Render(spec string, objects [][]byte) ([][]byte, fn.Results, error) {
	manifests := make([]fn.Manifest, len(objects))
	for i, object := range objects {
		manifests[i] = fn.Manifest{Path: fmt.Sprintf("object %d", i), Text: object}
	}
	read := fn.SpecIn(fn.Manifest{Path: "the spec", Text: []byte(spec)})
	written, results, err := fn.Manifests(read, manifests, fn.Options{})
	if err != nil {
		return nil, results, err
	}
	rendered := make([][]byte, len(written))
	for i, manifest := range written {
		rendered[i] = manifest.Text
	}
	return rendered, results, nil
}
