package cluster

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/lab"
)

// ofOthers are examples of kinds that other tools define, each with the tool's own
// definitions of them.
var ofOthers = []struct {
	definitions lab.Borrowed
	files       []string // below examples
	objects     int      // how many of theirs are of these kinds
}{
	{
		definitions: lab.Borrowed{
			Module: "github.com/fluxcd/source-controller", Version: "v1.9.6", Sum: "h1:nG534/bI6nVpyHra7ONAk6xDB3xPsVT+EOLHZHXPrrc=",
			Package: "config/crd/bases", Files: []string{"source.toolkit.fluxcd.io_gitrepositories.yaml", "source.toolkit.fluxcd.io_ocirepositories.yaml"},
		},
		files: []string{"flux/artifact.yaml", "flux/branch.yaml"}, objects: 2,
	},
	{
		definitions: lab.Borrowed{
			Module: "github.com/fluxcd/kustomize-controller", Version: "v1.9.6", Sum: "h1:XB+G3A0mky0j5uVHZWv4oSlS2RvZBoNIUhstIvY0JKE=",
			Package: "config/crd/bases", Files: []string{"kustomize.toolkit.fluxcd.io_kustomizations.yaml"},
		},
		files: []string{"flux/artifact.yaml", "flux/branch.yaml"}, objects: 2,
	},
	{
		definitions: lab.Borrowed{
			Module: "github.com/kyverno/api", Version: "v0.0.1-alpha.3.0.20260723090831-fb2785727f98", Sum: "h1:wGbyqQNc5wnHXq73aclvBje80lQvYDnqZCF967m+zEU=",
			Package: "config/crds", Files: []string{"policies.kyverno.io_policyexceptions.yaml", "policies.kyverno.io_validatingpolicies.yaml"},
		},
		files: []string{"policies/kyverno.yaml"}, objects: 2,
	},
	{
		definitions: lab.Borrowed{
			Module: "github.com/open-policy-agent/gatekeeper/v3", Version: "v3.23.1", Sum: "h1:njHTm0SJ6ZEhhEgmQTpJKTGQbc99fSs4hGiEp1OIKck=",
			Package: "config/crd/bases", Files: []string{"constrainttemplate-customresourcedefinition.yaml"},
		},
		files: []string{"policies/gatekeeper.yaml"}, objects: 1,
	},
}

// TestExamplesForOtherTools asks the server, as the definitions of these tools have it,
// whether every field of such an example is known and every value is right.
func TestExamplesForOtherTools(t *testing.T) {
	makeNamespace(t, "flux-system")
	makeNamespace(t, "kyverno")
	defined := make([]map[groupKind]bool, len(ofOthers))
	for i, of := range ofOthers {
		contents, err := of.definitions.Contents(repository)
		require.NoError(t, err)
		defined[i] = map[groupKind]bool{}
		for _, text := range contents {
			definition := create(t, manifestsOf(t, string(text))[0])
			defined[i][groupKind{definition.Text("spec", "group"), definition.Text("spec", "names", "kind")}] = true
		}
	}
	for i, of := range ofOthers {
		asked := 0
		for _, file := range of.files {
			text, err := os.ReadFile(filepath.Join(repository, "examples", file))
			require.NoError(t, err)
			for _, object := range manifestsOf(t, string(text)) {
				key, version := typeOf(object)
				if !defined[i][key] {
					continue
				}
				asked++
				awaitServed(t, key, version)
				create := func() error {
					_, err := server.Request(t.Context(), http.MethodPost, pathOf(t, object)+"?dryRun=All&fieldValidation=Strict", object)
					return err
				}
				assert.NoError(t, create(), file)
				below(object, "spec")["intervals"] = "5m"
				assert.ErrorContains(t, create(), "spec.intervals", "it looks at every field")
			}
		}
		assert.Equal(t, of.objects, asked, of.definitions.Module)
	}
}
