package e2e_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/test/lab"
)

// rendered returns the arguments of krm-bypass-init in a workload ("Kind/name")
// of an example, as the real pipeline writes them; none where it writes no such
// container. Each example is rendered once.
func rendered(example, workload string) func(*testing.T) []string {
	return func(t *testing.T) []string {
		t.Helper()
		workloads, err := render(example)
		require.NoError(t, err)
		arguments, found := workloads[workload]
		require.True(t, found, "examples/%s has no %s", example, workload)
		return arguments
	}
}

// renders keeps what an example was rendered to; the function knows nothing
// that changes between two runs of the tests.
var renders sync.Map

func render(example string) (map[string][]string, error) {
	once, _ := renders.LoadOrStore(example, sync.OnceValues(func() (map[string][]string, error) {
		return build(example)
	}))
	return once.(func() (map[string][]string, error))()
}

func build(example string) (map[string][]string, error) {
	root, err := lab.RepositoryRoot()
	if err != nil {
		return nil, err
	}
	kustomize := filepath.Join(root, ".cache", "bin", "kustomize")
	command := exec.Command(kustomize, "build", "--enable-alpha-plugins", "--enable-exec", filepath.Join(root, "examples", example))
	var output, complaints bytes.Buffer
	command.Stdout, command.Stderr = &output, &complaints
	if err := command.Run(); err != nil {
		return nil, fmt.Errorf("rendering examples/%s: %w (make build tools makes what it needs)\n%s", example, err, complaints.Bytes())
	}
	return initArguments(&output)
}

// object is as much of a workload as leads to its init containers.
type object struct {
	Kind     string
	Metadata struct {
		Name, Namespace string
		annotated       `yaml:",inline"`
	}
	Spec struct {
		Template    template
		JobTemplate struct{ Spec struct{ Template template } } `yaml:"jobTemplate"`
	}
}

type annotated struct{ Annotations map[string]string }

type template struct {
	Metadata annotated
	Spec     struct {
		InitContainers []struct {
			Name string
			Args []string
		} `yaml:"initContainers"`
	}
}

// arguments are those of krm-bypass-init; none without it.
func (t template) arguments() []string {
	for _, container := range t.Spec.InitContainers {
		if container.Name == "krm-bypass-init" {
			return container.Args
		}
	}
	return nil
}

func initArguments(documents io.Reader) (map[string][]string, error) {
	arguments := map[string][]string{}
	decoder := yaml.NewDecoder(documents)
	for {
		var object object
		err := decoder.Decode(&object)
		if errors.Is(err, io.EOF) {
			return arguments, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading the rendered workloads: %w", err)
		}
		key := strings.Join([]string{object.Kind, object.Metadata.Name}, "/")
		arguments[key] = nil
		for _, template := range []template{object.Spec.Template, object.Spec.JobTemplate.Spec.Template} {
			arguments[key] = append(arguments[key], template.arguments()...)
		}
	}
}
