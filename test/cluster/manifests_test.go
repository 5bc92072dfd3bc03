package cluster

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	known "github.com/krm-bypass/krm-bypass/internal/kinds"
	"github.com/krm-bypass/krm-bypass/test/cluster/controlplane"
)

// decode reads a stream of manifests. The items of a list, be it a ResourceList,
// count as manifests of their own, and what stands beside them is not read.
func decode(stream string) ([]controlplane.Object, error) {
	var objects []controlplane.Object
	decoder := yaml.NewDecoder(strings.NewReader(stream))
	for {
		var document yaml.Node
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, err
		}
		if objects, err = appendManifests(objects, &document); err != nil {
			return nil, err
		}
	}
}

func appendManifests(objects []controlplane.Object, node *yaml.Node) ([]controlplane.Object, error) {
	var list struct {
		Kind  string
		Items []yaml.Node
	}
	if err := node.Decode(&list); err == nil && strings.HasSuffix(list.Kind, "List") {
		for i := range list.Items {
			if objects, err = appendManifests(objects, &list.Items[i]); err != nil {
				return nil, err
			}
		}
		return objects, nil
	}
	var object map[string]any
	if err := node.Decode(&object); err != nil || object == nil {
		return objects, err
	}
	return append(objects, inJSON(object).(map[string]any)), nil
}

// inJSON gives a value as JSON has it, where every key is a string.
func inJSON(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for key, field := range value {
			value[key] = inJSON(field)
		}
	case map[any]any:
		fields := map[string]any{}
		for key, field := range value {
			fields[fmt.Sprint(key)] = inJSON(field)
		}
		return fields
	case []any:
		for i, item := range value {
			value[i] = inJSON(item)
		}
	}
	return value
}

// prepare puts into the cluster what has to be there before the objects: the
// namespaces that they name and are not among them, and definitions of kinds that are not Kubernetes'
// own.
func prepare(t *testing.T, objects []controlplane.Object) {
	t.Helper()
	versions := map[groupKind]map[string]bool{}
	for _, object := range objects {
		namespace := object.Text("metadata", "namespace")
		among := slices.ContainsFunc(objects, func(o controlplane.Object) bool {
			return o.Text("kind") == "Namespace" && o.Text("metadata", "name") == namespace
		})
		if namespace != "" && !among {
			makeNamespace(t, namespace)
		}
		group, version, grouped := strings.Cut(object.Text("apiVersion"), "/")
		key := groupKind{group, object.Text("kind")}
		switch {
		case !grouped || key.kind == "" || ofKubernetes(group):
			// Kubernetes' own, or nobody's.
		case versions[key] == nil:
			versions[key] = map[string]bool{version: true}
		default:
			versions[key][version] = true
		}
	}
	for key, of := range versions {
		define(t, key.group, key.kind, slices.Sorted(maps.Keys(of)))
	}
	// It takes the server two seconds, for one of them as for many.
	for key, of := range versions {
		for version := range of {
			awaitServed(t, key, version)
		}
	}
}

type groupKind struct{ group, kind string }

func awaitServed(t *testing.T, key groupKind, version string) {
	t.Helper()
	require.Eventually(t, func() bool {
		resources, err := server.Resources(t.Context(), key.group+"/"+version)
		return err == nil && resources[key.kind].Name != ""
	}, time.Minute, 50*time.Millisecond, "%s of %s/%s is served", key.kind, key.group, version)
}

func makeNamespace(t *testing.T, name string) {
	t.Helper()
	_, err := server.Request(t.Context(), http.MethodPost, "/api/v1/namespaces", controlplane.Object{
		"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name},
	})
	if !refused(err, http.StatusConflict) {
		require.NoError(t, err)
	}
}

// ofKubernetes reports whether the API group is one of Kubernetes' own, for which
// nobody else may define a kind.
func ofKubernetes(group string) bool {
	return !strings.Contains(group, ".") || strings.HasSuffix(group, ".k8s.io") || strings.HasSuffix(group, ".kubernetes.io")
}

const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

// define makes the server take any object for a kind's, in these versions and in
// those that it knows already, a little later.
func define(t *testing.T, group, kind string, versions []string) {
	t.Helper()
	k, _ := known.Find(group, kind)
	plural := known.Kind{Kind: kind, Plural: k.Plural}.Resource()
	path := definitions + "/" + plural + "." + group
	known, err := server.Request(t.Context(), http.MethodGet, path, nil)
	exists := !refused(err, http.StatusNotFound)
	if exists {
		require.NoError(t, err)
		of, _ := known.Object.Field("spec", "versions").([]any)
		for _, version := range of {
			versions = append(versions, controlplane.Object(version.(map[string]any)).Text("name"))
		}
		slices.Sort(versions)
		versions = slices.Compact(versions)
	}
	var of []any
	for i, version := range versions {
		of = append(of, map[string]any{
			"name": version, "served": true, "storage": i == len(versions)-1,
			"schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
		})
	}
	if exists {
		_, err = server.Request(t.Context(), http.MethodPatch, path, controlplane.Object{"spec": map[string]any{"versions": of}})
	} else {
		_, err = server.Request(t.Context(), http.MethodPost, definitions, controlplane.Object{
			"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
			"metadata": map[string]any{"name": plural + "." + group},
			"spec": map[string]any{
				"group": group, "scope": "Namespaced", "versions": of,
				"names": map[string]any{"kind": kind, "plural": plural},
			},
		})
	}
	require.NoError(t, err)
}

// refused reports whether the server answered with the HTTP status.
func refused(err error, code int) bool {
	var refusal *controlplane.Refusal
	return errors.As(err, &refusal) && refusal.Code == code
}
