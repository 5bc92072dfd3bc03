package readers

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// TestNamesOfPortsAreKubernetes has drawn names, which a spec takes where Kubernetes lets
// a container port have them.
func TestNamesOfPortsAreKubernetes(t *testing.T) {
	valid := 0
	letters := []string{"a", "z", "0", "9", "http", "-", "-", "--", "A", "_", ".", "é"}
	draw := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		name := ""
		for range draw.IntN(10) {
			name += letters[draw.IntN(len(letters))]
		}
		wrong := validation.IsValidPortName(name)
		if _, err := traffic.ParsePorts(name); err == nil {
			wrong = nil // a number or a range, which is no name
		}
		source, err := spec.In(yamltext.File{Path: "bypass.yaml", Text: fmt.Appendf(nil, "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nspec: {global: {excludeInboundPorts: [%q]}}\n", name)})
		if err == nil {
			_, err = source.Read(spec.Given{})
		}
		assert.Equal(t, wrong == nil, err == nil, "%q: %v; %v", name, wrong, err)
		if wrong == nil {
			valid++
		}
	}
	assert.Greater(t, valid, 100)
}
