package spec

import (
	"cmp"
	"reflect"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
)

// DefaultMesh is the mesh of a spec that names none.
const DefaultMesh = "Istio"

// fill gives a value to every field that has a default and is not set.
func fill(c *v1alpha1.ClusterBypass) {
	identify(c)
	s := &c.Spec
	if s.Enforcement == nil {
		s.Enforcement = &v1alpha1.Enforcement{}
	}
	e := s.Enforcement
	for _, each := range []reflect.Value{reflect.ValueOf(s).Elem(), reflect.ValueOf(e).Elem()} {
		for _, f := range FieldsOf(each.Type()) {
			if field := each.FieldByIndex(f.index); f.Default != "" && field.String() == "" {
				field.SetString(f.Default)
			}
		}
	}
	if e.Resources == nil {
		// Programming 10,000 ranges takes less than 24 MiB and a few
		// hundredths of a second (make bench). Limits and requests are equal,
		// since one container in which they are not takes a pod out of the
		// class Guaranteed, and its processors with it (Kubernetes'
		// pkg/apis/core/v1/helper/qos). A pod asks for the most of its init
		// containers or the sum of the others, so that this adds to few.
		small := map[string]v1alpha1.Quantity{"cpu": "50m", "memory": "64Mi"}
		e.Resources = &v1alpha1.Resources{Limits: small, Requests: small}
	}
}

// identify says what the object is where it does not say so itself.
func identify(c *v1alpha1.ClusterBypass) {
	c.APIVersion, c.Kind = cmp.Or(c.APIVersion, v1alpha1.APIVersion), cmp.Or(c.Kind, v1alpha1.Kind)
}
