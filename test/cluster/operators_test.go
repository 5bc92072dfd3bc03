package cluster

import (
	"fmt"
	"net/http"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	known "github.com/krm-bypass/krm-bypass/internal/kinds"
	"github.com/krm-bypass/krm-bypass/test/cluster/controlplane"
)

// goldensOfOperators are those of the kinds of which operators make pods.
const goldensOfOperators = "testdata/golden/operators"

// TestOperators applies what the goldens of operators' kinds come to, where the server
// judges by the operators' own definitions: it has to take every object, and to keep all
// of it. A field that a definition does not know it would take and drop; here that is an
// error.
func TestOperators(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(repository, goldensOfOperators, "*/expected.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	goldens := map[string][]controlplane.Object{}
	of := map[groupKind][]controlplane.Object{}
	for _, path := range paths {
		objects, err := readManifests(path)
		require.NoError(t, err)
		if !slices.ContainsFunc(objects, func(o controlplane.Object) bool { return o.Text("metadata", "annotations", recordAnnotation) != "" }) {
			continue // of a kind that is left alone
		}
		goldens[filepath.Base(filepath.Dir(path))] = objects
		for _, object := range objects {
			key, _ := typeOf(object)
			of[key] = append(of[key], object)
		}
	}
	defined := definitionsOf(t, of)
	for key, definition := range defined {
		kind, _ := known.Find(key.group, key.kind)
		assert.Equal(t, definition.Text("spec", "names", "plural"), kind.Resource())
		if short, _ := definition.Field("spec", "names", "shortNames").([]any); short != nil && kind.Short != "" {
			assert.Contains(t, short, kind.Short, "%v", key)
		}
	}
	install(t, defined)

	kept := 0
	for name, objects := range goldens {
		t.Run(name, func(t *testing.T) {
			for _, object := range objects {
				key, version := typeOf(object)
				if !assert.NotNil(t, defined[key], "no file in the table says how %v is defined", key) {
					return
				}
				form := object.Text("metadata", "name")
				resources, err := server.Resources(t.Context(), key.group+"/"+version)
				require.NoError(t, err)
				path := resources[key.kind].Path(key.group+"/"+version, "default") + "/" + form
				delete(below(object, "metadata"), "namespace")
				answer, err := server.Send(t.Context(), http.MethodPatch, "application/apply-patch+yaml", path+"?fieldManager=test&fieldValidation=Strict", object)
				if assert.NoError(t, err, form) {
					assert.Empty(t, dropped(map[string]any(object), map[string]any(answer.Object), ""), "what the server does not keep of %s", form)
					kept++
				}
			}
		})
	}
	t.Logf("the server takes %d objects of %d kinds, and keeps all that is in them", kept, len(defined))
}

func typeOf(object controlplane.Object) (key groupKind, version string) {
	group, version, _ := strings.Cut(object.Text("apiVersion"), "/")
	return groupKind{group, object.Text("kind")}, version
}

// dropped lists what is not, or is not the same, in what the server has. What it adds
// are its defaults.
func dropped(sent, has any, path string) (all []string) {
	switch sent := sent.(type) {
	case map[string]any:
		fields, _ := has.(map[string]any)
		for key, value := range sent {
			all = append(all, dropped(value, fields[key], path+"."+key)...)
		}
		return all
	case []any:
		if items, _ := has.([]any); len(items) == len(sent) {
			for i := range sent {
				all = append(all, dropped(sent[i], items[i], fmt.Sprintf("%s[%d]", path, i))...)
			}
			return all
		}
	}
	if fmt.Sprint(sent) != fmt.Sprint(has) || reflect.TypeOf(has) == nil {
		all = append(all, path)
	}
	return all
}
