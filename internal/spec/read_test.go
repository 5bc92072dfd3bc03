package spec_test

import (
	"testing"

	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// read reads the spec in a file.
func read(text string) (*spec.Spec, error) {
	source, err := spec.In(yamltext.File{Path: "bypass.yaml", Text: []byte(text)})
	if err != nil {
		return nil, err
	}
	return source.Read(spec.Given{})
}

const head = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\n"

// specOf reads the ClusterBypass with a body in one line, the fourth.
func specOf(t *testing.T, body string) (*spec.Spec, error) {
	t.Helper()
	return read(head + "spec: " + body + "\n")
}
