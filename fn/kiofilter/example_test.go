package kiofilter_test

import (
	"fmt"
	"os"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/kio"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/fn/kiofilter"
)

func ExampleFilter() {
	deployment := `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {spec: {containers: []}}}
`
	err := kio.Pipeline{
		Inputs: []kio.Reader{&kio.ByteReader{Reader: strings.NewReader(deployment)}},
		Filters: []kio.Filter{&kiofilter.Filter{Spec: fn.SpecOf(v1alpha1.ClusterBypass{Spec: v1alpha1.Spec{
			Enforcement: &v1alpha1.Enforcement{Mode: "AnnotationsOnly"},
			Global:      &v1alpha1.GlobalRule{Traffic: v1alpha1.Traffic{ExcludeOutboundPorts: v1alpha1.PortList{"3306"}}},
		}})}},
		Outputs: []kio.Writer{kio.ByteWriter{Writer: os.Stdout}},
	}.Execute()
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// apiVersion: apps/v1
	// kind: Deployment
	// metadata: {name: web, annotations: {krm-bypass.dev/last-applied: '{"v":2,"wrote":{"krm-bypass.dev/policy":"ee555180a8e7f0f5","traffic.sidecar.istio.io/excludeOutboundPorts":"75b28eb647bd5b3e"},"created":["metadata.annotations","spec.template.metadata","spec.template.metadata.annotations"],"sum":"0f07606fa8864a0b"}'}}
	// spec: {template: {spec: {containers: []}, metadata: {annotations: {traffic.sidecar.istio.io/excludeOutboundPorts: "3306", krm-bypass.dev/policy: "v1:8cffb4afbad282d7"}}}}
}
