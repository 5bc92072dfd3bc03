package kustomize

import (
	"errors"
	"io"
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// object is a manifest as far as the examples make promises about it, and all
// the rest of it beside that.
type object struct {
	Kind     string
	Metadata metadata
	Spec     struct {
		Template    template
		JobTemplate struct {
			Spec struct{ Template template }
		} `yaml:"jobTemplate"`
	}
	everything map[string]any
}

type metadata struct {
	Name, Namespace string
	Annotations     map[string]string
}

type template struct {
	Metadata metadata
	Spec     struct {
		InitContainers []container `yaml:"initContainers"`
	}
}

type container struct {
	Name string
	Args []string
}

func (o object) template() template {
	if o.Kind == "CronJob" {
		return o.Spec.JobTemplate.Spec.Template
	}
	return o.Spec.Template
}

// meshAnnotations are those that Istio or FSM reads to divert traffic.
func (t template) meshAnnotations() map[string]string {
	read := maps.Clone(t.Metadata.Annotations)
	maps.DeleteFunc(read, func(key, _ string) bool { return !strings.HasPrefix(key, istio) && !strings.HasPrefix(key, fsm) })
	return read
}

func names(containers []container) []string {
	var names []string
	for _, container := range containers {
		names = append(names, container.Name)
	}
	return names
}

// objects are the manifests of a rendering by "Kind namespace/name".
func objects(t *testing.T, rendered string) map[string]object {
	t.Helper()
	byName := map[string]object{}
	decoder := yaml.NewDecoder(strings.NewReader(rendered))
	for {
		var document yaml.Node
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return byName
		}
		require.NoError(t, err)
		var one object
		require.NoError(t, document.Decode(&one))
		require.NoError(t, document.Decode(&one.everything))
		name := one.Kind + " " + one.Metadata.Namespace + "/" + one.Metadata.Name
		require.NotContains(t, byName, name)
		byName[name] = one
	}
}
