package fn_test

import (
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/fn"
)

// database is a spec by which calls to the database bypass the sidecar.
var database = fn.Manifest{Path: "bypass.yaml", Text: []byte(`apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata: {name: cluster}
spec:
  enforcement: {mode: AnnotationsOnly}
  global: {excludeOutboundPorts: [3306]}
`)}

var shop = fn.Manifest{Path: "shop.yaml", Text: []byte(`apiVersion: apps/v1
kind: Deployment # of the shop
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata:
      annotations:
        team: storefront
    spec:
      containers: []
`)}

// A function reads a ResourceList on standard input; kustomize and kpt send one.
func ExampleProcess() {
	output, results, err := fn.Process([]byte(`apiVersion: config.kubernetes.io/v1
kind: ResourceList
items:
- {apiVersion: v1, kind: Service, metadata: {name: web}}
functionConfig:
  apiVersion: krm-bypass.dev/v1alpha1
  kind: ClusterBypass
  spec:
    global: {excludeOutboundPort: [3306]}
`), fn.Options{})
	fmt.Println(results.Failed(), errors.Is(err, fn.ErrFailed), len(output) > 0)
	fmt.Print(results.Report())
	// Output:
	// true true true
	// error: ClusterBypass: spec.global.excludeOutboundPort: unknown field "excludeOutboundPort": did you mean excludeOutboundPorts?
}

func ExampleManifests() {
	files, _, err := fn.Manifests(fn.SpecIn(database), []fn.Manifest{shop}, fn.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(string(files[0].Text))
	// Output:
	// apiVersion: apps/v1
	// kind: Deployment # of the shop
	// metadata: {name: web, namespace: shop, annotations: {krm-bypass.dev/last-applied: '{"v":2,"spec":"cluster","wrote":{"krm-bypass.dev/policy":"ee555180a8e7f0f5","traffic.sidecar.istio.io/excludeOutboundPorts":"75b28eb647bd5b3e"},"created":["metadata.annotations"],"sum":"523d624260b7cdf6"}'}}
	// spec:
	//   template:
	//     metadata:
	//       annotations:
	//         team: storefront
	//         traffic.sidecar.istio.io/excludeOutboundPorts: "3306"
	//         krm-bypass.dev/policy: v1:8cffb4afbad282d7
	//     spec:
	//       containers: []
}

// The spec may be a Go value. It is validated as a text is.
func ExampleNodes() {
	bypass := v1alpha1.ClusterBypass{Spec: v1alpha1.Spec{
		Enforcement: &v1alpha1.Enforcement{Mode: "annotations"},
		Global:      &v1alpha1.GlobalRule{Traffic: v1alpha1.Traffic{ExcludeOutboundPorts: v1alpha1.PortList{"3306"}}},
	}}
	var object yaml.Node
	if err := yaml.Unmarshal(shop.Text, &object); err != nil {
		fmt.Println(err)
		return
	}
	_, err := fn.Nodes(fn.SpecOf(bypass), []*yaml.Node{&object}, fn.Options{})
	var failed *fn.FailedError
	if errors.As(err, &failed) {
		fmt.Print(failed.Results.Report())
	}
	// Output:
	// error: ClusterBypass: spec.enforcement.mode: "annotations" is not valid: did you mean AnnotationsOnly?
}

func ExampleCheck() {
	checked, err := fn.Check(fn.SpecIn(database), []fn.Manifest{shop}, fn.Options{}, fn.Expiry{Today: "2026-11-27"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, object := range checked.Objects {
		for _, d := range object.Differences {
			fmt.Printf("%s:%d: %s: %s\n", object.File, d.Line, d.Path, d.Kind)
		}
	}
	// Output:
	// shop.yaml:8: spec.template.metadata.annotations["traffic.sidecar.istio.io/excludeOutboundPorts"]: missing
	// shop.yaml:8: spec.template.metadata.annotations["krm-bypass.dev/policy"]: missing
}

func ExampleExplain() {
	explained, err := fn.Explain(fn.SpecIn(database), []fn.Manifest{shop}, fn.Options{}, "")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, w := range explained.Workloads {
		for _, field := range w.Fields {
			for _, entry := range field.Entries {
				fmt.Printf("%s %s: %s %s, by %s in %s:%d\n", w.Kind, w.Name, field.Field, entry.Entry, entry.From.Path, entry.From.File, entry.From.Line)
			}
		}
	}
	// Output:
	// Deployment web: excludeOutboundPorts 3306, by spec.global.excludeOutboundPorts[0] in bypass.yaml:6
}
